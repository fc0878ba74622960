"""Policies: the cases that every language runs, and the forms that only Python has."""

import asyncio
import json
import threading
from pathlib import Path

import pytest
from conftest import TOP

import duochain
from duochain import resilience
from duochain.resilience import Breaker, Bulkhead, Fault, Limiter, Registry, Retry, Stack

HOUR = 3600.0


class Broken(Exception):
    pass


def fail(breaker: Breaker, times: int) -> None:
    for _ in range(times):
        with pytest.raises(Broken), breaker.guard():
            raise Broken


def test_failures_open_it_and_an_open_one_refuses() -> None:
    breaker = Breaker(min_requests=4, timeout=HOUR)
    with breaker.guard():
        pass
    with pytest.raises(Broken), breaker.guard(lambda _: Fault.CALLER):
        raise Broken
    fail(breaker, 2)
    assert breaker.state == "closed"
    fail(breaker, 1)
    assert breaker.state == "open"
    with pytest.raises(duochain.BusyError, match="open"), breaker.guard():
        pytest.fail("an open circuit was entered")
    stats = breaker.stats()
    assert (stats["calls"], stats["failures"], stats["rejected"], stats["opened"]) == (4, 3, 1, 1)
    assert HOUR - 60 < breaker.rejects_for() <= HOUR
    breaker.reset()
    with breaker.guard():
        pass


def test_probes_close_it_and_one_failure_opens_it_again() -> None:
    breaker = Breaker(min_requests=1, timeout=0.001)
    breaker.trip()

    def probe(raised: type[Exception] | None) -> None:
        while True:
            try:
                with breaker.guard():
                    if raised is not None:
                        raise raised
                return
            except duochain.BusyError:
                continue
            except Broken:
                return

    probe(Broken)
    assert breaker.state == "open"
    for _ in range(3):
        probe(None)
    assert breaker.state == "closed"


def test_a_restart_does_not_close_it() -> None:
    before, after = (Breaker(timeout=HOUR) for _ in range(2))
    before.trip()
    saved = before.save()
    assert len(saved) == 34
    after.restore(saved)
    with pytest.raises(duochain.BusyError), after.guard():
        pass
    for wrong in (b"", saved[:-1], saved + b"x", b"\7" + saved[1:]):
        with pytest.raises(duochain.CorruptionError):
            after.restore(wrong)


def test_the_burst_is_granted_and_the_next_is_refused() -> None:
    limiter = Limiter(1, period=HOUR, burst=5)
    assert limiter.ready_in(5) == 0
    assert limiter.try_acquire(3) and not limiter.try_acquire(3)
    assert limiter.try_acquire(2) and limiter.try_acquire(0) and not limiter.try_acquire()
    assert HOUR - 600 < limiter.ready_in() <= HOUR
    for call in (limiter.try_acquire, limiter.ready_in, limiter.acquire):
        with pytest.raises(duochain.TooLargeError, match="burst is 5"):
            call(6)
    with pytest.raises(duochain.DuoTimeoutError):
        limiter.acquire(1, timeout=60)
    assert limiter.stats()["available"] == 0


def test_waiting_for_tokens_ends_with_them() -> None:
    limiter = Limiter(1000, burst=1)
    for _ in range(3):
        limiter.acquire()

    async def three() -> None:
        for _ in range(3):
            await limiter.acquire_async()

    asyncio.run(three())


def test_permits_are_bounded_and_come_back() -> None:
    bulkhead = Bulkhead(2)
    with bulkhead.permit(), bulkhead.permit():
        with pytest.raises(duochain.FullError), bulkhead.permit():
            pass
        with pytest.raises(duochain.FullError), bulkhead.permit(None):
            pass
    with pytest.raises(Broken), bulkhead.permit():
        raise Broken
    assert (bulkhead.stats()["in_use"], bulkhead.stats()["taken"]) == (0, 3)


def test_a_waiting_thread_gets_the_permit_that_comes_back() -> None:
    bulkhead = Bulkhead(1, queue=4)
    entered = threading.Event()

    def wait() -> None:
        with bulkhead.permit(None):
            entered.set()

    with bulkhead.permit():
        with pytest.raises(duochain.DuoTimeoutError), bulkhead.permit(0.001):
            pass
        thread = threading.Thread(target=wait)
        thread.start()
        while bulkhead.stats()["waiting"] == 0:
            pass
        assert not entered.is_set()
    thread.join()
    assert entered.is_set() and bulkhead.stats()["in_use"] == 0


def test_tasks_stand_in_line_and_a_cancelled_one_passes_its_turn_on() -> None:
    bulkhead = Bulkhead(1, queue=4)
    order: list[int] = []

    async def enter(number: int) -> None:
        async with bulkhead.permit_async():
            order.append(number)
            await asyncio.sleep(0)

    async def run() -> None:
        async with bulkhead.permit_async():
            tasks = [asyncio.create_task(enter(number)) for number in range(4)]
            while bulkhead.stats()["waiting"] < 4:
                await asyncio.sleep(0)
            with pytest.raises(duochain.FullError):
                async with bulkhead.permit_async():
                    pass
            tasks[1].cancel()
        # The turn of the first has come; it has not run yet, and never will.
        tasks[0].cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    asyncio.run(run())
    assert order == [2, 3]
    assert bulkhead.stats()["in_use"] == 0 and bulkhead.stats()["waiting"] == 0


