package io.duochain;

import static io.duochain.Fixtures.PATIENCE;
import static io.duochain.Fixtures.bytes;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.duochain.LogStatus.Role;
import io.duochain.ReplicatedLog.Entry;
import io.duochain.ReplicatedLog.Member;
import io.duochain.ReplicatedLog.Origin;
import io.duochain.ReplicatedLog.Receipt;
import io.duochain.ReplicatedLog.WaitFor;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Three replicas in this process, over loopback. */
public class ReplicatedLogTest {
    private static final int NODES = 3;

    @TempDir
    Path dir;

    private final List<String> addresses = new ArrayList<>();
    private final ReplicatedLog[] logs = new ReplicatedLog[NODES + 1];

    @BeforeEach
    void openAll() throws IOException {
        List<ServerSocket> sockets = new ArrayList<>();
        for (int at = 0; at <= NODES; at++) {
            sockets.add(new ServerSocket(0, 1, InetAddress.getByName("127.0.0.1")));
            addresses.add("127.0.0.1:" + sockets.get(at).getLocalPort());
        }
        for (ServerSocket socket : sockets) {
            socket.close();
        }
        for (int at = 0; at < NODES; at++) {
            logs[at] = options(at).open();
        }
    }

    @AfterEach
    void closeAll() {
        for (ReplicatedLog log : logs) {
            if (log != null) {
                log.close();
            }
        }
    }

    private ReplicatedLogOptions options(int at) {
        List<Member> members = new ArrayList<>();
        for (int node = 0; node < NODES; node++) {
            members.add(new Member(node + 1, addresses.get(node)));
        }
        return ReplicatedLog.options().dir(dir.resolve("n" + (at + 1))).listen(addresses.get(at)).node(at + 1)
                .cluster(bytes("a log for JUnit.")).members(members).batch(1000, 64 << 10).segmentBytes(1 << 20)
                .election(Duration.ofMillis(500), Duration.ofSeconds(1)).diskStallMax(Duration.ofSeconds(5));
    }

    private interface Ask {
        void of(ReplicatedLog log) throws InterruptedException;
    }

    /** Asks as a client does: where the answer says, again when nobody leads or nobody knows. Who answered. */
    private int askLeader(Ask ask) throws InterruptedException {
        long end = System.nanoTime() + PATIENCE.toNanos();
        int at = 0;
        while (System.nanoTime() < end) {
            OptionalLong leader = OptionalLong.empty();
            try {
                if (logs[at] != null) {
                    ask.of(logs[at]);
                    return at;
                }
            } catch (NotLeaderException other) {
                leader = other.leader();
            } catch (FullException | TimedOutException | ClosedException | ConflictException again) {
                // The next node may know more.
            }
            at = leader.isPresent() && logs[(int) leader.getAsLong() - 1] != null
                    ? (int) leader.getAsLong() - 1 : (at + 1) % NODES;
            Thread.sleep(1);
        }
        throw new AssertionError("nobody leads");
    }

    private Receipt append(String text) throws InterruptedException {
        AtomicReference<Receipt> receipt = new AtomicReference<>();
        askLeader(log -> receipt.set(log.append(bytes(text), PATIENCE)));
        return receipt.get();
    }

    private int leader() throws InterruptedException {
        return askLeader(log -> log.append(bytes("who leads?"), PATIENCE));
    }

    private static String text(Entry entry) {
        return new String(entry.toArray(), StandardCharsets.UTF_8);
    }

    private static List<String> texts(ReplicatedLog log, long last) throws InterruptedException {
        List<String> texts = new ArrayList<>();
        LogFollower follower = log.follow(0);
        while (follower.position() < last) {
            follower.poll(7, PATIENCE).forEach(entry -> texts.add(text(entry)));
        }
        texts.removeIf("who leads?"::equals);
        return texts;
    }

