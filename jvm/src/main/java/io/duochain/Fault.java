package io.duochain;

/** Whose fault a failure is, and whether another attempt can help. */
public enum Fault {
    /** The peer's, and it may pass: try again. */
    RETRYABLE(1),
    /** The peer's, and it will not pass. */
    PERMANENT(1),
    /** The caller's: says nothing about the peer. */
    CALLER(2);

    /** What a breaker is told of it. */
    final int outcome;

    Fault(int outcome) {
        this.outcome = outcome;
    }
}
