// Made from the library's tables by bindings/jni/tests/java_tables.rs; DUO_UPDATE=1 writes it.
package io.duochain;

/** 4: Closed, and everything that was accepted has been handed out. */
public final class EndException extends CallerException {
    private static final long serialVersionUID = 1L;

    EndException(String message) {
        super(Code.END, message);
    }
}
