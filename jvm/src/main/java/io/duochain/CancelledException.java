// Made from the library's tables by bindings/jni/tests/java_tables.rs; DUO_UPDATE=1 writes it.
package io.duochain;

/** -16: Given up before it took effect, because the caller or a close asked for it. */
public final class CancelledException extends CallerException {
    private static final long serialVersionUID = 1L;

    CancelledException(String message) {
        super(Code.CANCELLED, message);
    }
}
