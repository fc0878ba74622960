package io.duochain;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * A little memory outside the heap for each thread, through which short transactions cross: to copy them there and to
 * name an address costs less than the JVM takes to hand an array over. Freed by the collector when its thread has ended.
 */
final class ThreadRoom {
    /** Longest transaction that goes this way; with longer ones nothing is gained. */
    static final int LENGTH_MAX = 1024 - Long.BYTES;
    /** For threads without: too short for anything. */
    private static final ByteBuffer NONE = ByteBuffer.allocate(0);

    /** Of a type of the JDK's, so that a thread of a pool does not keep this library's classes. */
    private static final ThreadLocal<ByteBuffer> ROOM = ThreadLocal.withInitial(ThreadRoom::make);

    private ThreadRoom() {
    }

    /** The calling thread's memory. */
    static ByteBuffer mine() {
        return ROOM.get();
    }

    static boolean fits(ByteBuffer room, int length) {
        return length <= room.capacity() - Long.BYTES;
    }

    /** Copies a part of an array that {@linkplain #fits fits} into the room; the address of the copy, good until the next. */
    static long put(ByteBuffer room, byte[] array, int offset, int length) {
        HeapCopy.put(room, Long.BYTES, array, offset, length);
        return room.getLong(0) + Long.BYTES;
    }

    private static ByteBuffer make() {
        if (isVirtual(Thread.currentThread())) {
            // There may be millions.
            return NONE;
        }
        try {
            ByteBuffer room = ByteBuffer.allocateDirect(Long.BYTES + LENGTH_MAX).order(ByteOrder.LITTLE_ENDIAN);
            // Its first word is its own address.
            return room.putLong(0, Natives.address(room));
        } catch (OutOfMemoryError full) {
            return NONE;
        }
    }

    /** {@code Thread.isVirtual}, where the JDK has it. */
    private static boolean isVirtual(Thread thread) {
        try {
            return (boolean) Thread.class.getMethod("isVirtual").invoke(thread);
        } catch (ReflectiveOperationException older) {
            return false;
        }
    }
}
