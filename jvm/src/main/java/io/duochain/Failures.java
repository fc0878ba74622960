package io.duochain;

import java.nio.charset.StandardCharsets;

/** How statuses of the native library become exceptions. */
final class Failures {
    /** A native that gives a number says "not done, because" with the sign bit and a status below. */
    private static final long REFUSED = Long.MIN_VALUE;

    private Failures() {
    }

    /** Called by the native library for an error. */
    static DuoException of(int status, byte[] message, long detail) {
        return ExceptionTable.of(Code.of(status), new String(message, StandardCharsets.UTF_8)).with(detail);
    }

    /** The exception of a normal outcome that the caller did not want to handle. */
    static DuoException of(Code code, String message) {
        return ExceptionTable.of(code, message);
    }

    static boolean isRefused(long result) {
        return result < 0;
    }

    /** The status inside a refusal. */
    static Code refusal(long result) {
        return Code.of((int) (result - REFUSED));
    }
}
