package io.duochain;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** Memory of pools that follows demand, who has their buffers, and the managed kinds. */
class PoolUpkeepTest {
    private static final Duration WINDOW = Duration.ofSeconds(60);

    private static Pool sized(int initial) {
        return Pool.builder().add(1024, 2048, initial).shrinkAfter(WINDOW).leakTracking(false).build();
    }

    private static void useUp(Pool pool) {
        List<PooledBuffer> buffers = pool.acquire(1, 2048);
        assertEquals(2048, buffers.size());
        buffers.forEach(PooledBuffer::close);
    }

    @Test
    void idle_memory_goes_back_down_to_the_initial_size() {
        try (Pool pool = sized(512)) {
            useUp(pool);
            long evicted = 0;
            for (int second = 0; second <= 60; second += 5) {
                evicted += pool.maintain(Duration.ofSeconds(second)).evictedSlabs();
            }
            assertEquals(6, evicted);
            PoolStats stats = pool.stats();
            assertEquals(List.of(512L, 2L, 6L), List.of(stats.resident(), stats.slabs(), stats.evictions()));
            assertEquals(0, stats.unmapsRefused());
            useUp(pool);
        }
    }

    @Test
    void memory_comes_before_it_is_needed() {
        try (Pool pool = sized(0)) {
            assertEquals(256, pool.warmUp(1024, 100));
            assertEquals(0, pool.warmUp(1, 256));
            assertEquals(0, pool.stats().acquired());
            List<PooledBuffer> buffers = pool.acquire(1, 250);
            assertEquals(new PoolMaintenance(256, 0, 0), pool.maintain());
            assertEquals(512, pool.stats().resident());
            buffers.forEach(PooledBuffer::close);
            assertEquals(2 * 256 * 1024, pool.trim(0));
        }
        try (Pool warm = Pool.builder().add(1024, 2048, 300).warmUp().build()) {
            assertEquals(512, warm.stats().resident());
            assertEquals(0, warm.stats().inUseHigh());
        }
    }

    @Test
    void a_view_that_was_kept_reads_zero_after_its_memory_went() {
        try (Pool pool = Pool.builder().add(1 << 16, 8).build()) {
            List<ByteBuffer> views = new ArrayList<>();
            for (PooledBuffer buffer : pool.acquire(1 << 16, 8)) {
                buffer.bytes().put(7, (byte) 7);
                views.add(buffer.bytes());
                buffer.close();
            }
            assertEquals(8 << 16, pool.trim(0));
            for (ByteBuffer view : views) {
                assertEquals(0, view.get(7));
                view.put(7, (byte) 1);
            }
            try (PooledBuffer again = pool.acquire(1 << 16)) {
                assertEquals(1 << 16, again.bytes().remaining());
            }
        }
    }

    @Test
    void who_has_a_buffer_is_listed_with_the_line_that_acquired_it() {
        try (Pool pool = Pool.builder().add(64, 8).leakTracking(true).build()) {
            assertEquals(List.of(), pool.held(Duration.ZERO));
            PooledBuffer first = pool.acquire(10);
            List<PooledBuffer> others = pool.acquire(20, 2);
            List<HeldBuffer> held = pool.held(Duration.ZERO);
            assertEquals(List.of(10L, 20L, 20L), held.stream().map(HeldBuffer::length).toList());
            for (HeldBuffer buffer : held) {
                assertTrue(buffer.site().contains("PoolUpkeepTest.java:"), buffer.site());
                assertFalse(buffer.age().isNegative());
            }
            assertEquals(List.of(), pool.held(Duration.ofHours(1)));
            first.close();
            assertEquals(2, pool.held(Duration.ZERO).size());
            others.forEach(PooledBuffer::close);
            assertEquals(List.of(), pool.held(Duration.ZERO));
        }
    }

    @Test
    void a_pool_that_does_not_track_says_so() {
        try (Pool pool = sized(0); PooledBuffer buffer = pool.acquire(1)) {
            assertThrows(UnsupportedException.class, () -> pool.held(Duration.ZERO));
            assertEquals(1, buffer.bytes().remaining());
        }
    }

    @Test
    void a_forgotten_buffer_of_a_tracking_pool_is_told_with_its_place() throws Exception {
        try (Fixtures.Log log = new Fixtures.Log();
                Pool pool = Pool.builder().add(64, 1).leakTracking(true).build()) {
            forget(pool);
            Fixtures.eventually("the collector finds the buffer", () -> {
                System.gc();
                return pool.stats().inUse() == 0;
            });
            Throwable site = log.find("a pooled buffer was not closed").orElseThrow().getThrown();
            assertTrue(Arrays.toString(site.getStackTrace()).contains("PoolUpkeepTest.forget"));
        }
    }

    private static void forget(Pool pool) {
        pool.acquire(1).bytes().put((byte) 1);
    }

