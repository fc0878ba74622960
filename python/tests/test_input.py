"""The main job on real and on broken input."""

import hashlib
import os
import struct
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import TOP, finals

import duochain
from duochain import Chain, Node

REAL = TOP.parent / "shared" / "data" / "mainnet-block.txs"
EXAMPLE = TOP / "examples" / "python" / "run.py"


def records(data: bytes) -> list[bytes]:
    """Length-prefixed records."""
    found, offset = [], 0
    while offset < len(data):
        (length,) = struct.unpack_from("<I", data, offset)
        found.append(data[offset + 4 : offset + 4 + length])
        offset += 4 + length
    return found


def real() -> bytes:
    """The real block, or the test is left out."""
    if not REAL.exists():
        pytest.skip(f"{REAL.name} is not beside the checkout")
    return REAL.read_bytes()


def run(*arguments: object, data: bytes = b"") -> "subprocess.CompletedProcess[str]":
    """The main job."""
    place = str(Path(duochain.__file__).resolve().parents[1])
    command = [sys.executable, str(EXAMPLE), "--scale", "300", *map(str, arguments)]
    done = subprocess.run(
        command, input=data, capture_output=True, timeout=300, env={**os.environ, "PYTHONPATH": place}
    )
    return subprocess.CompletedProcess(command, done.returncode, done.stdout.decode(), done.stderr.decode())


@pytest.mark.parametrize("chain", list(Chain))
def test_a_real_block_becomes_final_byte_for_byte_in_order(chain: Chain) -> None:
    sent = records(real())
    assert len(sent) == 2500 and max(map(len, sent)) == 170_363
    with Node(storage_backend="memory", time_scale=300) as node:
        ops: list[int] = []
        while len(ops) < len(sent):
            ops += node.submit_batch(chain, sent[len(ops) :])
        done = finals(node, len(sent))
        assert [completion.op for completion in done] == ops and all(completion.ok for completion in done)
        out = [
            transaction
            for height in range(1, node.head(chain).final_height + 1)
            for transaction in node.block(chain, height).transactions
        ]
    assert [hashlib.sha256(item).digest() for item in out] == [hashlib.sha256(item).digest() for item in sent]


def test_the_main_job_proves_a_real_block(tmp_path: Path) -> None:
    real()
    done = run("--input", REAL, "--data-dir", tmp_path / "data")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "verified: 2500 sent, 2500 final on alpha, 2500 final on delta" in done.stdout
    assert done.stderr == "" and (tmp_path / "data" / "LOCK").exists()


def test_the_main_job_generates_what_every_language_generates() -> None:
    sys.path.insert(0, str(EXAMPLE.parent))
    try:
        from records import generated  # type: ignore[import-not-found,unused-ignore]
    finally:
        sys.path.pop(0)
    vectors = (TOP / "tests" / "main_job" / "generated.txt").read_text().splitlines()
    for vector in (line.split() for line in vectors if not line.startswith("#")):
        data = b"".join(generated(int(vector[0]), int(vector[1])))
        assert hashlib.sha256(data).hexdigest() == vector[2]
    done = run("--count", 500, "--seed", 7, "--backend", "memory", "--producers", 3)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "verified: 500 sent, 500 final on alpha, 500 final on delta" in done.stdout


def test_repeated_records_come_back_as_duplicates() -> None:
    unique = [b"record %d" % number for number in range(40)]
    data = b"".join(struct.pack("<I", len(item)) + item for item in unique + unique[:10] + unique[:10])
    done = run("--input", "-", "--backend", "memory", data=data)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "60 sent, 40 final on alpha, 40 final on delta" in done.stdout


def test_a_second_run_on_a_directory_goes_on_with_what_is_new(tmp_path: Path) -> None:
    for count, new in ((100, 100), (250, 150), (250, 0)):
        done = run("--count", count, "--data-dir", tmp_path / "data")
        assert done.returncode == 0, done.stdout + done.stderr
        assert f"{count} sent, {new} final on alpha, {new} final on delta" in done.stdout


@pytest.mark.parametrize(
    ("tail", "fault"),
    [
        (b"\x05\x00", "ends inside its length, after 2 of 4 bytes"),
        (b"\x05\x00\x00\x00abc", "ends after 3 of 5 bytes"),
        (b"\xff\xff\xff\xff", "states a length of 4294967295; 1 to 1048576 are allowed"),
        (b"\x00\x00\x00\x00", "states a length of 0; 1 to 1048576 are allowed"),
    ],
)
def test_broken_input_is_refused_with_its_offset(tmp_path: Path, tail: bytes, fault: str) -> None:
    path = tmp_path / "broken.txs"
    path.write_bytes(b"\x03\x00\x00\x00one" + tail)
    for name, done in (
        (path, run("--input", path)),
        ("standard input", run("--input", "-", data=path.read_bytes())),
    ):
        assert done.returncode == 2
        assert done.stderr == f"run: INPUT {name}: record 1 at offset 7: {fault}\n"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--count", "0"], "--count 0: a number from 1 to 100000000 is needed"),
        (["--count", "1_0"], "--count 1_0: a number from 1 to 100000000 is needed"),
        (["--seed", "-1"], "--seed -1: a number from 1 to 18446744073709551615 is needed"),
        (["--input", "no/file"], "INPUT no/file: No such file or directory"),
        (["--nonsense", "1"], "unknown option --nonsense\nusage: run "),
        (["--count"], "--count needs a value\nusage: run "),
    ],
)
def test_wrong_arguments_are_told_in_the_words_of_every_language(arguments: list[str], words: str) -> None:
    done = run(*arguments)
    assert done.returncode == 2 and done.stderr.startswith(f"run: {words}")
