// Made from the library's tables by bindings/jni/tests/java_tables.rs; DUO_UPDATE=1 writes it.
package io.duochain;

/** -19: Called from inside a callback of the library. */
public final class ReentrantException extends CallerException {
    private static final long serialVersionUID = 1L;

    ReentrantException(String message) {
        super(Code.REENTRANT, message);
    }
}
