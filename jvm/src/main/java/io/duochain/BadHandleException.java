// Made from the library's tables by bindings/jni/tests/java_tables.rs; DUO_UPDATE=1 writes it.
package io.duochain;

/** -2: The handle was never given out, is of another kind, or was freed. */
public final class BadHandleException extends CallerException {
    private static final long serialVersionUID = 1L;

    BadHandleException(String message) {
        super(Code.BAD_HANDLE, message);
    }
}
