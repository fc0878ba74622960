package io.duochain;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** One buffer outside the Java heap, to be used again and again by one thread. Freed by the collector. */
public final class NativeBuffer extends DirectBytes {
    private final ByteBuffer bytes;
    private final long address;

    private NativeBuffer(ByteBuffer bytes) {
        this.bytes = bytes;
        this.address = Natives.address(bytes);
    }

    /** A buffer of {@code capacity} bytes. */
    public static NativeBuffer allocate(int capacity) {
        return new NativeBuffer(ByteBuffer.allocateDirect(capacity).order(ByteOrder.LITTLE_ENDIAN));
    }

    @Override
    public ByteBuffer bytes() {
        return bytes;
    }

    @Override
    long address() {
        return address;
    }
}
