package io.duochain;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** Copies from the Java heap into memory outside. */
final class HeapCopy {
    /** Up to so many bytes are copied word by word: a call that copies more costs as much as this. */
    private static final int WORDWISE_MAX = 64;
    private static final VarHandle ARRAY_WORDS =
            MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);

    private HeapCopy() {
    }

    /** Copies a part of an array to an offset in a buffer that is little-endian. Position and limit stay. */
    static void put(ByteBuffer to, int at, byte[] array, int offset, int length) {
        if (length > WORDWISE_MAX || length < 8) {
            to.put(at, array, offset, length);
            return;
        }
        to.putLong(at, word(array, offset));
        if (length > 8) {
            putRest(to, at, array, offset, length - 8);
        }
    }

    /** Eight bytes of an array, at any of its bytes. */
    static long word(byte[] array, int offset) {
        return (long) ARRAY_WORDS.get(array, offset);
    }

    /** What follows the first word; {@code last} is where the last begins. */
    private static void putRest(ByteBuffer to, int at, byte[] array, int offset, int last) {
        for (int done = 8; done < last; done += 8) {
            to.putLong(at + done, word(array, offset + done));
        }
        // It may cover some bytes of the one before.
        to.putLong(at + last, word(array, offset + last));
    }
}
