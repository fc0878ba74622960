"""What keeps a replicated log."""

from pathlib import Path

import pytest

import duochain
from duochain import ReplicatedLog, _native

ROCKSDB = "rocksdb" in _native._features()
needs_rocksdb = pytest.mark.skipif(not ROCKSDB, reason="this build of the native module has no RocksDB")


def alone(directory: Path, backend: str | None) -> ReplicatedLog:
    address = "127.0.0.1:7400"  # of one that nobody calls
    return ReplicatedLog(
        directory, "127.0.0.1:0", 1, {1: address}, b"a log for pytest", batch_bytes_max=64 << 10, log_backend=backend
    )


def append(log: ReplicatedLog) -> int:
    while True:
        try:
            return log.append(b"kept").index
        except (duochain.NotLeaderError, duochain.FullError):
            pass


def read(log: ReplicatedLog, last: int) -> list[bytes]:
    found: list[bytes] = []
    for entry in log.follow(after=0):
        found.append(entry.data)
        if entry.index >= last:
            break
    return found


@pytest.mark.parametrize("backend", ["segments", pytest.param("rocksdb", marks=needs_rocksdb)])
def test_a_directory_keeps_the_kind_of_log_that_it_was_begun_with(tmp_path: Path, backend: str) -> None:
    for times in (1, 2):
        with alone(tmp_path, backend) as log:
            last = append(log)
            assert read(log, last) == [b"kept"] * times
    other = "segments" if backend == "rocksdb" else "rocksdb"
    with pytest.raises(duochain.ConfigError if ROCKSDB else duochain.UnsupportedError, match="rocksdb"):
        alone(tmp_path, other)


def test_files_are_the_default(tmp_path: Path) -> None:
    for backend in (None, "segments"):
        with alone(tmp_path, backend) as log:
            append(log)


def test_a_backend_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(duochain.InvalidArgumentError, match="paper"):
        alone(tmp_path, "paper")
