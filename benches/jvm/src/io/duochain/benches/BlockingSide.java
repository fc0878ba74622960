package io.duochain.benches;

import java.util.concurrent.ArrayBlockingQueue;

/** The bounded queue of the JDK. */
final class BlockingSide implements Side {
    static final String NAME = "ArrayBlockingQueue + clone";

    private final ArrayBlockingQueue<byte[]> queue = new ArrayBlockingQueue<>(CELLS);

    @Override
    public boolean put(byte[] item) {
        return queue.offer(item.clone());
    }

    @Override
    public boolean putBatch(byte[][] items) {
        for (byte[] item : items) {
            if (!put(item)) {
                return false;
            }
        }
        return true;
    }

    @Override
    public int take(Sequence check) {
        int count = 0;
        for (byte[] item; count < 64 && (item = queue.poll()) != null; count++) {
            check.check(item);
        }
        return count;
    }

    @Override
    public void close() {
        queue.clear();
    }
}
