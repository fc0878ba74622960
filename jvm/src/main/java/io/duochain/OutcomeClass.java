package io.duochain;

/** What kind of reaction an outcome asks for. */
public enum OutcomeClass {
    /** Nothing went wrong. */
    OK,
    /** The same call may succeed later without any change by the caller. */
    RETRYABLE,
    /** The call or its arguments are wrong; repeating it cannot help. */
    CALLER,
    /** The object or its data is beyond repair in this process. */
    FATAL
}
