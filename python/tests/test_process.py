"""The process around the library: signals, crashes, leaks, other processes, silence."""

import os
import re
import signal
import threading
from pathlib import Path

import pytest
from conftest import TOP, final, outcome, start

import duochain
from duochain import Chain, Node, TxState

WAITS = {
    "completions": "node.poll_completions(timeout=None)",
    "submit": "[node.submit_wait(Chain.ALPHA, b'%d' % n) for n in range(99)]",
    "events": "events.wait()",
    "iterator": "list(events)",
    "future": "node.submit_future(Chain.ALPHA, b'x').result()",
    "queue": "TxQueue(cells=8).dequeue(timeout=None)",
    "asyncio": "asyncio.run(node.submit_async(Chain.ALPHA, b'x'))",
}

INTERRUPTED = """
    import asyncio, os, signal, statistics, sys, threading, time
    from duochain import *
    node = Node(storage_backend="memory", time_scale=1, completions_max=16)
    events = node.subscribe()
    def interrupt():
        time.sleep(0.15)
        global sent
        sent = time.monotonic()
        os.kill(os.getpid(), signal.SIGINT)
    spans = []
    for _ in range(7):
        threading.Thread(target=interrupt).start()
        try:
            {wait}
        except KeyboardInterrupt:
            spans.append(time.monotonic() - sent)
    print(len(spans), statistics.median(spans))
    node.close()
"""


@pytest.mark.parametrize("wait", list(WAITS))
def test_ctrl_c_ends_every_wait_soon(wait: str) -> None:
    status, out, err = outcome(start(INTERRUPTED.format(wait=WAITS[wait])))
    assert (status, err) == (0, "")
    interrupted, median = out.split()
    # The slice is 50 ms, and the machine may be busy elsewhere. Without slices a wait would not end.
    assert int(interrupted) == 7 and float(median) < 1.0, out


def test_what_was_final_survives_a_kill_at_any_moment(tmp_path: Path) -> None:
    code = """
        import faulthandler, sys
        from duochain import Chain, Node
        faulthandler.dump_traceback_later(120, exit=True)
        node = Node(data_dir=sys.argv[1], time_scale=300)
        number = int(sys.argv[2])
        while True:
            for chain in Chain:
                node.submit_wait(chain, b"%d" % number)
            number += 1
            for done in node.poll_completions(64):
                if done.ok:
                    print(int(done.chain), done.tx.hex(), done.height, done.index, flush=True)
    """
    told: dict[tuple[Chain, bytes], tuple[int, int]] = {}
    for attempt in range(3):
        process = start(code, tmp_path / "data", attempt * 1_000_000)
        assert process.stdout is not None and process.stderr is not None
        for _ in range(60):
            line = process.stdout.readline()
            assert line, process.stderr.read()
            number, tx, height, index = line.split()
            told[Chain(int(number)), bytes.fromhex(tx)] = (int(height), int(index))
        process.kill()
        assert outcome(process)[0] == -signal.SIGKILL
    with Node(data_dir=tmp_path / "data", time_scale=300) as node:
        for (chain, id), place in told.items():
            status = node.tx_status(chain, id)
            assert (status.state, (status.height, status.index)) == (TxState.FINAL, place)
        for chain in Chain:
            seen: set[bytes] = set()
            for at in range(1, node.head(chain).height + 1):
                for transaction in node.block(chain, at).transactions:
                    assert transaction not in seen
                    seen.add(transaction)
        assert final(node, Chain.DELTA, b"goes on").ok


def test_a_second_process_on_a_directory_is_refused_by_name(tmp_path: Path) -> None:
    with Node(data_dir=tmp_path, time_scale=300):
        code = """
            import sys, duochain
            try:
                duochain.Node(data_dir=sys.argv[1])
            except duochain.BusyError as error:
                print(error)
        """
        status, out, err = outcome(start(code, tmp_path))
        assert (status, err) == (0, "")
        assert str(tmp_path) in out and str(os.getpid()) in out
        with pytest.raises(duochain.BusyError):
            Node(data_dir=tmp_path)
    Node(data_dir=tmp_path, time_scale=300).close()


