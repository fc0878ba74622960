package io.duochain;

import java.nio.ByteBuffer;

/**
 * A buffer of a {@link Pool}; closing it gives it back. Views that were got before must not be used after that:
 * the bytes belong to somebody else then. A buffer that is forgotten goes back when the collector finds it.
 */
public final class PooledBuffer extends DirectBytes implements AutoCloseable {
    private final ByteBuffer bytes;
    private final long address;
    private final NativeHandle handle;

    PooledBuffer(PoolMemory memory, long address, int capacity, long buffer, int length, boolean trace) {
        this.address = address;
        this.bytes = memory.view(address, capacity).limit(length);
        this.handle = NativeHandle.of(this, "pooled buffer", buffer, word -> {
            Natives.poolRelease(null, memory.pool(), word);
            memory.drop();
        }, trace);
    }

    /**
     * {@inheritDoc}
     *
     * @throws ClosedException after {@link #close}
     */
    @Override
    public ByteBuffer bytes() {
        handle.use();
        return bytes;
    }

    @Override
    long address() {
        return address;
    }

    /** Gives the buffer back. Closing twice does nothing. */
    @Override
    public void close() {
        handle.free();
    }
}
