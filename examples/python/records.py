"""Records to send: a 4-byte little-endian length and that many bytes, from a stream or generated."""

import struct
import sys
from collections.abc import Iterator
from typing import BinaryIO

RECORD_BYTES_MAX = 1 << 20
_MASK = (1 << 64) - 1

# Sizes of real transactions at 1/32 steps of their distribution, and at 1/1024 steps of its last 1/32.
_HEAD = (
    188, 192, 194, 221, 222, 223, 223, 223, 223, 223, 224, 224, 224, 225, 225, 225,
    225, 226, 226, 226, 247, 255, 340, 368, 372, 373, 375, 383, 454, 523, 707, 1144,
)  # fmt: skip
_TAIL = (
    1144, 1204, 1231, 1255, 1263, 1264, 1269, 1302, 1339, 1378, 1404, 1414, 1476, 1545, 1634, 1693, 2003,
    2058, 2259, 2420, 2651, 2841, 3194, 3565, 3666, 3850, 5480, 7006, 7765, 9669, 14578, 99370, 170363,
)  # fmt: skip


class InputFault(Exception):
    """The input, or an argument, is not as it should be."""


def generated(seed: int, count: int) -> Iterator[bytes]:
    """`count` transactions that every language's example generates alike (SplitMix64)."""
    state = seed & _MASK

    def draw() -> int:
        nonlocal state
        state = (state + 0x9E3779B97F4A7C15) & _MASK
        z = ((state ^ (state >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & _MASK
        return z ^ (z >> 31)

    for _ in range(count):
        drawn = draw()
        unit, fraction = drawn >> 54, (drawn >> 44) & 1023
        step = unit >> 5
        low, high = _HEAD[step : step + 2] if step < 31 else _TAIL[unit & 31 : (unit & 31) + 2]
        size = low + (high - low) * fraction // 1024
        words = [draw() for _ in range((size + 7) // 8)]
        yield struct.pack(f"<{len(words)}Q", *words)[:size]


def opened(path: str) -> Iterator[bytes]:
    """The records of a file, or of standard input for `-`."""
    name = "standard input" if path == "-" else path
    try:
        # Not sys.stdin: the interpreter could not end while a thread waits in its reader.
        return read(open(0 if path == "-" else path, "rb", closefd=path != "-"), name)
    except IsADirectoryError as fault:
        # Python looks when it opens; other languages hear of it when they read.
        raise InputFault(f"INPUT {name}: record 0 at offset 0: {fault.strerror}") from None
    except OSError as fault:
        raise InputFault(f"INPUT {name}: {fault.strerror}") from None
    except ValueError as fault:
        raise InputFault(f"INPUT {name}: {fault}") from None


def read(stream: BinaryIO, name: str) -> Iterator[bytes]:
    """The records of a stream. A fault names the record and its offset."""
    number = offset = 0
    while True:
        place = f"INPUT {name}: record {number} at offset {offset}"
        try:
            record = _record(stream, place)
        except OSError as fault:
            raise InputFault(f"{place}: {fault.strerror}") from None
        if record is None:
            return
        yield record
        number += 1
        offset += 4 + len(record)


def _record(stream: BinaryIO, place: str) -> bytes | None:
    prefix = stream.read(4)
    if not prefix:
        return None
    if len(prefix) < 4:
        raise InputFault(f"{place}: ends inside its length, after {len(prefix)} of 4 bytes")
    (length,) = struct.unpack("<I", prefix)
    if not 0 < length <= RECORD_BYTES_MAX:
        raise InputFault(f"{place}: states a length of {length}; 1 to {RECORD_BYTES_MAX} are allowed")
    record = stream.read(length)
    if len(record) < length:
        raise InputFault(f"{place}: ends after {len(record)} of {length} bytes")
    return record
