// Made from the library's tables by bindings/jni/tests/java_tables.rs; DUO_UPDATE=1 writes it.
package io.duochain;

/** -21: An earlier panic or failed write left the object unusable; close and reopen it. */
public final class PoisonedException extends FatalException {
    private static final long serialVersionUID = 1L;

    PoisonedException(String message) {
        super(Code.POISONED, message);
    }
}
