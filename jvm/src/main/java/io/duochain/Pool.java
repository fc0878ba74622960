package io.duochain;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.stream.LongStream;

/** A pool of buffers of a few sizes outside the Java heap, for any number of threads. */
public final class Pool implements AutoCloseable {
    /** Most buffers of one batch, and of one report. */
    private static final int COUNT_MAX = 65_536;
    /** The library's own clock. */
    private static final long NOW = -1;

    private final PoolMemory memory;
    private final NativeHandle handle;
    private final boolean tracks;

    private Pool(long word) {
        PoolMemory kept = new PoolMemory(word);
        this.memory = kept;
        this.handle = NativeHandle.of(this, "pool", word, pool -> kept.close());
        this.tracks = tracks(word);
    }

    private boolean tracks(long word) {
        try {
            Natives.poolHeld(this, word, Long.MAX_VALUE, 1);
            return true;
        } catch (UnsupportedException off) {
            return false;
        }
    }

    /** The sizes of a new pool, ascending. */
    public static Builder builder() {
        return new Builder();
    }

    static Pool managed(byte[] steps, PoolKind kind) {
        return new Pool(Natives.poolCreateManaged(steps, kind.number()));
    }

    /**
     * Checks out a buffer of {@code bytes} bytes. What is in it is undefined.
     *
     * @throws NoMemoryException at the pool's bound
     * @throws TooLargeException above its largest buffer
     */
    public PooledBuffer acquire(int bytes) {
        checkNotNegative(bytes, "bytes");
        long[] out = new long[3];
        long pool = handle.use();
        if (!memory.hold()) {
            throw handle.closedException();
        }
        try {
            if (tracks) {
                Natives.poolAcquireAt(this, pool, bytes, caller(), out);
            } else {
                Natives.poolAcquire(this, pool, bytes, out);
            }
            return buffer(out, 0, bytes);
        } catch (Throwable failure) {
            // Refused, or no room in the heap for the object of a buffer that came.
            giveBack(out, 0);
            memory.drop();
            throw failure;
        }
    }

    /**
     * Checks out up to {@code count} buffers of {@code bytes} bytes each, 65,536 at most, in one crossing: as many as
     * there are.
     *
     * @throws NoMemoryException when there is not even one
     * @throws TooLargeException above the pool's largest buffer
     */
    public List<PooledBuffer> acquire(int bytes, int count) {
        checkNotNegative(bytes, "bytes");
        if (count < 1 || count > COUNT_MAX) {
            throw new IllegalArgumentException(count + " buffers");
        }
        if (tracks) {
            return acquireSingly(bytes, count);
        }
        // Both before the crossing: what fails after it has to give buffers back.
        long[] out = new long[3 * count];
        List<PooledBuffer> buffers = new ArrayList<>(count);
        long pool = handle.use();
        // One hold for the call, and one for each buffer below.
        if (!memory.hold()) {
            throw handle.closedException();
        }
        try {
            int got = Natives.poolAcquireBatch(this, pool, bytes, count, out);
            while (buffers.size() < got) {
                buffers.add(heldBuffer(out, 3 * buffers.size(), bytes));
            }
            return buffers;
        } catch (Throwable failure) {
            giveBack(out, 3 * buffers.size());
            closeAll(buffers);
            throw failure;
        } finally {
            memory.drop();
        }
    }

    /** Each with its own place of acquisition. */
    private List<PooledBuffer> acquireSingly(int bytes, int count) {
        List<PooledBuffer> buffers = new ArrayList<>(count);
        try {
            while (buffers.size() < count) {
                buffers.add(acquire(bytes));
            }
        } catch (NoMemoryException none) {
            if (buffers.isEmpty()) {
                throw none;
            }
        } catch (Throwable failure) {
            closeAll(buffers);
            throw failure;
        }
        return buffers;
    }

    /** Releases the buffers from {@code at} on that the library has handed out and no object stands for. */
    private void giveBack(long[] numbers, int at) {
        // Every buffer has an address: 0 says that none came.
        for (int next = at; next < numbers.length && numbers[next] != 0; next += 3) {
            Natives.poolRelease(null, memory.pool(), numbers[next + 2]);
        }
    }

    /** Allocates nothing, as there may be no room in the heap. */
    private static void closeAll(List<PooledBuffer> buffers) {
        for (int at = 0; at < buffers.size(); at++) {
            buffers.get(at).close();
        }
    }

    private PooledBuffer heldBuffer(long[] numbers, int at, int length) {
        memory.hold();
        try {
            return buffer(numbers, at, length);
        } catch (Throwable failure) {
            memory.drop();
            throw failure;
        }
    }

    private PooledBuffer buffer(long[] numbers, int at, int length) {
        return new PooledBuffer(memory, numbers[at], (int) numbers[at + 1], numbers[at + 2], length, tracks);
    }

    /** The first frame outside of this class. What matters most comes first: the library cuts after 119 bytes. */
    private static byte[] caller() {
        String site = StackWalker.getInstance().walk(frames -> frames
                .dropWhile(frame -> frame.getClassName().equals(Pool.class.getName()))
                .findFirst()
                .map(frame -> frame.getFileName() + ":" + frame.getLineNumber()
                        + " " + frame.getClassName() + "." + frame.getMethodName())
                .orElse("unknown"));
        return site.getBytes(StandardCharsets.UTF_8);
    }

