package io.duochain;

/** The same call may succeed later without any change by the caller. */
public abstract class RetryableException extends DuoException {
    private static final long serialVersionUID = 1L;

    RetryableException(Code code, String message) {
        super(code, message);
    }
}
