// Made from the library's tables by bindings/jni/tests/java_tables.rs; DUO_UPDATE=1 writes it.
package io.duochain;

/** -13: Another node leads. */
public final class NotLeaderException extends RetryableException {
    private static final long serialVersionUID = 1L;

    NotLeaderException(String message) {
        super(Code.NOT_LEADER, message);
    }

    /** The node that leads; empty when nobody is known to. */
    public java.util.OptionalLong leader() {
        return detail() == 0 ? java.util.OptionalLong.empty() : java.util.OptionalLong.of(detail());
    }
}
