package io.duochain;

import static io.duochain.Fixtures.PATIENCE;
import static io.duochain.Fixtures.bytes;
import static io.duochain.LogCluster.text;
import static io.duochain.LogCluster.texts;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.duochain.LogStatus.Role;
import io.duochain.ReplicatedLog.Entry;
import io.duochain.ReplicatedLog.Member;
import io.duochain.ReplicatedLog.Origin;
import io.duochain.ReplicatedLog.Receipt;
import io.duochain.ReplicatedLog.WaitFor;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Three replicas. */
public class ReplicatedLogTest {
    private static final int NODES = 3;

    @TempDir
    Path dir;

    private LogCluster cluster;

    @BeforeEach
    void openAll() throws IOException {
        cluster = new LogCluster(dir, NODES);
    }

    @AfterEach
    void closeAll() {
        cluster.close();
    }

    @Test
    void what_is_appended_is_read_on_all_in_one_order() throws InterruptedException {
        List<String> expected = new ArrayList<>();
        long last = 0;
        for (int number = 0; number < 50; number++) {
            expected.add("entry " + number);
            last = cluster.append(expected.get(number)).index();
        }
        for (int at = 0; at < NODES; at++) {
            assertEquals(expected, texts(cluster.get(at), last));
        }
    }

    @Test
    void a_host_goes_on_at_the_new_leader_and_loses_and_repeats_nothing() throws InterruptedException {
        final int count = 300;
        int leader = cluster.leader();
        Thread ender = new Thread(() -> cluster.close(leader));
        long last = 0;
        for (int number = 0; number < count; number++) {
            if (number == 100) {
                ender.start();
            }
            Origin origin = new Origin(7, number + 1);
            List<byte[]> entry = List.of(bytes("entry " + number));
            // The same identity until somebody says that it is in: an answer may get lost with its node.
            last = cluster.ask(log -> log.append(entry, origin, WaitFor.QUORUM, Duration.ofSeconds(2))).value().index();
        }
        ender.join();
        cluster.open(leader);
        for (int at = 0; at < NODES; at++) {
            List<String> found = texts(cluster.get(at), last);
            assertEquals(count, found.size());
            for (int number = 0; number < count; number++) {
                assertEquals("entry " + number, found.get(number));
            }
        }
    }

    @Test
    void a_batch_is_in_the_log_as_a_whole_and_once() throws InterruptedException {
        List<byte[]> batch = List.of(bytes("one"), bytes(""), bytes("three"));
        LogCluster.Question<Receipt> append = log -> log.append(batch, new Origin(5, 10), WaitFor.ALL, PATIENCE);
        Receipt first = cluster.ask(append).value();
        LogCluster.Answer<Receipt> again = cluster.ask(append);
        assertTrue(again.value().index() >= first.index() + 3, again + " after " + first);
        assertEquals(3, again.value().repeated());
        assertEquals(0, again.value().stale());
        Receipt next = cluster.append("four");
        ReplicatedLog log = cluster.get(again.from());
        List<Entry> entries = log.read(first.index() - 2, 10, NativeBuffer.allocate(100), PATIENCE);
        while (entries.size() < 4) {
            entries = log.read(first.index() - 2, 10, NativeBuffer.allocate(100), PATIENCE);
        }
        assertEquals(List.of("one", "", "three", "four"), entries.stream().map(LogCluster::text).toList());
        assertEquals(new Origin(5, 11), entries.get(1).origin());
        assertEquals(next.index(), entries.get(3).index());
        assertTrue(entries.get(0).unixNanos() > 0 && entries.get(0).bytes().isReadOnly());
    }

