package io.duochain;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Objects;

/**
 * Puts transactions into the shared lanes of a queue without crossing into native code: it maps the segment that
 * {@link SharedLanes#path} names, in this process or another of the same user. The native library is not even loaded.
 *
 * <p>For one thread at a time; each producer has a seat of its own, so make one a thread, and
 * close it: a seat is kept until then, or until the JVM ends. A JVM that is killed at any
 * moment loses nothing that it committed, and leaves its seat to the next producer.
 *
 * <p>A consumer that sleeps finds what this puts in after at most 2 ms: only native code could wake it.
 */
public final class SharedProducer implements AutoCloseable {
    // As in src/queue/shared/producer.rs.
    private static final int GONE_EVERY = 64;
    /** Instead of the record of a claim. */
    private static final int NOTHING = -1;
    private static final int CLOSED = -2;

    private final SharedSegment segment;
    private final SharedSeat seat;
    private final SharedRing[] rings;
    /** Where the last transaction went, or tried to. */
    private int lane;
    private SharedRing ring;
    private int refusals;
    /** The claim that is out. */
    private int claimed = NOTHING;
    private int claimedLength;

    private SharedProducer(SharedSegment segment) {
        this.segment = segment;
        this.seat = SharedSeat.claim(segment);
        this.rings = new SharedRing[segment.lanes];
        for (int lane = 0; lane < rings.length; lane++) {
            rings[lane] = new SharedRing(segment, lane);
        }
        this.ring = rings[0];
    }

    /**
     * Attaches to a segment.
     *
     * @throws NotFoundException when there is no such file
     * @throws DuoException {@code Corruption} when it is something else or cut short, {@code Unsupported} for another
     *     version or another namespace of process numbers, {@code Config} for an impossible shape, {@code Permission}
     *     when it is not this user's alone, {@code Busy} when all seats are taken, {@code Closed} when it was closed or
     *     its queue's process has ended
     */
    public static SharedProducer attach(Path path) {
        SharedSegment segment = SharedSegment.map(path);
        long here = SharedSeat.pidNamespace();
        if (segment.pidNamespace() != 0 && here != 0 && segment.pidNamespace() != here) {
            throw Failures.of(Code.UNSUPPORTED, "the queue lives in another namespace of process numbers");
        }
        if (!segment.isOpen()) {
            throw SharedSegment.closed();
        }
        if (SharedSeat.hasEnded(segment.owner())) {
            throw Failures.of(Code.CLOSED, "the process of the queue has ended");
        }
        return new SharedProducer(segment);
    }

    /** Number of lanes. */
    public int lanes() {
        return segment.lanes;
    }

    /** Largest transaction in bytes: the queue's maximum, or what a part holds. */
    public int transactionBytesMax() {
        return segment.transactionBytesMax;
    }

    /**
     * Copies a transaction into a lane.
     *
     * @throws FullException when the lane is full, or this producer's room
     * @throws DuoException {@code InvalidTransaction} when empty, {@code TooLarge}, {@code InvalidArgument} for a lane
     *     that is not there, {@code Closed}, {@code Corruption} when somebody wrote over this producer's records:
     *     close it and attach again
     */
    public void enqueue(int lane, byte[] transaction) {
        if (!tryEnqueue(lane, transaction)) {
            throw Failures.of(Code.AGAIN, "lane " + lane + " is full");
        }
    }

    /**
     * As {@link #enqueue(int, byte[])}, waiting for room. Nobody wakes who waits here: it looks again, at first at once and
     * in the end every 2 ms.
     *
     * @throws TimedOutException when there was no room in time
     * @throws InterruptedException when the thread is interrupted; nothing was put in
     */
    public void enqueue(int lane, byte[] transaction, Duration timeout) throws InterruptedException {
        Waiting waiting = Waiting.forUpTo(timeout);
        Waiting.endIfInterrupted();
        while (!tryEnqueue(lane, transaction)) {
            if (waiting.isOver()) {
                throw Failures.of(Code.TIMEOUT, "no room in lane " + lane + " within " + timeout);
            }
            waiting.pause();
        }
    }

    /** As {@link #enqueue(int, byte[])}, but false when there is no room. */
    public boolean tryEnqueue(int lane, byte[] transaction) {
        return tryEnqueue(lane, transaction, 0, transaction.length, 0);
    }

    /** As {@link #tryEnqueue(int, byte[])}, for a part of an array; {@code tag} comes out with it. */
    public boolean tryEnqueue(int lane, byte[] array, int offset, int length, long tag) {
        Objects.checkFromIndexSize(offset, length, array.length);
        int record = begin(lane, length);
        if (record < 0) {
            return false;
        }
        segment.write(body(record), array, offset, length);
        return finish(lane, record, length, tag);
    }

