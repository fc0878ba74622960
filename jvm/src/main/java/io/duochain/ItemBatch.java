package io.duochain;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Objects;

/**
 * Transactions that cross out of the library in one call. Lies outside the Java heap and is meant to be
 * {@linkplain TxQueue#drain(ItemBatch) filled} and read again and again by one thread. Freed by the collector.
 *
 * <pre>{@code
 * ItemBatch batch = new ItemBatch(256, 1 << 16);
 * while (queue.drain(batch) > 0) {
 *     for (int i = 0; i < batch.count(); i++) {
 *         long account = batch.bytes().getLong(batch.offset(i));
 *     }
 * }
 * }</pre>
 */
public final class ItemBatch {
    /** Most transactions of one batch. */
    public static final int COUNT_MAX = 65_536;

    // duo_item of the C header.
    private static final int ITEM_BYTES = 40;
    private static final int LENGTH_AT = 8;
    private static final int SEQUENCE_AT = 24;
    private static final int LANE_AT = 32;

    // Two parts in one piece of memory: items, bytes.
    private final ByteBuffer memory;
    private final ByteBuffer bytes;
    private final long address;
    private final int capacity;
    private int count;

    /**
     * An empty batch.
     *
     * @param count most transactions
     * @param bytes most bytes of all transactions together
     */
    public ItemBatch(int count, int bytes) {
        if (count < 1 || count > COUNT_MAX) {
            throw new IllegalArgumentException(count + " transactions; 1 to " + COUNT_MAX + " are allowed");
        }
        int head = count * ITEM_BYTES;
        this.memory = ByteBuffer.allocateDirect(Math.addExact(head, bytes)).order(ByteOrder.nativeOrder());
        this.bytes = memory.slice(head, bytes).order(ByteOrder.LITTLE_ENDIAN);
        this.address = Natives.address(memory);
        this.capacity = count;
    }

    /** Transactions in it. */
    public int count() {
        return count;
    }

    /** A transaction, copied. */
    public byte[] get(int index) {
        byte[] transaction = new byte[length(index)];
        bytes.get(offset(index), transaction);
        return transaction;
    }

    /** All bytes, to be read by absolute positions. Little-endian. */
    public ByteBuffer bytes() {
        return bytes;
    }

    /** Where a transaction begins in {@link #bytes()}. */
    public int offset(int index) {
        return (int) memory.getLong(at(index));
    }

    /** Bytes of a transaction. */
    public int length(int index) {
        return (int) memory.getLong(at(index) + LENGTH_AT);
    }

    /** Position of a transaction in its lane, from 0. */
    public long sequence(int index) {
        return memory.getLong(at(index) + SEQUENCE_AT);
    }

    /** The lane that a transaction came from. */
    public int lane(int index) {
        return memory.getInt(at(index) + LANE_AT);
    }

    /** Makes it empty. */
    public void clear() {
        count = 0;
    }

    void filled(int taken) {
        count = taken;
    }

    int capacity() {
        return capacity;
    }

    long itemsAddress() {
        return address;
    }

    long bytesAddress() {
        return address + (long) capacity * ITEM_BYTES;
    }

    private int at(int index) {
        return Objects.checkIndex(index, count) * ITEM_BYTES;
    }
}
