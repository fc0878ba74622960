"""The transaction queue on its own."""

import array
import threading

import pytest
from conftest import PATIENCE

import duochain
from duochain import TxQueue


def test_transactions_come_out_in_order_and_urgent_lanes_first() -> None:
    queue = TxQueue(lanes=2, cells=8, ageing=0)
    assert (queue.lanes, queue.capacity, len(queue), bool(queue)) == (2, 16, 0, True)
    for data in (b"a", bytearray(b"b"), memoryview(b"c")):
        queue.enqueue(data, 1)
    queue.enqueue(b"urgent")
    assert (len(queue), queue.lane_len(0), queue.lane_len(1)) == (4, 1, 3)
    assert [queue.dequeue() for _ in range(5)] == [b"urgent", b"a", b"b", b"c", None]


def test_a_batch_is_accepted_up_to_the_room_there_is() -> None:
    queue = TxQueue(lanes=1, cells=4)
    assert queue.enqueue_many([b"%d" % number for number in range(6)]) == 4
    with pytest.raises(duochain.FullError):
        queue.enqueue_many([b"x"])
    with pytest.raises(duochain.FullError):
        queue.enqueue(b"x")
    assert queue.drain(3) == [b"0", b"1", b"2"] and queue.drain() == [b"3"] and queue.drain() == []
    assert queue.enqueue_many(iter([])) == 0
    stats = queue.stats()
    assert (stats.lanes[0].accepted, stats.lanes[0].dequeued, stats.depth, stats.closed) == (4, 4, 0, False)
    assert stats.lanes[0].refused >= 2 and stats.pool.in_use == 0
    assert repr(stats).startswith("QueueStats(") and repr(stats.pool).startswith("PoolStats(")


def test_a_flat_buffer_is_cut_at_the_lengths() -> None:
    queue = TxQueue(lanes=1, cells=8)
    for lengths in (array.array("I", [1, 3, 2]), memoryview(array.array("I", [1, 3, 2])), [1, 3, 2], (1, 3, 2)):
        assert queue.enqueue_flat(b"abbbcc", lengths) == 3
        assert queue.drain() == [b"a", b"bbb", b"cc"]
    for wrong in ([1, 3], [1, 3, 3], [2**32 - 1] * 9):
        with pytest.raises(duochain.InvalidArgumentError, match="add up to"):
            queue.enqueue_flat(b"abbbcc", wrong)
    with pytest.raises(OverflowError):
        queue.enqueue_flat(b"abbbcc", [-1, 7])
    with pytest.raises(duochain.InvalidTransactionError):
        queue.enqueue_flat(b"abc", [0, 3])


def test_a_wrong_item_is_found_before_anything_is_accepted() -> None:
    queue = TxQueue(lanes=1, cells=8)
    with pytest.raises(TypeError, match="bytes-like object is required, not 'str'"):
        queue.enqueue_many([b"a", "b"])  # type: ignore[list-item]
    for wrong in (None, 7, "text"):
        with pytest.raises(TypeError):
            queue.enqueue_many(wrong)  # type: ignore[arg-type]
    assert len(queue) == 0


def test_a_producer_waits_for_room_and_a_consumer_for_items() -> None:
    queue = TxQueue(lanes=1, cells=2)
    taken: list[bytes | None] = []
    consumers = [
        threading.Thread(target=lambda: taken.append(queue.dequeue(timeout=None))) for _ in range(3)
    ]
    for thread in consumers:
        thread.start()
    for number in range(3):
        queue.enqueue_wait(b"%d" % number)
    for thread in consumers:
        thread.join(PATIENCE)
    assert sorted(item for item in taken if item) == [b"0", b"1", b"2"]
    assert queue.enqueue_many([b"x"] * 3) == 2
    with pytest.raises(TimeoutError):
        queue.enqueue_wait(b"y", timeout=0.06)
    producer = threading.Thread(target=queue.enqueue_wait, args=(bytearray(b"y"),))
    producer.start()
    assert queue.dequeue() == b"x"
    producer.join(PATIENCE)
    assert queue.drain() == [b"x", b"y"]
    assert queue.dequeue(timeout=0.06) is None


def test_a_closed_queue_hands_out_what_it_has_and_then_ends() -> None:
    with TxQueue(lanes=1, cells=8) as queue:
        queue.enqueue_many([b"a", b"b"])
    assert queue.closed and not queue
    queue.close()
    for refused in (lambda: queue.enqueue(b"c"), lambda: queue.enqueue_wait(b"c"), lambda: queue.enqueue_many([])):
        with pytest.raises(duochain.ClosedError):
            refused()
    assert queue.dequeue() == b"a" and queue.drain() == [b"b"]
    with pytest.raises(duochain.EndError):
        queue.dequeue()
    with pytest.raises(duochain.EndError):
        queue.drain()
    assert len(queue) == 0 and queue.stats().closed


def test_closing_ends_those_who_wait() -> None:
    queue = TxQueue(lanes=1, cells=2)
    ends: list[type[BaseException]] = []

    def run(wait: object) -> None:
        try:
            wait()  # type: ignore[operator]
        except duochain.DuoError as failure:
            ends.append(type(failure))

    consumer = threading.Thread(target=run, args=(lambda: queue.dequeue(timeout=None),))
    consumer.start()
    queue.close()
    consumer.join(PATIENCE)
    full = TxQueue(lanes=1, cells=2)
    full.enqueue_many([b"x", b"x"])
    producer = threading.Thread(target=run, args=(lambda: full.enqueue_wait(b"x"),))
    producer.start()
    full.close()
    producer.join(PATIENCE)
    assert ends == [duochain.EndError, duochain.ClosedError]


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (b"", duochain.InvalidTransactionError),
        (bytearray(), duochain.InvalidTransactionError),
        (bytes(65), duochain.TooLargeError),
        (memoryview(b"abcd")[::2], duochain.InvalidArgumentError),
        ("text", TypeError),
        (None, TypeError),
        (7, TypeError),
        ([b"x"], TypeError),
    ],
    ids=["empty", "empty bytearray", "too large", "not contiguous", "str", "None", "int", "list"],
)
def test_what_is_no_transaction_is_refused(data: bytes, error: type[Exception]) -> None:
    queue = TxQueue(lanes=1, cells=8, transaction_bytes_max=64)
    for refuse in (queue.enqueue, queue.enqueue_wait):
        with pytest.raises(error):
            refuse(data)
    assert len(queue) == 0


def test_lanes_and_sizes_out_of_range_are_refused_by_name() -> None:
    queue = TxQueue(lanes=2, cells=8)
    for lane in (2, -1, 256, 2**40):
        with pytest.raises(duochain.InvalidArgumentError, match="lane"):
            queue.enqueue(b"x", lane)
    with pytest.raises(OverflowError):
        queue.enqueue(b"x", 2**70)
    with pytest.raises(duochain.InvalidArgumentError):
        queue.drain(-1)
    for seconds in (-1.0, float("nan")):
        with pytest.raises(duochain.InvalidArgumentError, match="timeout"):
            queue.dequeue(seconds)
    for key, wrong in (("lanes", 0), ("cells", 3), ("cells", -8), ("transaction_bytes_max", 2**60)):
        with pytest.raises(duochain.ConfigError, match="allowed"):
            TxQueue(**{key: wrong})
    assert len(queue) == 0
