package io.duochain.benches.queues;

import com.lmax.disruptor.EventPoller;
import com.lmax.disruptor.InsufficientCapacityException;
import com.lmax.disruptor.RingBuffer;
import java.util.function.LongConsumer;

/** A ring of arrays that are written in place and used again; several producers, one consumer that polls. */
final class DisruptorTransport implements Transport {
    static final String NAME = "LMAX Disruptor";

    private final RingBuffer<byte[]> ring;
    private final EventPoller<byte[]> poller;
    private final int itemBytes;

    DisruptorTransport(int itemBytes) {
        this.ring = RingBuffer.createMultiProducer(() -> new byte[itemBytes], CELLS);
        this.poller = ring.newPoller();
        ring.addGatingSequences(poller.getSequence());
        this.itemBytes = itemBytes;
    }

    @Override
    public boolean takesBatches() {
        return true;
    }

    @Override
    public Input input(int producer) {
        byte[] item = new byte[itemBytes];
        return new Input() {
            @Override
            public boolean put(long number) {
                try {
                    long cell = ring.tryNext();
                    write(cell, number);
                    ring.publish(cell);
                    return true;
                } catch (InsufficientCapacityException full) {
                    return false;
                }
            }

            @Override
            public int putBatch(long first) {
                try {
                    long last = ring.tryNext(BATCH);
                    for (int at = 0; at < BATCH; at++) {
                        write(last - BATCH + 1 + at, first + at);
                    }
                    ring.publish(last - BATCH + 1, last);
                    return BATCH;
                } catch (InsufficientCapacityException full) {
                    return 0;
                }
            }

            private void write(long cell, long number) {
                NUMBER.set(item, 0, number);
                System.arraycopy(item, 0, ring.get(cell), 0, itemBytes);
            }
        };
    }

    @Override
    public Output output() {
        return new Polled(poller);
    }

    private static final class Polled implements Output, EventPoller.Handler<byte[]> {
        private final EventPoller<byte[]> poller;
        private LongConsumer sink;
        private int count;

        Polled(EventPoller<byte[]> poller) {
            this.poller = poller;
        }

        @Override
        public int take(LongConsumer sink) {
            this.sink = sink;
            count = 0;
            try {
                poller.poll(this);
            } catch (Exception failure) {
                throw new IllegalStateException(failure);
            }
            return count;
        }

        @Override
        public boolean onEvent(byte[] item, long cell, boolean isLast) {
            sink.accept((long) NUMBER.get(item, 0));
            count++;
            // All there is: a poll that stops early looks through the whole backlog again the next time.
            return true;
        }
    }

    @Override
    public void close() {
        // Nothing is held.
    }
}
