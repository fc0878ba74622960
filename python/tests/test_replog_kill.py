"""Replicated logs whose hosts are interpreters of their own: whoever leads is killed, again and again."""

import queue
import signal
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from conftest import PATIENCE, start
from test_replog import NODES, Cluster

KILLS = 4
BATCH = 10
"""Entries of an append."""
BATCHES = 15
"""Appends between two kills."""

HOST = """
    import sys, threading, time
    import duochain

    directory, node, session, *addresses = sys.argv[1:]
    node, session = int(node), int(session)
    members = {number: address for number, address in enumerate(addresses, 1)}
    log = duochain.ReplicatedLog(
        directory, members[node], node, members, b"a log for pytest",
        election_min=0.3, election_max=0.6, batch_bytes_max=64 << 10, segment_bytes=1 << 20,
    )

    def append(sequence):
        # The same identity until somebody says that it is in.
        entries = [b"%d:%d" % (session, sequence + more) for more in range(BATCH)]
        while True:
            try:
                return log.append(*entries, session=session, sequence=sequence, timeout=30.0)
            except (duochain.NotLeaderError, duochain.FullError, duochain.DuoTimeoutError, duochain.ConflictError):
                time.sleep(0.002)

    def write():
        sequence = 1
        try:
            while True:
                append(sequence)
                print(session, sequence, "end", flush=True)
                sequence += BATCH
        except duochain.ClosedError:
            pass

    writer = threading.Thread(target=write)
    writer.start()
    sys.stdin.read()
    log.close()
    writer.join()
""".replace("BATCH", str(BATCH))


@dataclass
class Hosts:
    """What runs, and what it has said: this batch of its session is in."""

    cluster: Cluster
    processes: dict[int, "subprocess.Popen[str]"] = field(default_factory=dict)
    heard: "queue.Queue[tuple[int, int, int]]" = field(default_factory=queue.Queue)
    acks: list[tuple[int, int]] = field(default_factory=list)
    readers: list[threading.Thread] = field(default_factory=list)
    sessions: int = 0

    def start(self, node: int) -> None:
        self.sessions += 1
        addresses = [self.cluster.addresses[member] for member in range(1, NODES + 1)]
        process = start(HOST, self.cluster.directory / f"n{node}", node, self.sessions, *addresses)
        self.processes[node] = process
        reader = threading.Thread(target=self.read, args=(node, process))
        reader.start()
        self.readers.append(reader)

    def read(self, node: int, process: "subprocess.Popen[str]") -> None:
        assert process.stdout is not None
        with process.stdout:
            for line in process.stdout:
                words = line.split()
                # The last one may be cut.
                if words[2:] == ["end"]:
                    self.heard.put((node, int(words[0]), int(words[1])))

    def hear(self) -> int:
        """The next acknowledgement, and who said it."""
        node, session, sequence = self.heard.get(timeout=2 * PATIENCE)
        self.acks.append((session, sequence))
        return node

    def kill(self, node: int) -> None:
        process = self.processes.pop(node)
        process.kill()
        assert process.wait(PATIENCE) == -signal.SIGKILL
        close(process)

    def end(self) -> None:
        for process in self.processes.values():
            assert process.stdin is not None and process.stderr is not None
            process.stdin.close()
            assert (process.wait(2 * PATIENCE), process.stderr.read()) == (0, "")
        for reader in self.readers:
            reader.join()
        while not self.heard.empty():
            self.hear()


def close(process: "subprocess.Popen[str]") -> None:
    """Its reader closes what it says."""
    assert process.stdin is not None and process.stderr is not None
    process.stdin.close()
    process.stderr.close()


@pytest.fixture
def hosts(tmp_path: Path) -> Iterator[Hosts]:
    hosts = Hosts(Cluster(tmp_path))
    yield hosts
    for process in hosts.processes.values():
        process.kill()
        process.wait()
        close(process)
    for reader in hosts.readers:
        reader.join()
    for log in hosts.cluster.logs.values():
        log.close()


def test_what_was_acknowledged_before_leaders_were_killed_is_there_once(hosts: Hosts) -> None:
    for node in range(1, NODES + 1):
        hosts.start(node)
    for _ in range(KILLS):
        leader = 0
        for _ in range(BATCHES):
            leader = hosts.hear()
        hosts.kill(leader)
        while hosts.hear() == leader:
            pass  # It said so before it died.
        hosts.start(leader)
    hosts.end()
    assert len(hosts.acks) >= KILLS * BATCHES, "hardly anything was appended"
    # What the directories hold.
    cluster = hosts.cluster
    for node in range(1, NODES + 1):
        cluster.open(node)
    last = cluster.ask(lambda log: log.append(b"the end")).index
    lists: list[list[bytes]] = []
    for log in cluster.logs.values():
        found: list[bytes] = []
        for entry in log.follow():
            found.append(entry.data)
            if entry.index >= last:
                break
        lists.append(found)
    assert all(found == lists[0] for found in lists)
    there = set(lists[0])
    assert len(there) == len(lists[0]), "an entry is there twice"
    for session, sequence in hosts.acks:
        for more in range(BATCH):
            acknowledged = b"%d:%d" % (session, sequence + more)
            assert acknowledged in there, f"{acknowledged!r} was acknowledged, and is gone"
