// Made from the library's tables by bindings/jni/tests/java_tables.rs; DUO_UPDATE=1 writes it.
package io.duochain;

/** -1: An argument is NULL, out of range or malformed. */
public final class InvalidArgumentException extends CallerException {
    private static final long serialVersionUID = 1L;

    InvalidArgumentException(String message) {
        super(Code.INVALID_ARGUMENT, message);
    }
}
