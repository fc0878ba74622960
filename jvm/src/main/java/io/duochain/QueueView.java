package io.duochain;

import java.util.AbstractQueue;
import java.util.Iterator;
import java.util.Objects;
import java.util.concurrent.locks.ReentrantLock;

/** A {@link TxQueue} as the collections framework sees it. */
final class QueueView extends AbstractQueue<byte[]> {
    private static final int AHEAD_BYTES = 1 << 16;

    private final TxQueue queue;
    private final int lane;
    // Guards all below, and the order of what the view takes out.
    private final ReentrantLock lock = new ReentrantLock();
    private final ItemBatch ahead;
    private int next;
    private byte[] peeked;

    QueueView(TxQueue queue, int lane, int ahead) {
        this.queue = queue;
        this.lane = lane;
        this.ahead = ahead == 1 ? null : new ItemBatch(ahead, AHEAD_BYTES);
    }

    @Override
    public boolean offer(byte[] transaction) {
        return queue.tryEnqueue(lane, Objects.requireNonNull(transaction, "transaction"));
    }

    @Override
    public byte[] poll() {
        lock.lock();
        try {
            byte[] first = look();
            peeked = null;
            return first;
        } finally {
            lock.unlock();
        }
    }

    @Override
    public byte[] peek() {
        lock.lock();
        try {
            return look();
        } finally {
            lock.unlock();
        }
    }

    private byte[] look() {
        if (peeked == null) {
            try {
                peeked = ahead == null ? queue.dequeue() : takeAhead();
            } catch (EndException end) {
                // Closed and empty: a collection that has no more elements.
                return null;
            }
        }
        return peeked;
    }

    private byte[] takeAhead() {
        if (next == ahead.count()) {
            next = 0;
            try {
                queue.drain(ahead);
            } catch (TooLargeException large) {
                return queue.dequeue();
            }
        }
        return next == ahead.count() ? null : ahead.get(next++);
    }

    @Override
    public int size() {
        lock.lock();
        try {
            long kept = (peeked == null ? 0 : 1) + (ahead == null ? 0 : ahead.count() - next);
            return (int) Math.min(queue.size() + kept, Integer.MAX_VALUE);
        } finally {
            lock.unlock();
        }
    }

    @Override
    public Iterator<byte[]> iterator() {
        throw new UnsupportedOperationException("transactions do not lie in the Java heap; poll them");
    }

    /** Not the elements: reading them would take them out. */
    @Override
    public String toString() {
        return "TxQueue[lane " + lane + "]";
    }
}
