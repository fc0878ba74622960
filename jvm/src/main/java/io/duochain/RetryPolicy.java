package io.duochain;

import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.ThreadLocalRandom;

/** Whether to try again, and when: exponential delays with jitter, within attempts and a total time. */
public final class RetryPolicy implements AutoCloseable {
    private final NativeHandle handle;

    /** With the given options. */
    public RetryPolicy(Options options) {
        long word = Natives.retryCreate(new long[] {
            options.attempts, options.delayMin, options.delayMax, options.multiplier, options.jitterPercent,
            options.total});
        this.handle = NativeHandle.of(this, "retry policy", word, Natives::retryDestroy);
    }

    /** How long until the next attempt, after so many failures in a row; empty: give up. */
    public Optional<Duration> after(int failures, Duration elapsed, Fault fault) {
        long delay = afterNanos(failures, Waiting.nanos(elapsed), fault);
        return delay < 0 ? Optional.empty() : Optional.of(Duration.ofNanos(delay));
    }

    long afterNanos(int failures, long elapsed, Fault fault) {
        long entropy = ThreadLocalRandom.current().nextLong();
        return Natives.retryAfter(this, handle.use(), failures, elapsed, fault.ordinal(), entropy);
    }

    /** Its figures. */
    public Stats stats() {
        return new Stats(Natives.retryStats(this, handle.use()));
    }

    long word() {
        return handle.use();
    }

    /** Frees it. A registry that has it keeps it. */
    @Override
    public void close() {
        handle.free();
    }

    /** A policy's figures. */
    public static final class Stats {
        private final long[] values;

        Stats(long[] values) {
            this.values = values;
        }

        /** Attempts after a failure. */
        public long retries() {
            return values[0];
        }

        /** Calls given up because the failure does not pass. */
        public long notRetryable() {
            return values[1];
        }

        /** Calls given up because all attempts were used up. */
        public long attemptsSpent() {
            return values[2];
        }

        /** Calls given up because the total time was. */
        public long timeSpent() {
            return values[3];
        }
    }

    /** How often, how long, how far apart. Zero stands for the default, except for the jitter. */
    public static final class Options {
        private int attempts;
        private long delayMin;
        private long delayMax;
        private int multiplier;
        private int jitterPercent = 25;
        private long total;

        /** Three attempts within 10 s, 100 ms and 200 ms apart, give or take a quarter. */
        public Options() {
        }

        /** Attempts, the first included, up to 1,000. */
        public Options attempts(int most) {
            attempts = most;
            return this;
        }

        /** Delay after the first failure, and the longest, up to 24 h. */
        public Options delays(Duration first, Duration longest) {
            delayMin = Waiting.nanos(first);
            delayMax = Waiting.nanos(longest);
            return this;
        }

        /** Growth from one delay to the next, up to 100. */
        public Options multiplier(int factor) {
            multiplier = factor;
            return this;
        }

        /** Each delay is longer or shorter by up to so many percent; 0: none. */
        public Options jitterPercent(int width) {
            jitterPercent = width;
            return this;
        }

        /** Time for all attempts, up to 24 h. */
        public Options total(Duration time) {
            total = Waiting.nanos(time);
            return this;
        }
    }
}
