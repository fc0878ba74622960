package io.duochain.benches;

import io.duochain.TxBatch;
import io.duochain.TxQueue;
import java.util.List;

/** Ours: the transaction queue through JNI. */
final class DuochainSide implements Side {
    static final String NAME = "duochain";

    private final TxQueue queue = TxQueue.open(new TxQueue.Options().lanes(CELLS).runMax(BATCH));
    private final TxBatch batch = new TxBatch(BATCH, 1 << 16);

    @Override
    public boolean put(byte[] item) {
        return queue.tryEnqueue(0, item);
    }

    @Override
    public boolean putBatch(byte[][] items) {
        batch.clear();
        for (byte[] item : items) {
            batch.add(item);
        }
        return queue.enqueue(0, batch) == items.length;
    }

    @Override
    public int take(Sequence check) {
        List<byte[]> items = queue.drain(64);
        items.forEach(check::check);
        return items.size();
    }

    @Override
    public void close() {
        queue.close();
    }
}
