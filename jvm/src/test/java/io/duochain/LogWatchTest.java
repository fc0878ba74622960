package io.duochain;

import static io.duochain.Fixtures.PATIENCE;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.duochain.LogStatus.Role;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.function.Predicate;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Hosts that wait for another leader, or for other members. */
class LogWatchTest {
    @TempDir
    Path dir;

    /** Waits on, from one change to the next, until it is so. */
    private static LogStatus watch(ReplicatedLog log, long seen, Predicate<LogStatus> isSo) throws InterruptedException {
        LogStatus now = log.awaitChange(seen, PATIENCE).orElseThrow();
        while (!isSo.test(now)) {
            now = log.awaitChange(now.changes(), PATIENCE).orElseThrow();
        }
        return now;
    }

    @Test
    void followers_are_told_who_leads_now() throws Exception {
        try (LogCluster cluster = new LogCluster(dir, 3)) {
            int next = (cluster.leader() + 1) % 3;
            List<Fixtures.Waiter> watchers = new ArrayList<>();
            for (int at = 0; at < 3; at++) {
                ReplicatedLog log = cluster.get(at);
                watchers.add(Fixtures.inside(() -> {
                    LogStatus told = watch(log, 0, now -> now.leader().equals(OptionalLong.of(next + 1)));
                    assertEquals(Optional.of(cluster.address(next)), told.leaderAddress());
                }));
            }
            cluster.handOver(next);
            cluster.append("it leads");
            for (Fixtures.Waiter watcher : watchers) {
                assertEquals(null, watcher.outcome());
            }
        }
    }

    @Test
    void a_wait_sees_members_come_and_no_entry() throws Exception {
        try (LogCluster cluster = new LogCluster(dir, 1)) {
            cluster.append("first");
            ReplicatedLog log = cluster.get(0);
            LogStatus before = log.status();
            assertEquals(Role.LEADER, before.role());
            cluster.append("second");
            assertEquals(Optional.empty(), log.awaitChange(before.changes(), Duration.ofMillis(150)));
            assertEquals(before.changes(), log.awaitChange(0, Duration.ZERO).orElseThrow().changes());
            log.add(2, cluster.address(1), PATIENCE);
            LogStatus after = watch(log, before.changes(), now -> log.members().size() == 2);
            assertTrue(after.changes() > before.changes());
            assertThrows(IllegalArgumentException.class, () -> log.awaitChange(0, Duration.ofSeconds(-1)));
        }
    }

    @Test
    void an_interrupt_and_the_end_end_a_wait() throws Exception {
        try (LogCluster cluster = new LogCluster(dir, 1)) {
            cluster.append("first");
            ReplicatedLog log = cluster.get(0);
            long seen = log.status().changes();
            Fixtures.Waiter interrupted = Fixtures.inside(() -> log.awaitChange(seen, PATIENCE)).entered();
            interrupted.interrupt();
            assertInstanceOf(InterruptedException.class, interrupted.outcome());
            Fixtures.Waiter waiting = Fixtures.inside(() -> log.awaitChange(seen, PATIENCE)).entered();
            assertTrue(log.shutdown(PATIENCE));
            assertInstanceOf(ClosedException.class, waiting.outcome());
        }
    }
}
