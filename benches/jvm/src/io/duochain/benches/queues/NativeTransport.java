package io.duochain.benches.queues;

import io.duochain.ItemBatch;
import io.duochain.SharedLanes;
import io.duochain.TxBatch;
import io.duochain.TxQueue;
import java.util.function.LongConsumer;

/** Ours: items are copied out of the Java heap on their way in, and read in place on their way out. */
final class NativeTransport implements Transport {
    static final String NAME = "duochain";

    private final TxQueue queue;
    private final int itemBytes;

    NativeTransport(int itemBytes, int consumers) {
        TxQueue.Options options = new TxQueue.Options().lanes(CELLS);
        this.queue = TxQueue.open(consumers > 1 ? options.manyConsumers() : options.runMax(BATCH));
        this.itemBytes = itemBytes;
    }

    SharedLanes openShared(SharedLanes.Options options) {
        return queue.openShared(options);
    }

    @Override
    public boolean takesBatches() {
        return true;
    }

    @Override
    public boolean sharesConsumers() {
        return true;
    }

    @Override
    public Input input(int producer) {
        byte[] item = new byte[itemBytes];
        TxBatch batch = new TxBatch(BATCH, BATCH * itemBytes);
        return new Input() {
            @Override
            public boolean put(long number) {
                NUMBER.set(item, 0, number);
                return queue.tryEnqueue(0, item);
            }

            @Override
            public int putBatch(long first) {
                batch.clear();
                for (int at = 0; at < BATCH; at++) {
                    NUMBER.set(item, 0, first + at);
                    batch.add(item);
                }
                return queue.enqueue(0, batch);
            }
        };
    }

    @Override
    public Output output() {
        ItemBatch batch = new ItemBatch(TAKEN, TAKEN * itemBytes);
        return new Output() {
            @Override
            public int take(LongConsumer sink) {
                int count = queue.drain(batch);
                for (int at = 0; at < count; at++) {
                    sink.accept(batch.bytes().getLong(batch.offset(at)));
                }
                return count;
            }
        };
    }

    @Override
    public void close() {
        queue.close();
    }
}
