"""Pools and their buffers."""

import gc

import pytest

import duochain
from duochain import Pool


def test_a_buffer_is_written_through_the_buffer_protocol_and_released_once() -> None:
    pool = Pool([(64, 4), (256, 2)])
    buffer = pool.acquire(10)
    assert (len(buffer), buffer.capacity, buffer.released, pool.stats().in_use) == (10, 64, False, 1)
    with memoryview(buffer) as view:
        view[:] = b"0123456789"
        assert not view.readonly and view.nbytes == 10
        with pytest.raises(duochain.BusyError, match="1 memoryviews"):
            buffer.release()
        with pytest.raises(duochain.BusyError):
            buffer.resize(5)
    buffer.resize(5)
    assert buffer.tobytes() == bytes(buffer) == b"01234"
    buffer.release()
    assert buffer.released and pool.stats().in_use == 0
    for again in (buffer.release, buffer.tobytes, lambda: len(buffer), lambda: buffer.capacity):
        with pytest.raises(duochain.BadHandleError):
            again()
    for gone in (lambda: memoryview(buffer), lambda: buffer.resize(1)):
        with pytest.raises(duochain.BadHandleError):
            gone()
    assert pool.stats().released == 1


def test_a_block_and_forgetting_release_too() -> None:
    pool = Pool([(64, 1)])
    with pool.acquire(1) as buffer:
        with pytest.raises(duochain.NoMemoryError):
            pool.acquire(1)
    assert buffer.released
    with pool.acquire(1) as buffer:
        buffer.release()
    view = memoryview(pool.acquire(3))
    assert pool.stats().in_use == 1
    del view
    gc.collect()
    assert pool.stats().in_use == 0


def test_sizes_are_checked() -> None:
    pool = Pool([(64, 1)])
    with pytest.raises(duochain.TooLargeError):
        pool.acquire(65)
    for wrong in (-1, -(2**40)):
        with pytest.raises(duochain.InvalidArgumentError):
            pool.acquire(wrong)
    with pytest.raises(OverflowError):
        pool.acquire(2**70)
    with pytest.raises(duochain.InvalidArgumentError, match="do not fit"):
        pool.acquire(1).resize(65)
    for classes in ([], [(0, 1)], [(64, 0)], [(64, 1), (32, 1)], [(2**40, 1)]):
        with pytest.raises(duochain.ConfigError):
            Pool(classes)
    for nonsense in (None, 5, [64], ["ab"], [(64, None)]):
        with pytest.raises(TypeError):
            Pool(nonsense)  # type: ignore[arg-type]


def test_the_overflow_serves_what_no_class_can_up_to_its_bound() -> None:
    pool = Pool([(64, 1)], overflow_buffer_bytes_max=8192, overflow_bytes_max=8192)
    large = pool.acquire(8000)
    with pytest.raises(duochain.NoMemoryError):
        pool.acquire(8000)
    assert pool.stats().overflow_in_use == 1 and pool.stats().exhausted == 1
    large.release()
    pool.trim()
    assert pool.stats().overflow_bytes == 0


def test_a_closed_pool_refuses_and_leaves_buffers_alone() -> None:
    with Pool([(64, 4)]) as pool:
        buffer = pool.acquire(2)
    assert pool.closed
    pool.close()
    for act in (lambda: pool.acquire(1), pool.stats, pool.trim):
        with pytest.raises(duochain.ClosedError):
            act()
    memoryview(buffer)[:] = b"ok"
    assert buffer.tobytes() == b"ok"
    buffer.release()
