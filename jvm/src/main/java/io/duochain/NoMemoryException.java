// Made from the library's tables by bindings/jni/tests/java_tables.rs; DUO_UPDATE=1 writes it.
package io.duochain;

/** -6: A memory bound was reached. */
public final class NoMemoryException extends RetryableException {
    private static final long serialVersionUID = 1L;

    NoMemoryException(String message) {
        super(Code.NO_MEMORY, message);
    }
}
