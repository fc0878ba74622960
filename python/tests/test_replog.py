"""Replicated logs: three replicas in this process, over loopback."""

import asyncio
import contextlib
import ipaddress
import itertools
import json
import os
import re
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest
from conftest import PATIENCE, until

import duochain
from duochain import LogReceipt, LogTls, ReplicatedLog

NODES = 3
T = TypeVar("T")

_numbers = itertools.count(os.getpid() * 64)


def own_address() -> str:
    """An address that no other test has: nobody takes a port of it while its owner is closed. All of 127/8 is here."""
    return str(ipaddress.IPv4Address(0x7FC0_0000 | next(_numbers) % 0x3F_FFFF))


class Cluster:
    """Nodes 1 to 3, and a fourth that may be added."""

    tail_entries: int | None = None

    def __init__(self, directory: Path, tls: Callable[[int], LogTls] | None = None) -> None:
        address = own_address()
        self.addresses = {node: f"{address}:{23000 + node}" for node in range(1, NODES + 2)}
        self.directory = directory
        self.tls = tls
        self.logs: dict[int, ReplicatedLog] = {}

    def open(self, node: int) -> ReplicatedLog:
        self.logs[node] = ReplicatedLog(
            self.directory / f"n{node}",
            self.addresses[node],
            node,
            {member: self.addresses[member] for member in range(1, NODES + 1)},
            b"a log for pytest",
            election_min=0.5,
            election_max=1.0,
            disk_stall_max=5.0,
            batch_bytes_max=64 << 10,
            segment_bytes=1 << 20,
            tls=None if self.tls is None else self.tls(node),
            tail_entries=self.tail_entries,
        )
        return self.logs[node]

    def ask(self, question: Callable[[ReplicatedLog], T]) -> T:
        """Asks as a client does: where the answer says, again when nobody leads or nobody knows."""
        end, node = time.monotonic() + PATIENCE, 1
        while time.monotonic() < end:
            leader = None
            try:
                if node in self.logs:
                    return question(self.logs[node])
            except duochain.NotLeaderError as error:
                leader = error.leader
            except (duochain.FullError, duochain.DuoTimeoutError, duochain.ConflictError):
                pass
            node = leader if leader in self.logs else node % NODES + 1
            time.sleep(0.001)
        raise AssertionError("nobody leads")

    def leader(self) -> int:
        node: int = self.ask(lambda log: (log.append(b"who leads?"), log.status()["node"])[1])
        return node

    def follower(self) -> tuple[int, int]:
        """One that knows who leads, and the leader."""
        leader = self.leader()
        follower = leader % NODES + 1
        until(lambda: self.logs[follower].status()["leader"] == leader)
        return follower, leader

    def hand_over(self, node: int) -> None:
        """A request, or a vote, gets lost where a connection is in the making, so it is repeated."""

        def leads() -> bool:
            for log in self.logs.values():
                with contextlib.suppress(duochain.DuoError):
                    log.transfer(node, PATIENCE)
            return bool(self.logs[node].status()["role"] == "leader")

        until(leads)


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    cluster = Cluster(tmp_path)
    for node in range(1, NODES + 1):
        cluster.open(node)
    yield cluster
    for log in cluster.logs.values():
        log.close()


def texts(log: ReplicatedLog, last: int) -> list[str]:
    found: list[str] = []
    for entry in log.follow():
        if entry.data != b"who leads?":
            found.append(entry.data.decode())
        if entry.index >= last:
            break
    return found


def test_a_host_goes_on_at_the_new_leader_and_loses_and_repeats_nothing(cluster: Cluster) -> None:
    leader, last = cluster.leader(), 0
    for number in range(100):
        if number == 50:
            cluster.logs.pop(leader).close()

        def append(log: ReplicatedLog, number: int = number) -> int:
            return log.append(f"e{number}".encode(), session=7, sequence=number + 1, timeout=2.0).index

        last = cluster.ask(append)
    cluster.open(leader)
    for log in cluster.logs.values():
        assert texts(log, last) == [f"e{number}" for number in range(100)]


