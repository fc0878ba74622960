"""Exceptions: one class for each status of the library, with the same permanent number.

Where Python has an exception of the same meaning, the class is one of those too, so that
``except TimeoutError`` and ``except DuoTimeoutError`` both work.
"""

from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from ._native import Completion
    from ._replog import LogReceipt


class DuoError(Exception):
    """Everything that the library refuses or fails at."""

    code: ClassVar[int] = -99
    """Permanent number of the status, the same in every language."""
    name: ClassVar[str] = "INTERNAL"
    """Name of the status, the same in every language."""
    retryable: ClassVar[bool] = False
    """True when the same call may succeed later without any change by the caller."""

    completion: "Completion | None" = None
    """The completion that this is about, when a future carries it."""

    def __str__(self) -> str:
        return str(self.args[0]) if self.args else self.name


class FullError(DuoError):
    """No room now: a lane is full, or too many completions wait to be polled."""

    code = 1
    name = "AGAIN"
    retryable = True


class DuoTimeoutError(DuoError, TimeoutError):
    """The time given to a waiting call ran out."""

    code = 2
    name = "TIMEOUT"
    retryable = True


class NotFoundError(DuoError, LookupError):
    """There is no such thing, or not yet."""

    code = 3
    name = "NOT_FOUND"


class EndError(DuoError):
    """Closed, and everything that was accepted has been handed out."""

    code = 4
    name = "END"


class PartialError(DuoError):
    """A batch was accepted in part. Python returns the accepted part instead; kept for the number."""

    code = 5
    name = "PARTIAL"
    retryable = True


class NotEverywhereError(PartialError):
    """Entries of a replicated log are committed, and this node cannot know whether every voter has them.

    Appending them again, without a session, would put them into the log twice.
    """

    retryable = False

    receipt: "LogReceipt"
    """Where they are."""


class InvalidArgumentError(DuoError, ValueError):
    """An argument is out of range or malformed."""

    code = -1
    name = "INVALID_ARGUMENT"


class BadHandleError(DuoError):
    """The buffer or claim was given back before."""

    code = -2
    name = "BAD_HANDLE"


class ClosedError(DuoError):
    """The object was closed."""

    code = -3
    name = "CLOSED"


class UnsupportedError(DuoError):
    """This build or this object cannot do it."""

    code = -4
    name = "UNSUPPORTED"


class AbiMismatchError(DuoError):
    """Parts of the library of different versions met."""

    code = -5
    name = "ABI_MISMATCH"


class NoMemoryError(DuoError, MemoryError):
    """A memory bound was reached."""

    code = -6
    name = "NO_MEMORY"
    retryable = True


class IoError(DuoError, OSError):
    """The operating system refused a file or device operation."""

    code = -7
    name = "IO"


class CorruptionError(DuoError):
    """Stored data does not match its checksum, its hash or its format."""

    code = -8
    name = "CORRUPTION"


class ConfigError(DuoError, ValueError):
    """A configuration key or value is wrong."""

    code = -9
    name = "CONFIG"


class UnknownKeyError(ConfigError, KeyError):
    """There is no such configuration key; the text names the nearest one."""


class TooLargeError(DuoError, ValueError):
    """Larger than the configured maximum."""

    code = -10
    name = "TOO_LARGE"


class DuplicateError(DuoError):
    """The same transaction was accepted before."""

    code = -11
    name = "DUPLICATE"


class InvalidTransactionError(DuoError, ValueError):
    """The transaction is not acceptable, for example empty."""

    code = -12
    name = "INVALID_TX"


class NotLeaderError(DuoError):
    """Another node leads."""

    code = -13
    name = "NOT_LEADER"
    retryable = True

    leader: int | None = None
    """The node that leads; `None` when nobody is known to."""


class NoQuorumError(DuoError):
    """Too few nodes answer."""

    code = -14
    name = "NO_QUORUM"
    retryable = True


class ConflictError(DuoError):
    """The stored value is not the expected one."""

    code = -15
    name = "CONFLICT"


class DuoCancelledError(DuoError):
    """Given up before it took effect, because the caller or a close asked for it."""

    code = -16
    name = "CANCELLED"


class DuoPermissionError(DuoError, PermissionError):
    """The operating system denied access."""

    code = -17
    name = "PERMISSION"


class BusyError(DuoError):
    """Held by somebody else: a second process on a directory, a memoryview of a buffer."""

    code = -18
    name = "BUSY"
    retryable = True


class ReentrantError(DuoError):
    """Called from inside a callback of the library."""

    code = -19
    name = "REENTRANT"


class ForkedError(DuoError):
    """The object belongs to the parent process of a fork."""

    code = -20
    name = "FORKED"


class PoisonedError(DuoError):
    """An earlier panic or failed write left the object unusable; close and reopen it."""

    code = -21
    name = "POISONED"


class PanicError(DuoError):
    """The library hit a bug while serving this call; the object is poisoned."""

    code = -22
    name = "PANIC"


class InternalError(DuoError):
    """An unexpected failure inside the library."""


CLASSES: dict[int, type[DuoError]] = {
    kind.code: kind
    for kind in (
        FullError,
        DuoTimeoutError,
        NotFoundError,
        EndError,
        PartialError,
        InvalidArgumentError,
        BadHandleError,
        ClosedError,
        UnsupportedError,
        AbiMismatchError,
        NoMemoryError,
        IoError,
        CorruptionError,
        ConfigError,
        TooLargeError,
        DuplicateError,
        InvalidTransactionError,
        NotLeaderError,
        NoQuorumError,
        ConflictError,
        DuoCancelledError,
        DuoPermissionError,
        BusyError,
        ReentrantError,
        ForkedError,
        PoisonedError,
        PanicError,
        InternalError,
    )
}
"""The class of every status except OK, by number."""
