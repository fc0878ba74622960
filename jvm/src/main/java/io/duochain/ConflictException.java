// Made from the library's tables by bindings/jni/tests/java_tables.rs; DUO_UPDATE=1 writes it.
package io.duochain;

/** -15: The stored value is not the expected one. */
public final class ConflictException extends CallerException {
    private static final long serialVersionUID = 1L;

    ConflictException(String message) {
        super(Code.CONFLICT, message);
    }
}
