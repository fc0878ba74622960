package io.duochain;

import static io.duochain.Fixtures.PATIENCE;
import static io.duochain.Fixtures.bytes;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What keeps a replicated log: one node, which is its own majority. */
public class LogBackendTest {
    @TempDir
    Path dir;

    private final List<String> alone;

    LogBackendTest() throws IOException {
        alone = LogCluster.freeAddresses(1);
    }

    private ReplicatedLogOptions options(LogBackend backend) {
        return LogCluster.options(dir, alone, 0).listen(alone.get(0)).logBackend(backend);
    }

    private static void appendAndCount(ReplicatedLog log, int expected) throws InterruptedException {
        long last = 0;
        while (last == 0) {
            try {
                last = log.append(bytes("kept"), PATIENCE).index();
            } catch (NotLeaderException | FullException e) {
                Thread.onSpinWait();
            }
        }
        assertEquals(expected, LogCluster.texts(log, last).stream().filter("kept"::equals).count());
    }

    private void keepsItsKind(LogBackend kept) throws InterruptedException {
        for (int times = 1; times <= 2; times++) {
            try (ReplicatedLog log = options(kept).open()) {
                appendAndCount(log, times);
            }
        }
    }

    @Test
    void a_directory_of_files_keeps_them() throws InterruptedException {
        keepsItsKind(LogBackend.SEGMENTS);
        ReplicatedLogOptions other = options(LogBackend.ROCKSDB);
        DuoException refused = Library.hasRocksDb() ? assertThrows(ConfigException.class, other::open)
                : assertThrows(UnsupportedException.class, other::open);
        assertTrue(refused.getMessage().contains("rocksdb"), refused.getMessage());
    }

    @Test
    void a_directory_with_a_database_keeps_it() throws InterruptedException {
        Assumptions.assumeTrue(Library.hasRocksDb(), "the library was built without the feature rocksdb");
        keepsItsKind(LogBackend.ROCKSDB);
        ReplicatedLogOptions other = options(LogBackend.SEGMENTS);
        assertThrows(ConfigException.class, other::open);
    }

    @Test
    void none_is_refused() {
        assertThrows(NullPointerException.class, () -> ReplicatedLog.options().logBackend(null));
    }
}
