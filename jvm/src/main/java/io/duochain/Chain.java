package io.duochain;

/** The two chains. The numbers are permanent. */
public enum Chain {
    /** Records and privacy; one block every 15 s. */
    ALPHA(1),
    /** Accounts and programs; one block every 3 s. */
    DELTA(2);

    private final int number;

    Chain(int number) {
        this.number = number;
    }

    /** Its permanent number. */
    public int number() {
        return number;
    }

    /** From its number. */
    static Chain of(int number) {
        return switch (number) {
            case 1 -> ALPHA;
            case 2 -> DELTA;
            default -> throw new IllegalStateException("chain " + number + " is unknown");
        };
    }
}
