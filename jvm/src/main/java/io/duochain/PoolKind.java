// Made from the library's tables by bindings/jni/tests/java_tables.rs; DUO_UPDATE=1 writes it.
package io.duochain;

/** What the buffers of a managed pool are for. The numbers are permanent. */
public enum PoolKind {
    /** transaction request; 5000 buffers initially. */
    TRANSACTION_REQUEST(1),
    /** block proposal; 2000 buffers initially. */
    BLOCK_PROPOSAL(2),
    /** consensus message; 10000 buffers initially. */
    CONSENSUS_MESSAGE(3),
    /** log entry; 20000 buffers initially. */
    LOG_ENTRY(4);

    private final int number;

    PoolKind(int number) {
        this.number = number;
    }

    /** Its permanent number. */
    public int number() {
        return number;
    }
}
