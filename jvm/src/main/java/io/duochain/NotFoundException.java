// Made from the library's tables by bindings/jni/tests/java_tables.rs; DUO_UPDATE=1 writes it.
package io.duochain;

/** 3: There is no such thing (yet). */
public final class NotFoundException extends CallerException {
    private static final long serialVersionUID = 1L;

    NotFoundException(String message) {
        super(Code.NOT_FOUND, message);
    }
}
