"""Wrong use: an exception of the table each time, never a crash."""

import asyncio
import builtins
import gc
import os
import signal
import sys
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from conftest import PATIENCE, final, needs_faults, until

import duochain
from duochain import Chain, Config, Node, Pool, Proof, SharedProducer, TxQueue, _native


@pytest.mark.parametrize("wrong", [0, 3, -1, 255, 256, 2**40, 2**70])
def test_a_chain_that_does_not_exist_is_refused(node: Node, wrong: Chain) -> None:
    acts: list[Callable[[], object]] = [
        lambda: node.submit(wrong, b"x"),
        lambda: node.claim(wrong, 1),
        lambda: node.head(wrong),
        lambda: node.subscribe(wrong),
        lambda: duochain.transaction_id(wrong, b"x"),
    ]
    for act in acts:
        with pytest.raises(duochain.InvalidArgumentError, match="is not a chain"):
            act()


@pytest.mark.parametrize("wrong", [None, "alpha", 1.0, b"\x01", object()])
def test_arguments_of_a_wrong_type_are_type_errors(node: Node, wrong: object) -> None:
    acts: list[Callable[..., object]] = [node.head, lambda chain: node.submit(chain, b"x"), node.queue_stats]
    for act in acts:
        with pytest.raises(TypeError):
            act(wrong)
    for call in (
        lambda: node.submit(Chain.ALPHA, 1.0 if isinstance(wrong, bytes) else wrong),  # type: ignore[arg-type]
        lambda: node.submit(Chain.ALPHA, b"x", wrong),  # type: ignore[arg-type]
        lambda: node.block(Chain.ALPHA, wrong),  # type: ignore[arg-type]
        lambda: node.claim(Chain.ALPHA, wrong),  # type: ignore[arg-type]
        lambda: Node(wrong or 5),  # type: ignore[arg-type]
    ):
        with pytest.raises((TypeError, AttributeError)):
            call()


def test_positions_that_are_not_there_are_told_apart(node: Node) -> None:
    done = final(node, Chain.DELTA, b"x")
    for height in (0, 10**9):
        with pytest.raises(duochain.NotFoundError, match=f"no block {height}"):
            node.block(Chain.DELTA, height)
    with pytest.raises(duochain.InvalidArgumentError):
        node.block(Chain.DELTA, -1)
    with pytest.raises(OverflowError):
        node.block(Chain.DELTA, 2**70)
    with pytest.raises(duochain.NotFoundError):
        node.proof(Chain.ALPHA, done.tx)
    assert node.tx_status(Chain.ALPHA, done.tx).height == 0
    for wrong in (b"", bytes(31), bytes(33)):
        with pytest.raises(duochain.InvalidArgumentError, match="32 bytes"):
            node.tx_status(Chain.DELTA, wrong)
    encoded = node.proof(Chain.DELTA, done.tx).encode()
    for cut in range(len(encoded)):
        with pytest.raises(duochain.InvalidArgumentError):
            Proof.decode(encoded[:cut])


def test_transactions_that_are_none_are_refused_everywhere(node: Node) -> None:
    for data, error in ((b"", duochain.InvalidTransactionError), (bytes(2**20 + 1), duochain.TooLargeError)):
        acts: list[Callable[[], object]] = [
            lambda: node.submit(Chain.ALPHA, data),
            lambda: node.submit_wait(Chain.ALPHA, data),
            lambda: node.submit_batch(Chain.ALPHA, [data]),
            lambda: node.submit_future(Chain.ALPHA, data),
            lambda: node.claim(Chain.ALPHA, len(data)),
        ]
        for act in acts:
            with pytest.raises(error):
                act()
    for lane in (4, -1, 300):
        with pytest.raises(duochain.InvalidArgumentError):
            node.submit(Chain.ALPHA, b"x", lane)
    assert final(node, Chain.ALPHA, os.urandom(2**20)).ok