    /** As {@link #tryEnqueue(int, byte[])}, for what remains in a buffer, whose position does not change. */
    public boolean tryEnqueue(int lane, ByteBuffer transaction, long tag) {
        int length = transaction.remaining();
        int record = begin(lane, length);
        if (record < 0) {
            return false;
        }
        segment.memory().put(body(record), transaction, transaction.position(), length);
        return finish(lane, record, length, tag);
    }

    /**
     * Room in the segment to write a transaction in place; {@code null} when there is none. One claim at a time, and
     * nothing else until it is committed or aborted. The buffer must not be used after that.
     *
     * @throws BusyException when a claim is out
     */
    public ByteBuffer claim(int lane, int length) {
        if (length < 0) {
            throw new IllegalArgumentException(length + " bytes");
        }
        int record = begin(lane, length);
        if (record < 0) {
            return null;
        }
        claimed = record;
        claimedLength = length;
        return segment.memory().slice(body(record), length).order(ByteOrder.LITTLE_ENDIAN);
    }

    /** Puts the claimed transaction into its lane; false when that is full, and the claim stays. */
    public boolean commit(long tag) {
        int record = claimed();
        if (!push(lane, record, claimedLength, tag)) {
            notPushed();
            return false;
        }
        claimed = NOTHING;
        return true;
    }

    /** Gives the claim's room back. */
    public void abort() {
        claimed();
        seat.abort(SharedSegment.recordBytes(claimedLength));
        claimed = NOTHING;
    }

    /** Gives the seat back; a claim that is out is aborted. What was committed stays. Closing twice does nothing. */
    @Override
    public void close() {
        if (claimed != CLOSED) {
            if (claimed != NOTHING) {
                abort();
            }
            claimed = CLOSED;
            seat.leave();
        }
    }

    private int claimed() {
        if (claimed == CLOSED) {
            throw SharedSegment.closed();
        }
        if (claimed == NOTHING) {
            throw new IllegalStateException("nothing is claimed");
        }
        return claimed;
    }

    private static int body(int record) {
        return record + SharedSegment.RECORD_HEAD_BYTES;
    }

    /** A record to write; -1 when there is no room. */
    private int begin(int lane, int length) {
        if (claimed != NOTHING || length <= 0 || length > segment.transactionBytesMax || lane != this.lane) {
            change(lane, length);
        }
        if (!segment.isOpen()) {
            throw SharedSegment.closed();
        }
        int record = ring.looksFull() ? -1 : seat.reserve(SharedSegment.recordBytes(length));
        if (record < 0) {
            refused();
        }
        return record;
    }

    /** To another lane, if nothing speaks against it. */
    private void change(int lane, int length) {
        if (claimed != NOTHING || length <= 0 || length > segment.transactionBytesMax || lane < 0
                || lane >= rings.length) {
            throw refusal(lane, length);
        }
        this.lane = lane;
        ring = rings[lane];
        seat.changeLane();
    }

    private DuoException refusal(int lane, int length) {
        if (claimed == CLOSED) {
            return Failures.of(Code.CLOSED, "the shared producer is closed");
        }
        if (claimed != NOTHING) {
            return Failures.of(Code.BUSY, "the claim is neither committed nor aborted");
        }
        if (lane < 0 || lane >= rings.length) {
            return Failures.of(Code.INVALID_ARGUMENT, "lane " + lane + " of a queue with " + rings.length);
        }
        if (length == 0) {
            return Failures.of(Code.INVALID_TX, "a transaction of zero bytes");
        }
        return Failures.of(
                Code.TOO_LARGE, "a transaction of " + length + " bytes, at most " + segment.transactionBytesMax);
    }

    private boolean finish(int lane, int record, int length, long tag) {
        if (push(lane, record, length, tag)) {
            return true;
        }
        seat.abort(SharedSegment.recordBytes(length));
        notPushed();
        return false;
    }

    /** The one compare-and-swap in here commits. */
    private boolean push(int lane, int record, int length, long tag) {
        segment.writeHead(record, lane, length, tag);
        return ring.push(record);
    }

    private void notPushed() {
        if (ring.metEnd()) {
            throw SharedSegment.closed();
        }
        refused();
    }

    private void refused() {
        if (refusals++ % GONE_EVERY == 0 && SharedSeat.hasEnded(segment.owner())) {
            throw Failures.of(Code.CLOSED, "the process of the queue has ended");
        }
    }
}
