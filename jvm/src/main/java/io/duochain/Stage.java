package io.duochain;

import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.List;
import java.util.Objects;

/**
 * Collects the transactions of one producer for one lane and hands them to the queue together: one crossing, and in
 * a queue with {@link TxQueue.Options#runMax(int)} one cell for many of them.
 *
 * <p>A staged transaction is copied, but not accepted yet: no consumer sees it, and a queue that closes leaves it
 * here. It is accepted by the flush that publishes it, which happens on count, when the room for bytes is used up, on
 * age (looked at when some call comes; a producer that pauses calls {@link #flushAged()}), on demand, and as far as
 * the lane lets it when the stage is closed. A stage that is forgotten takes what is staged with it. It belongs to one
 * thread at a time.
 *
 * <pre>{@code
 * try (Stage stage = queue.stage(0)) {
 *     while (more) {
 *         stage.enqueue(next);
 *     }
 *     stage.flush();
 * }
 * }</pre>
 */
public final class Stage implements AutoCloseable {
    private final TxQueue queue;
    private final int lane;
    private final long age;
    private final TxBatch batch;
    private final int bytesMax;
    /** Since when there is something staged, if age counts and a call has looked. */
    private long begun;
    private boolean ageing;
    private boolean closed;

    Stage(TxQueue queue, int lane, Options options) {
        queue.checkLane(lane);
        this.queue = queue;
        this.lane = lane;
        this.age = options.age;
        this.batch = new TxBatch(options.count, options.bytes);
        this.bytesMax = Math.min(options.bytes, queue.transactionBytesMax());
    }

    /**
     * Stages a copy, and publishes if it is time to. A refusal after the transaction was staged is no error: it is
     * tried again with the next call.
     *
     * @throws FullException when the stage is full and the lane too; the transaction is not staged then
     * @throws DuoException {@code InvalidTransaction} when empty, {@code TooLarge} when beyond the queue's largest or
     *     the stage's room, and when the stage is full those of {@link #flush()}; it is not staged then
     */
    public void enqueue(byte[] transaction) {
        enqueue(transaction, 0, transaction.length);
    }

    /** As {@link #enqueue(byte[])}, for a part of an array. */
    public void enqueue(byte[] array, int offset, int length) {
        Objects.checkFromIndexSize(offset, length, array.length);
        admit(length);
        while (!batch.add(array, offset, length)) {
            makeRoom();
        }
        staged();
    }

    /** As {@link #enqueue(byte[])}, for what remains in a buffer; its position moves when that is staged. */
    public void enqueue(ByteBuffer transaction) {
        admit(transaction.remaining());
        while (!batch.add(transaction)) {
            makeRoom();
        }
        staged();
    }

    /**
     * Publishes what is staged, in order, as far as the lane takes it; says how many. The rest stays staged: there is
     * some when {@link #count()} is not 0 afterwards.
     *
     * @throws ClosedException when the queue takes nothing any more; everything stays staged
     * @throws NoMemoryException when the queue's buffers are used up; everything stays staged
     */
    public int flush() {
        use();
        return publish();
    }

    /** As {@link #flush()} if the oldest is of age, else nothing. For a producer that pauses. */
    public int flushAged() {
        use();
        return isOfAge() ? publish() : 0;
    }

    /** How many are staged. */
    public int count() {
        return batch.count();
    }

    /** Hands back what is staged, oldest first, and forgets it. */
    public List<byte[]> takeBack() {
        List<byte[]> staged = batch.copies();
        batch.clear();
        ageing = false;
        return staged;
    }

    /**
     * Publishes what is staged as far as the lane takes it, and forgets the rest: {@link #flush()} first to know, or
     * {@link #takeBack()} to keep it. Closing twice does nothing.
     */
    @Override
    public void close() {
        if (!closed) {
            closed = true;
            publishUnlessRefused();
            batch.clear();
        }
    }

    private void use() {
        if (closed) {
            throw Failures.of(Code.CLOSED, "the stage is closed");
        }
    }

    private void admit(int length) {
        use();
        if (length == 0) {
            throw Failures.of(Code.INVALID_TX, "the transaction is empty");
        }
        if (length > bytesMax) {
            throw Failures.of(Code.TOO_LARGE, "the transaction has " + length + " bytes; " + bytesMax + " are the most");
        }
    }

    private void makeRoom() {
        publish();
        // What is published makes room only when all of it is: it lies in one piece.
        if (batch.count() > 0) {
            throw Failures.of(Code.AGAIN, "the stage is full, and so is lane " + lane);
        }
    }

    private void staged() {
        if (batch.isFull() || isOfAge()) {
            publishUnlessRefused();
        }
    }

    private int publish() {
        if (batch.count() == 0) {
            return 0;
        }
        int accepted = queue.enqueue(lane, batch);
        batch.removeFirst(accepted);
        ageing = ageing && batch.count() > 0;
        return accepted;
    }

    private void publishUnlessRefused() {
        try {
            publish();
        } catch (DuoException refused) {
            // They stay staged, and the next flush tells.
        }
    }

    private boolean isOfAge() {
        if (age == 0 || batch.count() == 0) {
            return false;
        }
        long now = System.nanoTime();
        if (!ageing) {
            ageing = true;
            begun = now;
        }
        return now - begun >= age;
    }

    /** When a stage publishes by itself. */
    public static final class Options {
        private int count = 32;
        private int bytes = 1 << 16;
        private long age;

        /** Once 32 are staged or 64 KiB are used up, and never by age. */
        public Options() {
        }

        /** Once so many are staged: 1 to {@link TxBatch#COUNT_MAX}. */
        public Options count(int transactions) {
            count = transactions;
            return this;
        }

        /** Room of the stage, and so the largest transaction that it takes. */
        public Options bytes(int room) {
            bytes = room;
            return this;
        }

        /** Once the oldest was staged so long ago, looked at during calls; zero, the default: never. */
        public Options age(Duration oldest) {
            if (oldest.isNegative()) {
                throw new IllegalArgumentException("age is " + oldest);
            }
            age = Waiting.nanos(oldest);
            return this;
        }
    }
}
