"""Snapshots of replicated logs: given by hosts, found again, sent to who is behind."""

import asyncio
import io
import mmap
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from conftest import PATIENCE, until
from test_replog import NODES, Cluster, own_address

import duochain
from duochain import LogSnapshot, ReplicatedLog


class Host:
    """A host whose state is the texts that it read."""

    def __init__(self) -> None:
        self.done = 0
        self.texts: list[bytes] = []
        self.restored = 0

    def restore(self, snapshot: LogSnapshot) -> None:
        self.done, self.texts = snapshot.index, snapshot.state.split(b"\n")
        self.restored += 1

    def follow(self, log: ReplicatedLog, last: int) -> "Host":
        if self.done < last:
            for entry in log.follow(self.done, self.restore):
                self.done = entry.index
                self.texts.append(entry.data)
                if self.done >= last:
                    break
        return self

    def give(self, log: ReplicatedLog) -> int:
        return log.snapshot(self.done, b"\n".join(self.texts), PATIENCE)


class Keeping(Cluster):
    """Nodes that keep nothing before a snapshot."""

    tail_entries = 1

    def put(self, data: bytes) -> int:
        return self.ask(lambda log: log.append(data, timeout=PATIENCE)).index

    def close(self) -> None:
        for log in self.logs.values():
            log.close()


def alone(directory: Path) -> ReplicatedLog:
    """The only node of its cluster, leading."""
    address = f"{own_address()}:23000"
    name = b"a log for pytest"
    log = ReplicatedLog(
        directory, address, 1, {1: address}, name, batch_bytes_max=64 << 10, segment_bytes=1 << 20, tail_entries=1
    )
    until(lambda: log.status()["role"] == "leader")
    return log


def test_a_host_that_lost_its_state_begins_with_the_snapshot(tmp_path: Path) -> None:
    host = Host()
    with alone(tmp_path / "n1") as log:
        assert log.read_snapshot() is None and log.status()["snapshot"] == 0
        last = log.append(*(str(number).encode() for number in range(100)), timeout=PATIENCE).index
        # Within a batch.
        host.follow(log, last - 50)
        assert host.done == last - 50
        assert host.give(log) == host.done
        assert log.status()["snapshot"] == host.done
        host.follow(log, log.append(b"end", timeout=PATIENCE).index)
    with alone(tmp_path / "n1") as log:
        with pytest.raises(duochain.NotFoundError):
            log.read(1, timeout=PATIENCE)
        with pytest.raises(duochain.NotFoundError, match="read_snapshot"):
            next(log.follow())
        assert log.read(host.done, timeout=PATIENCE)[0].data == b"end"
        other = Host().follow(log, host.done)
        assert (other.restored, other.texts) == (1, host.texts)
        assert host.follow(log, log.append(b"more", timeout=PATIENCE).index).restored == 0


def test_the_log_is_cut_and_repetitions_are_known_still(tmp_path: Path) -> None:
    with alone(tmp_path / "n1") as log:
        host, first = Host(), log.append(b"once", session=5, sequence=1, timeout=PATIENCE).index
        for _ in range(4):
            for _ in range(50):
                last = log.append(*[b"x" * 1000] * 20, timeout=PATIENCE).index
            host.follow(log, last)
            host.texts = [b"small"]
            assert host.give(log) == last
        until(lambda: log.status()["first"] > first)
        assert log.append(b"once", session=5, sequence=1, timeout=PATIENCE).repeated == 1
        snapshots = list((tmp_path / "n1" / "snapshots").glob("*.snapshot"))
        assert len(snapshots) == 2


