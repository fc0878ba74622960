// Made from the library's tables by bindings/jni/tests/java_tables.rs; DUO_UPDATE=1 writes it.
package io.duochain;

/** -4: This build or this object cannot do it. */
public final class UnsupportedException extends CallerException {
    private static final long serialVersionUID = 1L;

    UnsupportedException(String message) {
        super(Code.UNSUPPORTED, message);
    }
}