def test_a_batch_is_in_the_log_as_a_whole_and_once(cluster: Cluster) -> None:
    parts = (b"one", bytearray(), memoryview(b"three"))
    first = cluster.ask(lambda log: log.append(*parts, session=5, sequence=10, wait_for="all"))
    again = cluster.ask(lambda log: log.append(*parts, session=5, sequence=10))
    # A new leader begins with an entry of its own.
    assert again == LogReceipt(first.index + 3, first.term, 3, 0) or again.term > first.term
    assert (again.repeated, again.stale) == (3, 0)
    last = cluster.ask(lambda log: log.append(b"end")).index
    entries = []
    for entry in cluster.logs[1].follow(first.index - 3):
        entries.append(entry)
        if entry.index == last:
            break
    found = [(entry.data, entry.sequence) for entry in entries]
    assert found == [(b"one", 10), (b"", 11), (b"three", 12), (b"end", 0)]
    assert entries[0].session == 5 and entries[0].unix_ns > 0
    assert cluster.logs[1].read(first.index - 2, timeout=PATIENCE) == entries
    assert cluster.logs[1].read(last + 1) == []


def test_what_had_an_id_before_is_read_once(cluster: Cluster) -> None:
    one, two = bytes(range(32)), bytearray(b"i" * 32)
    cluster.ask(lambda log: log.append(b"named", id=one))
    again = cluster.ask(lambda log: log.append(b"named", b"plain", b"other", id=[one, None, two]))
    assert (again.repeated, again.stale) == (1, 0)
    assert cluster.ask(lambda log: log.append(b"other", id=memoryview(two), session=9, sequence=1)).repeated == 1
    last = cluster.ask(lambda log: log.append(b"end", session=9, sequence=2)).index
    found = []
    for entry in cluster.logs[1].follow():
        found.append((entry.data, entry.id))
        if entry.index == last:
            break
    assert found == [(b"named", one), (b"plain", None), (b"other", bytes(two)), (b"end", None)]
    log = cluster.logs[cluster.leader()]
    for wrong in (b"", bytes(range(31)), bytes(range(33)), bytes(32)):
        with pytest.raises(duochain.InvalidArgumentError, match="id"):
            log.append(b"x", id=wrong)
    lists: list[list[bytes]] = [[], [one, one], [b"short"]]
    for several in lists:
        with pytest.raises(duochain.InvalidArgumentError, match="id"):
            log.append(b"x", id=several)
    for kind in (7, "x" * 32, [7]):
        with pytest.raises(TypeError):
            log.append(b"x", id=kind)  # type: ignore[arg-type]


def test_what_cannot_be_is_refused(cluster: Cluster, tmp_path: Path) -> None:
    leader = cluster.leader()
    log = cluster.logs[leader]
    with pytest.raises(duochain.TooLargeError):
        log.append(bytes(64 << 10))
    with pytest.raises(duochain.InvalidArgumentError):
        log.append()
    with pytest.raises(duochain.InvalidArgumentError):
        log.append(b"x", sequence=1)
    before = log.status()["last"]
    for timeout in (-1.0, float("nan")):
        with pytest.raises(duochain.InvalidArgumentError, match="timeout"):
            log.append(b"x", timeout=timeout)
        with pytest.raises(duochain.InvalidArgumentError, match="timeout"):
            asyncio.run(log.append_async(b"x", timeout=timeout))
    assert log.status()["last"] == before
    for start, most in ((0, 1), (-1, 1), (1, 0)):
        with pytest.raises(duochain.InvalidArgumentError):
            log.read(start, most)
    with pytest.raises(duochain.InvalidArgumentError, match="everybody"):
        log.append(b"x", wait_for="everybody")
    with pytest.raises(TypeError):
        log.append("text")  # type: ignore[arg-type]
    follower, leader = cluster.follower()
    with pytest.raises(duochain.NotLeaderError) as refused:
        cluster.logs[follower].append(b"x")
    assert refused.value.leader == leader
    with pytest.raises(duochain.BusyError):
        cluster.open(leader)
    with pytest.raises(duochain.InvalidArgumentError, match="somewhere"):
        ReplicatedLog(tmp_path / "x", "somewhere", 1, {}, bytes(16))
    with pytest.raises(duochain.InvalidArgumentError, match="16 bytes"):
        ReplicatedLog(tmp_path / "x", "127.0.0.1:0", 1, {}, b"short")


