package io.duochain;

import static io.duochain.Fixtures.PATIENCE;
import static io.duochain.Fixtures.bytes;
import static io.duochain.Fixtures.inside;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.duochain.Fixtures.Waiter;
import io.duochain.ReplicatedLog.Entry;
import io.duochain.ReplicatedLog.Lane;
import io.duochain.ReplicatedLog.Member;
import io.duochain.ReplicatedLog.Origin;
import io.duochain.ReplicatedLog.Receipt;
import io.duochain.ReplicatedLog.WaitFor;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.AbstractList;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.api.io.TempDir;

/** How waits on a replicated log end, and what is handed to it. */
class LogWaitsTest {
    private static final Duration SHORT = Duration.ofMillis(20);

    @TempDir
    Path dir;

    private LogCluster cluster;

    private LogCluster open(int nodes) throws IOException {
        cluster = new LogCluster(dir, nodes);
        return cluster;
    }

    @AfterEach
    void closeAll() {
        cluster.close();
    }

    /** A leader of two, alone: what it is asked for is neither done nor refused, until it notices. */
    private ReplicatedLog lonelyLeader() throws Exception {
        int leader = open(2).leader();
        cluster.close(1 - leader);
        return cluster.get(leader);
    }

    private static CompletableFuture<Receipt> appendAsync(ReplicatedLog log, Duration timeout) {
        return log.appendAsync(List.of(bytes("x")), Origin.NONE, WaitFor.QUORUM, timeout);
    }

    private static Throwable failure(CompletableFuture<?> future) {
        return assertThrows(ExecutionException.class, () -> future.get(PATIENCE.toSeconds(), TimeUnit.SECONDS)).getCause();
    }

    /** Threads that complete futures and are not among {@code others}. */
    private static List<Thread> pumps(Set<Thread> others) {
        Stream<Thread> threads = Thread.getAllStackTraces().keySet().stream();
        return threads.filter(thread -> thread.getName().equals("duo-appends") && !others.contains(thread)).toList();
    }

    @Test
    void a_negative_time_is_refused_by_all() throws Exception {
        ReplicatedLog log = open(1).get(0);
        Duration past = Duration.ofNanos(-1);
        List<Executable> calls = List.of(
                () -> log.append(bytes("x"), past),
                () -> log.appendAsync(List.of(bytes("x")), Origin.NONE, WaitFor.QUORUM, past),
                () -> log.read(1, 1, NativeBuffer.allocate(9), past),
                () -> log.readIndex(past),
                () -> log.transfer(OptionalLong.empty(), past),
                () -> log.add(2, "127.0.0.1:1", past),
                () -> log.promote(2, past),
                () -> log.demote(1, past),
                () -> log.remove(2, past),
                () -> log.shutdown(past),
                () -> ReplicatedLog.options().heartbeat(past),
                () -> ReplicatedLog.options().diskStallMax(past));
        for (int number = 0; number < calls.size(); number++) {
            int call = number;
            assertThrows(IllegalArgumentException.class, calls.get(call), () -> "call " + call);
        }
        assertThrows(NullPointerException.class, () -> appendAsync(log, null));
        cluster.append("it goes on");
    }

    @Test
    void places_and_members_that_cannot_be_are_refused() throws Exception {
        ReplicatedLog log = open(1).get(0);
        for (long from : new long[] {0, -1, Long.MIN_VALUE}) {
            assertThrows(IllegalArgumentException.class, () -> log.read(from, 1, NativeBuffer.allocate(9), SHORT));
        }
        assertThrows(IllegalArgumentException.class,
                () -> ReplicatedLog.options().members(List.of(new Member(1, false, "127.0.0.1:1"))));
        List<Member> many = new ArrayList<>();
        for (int node = 1; node <= 33; node++) {
            many.add(new Member(node, "127.0.0.1:" + node));
        }
        assertThrows(TooLargeException.class, () -> cluster.options(1).members(many).open());
        assertThrows(IllegalArgumentException.class, () -> new LogChange(LogChange.What.REMOVE, 1, "127.0.0.1:1"));
        assertThrows(IllegalArgumentException.class, () -> new LogChange(LogChange.What.ADD, 1, null));
    }

    @Test
    void interrupts_end_waits() throws Exception {
        ReplicatedLog log = lonelyLeader();
        List<Waiter> waiters = List.of(
                inside(() -> log.append(bytes("x"), PATIENCE)).entered(),
                inside(() -> log.read(1 << 20, 1, NativeBuffer.allocate(9), PATIENCE)).entered(),
                inside(() -> log.change(List.of(LogChange.add(3, "127.0.0.1:1")), PATIENCE)).entered());
        for (Waiter waiter : waiters) {
            waiter.interrupt();
            assertInstanceOf(InterruptedException.class, waiter.outcome());
        }
    }

