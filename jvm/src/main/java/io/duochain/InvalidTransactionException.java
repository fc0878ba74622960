// Made from the library's tables by bindings/jni/tests/java_tables.rs; DUO_UPDATE=1 writes it.
package io.duochain;

/** -12: The transaction is not acceptable, for example empty. */
public final class InvalidTransactionException extends CallerException {
    private static final long serialVersionUID = 1L;

    InvalidTransactionException(String message) {
        super(Code.INVALID_TX, message);
    }
}
