package io.duochain;

/** The object or its data is beyond repair in this process. */
public abstract class FatalException extends DuoException {
    private static final long serialVersionUID = 1L;

    FatalException(Code code, String message) {
        super(code, message);
    }
}