def test_a_node_tells_where_it_stands_and_members_change(cluster: Cluster) -> None:
    leader = cluster.leader()
    log, status = cluster.logs[leader], cluster.logs[leader].status()
    assert (status["role"], status["leader"]) == ("leader", leader)
    assert status["leader_address"] == cluster.addresses[leader]
    assert status["voters"] == [1, 2, 3]
    assert status["address"] == cluster.addresses[leader]
    assert status["last_term"] == status["term"] and status["window_bytes"] > 0
    until(lambda: log.status()["applied"] >= status["commit"])
    voter = frozenset({"voter"})
    assert log.members() == [duochain.LogMember(node, cluster.addresses[node], voter) for node in (1, 2, 3)]
    assert json.loads(log.json())["role"] == "leader"
    assert status["uncommitted_bytes"] == 0
    assert [peer.node for peer in log.peers()] == [node for node in (1, 2, 3) if node != leader]
    assert all(peer.next > peer.matched and peer.silent >= 0.0 and not peer.is_in_snapshot for peer in log.peers())
    assert cluster.logs[leader % NODES + 1].peers() == []
    assert log.read_index(PATIENCE) > 0
    cluster.open(NODES + 1)
    addresses = {NODES + 1: cluster.addresses[NODES + 1]}
    cluster.ask(lambda log: log.change(add=addresses, timeout=PATIENCE))
    last = cluster.ask(lambda log: log.append(b"for all")).index
    assert texts(cluster.logs[NODES + 1], last) == ["for all"]
    guest = cluster.logs[NODES + 1].members()[NODES]
    assert guest.parts == {"learner"} and not guest.is_voter
    cluster.ask(lambda log: log.change(promote=[NODES + 1], timeout=PATIENCE))
    cluster.ask(lambda log: log.change(remove=[NODES + 1], timeout=PATIENCE))
    cluster.logs.pop(NODES + 1).close()
    cluster.hand_over(cluster.leader() % NODES + 1)


def samples(text: str) -> dict[str, float]:
    """By name and labels; every other line is a comment."""
    found: dict[str, float] = {}
    for line in text.splitlines():
        if not line.startswith(("# HELP duochain_log_", "# TYPE duochain_log_")):
            sample = re.fullmatch(r"(duochain_log_[a-z_]+\{[^{}]+\}) (\S+)", line)
            assert sample is not None and sample[1] not in found, line
            found[sample[1]] = float(sample[2])
    return found


def test_figures_are_samples_too(cluster: Cluster) -> None:
    leader = cluster.leader()
    log = cluster.logs[leader]
    commit = log.status()["commit"]
    found = samples(log.prometheus())
    assert found[f'duochain_log_role{{node="{leader}"}}'] == 3.0
    assert found[f'duochain_log_commit_index{{node="{leader}"}}'] >= commit
    log.close()
    assert samples(log.prometheus()).keys() >= {f'duochain_log_commit_index{{node="{leader}"}}'}


