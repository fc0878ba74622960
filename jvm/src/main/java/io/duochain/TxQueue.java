package io.duochain;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Queue;

/**
 * A bounded lock-free queue of transactions with priority lanes, outside the Java heap. Any thread may put in;
 * one thread at a time takes out, or many with {@link Options#manyConsumers()} ({@link BusyException} for one
 * too many).
 *
 * <p>A node has such a queue per chain inside; this one is for the host's own use.
 */
public final class TxQueue implements AutoCloseable {
    private static final int BATCH_BYTES = 1 << 18;

    private final NativeHandle handle;

    private TxQueue(long word) {
        this.handle = NativeHandle.of(this, "queue", word, Natives::queueDestroy);
    }

    /** A queue with one lane of 65,536 cells, for one consumer and transactions of up to 1 MiB. */
    public static TxQueue open() {
        return open(new Options());
    }

    /**
     * A queue of another shape.
     *
     * @throws ConfigException when the shape is impossible
     */
    public static TxQueue open(Options options) {
        return new TxQueue(Natives.queueCreate(options.encode()));
    }

    // in

    /**
     * Copies a transaction into a lane; lane 0 is the most urgent.
     *
     * @throws FullException when the lane is full
     * @throws DuoException {@code InvalidTransaction} when empty, {@code TooLarge}, {@code NoMemory},
     *     {@code InvalidArgument} for a lane that is not there
     */
    public void enqueue(int lane, byte[] transaction) {
        if (!tryEnqueue(lane, transaction)) {
            throw full(lane);
        }
    }

    /** As {@link #enqueue(int, byte[])}, but false when the lane is full. */
    public boolean tryEnqueue(int lane, byte[] transaction) {
        return tryEnqueue(lane, transaction, 0, transaction.length);
    }

    /** As {@link #tryEnqueue(int, byte[])}, for a part of an array. */
    public boolean tryEnqueue(int lane, byte[] array, int offset, int length) {
        Objects.checkFromIndexSize(offset, length, array.length);
        return !Failures.isRefused(Natives.queueEnqueue(this, handle.use(), lane, array, offset, length));
    }

    /** As {@link #tryEnqueue(int, byte[])}, for bytes outside the Java heap. */
    public boolean tryEnqueue(int lane, DirectBytes transaction) {
        ByteBuffer bytes = transaction.bytes();
        int at = bytes.position();
        return !Failures.isRefused(Natives.queueEnqueueDirect(
                this, handle.use(), lane, transaction, transaction.address() + at, bytes.limit() - at));
    }

    /**
     * As {@link #enqueue(int, byte[])}, waiting for room.
     *
     * @throws TimedOutException when there was none in time
     */
    public void enqueue(int lane, byte[] transaction, Duration timeout) throws InterruptedException {
        Waiting waiting = Waiting.forUpTo(timeout);
        while (Failures.isRefused(Natives.queueEnqueueWait(
                this, handle.use(), lane, transaction, 0, transaction.length, waiting.chunk()))) {
            if (waiting.isOver()) {
                throw Failures.of(Code.TIMEOUT, "no room in lane " + lane + " within " + timeout);
            }
        }
    }

    /**
     * Copies a prefix of a batch, in order, and says how many; 0 when the lane is full.
     *
     * @throws DuoException when the first transaction is refused for another reason
     */
    public int enqueue(int lane, TxBatch batch) {
        long accepted = Natives.queueEnqueueFlat(
                this, handle.use(), lane, batch, batch.bytesAddress(), batch.lengthsAddress(), batch.count());
        return Failures.isRefused(accepted) ? 0 : (int) accepted;
    }

    // out

    /**
     * The next transaction; {@code null} when there is none.
     *
     * @throws EndException when the queue is closed and empty
     */
    public byte[] dequeue() {
        return ended(Natives.queueDequeue(this, handle.use(), 0));
    }

