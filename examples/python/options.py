"""Command line."""

import re
from dataclasses import dataclass

from records import InputFault

_USAGE = (
    "usage: run [--input PATH|-] [--count N] [--seed S] [--producers P] [--scale N] [--data-dir DIR]"
    " [--backend fjall|rocksdb|memory]"
)
_NUMBERS = {"--count": 100_000_000, "--seed": 2**64 - 1, "--producers": 1024, "--scale": 10_000}
"""The largest of each."""
_TEXTS = ("--input", "--data-dir", "--backend")


@dataclass
class Options:
    """What the user asked for."""

    input: str | None = None
    """A file, `-` for standard input; generated without."""
    count: int = 20_000
    """Transactions to generate."""
    seed: int = 1
    """Of the generator."""
    producers: int = 4
    """Threads that submit."""
    scale: int = 100
    """How many times faster than real time."""
    data_dir: str | None = None
    """Without: a fresh one, removed afterwards."""
    backend: str = "fjall"
    """The state store."""


def _number(flag: str, text: str) -> int:
    most = _NUMBERS[flag]
    # At most twenty digits count, and a longer text need not be computed.
    if re.fullmatch(r"\+?0*[0-9]{1,20}", text, re.ASCII) and 1 <= int(text) <= most:
        return int(text)
    raise InputFault(f"{flag} {text}: a number from 1 to {most} is needed")


def parse(arguments: list[str]) -> Options:
    """The arguments behind the program's name."""
    options = Options()
    for at in range(0, len(arguments), 2):
        flag = arguments[at]
        if at + 1 == len(arguments):
            raise InputFault(f"{flag} needs a value\n{_USAGE}")
        value = arguments[at + 1]
        name = flag.removeprefix("--").replace("-", "_")
        if flag in _NUMBERS:
            setattr(options, name, _number(flag, value))
        elif flag in _TEXTS:
            setattr(options, name, value)
        else:
            raise InputFault(f"unknown option {flag}\n{_USAGE}")
    return options
