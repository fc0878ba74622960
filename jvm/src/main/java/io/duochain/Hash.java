package io.duochain;

import java.util.HexFormat;

/** Hash of a block or a state. */
public final class Hash extends Hex {
    /**
     * From its bytes.
     *
     * @throws IllegalArgumentException unless there are 32
     */
    public Hash(byte[] bytes) {
        super(bytes);
    }

    /**
     * From 64 hexadecimal digits.
     *
     * @throws IllegalArgumentException if it is anything else
     */
    public static Hash of(String text) {
        return new Hash(HexFormat.of().parseHex(text));
    }
}
