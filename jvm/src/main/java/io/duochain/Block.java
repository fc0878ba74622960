package io.duochain;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.AbstractList;
import java.util.List;
import java.util.Objects;
import java.util.RandomAccess;

/**
 * A block: a header of 176 bytes and its transactions, in the one encoding that disk, wire and hash share.
 *
 * <p>Reads the bytes in place; a transaction is copied when it is asked for.
 */
public final class Block {
    private static final int HEADER_BYTES = 176;
    private static final int VERSION = 1;

    private final ByteBuffer bytes;
    private final int[] offsets;

    /**
     * Reads an encoded block.
     *
     * @throws CorruptionException when the bytes are no block
     */
    public Block(byte[] encoded) {
        bytes = ByteBuffer.wrap(encoded.clone()).order(ByteOrder.LITTLE_ENDIAN).asReadOnlyBuffer()
                .order(ByteOrder.LITTLE_ENDIAN);
        int size = encoded.length;
        check(size >= HEADER_BYTES, 0, "a header has " + HEADER_BYTES + " bytes");
        check(bytes.get(0) == VERSION, 0, "version " + bytes.get(0) + " is not " + VERSION);
        check(bytes.get(1) == 1 || bytes.get(1) == 2, 1, "unknown chain");
        check(bytes.getLong(168) == size - HEADER_BYTES, 168, "the body has another length");
        int count = bytes.getInt(4);
        check(count >= 0 && count <= (size - HEADER_BYTES) / Integer.BYTES, 4, "impossible transaction count");
        offsets = new int[count + 1];
        int at = HEADER_BYTES;
        for (int index = 0; index < count; index++) {
            check(size - at >= Integer.BYTES, at, "the length of a transaction is missing");
            int length = bytes.getInt(at);
            at += Integer.BYTES;
            check(length >= 0 && length <= size - at, at - Integer.BYTES, "a transaction is longer than the body");
            offsets[index] = at;
            at += length;
        }
        check(at == size, at, "bytes after the last transaction");
        offsets[count] = at + Integer.BYTES;
    }

    private static void check(boolean fine, int offset, String fault) {
        if (!fine) {
            throw Failures.of(Code.CORRUPTION, "block: " + fault + " at offset " + offset);
        }
    }

    /** Hash of its header. */
    public Hash hash() {
        return new Hash(Natives.blockHash(encoded()));
    }

    /** Its chain. */
    public Chain chain() {
        return Chain.of(bytes.get(1));
    }

    /** Its position in the chain, from 1. */
    public long height() {
        return bytes.getLong(8);
    }

    /** Its slot. */
    public long slot() {
        return bytes.getLong(16);
    }

    /** The proposer's clock, in nanoseconds since 1970. */
    public long timeUnixNanos() {
        return bytes.getLong(24);
    }

    /** Hash of the block before; zero for height 1. */
    public Hash parent() {
        return hash(32);
    }

    /** Root of the tree over its transactions. */
    public Hash txRoot() {
        return hash(64);
    }

    /** State after the parent. */
    public Hash stateRoot() {
        return hash(96);
    }

    /** Height of the other chain's last final block that the proposer knew; 0 when none. */
    public long peerHeight() {
        return bytes.getLong(128);
    }

    /** Hash of that block. */
    public Hash peerHash() {
        return hash(136);
    }

    /** Number of transactions. */
    public int size() {
        return offsets.length - 1;
    }

    /** A copy of one transaction. */
    public byte[] transaction(int index) {
        ByteBuffer view = view(index);
        byte[] copy = new byte[view.remaining()];
        view.get(copy);
        return copy;
    }

    /** One transaction, read-only and not copied. */
    public ByteBuffer view(int index) {
        Objects.checkIndex(index, size());
        int start = offsets[index];
        return bytes.slice(start, offsets[index + 1] - Integer.BYTES - start);
    }

    /** All transactions, in order; each is copied when it is got. */
    public List<byte[]> transactions() {
        return new Transactions();
    }

    /** A copy of the encoding. */
    public byte[] encoded() {
        byte[] copy = new byte[bytes.capacity()];
        bytes.get(0, copy);
        return copy;
    }

    @Override
    public String toString() {
        return "Block[" + chain() + " " + height() + ", " + size() + " transactions]";
    }

    private Hash hash(int at) {
        byte[] hash = new byte[Hex.BYTES];
        bytes.get(at, hash);
        return new Hash(hash);
    }

    private final class Transactions extends AbstractList<byte[]> implements RandomAccess {
        @Override
        public byte[] get(int index) {
            return transaction(index);
        }

        @Override
        public int size() {
            return Block.this.size();
        }
    }
}
