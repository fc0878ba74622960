"""The main job: feed transactions into both chains, watch them become final, and prove that what came out
is what went in. Exit status 0: proven. 1: not. 2: the input or the arguments are wrong.
"""

import argparse
import queue
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack

from duochain import Chain, DuoError, Node
from records import InputFault, generated, read
from verifier import Verifier

_LANES = 4
_BACKLOG = 256
_REFRESH_SECONDS = 1.0
_TICK_SECONDS = 0.02


def parse(arguments: list[str]) -> argparse.Namespace:
    """What the user asked for."""

    def number(most: int) -> Callable[[str], int]:
        def convert(text: str) -> int:
            value = int(text)
            if not 1 <= value <= most:
                raise argparse.ArgumentTypeError(f"{text} is not in 1 to {most}")
            return value

        convert.__name__ = "number"
        return convert

    parser = argparse.ArgumentParser(prog="run", description="Finalises transactions and proves it.")
    parser.add_argument("--input", metavar="PATH", help="records from a file, or - for standard input")
    parser.add_argument("--count", type=number(100_000_000), default=20_000, help="transactions to generate")
    parser.add_argument("--seed", type=number(2**64 - 1), default=1, help="of the generator")
    parser.add_argument("--producers", type=number(1024), default=4, help="threads that submit")
    parser.add_argument("--scale", type=number(10_000), default=100, help="times faster than real time")
    parser.add_argument("--data-dir", metavar="DIR", help="kept; without it a temporary one is used")
    parser.add_argument("--backend", choices=("fjall", "rocksdb", "memory"), default="fjall")
    return parser.parse_args(arguments)


class Feeding:
    """Producer threads: each takes its share of the records and submits each to both chains, in order."""

    def __init__(self, node: Node, verifier: Verifier, records: Iterator[bytes], producers: int) -> None:
        self.sent = 0
        self.failure: Exception | None = None
        self._node = node
        self._verifier = verifier
        self._stopped = threading.Event()
        self._queues: list[queue.Queue[bytes | None]] = [queue.Queue(_BACKLOG) for _ in range(producers)]
        self._threads = [threading.Thread(target=self._produce, args=(index,)) for index in range(producers)]
        # Apart: it may be stuck in a read that nobody ends.
        self._dealer = threading.Thread(target=self._deal, args=(records,), daemon=True)
        for thread in (*self._threads, self._dealer):
            thread.start()

    def done(self) -> bool:
        """True when everything was submitted, or a thread gave up."""
        return not any(thread.is_alive() for thread in (*self._threads, self._dealer))

    def stop(self) -> None:
        """Ends all threads."""
        self._stopped.set()
        for thread in self._threads:
            thread.join()
        self._dealer.join(timeout=1.0)

    def _deal(self, records: Iterator[bytes]) -> None:
        try:
            for record in records:
                if not self._put(self.sent % len(self._queues), record):
                    return
                self.sent += 1
        except (InputFault, OSError) as failure:
            self.failure = failure
        finally:
            for index in range(len(self._queues)):
                self._put(index, None)

    def _put(self, index: int, record: bytes | None) -> bool:
        while not self._stopped.is_set():
            try:
                self._queues[index].put(record, timeout=0.1)
                return True
            except queue.Full:
                pass
        return False

    def _produce(self, producer: int) -> None:
        try:
            while (record := self._next(producer)) is not None:
                for chain in Chain:
                    self._verifier.sent(chain, producer, record)
                    self._node.submit_wait(chain, record, producer % _LANES)
        except DuoError as failure:
            self.failure = self.failure or failure
            self._stopped.set()

    def _next(self, producer: int) -> bytes | None:
        while not self._stopped.is_set():
            try:
                return self._queues[producer].get(timeout=0.1)
            except queue.Empty:
                pass
        return None


