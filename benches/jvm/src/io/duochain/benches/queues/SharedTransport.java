package io.duochain.benches.queues;

import io.duochain.SharedLanes;
import io.duochain.SharedProducer;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;

/** Ours without a crossing on the way in: producers write into a mapping, which the queue's consumer takes from. */
final class SharedTransport implements Transport {
    static final String NAME = "duochain, shared lane";
    private final NativeTransport queue;
    private final SharedLanes lanes;
    private final List<SharedProducer> producers = new CopyOnWriteArrayList<>();
    private final int itemBytes;

    SharedTransport(int itemBytes, int producers) {
        this.itemBytes = itemBytes;
        this.queue = new NativeTransport(itemBytes, 1);
        // The room of each is the default.
        this.lanes = queue.openShared(new SharedLanes.Options().laneCells(CELLS).seats(producers));
    }

    @Override
    public Input input(int producer) {
        SharedProducer shared = SharedProducer.attach(lanes.path());
        producers.add(shared);
        byte[] item = new byte[itemBytes];
        return number -> {
            NUMBER.set(item, 0, number);
            return shared.tryEnqueue(0, item);
        };
    }

    @Override
    public Output output() {
        return queue.output();
    }

    @Override
    public void close() {
        producers.forEach(SharedProducer::close);
        lanes.close();
        queue.close();
    }
}
