package io.duochain;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Completes the futures of one node: a daemon thread "duo-completions" takes completions in batches, from the
 * first submission that wants a future until the node is closed. It does not refer to the node, so that a
 * forgotten node can be collected.
 *
 * <p>Submitter and pump meet in one table: whoever comes second finds what the first one left.
 */
final class CompletionPump implements Runnable {
    private static final int BATCH = 1024;

    private final long node;
    private final ConcurrentHashMap<Long, Object> table = new ConcurrentHashMap<>();
    private final Thread thread = new Thread(this, "duo-completions");
    private volatile DuoException end;

    CompletionPump(long node) {
        this.node = node;
        thread.setDaemon(true);
        thread.start();
    }

    /** The future of an accepted submission. */
    CompletableFuture<Completion> future(long op) {
        CompletableFuture<Completion> future = new CompletableFuture<>();
        Object early = table.putIfAbsent(op, future);
        if (early instanceof Completion completion) {
            table.remove(op);
            settle(future, completion);
        } else if (end != null && table.remove(op, future)) {
            // The pump has emptied the table before this entry was in it.
            future.completeExceptionally(end);
        }
        return future;
    }

    boolean isCurrentThread() {
        return Thread.currentThread() == thread;
    }

    /** Waits for the thread's end, which comes when the node is closed. */
    void join(long millis) {
        boolean interrupted = false;
        long start = System.nanoTime();
        while (thread.isAlive()) {
            long left = millis - (System.nanoTime() - start) / 1_000_000;
            if (left <= 0) {
                break;
            }
            try {
                thread.join(left);
            } catch (InterruptedException interrupt) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    @Override
    public void run() {
        DuoException reason = Failures.of(Code.CANCELLED, "the node was closed before the outcome was known");
        try {
            while (true) {
                byte[] batch = Natives.nodePollCompletions(null, node, BATCH, Waiting.CHUNK_NANOS);
                if (batch != null && batch.length == 0) {
                    break;
                }
                if (batch != null) {
                    Completions.each(batch, this::arrived);
                }
            }
        } catch (DuoException failure) {
            reason = failure;
        } finally {
            end = reason;
            for (Long op : table.keySet()) {
                if (table.remove(op) instanceof CompletableFuture<?> future) {
                    future.completeExceptionally(reason);
                }
            }
        }
    }

    private void arrived(Completion completion) {
        Object waiting = table.putIfAbsent(completion.op(), completion);
        if (waiting instanceof CompletableFuture<?> future) {
            table.remove(completion.op());
            @SuppressWarnings("unchecked")
            CompletableFuture<Completion> typed = (CompletableFuture<Completion>) future;
            settle(typed, completion);
        }
    }

    private static void settle(CompletableFuture<Completion> future, Completion completion) {
        if (completion.isFinal()) {
            future.complete(completion);
        } else {
            future.completeExceptionally(Failures.of(completion.code(), "").with(completion));
        }
    }
}
