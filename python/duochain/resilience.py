"""Circuit breaker, rate limiter, bulkhead and retry, alone or in one stack.

Each has a form that tries, one that blocks and one for asyncio; docs/resilience.md says what they do and how
to choose values::

    from duochain import resilience

    stack = resilience.Stack(
        breaker=resilience.Breaker(),
        limiter=resilience.Limiter(1000),
        bulkhead=resilience.Bulkhead(8, queue=32),
        retry=resilience.Retry(attempts=3),
    )
    answer = stack.call(lambda: 2 + 2)

An open circuit raises `BusyError`, a rate or bulkhead that has nothing left `FullError`, and a wait that took
too long `DuoTimeoutError`. Objects may be shared by threads.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import TypeVar, final

from . import _native
from ._errors import FullError
from ._policies import SUCCESS, Breaker, Bulkhead, Fault, Limiter, Retry, outcome, retryable, whose

__all__ = ["Breaker", "Bulkhead", "Fault", "Limiter", "Registry", "Retry", "Stack"]

_T = TypeVar("_T")


@final
class Stack:
    """Circuit, rate, bulkhead and retry around one peer, asked in that order. Each may be left out or shared."""

    def __init__(
        self,
        *,
        breaker: Breaker | None = None,
        limiter: Limiter | None = None,
        bulkhead: Bulkhead | None = None,
        retry: Retry | None = None,
    ) -> None:
        self.breaker = breaker
        self.limiter = limiter
        self.bulkhead = bulkhead
        self.retry = retry

    def _ask(self) -> int | None:
        return None if self.breaker is None else self.breaker._native.ask()

    def _report(self, ticket: int | None, outcome: int) -> None:
        if self.breaker is not None and ticket is not None:
            self.breaker._native.report(ticket, outcome)

    @contextmanager
    def enter(
        self, timeout: float | None = 0.0, judge: Callable[[BaseException], Fault] = retryable
    ) -> Iterator[None]:
        """One call; waits up to `timeout` seconds for tokens, and as long for a permit. Without retries."""
        ticket, fault, held = self._ask(), Fault.CALLER, False
        try:
            if self.limiter is not None:
                _tokens(self.limiter, timeout)
            if self.bulkhead is not None:
                self.bulkhead._acquire(timeout)
                held = True
            fault = Fault.RETRYABLE
            yield
        except BaseException as error:
            self._report(ticket, outcome(whose(error, judge) if fault != Fault.CALLER else fault))
            raise
        else:
            self._report(ticket, SUCCESS)
        finally:
            if held and self.bulkhead is not None:
                self.bulkhead._release()

    @asynccontextmanager
    async def enter_async(
        self, timeout: float | None = None, judge: Callable[[BaseException], Fault] = retryable
    ) -> AsyncIterator[None]:
        """As `enter`, for asyncio."""
        ticket, fault, held = self._ask(), Fault.CALLER, False
        try:
            if self.limiter is not None:
                await self.limiter.acquire_async(1, timeout)
            if self.bulkhead is not None:
                await self.bulkhead._acquire_async(timeout)
                held = True
            fault = Fault.RETRYABLE
            yield
        except BaseException as error:
            self._report(ticket, outcome(whose(error, judge) if fault != Fault.CALLER else fault))
            raise
        else:
            self._report(ticket, SUCCESS)
        finally:
            if held and self.bulkhead is not None:
                self.bulkhead._release()

    def call(
        self,
        work: Callable[[], _T],
        *,
        timeout: float | None = 0.0,
        judge: Callable[[BaseException], Fault] = retryable,
    ) -> _T:
        """Enters, and calls `work` until it succeeds or the retry policy gives up; then raises its last error."""
        with self.enter(timeout, judge):
            begun, failures = time.monotonic(), 0
            while True:
                try:
                    return work()
                except Exception as error:
                    failures += 1
                    delay = self._delay(failures, begun, error, judge)
                    if delay is None:
                        raise
                time.sleep(delay)

    async def call_async(
        self,
        work: Callable[[], Awaitable[_T]],
        *,
        timeout: float | None = None,
        judge: Callable[[BaseException], Fault] = retryable,
    ) -> _T:
        """As `call`, for asyncio."""
        async with self.enter_async(timeout, judge):
            begun, failures = time.monotonic(), 0
            while True:
                try:
                    return await work()
                except Exception as error:
                    failures += 1
                    delay = self._delay(failures, begun, error, judge)
                    if delay is None:
                        raise
                await asyncio.sleep(delay)

    def _delay(
        self, failures: int, begun: float, error: Exception, judge: Callable[[BaseException], Fault]
    ) -> float | None:
        if self.retry is None:
            return None
        return self.retry.after(failures, time.monotonic() - begun, whose(error, judge))


def _tokens(limiter: Limiter, timeout: float | None) -> None:
    if timeout is None or timeout > 0:
        limiter.acquire(1, timeout)
    elif not limiter.try_acquire():
        raise FullError("over the rate")


@final
class Registry:
    """Stacks by name, for reports and saved state. Look a stack up once and keep it."""

    def __init__(self) -> None:
        self._native = _native.Registry()
        self._stacks: dict[str, Stack] = {}

    def add(self, name: str, stack: Stack) -> Stack:
        """Registers a stack; a name that is taken raises `ConflictError`."""
        self._native.add(
            name,
            None if stack.breaker is None else stack.breaker._native,
            None if stack.limiter is None else stack.limiter._native,
            None if stack.bulkhead is None else stack.bulkhead._native,
            None if stack.retry is None else stack.retry._native,
        )
        self._stacks[name] = stack
        return stack

    def find(self, name: str) -> Stack | None:
        """The stack of that name."""
        return self._stacks.get(name)

    def remove(self, name: str) -> None:
        """Forgets a name; raises `NotFoundError` when it is not there."""
        self._native.remove(name)
        del self._stacks[name]

    def json(self) -> str:
        """The figures of all stacks as a JSON object."""
        return self._native.json()

    def prometheus(self) -> str:
        """The figures of all stacks in Prometheus's text format."""
        return self._native.prometheus()

    def save(self) -> bytes:
        """The state of all breakers."""
        return self._native.save()

    def restore(self, saved: bytes) -> int:
        """What `save` gave; how many breakers were found by name."""
        return self._native.restore(saved)
