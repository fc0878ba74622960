"""Producer threads: each takes its share of the records and submits each to both chains, in order."""

import queue
import threading
from collections.abc import Iterator

from records import InputFault
from verifier import Verifier

from duochain import Chain, DuoError, Node

_LANES = 4
"""Lanes that producers are spread over."""
_BACKLOG = 64
"""Records on their way from the reader to one producer."""
_WAIT_SECONDS = 0.2
"""One wait for a record or for room; repeated until there is some."""


class Refused(Exception):
    """A transaction that the node does not take."""


class Feeding:
    """Reader and producers at work."""

    def __init__(self, node: Node, verifier: Verifier, records: Iterator[bytes], producers: int) -> None:
        self.sent = 0
        self.failure: Exception | None = None
        """What a thread ended with; the first."""
        self.failed = False
        """A producer gave up."""
        self._node = node
        self._verifier = verifier
        self._stopped = threading.Event()
        self._queues: list[queue.Queue[bytes | None]] = [queue.Queue(_BACKLOG) for _ in range(producers)]
        self._threads = [threading.Thread(target=self._produce, args=(index,)) for index in range(producers)]
        # Apart: it may be stuck in a read that nobody ends.
        self._dealer = threading.Thread(target=self._deal, args=(records,), daemon=True)
        for thread in (*self._threads, self._dealer):
            thread.start()

    def done(self) -> bool:
        """True when everything was read and submitted."""
        return not any(thread.is_alive() for thread in (*self._threads, self._dealer))

    def stop(self) -> None:
        """Ends all threads."""
        self._stopped.set()
        for thread in self._threads:
            thread.join()
        self._dealer.join(timeout=1.0)

    def _deal(self, records: Iterator[bytes]) -> None:
        try:
            for record in records:
                if not self._put(self.sent % len(self._queues), record):
                    return
                self.sent += 1
        except InputFault as fault:
            self.failure = self.failure or fault
        finally:
            for index in range(len(self._queues)):
                self._put(index, None)

    def _put(self, index: int, record: bytes | None) -> bool:
        while not self._stopped.is_set():
            try:
                self._queues[index].put(record, timeout=_WAIT_SECONDS)
                return True
            except queue.Full:
                pass
        return False

    def _produce(self, producer: int) -> None:
        try:
            while (record := self._next(producer)) is not None:
                for chain in Chain:
                    self._verifier.sent(chain, producer, record)
                    self._submit(chain, record, producer % _LANES)
        except Refused as refusal:
            self.failure = self.failure or refusal
            self.failed = True
            self._stopped.set()

    def _submit(self, chain: Chain, record: bytes, lane: int) -> None:
        while not self._stopped.is_set():
            try:
                self._node.submit_wait(chain, record, lane, timeout=_WAIT_SECONDS)
                return
            except DuoError as refusal:
                if not refusal.retryable:
                    name, size = chain.name.lower(), len(record)
                    raise Refused(f"{name} refused a transaction of {size} bytes: {refusal}") from refusal

    def _next(self, producer: int) -> bytes | None:
        while not self._stopped.is_set():
            try:
                return self._queues[producer].get(timeout=_WAIT_SECONDS)
            except queue.Empty:
                pass
        return None
