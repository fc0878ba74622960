package io.duochain;

import io.duochain.ReplicatedLog.Receipt;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
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
            turn();
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
        Op oldest = oldest();
        while (oldest != null && settle(oldest, 0)) {
            oldest = oldest();
        }
        long now = System.nanoTime();
        long nanos = giveUp(now);
        oldest = oldest();
        if (oldest != null) {
            settle(oldest, nanos);
        }
    }

    private Op oldest() {
        synchronized (lock) {
            return ops.peek();
        }
    }

    /** True when it is out of the way. */
    private boolean settle(Op op, long nanos) {
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
        synchronized (lock) {
            // Nobody else takes any out.
            ops.remove();
        }
        complete(op, receipt, failure);
        return true;
    }

    /** Takes out those whose time is over and those whose future somebody else has completed. Until when to wait next. */
    private long giveUp(long now) {
        List<Op> over = new ArrayList<>();
        long nanos = Waiting.CHUNK_NANOS;
        synchronized (lock) {
            for (Iterator<Op> each = ops.iterator(); each.hasNext();) {
                Op op = each.next();
                if (op.end() - now <= 0 || op.done().isDone()) {
                    over.add(op);
                    each.remove();
                } else {
                    nanos = Math.min(nanos, op.end() - now);
                }
            }
        }
        for (Op op : over) {
            op.log().forget(op.number());
            complete(op, null, LogAppends.unknown());
        }
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
