// Made from the library's tables by bindings/jni/tests/java_tables.rs; DUO_UPDATE=1 writes it.
package io.duochain;

/** 5: A batch was accepted up to the count reported. */
public final class PartialException extends RetryableException {
    private static final long serialVersionUID = 1L;

    PartialException(String message) {
        super(Code.PARTIAL, message);
    }

    /** Of an append to a replicated log that every voter was to have: where it is committed, for ever. */
    public java.util.Optional<ReplicatedLog.Receipt> receipt() {
        return committed();
    }
}