def test_who_was_never_there_takes_the_snapshot(tmp_path: Path) -> None:
    cluster = Keeping(tmp_path)
    try:
        hosts = {node: Host() for node in range(1, NODES + 1)}
        for node in (1, 2):
            cluster.open(node)
        for number in range(6):
            last = cluster.put(str(number).encode())
            for node in (1, 2):
                assert hosts[node].follow(cluster.logs[node], last).give(cluster.logs[node]) == last
        cluster.open(3)
        last = cluster.put(b"end")
        for node in hosts:
            hosts[node].follow(cluster.logs[node], last)
        assert hosts[3].restored == 1
        assert hosts[3].texts == hosts[1].texts == hosts[2].texts == [b"0", b"1", b"2", b"3", b"4", b"5", b"end"]
        assert hosts[3].give(cluster.logs[3]) == last
    finally:
        cluster.close()


def test_what_cannot_be_a_snapshot_is_refused(tmp_path: Path) -> None:
    with alone(tmp_path / "n1") as log:
        last = log.append(b"one", b"two", timeout=PATIENCE).index
        Host().follow(log, last)
        for index in (-1, 0, last + 1):
            with pytest.raises(duochain.InvalidArgumentError):
                log.snapshot(index, b"x", PATIENCE)
        with pytest.raises(duochain.InvalidArgumentError):
            log.snapshot(last, b"x", -1.0)
        with pytest.raises(TypeError):
            log.snapshot(last, "text", PATIENCE)  # type: ignore[arg-type]
        with mmap.mmap(-1, (1 << 30) + 1) as large, pytest.raises(duochain.TooLargeError):
            log.snapshot(last, large, PATIENCE)
        assert log.read_snapshot() is None
        assert log.snapshot(last, bytearray(b"state"), PATIENCE) == last
        # One that stands for no more of the log changes nothing.
        assert log.snapshot(last - 1, memoryview(b"other")) == last
        assert log.read_snapshot() == LogSnapshot(last, b"state")
    assert log.read_snapshot() == LogSnapshot(last, b"state")
    with pytest.raises(duochain.ClosedError):
        log.snapshot(last, b"x", PATIENCE)


def test_an_empty_and_a_large_state_come_back(tmp_path: Path) -> None:
    with alone(tmp_path / "n1") as log:
        for state in (b"", bytes(range(256)) * 40_000):
            last = log.append(b"x", timeout=PATIENCE).index
            Host().follow(log, last)
            assert log.snapshot(last, state, PATIENCE) == last
            assert log.read_snapshot() == LogSnapshot(last, state)


