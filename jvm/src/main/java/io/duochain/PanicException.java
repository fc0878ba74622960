// Made from the library's tables by bindings/jni/tests/java_tables.rs; DUO_UPDATE=1 writes it.
package io.duochain;

/** -22: The library hit a bug while serving this call; the handle is poisoned. */
public final class PanicException extends FatalException {
    private static final long serialVersionUID = 1L;

    PanicException(String message) {
        super(Code.PANIC, message);
    }
}
