"""`ReplicatedLog`: one machine's part of a replicated log, for threads and for asyncio."""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from . import _native
from ._errors import ClosedError, DuoTimeoutError, InvalidArgumentError, NotFoundError

if TYPE_CHECKING:
    from typing import TypeAlias

    from _typeshed import ReadableBuffer

    _Ids: TypeAlias = ReadableBuffer | Iterable[ReadableBuffer | None] | None

_BATCH = 256
_LOOK_SECONDS = 0.001
_WAIT_SECONDS = 0.1


def _check(timeout: float | None) -> None:
    """Before anything is done: after this exception nothing is in the log."""
    if timeout is not None and not timeout >= 0.0:
        raise InvalidArgumentError(f"a timeout of {timeout} seconds")


@dataclass(frozen=True, slots=True)
class LogEntry:
    """A committed entry."""

    index: int
    term: int
    unix_ns: int
    session: int
    sequence: int
    data: bytes
    id: bytes | None = None
    """32 bytes that it is known by beside its session and sequence."""


@dataclass(frozen=True, slots=True)
class LogReceipt:
    """What became of an append: the place of its last entry, and how many of its entries are not read again."""

    index: int
    term: int
    repeated: int
    stale: int


@dataclass(frozen=True, slots=True)
class LogMember:
    """A member, as a node's log says."""

    node: int
    address: str
    """Where it is found."""
    parts: frozenset[str]
    """'voter'; 'outgoing': its vote counts until the change under way is over; 'learner'; 'demoted': a learner then."""

    @property
    def is_voter(self) -> bool:
        """Its vote counts."""
        return not self.parts.isdisjoint({"voter", "outgoing"})


@dataclass(frozen=True, slots=True)
class LogPeer:
    """What a leader knows of another member."""

    node: int
    matched: int
    """Everything up to here is on its disk."""
    next: int
    """What is sent next."""
    inflight_bytes: int
    silent: float
    """Seconds since it answered."""
    is_in_snapshot: bool


@dataclass(frozen=True, slots=True)
class LogSnapshot:
    """A state that a host gave, on this node or on another."""

    index: int
    """The last entry in it: what follows begins with the next index."""
    state: bytes


@dataclass(frozen=True, slots=True)
class LogTls:
    """PEM files for TLS between the nodes; ``docs/operations.md`` says how they are made and exchanged."""

    certificate: str | os.PathLike[str]
    """This node's certificate, behind it those between it and the authority, if any."""
    key: str | os.PathLike[str]
    """The certificate's private key, without a password."""
    authority: str | os.PathLike[str]
    """The authority's certificate, or several."""


