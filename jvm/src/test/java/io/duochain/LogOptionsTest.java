package io.duochain;

import static io.duochain.Fixtures.PATIENCE;
import static io.duochain.Fixtures.bytes;
import static io.duochain.Fixtures.inside;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.duochain.Fixtures.Waiter;
import io.duochain.ReplicatedLog.Member;
import io.duochain.ReplicatedLog.Origin;
import io.duochain.ReplicatedLog.Receipt;
import io.duochain.ReplicatedLog.WaitFor;
import java.io.IOException;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.api.io.TempDir;

/** What the options of a replicated log say, and where it is heard. */
class LogOptionsTest {
    @TempDir
    Path dir;

    /** Of a log that is the only member. */
    private ReplicatedLogOptions alone() throws IOException {
        String address = LogCluster.freeAddresses(1).get(0);
        return LogCluster.options(dir, List.of(address), 0).listen(address);
    }

    @Test
    void what_does_not_fit_is_refused_by_name() throws Exception {
        Map<String, UnaryOperator<ReplicatedLogOptions>> misfits = Map.of(
                "hello_timeout is below 1 ms", options -> options.helloTimeout(Duration.ZERO),
                "latency is above 1 s", options -> options.batchLatency(Duration.ofSeconds(2)),
                "in_flight_bytes_max is below bytes", options -> options.batchInflightBytesMax(1),
                "inflight_bytes_max is below append_bytes_max", options -> options.peerInflightBytesMax(1),
                "window_bytes_max is below uncommitted_bytes_max", options -> options.windowBytesMax(1),
                "sessions_max is above", options -> options.sessionsMax(Integer.MAX_VALUE),
                "ids_max is above", options -> options.idsMax(Integer.MAX_VALUE),
                "chunk_bytes is above 1 MiB", options -> options.snapshotChunkBytes(1 + (1 << 20)),
                "chunks_inflight_max is above 64", options -> options.snapshotChunksInflightMax(65));
        for (Map.Entry<String, UnaryOperator<ReplicatedLogOptions>> misfit : misfits.entrySet()) {
            ReplicatedLogOptions options = misfit.getValue().apply(alone());
            ConfigException refused = assertThrows(ConfigException.class, options::open, misfit.getKey());
            assertTrue(refused.getMessage().contains(misfit.getKey()), refused.getMessage());
        }
        ReplicatedLogOptions options = alone();
        List<Executable> calls = List.of(
                () -> options.sessionsMax(0), () -> options.readsMax(-1), () -> options.windowBytesMax(Long.MIN_VALUE),
                () -> options.repairWithin(Duration.ofNanos(-1)), () -> options.timeToLive(Duration.ofNanos(-1)));
        for (Executable call : calls) {
            assertThrows(IllegalArgumentException.class, call);
        }
    }

    private static Receipt append(ReplicatedLog log, String text, Origin origin) throws InterruptedException {
        while (true) {
            try {
                return log.append(List.of(bytes(text)), origin, WaitFor.QUORUM, PATIENCE);
            } catch (NotLeaderException | FullException notYet) {
                Thread.sleep(1);
            }
        }
    }

    @Test
    void a_session_is_forgotten_when_its_time_is_over() throws Exception {
        try (ReplicatedLog log = alone().timeToLive(Duration.ofNanos(1)).open()) {
            assertEquals(0, append(log, "x", new Origin(7, 1)).repeated());
            Thread.sleep(1);
            assertEquals(0, append(log, "x", new Origin(7, 1)).repeated());
        }
    }

    @Test
    void less_room_is_full_earlier() throws Exception {
        LogCluster.Settings small = (at, usual) -> usual.batchStagedBytesMax(1).batchInflightBytesMax(256 << 10).readsMax(1);
        try (LogCluster cluster = new LogCluster(dir, 2, small)) {
            int leader = cluster.leader();
            cluster.close(1 - leader);
            ReplicatedLog log = cluster.get(leader);
            List<CompletableFuture<Receipt>> futures = new ArrayList<>();
            // 256 KiB under way, and two batches of 64 KiB with their costs that wait.
            while (futures.isEmpty() || !futures.get(futures.size() - 1).isCompletedExceptionally()) {
                futures.add(log.appendAsync(List.of(new byte[60 << 10]), Origin.NONE, WaitFor.QUORUM, PATIENCE));
                assertTrue(futures.size() < 50, "it takes everything");
            }
            assertFull(assertThrows(ExecutionException.class, () -> futures.get(futures.size() - 1)
                    .get(PATIENCE.toSeconds(), TimeUnit.SECONDS)).getCause());
            Waiter first = inside(() -> log.readIndex(PATIENCE)).entered();
            Fixtures.eventually("a read that is refused", () -> {
                RetryableException failure =
                        assertThrows(RetryableException.class, () -> log.readIndex(Duration.ofMillis(20)));
                return failure instanceof FullException || failure instanceof NotLeaderException;
            });
            log.close();
            assertNotNull(first.outcome());
        }
    }

    /** Or it has noticed before that it is alone. */
    private static void assertFull(Throwable failure) {
        if (!(failure instanceof NotLeaderException)) {
            assertInstanceOf(FullException.class, failure);
        }
    }

    /** Changes a letter of an entry in the middle of a log. */
    private void damage() throws Exception {
        try (ReplicatedLog log = alone().open()) {
            for (String text : List.of("the first", "the second", "the third")) {
                append(log, text, Origin.NONE);
            }
        }
        Path file = dir.resolve("n1/log/00000000000000000001.frames");
        byte[] found = Files.readAllBytes(file);
        found[new String(found, StandardCharsets.ISO_8859_1).indexOf("the second")] = 'X';
        Files.write(file, found);
    }

    /** Of the damaged log, which somebody else may be asked for. */
    private ReplicatedLogOptions damaged(Duration repairWithin) throws IOException {
        return alone().contacts(List.of(new Member(9, "127.0.0.1:1"))).repairWithin(repairWithin);
    }

    @Test
    void a_damaged_log_asks_whom_it_was_told_of_for_as_long_as_it_was_told() throws Exception {
        damage();
        ReplicatedLogOptions options = damaged(Duration.ofMillis(50));
        CorruptionException refused = assertThrows(CorruptionException.class, options::open);
        assertTrue(refused.getMessage().contains("n9 gave no answer within 50ms"), refused.getMessage());
        assertTrue(Stream.of(refused.getStackTrace()).anyMatch(
                frame -> frame.getClassName().equals(LogOptionsTest.class.getName())), "the host's own call is in the trace");
    }

    @Test
    void an_interrupt_ends_the_wait_for_an_opening_which_is_undone_then() throws Exception {
        damage();
        String[] address = LogCluster.freeAddresses(1).get(0).split(":");
        ReplicatedLogOptions options = damaged(Duration.ofSeconds(10)).listen(String.join(":", address));
        Waiter waiter = inside(options::open);
        Fixtures.eventually("it asks others", () -> {
            try (Socket socket = new Socket(address[0], Integer.parseInt(address[1]))) {
                return socket.isConnected();
            } catch (IOException notYet) {
                return false;
            }
        });
        waiter.interrupt();
        assertInstanceOf(InterruptedException.class, waiter.outcome());
        ReplicatedLogOptions again = damaged(Duration.ZERO);
        Fixtures.eventually("the directory is free", () -> {
            try {
                again.open();
                throw new AssertionError("it is damaged");
            } catch (BusyException taken) {
                return false;
            } catch (CorruptionException free) {
                return true;
            } catch (InterruptedException nobodyDoes) {
                throw new AssertionError(nobodyDoes);
            }
        });
    }
}