    /**
     * The next transaction; {@code null} when none came in time.
     *
     * @throws EndException when the queue is closed and empty
     */
    public byte[] dequeue(Duration timeout) throws InterruptedException {
        Waiting waiting = Waiting.forUpTo(timeout);
        while (true) {
            byte[] transaction = ended(Natives.queueDequeue(this, handle.use(), waiting.chunk()));
            if (transaction != null || waiting.isOver()) {
                return transaction;
            }
        }
    }

    /**
     * Up to {@code max} transactions, as many as there are and as one crossing carries; empty when there are none.
     *
     * @throws EndException when the queue is closed and empty
     */
    public List<byte[]> drain(int max) {
        if (max < 1) {
            throw new IllegalArgumentException("max is " + max);
        }
        byte[] batch = Natives.queueDequeueBatch(this, handle.use(), Math.min(max, TxBatch.COUNT_MAX), BATCH_BYTES);
        if (batch == null) {
            return List.of();
        }
        ended(batch);
        List<byte[]> transactions = new ArrayList<>();
        Wire wire = new Wire(batch);
        while (wire.hasMore()) {
            transactions.add(wire.blob());
        }
        return transactions;
    }

    private static byte[] ended(byte[] transaction) {
        if (transaction != null && transaction.length == 0) {
            throw Failures.of(Code.END, "the queue is closed and empty");
        }
        return transaction;
    }

    // the rest

    /** Transactions in it, all lanes together. */
    public long size() {
        return Natives.queueLength(this, handle.use());
    }

    /** What it did and holds. */
    public QueueStats stats() {
        return Reports.queueStats(new Wire(Natives.queueStats(this, handle.use())));
    }

    /**
     * One lane in and all lanes out, as a {@link Queue} of the collections framework. {@code null} and empty
     * arrays are refused as everywhere; {@code peek} takes an element out and keeps it in the view, and iterating
     * is not supported, because elements do not lie in the Java heap.
     */
    public Queue<byte[]> asQueue(int lane) {
        return new QueueView(this, lane);
    }

    /** {@link #asQueue(int)} on lane 0. */
    public Queue<byte[]> asQueue() {
        return asQueue(0);
    }

    /**
     * Refuses everything new from now on and wakes waiting calls. What is in the queue can still be taken out,
     * until {@link EndException}.
     */
    public void shutdown() {
        Natives.queueClose(this, handle.use());
    }

    /**
     * Frees the queue with everything in it. Calls of other threads that wait inside return with an exception.
     * Closing twice does nothing.
     */
    @Override
    public void close() {
        handle.free();
    }

    private static DuoException full(int lane) {
        return Failures.of(Code.AGAIN, "lane " + lane + " is full");
    }

    /** Shape of a queue. */
    public static final class Options {
        private int[] laneCells = {65_536};
        private boolean many;
        private int ageing;
        private int transactionBytesMax = 1 << 20;

        /** One lane of 65,536 cells, one consumer, strict priorities, transactions of up to 1 MiB. */
        public Options() {
        }

        /** Cells of each lane, a power of two each, most urgent lane first. */
        public Options lanes(int... cells) {
            laneCells = cells.clone();
            return this;
        }

        /** Many threads take out at the same time. */
        public Options manyConsumers() {
            many = true;
            return this;
        }

        /** 1 of every so many is taken from the least urgent lane that has any; 0: strict priorities. */
        public Options ageing(int every) {
            ageing = every;
            return this;
        }

        /** Largest transaction. */
        public Options transactionBytesMax(int bytes) {
            transactionBytesMax = bytes;
            return this;
        }

        private byte[] encode() {
            ByteBuffer out = ByteBuffer.allocate(12 + laneCells.length * 4).order(ByteOrder.LITTLE_ENDIAN);
            out.putInt(many ? 1 : 0).putInt(ageing).putInt(transactionBytesMax);
            for (int cells : laneCells) {
                out.putInt(cells);
            }
            return out.array();
        }
    }
}
