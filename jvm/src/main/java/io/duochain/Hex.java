package io.duochain;

import java.util.Arrays;
import java.util.HexFormat;

/** Thirty-two bytes that never change: the shape of every hash and id. */
abstract sealed class Hex permits EntryId, Hash, TxId {
    static final int BYTES = 32;

    private final byte[] bytes;

    Hex(byte[] bytes) {
        if (bytes.length != BYTES) {
            throw new IllegalArgumentException(bytes.length + " bytes; it has to be " + BYTES);
        }
        this.bytes = bytes.clone();
    }

    /** A copy of its bytes. */
    public final byte[] bytes() {
        return bytes.clone();
    }

    @Override
    public final boolean equals(Object other) {
        return other != null && other.getClass() == getClass() && Arrays.equals(bytes, ((Hex) other).bytes);
    }

    @Override
    public final int hashCode() {
        return Arrays.hashCode(bytes);
    }

    /** Lower-case hexadecimal. */
    @Override
    public final String toString() {
        return HexFormat.of().formatHex(bytes);
    }
}
