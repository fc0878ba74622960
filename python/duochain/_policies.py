"""Breaker, limiter, bulkhead and retry: the parts of a stack."""

import asyncio
import random
import threading
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from enum import IntEnum
from typing import final

from . import _native
from ._errors import DuoTimeoutError, FullError

SUCCESS, FAILURE, ABANDONED = range(3)


class Fault(IntEnum):
    """Whose fault a failure is."""

    RETRYABLE = 0
    """The peer's, and it may pass."""
    PERMANENT = 1
    """The peer's, and it will not pass."""
    CALLER = 2
    """The caller's: says nothing about the peer."""


def retryable(_: BaseException) -> Fault:
    return Fault.RETRYABLE


def outcome(fault: Fault) -> int:
    return ABANDONED if fault == Fault.CALLER else FAILURE


def whose(error: BaseException, judge: Callable[[BaseException], Fault]) -> Fault:
    # What ends a program or a task is not the peer's fault.
    return judge(error) if isinstance(error, Exception) else Fault.CALLER


def _entropy() -> int:
    return random.getrandbits(64)


@final
class Breaker:
    """Counts a peer's failures; open, it lets no call through. Times in seconds, shares from 0 to 1."""

    def __init__(
        self,
        *,
        window: float = 10.0,
        min_requests: int = 10,
        threshold: float = 0.5,
        timeout: float = 5.0,
        probes: int = 1,
        successes: int = 3,
        floor: float | None = None,
        recovery: float = 0.0,
    ) -> None:
        self._native = _native.Breaker(
            window, min_requests, threshold, timeout, probes, successes, floor, recovery
        )

    @contextmanager
    def guard(self, judge: Callable[[BaseException], Fault] = retryable) -> Iterator[None]:
        """One call. An exception is a failure, unless `judge` says that it is the caller's fault."""
        ticket = self._native.ask()
        try:
            yield
        except BaseException as error:
            self._native.report(ticket, outcome(whose(error, judge)))
            raise
        self._native.report(ticket, SUCCESS)

    def trip(self) -> None:
        """Opens it for its time-out."""
        self._native.trip()

    def reset(self) -> None:
        """Closes it and forgets the window."""
        self._native.reset()

    @property
    def state(self) -> str:
        """``closed``, ``open`` or ``half_open``."""
        return self._native.state

    def rejects_for(self) -> float:
        """Seconds for which it will still let nothing through."""
        return self._native.rejects_for()

    def save(self) -> bytes:
        """Its state, for `restore` after a restart."""
        return self._native.save()

    def restore(self, saved: bytes) -> None:
        """What `save` gave; the time between counts as time that it was open."""
        self._native.restore(saved)

    def stats(self) -> dict[str, int]:
        """Its figures."""
        return self._native.stats()