    @Test
    void what_had_an_id_before_is_read_once() throws InterruptedException {
        EntryId id = EntryId.of("0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20");
        List<byte[]> batch = List.of(bytes("named"), bytes("plain"));
        LogCluster.Question<Receipt> append = log -> log.append(batch, Origin.of(id, null), WaitFor.QUORUM, PATIENCE);
        cluster.ask(append);
        LogCluster.Answer<Receipt> again = cluster.ask(append);
        assertEquals(1, again.value().repeated());
        ReplicatedLog log = cluster.get(again.from());
        LogFollower follower = log.follow(0);
        List<Entry> entries = new ArrayList<>();
        while (follower.position() < again.value().index()) {
            entries.addAll(follower.poll(10, PATIENCE));
        }
        assertEquals("named", text(entries.get(0)));
        assertEquals(Optional.of(id), entries.get(0).id());
        assertEquals(Origin.of(id), entries.get(0).origin());
        for (Entry entry : entries.subList(1, entries.size())) {
            assertEquals("plain", text(entry));
            assertEquals(Optional.empty(), entry.id());
            assertEquals(Origin.NONE, entry.origin());
        }
        assertEquals(again.value().index(), entries.get(entries.size() - 1).index());
        for (EntryId[] wrong : new EntryId[][] {{id}, {id, id, id}}) {
            assertThrows(InvalidArgumentException.class, () -> cluster.ask(
                    other -> other.append(batch, Origin.of(wrong), WaitFor.QUORUM, PATIENCE)));
        }
        for (int length : new int[] {0, 31, 32, 33}) {
            assertThrows(IllegalArgumentException.class, () -> new EntryId(new byte[length]));
        }
    }

    @Test
    void what_cannot_be_is_refused() throws InterruptedException {
        ReplicatedLog log = cluster.get(cluster.leader());
        assertThrows(TooLargeException.class, () -> log.append(new byte[64 << 10], PATIENCE));
        assertThrows(InvalidArgumentException.class, () -> log.append(List.of(), PATIENCE));
        assertThrows(InvalidArgumentException.class,
                () -> log.append(List.of(bytes("x")), new Origin(0, 1), WaitFor.QUORUM, PATIENCE));
        assertThrows(IllegalArgumentException.class, () -> log.read(1, 0, NativeBuffer.allocate(9), PATIENCE));
        assertThrows(IllegalArgumentException.class, () -> log.follow(-1));
        long last = cluster.append("longer than four").index();
        assertThrows(TooLargeException.class, () -> log.read(last, 1, NativeBuffer.allocate(4), PATIENCE));
        assertTrue(log.read(last + 1, 1, NativeBuffer.allocate(4), Duration.ofMillis(1)).isEmpty());
        assertThrows(InvalidArgumentException.class, () -> ReplicatedLog.options().open());
        assertThrows(BusyException.class, () -> cluster.options(0).open());
        assertThrows(ConfigException.class, () -> cluster.options(3).heartbeat(Duration.ofSeconds(9)).open());
        assertThrows(IllegalArgumentException.class, () -> ReplicatedLog.options().cluster(new byte[3]));
    }

    @Test
    void a_directory_belongs_to_one_cluster() throws InterruptedException {
        cluster.leader();
        cluster.close(0);
        assertThrows(ConfigException.class, () -> cluster.options(0).cluster(new byte[16]).open());
        cluster.open(0);
    }

    @Test
    void futures_come_from_whoever_leads_and_fail_elsewhere() throws Exception {
        int leader = cluster.leader();
        Receipt receipt =
                cluster.get(leader).appendAsync(List.of(bytes("x")), Origin.NONE, WaitFor.LOCAL, PATIENCE).get();
        assertTrue(receipt.index() > 0);
        ReplicatedLog other = cluster.get((leader + 1) % NODES);
        Fixtures.eventually("a follower knows who leads", () -> other.status().leader().isPresent());
        ExecutionException failure = assertThrows(ExecutionException.class,
                () -> other.appendAsync(List.of(bytes("x")), Origin.NONE, WaitFor.LOCAL, PATIENCE).get());
        assertEquals(OptionalLong.of(leader + 1), ((NotLeaderException) failure.getCause()).leader());
    }

    @Test
    void an_append_without_a_majority_is_not_done() throws InterruptedException {
        int leader = cluster.leader();
        for (int at = 0; at < NODES; at++) {
            if (at != leader) {
                cluster.close(at);
            }
        }
        RetryableException failure = assertThrows(
                RetryableException.class, () -> cluster.get(leader).append(bytes("x"), Duration.ofMillis(50)));
        if (!(failure instanceof TimedOutException)) {
            // The two took so long to close that it leads no more.
            assertInstanceOf(NotLeaderException.class, failure);
        }
    }

