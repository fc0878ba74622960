package io.duochain;

/** Service of a chain, best first. */
public enum HealthState {
    /** As it should be. */
    HEALTHY,
    /** Catching up after a fault. */
    RECOVERING,
    /** Finality is late; blocks are of half size. */
    DEGRADED,
    /** Finality does not advance. */
    STALLED;

    private static final HealthState[] ALL = values();

    /** Its permanent number. */
    public int number() {
        return ordinal() + 1;
    }

    static HealthState of(int number) {
        return ALL[number - 1];
    }
}
