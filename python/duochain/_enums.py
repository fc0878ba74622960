"""Enumerations with the library's permanent numbers."""

from enum import IntEnum


class Chain(IntEnum):
    """Which of the two chains."""

    ALPHA = 1
    """Records and privacy; one block every 15 s."""
    DELTA = 2
    """Accounts and programs; one block every 3 s."""


class EventKind(IntEnum):
    """What happened."""

    ALPHA_BLOCK_FINALIZED = 1
    DELTA_BLOCK_FINALIZED = 2
    SAX_LOCK_ATTESTED = 3
    SAX_UNLOCKED = 4
    GOVERNANCE_EXECUTED = 5
    GOVERNANCE_EXPIRED = 6
    EPOCH_BOUNDARY_REACHED = 7
    EPOCH_ABORTED = 8
    CHAIN_DEGRADED = 9
    CHAIN_RECOVERED = 10
    VALIDATOR_SLASHED = 11
    VALIDATOR_JAILED = 12


class HealthState(IntEnum):
    """Service of a chain, best first."""

    HEALTHY = 1
    RECOVERING = 2
    DEGRADED = 3
    STALLED = 4


class PoolKind(IntEnum):
    """What the buffers of a managed pool are for."""

    TRANSACTION_REQUEST = 1
    BLOCK_PROPOSAL = 2
    CONSENSUS_MESSAGE = 3
    LOG_ENTRY = 4


class TxState(IntEnum):
    """How far a transaction got."""

    UNKNOWN = 0
    """In no block: never seen, still queued, or refused."""
    INCLUDED = 1
    """In a durable block that is not final yet."""
    FINAL = 2
    """In a final block."""


class Status(IntEnum):
    """Outcome of a call or submission. Zero is success, positive numbers are normal, negative errors."""

    OK = 0
    AGAIN = 1
    TIMEOUT = 2
    NOT_FOUND = 3
    END = 4
    PARTIAL = 5
    INVALID_ARGUMENT = -1
    BAD_HANDLE = -2
    CLOSED = -3
    UNSUPPORTED = -4
    ABI_MISMATCH = -5
    NO_MEMORY = -6
    IO = -7
    CORRUPTION = -8
    CONFIG = -9
    TOO_LARGE = -10
    DUPLICATE = -11
    INVALID_TX = -12
    NOT_LEADER = -13
    NO_QUORUM = -14
    CONFLICT = -15
    CANCELLED = -16
    PERMISSION = -17
    BUSY = -18
    REENTRANT = -19
    FORKED = -20
    POISONED = -21
    PANIC = -22
    INTERNAL = -99
