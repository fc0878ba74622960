"""What is written twice is the same twice: statuses, enumerations, keys, stubs, symbols."""

import builtins
import importlib.util
import os
import shutil
import subprocess
import sys
from enum import IntEnum
from pathlib import Path

import pytest
from conftest import TOP

import duochain
from duochain import _errors, _native

PACKAGE = Path(duochain.__file__).parent


def test_every_status_has_its_exception_with_the_same_number_name_and_class() -> None:
    errors = [row for row in _native._statuses() if row[0] != 0]
    assert sorted(_errors.CLASSES) == sorted(code for code, *_ in errors)
    for code, name, retryable, _ in errors:
        kind = _errors.CLASSES[code]
        assert (kind.code, kind.name, kind.retryable) == (code, name, retryable)
        assert getattr(duochain, kind.__name__) is kind
        assert str(kind("text")) == "text"


@pytest.mark.parametrize(
    ("kind", "python"),
    [
        (duochain.DuoTimeoutError, "TimeoutError"),
        (duochain.NotFoundError, "LookupError"),
        (duochain.InvalidArgumentError, "ValueError"),
        (duochain.ConfigError, "ValueError"),
        (duochain.UnknownKeyError, "KeyError"),
        (duochain.NoMemoryError, "MemoryError"),
        (duochain.IoError, "OSError"),
        (duochain.DuoPermissionError, "PermissionError"),
    ],
)
def test_an_exception_that_python_knows_can_be_caught_as_such(kind: type[Exception], python: str) -> None:
    assert issubclass(kind, getattr(builtins, python))
    assert issubclass(kind, duochain.DuoError)


@pytest.mark.parametrize(
    ("members", "rows"),
    [
        (duochain.Status, [row[:2] for row in _native._statuses()]),
        (duochain.Chain, _native._chains()),
        (duochain.EventKind, _native._event_kinds()),
        (duochain.HealthState, _native._health_states()),
        (duochain.TxState, _native._tx_states()),
        (duochain.PoolKind, _native._pool_kinds()),
    ],
)
def test_enumerations_carry_the_numbers_of_the_library(
    members: type[IntEnum], rows: list[tuple[int, str]]
) -> None:
    assert [(member.value, member.name) for member in members] == [(row[0], row[1].upper()) for row in rows]


def test_the_configuration_keys_are_those_of_the_library() -> None:
    path = TOP / "python" / "tools" / "config_keys.py"
    spec = importlib.util.spec_from_file_location("config_keys", path)
    assert spec is not None and spec.loader is not None
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    written = (PACKAGE / "_config_keys.py").read_text(encoding="utf-8")
    assert written == tool.render(_native._config_keys()), f"run {path.relative_to(TOP)} --write"


def test_the_package_exports_what_it_lists() -> None:
    assert list(duochain.__all__) == sorted(duochain.__all__)
    for name in duochain.__all__:
        assert hasattr(duochain, name)


def test_the_native_module_exports_its_entry_point_alone() -> None:
    nm = shutil.which("nm")
    if nm is None or _native.__file__ is None:
        pytest.skip("nm is not installed")
    listing = subprocess.run([nm, "-D", "--defined-only", _native.__file__], capture_output=True, text=True)
    symbols = [line.split()[-1] for line in listing.stdout.splitlines()]
    assert symbols == ["PyInit__native"]


def mypy(*arguments: object, cwd: Path) -> "subprocess.CompletedProcess[str]":
    """Runs a module of mypy on this package, installed or not."""
    environment = {**os.environ, "PYTHONPATH": str(PACKAGE.parent)}
    if PACKAGE.parent.name != "site-packages":
        environment["MYPYPATH"] = str(PACKAGE.parent)
    command = [sys.executable, "-m", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, cwd=cwd, env=environment)


def test_the_stub_matches_the_module(tmp_path: Path) -> None:
    pytest.importorskip("mypy")
    allowed = tmp_path / "allowed"
    # `__all__` is pyo3's; only builds for tests inject panics; buffers show as methods from 3.12 on.
    allowed.write_text("duochain._native.(__all__|_inject_panic|(Claim|PooledBuffer).__buffer__)\n")
    options = ["--concise", "--ignore-unused-allowlist", "--allowlist", allowed]
    checked = mypy("mypy.stubtest", "duochain", *options, cwd=tmp_path)
    assert checked.returncode == 0, checked.stdout + checked.stderr


@pytest.mark.parametrize("folder", ["python/duochain", "python/tests", "python/tools", "examples/python"])
def test_everything_passes_mypy_strict(folder: str, tmp_path: Path) -> None:
    pytest.importorskip("mypy")
    files = sorted(path for path in (TOP / folder).iterdir() if path.suffix in (".py", ".pyi"))
    checked = mypy("mypy", "--strict", "--cache-dir", tmp_path, *files, cwd=TOP / folder)
    assert checked.returncode == 0, checked.stdout + checked.stderr
