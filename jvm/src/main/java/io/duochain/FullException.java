// Made from the library's tables by bindings/jni/tests/java_tables.rs; DUO_UPDATE=1 writes it.
package io.duochain;

/** 1: Full on the way in, or empty on the way out: try again later. */
public final class FullException extends RetryableException {
    private static final long serialVersionUID = 1L;

    FullException(String message) {
        super(Code.AGAIN, message);
    }
}
