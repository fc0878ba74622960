// Made from the library's tables by bindings/jni/tests/java_tables.rs; DUO_UPDATE=1 writes it.
package io.duochain;

/** -10: Larger than the configured maximum. */
public final class TooLargeException extends CallerException {
    private static final long serialVersionUID = 1L;

    TooLargeException(String message) {
        super(Code.TOO_LARGE, message);
    }
}
