"""Is a history of the replicated log linearizable? Asked by somebody who knows nothing but its lines.

    python3 outside.py HISTORY.jsonl...

The form of a line and the object, a list that is known by its length and a digest, are as docs/simulation.md says. This
searches for an order of the operations that the list explains and in which nobody stands before an operation that had
returned before he called (Wing and Gong, "Testing and verifying concurrent objects", JPDC 1993), and notes which states it has
tried (Lowe, "Testing for linearizability", 2017). Three moves are forced, which leaves little to search:

- a read stands where its length is the list's, before the next append;
- an append that was told its place stands there, and nothing else does;
- so what nobody knows (`info`) is tried where no other append stands, or nowhere.

It shares no code with the test that writes histories. The status is 0 when all are linearizable, 1 when one is not, 2
when one is no history.
"""

import bisect
import json
import sys

WORD = 2**64 - 1
FOREVER = float("inf")


class NoHistory(Exception):
    """The file is something else."""


def mixed(digest: int, value: int) -> int:
    """The digest of a list one value longer: the finaliser of SplitMix64 over both."""
    word = digest ^ (value + 0x9E3779B97F4A7C15) & WORD
    word = (word ^ word >> 30) * 0xBF58476D1CE4E5B9 & WORD
    word = (word ^ word >> 27) * 0x94D049BB133111EB & WORD
    return word ^ word >> 31


def parse(path: str) -> list[dict]:
    """The operations of a file, with what each line has to have."""
    try:
        with open(path, encoding="utf-8") as lines:
            operations = [json.loads(line) for line in lines]
        for operation in operations:
            append = operation["operation"] == "append"
            is_known = append or operation["operation"] == "read"
            if not is_known or operation["outcome"] not in ("ok", "fail", "info"):
                raise NoHistory(f"no operation: {operation}")
            operation["is_append"] = append
            if (operation["return"] is None) != (operation["outcome"] == "info"):
                raise NoHistory(f"a return and none: {operation}")
            if operation["return"] is not None and operation["return"] < operation["call"]:
                raise NoHistory(f"it returned before it was called: {operation}")
            if operation["outcome"] == "ok":
                needed = ("value", "place", "index") if append else ("length",)
                if not all(isinstance(operation[name], int) for name in needed):
                    raise NoHistory(f"no numbers: {operation}")
                operation["digest"] = 0 if append else int(operation["digest"], 16)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise NoHistory(f"{path}: {error!r}") from error
    return operations


def contradiction(operations: list[dict]) -> str | None:
    """What cannot be, whatever the order."""
    last: dict[int, float] = {}
    for operation in sorted(operations, key=lambda operation: operation["call"]):
        # One after the other; and who has got no answer does nothing more.
        if operation["call"] < last.get(operation["process"], 0):
            return f"a process does two things at once: {operation}"
        ended = operation["return"]
        last[operation["process"]] = FOREVER if ended is None else ended
    values = [operation["value"] for operation in operations if operation["is_append"]]
    if len(values) != len(set(values)):
        return "a value is appended twice"
    told = [operation for operation in operations if operation["is_append"] and operation["outcome"] == "ok"]
    told.sort(key=lambda operation: operation["place"])
    for before, after in zip(told, told[1:]):
        if before["place"] == after["place"]:
            return f"two at one place: {before} and {after}"
        if before["index"] >= after["index"]:
            return f"the log has them in another order: {before} and {after}"
    return None