def test_a_state_goes_in_and_out_in_pieces(tmp_path: Path) -> None:
    def pieces() -> Iterator[bytes | bytearray | memoryview]:
        yield b""
        yield bytes(range(256)) * 40_000
        yield bytearray(range(256)) * 20_000
        yield memoryview(b"end")

    with alone(tmp_path / "n1") as log:
        assert log.copy_snapshot(lambda piece: None) is None
        last = log.append(b"x", timeout=PATIENCE).index
        Host().follow(log, last)
        assert log.snapshot(last, pieces(), PATIENCE) == last
        found, expected = io.BytesIO(), b"".join(pieces())
        assert log.copy_snapshot(found.write) == last
        assert found.getvalue() == expected
        with pytest.raises(ZeroDivisionError):
            log.copy_snapshot(lambda piece: 1 // 0)
        assert log.read_snapshot() == LogSnapshot(last, expected)
        last = log.append(b"x", timeout=PATIENCE).index
        Host().follow(log, last)
        assert log.snapshot(last, []) == last
        assert log.copy_snapshot(found.write) == last
        assert found.getvalue() == expected


def test_a_state_that_ends_with_an_exception_is_no_snapshot(tmp_path: Path) -> None:
    def broken() -> Iterator[bytes]:
        yield b"half of"
        raise ZeroDivisionError

    with alone(tmp_path / "n1") as log:
        before = Host().follow(log, log.append(b"x", timeout=PATIENCE).index).give(log)
        last = log.append(b"y", timeout=PATIENCE).index
        Host().follow(log, last)
        # None of them is in the way of the next one.
        for _ in range(5):
            with pytest.raises(ZeroDivisionError):
                log.snapshot(last, broken(), PATIENCE)
            with pytest.raises(TypeError, match="bytes-like"):
                log.snapshot(last, [b"x", "text"], PATIENCE)  # type: ignore[list-item]
            with pytest.raises(duochain.InvalidArgumentError, match="contiguous"):
                log.snapshot(last, [memoryview(b"1234")[::2]], PATIENCE)
        assert log.status()["snapshot"] == before
        # What is no iterable of pieces is not begun with.
        for state in ("text", 7, None):
            with pytest.raises(TypeError, match="bytes-like"):
                log.snapshot(last, state, PATIENCE)  # type: ignore[arg-type]
        with pytest.raises(duochain.InvalidArgumentError, match="contiguous"):
            log.snapshot(last, memoryview(b"1234")[::2], PATIENCE)
        assert log.snapshot(last, iter([b"whole"]), PATIENCE) == last
        assert log.read_snapshot() == LogSnapshot(last, b"whole")


def test_states_that_are_handed_over_at_once_take_turns_and_hold_up_nobody_else(tmp_path: Path) -> None:
    go_on, first_began, second_began = threading.Event(), threading.Event(), threading.Event()

    def slow() -> Iterator[bytes]:
        yield b"slow"
        first_began.set()
        go_on.wait()
        yield b"ly"

    def quick() -> Iterator[bytearray]:
        second_began.set()
        for _ in range(10):
            yield bytearray(1000)

    with alone(tmp_path / "n1") as log, ThreadPoolExecutor() as threads:
        early = log.append(b"x", timeout=PATIENCE).index
        last = log.append(b"y", timeout=PATIENCE).index
        Host().follow(log, last)
        try:
            first = threads.submit(log.snapshot, early, slow(), PATIENCE)
            assert first_began.wait(PATIENCE)
            until(lambda: is_given_up_late(log, last))
            second = threads.submit(log.snapshot, last, quick(), PATIENCE)
            assert second_began.wait(PATIENCE)
            with pytest.raises(duochain.FullError):
                log.snapshot(last, [b"x"], PATIENCE)
            # It waits for room without the interpreter's lock: this goes on.
            assert log.append(b"z", timeout=PATIENCE).index > last
            assert not first.done() and not second.done()
        finally:
            go_on.set()
        assert (first.result(), second.result()) == (early, last)
        assert log.read_snapshot() == LogSnapshot(last, bytes(10_000))


def is_given_up_late(log: ReplicatedLog, last: int) -> bool:
    """A state that waits for another one, and for which there is no time; false while that waits itself."""
    try:
        log.snapshot(last, [b"piece"] * 10, 0.0)
    except duochain.FullError:
        return False
    except duochain.DuoTimeoutError as late:
        assert "given up" in str(late)
        return True
    raise AssertionError("there was room for all of it")


def test_closing_ends_a_state_that_is_handed_over(tmp_path: Path) -> None:
    log = alone(tmp_path / "n1")
    last = log.append(b"x", timeout=PATIENCE).index
    Host().follow(log, last)

    def closing() -> Iterator[bytes]:
        yield b"half of"
        log.close()
        yield b"it"

    with pytest.raises(duochain.ClosedError):
        log.snapshot(last, closing(), PATIENCE)
    assert list((tmp_path / "n1" / "snapshots").iterdir()) == []
    with alone(tmp_path / "n1") as again:
        assert again.read_snapshot() is None


def test_asyncio_restores_and_follows(tmp_path: Path) -> None:
    with alone(tmp_path / "n1") as log:
        last = log.append(b"one", b"two", timeout=PATIENCE).index
        Host().follow(log, last).give(log)
        host = Host().follow(log, last)
        assert host.restored == 0
        assert host.give(log) == last
    with alone(tmp_path / "n1") as log:
        last = log.append(b"three", timeout=PATIENCE).index

        async def run() -> Host:
            host = Host()
            async for entry in log.follow_async(0, host.restore):
                host.texts.append(entry.data)
                if entry.index >= last:
                    return host
            raise AssertionError("closed")

        host = asyncio.run(run())
        assert (host.restored, host.texts) == (1, [b"one", b"two", b"three"])
