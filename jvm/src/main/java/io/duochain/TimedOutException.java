// Made from the library's tables by bindings/jni/tests/java_tables.rs; DUO_UPDATE=1 writes it.
package io.duochain;

/** 2: The time given to a waiting call ran out. */
public final class TimedOutException extends RetryableException {
    private static final long serialVersionUID = 1L;

    TimedOutException(String message) {
        super(Code.TIMEOUT, message);
    }
}
