"""Following events: iterators, asyncio, cursors."""

import asyncio
import threading
from collections.abc import Callable

import pytest
from conftest import PATIENCE, final, until

import duochain
from duochain import Chain, Event, EventKind, Node

Reopen = Callable[[], Node]


def test_events_of_both_chains_come_without_gaps(node: Node) -> None:
    done = {chain: final(node, chain, b"x") for chain in Chain}
    seen: dict[Chain, list[Event]] = {chain: [] for chain in Chain}
    with node.subscribe() as events:
        for event in events:
            seen[event.chain].append(event)
            if all(any(e.height == done[chain].height for e in seen[chain]) for chain in Chain):
                break
    for chain, kind in zip(Chain, (EventKind.ALPHA_BLOCK_FINALIZED, EventKind.DELTA_BLOCK_FINALIZED)):
        assert [event.sequence for event in seen[chain]] == list(range(1, len(seen[chain]) + 1))
        blocks = [event for event in seen[chain] if event.kind is kind]
        assert [event.height for event in blocks] == list(range(1, len(blocks) + 1))
        (block,) = [event for event in blocks if event.tx_count]
        assert block.hash == node.block(chain, block.height).hash and block.time_ns > 0
        assert block.health is None and block.detail == ""


def test_one_chain_can_be_followed_from_now_on(node: Node) -> None:
    final(node, Chain.DELTA, b"x")
    with node.subscribe(Chain.DELTA, start="latest") as events:
        assert events.lag(Chain.ALPHA) == 0 and events.wait(PATIENCE)
        (first, *_) = events.poll()
        assert first.chain is Chain.DELTA and first.height > 1
        events.seek(Chain.DELTA, 1)
        assert events.poll(1)[0].sequence == 1 and events.lag() >= 1 and events.dropped() == 0


def test_a_named_cursor_goes_on_where_it_was_acknowledged(reopen: Reopen) -> None:
    with reopen() as node:
        final(node, Chain.DELTA, b"x")
        with node.subscribe(name="ledger") as events:
            until(lambda: events.lag(Chain.DELTA) >= 5)
            events.ack(Chain.DELTA, 3)
    with reopen() as node, node.subscribe(name="ledger") as events:
        assert next(event for event in events if event.chain is Chain.DELTA).sequence == 4
        with node.subscribe(name="other") as other:
            assert next(event for event in other if event.chain is Chain.DELTA).sequence == 1


def test_wrong_positions_and_names_are_refused(node: Node) -> None:
    with node.subscribe() as events:
        for act in (
            lambda: events.ack(Chain.ALPHA, 1),
            lambda: events.seek(Chain.ALPHA, 10**6),
            lambda: events.seek(Chain.ALPHA, 0),
            lambda: events.seek(Chain.ALPHA, -1),
            lambda: events.poll(-1),
            lambda: events.wait(-1.0),
            lambda: node.subscribe(name="no blanks"),
            lambda: node.subscribe(name=""),
            lambda: node.subscribe(start="cursor"),
            lambda: node.subscribe(start="never"),  # type: ignore[arg-type]
        ):
            with pytest.raises(duochain.InvalidArgumentError):
                act()
    with node.subscribe(name="n") as events, pytest.raises(duochain.InvalidArgumentError):
        events.ack(Chain.ALPHA, 10**6)


def test_a_waiter_is_woken_by_wake_and_ended_by_close() -> None:
    with Node(storage_backend="memory", time_scale=1) as node:
        events = node.subscribe()
        results: list[object] = []

        def follow() -> None:
            results.append(events.wait())
            results.extend(events)
            results.append("ended")

        thread = threading.Thread(target=follow)
        thread.start()
        events.wake()
        until(lambda: results == [False])
        events.close()
        thread.join(PATIENCE)
        assert results == [False, "ended"]
        events.close()
        for act in (events.poll, events.wait, events.lag, events.event_fd, events.wake):
            with pytest.raises(duochain.ClosedError):
                act()


def test_a_waiter_is_ended_by_closing_the_node() -> None:
    node = Node(storage_backend="memory", time_scale=1)
    events = node.subscribe()
    failures: list[BaseException] = []

    def follow() -> None:
        try:
            events.wait()
        except duochain.ClosedError as failure:
            failures.append(failure)

    thread = threading.Thread(target=follow)
    thread.start()
    node.close()
    thread.join(PATIENCE)
    assert len(failures) == 1 and list(events) == []


def test_several_coroutines_follow_without_missing_anything(node: Node) -> None:
    async def follow(chain: Chain, count: int) -> list[int]:
        with node.subscribe(chain) as events:
            seen: list[int] = []
            async for event in events:
                seen.append(event.sequence)
                if len(seen) == count:
                    break
        return seen

    async def all_of_them() -> None:
        done = await asyncio.gather(*(follow(chain, 8) for chain in Chain for _ in range(3)))
        assert all(seen == list(range(1, 9)) for seen in done)

    asyncio.run(asyncio.wait_for(all_of_them(), PATIENCE))


def test_loops_in_different_threads_do_not_take_each_others_wake_ups(node: Node) -> None:
    async def follow() -> int:
        count = 0
        with node.subscribe(Chain.DELTA) as events:
            async for _ in events:
                count += 1
                if count == 100:
                    break
        return count

    counts: list[int] = []
    threads = [threading.Thread(target=lambda: counts.append(asyncio.run(follow()))) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    assert counts == [100] * 3


def test_async_iteration_ends_when_the_subscription_or_the_node_is_closed() -> None:
    async def follow(end: Callable[[], None], events: duochain.Subscription) -> None:
        loop = asyncio.get_running_loop()
        loop.call_later(0.05, end)
        async for _ in events:
            pass

    with Node(storage_backend="memory", time_scale=1) as node:
        events = node.subscribe()
        asyncio.run(asyncio.wait_for(follow(events.close, events), PATIENCE))
        asyncio.run(asyncio.wait_for(follow(lambda: None, events), PATIENCE))
        events = node.subscribe()
        asyncio.run(asyncio.wait_for(follow(node.close, events), PATIENCE))
