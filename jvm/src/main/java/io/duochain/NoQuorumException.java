// Made from the library's tables by bindings/jni/tests/java_tables.rs; DUO_UPDATE=1 writes it.
package io.duochain;

/** -14: Too few nodes answer. */
public final class NoQuorumException extends RetryableException {
    private static final long serialVersionUID = 1L;

    NoQuorumException(String message) {
        super(Code.NO_QUORUM, message);
    }
}