    @Test
    void what_is_appended_is_read_on_all_in_one_order() throws InterruptedException {
        List<String> expected = new ArrayList<>();
        long last = 0;
        for (int number = 0; number < 50; number++) {
            expected.add("entry " + number);
            last = append(expected.get(number)).index();
        }
        for (int at = 0; at < NODES; at++) {
            assertEquals(expected, texts(logs[at], last));
        }
    }

    @Test
    void a_host_goes_on_at_the_new_leader_and_loses_and_repeats_nothing() throws InterruptedException {
        final int count = 300;
        int leader = leader();
        Thread ender = new Thread(() -> {
            ReplicatedLog log = logs[leader];
            logs[leader] = null;
            log.close();
        });
        long last = 0;
        for (int number = 0; number < count; number++) {
            if (number == 100) {
                ender.start();
            }
            Origin origin = new Origin(7, number + 1);
            AtomicReference<Receipt> receipt = new AtomicReference<>();
            List<byte[]> entry = List.of(bytes("entry " + number));
            // The same identity until somebody says that it is in: an answer may get lost with its node.
            askLeader(log -> receipt.set(log.append(entry, origin, WaitFor.QUORUM, Duration.ofSeconds(2))));
            last = receipt.get().index();
        }
        ender.join();
        logs[leader] = options(leader).open();
        for (ReplicatedLog log : List.of(logs[0], logs[1], logs[2])) {
            List<String> found = texts(log, last);
            assertEquals(count, found.size());
            for (int number = 0; number < count; number++) {
                assertEquals("entry " + number, found.get(number));
            }
        }
    }

    @Test
    void a_batch_is_in_the_log_as_a_whole_and_once() throws InterruptedException {
        ReplicatedLog log = logs[leader()];
        List<byte[]> batch = List.of(bytes("one"), bytes(""), bytes("three"));
        Receipt first = log.append(batch, new Origin(5, 10), WaitFor.ALL, PATIENCE);
        Receipt again = log.append(batch, new Origin(5, 10), WaitFor.ALL, PATIENCE);
        assertEquals(new Receipt(first.index() + 3, first.term(), 3, 0), again);
        Receipt next = log.append(bytes("four"), PATIENCE);
        List<Entry> entries = log.read(first.index() - 2, 10, NativeBuffer.allocate(100), PATIENCE);
        while (entries.size() < 4) {
            entries = log.read(first.index() - 2, 10, NativeBuffer.allocate(100), PATIENCE);
        }
        assertEquals(List.of("one", "", "three", "four"), entries.stream().map(ReplicatedLogTest::text).toList());
        assertEquals(new Origin(5, 11), entries.get(1).origin());
        assertEquals(next.index(), entries.get(3).index());
        assertTrue(entries.get(0).unixNanos() > 0 && entries.get(0).bytes().isReadOnly());
    }

    @Test
    void what_cannot_be_is_refused() throws InterruptedException {
        ReplicatedLog log = logs[leader()];
        assertThrows(TooLargeException.class, () -> log.append(new byte[64 << 10], PATIENCE));
        assertThrows(InvalidArgumentException.class, () -> log.append(List.of(), PATIENCE));
        assertThrows(InvalidArgumentException.class,
                () -> log.append(List.of(bytes("x")), new Origin(0, 1), WaitFor.QUORUM, PATIENCE));
        assertThrows(IllegalArgumentException.class, () -> log.read(1, 0, NativeBuffer.allocate(9), PATIENCE));
        assertThrows(IllegalArgumentException.class, () -> log.follow(-1));
        long last = append("longer than four").index();
        assertThrows(TooLargeException.class, () -> log.read(last, 1, NativeBuffer.allocate(4), PATIENCE));
        assertTrue(log.read(last + 1, 1, NativeBuffer.allocate(4), Duration.ofMillis(1)).isEmpty());
        assertThrows(InvalidArgumentException.class, () -> ReplicatedLog.options().open());
        assertThrows(BusyException.class, () -> options(0).open());
        assertThrows(ConfigException.class, () -> options(3).heartbeat(Duration.ofSeconds(9)).open());
        assertThrows(IllegalArgumentException.class, () -> ReplicatedLog.options().cluster(new byte[3]));
    }

