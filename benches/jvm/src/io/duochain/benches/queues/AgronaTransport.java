package io.duochain.benches.queues;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.agrona.concurrent.MessageHandler;
import org.agrona.concurrent.UnsafeBuffer;
import org.agrona.concurrent.ringbuffer.ManyToOneRingBuffer;
import org.agrona.concurrent.ringbuffer.RecordDescriptor;
import org.agrona.concurrent.ringbuffer.RingBufferDescriptor;

/** A ring of bytes outside the Java heap, the nearest relative of ours. Its room is counted in bytes. */
final class AgronaTransport implements Transport {
    static final String NAME = "Agrona ManyToOneRingBuffer";
    private static final int MESSAGE = 1;

    private final ManyToOneRingBuffer ring;
    private final int itemBytes;

    AgronaTransport(int itemBytes) {
        int record = itemBytes + RecordDescriptor.HEADER_LENGTH;
        int aligned = -(-record & -RecordDescriptor.ALIGNMENT);
        // A power of two that has room for at least as many items as the others have.
        int bytes = Integer.highestOneBit(CELLS * aligned - 1) << 1;
        this.ring = new ManyToOneRingBuffer(
                new UnsafeBuffer(ByteBuffer.allocateDirect(bytes + RingBufferDescriptor.TRAILER_LENGTH)));
        this.itemBytes = itemBytes;
    }

    @Override
    public Input input(int producer) {
        byte[] item = new byte[itemBytes];
        UnsafeBuffer buffer = new UnsafeBuffer(item);
        return number -> {
            NUMBER.set(item, 0, number);
            return ring.write(MESSAGE, buffer, 0, itemBytes);
        };
    }

    @Override
    public Output output() {
        return sink -> {
            MessageHandler handler =
                    (type, buffer, index, length) -> sink.accept(buffer.getLong(index, ByteOrder.LITTLE_ENDIAN));
            int taken = ring.read(handler, TAKEN);
            // None may be a step over what was too short for a record at the ring's end: what follows is at its begin.
            return taken > 0 ? taken : ring.read(handler, TAKEN);
        };
    }

    @Override
    public void close() {
        // The collector frees the buffer.
    }
}
