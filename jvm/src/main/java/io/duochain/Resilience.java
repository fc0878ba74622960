package io.duochain;

import java.time.Duration;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Function;
import java.util.function.Supplier;

/**
 * Circuit, rate, bulkhead and retry around one peer, asked in that order. Each may be left out or shared. Closing the
 * parts is their owner's business.
 *
 * <pre>{@code
 * Resilience stack = new Resilience(breaker, limiter, bulkhead, retry);
 * int answer = stack.call(() -> 2 + 2, Duration.ofSeconds(1));
 * }</pre>
 */
public final class Resilience {
    private static final int SUCCESS = 0;
    private static final int ABANDONED = 2;

    final CircuitBreaker breaker;
    final RateLimiter limiter;
    final Bulkhead bulkhead;
    final RetryPolicy retry;
    private final Function<Throwable, Fault> judge;

    /** Of these parts, each of which may be null. Every exception is retryable. */
    public Resilience(CircuitBreaker breaker, RateLimiter limiter, Bulkhead bulkhead, RetryPolicy retry) {
        this(breaker, limiter, bulkhead, retry, failure -> Fault.RETRYABLE);
    }

    /** As above; {@code judge} says whose fault an exception is. */
    public Resilience(
            CircuitBreaker breaker, RateLimiter limiter, Bulkhead bulkhead, RetryPolicy retry,
            Function<Throwable, Fault> judge) {
        this.breaker = breaker;
        this.limiter = limiter;
        this.bulkhead = bulkhead;
        this.retry = retry;
        this.judge = judge;
    }

    /**
     * Asks all parts for one call; waits for nothing.
     *
     * @throws BusyException when the circuit is open
     * @throws FullException when there is no token or no permit
     */
    public Pass tryEnter() {
        Pass pass = new Pass();
        try {
            if (limiter != null && !limiter.tryAcquire(1)) {
                throw Failures.of(Code.AGAIN, "over the rate");
            }
            if (bulkhead != null) {
                pass.permit = bulkhead.tryAcquire();
            }
            return pass;
        } catch (RuntimeException refused) {
            pass.end(ABANDONED);
            throw refused;
        }
    }

    /**
     * As {@link #tryEnter}, waiting up to {@code timeout} for tokens, and as long for a permit.
     *
     * @throws BusyException when the circuit is open; that is not waited for
     * @throws TimedOutException when there was no token or no turn in time
     */
    public Pass enter(Duration timeout) throws InterruptedException {
        Pass pass = new Pass();
        boolean entered = false;
        try {
            if (limiter != null) {
                limiter.acquire(1, timeout);
            }
            if (bulkhead != null) {
                pass.permit = bulkhead.acquire(timeout);
            }
            entered = true;
            return pass;
        } finally {
            if (!entered) {
                pass.end(ABANDONED);
            }
        }
    }

    /** Enters, and calls {@code work} until it succeeds or the policy gives up; then throws its last exception. */
    public <T> T call(Callable<T> work, Duration timeout) throws Exception {
        try (Pass pass = enter(timeout)) {
            long begun = System.nanoTime();
            for (int failures = 1;; failures++) {
                try {
                    T result = work.call();
                    pass.succeeded();
                    return result;
                } catch (Exception failure) {
                    Fault fault = judge(failure);
                    long delay = delay(failures, begun, fault);
                    if (delay < 0) {
                        pass.end(fault.outcome);
                        throw failure;
                    }
                    TimeUnit.NANOSECONDS.sleep(delay);
                }
            }
        }
    }

    /** As {@link #call}, without a thread that waits. The future fails as that throws. */
    public <T> CompletableFuture<T> callAsync(Supplier<? extends CompletionStage<T>> work, Duration timeout) {
        Pass pass;
        try {
            pass = new Pass();
        } catch (DuoException open) {
            return CompletableFuture.failedFuture(open);
        }
        CompletableFuture<Void> tokens = limiter == null ? CompletableFuture.completedFuture(null)
                : limiter.acquireAsync(1, timeout);
        CompletableFuture<T> result = tokens.thenCompose(granted -> {
            if (bulkhead == null) {
                return CompletableFuture.completedFuture(null);
            }
            return bulkhead.acquireAsync().orTimeout(Waiting.nanos(timeout), TimeUnit.NANOSECONDS)
                    .exceptionallyCompose(failure -> CompletableFuture.failedFuture(late(cause(failure))));
        }).thenCompose(permit -> {
            pass.permit = permit;
            pass.entered = true;
            return attempt(pass, work, 1, System.nanoTime());
        });
        result.whenComplete((value, failure) -> {
            if (failure == null) {
                pass.end(SUCCESS);
            } else {
                pass.end(pass.entered ? judge(cause(failure)).outcome : ABANDONED);
            }
        });
        return result;
    }

    private <T> CompletableFuture<T> attempt(
            Pass pass, Supplier<? extends CompletionStage<T>> work, int failures, long begun) {
        return work.get().handle((value, thrown) -> {
            if (thrown == null) {
                return CompletableFuture.completedFuture(value);
            }
            Throwable failure = cause(thrown);
            long delay = delay(failures, begun, judge(failure));
            if (delay < 0) {
                return CompletableFuture.<T>failedFuture(failure);
            }
            return CompletableFuture
                    .supplyAsync(() -> 0, CompletableFuture.delayedExecutor(delay, TimeUnit.NANOSECONDS))
                    .thenCompose(go -> attempt(pass, work, failures + 1, begun));
        }).toCompletableFuture().thenCompose(Function.identity());
    }

    private static Throwable late(Throwable failure) {
        boolean timedOut = failure instanceof TimeoutException;
        return timedOut ? Failures.of(Code.TIMEOUT, "timed out in line") : failure;
    }

    private static Throwable cause(Throwable failure) {
        boolean wrapped = failure instanceof CompletionException && failure.getCause() != null;
        return wrapped ? failure.getCause() : failure;
    }

    private Fault judge(Throwable failure) {
        // What ends a thread or the JVM is not the peer's fault.
        boolean own = failure instanceof InterruptedException || failure instanceof Error;
        return own ? Fault.CALLER : judge.apply(failure);
    }

    private long delay(int failures, long begun, Fault fault) {
        return retry == null ? -1 : retry.afterNanos(failures, System.nanoTime() - begun, fault);
    }

    /** The right to make one call. Closed without {@link #succeeded}, it counts as a failure. */
    public final class Pass implements AutoCloseable {
        private final long ticket;
        private Bulkhead.Permit permit;
        private boolean entered;
        private boolean ended;

        private Pass() {
            this.ticket = breaker == null ? 0 : breaker.ask();
        }

        /** The peer did what it should. */
        public void succeeded() {
            end(SUCCESS);
        }

        /** Says nothing about the peer. */
        public void abandoned() {
            end(ABANDONED);
        }

        /** A failure, unless something else was reported. */
        @Override
        public void close() {
            end(Fault.RETRYABLE.outcome);
        }

        private void end(int outcome) {
            synchronized (this) {
                if (ended) {
                    return;
                }
                ended = true;
            }
            if (permit != null) {
                permit.close();
            }
            if (breaker != null) {
                breaker.report(ticket, outcome);
            }
        }
    }
}