class Search:
    """The operations that count, and how far an order of them has come."""

    def __init__(self, operations: list[dict]) -> None:
        known = [operation for operation in operations if operation["outcome"] == "ok"]
        self.by_return = sorted(known, key=lambda operation: operation["return"])
        self.appends = {operation["place"]: operation for operation in known if operation["is_append"]}
        self.reads: dict[int, list[dict]] = {}
        for operation in known:
            if not operation["is_append"]:
                self.reads.setdefault(operation["length"], []).append(operation)
        open_ones = [op for op in operations if op["outcome"] == "info" and op["is_append"]]
        # Lengths that the list had: before an append that was told its place, and at a read.
        self.lengths = sorted({place - 1 for place in self.appends} | set(self.reads))
        # Those that were asked last have most often happened.
        self.open = sorted(open_ones, key=lambda operation: -operation["call"])
        self.done: list[dict] = []
        self.is_done: set[int] = set()
        self.furthest = 0

    def do(self, operation: dict) -> None:
        self.done.append(operation)
        self.is_done.add(id(operation))

    def undo(self, count: int) -> None:
        """Back to when so many were done."""
        while len(self.done) > count:
            self.is_done.remove(id(self.done.pop()))

    def first_return(self, start: int) -> int:
        """Where in `by_return` the first operation stands that is not done, from `start` on."""
        while start < len(self.by_return) and id(self.by_return[start]) in self.is_done:
            start += 1
        return start

    def may_go(self, operation: dict, first: int) -> bool:
        """Whether nobody has returned before it was called who is not done."""
        return first == len(self.by_return) or operation["call"] <= self.by_return[first]["return"]

    def advance(self, length: int, digest: int, first: int) -> tuple[bool, int, int, int]:
        """Makes all moves that are forced. False when there is none and there has to be one."""
        while True:
            left = [read for read in self.reads.get(length, ()) if id(read) not in self.is_done]
            while left:
                first = self.first_return(first)
                going = [read for read in left if self.may_go(read, first) and read["digest"] == digest]
                if not going:
                    break
                for read in going:
                    self.do(read)
                left = [read for read in left if id(read) not in self.is_done]
            first = self.first_return(first)
            self.furthest = max(self.furthest, first)
            append = self.appends.get(length + 1)
            if left or append is None:
                # A read that is left would never see this length again.
                return not left, length, digest, first
            if not self.may_go(append, first):
                return False, length, digest, first
            self.do(append)
            length, digest = length + 1, mixed(digest, append["value"])

    def may_come(self, length: int, open_ones: int) -> bool:
        """Whether what nobody knows can make the list as long as it has to be next."""
        at = bisect.bisect_right(self.lengths, length)
        return at < len(self.lengths) and self.lengths[at] - length <= open_ones

    def run(self) -> bool:
        """Whether there is an order."""
        tried = set()
        # How many were done, the state, and which one of the open ones is tried next.
        stack = [(0, 0, 0, 0, -1)]
        while stack:
            count, length, digest, first, choice = stack.pop()
            self.undo(count)
            if choice >= 0:
                if choice + 1 < len(self.open):
                    stack.append((count, length, digest, first, choice + 1))
                operation = self.open[choice]
                if id(operation) in self.is_done or not self.may_go(operation, first):
                    continue
                self.do(operation)
                length, digest = length + 1, mixed(digest, operation["value"])
            is_sound, length, digest, first = self.advance(length, digest, first)
            if not is_sound:
                continue
            if first == len(self.by_return):
                return True
            chosen = frozenset(id(operation) for operation in self.open if id(operation) in self.is_done)
            may_come = self.may_come(length, len(self.open) - len(chosen))
            if may_come and (digest, length, chosen) not in tried:
                tried.add((digest, length, chosen))
                stack.append((len(self.done), length, digest, first, 0))
        return False


def complaint(operations: list[dict]) -> str | None:
    """Why the history is not linearizable; nothing when it is."""
    what = contradiction(operations)
    if what is not None:
        return what
    search = Search(operations)
    if search.run():
        return None
    stuck = search.by_return[min(search.furthest, len(search.by_return) - 1)]
    return f"there is no order; none comes further than {stuck}"


def main(paths: list[str]) -> int:
    status = 0
    for path in paths:
        try:
            operations = parse(path)
        except NoHistory as error:
            print(f"{path}: no history: {error}")
            return 2
        what = complaint(operations)
        print(f"{path}: {len(operations)} operations: {what or 'linearizable'}")
        status = max(status, int(what is not None))
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
