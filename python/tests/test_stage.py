"""Staging: one producer's transactions, published together."""

import itertools

import pytest

import duochain
from duochain import TxQueue


def queue_of(cells: int) -> TxQueue:
    return TxQueue(lanes=2, cells=cells, ageing=0, transaction_bytes_max=4096, run_max=4)


def test_what_is_staged_shows_on_count_and_on_demand() -> None:
    queue = queue_of(8)
    with queue.stage(1, count=3) as stage:
        stage.enqueue(b"a")
        stage.enqueue(bytearray(b"b"))
        assert (len(stage), len(queue), bool(stage)) == (2, 0, True)
        stage.enqueue(memoryview(b"c"))
        assert (len(stage), queue.drain()) == (0, [b"a", b"b", b"c"])
        stage.enqueue(b"d")
        assert (stage.flush(), stage.flush(), queue.drain()) == (1, 0, [b"d"])
        assert queue.stats().lanes[1].accepted == 4
        stage.enqueue(b"e")
    assert stage.closed and not stage and len(stage) == 0
    assert queue.drain() == [b"e"]
    stage.close()
    with pytest.raises(duochain.ClosedError):
        stage.enqueue(b"f")


def test_age_is_looked_at_during_calls() -> None:
    queue = queue_of(8)
    for age in (1e6, 1e300):
        with queue.stage(age=age) as old:
            old.enqueue(b"a")
            assert (old.flush_aged(), len(old)) == (0, 1)
            assert old.take_back() == [b"a"]
    with queue.stage(age=1e-9) as young:
        young.enqueue(b"b")
        for more in itertools.count():
            assert more < 1_000_000, "a nanosecond never passed"
            young.flush_aged()
            if not len(young):
                break
    assert queue.drain() == [b"b"]


def test_what_is_refused_stays_staged() -> None:
    queue = queue_of(2)
    queue.enqueue_many([b"-"] * 8)
    stage = queue.stage()
    for data in (b"1", b"2", b"3", b"4"):
        stage.enqueue(data)
    for refused in (stage.flush, lambda: stage.enqueue(b"5")):
        with pytest.raises(duochain.FullError):
            refused()
    assert (len(stage), queue.drain()) == (4, [b"-"] * 8)
    stage.enqueue(b"5")
    assert queue.drain() == [b"1", b"2", b"3", b"4"]
    queue.close()
    with pytest.raises(duochain.ClosedError):
        stage.flush()
    assert stage.take_back() == [b"5"] and stage.take_back() == []
    stage.close()
    assert queue.stats().pool.in_use == 0


def test_wrong_transactions_and_shapes_are_refused_at_once() -> None:
    queue = queue_of(2)
    stage = queue.stage()
    with pytest.raises(duochain.InvalidTransactionError):
        stage.enqueue(b"")
    with pytest.raises(duochain.TooLargeError):
        stage.enqueue(bytes(4097))
    with pytest.raises(TypeError):
        stage.enqueue("text")  # type: ignore[arg-type]
    assert len(stage) == 0
    for count in (0, 5):
        with pytest.raises(duochain.ConfigError, match="1..=4"):
            queue.stage(count=count)
    for wrong in ({"lane": 2}, {"lane": -1}, {"count": -1}, {"age": -1.0}):
        with pytest.raises(duochain.InvalidArgumentError):
            queue.stage(**wrong)
    with pytest.raises(duochain.ConfigError):
        TxQueue(run_max=33)