class ReplicatedLog(_native.ReplicatedLog):
    """One machine's part of a replicated log.

    A host keeps the index of the last entry that it has dealt with beside its own state; `follow` from there gives
    every entry once and in order, after a restart and on another node too.

    From time to time it gives that state by `snapshot`, and the log before it is cut. Whoever then asks for entries that
    are no longer shown gets `NotFoundError`: a new node, one that was away for too long, and after an opening a host that
    is not as far as the newest snapshot. It begins with that (`read_snapshot`) and goes on behind its index; `follow` does
    so by itself where it is told how to restore a state.

    Nothing of an append is in the log after `FullError`, `NotLeaderError` (its `leader` says whom to ask),
    `ConflictError`, `TooLargeError` and `InvalidArgumentError`. After `NotEverywhereError` it is committed, as its
    `receipt` says: somebody waited for all voters, and this node leads no longer or was closed. After any other nobody
    knows: `DuoTimeoutError`, and `ClosedError` and `PoisonedError` when this node ends meanwhile. With a session and a
    sequence, or an id, it can be appended again, anywhere, and is read once.

    Opening a log that is damaged in its middle mends it first, with what the other members prove to be the same, for up
    to `repair_within` (30 s); `CorruptionError` for what none of them has.

    `close`, and leaving a `with`, end this node's part at once, without handing leadership over as `shutdown` does, and
    give the directory back; what was committed can still be read, but for a log in RocksDB. Both wait for a write that is
    under way on the disk, for `close_within` (30 s) at most: what a disk that does not answer holds is left then, and
    keeps the directory.

    A signal whose handler raises, as that of Ctrl-C does, ends every wait within 50 ms, and not what is waited for: an
    entry may be committed, a change carried out. `shutdown` and `close` go on in the background, and so does an opening,
    which is closed when it is over: so long the directory and the address are taken.
    """

    def __new__(
        cls,
        directory: str | os.PathLike[str],
        listen: str,
        node: int,
        members: Mapping[int, str],
        cluster: bytes,
        *,
        heartbeat: float | None = None,
        election_min: float | None = None,
        election_max: float | None = None,
        disk_stall_max: float | None = None,
        batch_entries_max: int | None = None,
        batch_bytes_max: int | None = None,
        uncommitted_bytes_max: int | None = None,
        segment_bytes: int | None = None,
        tls: LogTls | None = None,
        tail_entries: int | None = None,
        contacts: Mapping[int, str] | None = None,
        repair_within: float | None = None,
        close_within: float | None = None,
        time_to_live: float | None = None,
        sessions_max: int | None = None,
        ids_max: int | None = None,
        hello_timeout: float | None = None,
        batch_latency: float | None = None,
        batch_staged_bytes_max: int | None = None,
        batch_inflight_bytes_max: int | None = None,
        peer_inflight_bytes_max: int | None = None,
        window_bytes_max: int | None = None,
        reads_max: int | None = None,
        snapshot_chunk_bytes: int | None = None,
        snapshot_chunks_inflight_max: int | None = None,
        log_backend: str | None = None,
    ) -> Self:
        """Opens or makes the log in `directory`, listens, and takes part.

        `members` are who makes up the cluster when it begins, the same on all of them. A node that is not among them is
        to be added by `change`; it gives those that are members then.

        With `tls` every connection between nodes is TLS 1.3 with certificates on both ends: all members have it, or
        none; `reload_tls` reads its files again. Without it whoever can connect is believed. `ConfigError` names a file
        that is missing or that peers would refuse; `UnsupportedError`: this build has no TLS.

        `tail_entries` before the newest snapshot stay in the log at least, for nodes that were away for a moment.

        `contacts` are talked to beside the members that the log of this node names so far: for one that was away while
        members changed, and whose leader it does not know. `repair_within` seconds a damaged log asks the others for what
        is missing; with 0 it does not ask. `time_to_live`, `sessions_max` and `ids_max` belong to the cluster like its name.

        `log_backend` is what keeps the log, which a directory keeps for ever: "segments", files of the library's own
        format, or "rocksdb", several times slower and never mended; `UnsupportedError`: this build has no RocksDB.

        ``docs/operations.md`` has a table of all settings, with what each is for.
        """
        options: dict[str, object] = {
            "heartbeat": heartbeat,
            "election_min": election_min,
            "election_max": election_max,
            "disk_stall_max": disk_stall_max,
            "batch_entries_max": batch_entries_max,
            "batch_bytes_max": batch_bytes_max,
            "uncommitted_bytes_max": uncommitted_bytes_max,
            "segment_bytes": segment_bytes,
            "tls": tls,
            "tail_entries": tail_entries,
            "contacts": contacts,
            "repair_within": repair_within,
            "close_within": close_within,
            "time_to_live": time_to_live,
            "sessions_max": sessions_max,
            "ids_max": ids_max,
            "hello_timeout": hello_timeout,
            "batch_latency": batch_latency,
            "batch_staged_bytes_max": batch_staged_bytes_max,
            "batch_inflight_bytes_max": batch_inflight_bytes_max,
            "peer_inflight_bytes_max": peer_inflight_bytes_max,
            "window_bytes_max": window_bytes_max,
            "reads_max": reads_max,
            "snapshot_chunk_bytes": snapshot_chunk_bytes,
            "snapshot_chunks_inflight_max": snapshot_chunks_inflight_max,
            "log_backend": log_backend,
        }
        return super().__new__(cls, directory, listen, node, members, cluster, options)

    def submit(
        self,
        *entries: "ReadableBuffer",
        session: int = 0,
        sequence: int = 0,
        id: "_Ids" = None,
        wait_for: str = "quorum",
        critical: bool = False,
    ) -> _native.PendingAppend:
        """Appends entries, all or none, without waiting: the answer comes by what is returned.

        `session` and `sequence`, which is that of the first, and `id` say what they are known by: of those with the same
        ones the first is read. An id is 32 bytes, a hash of the entry for example; of several entries a list with one, or
        `None`, for each.
        """
        return self._submit(entries, session, sequence, id, wait_for, critical)

    def append(
        self,
        *entries: "ReadableBuffer",
        session: int = 0,
        sequence: int = 0,
        id: "_Ids" = None,
        wait_for: str = "quorum",
        critical: bool = False,
        timeout: float | None = None,
    ) -> LogReceipt:
        """Appends entries, all or none, and waits until a majority has them, or what `wait_for` says."""
        _check(timeout)
        return self._submit(entries, session, sequence, id, wait_for, critical).wait(timeout)

    async def append_async(
        self,
        *entries: "ReadableBuffer",
        session: int = 0,
        sequence: int = 0,
        id: "_Ids" = None,
        wait_for: str = "quorum",
        critical: bool = False,
        timeout: float | None = None,
    ) -> LogReceipt:
        """As `append`, without blocking the loop."""
        _check(timeout)
        pending = self._submit(entries, session, sequence, id, wait_for, critical)
        end = None if timeout is None else time.monotonic() + timeout
        while (receipt := pending.poll()) is None:
            if end is not None and time.monotonic() >= end:
                raise DuoTimeoutError("no answer in time; it may still commit")
            await asyncio.sleep(_LOOK_SECONDS)
        return receipt

    def members(self) -> list[LogMember]:
        """Who is in the cluster, as this node's log says."""
        return [LogMember(node, address, frozenset(parts)) for node, address, parts in self._members()]

    def peers(self) -> list[LogPeer]:
        """What a leader knows of the other members; none on a follower."""
        return [LogPeer(*row) for row in self._peers()]

    def wait_status(self, seen: int, timeout: float | None = None) -> dict[str, Any] | None:
        """Waits until role, term, leader or members are others than in the `status` whose ``"changes"`` is `seen`.

        Gives the status as it is then, at once for a `seen` of 0; `None` while nothing has changed. Asked again with the
        number that came, it misses no change; those that come close together may be told as one. `ClosedError`: this
        node has ended. For asyncio, call it by `asyncio.to_thread` with a short `timeout`, again and again.

        It is about what this node knows: one that was cut off leads in its own eyes until it steps down, while another
        one does already. What must be done by one node alone goes through the log.
        """
        return _native._log_wait_status(self, seen, timeout)

    def read(self, start: int, max: int = _BATCH, timeout: float | None = 0.0) -> list[LogEntry]:
        """Up to `max` committed entries from index `start` on, waiting for the first; none when none came."""
        return [LogEntry(*row) for row in self._read(start, max, timeout)]

    def snapshot(
        self, index: int, state: "ReadableBuffer | Iterable[ReadableBuffer]", timeout: float | None = None
    ) -> int:
        """Gives the host's state as of all entries up to `index`, one that was read, and none behind it.

        An iterable of bytes-like objects gives it in pieces, however long they are together; what it raises gives the
        snapshot up. Other snapshots of this node wait meanwhile.

        Returns once the snapshot is on disk, with the index that the newest one is of: one that stands for as much of
        the log as this one would is not replaced. The log may be cut before it then. All nodes of a cluster should
        give theirs. For asyncio, call it by `asyncio.to_thread`.

        `DuoTimeoutError`: it is being written still, or given up where an iterable was not at its end, as its message
        says. `FullError`: one is being written, and another waits. `InvalidArgumentError`: the entry at `index` cannot
        be read here yet. `TooLargeError`: more than 1 GiB, and no iterable. `NoMemoryError`: there is none for a copy.
        `IoError`: the disk took it not, and `DuoPermissionError`: it is read-only, which ends nothing.
        `CorruptionError`, `NotFoundError`: what it would go on from is damaged, or no longer there: give a state of a
        later entry.

        `bytes` are copied without the interpreter lock, other buffers under it, so that nobody writes to them.
        """
        return _native._log_snapshot(self, index, state, timeout)

    def read_snapshot(self) -> LogSnapshot | None:
        """The newest snapshot, also one that another node has sent; none where there is none."""
        found = _native._log_state(self)
        return None if found is None else LogSnapshot(*found)

    def copy_snapshot(self, write: Callable[[bytes], object]) -> int | None:
        """Gives the state in the newest snapshot to `write` in pieces, each of which it has to take as a whole.

        So does the `write` of any file that is buffered. Returns the last entry in it: what follows begins with the next
        index. None where there is no snapshot, and nothing was written.
        """
        return _native._log_state_into(self, write)

    def follow(self, after: int = 0, restore: Callable[[LogSnapshot], object] | None = None) -> Iterator[LogEntry]:
        """Entries behind index `after` as they are committed, each once; ends when the log is closed.

        Where the newest snapshot has to be taken first, it is given to `restore`, and what follows is behind its index;
        without `restore` that is a `NotFoundError`.
        """
        try:
            while True:
                try:
                    entries = self.read(after + 1, _BATCH, None)
                except NotFoundError:
                    after = self._restored(after, restore)
                    continue
                for entry in entries:
                    after = entry.index
                    yield entry
        except ClosedError:
            return

    async def follow_async(
        self, after: int = 0, restore: Callable[[LogSnapshot], object] | None = None
    ) -> AsyncIterator[LogEntry]:
        """As `follow`, without blocking the loop; `restore` is called by a thread as well.

        Each one waits on a thread of the loop's default executor: with more of them than that has threads, give the
        loop a larger one (`loop.set_default_executor`).
        """
        try:
            while True:
                try:
                    entries = await asyncio.to_thread(self.read, after + 1, _BATCH, _WAIT_SECONDS)
                except NotFoundError:
                    after = await asyncio.to_thread(self._restored, after, restore)
                    continue
                for entry in entries:
                    after = entry.index
                    yield entry
        except ClosedError:
            return

    def _restored(self, after: int, restore: Callable[[LogSnapshot], object] | None) -> int:
        """Has the newest snapshot restored, which goes further than `after`."""
        snapshot = None if restore is None else self.read_snapshot()
        if restore is None or snapshot is None or snapshot.index <= after:
            raise NotFoundError("these entries are in the newest snapshot only: begin with read_snapshot()")
        restore(snapshot)
        return snapshot.index