def test_a_task_that_waits_too_long_leaves_the_line() -> None:
    bulkhead = Bulkhead(1, queue=1)

    async def run() -> None:
        async with bulkhead.permit_async():
            with pytest.raises(duochain.DuoTimeoutError):
                async with bulkhead.permit_async(0.001):
                    pass
        async with bulkhead.permit_async(1):
            pass

    asyncio.run(run())
    assert (bulkhead.stats()["in_use"], bulkhead.stats()["left"]) == (0, 1)


def test_delays_grow_and_attempts_end() -> None:
    retry = Retry(jitter=0)
    assert retry.after(1, 0) == pytest.approx(0.1)
    assert retry.after(2, 0.15) == pytest.approx(0.2)
    assert retry.after(3, 0.4) is None
    assert retry.after(1, 9.95) is None
    assert retry.after(1, 0, Fault.PERMANENT) is None
    assert retry.after(1, 0, Fault.CALLER) is None
    stats = retry.stats()
    assert stats == {"retries": 2, "not_retryable": 2, "attempts_spent": 1, "time_spent": 1}
    jittered = [Retry().after(1, 0) for _ in range(50)]
    assert all(delay is not None and 0.075 <= delay <= 0.125 for delay in jittered)
    assert len(set(jittered)) > 1


def stack() -> Stack:
    return Stack(
        breaker=Breaker(min_requests=3),
        limiter=Limiter(1, period=HOUR, burst=3),
        bulkhead=Bulkhead(1),
        retry=Retry(attempts=3, delay_min=0.001, delay_max=0.001),
    )


def test_each_part_refuses_in_its_turn() -> None:
    parts = stack()
    assert parts.breaker is not None and parts.limiter is not None and parts.bulkhead is not None
    parts.breaker.trip()
    with pytest.raises(duochain.BusyError), parts.enter():
        pass
    assert parts.limiter.stats()["available"] == 3
    parts.breaker.reset()
    with parts.enter(), pytest.raises(duochain.FullError), parts.enter():
        pass
    with parts.enter():
        pass
    with pytest.raises(duochain.FullError, match="rate"), parts.enter():
        pass
    assert (parts.bulkhead.stats()["in_use"], parts.bulkhead.stats()["taken"]) == (0, 2)


def test_a_failing_call_is_tried_again_and_counts_once() -> None:
    parts = stack()
    assert parts.breaker is not None
    attempts: list[int] = []

    def third() -> int:
        attempts.append(1)
        if len(attempts) < 3:
            raise Broken
        return 7

    async def never() -> int:
        raise Broken

    assert parts.call(third) == 7
    with pytest.raises(Broken):
        asyncio.run(parts.call_async(never))
    with pytest.raises(Broken):
        parts.call(lambda: asyncio.run(never()), judge=lambda _: Fault.CALLER)
    stats = parts.breaker.stats()
    assert (stats["calls"], stats["failures"]) == (2, 1)


def test_reports_and_saved_state_name_every_breaker() -> None:
    before, after = Registry(), Registry()
    before.add("peer-1", stack())
    fresh = after.add("peer-1", stack())
    assert before.find("peer-2") is None
    known = before.find("peer-1")
    assert known is not None and known.breaker is not None and fresh.breaker is not None
    known.breaker.trip()
    assert json.loads(before.json())["stacks"][0]["breaker"]["state"] == "open"
    assert 'duochain_breaker_state{stack="peer-1"} 1\n' in before.prometheus()
    assert after.restore(before.save()) == 1
    assert fresh.breaker.state == "open"
    with pytest.raises(duochain.ConflictError):
        before.add("peer-1", stack())
    with pytest.raises(duochain.ConfigError):
        before.add("peer 1", stack())
    before.remove("peer-1")
    with pytest.raises(duochain.NotFoundError):
        before.remove("peer-1")


def test_settings_outside_of_their_range_are_named() -> None:
    with pytest.raises(duochain.ConfigError, match="min_requests"):
        Breaker(min_requests=0)
    with pytest.raises(duochain.InvalidArgumentError, match="share"):
        Breaker(threshold=1.5)
    with pytest.raises(duochain.ConfigError, match="tokens"):
        Limiter(2, period=1e-9)
    with pytest.raises(duochain.ConfigError, match="permits"):
        Bulkhead(0)
    with pytest.raises(duochain.ConfigError, match="attempts"):
        Retry(attempts=1001)


def test_the_example_of_the_documentation_runs() -> None:
    page = Path(TOP / "docs" / "resilience.md").read_text(encoding="utf-8")
    example = page.split("\n```python\n")[1].split("\n```\n")[0]
    names: dict[str, object] = {}
    exec(example, names)
    assert names["answer"] == 4
    assert resilience.__doc__ is not None
