package io.duochain;

import static io.duochain.Fixtures.PATIENCE;
import static io.duochain.LogCluster.text;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.duochain.ReplicatedLog.Entry;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LogFollowerTest {
    @TempDir
    Path dir;

    private LogCluster cluster;
    private ReplicatedLog log;
    private final List<Long> indexes = new ArrayList<>();

    @BeforeEach
    void fill() throws Exception {
        cluster = new LogCluster(dir, 1);
        log = cluster.get(0);
        for (int number = 0; number < 10; number++) {
            indexes.add(cluster.append("entry " + number).index());
        }
        // What is acknowledged can be read a moment later.
        assertEquals(1, log.follow(indexes.get(8)).poll(1, PATIENCE).size());
    }

    @AfterEach
    void closeAll() {
        cluster.close();
    }

    @Test
    void a_position_is_that_of_the_last_entry_that_a_loop_has_seen() throws InterruptedException {
        LogFollower follower = log.follow(0);
        for (int number = 0; number < 3; number++) {
            for (Entry entry : follower) {
                assertEquals("entry " + number, text(entry));
                assertEquals(entry.index(), follower.position());
                break;
            }
        }
        assertEquals(indexes.get(2), follower.position());
        assertEquals("entry 3", text(log.follow(follower.position()).poll(1, PATIENCE).get(0)));
        List<String> polled = follower.poll(4, PATIENCE).stream().map(LogCluster::text).toList();
        assertEquals(List.of("entry 3", "entry 4", "entry 5", "entry 6"), polled);
        assertEquals(indexes.get(6), follower.position());
        Iterator<Entry> rest = follower.iterator();
        assertTrue(rest.hasNext() && rest.hasNext());
        assertEquals(indexes.get(6), follower.position());
        assertEquals("entry 7", text(rest.next()));
        assertEquals(2, follower.poll(100, PATIENCE).size());
        assertEquals(indexes.get(9), follower.position());
        assertTrue(follower.poll(1, Duration.ZERO).isEmpty());
        assertEquals(indexes.get(9), follower.position());
        assertThrows(IllegalArgumentException.class, () -> follower.poll(0, PATIENCE));
    }

    @Test
    void what_was_read_is_handed_out_after_a_close() throws IOException {
        Iterator<Entry> entries = log.follow(0).iterator();
        assertTrue(entries.hasNext());
        log.close();
        List<String> seen = new ArrayList<>();
        entries.forEachRemaining(entry -> seen.add(text(entry)));
        assertEquals(10, seen.size());
        assertThrows(NoSuchElementException.class, entries::next);
    }

    @Test
    void an_interrupt_ends_a_loop_and_a_poll() throws InterruptedException {
        LogFollower polled = log.follow(indexes.get(9));
        Fixtures.Waiter poll = Fixtures.inside(() -> polled.poll(1, PATIENCE)).entered();
        LogFollower looped = log.follow(indexes.get(9));
        Fixtures.Waiter loop = Fixtures.inside(() -> {
            for (Entry entry : looped) {
                throw new AssertionError("nothing is behind the end: " + entry);
            }
            assertTrue(Thread.interrupted());
        }).entered();
        poll.interrupt();
        loop.interrupt();
        assertTrue(poll.outcome() instanceof InterruptedException);
        assertEquals(null, loop.outcome());
    }
}
