package io.duochain;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.HexFormat;
import java.util.List;

/**
 * What an entry of a {@link ReplicatedLog} is known by beside its session: 32 bytes that its maker chooses, a hash of it for
 * example. Of entries with the same one the first is read.
 */
public final class EntryId extends Hex {
    /** Eight bytes each, in the order of this machine. */
    static final int WORDS = BYTES / Long.BYTES;

    /**
     * From its bytes, which must not all be zero: that is an entry without one.
     *
     * @throws IllegalArgumentException unless there are 32, and one that is not zero
     */
    public EntryId(byte[] bytes) {
        super(bytes);
        for (byte one : bytes) {
            if (one != 0) {
                return;
            }
        }
        throw new IllegalArgumentException("zeros are no id");
    }

    /**
     * From 64 hexadecimal digits.
     *
     * @throws IllegalArgumentException if it is anything else, or zeros
     */
    public static EntryId of(String text) {
        return new EntryId(HexFormat.of().parseHex(text));
    }

    /** One, or none where the words from {@code at} on are zeros. */
    static List<EntryId> read(long[] words, int at) {
        if ((words[at] | words[at + 1] | words[at + 2] | words[at + 3]) == 0) {
            return List.of();
        }
        ByteBuffer bytes = ByteBuffer.allocate(BYTES).order(ByteOrder.nativeOrder());
        for (int word = 0; word < WORDS; word++) {
            bytes.putLong(words[at + word]);
        }
        return List.of(new EntryId(bytes.array()));
    }

    /** End to end, zeros for {@code null}. */
    static byte[] joined(List<EntryId> ids) {
        byte[] flat = new byte[ids.size() * BYTES];
        for (int at = 0; at < ids.size(); at++) {
            EntryId id = ids.get(at);
            if (id != null) {
                System.arraycopy(id.bytes(), 0, flat, at * BYTES, BYTES);
            }
        }
        return flat;
    }
}
