package io.duochain;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
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
    // As in src/queue/shared/segment.rs and producer.rs.
    private static final int LAG_MAX = 64;
    private static final int PUBLISH_MASK = 31;
    private static final int GONE_EVERY = 64;

    private final SharedSegment segment;
    private final SharedSeat seat;
    /** By lane: the ticket after the last success, 0 for none. */
    private final long[] hints;
    private boolean closed;
    private int refusals;
    // The claim that is out.
    private int claimed = -1;
    private int claimedLane;
    private int claimedLength;

    private SharedProducer(SharedSegment segment) {
        this.segment = segment;
        this.seat = SharedSeat.claim(segment);
        this.hints = new long[segment.lanes];
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
            throw closedException();
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

    /** As {@link #enqueue}, but false when there is no room. */
    public boolean tryEnqueue(int lane, byte[] transaction) {
        return tryEnqueue(lane, transaction, 0, transaction.length, 0);
    }

    /** As {@link #tryEnqueue(int, byte[])}, for a part of an array; {@code tag} comes out with it. */
    public boolean tryEnqueue(int lane, byte[] array, int offset, int length, long tag) {
        Objects.checkFromIndexSize(offset, length, array.length);
        int handle = begin(lane, length);
        if (handle < 0) {
            return false;
        }
        segment.memory().put(body(handle), array, offset, length);
        return finish(lane, handle, length, tag);
    }

    /** As {@link #tryEnqueue(int, byte[])}, for what remains in a buffer, whose position does not change. */
    public boolean tryEnqueue(int lane, ByteBuffer transaction, long tag) {
        int length = transaction.remaining();
        int handle = begin(lane, length);
        if (handle < 0) {
            return false;
        }
        segment.memory().put(body(handle), transaction, transaction.position(), length);
        return finish(lane, handle, length, tag);
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
        int handle = begin(lane, length);
        if (handle < 0) {
            return null;
        }
        claimed = handle;
        claimedLane = lane;
        claimedLength = length;
        return segment.memory().slice(body(handle), length).order(ByteOrder.LITTLE_ENDIAN);
    }

    /** Puts the claimed transaction into its lane; false when that is full, and the claim stays. */
    public boolean commit(long tag) {
        int handle = claimed();
        if (!push(claimedLane, handle, claimedLength, tag)) {
            return false;
        }
        claimed = -1;
        return true;
    }

    /** Gives the claim's room back. */
    public void abort() {
        claimed();
        seat.abort(SharedSegment.granulesFor(claimedLength));
        claimed = -1;
    }

    /** Gives the seat back; a claim that is out is aborted. What was committed stays. Closing twice does nothing. */
    @Override
    public void close() {
        if (!closed) {
            if (claimed >= 0) {
                abort();
            }
            closed = true;
            seat.leave();
        }
    }

    private int claimed() {
        if (closed) {
            throw closedException();
        }
        if (claimed < 0) {
            throw new IllegalStateException("nothing is claimed");
        }
        return claimed;
    }

    private static DuoException closedException() {
        return Failures.of(Code.CLOSED, "the shared lanes are closed");
    }

    private int body(int handle) {
        return segment.record(handle) + SharedSegment.RECORD_HEAD_BYTES;
    }

    /** A record to write; -1 when there is no room. */
    private int begin(int lane, int length) {
        if (closed) {
            throw Failures.of(Code.CLOSED, "the shared producer is closed");
        }
        if (claimed >= 0) {
            throw Failures.of(Code.BUSY, "the claim is neither committed nor aborted");
        }
        if (lane < 0 || lane >= segment.lanes) {
            throw Failures.of(Code.INVALID_ARGUMENT, "lane " + lane + " of a queue with " + segment.lanes);
        }
        if (length == 0) {
            throw Failures.of(Code.INVALID_TX, "a transaction of zero bytes");
        }
        if (length > segment.transactionBytesMax) {
            throw Failures.of(
                    Code.TOO_LARGE, "a transaction of " + length + " bytes, at most " + segment.transactionBytesMax);
        }
        if (!segment.isOpen()) {
            throw closedException();
        }
        int handle = looksFull(lane) ? -1 : seat.reserve(SharedSegment.granulesFor(length));
        if (handle < 0) {
            refused();
        }
        return handle;
    }

    private boolean finish(int lane, int handle, int length, long tag) {
        boolean done = false;
        try {
            done = push(lane, handle, length, tag);
        } finally {
            if (!done) {
                seat.abort(SharedSegment.granulesFor(length));
            }
        }
        return done;
    }

    private boolean push(int lane, int handle, int length, long tag) {
        int record = segment.record(handle);
        segment.set(record + 8, (long) lane << 32 | length);
        segment.set(record + 16, tag);
        segment.set(record + 24, 0);
        long ticket = hints[lane];
        // The one compare-and-swap in here commits.
        if (ticket != 0 && fill(lane, ticket, handle)) {
            succeeded(lane, ticket, ticket);
            return true;
        }
        return pushFromTail(lane, handle);
    }

    private boolean fill(int lane, long ticket, int handle) {
        long vacant = segment.vacant(ticket);
        return segment.swap(segment.cell(lane, ticket), vacant, vacant | handle + 1);
    }

    private void succeeded(int lane, long ticket, long bound) {
        hints[lane] = ticket + 1;
        if ((ticket & PUBLISH_MASK) == PUBLISH_MASK || ticket - bound >= LAG_MAX / 2) {
            segment.raise(segment.tail(lane), ticket + 1);
        }
    }

    private boolean pushFromTail(int lane, int handle) {
        long bound = segment.get(segment.tail(lane));
        long ticket = Math.max(bound, hints[lane]);
        for (long steps = (4L << segment.order) + 4096; steps > 0; steps--) {
            long word = segment.get(segment.cell(lane, ticket));
            long ahead = segment.lapsAhead(word, ticket);
            long value = word & SharedSegment.VALUE_MASK;
            if (ahead < 0) {
                hints[lane] = 0;
                segment.raise(segment.tail(lane), ticket);
                break;
            } else if (ahead > 0) {
                // The ticket before that turn was consumed, and all before it.
                ticket += (ahead - 1 << segment.order) + 1;
            } else if (value == SharedSegment.VALUE_MASK) {
                throw closedException();
            } else if (value != 0) {
                ticket++;
            } else if (fill(lane, ticket, handle)) {
                succeeded(lane, ticket, bound);
                return true;
            }
            if (ticket - bound >= LAG_MAX) {
                segment.raise(segment.tail(lane), ticket);
                bound = segment.get(segment.tail(lane));
                ticket = Math.max(ticket, bound);
            }
        }
        refused();
        return false;
    }

    private boolean looksFull(int lane) {
        if (hints[lane] != 0) {
            long word = segment.get(segment.cell(lane, hints[lane]));
            if (segment.lapsAhead(word, hints[lane]) >= 0) {
                return false;
            }
            hints[lane] = 0;
        }
        long tail = segment.get(segment.tail(lane));
        return segment.lapsAhead(segment.get(segment.cell(lane, tail)), tail) < 0;
    }

    private void refused() {
        if (refusals++ % GONE_EVERY == 0 && SharedSeat.hasEnded(segment.owner())) {
            throw Failures.of(Code.CLOSED, "the process of the queue has ended");
        }
    }
}
