package io.duochain;

import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

/** Grants so many tokens in each period, and a burst after a pause. */
public final class RateLimiter implements AutoCloseable {
    private final NativeHandle handle;

    /** So many tokens in each period; an idle limiter saves up to {@code burst}, of which no call can ask for more. */
    public RateLimiter(int tokens, Duration period, int burst) {
        if (tokens <= 0 || burst <= 0 || period.isZero() || period.isNegative()) {
            throw Failures.of(Code.CONFIG, "tokens, period and burst are above zero");
        }
        long word = Natives.limiterCreate(new long[] {tokens, Waiting.nanos(period), burst});
        this.handle = NativeHandle.of(this, "rate limiter", word, Natives::limiterDestroy);
    }

    /**
     * Takes {@code tokens} if they are there.
     *
     * @throws TooLargeException for more than the burst
     */
    public boolean tryAcquire(int tokens) {
        return Natives.limiterAcquire(this, handle.use(), tokens);
    }

    /** How long until as many are there, if nobody takes any. */
    public Duration readyIn(int tokens) {
        return Duration.ofNanos(Natives.limiterReadyIn(this, handle.use(), tokens));
    }

    /**
     * Waits for {@code tokens}; not at all when they would come after the time-out. Virtual threads are not pinned.
     *
     * @throws TimedOutException when they come later
     * @throws TooLargeException for more than the burst
     */
    public void acquire(int tokens, Duration timeout) throws InterruptedException {
        long end = Waiting.end(timeout);
        while (!tryAcquire(tokens)) {
            long wait = waitFor(tokens, end);
            TimeUnit.NANOSECONDS.sleep(wait);
        }
    }

    /** As {@link #acquire}, without a thread that waits. The future fails as that throws. */
    public CompletableFuture<Void> acquireAsync(int tokens, Duration timeout) {
        CompletableFuture<Void> done = new CompletableFuture<>();
        attempt(tokens, Waiting.end(timeout), done);
        return done;
    }

    private void attempt(int tokens, long end, CompletableFuture<Void> done) {
        try {
            if (done.isDone()) {
                return;
            }
            if (tryAcquire(tokens)) {
                // Cancelled in that moment, the tokens are spent.
                done.complete(null);
            } else {
                CompletableFuture.delayedExecutor(waitFor(tokens, end), TimeUnit.NANOSECONDS)
                        .execute(() -> attempt(tokens, end, done));
            }
        } catch (RuntimeException failure) {
            done.completeExceptionally(failure);
        }
    }

    private long waitFor(int tokens, long end) {
        long wait = Natives.limiterReadyIn(this, handle.use(), tokens);
        if (wait > end - System.nanoTime()) {
            throw Failures.of(Code.TIMEOUT, tokens + " tokens come in " + Duration.ofNanos(wait));
        }
        return wait;
    }

    /** Its figures. */
    public Stats stats() {
        return new Stats(Natives.limiterStats(this, handle.use()));
    }

    long word() {
        return handle.use();
    }

    /** Frees it. A registry that has it keeps it. */
    @Override
    public void close() {
        handle.free();
    }

    /** A limiter's figures. */
    public static final class Stats {
        private final long[] values;

        Stats(long[] values) {
            this.values = values;
        }

        /** Tokens that could be had at once. */
        public long available() {
            return values[0];
        }

        /** Tokens that can be saved up. */
        public long burst() {
            return values[1];
        }

        /** Calls refused so far because of the rate. */
        public long refused() {
            return values[2];
        }
    }
}
