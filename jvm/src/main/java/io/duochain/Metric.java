package io.duochain;

import java.util.Optional;

/**
 * One value of {@link Node#metrics()}.
 *
 * @param name name without the suffix that the text form adds to counters
 * @param chain the chain it is about; empty for the node
 * @param kind how it moves
 * @param value the value
 * @param help what it is, with its unit
 */
public record Metric(String name, Optional<Chain> chain, Kind kind, double value, String help) {

    /** How a value moves. */
    public enum Kind {
        /** Only grows while the node is open. */
        COUNTER,
        /** Moves both ways. */
        GAUGE
    }
}
