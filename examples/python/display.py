"""The live lines and the table at the end."""

import os
import sys
import time

from feeding import Feeding
from options import Options
from verifier import Verifier

from duochain import Chain, Node

_REFRESH_SECONDS = 0.5
_TICK_SECONDS = 0.02


def _say(text: str) -> None:
    try:
        print(text, flush=True)
    except OSError:
        # Output that nobody reads is no fault of this program, at its end neither.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _millis(seconds: float) -> str:
    return f"{seconds * 1e3:.1f} ms"


class Display:
    """Draws progress."""

    def __init__(self, node: Node, verifier: Verifier, options: Options) -> None:
        self._node = node
        self._verifier = verifier
        self._terminal = sys.stdout.isatty()
        self._has_drawn = False
        self._started = self._finished = self._drawn = time.monotonic()
        self._finals = dict.fromkeys(Chain, 0)
        source = f"{options.count} generated" if options.input is None else options.input
        _say(
            f"transactions: {source}, {options.producers} producers, {options.backend} store,"
            f" time scale 1/{options.scale}"
        )

    def until_final(self, feeding: Feeding, patience: float) -> list[str]:
        """Draws until everything is final or a thread has failed; what is wrong when it does not get there."""
        moved, progress = time.monotonic(), self._verifier.progress()
        while True:
            # In this order: what is complete after the last record stays so.
            done = feeding.done()
            complete = self._verifier.complete()
            now = self._finished = time.monotonic()
            if (done and complete) or feeding.failed or self._verifier.failure:
                self._draw()
                return []
            if now - self._drawn >= _REFRESH_SECONDS:
                self._draw()
            # While nothing is outstanding, it is the input that everybody waits for.
            if self._verifier.progress() != progress or complete:
                progress, moved = self._verifier.progress(), now
            elif now - moved > patience:
                self._draw()
                return [f"nothing became final for {patience:.0f} s", *self._reasons()]
            time.sleep(_TICK_SECONDS)

    def _reasons(self) -> list[str]:
        """What the node says about a stall."""
        health = self._node.health()
        chains = {Chain.ALPHA: health.alpha, Chain.DELTA: health.delta}
        return [f"{chain.name.lower()}: {one.reason}" for chain, one in chains.items() if one.reason]

    def _draw(self) -> None:
        now = time.monotonic()
        lines = [self._line(chain, max(now - self._drawn, 1e-3)) for chain in Chain]
        _say(("\x1b[2A" if self._terminal and self._has_drawn else "") + "\n".join(lines))
        self._drawn, self._has_drawn = now, True

    def _line(self, chain: Chain, span: float) -> str:
        head, tally = self._node.head(chain), self._verifier.tallies[chain]
        finals = tally.finals
        rate = (finals - self._finals[chain]) / span
        self._finals[chain] = finals
        return (
            f"{chain.name.lower():<6} height {head.height:>6}  final {head.final_height:>6}"
            f"  drift {_millis(head.slot_drift_ns / 1e9):>8}  queued {self._node.queue_stats(chain).depth:>7}"
            f"  {rate:>9.0f} tx/s  p50 {_millis(tally.quantile(0.5)):>9}  p99 {_millis(tally.quantile(0.99)):>9}"
            + ("\x1b[K" if self._terminal else "")
        )

    def table(self, sent: int, faults: list[str]) -> bool:
        """The table and the verdict; true when all is well."""
        seconds = self._finished - self._started
        _say("\nchain    blocks   final  transactions  duplicates     tx/s        p50        p99  restarts")
        for chain in Chain:
            head, tally = self._node.head(chain), self._verifier.tallies[chain]
            _say(
                f"{chain.name.lower():<6} {head.height:>8} {head.final_height:>7} {tally.finals:>13}"
                f" {tally.duplicates:>11} {tally.finals / seconds:>8.0f} {_millis(tally.quantile(0.5)):>10}"
                f" {_millis(tally.quantile(0.99)):>10} {head.restarts:>9}"
            )
            faults += [f"{chain.name.lower()}: {fault}" for fault in tally.verdict()]
        if faults:
            _say("\n  ".join(["FAILED:", *faults]))
            return False
        finals = ", ".join(f"{self._verifier.tallies[chain].finals} final on {chain.name.lower()}" for chain in Chain)
        _say(f"verified: {sent} sent, {finals}, none lost, none twice, in order, digests equal")
        return True
