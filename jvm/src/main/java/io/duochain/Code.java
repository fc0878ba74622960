// Made from the library's tables by bindings/jni/tests/java_tables.rs; DUO_UPDATE=1 writes it.
package io.duochain;

/** Why a call did not do what it says. The numbers are permanent. */
public enum Code {
    /** The call did what it says. */
    OK(0, OutcomeClass.OK, "The call did what it says."),
    /** Full on the way in, or empty on the way out: try again later. */
    AGAIN(1, OutcomeClass.RETRYABLE, "Full on the way in, or empty on the way out: try again later."),
    /** The time given to a waiting call ran out. */
    TIMEOUT(2, OutcomeClass.RETRYABLE, "The time given to a waiting call ran out."),
    /** There is no such thing (yet). */
    NOT_FOUND(3, OutcomeClass.CALLER, "There is no such thing (yet)."),
    /** Closed, and everything that was accepted has been handed out. */
    END(4, OutcomeClass.CALLER, "Closed, and everything that was accepted has been handed out."),
    /** A batch was accepted up to the count reported. */
    PARTIAL(5, OutcomeClass.RETRYABLE, "A batch was accepted up to the count reported."),
    /** An argument is NULL, out of range or malformed. */
    INVALID_ARGUMENT(-1, OutcomeClass.CALLER, "An argument is NULL, out of range or malformed."),
    /** The handle was never given out, is of another kind, or was freed. */
    BAD_HANDLE(-2, OutcomeClass.CALLER, "The handle was never given out, is of another kind, or was freed."),
    /** The object was closed. */
    CLOSED(-3, OutcomeClass.CALLER, "The object was closed."),
    /** This build or this object cannot do it. */
    UNSUPPORTED(-4, OutcomeClass.CALLER, "This build or this object cannot do it."),
    /** The caller was compiled against another major version of the interface. */
    ABI_MISMATCH(-5, OutcomeClass.CALLER, "The caller was compiled against another major version of the interface."),
    /** A memory bound was reached. */
    NO_MEMORY(-6, OutcomeClass.RETRYABLE, "A memory bound was reached."),
    /** The operating system refused a file or device operation. */
    IO(-7, OutcomeClass.FATAL, "The operating system refused a file or device operation."),
    /** Stored data does not match its checksum, its hash or its format. */
    CORRUPTION(-8, OutcomeClass.FATAL, "Stored data does not match its checksum, its hash or its format."),
    /** A configuration key or value is wrong. */
    CONFIG(-9, OutcomeClass.CALLER, "A configuration key or value is wrong."),
    /** Larger than the configured maximum. */
    TOO_LARGE(-10, OutcomeClass.CALLER, "Larger than the configured maximum."),
    /** The same transaction was accepted before. */
    DUPLICATE(-11, OutcomeClass.CALLER, "The same transaction was accepted before."),
    /** The transaction is not acceptable, for example empty. */
    INVALID_TX(-12, OutcomeClass.CALLER, "The transaction is not acceptable, for example empty."),
    /** Another node leads. */
    NOT_LEADER(-13, OutcomeClass.RETRYABLE, "Another node leads."),
    /** Too few nodes answer. */
    NO_QUORUM(-14, OutcomeClass.RETRYABLE, "Too few nodes answer."),
    /** The stored value is not the expected one. */
    CONFLICT(-15, OutcomeClass.CALLER, "The stored value is not the expected one."),
    /** Given up before it took effect, because the caller or a close asked for it. */
    CANCELLED(-16, OutcomeClass.CALLER, "Given up before it took effect, because the caller or a close asked for it."),
    /** The operating system denied access. */
    PERMISSION(-17, OutcomeClass.CALLER, "The operating system denied access."),
    /** Held by somebody else: a second process on a directory, a second consumer. */
    BUSY(-18, OutcomeClass.RETRYABLE, "Held by somebody else: a second process on a directory, a second consumer."),
    /** Called from inside a callback of the library. */
    REENTRANT(-19, OutcomeClass.CALLER, "Called from inside a callback of the library."),
    /** The handle belongs to the parent process of a fork. */
    FORKED(-20, OutcomeClass.FATAL, "The handle belongs to the parent process of a fork."),
    /** An earlier panic or failed write left the object unusable; close and reopen it. */
    POISONED(-21, OutcomeClass.FATAL, "An earlier panic or failed write left the object unusable; close and reopen it."),
    /** The library hit a bug while serving this call; the handle is poisoned. */
    PANIC(-22, OutcomeClass.FATAL, "The library hit a bug while serving this call; the handle is poisoned."),
    /** An unexpected failure inside the library. */
    INTERNAL(-99, OutcomeClass.FATAL, "An unexpected failure inside the library.");

    private static final java.util.Map<Integer, Code> BY_NUMBER = java.util.Arrays.stream(values())
            .collect(java.util.stream.Collectors.toUnmodifiableMap(Code::number, code -> code));

    private final int number;
    private final OutcomeClass outcomeClass;
    private final String meaning;

    Code(int number, OutcomeClass outcomeClass, String meaning) {
        this.number = number;
        this.outcomeClass = outcomeClass;
        this.meaning = meaning;
    }

    /** Its permanent number. */
    public int number() {
        return number;
    }

    /** The reaction it asks for. */
    public OutcomeClass outcomeClass() {
        return outcomeClass;
    }

    /** What it means, in one sentence. */
    public String meaning() {
        return meaning;
    }

    /** From its number; a number of a newer library is an internal error. */
    static Code of(int number) {
        return BY_NUMBER.getOrDefault(number, INTERNAL);
    }
}