def test_a_closed_node_says_so_and_closes_again() -> None:
    node = Node(storage_backend="memory", time_scale=300)
    claim = node.claim(Chain.ALPHA, 1)
    node.close()
    node.close()
    assert node.closed and "closed" in repr(node)
    acts: list[Callable[[], object]] = [
        lambda: node.submit(Chain.ALPHA, b"x"),
        lambda: node.submit_wait(Chain.ALPHA, b"x"),
        lambda: node.submit_batch(Chain.ALPHA, [b"x"]),
        lambda: node.submit_future(Chain.ALPHA, b"x"),
        lambda: node.claim(Chain.ALPHA, 1),
        lambda: node.tx_status(Chain.ALPHA, bytes(32)),
        lambda: node.head(Chain.ALPHA),
        lambda: node.block(Chain.ALPHA, 1),
        lambda: node.proof(Chain.ALPHA, bytes(32)),
        node.health,
        node.metrics,
        node.metrics_text,
        node.subscribe,
        node.completion_fd,
        lambda: node.queue_stats(Chain.ALPHA),
        node.__enter__,
        claim.commit,
    ]
    for act in acts:
        with pytest.raises(duochain.ClosedError):
            act()
    with pytest.raises(duochain.EndError):
        node.poll_completions()


def test_closing_while_other_threads_wait_ends_their_waits() -> None:
    node = Node(storage_backend="memory", time_scale=1, completions_max=1)
    node.submit(Chain.ALPHA, b"x")
    ends: dict[str, type[BaseException]] = {}

    def run(name: str, wait: Callable[[], object]) -> None:
        try:
            wait()
        except duochain.DuoError as failure:
            ends[name] = type(failure)

    waits: dict[str, Callable[[], object]] = {
        "submit": lambda: node.submit_wait(Chain.ALPHA, b"y"),
        "future": lambda: [node.poll_completions(timeout=None) for _ in range(2)],
        "event": lambda: node.subscribe().wait(),
    }
    threads = [threading.Thread(target=run, args=item) for item in waits.items()]
    for thread in threads:
        thread.start()
    node.close()
    for thread in threads:
        thread.join(PATIENCE)
    assert ends["event"] is ends["submit"] is duochain.ClosedError
    assert ends["future"] is duochain.EndError


def test_a_child_process_cannot_use_what_its_parent_opened(node: Node) -> None:
    queue, pool, events = TxQueue(cells=8), Pool([(64, 1)]), node.subscribe()
    buffer = pool.acquire(3)
    # This one has a thread, which stays in the parent.
    served = Node(storage_backend="memory", time_scale=1)
    future = served.submit_future(Chain.ALPHA, b"not final for seconds")
    acts: list[Callable[[], object]] = [
        lambda: node.submit(Chain.ALPHA, b"x"),
        lambda: node.poll_completions(timeout=None),
        node.close,
        lambda: served.poll_completions(timeout=None),
        lambda: served.poll_completions(timeout=0),
        lambda: list(served.completions()),
        lambda: served.submit_future(Chain.ALPHA, b"x"),
        lambda: asyncio.run(served.submit_async(Chain.ALPHA, b"x")),
        future.result,
        future.exception,
        served.close,
        lambda: queue.enqueue(b"x"),
        lambda: queue.dequeue(timeout=None),
        pool.stats,
        buffer.release,
        events.wait,
        events.close,
    ]
    child = os.fork()
    if child == 0:
        status = 1
        signal.alarm(int(PATIENCE))  # a wait for ever ends as a failure
        try:
            for act in acts:
                try:
                    act()
                except duochain.ForkedError:
                    continue
                break
            else:
                fresh = TxQueue(cells=8)
                fresh.enqueue(b"mine")
                del queue, pool, buffer, events
                status = 0 if fresh.dequeue() == b"mine" else 2
        finally:
            os._exit(status)
    assert os.waitpid(child, 0)[1] == 0
    served.close()
    with pytest.raises(duochain.DuoCancelledError):
        future.result(PATIENCE)
    assert final(node, Chain.ALPHA, b"the parent goes on").ok


