// Made from the library's tables by bindings/jni/tests/java_tables.rs; DUO_UPDATE=1 writes it.
package io.duochain;

/** -11: The same transaction was accepted before. */
public final class DuplicateException extends CallerException {
    private static final long serialVersionUID = 1L;

    DuplicateException(String message) {
        super(Code.DUPLICATE, message);
    }
}
