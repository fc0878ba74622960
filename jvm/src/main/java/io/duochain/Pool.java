package io.duochain;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** A pool of buffers of a few sizes outside the Java heap, for any number of threads. */
public final class Pool implements AutoCloseable {
    private final PoolMemory memory;
    private final NativeHandle handle;

    private Pool(long word) {
        PoolMemory kept = new PoolMemory(word);
        this.memory = kept;
        this.handle = NativeHandle.of(this, "pool", word, pool -> kept.close());
    }

    /** The sizes of a new pool, ascending. */
    public static Builder builder() {
        return new Builder();
    }

    /**
     * Checks out a buffer of {@code bytes} bytes. What is in it is undefined.
     *
     * @throws NoMemoryException at the pool's bound
     * @throws TooLargeException above its largest buffer
     */
    public PooledBuffer acquire(int bytes) {
        if (bytes < 0) {
            throw new IllegalArgumentException(bytes + " bytes");
        }
        long[] out = new long[3];
        long pool = handle.use();
        if (!memory.hold()) {
            throw handle.closedException();
        }
        try {
            Natives.poolAcquire(this, pool, bytes, out);
        } catch (DuoException refused) {
            memory.drop();
            throw refused;
        }
        return new PooledBuffer(memory, out[0], (int) out[1], out[2], bytes);
    }

    /** What the pool did and holds. */
    public PoolStats stats() {
        return Reports.poolStats(new Wire(Natives.poolStats(this, handle.use())));
    }

    /**
     * Hands out nothing more. Buffers that are out stay usable until they are closed; the memory is freed after the
     * last of them. Closing twice does nothing.
     */
    @Override
    public void close() {
        handle.free();
    }

    /** Collects the sizes of a pool. */
    public static final class Builder {
        private final List<long[]> classes = new ArrayList<>();

        private Builder() {
        }

        /** Up to {@code count} buffers of {@code bytes} bytes. No memory is taken before it is needed. */
        public Builder add(int bytes, int count) {
            classes.add(new long[] {bytes, count});
            return this;
        }

        /**
         * Makes the pool.
         *
         * @throws ConfigException when there are no sizes, or they do not ascend, or one is not positive
         */
        public Pool build() {
            return new Pool(Natives.poolCreate(classes.stream().flatMapToLong(Arrays::stream).toArray()));
        }
    }
}