    @Test
    void a_batch_is_as_many_as_there_are() {
        try (Pool pool = Pool.builder().add(64, 4).leakTracking(false).build()) {
            List<PooledBuffer> all = pool.acquire(8, 100);
            Set<Long> places = new HashSet<>();
            all.forEach(buffer -> places.add(buffer.address()));
            assertEquals(List.of(4, 4), List.of(all.size(), places.size()));
            assertThrows(NoMemoryException.class, () -> pool.acquire(8, 1));
            assertThrows(TooLargeException.class, () -> pool.acquire(65, 1));
            all.forEach(PooledBuffer::close);
            for (int count : new int[] {0, -1, 65_537}) {
                assertThrows(IllegalArgumentException.class, () -> pool.acquire(8, count));
            }
            assertThrows(IllegalArgumentException.class, () -> pool.acquire(-1, 1));
            assertEquals(0, pool.stats().inUse());
        }
    }

    @Test
    void the_memory_lives_until_the_last_buffer_of_a_batch_is_closed() {
        Pool pool = Pool.builder().add(64, 4).build();
        List<PooledBuffer> buffers = pool.acquire(8, 4);
        pool.close();
        for (PooledBuffer buffer : buffers) {
            buffer.bytes().putLong(0, 42);
            assertEquals(42, buffer.bytes().getLong(0));
            buffer.close();
        }
        assertThrows(ClosedException.class, () -> pool.acquire(8, 1));
    }

    @Test
    void every_kind_has_a_pool_of_its_default_size() {
        long[][] sizes = {{5_000, 50_000}, {2_000, 10_000}, {10_000, 100_000}, {20_000, 100_000}};
        try (ManagedPools pools = ManagedPools.open()) {
            for (PoolKind kind : PoolKind.values()) {
                Pool pool = pools.of(kind);
                assertSame(pool, pools.of(kind));
                List<PoolClassStats> classes = pool.classStats();
                long initial = classes.stream().mapToLong(PoolClassStats::initial).sum();
                long max = classes.stream().mapToLong(PoolClassStats::countMax).sum();
                assertEquals(List.of(sizes[kind.ordinal()][0], sizes[kind.ordinal()][1]), List.of(initial, max));
                try (PooledBuffer buffer = pool.acquire(200)) {
                    assertEquals(1, pool.stats().inUse());
                    assertEquals(200, buffer.bytes().remaining());
                }
                assertThrows(TooLargeException.class, () -> pool.acquire(1 << 20));
            }
            assertEquals(Set.of(PoolKind.values()), pools.maintain().keySet());
        }
    }

    @Test
    void a_configuration_shapes_managed_pools() {
        Config config = Fixtures.memory()
                .set(ConfigKey.POOL_LOG_ENTRY_INITIAL, 1_000)
                .set(ConfigKey.POOL_WARM_UP, "on")
                .build();
        ManagedPools pools = ManagedPools.open(config);
        assertTrue(pools.of(PoolKind.LOG_ENTRY).stats().resident() >= 1_000);
        pools.close();
        pools.close();
        assertThrows(ClosedException.class, () -> pools.of(PoolKind.LOG_ENTRY).acquire(1));
        assertThrows(NullPointerException.class, () -> pools.of(null));
        for (int max : new int[] {9_999, 100_001}) {
            assertThrows(ConfigException.class, () -> Config.builder().set(ConfigKey.POOL_LOG_ENTRY_MAX, max));
        }
    }

    @Test
    void impossible_wishes_are_refused() {
        assertThrows(ConfigException.class, () -> Pool.builder().add(64, 4, 5).build());
        assertThrows(ConfigException.class, () -> Pool.builder().add(64, 4, -1).build());
        assertThrows(IllegalArgumentException.class, () -> Pool.builder().shrinkAfter(Duration.ofNanos(-1)));
        assertThrows(NullPointerException.class, () -> Pool.builder().hugePages(null));
        try (Pool pool = sized(0)) {
            assertThrows(TooLargeException.class, () -> pool.warmUp(1025, 1));
            assertThrows(IllegalArgumentException.class, () -> pool.warmUp(1, -1));
            assertThrows(IllegalArgumentException.class, () -> pool.trim(-1));
            assertThrows(IllegalArgumentException.class, () -> pool.maintain(Duration.ofNanos(-1)));
            assertThrows(IllegalArgumentException.class, () -> pool.held(Duration.ofNanos(-1)));
        }
    }

    @Test
    void huge_pages_are_told_or_refused() {
        Pool.Builder builder = Pool.builder().add(4096, 1024, 10).warmUp();
        boolean given;
        try (Pool pool = builder.hugePages(HugePages.TRY).build()) {
            given = pool.stats().hugePages();
        }
        if (given) {
            builder.hugePages(HugePages.REQUIRE).build().close();
        } else {
            assertThrows(UnsupportedException.class, () -> builder.hugePages(HugePages.REQUIRE).build());
        }
    }
}
