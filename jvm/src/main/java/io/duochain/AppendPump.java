package io.duochain;

import io.duochain.ReplicatedLog.Receipt;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

/**
 * Completes futures of appends that are answered in their order: a daemon thread "duo-appends" waits for the oldest, from
 * the first append on until there has been none for a while. So it keeps no log alive that nobody waits for.
 *
 * <p>Times that run out, and futures that are completed by others, are looked at between two waits, of which none is longer
 * than {@link Waiting#CHUNK_NANOS}.
 */
final class AppendPump implements Runnable {
    private static final long IDLE_NANOS = TimeUnit.SECONDS.toNanos(10);

    /** One append whose answer is not there yet, until {@code end} of {@code System.nanoTime()}. */
    record Op(LogAppends log, long number, long end, CompletableFuture<Receipt> done) {
    }

    /** Guards all below. */
    private final Object lock = new Object();
    private final ArrayDeque<Op> ops = new ArrayDeque<>();
    private boolean isRunning;

    void add(Op op) {
        synchronized (lock) {
            ops.add(op);
            if (isRunning) {
                lock.notifyAll();
                return;
            }
            try {
                Thread thread = new Thread(this, "duo-appends");
                thread.setDaemon(true);
                thread.start();
                isRunning = true;
            } catch (Throwable noThread) {
                ops.removeLast();
                throw noThread;
            }
        }
    }

    @Override
    public void run() {
        while (hasWork()) {
            try {
                turn();
            } catch (Throwable full) {
                // Memory, most likely: those that wait are looked at again.
                Thread.yield();
            }
        }
    }

    /** False when there was none for a while: then the thread ends, and the next append starts another. */
    private boolean hasWork() {
        long start = System.nanoTime();
        synchronized (lock) {
            while (ops.isEmpty()) {
                long left = IDLE_NANOS - (System.nanoTime() - start);
                if (left <= 0) {
                    isRunning = false;
                    return false;
                }
                try {
                    TimeUnit.NANOSECONDS.timedWait(lock, left);
                } catch (InterruptedException by) {
                    // Of the code of a future's user; it means nothing here.
                }
            }
            return true;
        }
    }

    /** Completes what is answered, gives up what is over, and waits for the oldest. */
    private void turn() {
        while (settleOldest(0)) {
            // The next one.
        }
        long nanos = giveUp(System.nanoTime());
        if (!settleOldest(nanos)) {
            settleOthers();
        }
    }

    /** False when there is none, or no answer to it. */
    private boolean settleOldest(long nanos) {
        Op oldest = oldest();
        if (oldest == null || !isSettled(oldest, nanos)) {
            return false;
        }
        synchronized (lock) {
            // Nobody else takes any out.
            ops.remove();
        }
        return true;
    }

    /** A leader that steps down answers those that have no place in its log before those that have one. */
    private void settleOthers() {
        List<Op> waiting;
        synchronized (lock) {
            waiting = new ArrayList<>(ops);
        }
        Set<Op> settled = new HashSet<>();
        for (Op op : waiting) {
            if (isSettled(op, 0)) {
                settled.add(op);
            }
        }
        remove(settled);
    }

    private void remove(Set<Op> settled) {
        if (!settled.isEmpty()) {
            synchronized (lock) {
                ops.removeIf(settled::contains);
            }
        }
    }

    private Op oldest() {
        synchronized (lock) {
            return ops.peek();
        }
    }

    /** True when there was an answer, which its future has now. */
    private static boolean isSettled(Op op, long nanos) {
        Receipt receipt = null;
        Throwable failure = null;
        try {
            receipt = op.log().answer(op.number(), nanos);
        } catch (DuoException answer) {
            failure = answer;
        } catch (Throwable thrown) {
            failure = thrown;
            op.log().forget(op.number());
        }
        if (receipt == null && failure == null) {
            return false;
        }
        complete(op, receipt, failure);
        return true;
    }

    /** Takes out those whose time is over and those whose future somebody else has completed. Until when to wait next. */
    private long giveUp(long now) {
        Set<Op> over = new HashSet<>();
        long nanos = Waiting.CHUNK_NANOS;
        synchronized (lock) {
            for (Op op : ops) {
                if (op.end() - now <= 0 || op.done().isDone()) {
                    over.add(op);
                } else {
                    nanos = Math.min(nanos, op.end() - now);
                }
            }
        }
        for (Op op : over) {
            // The answer may be there, and only nobody has looked.
            if (op.done().isDone() || !isSettled(op, 0)) {
                op.log().forget(op.number());
                complete(op, null, LogAppends.unknown());
            }
        }
        remove(over);
        return nanos;
    }

    private static void complete(Op op, Receipt receipt, Throwable failure) {
        try {
            if (failure == null) {
                op.done().complete(receipt);
            } else {
                op.done().completeExceptionally(failure);
            }
        } catch (Throwable full) {
            // What depends on it has failed where nobody can be told; the others get theirs.
        }
    }
}
