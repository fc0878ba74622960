"""Fixtures: nodes that run fast, and other processes."""

import os
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import duochain
from duochain import Chain, Completion, Node, _native

TOP = Path(__file__).resolve().parents[2]
"""Top of the checkout."""

PATIENCE = 30.0
"""Seconds after which something that should have happened is taken for lost."""

needs_faults = pytest.mark.skipif(
    "faults" not in _native._features(), reason="this build of the native module cannot inject faults"
)


@pytest.fixture
def node() -> Iterator[Node]:
    """A node that keeps nothing; a Delta block every 10 ms."""
    with Node(storage_backend="memory", time_scale=300, queue_cells=1024) as node:
        yield node


@pytest.fixture
def reopen(tmp_path: Path) -> Callable[[], Node]:
    """Opens a node on the same directory each time."""
    return lambda: Node(data_dir=tmp_path / "data", time_scale=300, queue_cells=1024)


def until(condition: Callable[[], bool]) -> None:
    """Waits for something that happens on another thread."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "did not happen in time"
        time.sleep(0.002)


def finals(node: Node, count: int) -> list[Completion]:
    """The next `count` completions."""
    done: list[Completion] = []
    while len(done) < count:
        batch = node.poll_completions(count - len(done), PATIENCE)
        assert batch, "no completion in time"
        done += batch
    return done


def final(node: Node, chain: Chain, data: bytes) -> Completion:
    """Submits one transaction and waits until it is final."""
    op = node.submit(chain, data)
    (done,) = finals(node, 1)
    assert done.op == op
    return done


def start(code: str, *arguments: object, cwd: Path | None = None) -> "subprocess.Popen[str]":
    """Another interpreter that runs `code`, with the same package."""
    place = str(Path(duochain.__file__).resolve().parents[1])
    environment = {**os.environ, "PYTHONPATH": place, "PYTHONUNBUFFERED": "1"}
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code), *map(str, arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
        cwd=cwd,
    )


def outcome(process: "subprocess.Popen[str]") -> tuple[int, str, str]:
    """Exit status, output and errors of a process that ends by itself."""
    try:
        out, err = process.communicate(timeout=PATIENCE)
    finally:
        process.kill()
    return process.returncode, out, err
