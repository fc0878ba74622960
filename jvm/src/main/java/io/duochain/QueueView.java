package io.duochain;

import java.util.AbstractQueue;
import java.util.Iterator;
import java.util.Objects;
import java.util.concurrent.locks.ReentrantLock;

/** A {@link TxQueue} as the collections framework sees it. */
final class QueueView extends AbstractQueue<byte[]> {
    private final TxQueue queue;
    private final int lane;
    // Guards `peeked`, and the order of what the view takes out.
    private final ReentrantLock lock = new ReentrantLock();
    private byte[] peeked;

    QueueView(TxQueue queue, int lane) {
        this.queue = queue;
        this.lane = lane;
    }

    @Override
    public boolean offer(byte[] transaction) {
        return queue.tryEnqueue(lane, Objects.requireNonNull(transaction, "transaction"));
    }

    @Override
    public byte[] poll() {
        lock.lock();
        try {
            byte[] next = look();
            peeked = null;
            return next;
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
                peeked = queue.dequeue();
            } catch (EndException end) {
                // Closed and empty: a collection that has no more elements.
                return null;
            }
        }
        return peeked;
    }

    @Override
    public int size() {
        lock.lock();
        try {
            long size = queue.size() + (peeked == null ? 0 : 1);
            return (int) Math.min(size, Integer.MAX_VALUE);
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
