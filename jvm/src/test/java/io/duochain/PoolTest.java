package io.duochain;

import static io.duochain.Fixtures.bytes;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class PoolTest {
    @Test
    void a_buffer_is_handed_out_filled_and_given_back() {
        try (Pool pool = Pool.builder().add(256, 2).add(4096, 1).build()) {
            try (PooledBuffer small = pool.acquire(100); PooledBuffer large = pool.acquire(4096)) {
                assertEquals(100, small.bytes().remaining());
                assertEquals(4096, large.bytes().remaining());
                small.bytes().put(bytes("hello"));
                assertEquals('h', small.bytes().get(0));
                assertEquals(2, pool.stats().inUse());
            }
            PoolStats stats = pool.stats();
            assertEquals(0, stats.inUse());
            assertEquals(2, stats.inUseHigh());
            assertEquals(stats.acquired(), stats.released());
        }
    }

    @Test
    void a_used_up_pool_and_a_request_above_its_sizes_are_refused() {
        try (Pool pool = Pool.builder().add(64, 2).build()) {
            PooledBuffer one = pool.acquire(64);
            PooledBuffer two = pool.acquire(1);
            NoMemoryException none = assertThrows(NoMemoryException.class, () -> pool.acquire(1));
            assertTrue(none.retryable());
            one.close();
            pool.acquire(1).close();
            two.close();
            assertThrows(TooLargeException.class, () -> pool.acquire(65));
            assertThrows(TooLargeException.class, () -> pool.acquire(Integer.MAX_VALUE));
            assertThrows(IllegalArgumentException.class, () -> pool.acquire(-1));
            assertEquals(1, pool.stats().exhausted());
        }
    }

    @Test
    void impossible_shapes_are_refused() {
        assertThrows(ConfigException.class, () -> Pool.builder().build());
        assertThrows(ConfigException.class, () -> Pool.builder().add(64, 1).add(32, 1).build());
        assertThrows(ConfigException.class, () -> Pool.builder().add(-1, 1).build());
        assertThrows(ConfigException.class, () -> Pool.builder().add(64, -1).build());
    }

    @Test
    void closing_twice_is_nothing_and_use_after_close_is_refused() {
        Pool pool = Pool.builder().add(64, 2).build();
        PooledBuffer buffer = pool.acquire(8);
        PooledBuffer other = pool.acquire(8);
        buffer.close();
        buffer.close();
        assertEquals(1, pool.stats().inUse());
        assertEquals(0, pool.stats().staleRefused());
        assertThrows(IllegalStateException.class, buffer::bytes);
        pool.close();
        pool.close();
        assertThrows(ClosedException.class, () -> pool.acquire(1));
        assertThrows(ClosedException.class, pool::stats);
        // A buffer that is out outlives its pool.
        other.bytes().putLong(42);
        assertEquals(42, other.bytes().getLong(0));
        other.close();
        assertThrows(ClosedException.class, other::bytes);
    }

    @Test
    void a_view_that_was_kept_too_long_does_not_crash_the_jvm() {
        List<ByteBuffer> kept = new ArrayList<>();
        for (int round = 0; round < 20; round++) {
            Pool pool = Pool.builder().add(1 << 16, 4).build();
            PooledBuffer buffer = pool.acquire(1 << 16);
            kept.add(buffer.bytes().slice());
            buffer.close();
            pool.close();
        }
        System.gc();
        for (ByteBuffer view : kept) {
            for (int at = 0; at < view.capacity(); at += 512) {
                view.put(at, (byte) 1);
            }
        }
    }

    @Test
    void a_forgotten_buffer_goes_back() throws Exception {
        try (Fixtures.Log log = new Fixtures.Log(); Pool pool = Pool.builder().add(64, 1).build()) {
            forget(pool);
            Fixtures.eventually("the collector finds the buffer", () -> {
                System.gc();
                return pool.stats().inUse() == 0;
            });
            assertTrue(log.find("a pooled buffer was not closed").isPresent());
            pool.acquire(1).close();
        }
    }

    private static void forget(Pool pool) {
        pool.acquire(1).bytes().put((byte) 1);
    }

    @Test
    void threads_share_a_pool() throws Exception {
        try (Pool pool = Pool.builder().add(64, 8).build()) {
            List<Fixtures.Waiter> threads = new ArrayList<>();
            for (int thread = 0; thread < 4; thread++) {
                long mark = thread;
                threads.add(Fixtures.inside(() -> {
                    for (int round = 0; round < 2_000; round++) {
                        try (PooledBuffer buffer = pool.acquire(8)) {
                            buffer.bytes().putLong(0, mark);
                            assertEquals(mark, buffer.bytes().getLong(0));
                        }
                    }
                }));
            }
            for (Fixtures.Waiter thread : threads) {
                assertEquals(null, thread.outcome());
            }
            assertEquals(0, pool.stats().inUse());
        }
    }
}
