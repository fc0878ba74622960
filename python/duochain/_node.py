"""`Node`: both chains, with futures, iterators and asyncio."""

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from typing import TYPE_CHECKING, Self, Unpack

from . import _native
from ._config import Config
from ._config_keys import ConfigKeys
from ._enums import Chain
from ._errors import EndError, FullError
from ._events import Subscription
from ._futures import Dispatcher
from ._native import Completion

if TYPE_CHECKING:
    from typing import Literal

    from _typeshed import ReadableBuffer

_BATCH = 1024
_ROOM_SECONDS = 0.005


class Node(_native.Node):
    """A running node.

    ``Node(config)`` with a `Config`, or with its keywords: ``Node(data_dir="ledger", time_scale=100)``.
    Keywords given beside a configuration go over a copy of it. All methods may be called from any thread.
    Close it, best by ``with``; a node that is forgotten closes itself.
    """

    _completions_max: int
    _dispatcher: Dispatcher | None
    _starting: threading.Lock

    def __new__(cls, config: Config | None = None, /, **keys: Unpack[ConfigKeys]) -> Self:
        config = Config() if config is None else config
        if keys:
            config = config.copy()
            config.apply(**keys)
        self = super().__new__(cls, config)
        self._completions_max = int(config["completions.max"])
        self._dispatcher = None
        self._starting = threading.Lock()
        return self

    def poll_completions(self, max: int = _BATCH, timeout: float | None = 0.0) -> list[Completion]:
        """Up to `max` completions, waiting up to `timeout` seconds, or for ever, for the first.

        Empty when none came. Completions that a future stands for go there and not here. Works on a closed
        node until everything was handed out, then raises `EndError`; none is lost by closing.
        """
        dispatcher = self._dispatcher
        if dispatcher is not None:
            self._check()  # in the child of a fork nobody feeds the dispatcher
            return dispatcher.take(max, timeout)
        completions = super().poll_completions(max, timeout)
        # A future may have been asked for while this call waited.
        dispatcher = self._dispatcher
        return completions if dispatcher is None else dispatcher.route(completions)

    def completions(self) -> Iterator[Completion]:
        """Every completion, waiting for each; ends when the node is closed and all were handed out."""
        try:
            while True:
                yield from self.poll_completions(timeout=None)
        except EndError:
            return

    def submit_future(self, chain: Chain, data: "ReadableBuffer", lane: int = 0) -> "Future[Completion]":
        """As `submit`; the future gives the `Completion` when the transaction is final.

        It raises `DuplicateError` or `DuoCancelledError`, with the completion in `.completion`, when the
        transaction does not become final, and `ForkedError` when a forked child asks it.
        """
        return self._dispatch().submit(lambda: self.submit(chain, data, lane))

    async def submit_async(self, chain: Chain, data: "ReadableBuffer", lane: int = 0) -> Completion:
        """Waits for room, submits, and waits until the transaction is final, without blocking the loop."""
        while True:
            try:
                future = self.submit_future(chain, data, lane)
            except FullError:
                await asyncio.sleep(_ROOM_SECONDS)
            else:
                return await asyncio.wrap_future(future)

    def subscribe(
        self,
        chain: Chain | None = None,
        *,
        name: str | None = None,
        start: "Literal['cursor', 'oldest', 'latest'] | None" = None,
    ) -> Subscription:
        """Follows the events of one chain, or of both.

        `name` is that of a durable cursor, which `Subscription.ack` moves. `start` is where to begin:
        after the cursor (the default with a name), at the oldest retained event (the default without), or
        after the newest.
        """
        return Subscription(self, chain, name, start)

    def close(self, timeout: float | None = 30.0) -> None:
        """Stops both chains and releases the directory; wakes everybody who waits. May be repeated.

        Submissions in no final block end as ``CANCELLED``, and their futures with `DuoCancelledError`.
        """
        super().close(timeout)
        if self._dispatcher is not None:
            self._dispatcher.join(timeout)

    def _poll_native(self, max: int, timeout: float) -> list[Completion]:
        return super().poll_completions(max, timeout)

    def _dispatch(self) -> Dispatcher:
        self._check()  # before any lock: in the child of a fork they may be held for ever
        with self._starting:
            if self._dispatcher is None:
                self.head(Chain.ALPHA)  # a closed node says so here
                self._dispatcher = Dispatcher(self, self._completions_max)
            return self._dispatcher