@final
class Limiter:
    """Grants so many tokens in each period, and a burst after a pause."""

    def __init__(self, tokens: int, *, period: float = 1.0, burst: int | None = None) -> None:
        self._native = _native.Limiter(tokens, period, max(1, tokens // 10) if burst is None else burst)

    def try_acquire(self, n: int = 1) -> bool:
        """Takes `n` tokens if they are there. More than the burst raises `TooLargeError`."""
        return self._native.try_acquire(n)

    def ready_in(self, n: int = 1) -> float:
        """Seconds until `n` tokens are there if nobody takes any."""
        return self._native.ready_in(n)

    def acquire(self, n: int = 1, timeout: float | None = None) -> None:
        """Waits for `n` tokens; not at all when they would come later than in `timeout` seconds."""
        for wait in self._waits(n, timeout):
            time.sleep(wait)

    async def acquire_async(self, n: int = 1, timeout: float | None = None) -> None:
        """As `acquire`, for asyncio."""
        for wait in self._waits(n, timeout):
            await asyncio.sleep(wait)

    def _waits(self, n: int, timeout: float | None) -> Iterator[float]:
        end = None if timeout is None else time.monotonic() + timeout
        while not self._native.try_acquire(n):
            wait = self._native.ready_in(n)
            if end is not None and time.monotonic() + wait > end:
                raise DuoTimeoutError(f"{n} tokens come in {wait:.3f} s")
            yield wait

    def stats(self) -> dict[str, int]:
        """Its figures."""
        return self._native.stats()


@final
class Bulkhead:
    """So many calls at a time, so many more in line, first come, first served."""

    def __init__(self, permits: int, *, queue: int = 0) -> None:
        self._native = _native.Bulkhead(permits, queue)
        # Tasks in line, by place; whoever gives something back looks whose turn it is.
        self._tasks: deque[tuple[int, asyncio.AbstractEventLoop, asyncio.Future[None]]] = deque()
        self._lock = threading.Lock()

    @contextmanager
    def permit(self, timeout: float | None = 0.0) -> Iterator[None]:
        """A permit for the length of the block; waits in line for up to `timeout` seconds, `None` for ever."""
        self._acquire(timeout)
        try:
            yield
        finally:
            self._release()

    @asynccontextmanager
    async def permit_async(self, timeout: float | None = None) -> AsyncIterator[None]:
        """As `permit`, for asyncio."""
        await self._acquire_async(timeout)
        try:
            yield
        finally:
            self._release()

    def _acquire(self, timeout: float | None) -> None:
        if timeout is not None and timeout <= 0:
            if not self._native.try_acquire():
                raise FullError("all permits are out")
            return
        place = self._native.line_up()
        if place is None:
            return
        end = None if timeout is None else time.monotonic() + timeout
        try:
            left = 1.0
            while not self._native.turn(place, left):
                left = 1.0 if end is None else end - time.monotonic()
                if left <= 0:
                    raise DuoTimeoutError("timed out in line")
        except BaseException:
            self._leave(place)
            raise

    async def _acquire_async(self, timeout: float | None) -> None:
        if timeout is not None and timeout <= 0:
            self._acquire(0)
            return
        loop = asyncio.get_running_loop()
        with self._lock:
            place = self._native.line_up()
            if place is None:
                return
            turn = loop.create_future()
            self._tasks.append((place, loop, turn))
        self._serve()
        try:
            async with asyncio.timeout(timeout):
                await turn
        except BaseException as error:
            self._give_up(place)
            if isinstance(error, TimeoutError):
                raise DuoTimeoutError("timed out in line") from None
            raise

    def _give_up(self, place: int) -> None:
        with self._lock:
            before = len(self._tasks)
            self._tasks = deque(task for task in self._tasks if task[0] != place)
            waiting = len(self._tasks) < before
        # Out of the line already: it was this task's turn, and the permit is its own.
        if waiting:
            self._leave(place)
        else:
            self._release()

    def _leave(self, place: int) -> None:
        self._native.leave(place)
        self._serve()

    def _release(self) -> None:
        self._native.release()
        self._serve()

    def _serve(self) -> None:
        """Tells the tasks whose turn has come."""
        if not self._tasks:
            return
        with self._lock:
            while self._tasks and self._native.turn(self._tasks[0][0], 0.0):
                _, loop, turn = self._tasks.popleft()
                loop.call_soon_threadsafe(_resolve, turn)

    def stats(self) -> dict[str, int]:
        """Its figures."""
        return self._native.stats()


def _resolve(turn: asyncio.Future[None]) -> None:
    if not turn.done():
        turn.set_result(None)


@final
class Retry:
    """Whether to try again, and when. Times in seconds, jitter as a share of the delay."""

    def __init__(
        self,
        *,
        attempts: int = 3,
        delay_min: float = 0.1,
        delay_max: float = 5.0,
        multiplier: int = 2,
        jitter: float = 0.25,
        total: float = 10.0,
    ) -> None:
        self._native = _native.Retry(attempts, delay_min, delay_max, multiplier, jitter, total)

    def after(self, failures: int, elapsed: float, fault: Fault = Fault.RETRYABLE) -> float | None:
        """Seconds until the next attempt after so many failures in a row; `None`: give up."""
        return self._native.after(failures, elapsed, fault, _entropy())

    def stats(self) -> dict[str, int]:
        """Its figures."""
        return self._native.stats()
