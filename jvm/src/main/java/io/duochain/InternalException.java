// Made from the library's tables by bindings/jni/tests/java_tables.rs; DUO_UPDATE=1 writes it.
package io.duochain;

/** -99: An unexpected failure inside the library. */
public final class InternalException extends FatalException {
    private static final long serialVersionUID = 1L;

    InternalException(String message) {
        super(Code.INTERNAL, message);
    }
}
