package io.duochain;

/** The call or its arguments are wrong; repeating it cannot help. */
public abstract class CallerException extends DuoException {
    private static final long serialVersionUID = 1L;

    CallerException(Code code, String message) {
        super(code, message);
    }
}
