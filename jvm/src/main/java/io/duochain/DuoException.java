package io.duochain;

import java.util.Optional;

/**
 * A call that did not do what it says. {@link #code()} is the permanent reason; each reason has a subclass
 * of {@link RetryableException}, {@link CallerException} or {@link FatalException}.
 *
 * <p>It extends {@link IllegalStateException} because use after close is one of the reasons
 * ({@link ClosedException}), and that is what Java programs expect for it.
 */
public abstract class DuoException extends IllegalStateException {
    private static final long serialVersionUID = 1L;

    private final Code code;
    private transient Completion completion;
    private transient ReplicatedLog.Receipt receipt;
    private long detail;

    DuoException(Code code, String message) {
        super(message == null || message.isEmpty() ? code.meaning() : message);
        this.code = code;
    }

    /** The permanent reason. */
    public final Code code() {
        return code;
    }

    /**
     * True when the same call may succeed later without any change by the caller. False for what is committed in spite of it
     * ({@link PartialException#receipt()}): once more would be a second time.
     */
    public final boolean retryable() {
        return receipt == null && code.outcomeClass() == OutcomeClass.RETRYABLE;
    }

    /** For the failure of a submission's future: where the earlier transaction is, and when it was known. */
    public final Optional<Completion> completion() {
        return Optional.ofNullable(completion);
    }

    /** A number that belongs to some reasons. */
    final long detail() {
        return detail;
    }

    /** What is committed in spite of it. */
    final Optional<ReplicatedLog.Receipt> committed() {
        return Optional.ofNullable(receipt);
    }

    final DuoException with(ReplicatedLog.Receipt of) {
        receipt = of;
        return this;
    }

    final DuoException with(long number) {
        detail = number;
        return this;
    }

    final DuoException with(Completion outcome) {
        completion = outcome;
        return this;
    }
}
