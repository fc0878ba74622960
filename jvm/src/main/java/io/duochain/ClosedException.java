// Made from the library's tables by bindings/jni/tests/java_tables.rs; DUO_UPDATE=1 writes it.
package io.duochain;

/** -3: The object was closed. */
public final class ClosedException extends CallerException {
    private static final long serialVersionUID = 1L;

    ClosedException(String message) {
        super(Code.CLOSED, message);
    }
}
