package io.duochain;

import java.util.Objects;
import java.util.Optional;

/**
 * What to follow, and from where: {@code SubscribeOptions.both().from(Start.LATEST)}. Never changes; each
 * method gives a new one.
 *
 * @param chain the one chain to follow; empty for both
 * @param start where to begin
 * @param name name of the durable cursor; empty for none
 */
public record SubscribeOptions(Optional<Chain> chain, Start start, Optional<String> name) {

    /** Where to begin. */
    public enum Start {
        /** At the oldest retained event. */
        OLDEST,
        /** After the last acknowledged event of the named cursor; at the oldest when it has none. */
        CURSOR,
        /** After the newest event. */
        LATEST
    }

    /** Both chains, each in its own order, from the oldest retained event. */
    public static SubscribeOptions both() {
        return new SubscribeOptions(Optional.empty(), Start.OLDEST, Optional.empty());
    }

    /** One chain, from the oldest retained event. */
    public static SubscribeOptions one(Chain chain) {
        return new SubscribeOptions(Optional.of(chain), Start.OLDEST, Optional.empty());
    }

    /** Beginning elsewhere. */
    public SubscribeOptions from(Start where) {
        return new SubscribeOptions(chain, Objects.requireNonNull(where, "where"), name);
    }

    /**
     * With a durable cursor, which acknowledging moves, and beginning at it. A name is 1 to 64 letters, digits,
     * dots, underscores and dashes.
     */
    public SubscribeOptions named(String cursor) {
        return new SubscribeOptions(chain, Start.CURSOR, Optional.of(cursor));
    }
}
