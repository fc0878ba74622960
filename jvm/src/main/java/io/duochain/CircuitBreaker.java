package io.duochain;

import java.time.Duration;

/**
 * Counts a peer's failures; open, it lets no call through. After its time-out it lets a few probes through, and
 * closes when enough of them succeed. {@code docs/resilience.md} says how to choose values.
 *
 * <pre>{@code
 * try (CircuitBreaker.Permit permit = breaker.enter()) {
 *     callThePeer();
 *     permit.succeeded();
 * }   // without succeeded() or abandoned(): a failure
 * }</pre>
 */
public final class CircuitBreaker implements AutoCloseable {
    private static final int SUCCESS = 0;
    private static final int FAILURE = 1;
    private static final int ABANDONED = 2;

    private final NativeHandle handle;

    /** With the given options. */
    public CircuitBreaker(Options options) {
        long word = Natives.breakerCreate(new long[] {
            options.window, options.timeout, options.minRequests, options.thresholdPerMille, options.probes,
            options.successes, options.floorPerMille, options.recovery});
        this.handle = NativeHandle.of(this, "circuit breaker", word, Natives::breakerDestroy);
    }

    /**
     * Asks for a call.
     *
     * @throws BusyException when the circuit is open
     */
    public Permit enter() {
        return new Permit(ask());
    }

    long ask() {
        long ticket = Natives.breakerAsk(this, handle.use());
        if (ticket < 0) {
            throw Failures.of(Code.BUSY, "the circuit is open");
        }
        return ticket;
    }

    void report(long ticket, int outcome) {
        Natives.breakerReport(this, handle.use(), ticket, outcome);
    }

    /** Opens it by hand for its time-out. */
    public void trip() {
        Natives.breakerTrip(this, handle.use());
    }

    /** Closes it by hand and forgets the window. */
    public void reset() {
        Natives.breakerReset(this, handle.use());
    }

    /** Its figures. */
    public Stats stats() {
        return new Stats(Natives.breakerStats(this, handle.use()));
    }

    /** Its state, for {@link #restore} after a restart. */
    public byte[] save() {
        return Natives.breakerSave(this, handle.use(), Waiting.unixNanos());
    }

    /**
     * What {@link #save} gave; the time between counts as time that it was open.
     *
     * @throws CorruptionException for other bytes; nothing has changed then
     */
    public void restore(byte[] saved) {
        Natives.breakerRestore(this, handle.use(), Waiting.unixNanos(), saved.clone());
    }

    long word() {
        return handle.use();
    }

    /** Frees it. A registry that has it keeps it. */
    @Override
    public void close() {
        handle.free();
    }

    /** The right to make one call. */
    public final class Permit implements AutoCloseable {
        private final long ticket;
        private boolean reported;

        Permit(long ticket) {
            this.ticket = ticket;
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
            end(FAILURE);
        }

        private void end(int outcome) {
            if (!reported) {
                reported = true;
                report(ticket, outcome);
            }
        }
    }

    /** What a breaker lets through. */
    public enum State {
        /** Everything. */
        CLOSED,
        /** Nothing. */
        OPEN,
        /** A few probes. */
        HALF_OPEN
    }

    /** A breaker's figures. */
    public static final class Stats {
        private final long[] values;

        Stats(long[] values) {
            this.values = values;
        }

        /** What it lets through. */
        public State state() {
            return State.values()[(int) values[0]];
        }

        /** The failure rate that opens it now, in thousandths. */
        public int thresholdPerMille() {
            return (int) values[1];
        }

        /** Calls in the window. */
        public long windowCalls() {
            return values[2];
        }

        /** Failures in the window. */
        public long windowFailures() {
            return values[3];
        }

        /** Calls reported so far, without probes. */
        public long calls() {
            return values[4];
        }

        /** Failures among them. */
        public long failures() {
            return values[5];
        }

        /** Calls not let through. */
        public long rejected() {
            return values[6];
        }

        /** How often it opened. */
        public long opened() {
            return values[7];
        }

        /** For how long it will still let nothing through. */
        public Duration rejectsFor() {
            return Duration.ofNanos(values[8]);
        }
    }

    /** When a breaker opens and closes. Zero stands for the default. */
    public static final class Options {
        private long window;
        private long timeout;
        private int minRequests;
        private int thresholdPerMille;
        private int probes;
        private int successes;
        private int floorPerMille;
        private long recovery;

        /** Half of 10 or more calls within 10 s open it for 5 s; one probe at a time, three successes close it. */
        public Options() {
        }

        /** How far back outcomes count: 10 ms to 24 h. */
        public Options window(Duration length) {
            window = Waiting.nanos(length);
            return this;
        }

        /** How long it stays open: 1 ms to 24 h. */
        public Options timeout(Duration open) {
            timeout = Waiting.nanos(open);
            return this;
        }

        /** Calls in the window below which it never opens, up to 20,000. */
        public Options minRequests(int calls) {
            minRequests = calls;
            return this;
        }

        /** Share of failures that opens it, in thousandths. */
        public Options thresholdPerMille(int share) {
            thresholdPerMille = share;
            return this;
        }

        /** Calls let through at a time while half-open, up to 1,000. */
        public Options probes(int calls) {
            probes = calls;
            return this;
        }

        /** Successes that close it, up to 1,000. */
        public Options successes(int calls) {
            successes = calls;
            return this;
        }

        /** The threshold at the moment of closing, which is regained in {@code recovery}. */
        public Options adaptive(int floor, Duration regained) {
            floorPerMille = floor;
            recovery = Waiting.nanos(regained);
            return this;
        }
    }
}