    @Test
    void futures_come_from_whoever_leads_and_fail_elsewhere() throws Exception {
        int leader = leader();
        Receipt receipt = logs[leader].appendAsync(List.of(bytes("x")), Origin.NONE, WaitFor.LOCAL, PATIENCE).get();
        assertTrue(receipt.index() > 0);
        ExecutionException failure = assertThrows(ExecutionException.class,
                () -> logs[(leader + 1) % NODES].appendAsync(List.of(bytes("x")), Origin.NONE, WaitFor.LOCAL, PATIENCE).get());
        assertEquals(OptionalLong.of(leader + 1), ((NotLeaderException) failure.getCause()).leader());
    }

    @Test
    void an_append_without_a_majority_is_neither_done_nor_refused() throws InterruptedException {
        int leader = leader();
        for (int at = 0; at < NODES; at++) {
            if (at != leader) {
                logs[at].close();
                logs[at] = null;
            }
        }
        assertThrows(TimedOutException.class, () -> logs[leader].append(bytes("x"), Duration.ofMillis(50)));
    }

    @Test
    void a_node_tells_where_it_stands() throws InterruptedException {
        int leader = leader();
        LogStatus status = logs[leader].status();
        assertEquals(Role.LEADER, status.role());
        assertEquals(leader + 1, status.node());
        assertEquals(OptionalLong.of(leader + 1), status.leader());
        assertEquals(addresses.get(leader), status.leaderAddress().orElseThrow());
        assertTrue(status.commit() > 0 && status.durable() >= status.commit() && status.first() == 1);
        assertEquals(NODES - 1, logs[leader].peers().size());
        assertEquals(new Member(2, addresses.get(1)), logs[0].members().get(1));
        assertTrue(logs[leader].json().contains("\"role\":\"leader\""));
        long last = append("last").index();
        for (int at = 0; at < NODES; at++) {
            ReplicatedLog log = logs[at];
            Fixtures.eventually("an answer to a read", () -> {
                try {
                    return log.readIndex(Duration.ofSeconds(1)) >= last;
                } catch (RetryableException | InterruptedException again) {
                    return false;
                }
            });
        }
    }

    @Test
    void members_come_and_go_and_leadership_moves() throws InterruptedException {
        int leader = leader();
        logs[NODES] = options(NODES).open();
        logs[leader].add(NODES + 1, addresses.get(NODES), PATIENCE);
        assertEquals(List.of("for all"), texts(logs[NODES], append("for all").index()));
        assertFalse(logs[leader].members().get(NODES).isVoter());
        logs[leader].promote(NODES + 1, PATIENCE);
        askLeader(log -> log.demote(NODES + 1, PATIENCE));
        askLeader(log -> log.remove(NODES + 1, PATIENCE));
        assertThrows(InvalidArgumentException.class, () -> logs[leader].remove(9, PATIENCE));
        logs[leader].transfer(OptionalLong.of((leader + 1) % NODES + 1), PATIENCE);
        Fixtures.eventually("another leader", () -> logs[(leader + 1) % NODES].status().role() == Role.LEADER);
    }

    @Test
    void closing_ends_waits_and_loops() throws InterruptedException {
        long last = append("last").index();
        assertEquals(List.of("last"), texts(logs[0], last));
        List<String> seen = new ArrayList<>();
        Thread loop = new Thread(() -> logs[0].follow(0).forEach(entry -> seen.add(text(entry))));
        loop.start();
        assertTrue(logs[0].shutdown(PATIENCE));
        loop.join();
        assertEquals(List.of("last"), seen);
        assertThrows(ClosedException.class, () -> logs[0].append(bytes("x"), PATIENCE));
        assertEquals("last", text(logs[0].follow(0).poll(1, PATIENCE).get(0)));
        logs[0].close();
        logs[0].close();
        assertThrows(ClosedException.class, () -> logs[0].status());
    }
}
