// Made from the library's tables by bindings/jni/tests/java_tables.rs; DUO_UPDATE=1 writes it.
package io.duochain;

/** -5: The caller was compiled against another major version of the interface. */
public final class AbiMismatchException extends CallerException {
    private static final long serialVersionUID = 1L;

    AbiMismatchException(String message) {
        super(Code.ABI_MISMATCH, message);
    }
}
