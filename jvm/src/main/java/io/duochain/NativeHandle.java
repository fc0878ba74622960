package io.duochain;

import java.lang.System.Logger;
import java.lang.ref.Cleaner;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.LongConsumer;

/**
 * The native side of an object. It does not refer to that object, so it can be freed when the object was
 * forgotten.
 *
 * <p>{@code -Dio.duochain.leaks=true} keeps where each object was made, and reports through
 * {@code System.Logger} "io.duochain" those that were forgotten instead of closed. So does a pool that tracks leaks
 * for its buffers.
 */
final class NativeHandle implements Runnable {
    private static final boolean TRACE = Boolean.getBoolean("io.duochain.leaks");
    private static final Cleaner CLEANER = Cleaner.create(runnable -> {
        Thread thread = new Thread(runnable, "duo-cleaner");
        thread.setDaemon(true);
        return thread;
    });

    private final String what;
    private final long word;
    private final LongConsumer free;
    private final Throwable site;
    private final AtomicBoolean freed = new AtomicBoolean();
    private Cleaner.Cleanable cleanable;
    private volatile boolean closed;

    private NativeHandle(String what, long word, LongConsumer free, boolean trace) {
        this.what = what;
        this.word = word;
        this.free = free;
        this.site = trace ? new Throwable(what + " was made here") : null;
    }

    /** {@code free} must not refer to the owner. */
    static NativeHandle of(Object owner, String what, long word, LongConsumer free) {
        return of(owner, what, word, free, false);
    }

    /** As {@link #of(Object, String, long, LongConsumer)}; with {@code trace} it is reported when it was forgotten. */
    static NativeHandle of(Object owner, String what, long word, LongConsumer free, boolean trace) {
        NativeHandle handle = new NativeHandle(what, word, free, TRACE || trace);
        handle.cleanable = CLEANER.register(owner, handle);
        return handle;
    }

    /** Runs {@code action}, which must not refer to {@code owner}, once nobody can reach it. */
    static void whenForgotten(Object owner, Runnable action) {
        CLEANER.register(owner, action);
    }

    /**
     * The handle, for a call.
     *
     * @throws ClosedException after {@link #close}
     */
    long use() {
        if (closed) {
            throw closedException();
        }
        return word;
    }

    /** The handle, closed or not; the library refuses it once it is freed. */
    long word() {
        return word;
    }

    boolean isClosed() {
        return closed;
    }

    /** Later calls of {@link #use} are refused. */
    void close() {
        closed = true;
    }

    /** Frees the native object, once. */
    void free() {
        closed = true;
        if (freed.compareAndSet(false, true)) {
            try {
                free.accept(word);
            } catch (RuntimeException failure) {
                // Refused, not half done: it may be tried again.
                freed.set(false);
                throw failure;
            }
            cleanable.clean();
        }
    }

    boolean isFreed() {
        return freed.get();
    }

    DuoException closedException() {
        return Failures.of(Code.CLOSED, "the " + what + " is closed");
    }

    /** The cleaner's part. */
    @Override
    public void run() {
        if (!freed.compareAndSet(false, true)) {
            return;
        }
        if (!closed && site != null) {
            log().log(Logger.Level.WARNING, "a " + what + " was not closed", site);
        }
        try {
            free.accept(word);
        } catch (RuntimeException failure) {
            log().log(Logger.Level.WARNING, "a forgotten " + what + " could not be freed", failure);
        }
    }

    private static Logger log() {
        return System.getLogger("io.duochain");
    }
}