    /** What the pool did and holds. */
    public PoolStats stats() {
        return Reports.poolStats(new Wire(Natives.poolStats(this, handle.use())));
    }

    /** The same of each size, smallest buffers first. */
    public List<PoolClassStats> classStats() {
        return Reports.poolClassStats(new Wire(Natives.poolClassStats(this, handle.use())));
    }

    /**
     * Takes memory for {@code count} buffers, in use or not, of the size that serves {@code bytes}, and touches it, so
     * that acquiring them waits for nothing. Gives how many got memory now.
     *
     * @throws TooLargeException above the pool's largest buffer
     */
    public long warmUp(int bytes, int count) {
        checkNotNegative(bytes, "bytes");
        checkNotNegative(count, "buffers");
        return Natives.poolWarmUp(this, handle.use(), bytes, count);
    }

    /**
     * Gives memory of free buffers back to the system, least recently used first, but for {@code keepFree} of
     * each size. Gives the number of bytes.
     */
    public long trim(int keepFree) {
        checkNotNegative(keepFree, "buffers");
        return Natives.poolTrim(this, handle.use(), keepFree);
    }

    /**
     * Lets memory follow demand; to be called every second or so. A size that is nearly used up gets a quarter
     * more memory; one whose demand stayed low for a while gives back what was not used for longest, down to its
     * initial size.
     */
    public PoolMaintenance maintain() {
        return maintained(NOW);
    }

    /** As {@link #maintain()}, at a time of the caller's clock: always of the same one for a pool. */
    public PoolMaintenance maintain(Duration now) {
        if (now.isNegative()) {
            throw new IllegalArgumentException("a time of " + now);
        }
        return maintained(now.toNanos());
    }

    private PoolMaintenance maintained(long now) {
        long[] done = Natives.poolMaintain(this, handle.use(), now);
        return new PoolMaintenance(done[0], done[1], done[2]);
    }

    /**
     * Buffers that have been out for {@code olderThan} or longer, longest first; zero lists all, such as before
     * a close.
     *
     * @throws UnsupportedException when the pool does not track leaks
     */
    public List<HeldBuffer> held(Duration olderThan) {
        if (olderThan.isNegative()) {
            throw new IllegalArgumentException("an age of " + olderThan);
        }
        return Reports.held(new Wire(Natives.poolHeld(this, handle.use(), olderThan.toNanos(), COUNT_MAX)));
    }

    /**
     * Hands out nothing more. Buffers that are out stay usable until they are closed; the memory is freed after the
     * last of them. Closing twice does nothing.
     */
    @Override
    public void close() {
        handle.free();
    }

    private static void checkNotNegative(int number, String what) {
        if (number < 0) {
            throw new IllegalArgumentException(number + " " + what);
        }
    }

    /** Collects the shape of a pool. */
    public static final class Builder {
        private final List<long[]> classes = new ArrayList<>();
        private boolean warmUp;
        private HugePages hugePages = HugePages.OFF;
        private long tracking;
        private long shrinkAfterNanos;

        private Builder() {
        }

        /** Up to {@code count} buffers of {@code bytes} bytes. No memory is taken before it is needed. */
        public Builder add(int bytes, int count) {
            return add(bytes, count, 0);
        }

        /** As {@link #add(int, int)}; {@code initial} of them keep their memory once they have it. */
        public Builder add(int bytes, int count, int initial) {
            classes.add(new long[] {bytes, count, initial});
            return this;
        }

        /** Takes and touches the memory of the initial buffers when the pool is made. */
        public Builder warmUp() {
            warmUp = true;
            return this;
        }

        /** Asks for huge pages. */
        public Builder hugePages(HugePages wanted) {
            hugePages = Objects.requireNonNull(wanted, "wanted");
            return this;
        }

        /**
         * Whether to note who acquires each buffer, for {@link Pool#held}, and to log those that were forgotten. Unless
         * said otherwise, only debug builds of the library do.
         */
        public Builder leakTracking(boolean on) {
            tracking = on ? 2 : 1;
            return this;
        }

        /** How long demand has to stay low before {@link Pool#maintain()} gives memory back; zero: never. */
        public Builder shrinkAfter(Duration time) {
            if (time.isNegative()) {
                throw new IllegalArgumentException("a time of " + time);
            }
            shrinkAfterNanos = time.isZero() ? -1 : time.toNanos();
            return this;
        }

        /**
         * Makes the pool.
         *
         * @throws ConfigException when there are no sizes, or they do not ascend, or one is not positive, or an initial
         *     count is above its maximum
         * @throws UnsupportedException when huge pages are required and the system gives none
         */
        public Pool build() {
            LongStream head = LongStream.of(warmUp ? 1 : 0, hugePages.ordinal(), tracking, shrinkAfterNanos);
            LongStream rows = classes.stream().flatMapToLong(Arrays::stream);
            return new Pool(Natives.poolCreate(LongStream.concat(head, rows).toArray()));
        }
    }
}
