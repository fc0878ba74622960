package io.duochain;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
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
    /** The bytes again, for the host to write a claim in place: its position and limit are nobody's but the claim's. */
    private final ByteBuffer bytes;
    private final long address;
    private final int capacity;
    /** Where the bytes begin. */
    private final int head;
    // Those before `first` were removed; their bytes end at `firstByte`.
    private int first;
    private int firstByte;
    private int end;
    private int endByte;
    private boolean claimed;

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
        this.head = count * (Long.BYTES + Integer.BYTES);
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
        claimed = false;
        if (!hasRoom(length)) {
            return false;
        }
        HeapCopy.put(memory, head + endByte, array, offset, length);
        appended(length);
        return true;
    }

    /** Appends what remains in a buffer; false, and nothing happens, when it does not fit. */
    public boolean add(ByteBuffer transaction) {
        int length = transaction.remaining();
        claimed = false;
        if (!hasRoom(length)) {
            return false;
        }
        memory.put(head + endByte, transaction, transaction.position(), length);
        transaction.position(transaction.limit());
        appended(length);
        return true;
    }

    /**
     * Room for a transaction of up to {@code length} bytes, to be written in place; {@code null} when it does not
     * fit. What is put into the buffer is appended by {@link #commit()} and forgotten by any other change. The
     * buffer is the batch's own, always the same, little-endian.
     */
    public ByteBuffer claim(int length) {
        if (length < 0) {
            throw new IllegalArgumentException("length is " + length);
        }
        claimed = hasRoom(length);
        return claimed ? bytes.limit(endByte + length).position(endByte) : null;
    }

    /**
     * Appends what was put into the buffer of {@link #claim(int)}, from its first byte to its position; how much.
     *
     * @throws IllegalStateException when nothing is claimed, or the buffer's position lies before the claim
     */
    public int commit() {
        int length = bytes.position() - endByte;
        if (!claimed || length < 0) {
            throw new IllegalStateException(claimed ? "the position lies before the claim" : "nothing is claimed");
        }
        claimed = false;
        appended(length);
        return length;
    }

    /** Transactions in it. */
    public int count() {
        return end - first;
    }

    /** Makes it empty. */
    public void clear() {
        first = 0;
        firstByte = 0;
        end = 0;
        endByte = 0;
        claimed = false;
    }

    /** Removes the first transactions, those that were accepted; makes room only when all are removed. */
    public void removeFirst(int transactions) {
        Objects.checkFromIndexSize(0, transactions, count());
        for (int removed = 0; removed < transactions; removed++) {
            firstByte += memory.getInt(lengthAt(first++));
        }
        if (first == end) {
            clear();
        }
    }

    /**
     * Operation number of an accepted transaction, after {@link Node#enqueue(Chain, int, TxBatch)} and before
     * the next change.
     */
    public long op(int index) {
        return memory.getLong((first + Objects.checkIndex(index, count())) * Long.BYTES);
    }

    /** True when it takes no more, whatever the size. */
    boolean isFull() {
        return end == capacity;
    }

    /** What is in it, in order. */
    List<byte[]> copies() {
        List<byte[]> copies = new ArrayList<>(count());
        int at = firstByte;
        for (int index = first; index < end; index++) {
            byte[] copy = new byte[memory.getInt(lengthAt(index))];
            memory.get(head + at, copy);
            at += copy.length;
            copies.add(copy);
        }
        return copies;
    }

    long opsAddress() {
        return address + (long) first * Long.BYTES;
    }

    long lengthsAddress() {
        return address + lengthAt(first);
    }

    long bytesAddress() {
        return address + head + firstByte;
    }

    private boolean hasRoom(int length) {
        return !isFull() && length <= bytes.capacity() - endByte;
    }

    private void appended(int length) {
        memory.putInt(lengthAt(end++), length);
        endByte += length;
    }

    private int lengthAt(int index) {
        return capacity * Long.BYTES + index * Integer.BYTES;
    }
}
