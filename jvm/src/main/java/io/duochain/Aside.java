package io.duochain;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.function.Consumer;
import java.util.function.Supplier;

/** Calls that stay inside the native library until they are over, by daemon threads: an interrupt ends the wait for one. */
final class Aside {
    private Aside() {
    }

    /** What {@code call} gives. After an interrupt it goes on, and {@code unwanted} takes what it gives then. */
    static <T> T run(String name, Supplier<T> call, Consumer<T> unwanted) throws InterruptedException {
        CompletableFuture<T> done = new CompletableFuture<>();
        Thread thread = new Thread(() -> {
            try {
                done.complete(call.get());
            } catch (Throwable failure) {
                done.completeExceptionally(failure);
            }
        }, name);
        thread.setDaemon(true);
        thread.start();
        try {
            return done.get();
        } catch (InterruptedException interrupt) {
            done.thenAccept(unwanted);
            throw interrupt;
        } catch (ExecutionException failure) {
            Throwable cause = failure.getCause();
            // The host knows its own call, and not the thread.
            cause.fillInStackTrace();
            if (cause instanceof Error) {
                throw (Error) cause;
            }
            throw (RuntimeException) cause;
        }
    }
}
