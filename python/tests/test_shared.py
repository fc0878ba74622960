"""Shared lanes: a queue fed by other processes."""

import os
import pathlib
import signal
import subprocess
import sys
import threading

import pytest
from conftest import PATIENCE

import duochain
from duochain import SharedProducer, TxQueue

CHILD = """
import sys
from duochain import FullError, SharedProducer
producer, number = SharedProducer(sys.argv[1]), 0
while number < int(sys.argv[2]):
    try:
        producer.enqueue(b"%d " % number * 9)
        number += 1
    except FullError:
        pass
"""


def small_queue() -> TxQueue:
    return TxQueue(lanes=2, cells=8, ageing=0, transaction_bytes_max=4096)


def test_what_a_producer_puts_in_comes_out_of_the_queue() -> None:
    queue = small_queue()
    with queue.open_shared(lane_cells=8, seats=1, part_bytes=1024) as lanes:
        with SharedProducer(lanes.path) as producer:
            assert (producer.lanes, producer.transaction_bytes_max) == (2, 992)
            for data in (b"a", bytearray(b"b"), memoryview(b"c")):
                producer.enqueue(data, 1)
            producer.enqueue(b"urgent")
            assert [queue.dequeue(PATIENCE) for _ in range(4)] == [b"urgent", b"a", b"b", b"c"]
            with pytest.raises(duochain.BusyError):
                SharedProducer(lanes.path)
        with pytest.raises(duochain.ClosedError):
            producer.enqueue(b"x")
        stats = lanes.stats()
        assert (stats.accepted, stats.bytes, stats.corrupt, stats.gaps, stats.tails) == (4, 9, 0, 0, 0)
        assert (stats.seats, stats.seats_taken, stats.seats_recovered) == (1, 0, 0)
    assert lanes.closed and producer.closed


def test_a_put_waits_for_room_and_for_no_longer_than_it_may() -> None:
    queue = small_queue()
    lanes = queue.open_shared(lane_cells=2, part_bytes=1024)
    producer = SharedProducer(lanes.path)
    for data in (b"a", b"b"):
        producer.enqueue_wait(data, timeout=0)
    for timeout in (0, 0.003, 0.06):
        with pytest.raises(TimeoutError):
            producer.enqueue_wait(b"c", timeout=timeout)
    waiting = threading.Thread(target=producer.enqueue_wait, args=(bytearray(b"c"),))
    waiting.start()
    # Nobody who waits keeps the producer, or the interpreter, to itself.
    producer.enqueue(b"other lane", 1)
    taken = [queue.dequeue(PATIENCE) for _ in range(4)]
    assert taken[:2] == [b"a", b"b"] and set(taken[2:]) == {b"c", b"other lane"}
    waiting.join()
    assert lanes.stats().corrupt == 0


@pytest.mark.parametrize("what", ["lanes", "producer"])
def test_a_close_ends_a_put_that_waits(what: str) -> None:
    queue = small_queue()
    lanes = queue.open_shared(lane_cells=1, part_bytes=1024)
    producer = SharedProducer(lanes.path)
    producer.enqueue(b"a")
    raised: list[BaseException] = []

    def run() -> None:
        try:
            producer.enqueue_wait(b"b")
        except duochain.ClosedError as error:
            raised.append(error)

    waiting = threading.Thread(target=run)
    waiting.start()
    (lanes if what == "lanes" else producer).close()
    waiting.join(PATIENCE)
    assert len(raised) == 1


def test_refusals_are_told(tmp_path: pathlib.Path) -> None:
    queue = small_queue()
    file = tmp_path / "segment"
    with pytest.raises(duochain.NotFoundError):
        SharedProducer(file)
    with pytest.raises(duochain.ConfigError):
        queue.open_shared(lane_cells=3)
    lanes = queue.open_shared(file, lane_cells=2, part_bytes=1024)
    assert pathlib.Path(lanes.path) == file and file.stat().st_mode & 0o777 == 0o600
    producer = SharedProducer(file)
    producer.enqueue(b"1")
    producer.enqueue(b"2")
    with pytest.raises(duochain.FullError):
        producer.enqueue(b"3")
    with pytest.raises(duochain.TooLargeError):
        producer.enqueue(bytes(993), 1)
    with pytest.raises(duochain.InvalidTransactionError):
        producer.enqueue(b"", 1)
    lanes.close()
    lanes.close()
    assert not file.exists()
    with pytest.raises(duochain.ClosedError):
        producer.enqueue(b"x", 1)
    assert queue.drain() == [b"1", b"2"]


def test_another_process_puts_in_and_leaves_its_seat_when_it_is_killed() -> None:
    queue = small_queue()
    lanes = queue.open_shared(lane_cells=8, seats=1, part_bytes=4096)
    for _ in range(2):
        child = subprocess.Popen([sys.executable, "-c", CHILD, lanes.path, "1000000"])
        for number in range(500):
            assert queue.dequeue(PATIENCE) == b"%d " % number * 9
        os.kill(child.pid, signal.SIGKILL)
        assert child.wait() == -signal.SIGKILL
        rest = 500
        while (data := queue.dequeue()) is not None:
            assert data == b"%d " % rest * 9
            rest += 1
    assert (lanes.stats().seats_recovered, lanes.stats().corrupt) == (1, 0)
