"""Costs of an enqueue from Python, ours beside others. Usage: boundary.py ROUNDS

In every round each side takes its turn at every scenario. Enqueues go into an empty queue, a block of them
in one go, and are taken out again while no clock runs. Prints lines of JSON, see src/guest.rs.
"""

import collections
import gc
import json
import platform
import queue
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

import duochain

ITEM = bytes(256)
BATCH = 8
BATCH_ITEMS = [ITEM] * BATCH
DEPTH = 1_000
BLOCKS = 40
HANDED_OVER = 20_000
CELLS = 65_536
clock = time.perf_counter_ns


class Side:
    """A queue: how to put in one item, a batch, and take one out or learn that there is none."""

    def __init__(
        self,
        name: str,
        put: Callable[[bytes], Any],
        put_batch: Callable[[list[bytes]], Any],
        take: Callable[[], Any],
        size: Callable[[], int],
    ) -> None:
        self.name, self.put, self.put_batch, self.take, self.size = name, put, put_batch, take, size


def taking(get: Callable[[], bytes], empty: type[Exception]) -> Callable[[], bytes | None]:
    """A way to take that answers None, from one that raises."""

    def take() -> bytes | None:
        try:
            return get()
        except empty:
            return None

    return take


def one_by_one(put: Callable[[bytes], Any]) -> Callable[[list[bytes]], None]:
    """A batch for a queue that has none."""

    def put_batch(items: list[bytes]) -> None:
        for item in items:
            put(item)

    return put_batch


def sides() -> list[Side]:
    ours = duochain.TxQueue(lanes=1, cells=CELLS)
    simple: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    bounded: queue.Queue[bytes] = queue.Queue(CELLS)
    pile: collections.deque[bytes] = collections.deque()
    return [
        Side("duochain", ours.enqueue, ours.enqueue_many, ours.dequeue, ours.__len__),
        Side(
            "queue.SimpleQueue",
            simple.put,
            one_by_one(simple.put),
            taking(simple.get_nowait, queue.Empty),
            simple.qsize,
        ),
        Side(
            "queue.Queue",
            bounded.put_nowait,
            one_by_one(bounded.put_nowait),
            taking(bounded.get_nowait, queue.Empty),
            bounded.qsize,
        ),
        Side("deque", pile.append, pile.extend, taking(pile.popleft, IndexError), pile.__len__),
    ]


def figure(scenario: str, side: str, value: float) -> None:
    print(json.dumps({"scenario": f"Python: {scenario}", "side": side, "value": value}), flush=True)


def drain(side: Side, expected: int) -> None:
    taken = 0
    while (item := side.take()) is not None:
        if item != ITEM:
            raise SystemExit(f"{side.name} changed an item")
        taken += 1
    if taken != expected:
        raise SystemExit(f"{side.name} holds {taken} items of {expected}")


def single(side: Side) -> float:
    """Nanoseconds an item."""
    put, nanos = side.put, 0
    for _ in range(BLOCKS):
        begun = clock()
        for _ in range(DEPTH):
            put(ITEM)
        nanos += clock() - begun
        drain(side, DEPTH)
    return nanos / (BLOCKS * DEPTH)


def batch(side: Side) -> float:
    """Nanoseconds an item, eight at a time."""
    put, nanos = side.put_batch, 0
    for _ in range(BLOCKS):
        begun = clock()
        for _ in range(DEPTH // BATCH):
            put(BATCH_ITEMS)
        nanos += clock() - begun
        drain(side, DEPTH // BATCH * BATCH)
    return nanos / (BLOCKS * (DEPTH // BATCH) * BATCH)


def p99(side: Side) -> float:
    """Of single calls in nanoseconds; what reading the clock adds is taken off."""
    put, nanos = side.put, []
    overhead = sorted(-clock() + clock() for _ in range(DEPTH))[DEPTH // 2]
    for _ in range(BLOCKS):
        for _ in range(DEPTH):
            begun = clock()
            put(ITEM)
            nanos.append(clock() - begun)
        drain(side, DEPTH)
    return max(sorted(nanos)[len(nanos) * 99 // 100] - overhead, 1)


def hand_over(side: Side) -> float:
    """Thousand items a second from one thread to another. Both yield the interpreter when they must wait."""

    def produce() -> None:
        for _ in range(HANDED_OVER):
            while side.size() >= CELLS // 2:
                time.sleep(0)
            side.put(ITEM)

    producer = threading.Thread(target=produce)
    begun = clock()
    producer.start()
    taken = 0
    while taken < HANDED_OVER:
        if side.take() is None:
            time.sleep(0)
        else:
            taken += 1
    producer.join()
    return HANDED_OVER * 1e6 / (clock() - begun)


def empty_method() -> float:
    """Nanoseconds of a native method that does nothing, called as an enqueue is."""
    method = duochain.TxQueue(lanes=1, cells=2).__enter__
    begun = clock()
    for _ in range(BLOCKS * DEPTH):
        method()
    return (clock() - begun) / (BLOCKS * DEPTH)


def measure(side: Side, report: bool) -> None:
    figures = {
        "enqueue of 256 B": single(side),
        "batch of 8 x 256 B, per item": batch(side),
        "enqueue of 256 B, p99 of single calls": p99(side),
        "256 B from one thread to another": hand_over(side),
    }
    for scenario, value in figures.items():
        if report:
            figure(scenario, side.name, value)


def main() -> None:
    rounds = int(sys.argv[1])
    all_sides = sides()
    for name in [side.name for side in all_sides] + ["empty native method"]:
        print(json.dumps({"side": name, "version": f"{platform.python_implementation()} {platform.python_version()}"}))
    # Nothing here makes garbage in cycles; its collector would only hit one side by chance.
    gc.disable()
    # The first round warms up and is not reported.
    for turn in range(rounds + 1):
        for place in range(len(all_sides)):
            measure(all_sides[(turn + place) % len(all_sides)], report=turn > 0)
        nanos = empty_method()
        if turn > 0:
            figure("enqueue of 256 B", "empty native method", nanos)


main()
