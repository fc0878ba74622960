// Made from the library's tables by bindings/jni/tests/java_tables.rs; DUO_UPDATE=1 writes it.
package io.duochain;

/** What happened. The numbers are permanent. */
public enum EventKind {
    /** alpha block finalized. */
    ALPHA_BLOCK_FINALIZED(1),
    /** delta block finalized. */
    DELTA_BLOCK_FINALIZED(2),
    /** sax lock attested. */
    SAX_LOCK_ATTESTED(3),
    /** sax unlocked. */
    SAX_UNLOCKED(4),
    /** governance executed. */
    GOVERNANCE_EXECUTED(5),
    /** governance expired. */
    GOVERNANCE_EXPIRED(6),
    /** epoch boundary reached. */
    EPOCH_BOUNDARY_REACHED(7),
    /** epoch aborted. */
    EPOCH_ABORTED(8),
    /** chain degraded. */
    CHAIN_DEGRADED(9),
    /** chain recovered. */
    CHAIN_RECOVERED(10),
    /** validator slashed. */
    VALIDATOR_SLASHED(11),
    /** validator jailed. */
    VALIDATOR_JAILED(12);

    private static final EventKind[] ALL = values();

    private final int number;

    EventKind(int number) {
        this.number = number;
    }

    /** Its permanent number. */
    public int number() {
        return number;
    }

    static EventKind of(int number) {
        for (EventKind kind : ALL) {
            if (kind.number == number) {
                return kind;
            }
        }
        throw new IllegalStateException("event kind " + number + " is of a newer library");
    }
}
