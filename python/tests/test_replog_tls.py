"""Replicated logs over TLS: three replicas in this process, over loopback."""

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import PATIENCE, TOP, until
from test_replog import NODES, Cluster, texts

import duochain
from duochain import LogTls, ReplicatedLog, _native

needs_tls = pytest.mark.skipif("tls" not in _native._features(), reason="this build of the native module has no TLS")


class Files:
    """Certificates, and a folder for each node with those that it reads."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        script = TOP / "tests" / "support" / "certificates"
        made = subprocess.run([script, directory, "a log for pytest", str(NODES)], capture_output=True, text=True)
        assert made.returncode == 0, made.stderr
        for node in range(1, NODES + 1):
            self.give(node, f"node-{node}", "authority")

    def of(self, node: int) -> LogTls:
        own = self.directory / str(node)
        return LogTls(own / "certificate.pem", own / "key.pem", own / "authority.pem")

    def give(self, node: int, who: str, authority: str) -> None:
        own = self.directory / str(node)
        own.mkdir(exist_ok=True)
        for source, target in ((f"{who}.pem", "certificate"), (f"{who}.key", "key"), (f"{authority}.pem", "authority")):
            shutil.copy(self.directory / source, own / f"{target}.pem")


@pytest.fixture
def files(tmp_path: Path) -> Files:
    directory = tmp_path / "tls"
    directory.mkdir()
    return Files(directory)


@pytest.fixture
def cluster(tmp_path: Path, files: Files) -> Iterator[Cluster]:
    """Whose nodes the tests open."""
    cluster = Cluster(tmp_path, files.of)
    yield cluster
    for log in cluster.logs.values():
        log.close()


def append(cluster: Cluster, data: bytes) -> int:
    return cluster.ask(lambda log: log.append(data, timeout=PATIENCE).index)


def distrusted(log: ReplicatedLog) -> int:
    """Connections that it refused because it does not trust who called, or is not trusted."""
    count: int = json.loads(log.json())["stats"]["net_refused"]["untrusted"]
    return count


@needs_tls
def test_a_stranger_takes_no_part_until_its_files_are_exchanged(cluster: Cluster, files: Files) -> None:
    files.give(3, "stranger", "foreign")
    for node in range(1, NODES + 1):
        cluster.open(node)
    append(cluster, b"secret")
    until(lambda: all(distrusted(log) > 0 for log in cluster.logs.values()))
    assert cluster.logs[3].status()["commit"] == 0
    files.give(3, "node-3", "authority")
    cluster.logs[3].reload_tls()
    last = append(cluster, b"shared")
    for log in cluster.logs.values():
        assert texts(log, last) == ["secret", "shared"]


@needs_tls
def test_files_that_are_bad_when_read_again_change_nothing(cluster: Cluster, files: Files) -> None:
    for node in range(1, NODES + 1):
        cluster.open(node)
    append(cluster, b"first")
    shutil.copy(files.directory / "node-3.key", files.of(2).key)
    with pytest.raises(duochain.ConfigError, match=r"key\.pem"):
        cluster.logs[2].reload_tls()
    Path(files.of(2).certificate).unlink()
    with pytest.raises(duochain.ConfigError, match=r"certificate\.pem"):
        cluster.logs[2].reload_tls()
    # Connections that are new too.
    cluster.logs.pop(1).close()
    cluster.open(1)
    last = append(cluster, b"second")
    for log in cluster.logs.values():
        assert texts(log, last) == ["first", "second"]
    cluster.logs[2].close()
    with pytest.raises(duochain.ClosedError):
        cluster.logs[2].reload_tls()


@needs_tls
def test_paths_are_of_the_folder_in_which_the_log_was_opened(
    cluster: Cluster, files: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(files.directory)
    cluster.tls = lambda node: LogTls("1/certificate.pem", "1/key.pem", "1/authority.pem")
    log = cluster.open(1)
    monkeypatch.chdir(files.directory / "2")
    log.reload_tls()
    files.give(1, "node-2", "authority")
    with pytest.raises(duochain.ConfigError, match=r"tls/1/certificate\.pem"):
        log.reload_tls()


NAMES = {"certificate": "node-1.pem", "key": "node-1.key", "authority": "authority.pem"}


@needs_tls
@pytest.mark.parametrize(
    ("wrong", "text"),
    [
        ({"certificate": "absent.pem"}, r"absent\.pem"),
        ({"key": "absent.key"}, r"absent\.key"),
        ({"authority": "text.pem"}, r"text\.pem: no certificate in it"),
        ({"key": "text.pem"}, r"text\.pem: no private key"),
        ({"key": "node-2.key"}, r"node-2\.key"),
        ({"certificate": "node-2.pem", "key": "node-2.key"}, r"node-2\.pem: it does not name node-1\."),
        ({"authority": "foreign.pem"}, r"node-1\.pem: as a server"),
        ({"certificate": "."}, r"tls: "),
    ],
)
def test_files_that_do_not_fit_are_refused_by_name(
    cluster: Cluster, files: Files, wrong: dict[str, str], text: str
) -> None:
    (files.directory / "text.pem").write_text("not PEM\n")
    named = {part: files.directory / name for part, name in {**NAMES, **wrong}.items()}
    cluster.tls = lambda _: LogTls(**named)
    with pytest.raises(duochain.ConfigError, match=text):
        cluster.open(1)
    assert not (cluster.directory / "n1").exists(), "nothing is made"


@needs_tls
def test_a_path_that_names_nothing_is_refused(cluster: Cluster, files: Files) -> None:
    own = files.of(1)
    cluster.tls = lambda _: LogTls(own.certificate, "", own.authority)
    with pytest.raises(duochain.ConfigError, match='key ""'):
        cluster.open(1)


def test_what_is_no_path_is_a_wrong_type(tmp_path: Path) -> None:
    for tls in (("node-1.pem", "node-1.key", "authority.pem"), LogTls("node-1.pem", 7, "authority.pem")):  # type: ignore[arg-type]
        with pytest.raises(TypeError):
            ReplicatedLog(tmp_path / "n1", "127.0.0.1:0", 1, {}, bytes(16), tls=tls)  # type: ignore[arg-type]


def test_a_log_in_clear_has_nothing_to_read_again(tmp_path: Path) -> None:
    with ReplicatedLog(tmp_path / "n1", "127.0.0.1:0", 1, {1: "127.0.0.1:7400"}, bytes(16)) as log:
        log.reload_tls()


@pytest.mark.skipif("tls" in _native._features(), reason="this build of the native module has TLS")
def test_a_build_without_it_says_so(tmp_path: Path) -> None:
    with pytest.raises(duochain.UnsupportedError, match="TLS"):
        ReplicatedLog(tmp_path / "n1", "127.0.0.1:0", 1, {}, bytes(16), tls=LogTls("a", "b", "c"))
