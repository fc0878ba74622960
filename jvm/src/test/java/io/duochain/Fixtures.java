package io.duochain;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.BooleanSupplier;
import java.util.logging.Handler;
import java.util.logging.LogRecord;
import java.util.logging.Logger;

/** What the tests share. */
final class Fixtures {
    /** Longer than anything here takes, on any machine. */
    static final Duration PATIENCE = Duration.ofSeconds(60);

    private Fixtures() {
    }

    /** Blocks every 50 ms and 10 ms. */
    static Config.Builder fast() {
        return Config.builder().set(ConfigKey.TIME_SCALE, 300);
    }

    static Config.Builder memory() {
        return fast().set(ConfigKey.STORAGE_BACKEND, "memory");
    }

    static Config.Builder disk(Path directory) {
        return fast().dataDir(directory);
    }

    static Node memoryNode() {
        return Node.open(memory().build());
    }

    static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    /** Waits until it is so; fails when it takes longer than {@link #PATIENCE}. */
    static void eventually(String what, BooleanSupplier holds) throws InterruptedException {
        long end = System.nanoTime() + PATIENCE.toNanos();
        while (!holds.getAsBoolean()) {
            assertTrue(System.nanoTime() < end, () -> "still not so: " + what);
            Thread.sleep(5);
        }
    }

    /** Keeps what is logged, instead of the console, until it is closed. */
    static final class Log extends Handler implements AutoCloseable {
        private final Logger logger = Logger.getLogger("io.duochain");
        private final List<LogRecord> records = new CopyOnWriteArrayList<>();

        Log() {
            logger.setUseParentHandlers(false);
            logger.addHandler(this);
        }

        Optional<LogRecord> find(String text) {
            return records.stream().filter(record -> record.getMessage().contains(text)).findFirst();
        }

        @Override
        public void publish(LogRecord record) {
            records.add(record);
        }

        @Override
        public void flush() {
            // Nothing is held back.
        }

        @Override
        public void close() {
            logger.removeHandler(this);
            logger.setUseParentHandlers(true);
        }
    }

    /** Runs on a thread of its own and gives what it threw, or null. */
    static Waiter inside(ThrowingRunnable body) {
        return new Waiter(body);
    }

    interface ThrowingRunnable {
        void run() throws Exception;
    }

    static final class Waiter {
        private final Thread thread;
        private volatile Throwable thrown;

        Waiter(ThrowingRunnable body) {
            thread = new Thread(() -> {
                try {
                    body.run();
                } catch (Throwable failure) {
                    thrown = failure;
                }
            });
            thread.start();
        }

        /** Until the thread is inside the library. */
        Waiter entered() throws InterruptedException {
            eventually("the thread is inside a native method", () -> {
                StackTraceElement[] stack = thread.getStackTrace();
                return !thread.isAlive() || stack.length > 0 && stack[0].isNativeMethod()
                        && stack[0].getClassName().equals(Natives.class.getName());
            });
            return this;
        }

        /** Until the thread waits without being inside the library. */
        Waiter parked() throws InterruptedException {
            eventually("the thread is parked",
                    () -> !thread.isAlive() || thread.getState() == Thread.State.TIMED_WAITING);
            return this;
        }

        Throwable outcome() throws InterruptedException {
            thread.join(PATIENCE.toMillis());
            assertTrue(!thread.isAlive(), "the thread still waits");
            return thrown;
        }

        void interrupt() {
            thread.interrupt();
        }
    }
}
