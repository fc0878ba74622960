package io.duochain;

import java.time.Duration;

/** Waits in pieces, so that interrupts, closing and the JVM's end are noticed. */
final class Waiting {
    /** Longest stay inside the native library. */
    static final long CHUNK_NANOS = 100_000_000;

    private final long start = System.nanoTime();
    private final long limit;

    private Waiting(long limit) {
        this.limit = limit;
    }

    static Waiting forUpTo(Duration timeout) {
        if (timeout.isNegative()) {
            throw new IllegalArgumentException("the timeout is negative: " + timeout);
        }
        return new Waiting(nanos(timeout));
    }

    static long nanos(Duration span) {
        // Longer than 292 years is for ever.
        return span.getSeconds() < Long.MAX_VALUE / 1_000_000_000 ? span.toNanos() : Long.MAX_VALUE;
    }

    /** The next piece; 0 at the end. */
    long chunk() throws InterruptedException {
        if (Thread.interrupted()) {
            throw new InterruptedException();
        }
        return uninterruptedChunk();
    }

    /** The next piece of a wait that an interrupt must not end. */
    long uninterruptedChunk() {
        return Math.max(0, Math.min(CHUNK_NANOS, limit - (System.nanoTime() - start)));
    }

    boolean isOver() {
        return System.nanoTime() - start >= limit;
    }
}
