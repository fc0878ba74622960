"""What the settings of a replicated log say, and where it is heard."""

import inspect
import os
import re
import signal
import socket
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from conftest import PATIENCE, TOP, until
from test_replog import own_address

import duochain
from duochain import ReplicatedLog

CLUSTER = b"a log for pytest"


def alone(directory: Path, **settings: Any) -> ReplicatedLog:
    """The only node of its cluster."""
    address = f"{own_address()}:23000"
    sizes = {"batch_bytes_max": 64 << 10, "segment_bytes": 1 << 20}
    return ReplicatedLog(directory, address, 1, {1: address}, CLUSTER, **{**sizes, **settings})


def append(log: ReplicatedLog, entry: bytes, session: int = 0, sequence: int = 0) -> duochain.LogReceipt:
    while True:
        try:
            return log.append(entry, session=session, sequence=sequence, timeout=PATIENCE)
        except (duochain.NotLeaderError, duochain.FullError):
            time.sleep(0.001)


def test_what_does_not_fit_is_refused_by_name(tmp_path: Path) -> None:
    misfits: list[tuple[str, object, str]] = [
        ("heartbeat", float("inf"), "election_min is below 2 heartbeats"),
        ("hello_timeout", 0, "hello_timeout is below 1 ms"),
        ("batch_latency", 2.0, "latency is above 1 s"),
        ("batch_inflight_bytes_max", 1, "in_flight_bytes_max is below bytes"),
        ("peer_inflight_bytes_max", 1, "inflight_bytes_max is below append_bytes_max"),
        ("window_bytes_max", 1, "window_bytes_max is below uncommitted_bytes_max"),
        ("reads_max", 0, "reads_max is 0"),
        ("time_to_live", 0, "time_to_live is 0"),
        ("sessions_max", 0, "sessions_max is 0"),
        ("ids_max", 0, "ids_max is 0"),
        ("snapshot_chunk_bytes", 1 + (1 << 20), "chunk_bytes is above 1 MiB"),
        ("snapshot_chunks_inflight_max", 65, "chunks_inflight_max is above 64"),
    ]
    for name, value, why in misfits:
        with pytest.raises(duochain.ConfigError, match=why):
            alone(tmp_path / "n1", **{name: value})
    with pytest.raises(duochain.InvalidArgumentError, match="timeout"):
        alone(tmp_path / "n1", repair_within=-1.0)
    with pytest.raises(duochain.InvalidArgumentError, match="number is 1 or more"):
        alone(tmp_path / "n1", contacts={0: "127.0.0.1:1"})
    with pytest.raises(TypeError, match="'reads_max'"):
        alone(tmp_path / "n1", reads_max="many")
    with pytest.raises(OverflowError):
        alone(tmp_path / "n1", batch_staged_bytes_max=-1)


def test_a_session_is_forgotten_when_its_time_is_over(tmp_path: Path) -> None:
    with alone(tmp_path / "n1", time_to_live=1e-9) as log:
        assert append(log, b"x", 7, 1).repeated == 0
        time.sleep(0.001)
        assert append(log, b"x", 7, 1).repeated == 0


def damage(directory: Path) -> None:
    """Changes a letter of an entry in the middle of a log."""
    with alone(directory) as log:
        for entry in (b"the first", b"the second", b"the third"):
            append(log, entry)
    file = directory / "log/00000000000000000001.frames"
    found = bytearray(file.read_bytes())
    found[found.index(b"the second")] = ord("X")
    file.write_bytes(found)


def test_a_damaged_log_asks_whom_it_was_told_of_for_as_long_as_it_was_told(tmp_path: Path) -> None:
    damage(tmp_path / "n1")
    contacts = {9: "127.0.0.1:1"}
    with pytest.raises(duochain.CorruptionError, match="n9 gave no answer within 50ms"):
        alone(tmp_path / "n1", contacts=contacts, repair_within=0.05)
    with pytest.raises(duochain.CorruptionError) as refused:
        alone(tmp_path / "n1", contacts=contacts, repair_within=0)
    assert "not mended" not in str(refused.value)


class Stop(Exception):
    """What the handler of a signal raises."""


def test_a_signal_ends_the_wait_for_an_opening_which_is_undone_then(tmp_path: Path) -> None:
    damage(tmp_path / "n1")
    address, contacts = own_address(), {9: "127.0.0.1:1"}

    def stop(*_: object) -> None:
        raise Stop

    def is_asking() -> bool:
        try:
            socket.create_connection((address, 23000)).close()
        except OSError:
            return False
        return True

    def interrupt() -> None:
        until(is_asking)
        os.kill(os.getpid(), signal.SIGUSR1)

    before = signal.signal(signal.SIGUSR1, stop)
    thread = threading.Thread(target=interrupt)
    thread.start()
    try:
        with pytest.raises(Stop):
            ReplicatedLog(
                tmp_path / "n1", f"{address}:23000", 1, {}, CLUSTER, contacts=contacts, repair_within=10.0
            )
    finally:
        thread.join()
        signal.signal(signal.SIGUSR1, before)

    def is_free() -> bool:
        try:
            alone(tmp_path / "n1", repair_within=0)
        except duochain.BusyError:
            return False
        except duochain.CorruptionError:
            return True
        raise AssertionError("it is damaged")

    until(is_free)


def test_every_setting_stands_in_the_table_and_in_c() -> None:
    page = (TOP / "docs/operations.md").read_text(encoding="utf-8")
    table = page.split("| setting |")[1].split("\n\n")[0]
    listed = re.findall(r"^\| `(\w+)` \|", table, flags=re.MULTILINE)
    keywords = inspect.signature(ReplicatedLog.__new__).parameters.values()
    assert sorted(listed) == sorted(word.name for word in keywords if word.kind == word.KEYWORD_ONLY)
    header = (TOP / "include/duochain.h").read_text(encoding="utf-8")
    struct = header.split("typedef struct duo_replog_options {")[1].split("} duo_replog_options;")[0]
    fields = re.findall(r"^    (?:const )?[\w ]+?[ *]+(\w+?)(?:_ns)?(?:\[16\])?;$", struct, flags=re.MULTILINE)
    missing = set(listed) - set(fields) - {"tls"}
    assert not missing and {"tls_certificate", "tls_key", "tls_authority"} < set(fields)
