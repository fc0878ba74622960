package io.duochain;

import static io.duochain.Fixtures.bytes;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

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
    void the_build_says_what_it_is() {
        assertTrue(Library.buildInfo().startsWith("duochain "), Library.buildInfo());
    }
}