    @Test
    void an_interrupt_ends_the_wait_for_a_shutdown_which_goes_on() throws Exception {
        ReplicatedLog log = lonelyLeader();
        // It cannot be committed, so that there is something to wait for.
        CompletableFuture<Receipt> left = appendAsync(log, PATIENCE);
        Waiter waiter = inside(() -> log.shutdown(PATIENCE));
        waiter.interrupt();
        Throwable outcome = waiter.outcome();
        if (outcome == null && failure(left) instanceof NotLeaderException) {
            return;
        }
        assertInstanceOf(InterruptedException.class, outcome);
        Fixtures.eventually("it takes no more", () -> {
            try {
                log.append(bytes("x"), SHORT);
                throw new AssertionError("it has no majority");
            } catch (FullException | ClosedException refused) {
                return true;
            } catch (NotLeaderException | TimedOutException notYet) {
                return false;
            } catch (InterruptedException nobodyDoes) {
                throw new AssertionError(nobodyDoes);
            }
        });
        // This ends it.
        log.close();
        assertThrows(ClosedException.class, () -> log.shutdown(PATIENCE));
    }

    @Test
    void closing_ends_every_wait() throws Exception {
        ReplicatedLog log = lonelyLeader();
        CompletableFuture<Receipt> future = appendAsync(log, PATIENCE);
        List<Waiter> waiters = List.of(
                inside(() -> log.append(bytes("x"), PATIENCE)).entered(),
                inside(() -> log.read(1 << 20, 1, NativeBuffer.allocate(9), PATIENCE)).entered(),
                inside(() -> log.readIndex(PATIENCE)).entered(),
                inside(() -> log.add(3, "127.0.0.1:1", PATIENCE)).entered());
        log.close();
        assertEnded(failure(future));
        for (Waiter waiter : waiters) {
            assertEnded(waiter.outcome());
        }
    }

    /** Or it has noticed before that it is alone. */
    private static void assertEnded(Throwable outcome) {
        assertNotNull(outcome);
        if (!(outcome instanceof NotLeaderException)) {
            assertInstanceOf(ClosedException.class, outcome);
        }
    }

    @Test
    void a_change_without_a_majority_is_not_over_in_time() throws Exception {
        ReplicatedLog log = lonelyLeader();
        RetryableException failure =
                assertThrows(RetryableException.class, () -> log.add(3, "127.0.0.1:1", SHORT));
        if (!(failure instanceof NotLeaderException)) {
            assertInstanceOf(TimedOutException.class, failure);
            assertTrue(failure.getMessage().contains("carried out"), failure.getMessage());
        }
    }

    @Test
    void futures_are_completed_by_one_thread_each_in_its_time() throws Exception {
        ReplicatedLog log = lonelyLeader();
        Set<Thread> before = Thread.getAllStackTraces().keySet();
        CompletableFuture<Receipt> first = appendAsync(log, PATIENCE);
        List<CompletableFuture<Receipt>> others = new ArrayList<>();
        for (int number = 0; number < 100; number++) {
            others.add(appendAsync(log, SHORT));
        }
        CompletableFuture<Receipt> given = appendAsync(log, PATIENCE);
        assertEquals(1, pumps(before).size());
        for (CompletableFuture<Receipt> other : others) {
            assertInstanceOf(RetryableException.class, failure(other));
        }
        assertTrue(given.cancel(false));
        assertFalse(first.isDone() && !first.isCompletedExceptionally());
        log.close();
        assertEnded(failure(first));
        assertTrue(pumps(before).size() <= 1);
    }

    @Test
    void a_future_of_each_kind_gets_its_receipt() throws Exception {
        ReplicatedLog log = open(1).get(0);
        cluster.leader();
        List<CompletableFuture<Receipt>> futures = new ArrayList<>();
        for (int number = 0; number < 500; number++) {
            for (WaitFor level : WaitFor.values()) {
                for (Lane lane : Lane.values()) {
                    futures.add(log.appendAsync(List.of(bytes("x")), Origin.NONE, level, lane, PATIENCE));
                }
            }
        }
        for (CompletableFuture<Receipt> future : futures) {
            future.get(PATIENCE.toSeconds(), TimeUnit.SECONDS);
        }
        long places = futures.stream().mapToLong(future -> future.join().index()).distinct().count();
        assertEquals(futures.size(), places);
    }

