"""Memory of pools that follows demand, who has their buffers, and the managed kinds."""

import pytest

import duochain
from duochain import Config, ManagedPools, Pool, PooledBuffer, PoolKind

SIZES = {
    PoolKind.TRANSACTION_REQUEST: (5_000, 50_000),
    PoolKind.BLOCK_PROPOSAL: (2_000, 10_000),
    PoolKind.CONSENSUS_MESSAGE: (10_000, 100_000),
    PoolKind.LOG_ENTRY: (20_000, 100_000),
}


def use_up(pool: Pool) -> None:
    buffers = pool.acquire_batch(1, 2048)
    assert len(buffers) == 2048
    for buffer in buffers:
        buffer.release()


def test_idle_memory_goes_back_down_to_the_initial_size() -> None:
    pool = Pool([(1024, 2048, 512)], leak_tracking=False)
    use_up(pool)
    done = [pool.maintain(second) for second in range(0, 61, 5)]
    assert sum(step.evicted_slabs for step in done) == 6
    assert sum(step.evicted_bytes for step in done) == 6 * 256 * 1024
    stats = pool.stats()
    assert (stats.resident, stats.slabs, stats.evictions, stats.unmaps_refused) == (512, 2, 6, 0)
    use_up(pool)


def test_memory_comes_before_it_is_needed() -> None:
    pool = Pool([(1024, 2048)], leak_tracking=False)
    assert (pool.warm_up(1024, 100), pool.warm_up(1, 256)) == (256, 0)
    assert (pool.stats().acquired, pool.stats().in_use_high) == (0, 0)
    held = pool.acquire_batch(1, 250)
    assert pool.maintain().grown_buffers == 256 and len(held) == 250
    assert "grown_buffers=0" in repr(pool.maintain())
    warm = Pool([(1024, 2048, 300)], warm_up=True)
    assert warm.stats().resident == 512 and "huge_pages=" in repr(warm.stats())


def test_a_pool_that_never_shrinks_keeps_its_memory() -> None:
    pool = Pool([(1024, 2048)], shrink_after=0, leak_tracking=False)
    use_up(pool)
    for day in range(3):
        assert pool.maintain(day * 86_400).evicted_slabs == 0
    assert pool.trim(1024) == 4 * 256 * 1024


def lend(pool: Pool, length: int) -> PooledBuffer:
    return pool.acquire(length)


def test_who_has_a_buffer_is_listed_with_the_line_that_acquired_it() -> None:
    pool = Pool([(64, 8)], leak_tracking=True)
    assert pool.held() == []
    buffer = lend(pool, 10)
    others = pool.acquire_batch(20, 2)
    held = pool.held()
    assert [entry.length for entry in held] == [10, 20, 20]
    assert held[0].site.startswith("test_pool_upkeep.py:") and held[0].site.endswith(" lend")
    assert held[1].site.endswith("_with_the_line_that_acquired_it")
    assert held[0].age >= held[1].age >= 0 and len({entry.handle for entry in held}) == 3
    assert "length=10" in repr(held[0])
    assert pool.held(3600) == [] and pool.held(older_than=float("inf")) == []
    buffer.release()
    assert len(pool.held()) == 2
    del others
    assert pool.held() == []


def test_a_pool_that_does_not_track_says_so() -> None:
    pool = Pool([(64, 8)], leak_tracking=False)
    with pool.acquire(1), pytest.raises(duochain.UnsupportedError):
        pool.held()


def test_a_batch_is_as_many_as_there_are() -> None:
    for tracking in (False, True):
        pool = Pool([(64, 4)], leak_tracking=tracking)
        buffers = pool.acquire_batch(8, 100)
        assert len(buffers) == 4 and all(len(buffer) == 8 for buffer in buffers)
        with pytest.raises(duochain.NoMemoryError):
            pool.acquire_batch(8, 1)
        with pytest.raises(duochain.TooLargeError):
            pool.acquire_batch(65, 1)
        for count in (0, -1, 65_537):
            with pytest.raises(duochain.InvalidArgumentError):
                pool.acquire_batch(8, count)


def test_every_kind_has_a_pool_of_its_default_size() -> None:
    with ManagedPools() as pools:
        for kind, (initial, count) in SIZES.items():
            pool = pools[kind]
            classes = pool.class_stats()
            assert sum(row.initial for row in classes) == initial
            assert sum(row.count_max for row in classes) == count
            with pool.acquire(200) as buffer:
                assert (len(buffer), pool.stats().in_use) == (200, 1)
            assert pools[int(kind)] is pool
        assert len(pools.maintain()) == 4
    with pytest.raises(duochain.ClosedError):
        pools[PoolKind.LOG_ENTRY].acquire(1)


def test_a_configuration_shapes_managed_pools() -> None:
    config = Config(pool_log_entry_initial=1_000, pool_warm_up="on")
    assert ManagedPools(config)[PoolKind.LOG_ENTRY].stats().resident >= 1_000
    config = Config(pool_log_entry_initial=20_001, pool_log_entry_max=20_000)
    with pytest.raises(duochain.ConfigError, match="pool.log_entry.max"):
        ManagedPools(config)
    for count in (9_999, 100_001):
        with pytest.raises(duochain.ConfigError):
            Config(pool_log_entry_max=count)


def test_impossible_wishes_are_refused() -> None:
    for number in (0, 5, -1, 2**70):
        with pytest.raises((duochain.InvalidArgumentError, OverflowError)):
            ManagedPools()[number]
    with pytest.raises(TypeError):
        ManagedPools()["log_entry"]  # type: ignore[index]
    with pytest.raises(TypeError):
        ManagedPools(5)  # type: ignore[arg-type]
    with pytest.raises(duochain.ConfigError):
        Pool([(64, 4, 5)])
    with pytest.raises(duochain.InvalidArgumentError):
        Pool([(64, 4, -1)])
    with pytest.raises(duochain.InvalidArgumentError, match="huge_pages"):
        Pool([(64, 4)], huge_pages="big")  # type: ignore[arg-type]
    pool = Pool([(64, 4)], leak_tracking=True)
    for wrong in (-1.0, float("nan")):
        with pytest.raises(duochain.InvalidArgumentError):
            pool.held(wrong)
        with pytest.raises(duochain.InvalidArgumentError):
            pool.maintain(wrong)
        with pytest.raises(duochain.InvalidArgumentError):
            Pool([(64, 4)], shrink_after=wrong)
    with pytest.raises(duochain.TooLargeError):
        pool.warm_up(65, 1)
    for call in (pool.warm_up, pool.acquire_batch):
        with pytest.raises(duochain.InvalidArgumentError):
            call(-1, 1)
    pool.close()
    acts = (pool.held, pool.maintain, pool.class_stats, lambda: pool.warm_up(1, 1), lambda: pool.acquire_batch(1, 1))
    for act in acts:
        with pytest.raises(duochain.ClosedError):
            act()


def test_huge_pages_are_told_or_refused() -> None:
    pool = Pool([(4096, 1024, 10)], warm_up=True, huge_pages="try")
    if pool.stats().huge_pages:
        assert Pool([(4096, 1024)], huge_pages="require").stats().in_use == 0
    else:
        with pytest.raises(duochain.UnsupportedError):
            Pool([(4096, 1024)], huge_pages="require")