def test_directories_that_cannot_be_used_have_their_own_errors(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(duochain.DuoError) as refused:
        Node(data_dir=tmp_path / "file")
    assert isinstance(refused.value, OSError) and str(tmp_path) in str(refused.value)
    Node(data_dir=tmp_path / "data", time_scale=300).close()
    format_file = tmp_path / "data" / "FORMAT"
    original = format_file.read_bytes()
    newer = re.sub(rb"\d+", lambda found: b"%d" % (int(found[0]) + 98), original, count=1)
    assert newer != original, "the format file holds its number"
    format_file.write_bytes(newer)
    with pytest.raises((duochain.UnsupportedError, duochain.CorruptionError)):
        Node(data_dir=tmp_path / "data")


def test_damage_in_the_middle_of_a_log_is_named_with_file_and_offset(tmp_path: Path) -> None:
    with Node(data_dir=tmp_path, time_scale=300) as node:
        for number in range(5):
            final(node, Chain.DELTA, b"%d" % number * 100)
    (segment,) = sorted((tmp_path / "delta" / "blocks").iterdir())[:1]
    content = bytearray(segment.read_bytes())
    content[len(content) // 3] ^= 0xFF
    segment.write_bytes(content)
    with pytest.raises(duochain.CorruptionError, match=re.escape(str(segment))):
        Node(data_dir=tmp_path, time_scale=300)


def test_a_thousand_opens_and_closes_leave_nothing_behind(tmp_path: Path) -> None:
    # In a process of its own, whose memory nothing else moves.
    code = """
        import os, resource, sys, time
        from duochain import Chain, Node

        def memory_cycle():
            with Node(storage_backend="memory", time_scale=300, queue_cells=64, queue_lanes=2) as node:
                node.submit(Chain.ALPHA, b"x")
                node.claim(Chain.DELTA, 10)
                with node.subscribe() as events:
                    events.event_fd()
                node.completion_fd()

        def disk_cycle():
            with Node(data_dir=sys.argv[1], time_scale=300, queue_cells=64) as node:
                node.submit(Chain.ALPHA, b"x")

        def counts():
            return len(os.listdir("/proc/self/task")), len(os.listdir("/proc/self/fd"))

        def megabytes():
            return int(open("/proc/self/statm").read().split()[1]) * resource.getpagesize() >> 20

        for _ in range(40):
            disk_cycle()
            memory_cycle()
        before, memory = counts(), megabytes()
        for _ in range(40):
            disk_cycle()
        for _ in range(960):
            memory_cycle()
        deadline = time.monotonic() + 10
        while counts() != before and time.monotonic() < deadline:
            time.sleep(0.01)
        print(counts() == before or (before, counts()), megabytes() - memory)
    """
    process = start(code, tmp_path)
    out, err = process.communicate(timeout=300)
    assert (process.returncode, err) == (0, "")
    same, grown = out.split()
    # A leak of 64 KiB a cycle would be 60.
    assert same == "True" and int(grown) < 16, out


def test_futures_leave_no_thread_behind() -> None:
    before = threading.active_count()
    for _ in range(20):
        with Node(storage_backend="memory", time_scale=300, queue_cells=64) as node:
            assert node.submit_future(Chain.DELTA, b"x").result(30).ok
    assert threading.active_count() == before


def test_nothing_is_written_to_stdout_or_stderr(tmp_path: Path) -> None:
    code = """
        import gc, sys, duochain
        from duochain import Chain, Node
        inject = getattr(duochain._native, "_inject_panic", None)
        for _ in range(2):
            with Node(data_dir=sys.argv[1], time_scale=300) as node:
                node.submit_future(Chain.DELTA, b"x")
                if inject:
                    inject(node, Chain.DELTA)
                for wrong in (b"", bytes(2 << 20)):
                    try:
                        node.submit(Chain.ALPHA, wrong)
                    except duochain.DuoError:
                        pass
                if inject:
                    inject()
                    try:
                        node.health()
                    except duochain.PanicError:
                        pass
        node = Node(storage_backend="memory")
        del node
        gc.collect()
        left = Node(storage_backend="memory")
        future = left.submit_future(Chain.DELTA, b"never final")
    """
    assert outcome(start(code, tmp_path)) == (0, "", "")


def test_opening_can_be_interrupted_and_leaves_the_directory_free(tmp_path: Path) -> None:
    code = """
        import os, signal, sys, threading, duochain
        try:
            threading.Timer(0.01, os.kill, (os.getpid(), signal.SIGINT)).start()
            while True:
                duochain.Node(data_dir=sys.argv[1], time_scale=300).close()
        except KeyboardInterrupt:
            print("interrupted")
    """
    assert outcome(start(code, tmp_path)) == (0, "interrupted\n", "")
    Node(data_dir=tmp_path, time_scale=300).close()


def test_the_page_of_the_replicated_log_has_python_that_runs(tmp_path: Path) -> None:
    page = (TOP / "docs/replication.md").read_text(encoding="utf-8")
    [block] = re.findall(r"^```python\n(.*?)^```", page, flags=re.DOTALL | re.MULTILINE)
    # The second one finds the directory of the first, as a curious reader's does.
    for times in (1, 2):
        status, out, err = outcome(start(block, cwd=tmp_path))
        assert (status, err) == (0, ""), err
        assert re.fullmatch(rf"([1-9]\d* hello\n){{{times}}}", out), out


def test_the_readmes_python_block_runs(tmp_path: Path) -> None:
    readme = (TOP / "README.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```python\n(.*?)^```", readme, flags=re.DOTALL | re.MULTILINE)
    assert blocks, "README.md has a block of Python"
    for block in blocks:
        # The second one finds the directory of the first, as a curious reader's does.
        for expected in ("OK", "DUPLICATE"):
            status, out, err = outcome(start(block, cwd=tmp_path))
            assert (status, err) == (0, ""), err
            assert re.fullmatch(rf"final at height [1-9]\d* \({expected}\)\n", out), out