class Display:
    """The live lines and the table at the end."""

    def __init__(self, node: Node, verifier: Verifier) -> None:
        self._node = node
        self._verifier = verifier
        self._started = self._drawn = time.monotonic()
        self._finals = dict.fromkeys(Chain, 0)

    def lines(self) -> None:
        """One line a chain."""
        now = time.monotonic()
        for chain in Chain:
            head, tally = self._node.head(chain), self._verifier.tallies[chain]
            rate = (tally.finals - self._finals[chain]) / max(now - self._drawn, 1e-3)
            self._finals[chain] = tally.finals
            print(
                f"{chain.name.lower():<6} height {head.height:>6}  final {head.final_height:>6}"
                f"  drift {head.slot_drift_ns / 1e6:>6.1f} ms  queued {self._node.queue_stats(chain).depth:>7}"
                f"  {rate:>8.0f} tx/s  p50 {tally.quantile(0.5) * 1e3:>7.1f} ms"
                f"  p99 {tally.quantile(0.99) * 1e3:>7.1f} ms",
                flush=True,
            )
        self._drawn = now

    def table(self, sent: int, faults: list[str]) -> bool:
        """The table and the verdict; true when all is well."""
        seconds = time.monotonic() - self._started
        print(f"\n{'chain':<6} {'blocks':>8} {'final':>8} {'transactions':>13} {'duplicates':>11}", end="")
        print(f" {'tx/s':>8} {'p50':>10} {'p99':>10} {'restarts':>9}")
        for chain in Chain:
            head, tally = self._node.head(chain), self._verifier.tallies[chain]
            print(
                f"{chain.name.lower():<6} {head.height:>8} {head.final_height:>8} {tally.finals:>13}"
                f" {tally.duplicates:>11} {tally.finals / seconds:>8.0f} {tally.quantile(0.5) * 1e3:>7.1f} ms"
                f" {tally.quantile(0.99) * 1e3:>7.1f} ms {head.restarts:>9}"
            )
            faults += [f"{chain.name.lower()}: {fault}" for fault in tally.verdict()]
        if faults:
            print("FAILED:", *faults, sep="\n  ")
            return False
        alpha, delta = (self._verifier.tallies[chain].finals for chain in Chain)
        print(
            f"verified: {sent} transactions sent, {alpha} final on alpha, {delta} final on delta,"
            " none lost, none twice, in order, SHA-256 equal"
        )
        return True


def watch(verifier: Verifier, feeding: Feeding, display: Display, patience: float) -> list[str]:
    """Draws until everything is final; what is wrong when it does not get there."""
    drawn = moved = time.monotonic()
    progress = verifier.progress()
    while not (feeding.done() and verifier.complete()):
        if feeding.failure or verifier.failure:
            return [str(feeding.failure or verifier.failure)]
        now = time.monotonic()
        if now - drawn >= _REFRESH_SECONDS:
            display.lines()
            drawn = now
        if verifier.progress() != progress:
            progress, moved = verifier.progress(), now
        elif now - moved > patience:
            return [f"nothing became final for {patience:.0f} seconds"]
        time.sleep(_TICK_SECONDS)
    display.lines()
    return []


def run(options: argparse.Namespace) -> int:
    """The whole job; the exit status."""
    with ExitStack() as stack:
        if options.input is None:
            source, records = f"{options.count} generated", generated(options.seed, options.count)
        elif options.input == "-":
            source, records = "standard input", read(sys.stdin.buffer, "INPUT")
        else:
            source = options.input
            records = read(stack.enter_context(open(source, "rb")), "INPUT")
        directory = options.data_dir or stack.enter_context(tempfile.TemporaryDirectory(prefix="duochain-run-"))
        node = stack.enter_context(
            Node(data_dir=directory, storage_backend=options.backend, time_scale=options.scale)
        )
        print(
            f"transactions: {source}, {options.producers} producers, {options.backend} store,"
            f" time scale 1/{options.scale}",
            flush=True,
        )
        verifier = Verifier(node)
        stack.callback(verifier.stop)
        display = Display(node, verifier)
        feeding = Feeding(node, verifier, records, options.producers)
        stack.callback(feeding.stop)
        # Several finality times of Alpha without any progress mean that something is lost.
        faults = watch(verifier, feeding, display, max(12 * 15 / options.scale, 30.0))
        if feeding.failure is not None and not isinstance(feeding.failure, DuoError):
            print(feeding.failure, file=sys.stderr)
            return 2
        feeding.stop()
        verifier.stop()
        return 0 if display.table(feeding.sent, faults) else 1


def main() -> int:
    """Runs; a refusal is told in one line."""
    options = parse(sys.argv[1:])
    try:
        return run(options)
    except (DuoError, OSError) as failure:
        print(f"run: {failure}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("run: interrupted", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
