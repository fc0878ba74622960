"""Completions on their way to futures.

The first future starts one thread that polls the node. From then on completions that no future waits for
are kept for `Node.poll_completions`, as many as the configuration allows to be outstanding; at that bound
polling stops, and submissions get `FullError`, as they would without the thread. A closed node takes no more
submissions, so there the bound falls and what is left, at most as many again, is kept too.

The child of a fork has neither the thread nor, for certain, locks that are free: there everything refuses
before it takes one.
"""

import os
import threading
import weakref
from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from typing import TYPE_CHECKING

from ._errors import ClosedError, DuoError, EndError, ForkedError
from ._native import Completion

if TYPE_CHECKING:
    from ._node import Node

_BATCH = 1024
_LOOK_SECONDS = 0.2


class _Future(Future[Completion]):
    """A future that says so when the thread that would serve it stayed in the parent process."""

    def __init__(self) -> None:
        super().__init__()
        self._process = os.getpid()

    def result(self, timeout: float | None = None) -> Completion:
        self._refuse_in_child()
        return super().result(timeout)

    def exception(self, timeout: float | None = None) -> BaseException | None:
        self._refuse_in_child()
        return super().exception(timeout)

    def _refuse_in_child(self) -> None:
        if os.getpid() != self._process:
            raise ForkedError("the future belongs to the parent process")


class Dispatcher:
    """Hands completions to those who wait for them."""

    def __init__(self, node: "Node", kept_max: int) -> None:
        self._changed = threading.Condition()
        self._futures: dict[int, Future[Completion]] = {}
        self._kept: deque[Completion] = deque()
        self._kept_max = kept_max
        self._ended: DuoError | None = None
        # The thread must not keep a forgotten node open.
        reference = weakref.ref(node)
        self._thread = threading.Thread(
            target=self._run, args=(reference,), name="duochain-futures", daemon=True
        )
        self._thread.start()

    def submit(self, submit: Callable[[], int]) -> "Future[Completion]":
        """Calls `submit` and returns the future of the submission that it made."""
        future = _Future()
        # One step for `route`: the completion may arrive before `submit` has returned.
        with self._changed:
            op = submit()
            if self._ended is None:
                self._futures[op] = future
                return future
        future.set_exception(self._ended)
        return future

    def route(self, completions: Iterable[Completion]) -> list[Completion]:
        """Serves futures; returns the completions that none of them waits for."""
        served: list[tuple[Future[Completion], Completion]] = []
        others: list[Completion] = []
        with self._changed:
            for completion in completions:
                future = self._futures.pop(completion.op, None)
                if future is None:
                    others.append(completion)
                else:
                    served.append((future, completion))
        for future, completion in served:
            _resolve(future, completion)
        return others

    def take(self, max: int, timeout: float | None) -> list[Completion]:
        """As `Node.poll_completions`, from what is kept."""
        with self._changed:
            self._changed.wait_for(lambda: self._kept or self._ended is not None, timeout)
            if not self._kept and self._ended is not None:
                raise self._ended
            taken = [self._kept.popleft() for _ in range(min(max, len(self._kept)))]
            self._changed.notify_all()
            return taken

    def join(self, timeout: float | None) -> None:
        """Waits for the thread of a closed node."""
        if self._thread is not threading.current_thread():
            self._thread.join(timeout)

    def _run(self, reference: "weakref.ref[Node]") -> None:
        ended: DuoError = ClosedError("the node is gone")
        try:
            while (node := reference()) is not None:
                if node.closed or self._has_room():
                    self._keep(self.route(node._poll_native(_BATCH, _LOOK_SECONDS)))
                del node
        except DuoError as error:
            ended = error
        finally:
            self._end(ended)

    def _has_room(self) -> bool:
        with self._changed:
            return self._changed.wait_for(lambda: len(self._kept) < self._kept_max, _LOOK_SECONDS)

    def _keep(self, completions: list[Completion]) -> None:
        with self._changed:
            self._kept.extend(completions)
            self._changed.notify_all()

    def _end(self, ended: DuoError) -> None:
        with self._changed:
            self._ended = ended
            left = list(self._futures.values())
            self._futures.clear()
            self._changed.notify_all()
        for future in left:
            if future.set_running_or_notify_cancel():
                future.set_exception(ended if not isinstance(ended, EndError) else ClosedError(str(ended)))


def _resolve(future: "Future[Completion]", completion: Completion) -> None:
    if not future.set_running_or_notify_cancel():
        return
    error = completion.error()
    if error is None:
        future.set_result(completion)
    else:
        error.completion = completion
        future.set_exception(error)
