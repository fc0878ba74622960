package io.duochain;

import java.lang.System.Logger;
import java.util.function.IntFunction;

/**
 * Hands the library's log to {@link System.Logger}: a daemon thread "duo-log" polls it, so the library never calls
 * into the JVM. One at a time per process; a second one takes over, and so does a log function that native code of
 * the host sets: then the thread ends.
 *
 * <p>Loggers are named "io.duochain." and the part that speaks. What is logged faster than it is polled is lost and
 * counted in the next record. What a logger throws is its own affair and stops nothing.
 */
public final class LogBridge implements AutoCloseable {
    private static final int RECORDS = 1024;
    private static final long PERIOD_MILLIS = 100;

    private final IntFunction<byte[]> source;
    private final Thread thread = new Thread(this::run, "duo-log");
    private volatile boolean closed;

    /** Begins to take records from {@code source}, which gives {@code null} when there are none. */
    LogBridge(IntFunction<byte[]> source) {
        this.source = source;
        thread.setDaemon(true);
        thread.start();
    }

    /** Begins with records of {@code level} and more important ones. */
    public static LogBridge start(Logger.Level level) {
        int number = switch (level) {
            case ERROR, OFF -> 1;
            case WARNING -> 2;
            case INFO -> 3;
            case DEBUG, TRACE, ALL -> 4;
        };
        Natives.logBuffer(number, RECORDS);
        return new LogBridge(Natives::logPoll);
    }

    /** Hands over what is there, and ends. */
    @Override
    public void close() {
        closed = true;
        thread.interrupt();
        try {
            thread.join();
        } catch (InterruptedException interrupt) {
            Thread.currentThread().interrupt();
        }
    }

    private void run() {
        try {
            while (!closed) {
                forward();
                try {
                    Thread.sleep(PERIOD_MILLIS);
                } catch (InterruptedException wake) {
                    // Closed, or somebody is in a hurry.
                }
            }
            forward();
        } catch (DuoException end) {
            // There is no buffer any more. An exception here would be printed by the JVM.
        }
    }

    private void forward() {
        for (byte[] batch = source.apply(RECORDS); batch != null; batch = source.apply(RECORDS)) {
            Wire wire = new Wire(batch);
            while (wire.hasMore()) {
                Logger.Level level = level(wire.i32());
                int lost = wire.i32();
                Logger log = System.getLogger("io.duochain." + wire.text());
                String message = wire.text();
                hand(log, level, lost == 0 ? message : message + " (" + lost + " records before were lost)");
            }
        }
    }

    private static void hand(Logger log, Logger.Level level, String message) {
        try {
            log.log(level, message);
        } catch (RuntimeException failure) {
            // Of the host's logger: there is nobody to tell, and the next record may fare better.
        }
    }

    private static Logger.Level level(int number) {
        return switch (number) {
            case 1 -> Logger.Level.ERROR;
            case 2 -> Logger.Level.WARNING;
            case 3 -> Logger.Level.INFO;
            default -> Logger.Level.DEBUG;
        };
    }
}
