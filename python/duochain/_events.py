"""`Subscription`: events as an iterator, in threads and in asyncio."""

import asyncio
import os
from collections import deque
from collections.abc import AsyncIterator, Iterator

from . import _native
from ._errors import ClosedError
from ._native import Event

_BATCH = 256


class Subscription(_native.Subscription):
    """A reader of a node's events; made by `Node.subscribe`.

    Use it from one thread at a time, except for `wake` and `close`. Iterating waits for the next event and
    ends when the subscription or the node is closed; ``async for`` does the same without blocking the loop.
    """

    def __iter__(self) -> Iterator[Event]:
        try:
            while True:
                yield from self.poll(_BATCH)
                self.wait()
        except ClosedError:
            return

    def __aiter__(self) -> AsyncIterator[Event]:
        return self._follow()

    async def _follow(self) -> AsyncIterator[Event]:
        ready: deque[Event] = deque()
        try:
            # A descriptor of its own: a loop knows each number once, and this one stays good while the
            # loop has it, whoever closes the subscription meanwhile.
            descriptor = os.dup(self.event_fd())
        except ClosedError:
            return
        try:
            while True:
                ready.extend(self.poll(_BATCH))
                while ready:
                    yield ready.popleft()
                if self.lag() == 0:
                    await _readable(descriptor)
        except ClosedError:
            return
        finally:
            os.close(descriptor)


async def _readable(descriptor: int) -> None:
    """Waits in the running loop until there is something to read."""
    loop = asyncio.get_running_loop()
    readable = loop.create_future()

    def tell() -> None:
        if not readable.done():
            readable.set_result(None)

    loop.add_reader(descriptor, tell)
    try:
        await readable
    finally:
        loop.remove_reader(descriptor)
