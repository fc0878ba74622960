"""The proof: what came out final is what went in.

Every record is remembered by its SHA-256 when it is sent. Every final block is read back, and each of its
transactions must be one that was sent to that chain, not seen before, and behind all that its producer sent
earlier. Nothing is lost when as many are final, or were known before, as were sent.
"""

import hashlib
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from latency import Latency

from duochain import Block, Chain, Completion, DuoError, Event, EventKind, Node, Status, Subscription

_FINALIZED = (EventKind.ALPHA_BLOCK_FINALIZED, EventKind.DELTA_BLOCK_FINALIZED)
_WAIT_SECONDS = 0.1
_FAULTS_KEPT = 5


@dataclass
class Sent:
    """One record on its way through one chain."""

    producer: int
    number: int
    shared: bool = False
    """Several producers sent it: the first to arrive has it in its order, and nobody knows which did."""
    final: bool = False

    def __str__(self) -> str:
        return f"transaction {self.number} of producer {self.producer}"


@dataclass
class Tally:
    """What is known about one chain. Guarded by `lock`."""

    earlier: int
    """Height at the start: these blocks hold what an earlier run sent."""
    sent: dict[bytes, Sent] = field(default_factory=dict)
    counts: dict[int, int] = field(default_factory=dict)
    next: dict[int, int] = field(default_factory=dict)
    """The lowest number of each producer that may come now."""
    repeated: int = 0
    finals: int = 0
    duplicates: int = 0
    next_height: int | None = None
    latency: Latency = field(default_factory=Latency)
    faults: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def complete(self) -> bool:
        """True when nothing is outstanding."""
        return self.finals + self.duplicates >= len(self.sent) + self.repeated

    def quantile(self, fraction: float) -> float:
        """Seconds from submit to final that this share of the submissions is not above."""
        with self.lock:
            return self.latency.quantile(fraction)

    def verdict(self) -> list[str]:
        """What is wrong; empty when nothing is."""
        found = self.faults[:_FAULTS_KEPT]
        if len(self.faults) > _FAULTS_KEPT:
            found.append(f"{len(self.faults) - _FAULTS_KEPT} faults more")
        expected = len(self.sent) + self.repeated
        if self.finals + self.duplicates != expected:
            found.append(f"{self.finals} final and {self.duplicates} duplicates do not make {expected} sent")
        return found


class Verifier:
    """Follows a node and compares."""

    def __init__(self, node: Node) -> None:
        self.tallies = {chain: Tally(node.head(chain).height) for chain in Chain}
        self.failure: Exception | None = None
        self._node = node
        self._stopped = threading.Event()
        # After what an earlier run left in the directory.
        subscription = node.subscribe(start="latest")
        self._threads = [
            threading.Thread(target=self._guarded, args=(lambda: self._follow(subscription),)),
            threading.Thread(target=self._guarded, args=(self._collect,)),
        ]
        for thread in self._threads:
            thread.start()

    def sent(self, chain: Chain, producer: int, record: bytes) -> None:
        """Called before a record is submitted."""
        tally, digest = self.tallies[chain], hashlib.sha256(record).digest()
        with tally.lock:
            known = tally.sent.get(digest)
            if known is not None:
                tally.repeated += 1
                known.shared |= known.producer != producer
                return
            number = tally.counts.get(producer, 0)
            tally.counts[producer] = number + 1
            tally.sent[digest] = Sent(producer, number)

    def complete(self) -> bool:
        """True when nothing is outstanding on either chain."""
        return all(tally.complete() for tally in self.tallies.values())

    def progress(self) -> tuple[int, ...]:
        """Grows while anything moves."""
        return tuple(tally.finals + tally.duplicates + len(tally.sent) for tally in self.tallies.values())

    def stop(self) -> None:
        """Ends the two threads."""
        self._stopped.set()
        for thread in self._threads:
            thread.join()

    def _guarded(self, work: Callable[[], None]) -> None:
        try:
            work()
        except Exception as failure:  # told by the main thread, which ends the run
            self.failure = failure

    def _follow(self, subscription: Subscription) -> None:
        with subscription:
            while not self._stopped.is_set():
                if subscription.wait(_WAIT_SECONDS):
                    for event in subscription.poll():
                        self._on_event(event)

    def _on_event(self, event: Event) -> None:
        if event.kind not in _FINALIZED:
            return
        block = self._read(event)
        if block is None:
            return
        tally = self.tallies[event.chain]
        with tally.lock:
            if tally.next_height not in (None, event.height) or block.hash != event.hash:
                tally.faults.append(f"final block {event.height} is not the next one, or not the one announced")
            tally.next_height = event.height + 1
            if event.height > tally.earlier:
                _check(tally, block)

    def _read(self, event: Event) -> Block | None:
        """Again and again while the chain is being restarted; nothing when stopped meanwhile."""
        while not self._stopped.is_set():
            try:
                return self._node.block(event.chain, event.height)
            except DuoError as refusal:
                if not refusal.retryable:
                    raise
                self._stopped.wait(_WAIT_SECONDS)
        return None

    def _collect(self) -> None:
        while not self._stopped.is_set():
            for completion in self._node.poll_completions(4096, _WAIT_SECONDS):
                self._on_completion(completion)

    def _on_completion(self, completion: Completion) -> None:
        tally = self.tallies[completion.chain]
        with tally.lock:
            if completion.ok:
                tally.latency.record(completion.latency)
            elif completion.status is Status.DUPLICATE:
                tally.duplicates += 1
            else:
                tally.faults.append(f"submission {completion.op} ended as {completion.status.name}")


def _check(tally: Tally, block: Block) -> None:
    for transaction in block.transactions:
        sent = tally.sent.get(hashlib.sha256(transaction).digest())
        if sent is None:
            tally.faults.append(f"block {block.height} holds a transaction that was not sent")
            continue
        if sent.final:
            tally.faults.append(f"block {block.height}: {sent} is final twice")
            continue
        sent.final = True
        tally.finals += 1
        if sent.shared:
            continue
        next = tally.next.get(sent.producer, 0)
        if sent.number < next:
            tally.faults.append(f"block {block.height}: {sent} came after {next - 1}")
        tally.next[sent.producer] = max(next, sent.number + 1)
