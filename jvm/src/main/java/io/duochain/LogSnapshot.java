package io.duochain;

import java.nio.ByteBuffer;

/**
 * A state that a host of a {@link ReplicatedLog} gave, on this node or on another.
 *
 * @param index the last entry in it: what follows begins with the next index
 * @param state what was given, read-only
 */
public record LogSnapshot(long index, ByteBuffer state) {
    /** A copy of the state. */
    public byte[] toArray() {
        byte[] copy = new byte[state.remaining()];
        state.duplicate().get(copy);
        return copy;
    }
}