    @Test
    void a_node_tells_where_it_stands() throws InterruptedException {
        int leader = cluster.leader();
        ReplicatedLog log = cluster.get(leader);
        LogStatus status = log.status();
        assertEquals(Role.LEADER, status.role());
        assertEquals(leader + 1, status.node());
        assertEquals(OptionalLong.of(leader + 1), status.leader());
        assertEquals(cluster.address(leader), status.leaderAddress().orElseThrow());
        assertTrue(status.commit() > 0 && status.durable() >= status.commit() && status.first() == 1);
        assertEquals(cluster.address(leader), status.address());
        assertTrue(status.lastTerm() == status.term() && status.windowBytes() > 0, status::toString);
        Fixtures.eventually("all of it is applied", () -> log.status().applied() >= status.commit());
        assertEquals(NODES - 1, log.peers().size());
        assertEquals(new Member(2, cluster.address(1)), cluster.get(0).members().get(1));
        assertTrue(log.json().contains("\"role\":\"leader\""));
        long last = cluster.append("last").index();
        for (int at = 0; at < NODES; at++) {
            ReplicatedLog reader = cluster.get(at);
            Fixtures.eventually("an answer to a read", () -> {
                try {
                    return reader.readIndex(Duration.ofSeconds(1)) >= last;
                } catch (RetryableException | InterruptedException again) {
                    return false;
                }
            });
        }
    }

    /** Samples by name and labels; every other line is a comment. */
    private static Map<String, Double> samples(String text) {
        Map<String, Double> samples = new HashMap<>();
        for (String line : text.lines().toList()) {
            if (!line.startsWith("# HELP duochain_log_") && !line.startsWith("# TYPE duochain_log_")) {
                int value = line.lastIndexOf(' ');
                assertTrue(line.startsWith("duochain_log_") && line.charAt(value - 1) == '}', line);
                assertNull(samples.put(line.substring(0, value), Double.valueOf(line.substring(value + 1))), line);
            }
        }
        return samples;
    }

    @Test
    void figures_are_samples_too() throws InterruptedException {
        int leader = cluster.leader();
        ReplicatedLog log = cluster.get(leader);
        long commit = log.status().commit();
        Map<String, Double> samples = samples(log.prometheus());
        String node = "{node=\"" + (leader + 1) + "\"}";
        assertEquals(3.0, samples.get("duochain_log_role" + node));
        assertTrue(samples.get("duochain_log_commit_index" + node) >= commit);
    }

    @Test
    void members_come_and_go_and_leadership_moves() throws InterruptedException {
        cluster.leader();
        ReplicatedLog guest = cluster.open(NODES);
        change(log -> log.add(NODES + 1, cluster.address(NODES), PATIENCE));
        assertEquals(List.of("for all"), texts(guest, cluster.append("for all").index()));
        assertEquals(new Member(NODES + 1, false, cluster.address(NODES)), guest.members().get(NODES));
        assertEquals(Set.of(LogPart.LEARNER), guest.members().get(NODES).parts());
        change(log -> log.promote(NODES + 1, PATIENCE));
        change(log -> log.demote(NODES + 1, PATIENCE));
        change(log -> log.remove(NODES + 1, PATIENCE));
        assertThrows(InvalidArgumentException.class, () -> change(log -> log.remove(9, PATIENCE)));
        cluster.handOver((cluster.leader() + 1) % NODES);
    }

    private interface Change {
        void on(ReplicatedLog log) throws InterruptedException;
    }

    private void change(Change change) throws InterruptedException {
        cluster.ask(log -> {
            change.on(log);
            return null;
        });
    }

    @Test
    void closing_ends_waits_and_loops() throws InterruptedException {
        long last = cluster.append("last").index();
        ReplicatedLog log = cluster.get(0);
        assertEquals(List.of("last"), texts(log, last));
        List<String> seen = new ArrayList<>();
        Thread loop = new Thread(() -> log.follow(0).forEach(entry -> seen.add(text(entry))));
        loop.start();
        assertTrue(log.shutdown(PATIENCE));
        loop.join();
        assertEquals(List.of("last"), seen);
        assertThrows(ClosedException.class, () -> log.append(bytes("x"), PATIENCE));
        assertEquals("last", text(log.follow(0).poll(1, PATIENCE).get(0)));
        log.close();
        log.close();
        assertThrows(ClosedException.class, log::status);
    }
}
