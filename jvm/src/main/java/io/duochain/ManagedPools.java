package io.duochain;

import java.util.EnumMap;
import java.util.Map;
import java.util.Objects;

/**
 * A pool for each {@link PoolKind}, of the sizes that the configuration gives: {@code pool.<kind>.initial} and
 * {@code pool.<kind>.max}.
 *
 * <p>Larger objects than the largest size of a kind are refused with {@link TooLargeException}.
 */
public final class ManagedPools implements AutoCloseable {
    private final Map<PoolKind, Pool> pools = new EnumMap<>(PoolKind.class);

    private ManagedPools(byte[] steps) {
        try {
            for (PoolKind kind : PoolKind.values()) {
                pools.put(kind, Pool.managed(steps, kind));
            }
        } catch (DuoException refused) {
            close();
            throw refused;
        }
    }

    /** All four, of their default sizes. */
    public static ManagedPools open() {
        return new ManagedPools(new byte[0]);
    }

    /**
     * All four, as configured.
     *
     * @throws UnsupportedException when huge pages are required and the system gives none
     * @throws NoMemoryException when there is no memory for a warm-up
     */
    public static ManagedPools open(Config config) {
        return new ManagedPools(config.steps());
    }

    /** The pool of a kind. Closing it closes that one only. */
    public Pool of(PoolKind kind) {
        return pools.get(Objects.requireNonNull(kind, "kind"));
    }

    /** As {@link Pool#maintain()}, for all; what was done, by kind. */
    public Map<PoolKind, PoolMaintenance> maintain() {
        Map<PoolKind, PoolMaintenance> done = new EnumMap<>(PoolKind.class);
        pools.forEach((kind, pool) -> done.put(kind, pool.maintain()));
        return done;
    }

    /** As {@link Pool#close()}, for all. */
    @Override
    public void close() {
        pools.values().forEach(Pool::close);
    }
}
