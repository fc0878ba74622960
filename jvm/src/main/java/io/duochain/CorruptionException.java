// Made from the library's tables by bindings/jni/tests/java_tables.rs; DUO_UPDATE=1 writes it.
package io.duochain;

/** -8: Stored data does not match its checksum, its hash or its format. */
public final class CorruptionException extends FatalException {
    private static final long serialVersionUID = 1L;

    CorruptionException(String message) {
        super(Code.CORRUPTION, message);
    }
}
