package io.duochain;

import static io.duochain.Fixtures.PATIENCE;
import static io.duochain.Fixtures.bytes;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.logging.Handler;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;

class LogTest {
    @Test
    void what_the_library_logs_reaches_the_loggers_of_java() throws Exception {
        Assumptions.assumeTrue(Library.hasFaults(), "the library was built without the feature faults");
        try (Fixtures.Log log = new Fixtures.Log(); TxQueue queue = TxQueue.open()) {
            try (LogBridge bridge = LogBridge.start(System.Logger.Level.WARNING)) {
                Natives.testPanicNext(2);
                assertThrows(PanicException.class, () -> queue.enqueue(0, bytes("x")));
            }
            assertTrue(log.find("injected by duo_test_panic_next").isPresent());
        }
    }

    @Test
    void a_bridge_whose_buffer_is_gone_ends_without_a_word() throws Exception {
        AtomicReference<Throwable> printed = new AtomicReference<>();
        CountDownLatch asked = new CountDownLatch(1);
        Thread.UncaughtExceptionHandler before = Thread.getDefaultUncaughtExceptionHandler();
        Thread.setDefaultUncaughtExceptionHandler((thread, failure) -> printed.set(failure));
        try (LogBridge bridge = new LogBridge(max -> {
            asked.countDown();
            throw Failures.of(Code.CLOSED, "no log buffer is set");
        })) {
            assertTrue(asked.await(PATIENCE.toSeconds(), TimeUnit.SECONDS));
            bridge.close();
            assertNull(printed.get());
        } finally {
            Thread.setDefaultUncaughtExceptionHandler(before);
        }
    }

    @Test
    void a_logger_that_throws_does_not_end_the_log() throws Exception {
        Assumptions.assumeTrue(Library.hasFaults(), "the library was built without the feature faults");
        AtomicInteger records = new AtomicInteger();
        Handler broken = new Handler() {
            @Override
            public void publish(LogRecord record) {
                records.incrementAndGet();
                throw new IllegalStateException("a fault of the host");
            }

            @Override
            public void flush() {
                // Nothing is held back.
            }

            @Override
            public void close() {
                // Nothing is open.
            }
        };
        Logger logger = Logger.getLogger("io.duochain");
        try (Fixtures.Log log = new Fixtures.Log(); LogBridge bridge = LogBridge.start(System.Logger.Level.WARNING)) {
            logger.addHandler(broken);
            for (int round = 1; round <= 2; round++) {
                int expected = round;
                try (TxQueue queue = TxQueue.open()) {
                    Natives.testPanicNext(2);
                    assertThrows(PanicException.class, () -> queue.enqueue(0, bytes("x")));
                }
                Fixtures.eventually("the record arrives", () -> records.get() >= expected);
            }
        } finally {
            logger.removeHandler(broken);
        }
    }

    @Test
    void the_build_says_what_it_is() {
        assertTrue(Library.buildInfo().startsWith("duochain "), Library.buildInfo());
    }
}
