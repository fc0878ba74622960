"""A histogram of times with 3 % resolution and fixed memory."""

import math

_STEPS = 32
"""Buckets per doubling."""
_DOUBLINGS = 35
"""Doublings from 1 microsecond: up to 9 hours."""


class Latency:
    """Counts of times."""

    def __init__(self) -> None:
        self._buckets = [0] * (_STEPS * _DOUBLINGS)
        self._count = 0

    def record(self, seconds: float) -> None:
        """Adds one time."""
        micros = max(1, int(seconds * 1e6))
        doubling = micros.bit_length() - 1
        bucket = doubling * _STEPS + (micros * _STEPS >> doubling) - _STEPS
        self._buckets[min(bucket, len(self._buckets) - 1)] += 1
        self._count += 1

    def quantile(self, share: float) -> float:
        """The time in seconds that `share` of all are not above; 0 when there are none."""
        wanted, seen = math.ceil(self._count * share), 0
        for bucket, count in enumerate(self._buckets):
            seen += count
            if seen >= wanted and seen > 0:
                doubling, step = divmod(bucket, _STEPS)
                return ((_STEPS + step) << doubling) / _STEPS / 1e6
        return 0.0
