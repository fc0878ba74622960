package io.duochain;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;

/**
 * The memory behind a pool. It lives as long as the pool is open, a buffer is out, or anybody can reach a view
 * into it: a view that was kept too long may read foreign bytes, but never crashes the JVM.
 */
final class PoolMemory {
    private final long pool;
    private final AtomicLong holds = new AtomicLong(1);
    /** One view per buffer of the pool, by address; the pool's bound is the bound of this map. */
    private final ConcurrentHashMap<Long, ByteBuffer> views = new ConcurrentHashMap<>();
    private volatile boolean closed;

    PoolMemory(long pool) {
        this.pool = pool;
    }

    long pool() {
        return pool;
    }

    /** The view of one buffer. Derived views keep it reachable. For somebody who holds the memory. */
    ByteBuffer view(long address, int capacity) {
        ByteBuffer view = views.computeIfAbsent(address, key -> made(address, capacity));
        if (closed) {
            // Closed meanwhile: what this map holds would never be forgotten.
            views.remove(address, view);
        }
        return view.duplicate().order(ByteOrder.LITTLE_ENDIAN);
    }

    private ByteBuffer made(long address, int capacity) {
        ByteBuffer view = Natives.buffer(address, capacity);
        holds.incrementAndGet();
        try {
            NativeHandle.whenForgotten(view, this::drop);
        } catch (Throwable failure) {
            drop();
            throw failure;
        }
        return view;
    }

    /** Keeps the memory; false when it is gone. */
    boolean hold() {
        return holds.getAndUpdate(count -> count == 0 ? 0 : count + 1) != 0;
    }

    void drop() {
        if (holds.decrementAndGet() == 0) {
            Natives.poolDestroy(pool);
        }
    }

    /** The pool is closed: from now on views live as long as somebody else holds them. */
    void close() {
        closed = true;
        views.clear();
        drop();
    }
}
