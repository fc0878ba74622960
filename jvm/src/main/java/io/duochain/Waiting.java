package io.duochain;

import java.time.Duration;
import java.time.Instant;
import java.util.concurrent.locks.LockSupport;

/** Waits in pieces, so that interrupts, closing and the JVM's end are noticed. */
final class Waiting {
    /** Longest stay inside the native library. */
    static final long CHUNK_NANOS = 100_000_000;
    // How a wait begins that nobody can wake, as in src/queue/shared/pause.rs.
    private static final int SPINS = 16;
    private static final int SPIN_HINTS = 16;
    private static final int YIELDS = 16;
    // And how long its pauses are then, each twice the one before.
    private static final long PAUSE_NANOS_MIN = 50_000;
    private static final long PAUSE_NANOS_MAX = 2_000_000;

    private final long start = System.nanoTime();
    private final long limit;
    private int pauses;
    private long pauseNanos = PAUSE_NANOS_MIN;

    private Waiting(long limit) {
        this.limit = limit;
    }

    static Waiting forUpTo(Duration timeout) {
        return new Waiting(nanosOf(timeout));
    }

    /** A span that is not negative: below zero the library would read "without limit". */
    static long nanosOf(Duration span) {
        if (span.isNegative()) {
            throw new IllegalArgumentException("the time is negative: " + span);
        }
        return nanos(span);
    }

    static long nanos(Duration span) {
        // Longer than 292 years is for ever.
        return span.getSeconds() < Long.MAX_VALUE / 1_000_000_000 ? span.toNanos() : Long.MAX_VALUE;
    }

    /** When {@code System.nanoTime()} says that a span from now is over; a very long one never is. */
    static long end(Duration timeout) {
        return end(nanos(timeout));
    }

    static long end(long nanos) {
        return System.nanoTime() + Math.min(nanos, Long.MAX_VALUE / 2);
    }

    /** Wall-clock time. */
    static long unixNanos() {
        Instant now = Instant.now();
        return now.getEpochSecond() * 1_000_000_000 + now.getNano();
    }

    /** The next piece; 0 at the end. */
    long chunk() throws InterruptedException {
        endIfInterrupted();
        return uninterruptedChunk();
    }

    static void endIfInterrupted() throws InterruptedException {
        if (Thread.interrupted()) {
            throw new InterruptedException();
        }
    }

    /** The next piece of a wait that an interrupt must not end. */
    long uninterruptedChunk() {
        return Math.max(0, Math.min(CHUNK_NANOS, limit - (System.nanoTime() - start)));
    }

    /**
     * Stays away for a moment, for who has to look again and again: spins, then yields, then parks for longer and longer,
     * but not beyond the end.
     */
    void pause() throws InterruptedException {
        long left = chunk();
        if (pauses < SPINS) {
            pauses++;
            for (int hint = 0; hint < SPIN_HINTS; hint++) {
                Thread.onSpinWait();
            }
        } else if (pauses < SPINS + YIELDS) {
            pauses++;
            Thread.yield();
        } else {
            LockSupport.parkNanos(this, Math.min(left, pauseNanos));
            pauseNanos = Math.min(2 * pauseNanos, PAUSE_NANOS_MAX);
        }
    }

    boolean isOver() {
        return System.nanoTime() - start >= limit;
    }
}