def test_whoever_waits_is_told_who_leads_and_who_is_in(cluster: Cluster) -> None:
    follower, leader = cluster.follower()
    log = cluster.logs[follower]
    told: list[dict[str, Any]] = []

    def watch() -> None:
        seen = 0
        while not told or told[-1]["leader"] != follower:
            status = log.wait_status(seen, PATIENCE)
            assert status is not None and status["changes"] != seen
            seen = status["changes"]
            told.append(status)

    thread = threading.Thread(target=watch)
    thread.start()

    def is_told() -> bool:
        # Somebody else may lead again before the thread looks.
        cluster.hand_over(follower)
        thread.join(0.1)
        return not thread.is_alive()

    until(is_told)
    assert told[-1]["leader_address"] == cluster.addresses[follower]
    assert told[0]["members"] == {node: cluster.addresses[node] for node in (1, 2, 3)}
    while (status := log.wait_status(seen := log.status()["changes"], 0.01)) is not None:
        assert status["changes"] != seen  # an election
    cluster.ask(lambda log: log.change(add={NODES + 1: cluster.addresses[NODES + 1]}, timeout=PATIENCE))
    until(lambda: len((log.wait_status(0) or {})["members"]) == NODES + 1)
    assert log.status()["changes"] > seen
    assert log.shutdown(PATIENCE)
    with pytest.raises(duochain.ClosedError):
        log.wait_status(0)


def test_closing_ends_loops_and_leaves_what_is_committed(cluster: Cluster) -> None:
    log = cluster.logs[cluster.leader()]
    last = log.append(b"last").index
    assert texts(log, last) == ["last"]
    assert log.shutdown(PATIENCE)
    assert [entry.data for entry in log.follow(last - 1)] == [b"last"]
    log.close()
    with pytest.raises(duochain.ClosedError):
        log.append(b"x")


def test_a_closed_log_gives_its_directory_back_and_can_be_read(cluster: Cluster) -> None:
    node = cluster.leader() % NODES + 1
    with cluster.logs[node] as log:
        last = log.read(1, timeout=PATIENCE)[-1].index
    reopened = cluster.open(node)
    assert log.read(last) == reopened.read(last, 1, PATIENCE)


def left_alone(cluster: Cluster) -> tuple[ReplicatedLog, int]:
    """A leader beside one follower, with an entry that waits for the third voter; its index."""
    leader = cluster.leader()
    log = cluster.logs[leader]
    before = log.append(b"before").index
    cluster.logs.pop((leader + 1) % NODES + 1).close()
    return log, before


def test_what_not_every_voter_is_known_to_have_is_said_to_be_committed(cluster: Cluster) -> None:
    log, before = left_alone(cluster)
    pending = log.submit(b"for all", wait_for="all")
    assert pending.poll() is None

    async def run() -> duochain.NotEverywhereError:
        waiting = asyncio.create_task(log.append_async(b"for all", wait_for="all"))
        await asyncio.to_thread(until, lambda: len(log.read(before + 1, timeout=PATIENCE)) == 2)
        await asyncio.to_thread(log.shutdown, PATIENCE)
        with pytest.raises(duochain.NotEverywhereError) as told:
            await waiting
        return told.value

    told = asyncio.run(run())
    assert told.receipt == LogReceipt(before + 2, told.receipt.term, 0, 0)
    assert not told.retryable
    with pytest.raises(duochain.NotEverywhereError) as first:
        pending.wait()
    assert first.value.receipt.index == before + 1
    with pytest.raises(duochain.NotEverywhereError):
        pending.poll()


class Stop(Exception):
    """What the handler of a signal raises."""


def interrupted(act: Callable[[], object]) -> None:
    """`act` waits for ever; a signal ends it."""

    def stop(*_: object) -> None:
        raise Stop

    before = signal.signal(signal.SIGUSR1, stop)
    timer = threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGUSR1))
    timer.start()
    try:
        with pytest.raises(Stop):
            act()
    finally:
        timer.join()
        signal.signal(signal.SIGUSR1, before)


def test_a_signal_ends_every_wait(cluster: Cluster) -> None:
    log, before = left_alone(cluster)
    interrupted(lambda: log.append(b"x", wait_for="all"))
    interrupted(lambda: log.read(before + 10, timeout=None))
    interrupted(lambda: [log.wait_status(log.status()["changes"]) for _ in itertools.count()])
    leader = log.status()["node"]
    cluster.logs.pop(leader % NODES + 1).close()
    address = cluster.addresses[NODES + 1]
    interrupted(lambda: log.change(add={NODES + 1: address}))
    interrupted(lambda: log.shutdown(None))
