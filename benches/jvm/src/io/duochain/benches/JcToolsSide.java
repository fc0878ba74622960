package io.duochain.benches;

import org.jctools.queues.MpscArrayQueue;

/** The many-producer ring that JVM programs take when they want speed. */
final class JcToolsSide implements Side {
    static final String NAME = "JCTools MpscArrayQueue + clone";

    private final MpscArrayQueue<byte[]> queue = new MpscArrayQueue<>(CELLS);

    @Override
    public boolean put(byte[] item) {
        return queue.offer(item.clone());
    }

    @Override
    public boolean putBatch(byte[][] items) {
        int[] next = {0};
        return queue.fill(() -> items[next[0]++].clone(), items.length) == items.length;
    }

    @Override
    public int take(Sequence check) {
        return queue.drain(check::check, 64);
    }

    @Override
    public void close() {
        queue.clear();
    }
}
