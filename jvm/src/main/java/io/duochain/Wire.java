package io.duochain;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;

/** Reads what the native library encodes for Java: little-endian numbers and length-prefixed texts. */
final class Wire {
    private final ByteBuffer in;

    Wire(byte[] bytes) {
        in = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    }

    boolean hasMore() {
        return in.hasRemaining();
    }

    /** What is left, one after the other. */
    <T> List<T> rest(Function<Wire, T> one) {
        List<T> all = new ArrayList<>();
        while (hasMore()) {
            all.add(one.apply(this));
        }
        return all;
    }

    int u8() {
        return in.get() & 0xff;
    }

    int i32() {
        return in.getInt();
    }

    long i64() {
        return in.getLong();
    }

    double f64() {
        return in.getDouble();
    }

    byte[] bytes(int length) {
        byte[] bytes = new byte[length];
        in.get(bytes);
        return bytes;
    }

    Hash hash() {
        return new Hash(bytes(Hex.BYTES));
    }

    TxId txId() {
        return new TxId(bytes(Hex.BYTES));
    }

    String text() {
        return new String(bytes(i32()), StandardCharsets.UTF_8);
    }

    byte[] blob() {
        return bytes(i32());
    }
}
