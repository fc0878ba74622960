package io.duochain;

import java.util.EnumSet;
import java.util.Set;

/** What a member of a {@link ReplicatedLog} is. */
public enum LogPart {
    /** Its vote counts. */
    VOTER(LogNumbers.VOTER),
    /** Its vote counts until the change under way is over. */
    OUTGOING(LogNumbers.OUTGOING),
    /** It takes the log only. */
    LEARNER(LogNumbers.LEARNER),
    /** A learner once the change under way is over. */
    DEMOTED(LogNumbers.DEMOTED);

    private final int bit;

    LogPart(int bit) {
        this.bit = bit;
    }

    /** Those whose bits are set. */
    static Set<LogPart> of(int bits) {
        Set<LogPart> parts = EnumSet.noneOf(LogPart.class);
        for (LogPart part : values()) {
            if ((bits & part.bit) != 0) {
                parts.add(part);
            }
        }
        return parts;
    }
}