    @Test
    void a_critical_entry_goes_before_normal_ones_that_have_no_place_yet() throws Exception {
        ReplicatedLog log = open(1).get(0);
        cluster.leader();
        List<byte[]> large = List.of(new byte[60 << 10]);
        Fixtures.eventually("an entry that overtakes", () -> {
            List<CompletableFuture<Receipt>> normal = new ArrayList<>();
            for (int number = 0; number < 100; number++) {
                normal.add(log.appendAsync(large, Origin.NONE, WaitFor.LOCAL, Lane.NORMAL, PATIENCE));
            }
            CompletableFuture<Receipt> critical =
                    log.appendAsync(List.of(bytes("x")), Origin.NONE, WaitFor.LOCAL, Lane.CRITICAL, PATIENCE);
            return normal.stream().anyMatch(future -> future.join().index() > critical.join().index());
        });
    }

    @Test
    void a_list_that_grows_meanwhile_is_appended_as_it_was_at_one_time() throws Exception {
        ReplicatedLog log = open(1).get(0);
        long before = cluster.append("before").index();
        List<byte[]> growing = new AbstractList<>() {
            private int looks;

            @Override
            public byte[] get(int index) {
                return bytes("entry");
            }

            @Override
            public int size() {
                return 1 + ++looks / 6;
            }
        };
        long last = log.append(growing, PATIENCE).index();
        List<String> found = LogCluster.texts(log, last);
        assertEquals(last - before, found.stream().filter("entry"::equals).count());
        assertEquals(last - before + 1, found.size());
    }

    @Test
    void a_log_that_is_full_says_to_ask_again() throws Exception {
        ReplicatedLog log = lonelyLeader();
        byte[] large = new byte[60 << 10];
        List<CompletableFuture<Receipt>> futures = new ArrayList<>();
        while (futures.isEmpty() || !futures.get(futures.size() - 1).isCompletedExceptionally()) {
            futures.add(log.appendAsync(List.of(large), Origin.NONE, WaitFor.QUORUM, PATIENCE));
            assertTrue(futures.size() < 5000, "it takes everything");
        }
        Throwable failure = failure(futures.get(futures.size() - 1));
        if (!(failure instanceof NotLeaderException)) {
            assertInstanceOf(FullException.class, failure);
            assertTrue(failure.getMessage().contains("ask again"), failure.getMessage());
        }
    }

    @Test
    void what_is_committed_but_perhaps_not_everywhere_has_its_receipt() throws Exception {
        int leader = open(3).leader();
        int away = (leader + 1) % 3;
        cluster.close(away);
        ReplicatedLog log = cluster.get(leader);
        ReplicatedLog other = cluster.get((leader + 2) % 3);
        CompletableFuture<Receipt> future =
                log.appendAsync(List.of(bytes("for all")), Origin.NONE, WaitFor.ALL, PATIENCE);
        Waiter waiter = inside(() -> log.append(List.of(bytes("for all")), Origin.NONE, WaitFor.ALL, PATIENCE)).entered();
        // Both are committed once the other has both.
        List<Entry> found = new ArrayList<>();
        LogFollower follower = other.follow(0);
        while (found.size() < 2) {
            follower.poll(1, PATIENCE).stream().filter(entry -> LogCluster.text(entry).equals("for all")).forEach(found::add);
        }
        assertTrue(log.shutdown(PATIENCE));
        Set<Long> places = Set.of(found.get(0).index(), found.get(1).index());
        for (Throwable failure : List.of(failure(future), waiter.outcome())) {
            Receipt receipt = assertInstanceOf(PartialException.class, failure).receipt().orElseThrow();
            assertTrue(places.contains(receipt.index()), receipt + " is none of " + places);
            assertFalse(((DuoException) failure).retryable(), "it is committed");
        }
    }

    @Test
    void one_voter_takes_the_place_of_another_in_one_step() throws Exception {
        int leader = open(3).leader();
        int goes = (leader + 1) % 3;
        cluster.open(3);
        change(List.of(LogChange.add(4, cluster.address(3))));
        change(List.of(LogChange.promote(4), LogChange.remove(goes + 1)));
        List<Member> members = cluster.ask(log -> {
            log.append(bytes("who leads?"), PATIENCE);
            return log.members();
        }).value();
        assertEquals(3, members.stream().filter(Member::isVoter).count(), members::toString);
        assertTrue(members.stream().noneMatch(member -> member.node() == goes + 1), members::toString);
        assertThrows(InvalidArgumentException.class, () -> change(List.of()));
    }

    private void change(List<LogChange> parts) throws InterruptedException {
        cluster.ask(log -> {
            log.change(parts, PATIENCE);
            return null;
        });
    }
}
