package io.duochain;

import static io.duochain.Fixtures.PATIENCE;
import static io.duochain.Fixtures.eventually;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.Arrays;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class ResilienceTest {
    private static final Duration HOUR = Duration.ofHours(1);
    private static final Duration MILLI = Duration.ofMillis(1);

    private static CircuitBreaker breaker(int minRequests, Duration timeout) {
        return new CircuitBreaker(new CircuitBreaker.Options().minRequests(minRequests).timeout(timeout));
    }

    private static void fail(CircuitBreaker breaker) {
        breaker.enter().close();
    }

    private static void succeed(CircuitBreaker breaker) {
        try (CircuitBreaker.Permit permit = breaker.enter()) {
            permit.succeeded();
        }
    }

    @Test
    void failures_open_it_and_an_open_one_refuses() {
        try (CircuitBreaker breaker = breaker(4, HOUR)) {
            succeed(breaker);
            breaker.enter().abandoned();
            fail(breaker);
            fail(breaker);
            assertEquals(CircuitBreaker.State.CLOSED, breaker.stats().state());
            fail(breaker);
            assertThrows(BusyException.class, breaker::enter);
            CircuitBreaker.Stats stats = breaker.stats();
            assertEquals(CircuitBreaker.State.OPEN, stats.state());
            assertEquals(4, stats.calls());
            assertEquals(3, stats.failures());
            assertEquals(1, stats.rejected());
            assertEquals(1, stats.opened());
            assertTrue(stats.rejectsFor().compareTo(HOUR) <= 0 && !stats.rejectsFor().isZero());
            breaker.reset();
            succeed(breaker);
        }
    }

    @Test
    void probes_close_it_and_one_failure_opens_it_again() throws InterruptedException {
        try (CircuitBreaker breaker = breaker(1, MILLI)) {
            breaker.trip();
            eventually("a probe", () -> breaker.stats().rejectsFor().isZero());
            fail(breaker);
            assertEquals(CircuitBreaker.State.OPEN, breaker.stats().state());
            for (int successes = 0; successes < 3; successes++) {
                eventually("a probe", () -> breaker.stats().rejectsFor().isZero());
                succeed(breaker);
            }
            assertEquals(CircuitBreaker.State.CLOSED, breaker.stats().state());
        }
    }

    @Test
    void a_restart_does_not_close_it() {
        try (CircuitBreaker before = breaker(1, HOUR); CircuitBreaker after = breaker(1, HOUR)) {
            before.trip();
            byte[] saved = before.save();
            assertEquals(34, saved.length);
            after.restore(saved);
            assertThrows(BusyException.class, after::enter);
            byte[] cut = Arrays.copyOf(saved, 33);
            byte[] longer = Arrays.copyOf(saved, 35);
            assertThrows(CorruptionException.class, () -> after.restore(cut));
            assertThrows(CorruptionException.class, () -> after.restore(longer));
            assertThrows(CorruptionException.class, () -> after.restore(new byte[34]));
        }
    }

    @Test
    void the_burst_is_granted_and_the_next_is_refused() throws Exception {
        try (RateLimiter limiter = new RateLimiter(1, HOUR, 5)) {
            assertEquals(Duration.ZERO, limiter.readyIn(5));
            assertTrue(limiter.tryAcquire(3));
            assertFalse(limiter.tryAcquire(3));
            assertTrue(limiter.tryAcquire(2));
            assertFalse(limiter.tryAcquire(1));
            assertTrue(limiter.readyIn(1).compareTo(HOUR) <= 0);
            assertThrows(TooLargeException.class, () -> limiter.tryAcquire(6));
            assertThrows(TooLargeException.class, () -> limiter.acquire(6, HOUR));
            assertThrows(TimedOutException.class, () -> limiter.acquire(1, Duration.ofMinutes(1)));
            CompletableFuture<Void> late = limiter.acquireAsync(1, Duration.ofMinutes(1));
            assertInstanceOf(TimedOutException.class, failure(late));
            assertEquals(0, limiter.stats().available());
        }
    }

    private static Throwable failure(CompletableFuture<?> future) {
        return assertThrows(ExecutionException.class, () -> future.get(60, TimeUnit.SECONDS)).getCause();
    }

    @Test
    void waiting_for_tokens_ends_with_them() throws Exception {
        try (RateLimiter limiter = new RateLimiter(1_000, Duration.ofSeconds(1), 1)) {
            for (int n = 0; n < 3; n++) {
                limiter.acquire(1, PATIENCE);
                limiter.acquireAsync(1, PATIENCE).get(60, TimeUnit.SECONDS);
            }
        }
    }

    @Test
    void permits_are_bounded_and_come_back_once() {
        try (Bulkhead bulkhead = new Bulkhead(2, 0)) {
            Bulkhead.Permit first = bulkhead.tryAcquire();
            Bulkhead.Permit second = bulkhead.tryAcquire();
            assertThrows(FullException.class, bulkhead::tryAcquire);
            assertThrows(FullException.class, () -> bulkhead.acquire(PATIENCE));
            first.close();
            first.close();
            assertEquals(1, bulkhead.stats().inUse());
            second.close();
            assertEquals(0, bulkhead.stats().inUse());
            assertEquals(2, bulkhead.stats().taken());
        }
    }

    @Test
    void a_waiting_thread_gets_the_permit_that_comes_back() throws Exception {
        try (Bulkhead bulkhead = new Bulkhead(1, 4)) {
            Bulkhead.Permit permit = bulkhead.tryAcquire();
            assertThrows(TimedOutException.class, () -> bulkhead.acquire(MILLI));
            CompletableFuture<Void> other = CompletableFuture.runAsync(() -> {
                try (Bulkhead.Permit theirs = bulkhead.acquire(PATIENCE)) {
                    assertEquals(1, bulkhead.stats().inUse());
                } catch (InterruptedException interrupted) {
                    throw new IllegalStateException(interrupted);
                }
            });
            eventually("a waiter", () -> bulkhead.stats().waiting() == 1);
            permit.close();
            other.get(60, TimeUnit.SECONDS);
            assertEquals(0, bulkhead.stats().inUse());
        }
    }

    @Test
    void futures_stand_in_line_and_a_cancelled_one_passes_its_turn_on() throws Exception {
        try (Bulkhead bulkhead = new Bulkhead(1, 2)) {
            Bulkhead.Permit permit = bulkhead.acquireAsync().get();
            CompletableFuture<Bulkhead.Permit> first = bulkhead.acquireAsync();
            CompletableFuture<Bulkhead.Permit> second = bulkhead.acquireAsync();
            assertInstanceOf(FullException.class, failure(bulkhead.acquireAsync()));
            assertThrows(FullException.class, bulkhead::tryAcquire);
            first.cancel(false);
            assertEquals(1, bulkhead.stats().waiting());
            assertFalse(second.isDone());
            permit.close();
            second.get(60, TimeUnit.SECONDS).close();
            assertEquals(0, bulkhead.stats().inUse());
            assertEquals(1, bulkhead.stats().left());
        }
    }

    @Test
    void closing_it_ends_a_wait() throws Exception {
        Bulkhead bulkhead = new Bulkhead(1, 2);
        bulkhead.tryAcquire();
        CompletableFuture<Bulkhead.Permit> waiting = bulkhead.acquireAsync();
        bulkhead.close();
        assertInstanceOf(ClosedException.class, failure(waiting));
        assertThrows(ClosedException.class, bulkhead::tryAcquire);
    }

    @Test
    void delays_grow_and_attempts_end() {
        RetryPolicy.Options options = new RetryPolicy.Options().jitterPercent(0);
        try (RetryPolicy retry = new RetryPolicy(options);
                RetryPolicy jittered = new RetryPolicy(new RetryPolicy.Options())) {
            assertEquals(Optional.of(Duration.ofMillis(100)), retry.after(1, Duration.ZERO, Fault.RETRYABLE));
            assertEquals(Optional.of(Duration.ofMillis(200)), retry.after(2, Duration.ZERO, Fault.RETRYABLE));
            assertEquals(Optional.empty(), retry.after(3, Duration.ZERO, Fault.RETRYABLE));
            assertEquals(Optional.empty(), retry.after(1, Duration.ofMillis(9_950), Fault.RETRYABLE));
            assertEquals(Optional.empty(), retry.after(1, Duration.ZERO, Fault.PERMANENT));
            assertEquals(Optional.empty(), retry.after(1, Duration.ZERO, Fault.CALLER));
            assertEquals(2, retry.stats().retries());
            assertEquals(2, retry.stats().notRetryable());
            assertEquals(1, retry.stats().attemptsSpent());
            assertEquals(1, retry.stats().timeSpent());
            long delay = jittered.after(1, Duration.ZERO, Fault.RETRYABLE).orElseThrow().toMillis();
            assertTrue(delay >= 75 && delay <= 125, () -> delay + " ms");
        }
    }

    /** Parts of a stack, closed together. */
    private static final class Parts implements AutoCloseable {
        final CircuitBreaker breaker = breaker(3, Duration.ofSeconds(5));
        final RateLimiter limiter;
        final Bulkhead bulkhead = new Bulkhead(1, 0);
        final RetryPolicy retry = new RetryPolicy(new RetryPolicy.Options().attempts(3).delays(MILLI, MILLI));
        final Resilience stack;

        Parts(int burst) {
            limiter = new RateLimiter(1, HOUR, burst);
            stack = new Resilience(breaker, limiter, bulkhead, retry,
                    failure -> failure instanceof IllegalArgumentException ? Fault.CALLER : Fault.RETRYABLE);
        }

        @Override
        public void close() {
            breaker.close();
            limiter.close();
            bulkhead.close();
            retry.close();
        }
    }

    @Test
    void each_part_refuses_in_its_turn() {
        try (Parts parts = new Parts(3)) {
            parts.breaker.trip();
            assertThrows(BusyException.class, parts.stack::tryEnter);
            assertEquals(3, parts.limiter.stats().available());
            parts.breaker.reset();
            try (Resilience.Pass pass = parts.stack.tryEnter()) {
                assertThrows(FullException.class, parts.stack::tryEnter);
                pass.succeeded();
            }
            parts.stack.tryEnter().abandoned();
            assertThrows(FullException.class, parts.stack::tryEnter);
            assertEquals(0, parts.bulkhead.stats().inUse());
            assertEquals(2, parts.bulkhead.stats().taken());
            assertEquals(1, parts.breaker.stats().calls());
        }
    }

    @Test
    void a_failing_call_is_tried_again_and_counts_once() throws Exception {
        try (Parts parts = new Parts(10)) {
            AtomicInteger attempts = new AtomicInteger();
            int answer = parts.stack.call(() -> {
                if (attempts.incrementAndGet() < 3) {
                    throw new IllegalStateException("not yet");
                }
                return attempts.get();
            }, Duration.ZERO);
            assertEquals(3, answer);
            CompletableFuture<Integer> broken = parts.stack.callAsync(
                    () -> CompletableFuture.<Integer>failedFuture(new IllegalStateException("never")), PATIENCE);
            assertInstanceOf(IllegalStateException.class, failure(broken));
            assertThrows(IllegalArgumentException.class, () -> parts.stack.call(() -> {
                throw new IllegalArgumentException("the caller's");
            }, Duration.ZERO));
            CompletableFuture<Integer> fine =
                    parts.stack.callAsync(() -> CompletableFuture.completedFuture(4), PATIENCE);
            assertEquals(4, fine.get(60, TimeUnit.SECONDS));
            try (Bulkhead.Permit taken = parts.bulkhead.tryAcquire()) {
                CompletableFuture<Integer> crowded =
                        parts.stack.callAsync(() -> CompletableFuture.completedFuture(5), MILLI);
                assertInstanceOf(FullException.class, failure(crowded));
            }
            eventually("the last report", () -> parts.breaker.stats().calls() == 3);
            assertEquals(1, parts.breaker.stats().failures());
            assertEquals(0, parts.bulkhead.stats().inUse());
        }
    }

    @Test
    void reports_and_saved_state_name_every_breaker() {
        try (Parts known = new Parts(1); Parts fresh = new Parts(1);
                ResilienceRegistry before = new ResilienceRegistry();
                ResilienceRegistry after = new ResilienceRegistry()) {
            before.add("peer-1", known.stack);
            after.add("peer-1", fresh.stack);
            assertThrows(ConflictException.class, () -> before.add("peer-1", known.stack));
            assertThrows(ConfigException.class, () -> before.add("peer 1", known.stack));
            known.breaker.trip();
            assertTrue(before.json().contains("\"name\":\"peer-1\",\"breaker\":{\"state\":\"open\""), before.json());
            assertTrue(before.prometheus().contains("duochain_breaker_state{stack=\"peer-1\"} 1\n"));
            byte[] saved = before.save();
            assertEquals(1, after.restore(saved));
            assertThrows(BusyException.class, fresh.stack::tryEnter);
            assertThrows(CorruptionException.class, () -> after.restore(Arrays.copyOf(saved, saved.length - 1)));
            assertEquals(Optional.of(known.stack), before.find("peer-1"));
            assertTrue(before.remove("peer-1"));
            assertFalse(before.remove("peer-1"));
        }
    }

    @Test
    void settings_outside_of_their_range_are_named() {
        CircuitBreaker.Options wrong = new CircuitBreaker.Options().thresholdPerMille(1_001);
        ConfigException named = assertThrows(ConfigException.class, () -> new CircuitBreaker(wrong));
        assertTrue(named.getMessage().contains("threshold_per_mille"), named.getMessage());
        assertThrows(ConfigException.class, () -> new RateLimiter(2, Duration.ofNanos(1), 1));
        assertThrows(ConfigException.class, () -> new RateLimiter(0, HOUR, 1));
        assertThrows(ConfigException.class, () -> new Bulkhead(65_001, 0));
        assertThrows(ConfigException.class, () -> new RetryPolicy(new RetryPolicy.Options().attempts(1_001)));
    }
}
