package io.duochain;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;

/**
 * A bounded lock-free queue of transactions with priority lanes, outside the Java heap. Any thread may put in;
 * one thread at a time takes out, or many with {@link Options#manyConsumers()} ({@link BusyException} for one
 * too many).
 *
 * <p>A node has such a queue per chain inside; this one is for the host's own use.
 */
public final class TxQueue implements AutoCloseable {
    /** Most elements that a {@linkplain #asQueue(int, int) view} takes ahead. */
    public static final int AHEAD_MAX = 1024;

    // What one crossing of drain(int) carries.
    private static final int ROOM_ITEMS = 1024;
    private static final int ROOM_BYTES = 1 << 18;

    private final NativeHandle handle;
    /** As many as threads took out at the same time; taking room and giving it back is cheaper than making it. */
    private final ConcurrentLinkedQueue<ItemBatch> rooms = new ConcurrentLinkedQueue<>();

    private final int lanes;
    private final int transactionBytesMax;

    private TxQueue(Options options) {
        long word = Natives.queueCreate(options.encode());
        this.handle = NativeHandle.of(this, "queue", word, Natives::queueDestroy);
        this.lanes = options.laneCells.length;
        this.transactionBytesMax = options.transactionBytesMax;
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
        return new TxQueue(options);
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
        long queue = handle.use();
        ByteBuffer room = ThreadRoom.mine();
        long answer = ThreadRoom.fits(room, length)
                ? Natives.queueEnqueueDirect(
                        this, queue, lane, room, ThreadRoom.put(room, array, offset, length), length)
                : Natives.queueEnqueue(this, queue, lane, array, offset, length);
        return !Failures.isRefused(answer);
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

    /** A {@link Stage} that publishes 32 at a time to a lane. */
    public Stage stage(int lane) {
        return stage(lane, new Stage.Options());
    }

    /**
     * A stage of another shape, which keeps this queue from being forgotten.
     *
     * @throws InvalidArgumentException for a lane that is not there
     */
    public Stage stage(int lane, Stage.Options options) {
        return new Stage(this, lane, options);
    }

    void checkLane(int lane) {
        handle.use();
        if (lane < 0 || lane >= lanes) {
            throw Failures.of(Code.INVALID_ARGUMENT, "lane " + lane + "; the queue has " + lanes);
        }
    }

    int transactionBytesMax() {
        return transactionBytesMax;
    }

    // out

    /**
     * The next transaction; {@code null} when there is none.
     *
     * @throws EndException when the queue is closed and empty
     */
    public byte[] dequeue() {
        ItemBatch room = room();
        try {
            return take(room, 1) == 0 ? null : room.get(0);
        } catch (TooLargeException large) {
            // It is kept for the next call, and this one makes room as it needs it.
            return ended(Natives.queueDequeue(this, handle.use(), 0));
        } finally {
            rooms.offer(room);
        }
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
        ItemBatch room = room();
        try {
            take(room, max);
            List<byte[]> transactions = new ArrayList<>(room.count());
            for (int index = 0; index < room.count(); index++) {
                transactions.add(room.get(index));
            }
            return transactions;
        } catch (TooLargeException large) {
            byte[] alone = dequeue();
            return alone == null ? List.of() : List.of(alone);
        } finally {
            rooms.offer(room);
        }
    }

    /**
     * Takes out what there is and fits into the batch, in one crossing and without touching the Java heap; says how
     * many. What was in the batch is gone.
     *
     * @throws EndException when the queue is closed and empty
     * @throws TooLargeException when the next transaction alone is larger than the batch; it stays the next one
     */
    public int drain(ItemBatch batch) {
        return take(batch, batch.capacity());
    }

    private int take(ItemBatch batch, int max) {
        batch.clear();
        int most = Math.min(max, batch.capacity());
        long taken = Natives.queueDequeueFlat(
                this, handle.use(), batch, batch.itemsAddress(), most, batch.bytesAddress(), batch.bytes().capacity());
        if (!Failures.isRefused(taken)) {
            batch.filled((int) taken);
        } else if (Failures.refusal(taken) == Code.END) {
            throw end();
        }
        return batch.count();
    }

    private ItemBatch room() {
        ItemBatch room = rooms.poll();
        return room == null ? new ItemBatch(ROOM_ITEMS, ROOM_BYTES) : room;
    }

    private static byte[] ended(byte[] transaction) {
        if (transaction != null && transaction.length == 0) {
            throw end();
        }
        return transaction;
    }

    private static DuoException end() {
        return Failures.of(Code.END, "the queue is closed and empty");
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
     * One lane in and all lanes out, as a {@link Queue} of the collections framework, for any number of threads.
     * {@code null} and empty arrays are refused as everywhere. {@code peek} takes an element out and keeps it in the
     * view, so there is room for one more in the queue. Elements do not lie in the Java heap: what iterates, such as
     * {@code contains}, {@code remove(Object)}, {@code toArray} and {@code stream}, is not supported.
     */
    public Queue<byte[]> asQueue(int lane) {
        return asQueue(lane, 1);
    }

    /**
     * As {@link #asQueue(int)}, taking up to {@code ahead} elements out in one crossing, which makes polling cheap.
     * They are kept in the view: nobody else sees them, more urgent ones that come later do not overtake them, and
     * there is that much more room in the queue.
     */
    public Queue<byte[]> asQueue(int lane, int ahead) {
        if (ahead < 1 || ahead > AHEAD_MAX) {
            throw new IllegalArgumentException("ahead is " + ahead + "; 1 to " + AHEAD_MAX + " are allowed");
        }
        return new QueueView(this, lane, ahead);
    }

    /** {@link #asQueue(int)} on lane 0. */
    public Queue<byte[]> asQueue() {
        return asQueue(0);
    }

    /**
     * Opens shared lanes, as many as the queue has: what {@link SharedProducer}s, in this process or others, put into
     * lane n comes out with the queue's own transactions of lane n. They close with the queue, too.
     *
     * @throws ConfigException when the shape is beyond a limit
     * @throws BusyException when the queue has 8 already
     * @throws InputOutputException when the file is there already, or cannot be made
     */
    public SharedLanes openShared(SharedLanes.Options options) {
        return new SharedLanes(Natives.laneOpen(this, handle.use(), options.encode()));
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
        private static final int CELLS_DEFAULT = 65_536;
        private static final int TRANSACTION_BYTES_MAX_DEFAULT = 1 << 20;

        private int[] laneCells = {CELLS_DEFAULT};
        private boolean many;
        private int ageing;
        private int transactionBytesMax = TRANSACTION_BYTES_MAX_DEFAULT;
        private int runMax = 1;

        /** One lane of 65,536 cells, one consumer, strict priorities, transactions of up to 1 MiB. */
        public Options() {
        }

        /** Cells of each lane, a power of two each, most urgent lane first; none: one lane with the default. */
        public Options lanes(int... cells) {
            laneCells = cells.length == 0 ? new int[] {CELLS_DEFAULT} : cells.clone();
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

        /** Largest transaction in bytes; 0: the default. */
        public Options transactionBytesMax(int bytes) {
            transactionBytesMax = bytes == 0 ? TRANSACTION_BYTES_MAX_DEFAULT : bytes;
            return this;
        }

        /**
         * Most transactions of a {@link TxBatch} that share a cell, 1 to 32. With 1, the default, a lane holds as
         * many transactions as it has cells. With more, batches cost less, cells bound runs, and the pool alone
         * bounds transactions. Not with {@link #manyConsumers()}.
         */
        public Options runMax(int transactions) {
            runMax = transactions;
            return this;
        }

        private byte[] encode() {
            ByteBuffer out = ByteBuffer.allocate(16 + laneCells.length * 4).order(ByteOrder.LITTLE_ENDIAN);
            out.putInt(many ? 1 : 0).putInt(ageing).putInt(transactionBytesMax).putInt(runMax);
            for (int cells : laneCells) {
                out.putInt(cells);
            }
            return out.array();
        }
    }
}
