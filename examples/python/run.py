"""The main job: feed transactions into both chains, watch them become final, and prove that what came out
is what went in. Exit status 0: proven. 1: not. 2: could not be tried.
"""

import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

from display import Display
from feeding import Feeding, Refused
from options import Options, parse
from records import InputFault, generated, opened
from verifier import Verifier

from duochain import DuoError, Node

_ALPHA_INTERVAL_SECONDS = 15


def _prove(options: Options, records: Iterator[bytes], node: Node) -> bool:
    """From the first record to the verdict."""
    with ExitStack() as stack:
        verifier = Verifier(node)
        stack.callback(verifier.stop)
        display = Display(node, verifier, options)
        feeding = Feeding(node, verifier, records, options.producers)
        stack.callback(feeding.stop)
        # Several finality times of Alpha without any progress mean that something is lost.
        faults = display.until_final(feeding, max(12 * _ALPHA_INTERVAL_SECONDS / options.scale, 30.0))
        feeding.stop()
        verifier.stop()
        failure = feeding.failure or verifier.failure
        if failure:
            raise failure
        return display.table(feeding.sent, faults)


def _run(options: Options) -> bool:
    records = generated(options.seed, options.count) if options.input is None else opened(options.input)
    with ExitStack() as stack:
        directory = options.data_dir
        if directory is None:
            directory = stack.enter_context(tempfile.TemporaryDirectory(prefix="duochain-run-"))
        # The library says what is wrong with a backend.
        settings: dict[str, Any] = {"storage_backend": options.backend}
        node = Node(data_dir=directory, time_scale=options.scale, **settings)
        return _prove(options, records, stack.enter_context(node))


def main() -> int:
    """Runs; a refusal is told in one line."""
    try:
        return 0 if _run(parse(sys.argv[1:])) else 1
    except (DuoError, InputFault, OSError, Refused) as fault:
        print(f"run: {fault}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("run: interrupted", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
