// Made from the library's tables by bindings/jni/tests/java_tables.rs; DUO_UPDATE=1 writes it.
package io.duochain;

/** -7: The operating system refused a file or device operation. */
public final class InputOutputException extends FatalException {
    private static final long serialVersionUID = 1L;

    InputOutputException(String message) {
        super(Code.IO, message);
    }
}
