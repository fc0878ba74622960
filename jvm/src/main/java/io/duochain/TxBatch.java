package io.duochain;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Objects;

/**
 * Transactions that cross into the library in one call. Lies outside the Java heap and is meant to be filled,
 * submitted and {@linkplain #clear() cleared} again and again by one thread. Freed by the collector.
 *
 * <pre>{@code
 * TxBatch batch = new TxBatch(8, 4096);
 * while (more && batch.add(next)) { … }
 * int accepted = node.enqueue(Chain.DELTA, 0, batch);
 * }</pre>
 */
public final class TxBatch {
    /** Most transactions of one batch. */
    public static final int COUNT_MAX = 65_536;

    // Three parts in one piece of memory: operation numbers, lengths, bytes.
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
    public TxBatch(int count, int bytes) {
        if (count < 1 || count > COUNT_MAX) {
            throw new IllegalArgumentException(count + " transactions; 1 to " + COUNT_MAX + " are allowed");
        }
        int head = count * (Long.BYTES + Integer.BYTES);
        this.memory = ByteBuffer.allocateDirect(Math.addExact(head, bytes)).order(ByteOrder.LITTLE_ENDIAN);
        this.bytes = memory.slice(head, bytes).order(ByteOrder.LITTLE_ENDIAN);
        this.address = Natives.address(memory);
        this.capacity = count;
    }

    /** Appends a transaction; false, and nothing happens, when it does not fit. */
    public boolean add(byte[] transaction) {
        return add(transaction, 0, transaction.length);
    }

    /** Appends a part of an array; false, and nothing happens, when it does not fit. */
    public boolean add(byte[] array, int offset, int length) {
        Objects.checkFromIndexSize(offset, length, array.length);
        if (count == capacity || length > bytes.remaining()) {
            return false;
        }
        bytes.put(array, offset, length);
        memory.putInt(lengthAt(count++), length);
        return true;
    }

    /** Appends what remains in a buffer; false, and nothing happens, when it does not fit. */
    public boolean add(ByteBuffer transaction) {
        int length = transaction.remaining();
        if (count == capacity || length > bytes.remaining()) {
            return false;
        }
        bytes.put(transaction);
        memory.putInt(lengthAt(count++), length);
        return true;
    }

    /** Transactions in it. */
    public int count() {
        return count;
    }

    /** Makes it empty. */
    public void clear() {
        count = 0;
        bytes.clear();
    }

    /**
     * Operation number of an accepted transaction, after {@link Node#enqueue(Chain, int, TxBatch)} and before
     * the next change.
     */
    public long op(int index) {
        return memory.getLong(Objects.checkIndex(index, count) * Long.BYTES);
    }

    long opsAddress() {
        return address;
    }

    long lengthsAddress() {
        return address + lengthAt(0);
    }

    long bytesAddress() {
        return address + (long) capacity * (Long.BYTES + Integer.BYTES);
    }

    private int lengthAt(int index) {
        return capacity * Long.BYTES + index * Integer.BYTES;
    }
}
