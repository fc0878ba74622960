// Made from the library's tables by bindings/jni/tests/java_tables.rs; DUO_UPDATE=1 writes it.
package io.duochain;

/** -18: Held by somebody else: a second process on a directory, a second consumer. */
public final class BusyException extends RetryableException {
    private static final long serialVersionUID = 1L;

    BusyException(String message) {
        super(Code.BUSY, message);
    }
}
