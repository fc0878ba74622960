package io.duochain;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Iterator;
import java.util.concurrent.CompletableFuture;

/** So many calls at a time, so many more in line, first come, first served. */
public final class Bulkhead implements AutoCloseable {
    private static final long HAS_PERMIT = -1;
    private static final long IS_FULL = -2;

    private final NativeHandle handle;
    /** Futures in line; whoever gives something back looks whose turn it is. */
    private final ArrayDeque<Waiter> waiters = new ArrayDeque<>();

    /** With so many permits, and room for so many waiters; 0: nobody waits. */
    public Bulkhead(int permits, int queue) {
        if (permits <= 0 || queue < 0) {
            throw Failures.of(Code.CONFIG, "permits is above zero, queue not below");
        }
        long word = Natives.bulkheadCreate(new long[] {permits, queue});
        this.handle = NativeHandle.of(this, "bulkhead", word, Natives::bulkheadDestroy);
    }

    /**
     * Takes a permit that is free; does not overtake anybody in line.
     *
     * @throws FullException when all are out
     */
    public Permit tryAcquire() {
        if (!Natives.bulkheadAcquire(this, handle.use())) {
            throw Failures.of(Code.AGAIN, "all permits are out");
        }
        return new Permit();
    }

    /**
     * Takes a permit, waiting in line.
     *
     * @throws FullException when the line is full
     * @throws TimedOutException when it was not this thread's turn in time
     */
    public Permit acquire(Duration timeout) throws InterruptedException {
        Waiting waiting = Waiting.forUpTo(timeout);
        long place = lineUp();
        if (place == HAS_PERMIT) {
            return new Permit();
        }
        boolean served = false;
        try {
            do {
                served = Natives.bulkheadAwait(this, handle.use(), place, waiting.chunk());
            } while (!served && !waiting.isOver());
        } finally {
            if (!served) {
                leave(place);
            }
        }
        if (!served) {
            throw Failures.of(Code.TIMEOUT, "timed out in line");
        }
        return new Permit();
    }

    /** A permit as soon as there is one. A future that is cancelled or completed otherwise leaves the line. */
    public CompletableFuture<Permit> acquireAsync() {
        CompletableFuture<Permit> future = new CompletableFuture<>();
        synchronized (waiters) {
            long place;
            try {
                place = lineUp();
            } catch (DuoException full) {
                future.completeExceptionally(full);
                return future;
            }
            if (place == HAS_PERMIT) {
                future.complete(new Permit());
                return future;
            }
            Waiter waiter = new Waiter(place, future);
            waiters.add(waiter);
            future.whenComplete((permit, failure) -> forget(waiter));
        }
        serve();
        return future;
    }

    private long lineUp() {
        long place = Natives.bulkheadLineUp(this, handle.use());
        if (place == IS_FULL) {
            throw Failures.of(Code.AGAIN, "all permits are out and the line is full");
        }
        return place;
    }

    private void forget(Waiter waiter) {
        boolean waiting;
        synchronized (waiters) {
            waiting = waiters.remove(waiter);
        }
        if (waiting) {
            leave(waiter.place);
        }
    }

    private void leave(long place) {
        if (!handle.isClosed()) {
            Natives.bulkheadLeave(this, handle.use(), place);
            serve();
        }
    }

    private void release() {
        if (!handle.isClosed()) {
            Natives.bulkheadRelease(this, handle.use());
            serve();
        }
    }

    /** Completes the futures whose turn has come. */
    private void serve() {
        for (Waiter waiter = next(); waiter != null; waiter = next()) {
            Permit permit = new Permit();
            if (!waiter.future.complete(permit)) {
                permit.close();
            }
        }
    }

    private Waiter next() {
        synchronized (waiters) {
            Iterator<Waiter> front = waiters.iterator();
            if (!front.hasNext() || handle.isClosed()) {
                return null;
            }
            Waiter waiter = front.next();
            if (!Natives.bulkheadAwait(this, handle.use(), waiter.place, 0)) {
                return null;
            }
            front.remove();
            return waiter;
        }
    }

    /** Its figures. */
    public Stats stats() {
        return new Stats(Natives.bulkheadStats(this, handle.use()));
    }

    long word() {
        return handle.use();
    }

    /** Frees it; who waits is refused. A registry that has it keeps it. */
    @Override
    public void close() {
        handle.free();
        Waiter waiter;
        do {
            synchronized (waiters) {
                waiter = waiters.poll();
            }
            if (waiter != null) {
                waiter.future.completeExceptionally(handle.closedException());
            }
        } while (waiter != null);
    }

    private static final class Waiter {
        final long place;
        final CompletableFuture<Permit> future;

        Waiter(long place, CompletableFuture<Permit> future) {
            this.place = place;
            this.future = future;
        }
    }

    /** One permit; closing gives it back, once. */
    public final class Permit implements AutoCloseable {
        private boolean returned;

        Permit() {
        }

        @Override
        public void close() {
            synchronized (this) {
                if (returned) {
                    return;
                }
                returned = true;
            }
            release();
        }
    }

    /** A bulkhead's figures. */
    public static final class Stats {
        private final long[] values;

        Stats(long[] values) {
            this.values = values;
        }

        /** Permits. */
        public int permits() {
            return (int) values[0];
        }

        /** Permits that are out. */
        public int inUse() {
            return (int) values[1];
        }

        /** Callers in line. */
        public int waiting() {
            return (int) values[2];
        }

        /** Permits taken so far. */
        public long taken() {
            return values[3];
        }

        /** Callers sent away. */
        public long refused() {
            return values[4];
        }

        /** Waiters that left before their turn. */
        public long left() {
            return values[5];
        }
    }
}