@needs_faults
def test_a_panic_becomes_an_exception_and_poisons_its_object(node: Node) -> None:
    inject = getattr(_native, "_inject_panic")  # noqa: B009 - not in the stub: only some builds have it
    pool, queue, events, claim = Pool([(64, 2)]), TxQueue(cells=8), node.subscribe(), node.claim(Chain.DELTA, 1)
    buffer = pool.acquire(1)
    objects: list[tuple[Callable[[], object], Callable[[], object]]] = [
        (pool.stats, pool.close),
        (lambda: buffer.resize(1), buffer.release),
        (lambda: queue.enqueue(b"x"), queue.close),
        (events.poll, events.close),
        (lambda: memoryview(claim), claim.abort),
        (lambda: node.submit(Chain.DELTA, b"x"), node.close),
    ]
    for act, close in objects:
        inject()
        with pytest.raises(duochain.PanicError, match="injected") as panic:
            act()
        assert (panic.value.code, panic.value.name) == (-22, "PANIC")
        with pytest.raises(duochain.PoisonedError):
            act()
        close()
    stateless: list[Callable[[], object]] = [
        lambda: Config().validate(),
        lambda: duochain.transaction_id(Chain.ALPHA, b"x"),
        lambda: Pool([(64, 1)]),
        lambda: TxQueue(),
        lambda: Proof.decode(b""),
        lambda: Node(storage_backend="memory"),
    ]
    for call in stateless:
        inject()
        with pytest.raises(duochain.PanicError):
            call()


@needs_faults
def test_a_chain_that_panics_is_restarted_and_says_so(tmp_path: Path) -> None:
    inject = getattr(_native, "_inject_panic")  # noqa: B009
    with Node(data_dir=tmp_path, time_scale=300) as node, node.subscribe(Chain.DELTA, start="latest") as events:
        kept = final(node, Chain.DELTA, b"before")
        inject(node, Chain.DELTA)
        until(lambda: node.head(Chain.DELTA).restarts == 1)
        assert final(node, Chain.ALPHA, b"meanwhile").ok
        assert final(node, Chain.DELTA, b"after").ok
        assert node.tx_status(Chain.DELTA, kept.tx).height == kept.height
        kinds = set()
        for event in events:
            kinds.add(event.kind)
            if duochain.EventKind.CHAIN_RECOVERED in kinds:
                break
        assert duochain.EventKind.CHAIN_DEGRADED in kinds


def test_no_exception_of_the_library_escapes_except_exception() -> None:
    for name in duochain.__all__:
        kind = getattr(duochain, name)
        if isinstance(kind, type) and issubclass(kind, BaseException):
            assert issubclass(kind, builtins.Exception)
    assert sys.version_info >= (3, 11)


class Knot:
    """Garbage that only the collector finds; being collected calls something."""

    def __init__(self, touch: Callable[[], object], seen: list[object]) -> None:
        self.itself, self.touch, self.seen = self, touch, seen

    def __del__(self) -> None:
        self.seen.append(self.touch())


def a_stage() -> tuple[Callable[[], object], Callable[[], object]]:
    stage = TxQueue(cells=8).stage()
    return partial(stage.enqueue, b""), lambda: len(stage)


def a_shared_producer() -> tuple[Callable[[], object], Callable[[], object]]:
    queue = TxQueue(cells=8)
    lanes = queue.open_shared(lane_cells=8)
    producer = SharedProducer(lanes.path)

    def touch() -> int:
        producer.enqueue(b"x")
        return lanes.stats().accepted + len(queue)

    return partial(producer.enqueue, b""), touch


def a_configuration() -> tuple[Callable[[], object], Callable[[], object]]:
    config = Config()
    return partial(config.load_toml, "= 1"), lambda: config["queue.cells"]


def a_buffer() -> tuple[Callable[[], object], Callable[[], object]]:
    buffer = Pool([(64, 1)]).acquire(3)
    view = memoryview(buffer)
    return buffer.release, lambda: (len(buffer), view)


@pytest.mark.parametrize("pair", [a_stage, a_shared_producer, a_configuration, a_buffer])
def test_a_finalizer_that_a_refusal_sets_off_may_use_the_object(
    pair: Callable[[], tuple[Callable[[], object], Callable[[], object]]],
) -> None:
    refused, touch = pair()
    with pytest.raises(duochain.DuoError):
        refused()
    seen: list[object] = []
    threshold = gc.get_threshold()
    gc.disable()
    gc.set_threshold(1)
    Knot(touch, seen)
    try:
        # Nothing is allocated from here until the exception is.
        gc.enable()
        refused()
    except duochain.DuoError:
        gc.disable()
        assert seen
    else:
        pytest.fail("not refused")
    finally:
        gc.set_threshold(*threshold)
        gc.enable()
