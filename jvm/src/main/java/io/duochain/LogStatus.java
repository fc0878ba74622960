package io.duochain;

import java.util.Optional;
import java.util.OptionalLong;

/**
 * Where a node of a {@link ReplicatedLog} stands.
 *
 * @param role what it is
 * @param node its number
 * @param term its term
 * @param leader who leads, as far as it knows
 * @param leaderAddress where that is found
 * @param first the oldest entry that it still has
 * @param last the end of its log
 * @param durable everything up to here is on its disk
 * @param commit everything up to here is committed
 * @param uncommittedBytes bytes that wait to be committed; of a leader
 * @param snapshot the last entry in its newest snapshot; 0: it has none
 * @param applied everything up to here can be read here; 0 while an opening goes through its log
 * @param lastTerm the term of the last entry of its log
 * @param windowBytes bytes of the log that are in memory
 * @param changes counts changes of role, term, leader and members, from 1 when the log was opened; for
 *     {@link ReplicatedLog#awaitChange}
 * @param address where it listens: with the port that the system chose, where the options said 0
 */
public record LogStatus(
        Role role, long node, long term, OptionalLong leader, Optional<String> leaderAddress, long first, long last,
        long durable, long commit, long uncommittedBytes, long snapshot, long applied, long lastTerm, long windowBytes,
        long changes, String address) {

    LogStatus(Wire wire) {
        this(Role.of(wire.i32()), wire.i64(), wire.i64(), known(wire.i64()), new long[] {
            wire.i64(), wire.i64(), wire.i64(), wire.i64(), wire.i64(), wire.i64(), wire.i64(), wire.i64(), wire.i64(),
            wire.i64()}, wire.text(), wire.text());
    }

    private LogStatus(
            Role role, long node, long term, OptionalLong leader, long[] rest, String leaderAddress, String address) {
        this(role, node, term, leader, Optional.of(leaderAddress).filter(text -> !text.isEmpty()),
                rest[0], rest[1], rest[2], rest[3], rest[4], rest[5], rest[6], rest[7], rest[8], rest[9], address);
    }

    private static OptionalLong known(long leader) {
        return leader == 0 ? OptionalLong.empty() : OptionalLong.of(leader);
    }

    /** What a node is. */
    public enum Role {
        /** Takes entries from a leader, or waits for one. */
        FOLLOWER(LogNumbers.FOLLOWER),
        /** Asks for votes. */
        CANDIDATE(LogNumbers.CANDIDATE),
        /** Decides what is in the log. */
        LEADER(LogNumbers.LEADER);

        private static final Role[] ALL = values();

        private final int number;

        Role(int number) {
            this.number = number;
        }

        static Role of(int number) {
            for (Role role : ALL) {
                if (role.number == number) {
                    return role;
                }
            }
            throw new IllegalStateException("role " + number + " is of a newer library");
        }
    }
}
