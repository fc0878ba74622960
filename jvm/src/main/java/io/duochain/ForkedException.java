// Made from the library's tables by bindings/jni/tests/java_tables.rs; DUO_UPDATE=1 writes it.
package io.duochain;

/** -20: The handle belongs to the parent process of a fork. */
public final class ForkedException extends FatalException {
    private static final long serialVersionUID = 1L;

    ForkedException(String message) {
        super(Code.FORKED, message);
    }
}
