package io.duochain;

/** How far a transaction got. */
public enum TxState {
    /** In no block: never seen, still queued, or refused. */
    UNKNOWN,
    /** In a durable block that is not final yet. */
    INCLUDED,
    /** In a final block. */
    FINAL;

    private static final TxState[] ALL = values();

    static TxState of(int number) {
        return ALL[number];
    }
}
