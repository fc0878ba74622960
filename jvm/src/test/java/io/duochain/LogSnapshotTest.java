package io.duochain;

import static io.duochain.Fixtures.PATIENCE;
import static io.duochain.Fixtures.bytes;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.duochain.ReplicatedLog.Origin;
import io.duochain.ReplicatedLog.Receipt;
import io.duochain.ReplicatedLog.WaitFor;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LogSnapshotTest {
    @TempDir
    Path dir;

    /** A host whose state is the texts that it read. */
    private static final class Host {
        private final List<String> texts = new ArrayList<>();
        private long done;
        private int restored;

        /** Until it is at {@code last}, a few entries at a time. */
        void follow(ReplicatedLog log, long last) throws InterruptedException {
            LogFollower follower = log.follow(done, this::restore);
            while (done < last) {
                follower.poll((int) Math.min(7, last - done), PATIENCE).forEach(entry -> {
                    assertTrue(entry.index() > done);
                    done = entry.index();
                    texts.add(LogCluster.text(entry));
                });
            }
        }

        void restore(LogSnapshot snapshot) {
            done = snapshot.index();
            texts.clear();
            texts.addAll(List.of(new String(snapshot.toArray(), StandardCharsets.UTF_8).split("\n")));
            restored++;
        }

        long give(ReplicatedLog log) throws InterruptedException {
            return log.snapshots().give(done, ByteBuffer.wrap(bytes(String.join("\n", texts))), PATIENCE);
        }
    }

    private static List<byte[]> numbers(int count) {
        List<byte[]> entries = new ArrayList<>();
        for (int number = 0; number < count; number++) {
            entries.add(bytes("number " + number));
        }
        return entries;
    }

    @Test
    void a_host_that_lost_its_state_begins_with_the_snapshot() throws Exception {
        try (LogCluster cluster = new LogCluster(dir, 1)) {
            Receipt receipt = cluster.ask(log -> log.append(numbers(100), PATIENCE)).value();
            ReplicatedLog log = cluster.get(0);
            assertTrue(log.snapshots().read().isEmpty());
            assertEquals(0, log.status().snapshot());
            Host host = new Host();
            // Within a batch.
            host.follow(log, receipt.index() - 50);
            assertEquals(receipt.index() - 50, host.give(log));
            assertEquals(host.done, log.status().snapshot());
            host.follow(log, cluster.append("end").index());
            cluster.close(0);
            ReplicatedLog reopened = cluster.open(0);
            cluster.append("more");
            LogFollower behind = reopened.follow(0);
            assertThrows(NotFoundException.class, () -> behind.poll(1, PATIENCE));
            assertThrows(NotFoundException.class, () -> behind.iterator().hasNext());
            NativeBuffer room = NativeBuffer.allocate(100);
            assertThrows(NotFoundException.class, () -> reopened.read(1, 1, room, PATIENCE));
            Host other = new Host();
            other.follow(reopened, host.done);
            assertEquals(1, other.restored);
            assertEquals(host.texts, other.texts);
            host.follow(reopened, host.done + 1);
            assertEquals(0, host.restored);
        }
    }

    @Test
    void the_log_is_cut_and_repetitions_are_known_still() throws Exception {
        try (LogCluster cluster = new LogCluster(dir, 1)) {
            Origin origin = new Origin(5, 1);
            long first = cluster.ask(log -> log.append(List.of(bytes("once")), origin, WaitFor.QUORUM, PATIENCE)).value()
                    .index();
            ReplicatedLog log = cluster.get(0);
            List<byte[]> batch = new ArrayList<>();
            for (int at = 0; at < 20; at++) {
                batch.add(new byte[1000]);
            }
            for (int round = 0; round < 4; round++) {
                long last = 0;
                for (int times = 0; times < 50; times++) {
                    last = cluster.ask(each -> each.append(batch, PATIENCE)).value().index();
                }
                new Host().follow(log, last);
                assertEquals(last, log.snapshots().give(last, ByteBuffer.wrap(bytes("small")), PATIENCE));
            }
            Fixtures.eventually("its front is cut", () -> log.status().first() > first);
            Receipt again = cluster.ask(each -> each.append(List.of(bytes("once")), origin, WaitFor.QUORUM, PATIENCE))
                    .value();
            assertEquals(1, again.repeated());
        }
    }

    @Test
    void who_was_away_for_too_long_takes_the_snapshot() throws Exception {
        try (LogCluster cluster = new LogCluster(dir, 3)) {
            cluster.close(2);
            Host[] hosts = {new Host(), new Host(), new Host()};
            for (int number = 0; number < 6; number++) {
                long last = cluster.append("entry " + number).index();
                for (int at = 0; at < 2; at++) {
                    hosts[at].follow(cluster.get(at), last);
                    assertEquals(last, hosts[at].give(cluster.get(at)));
                }
            }
            cluster.open(2);
            long last = cluster.append("end").index();
            for (int at = 0; at < 3; at++) {
                hosts[at].follow(cluster.get(at), last);
                assertEquals(hosts[0].texts, hosts[at].texts);
            }
            assertEquals(1, hosts[2].restored);
            assertEquals(last, hosts[2].give(cluster.get(2)));
        }
    }

    @Test
    void what_cannot_be_a_snapshot_is_refused() throws Exception {
        try (LogCluster cluster = new LogCluster(dir, 1)) {
            long last = cluster.ask(log -> log.append(numbers(2), PATIENCE)).value().index();
            ReplicatedLog log = cluster.get(0);
            new Host().follow(log, last);
            ByteBuffer state = ByteBuffer.wrap(bytes("state"));
            for (long index : new long[] {-1, 0, last + 1}) {
                assertThrows(InvalidArgumentException.class, () -> log.snapshots().give(index, state, PATIENCE));
            }
            assertThrows(
                    IllegalArgumentException.class, () -> log.snapshots().give(last, state, Duration.ofSeconds(-1)));
            assertTrue(log.snapshots().read().isEmpty());
            assertEquals(last, log.snapshots().give(last, state, PATIENCE));
            assertEquals(bytes("state").length, state.remaining());
            // One that stands for no more of the log changes nothing.
            assertEquals(last, log.snapshots().give(last - 1, ByteBuffer.wrap(bytes("other")), PATIENCE));
            assertTrue(log.shutdown(PATIENCE));
            assertArrayEquals(bytes("state"), log.snapshots().read().orElseThrow().toArray());
            assertThrows(ClosedException.class, () -> log.snapshots().give(last, state, PATIENCE));
        }
    }

    private static byte[] large() {
        byte[] state = new byte[(3 << 20) + 5];
        for (int at = 0; at < state.length; at++) {
            state[at] = (byte) (at * 31 + at / 251);
        }
        return state;
    }

    /** What a host's stream does once {@code before} was read. */
    private interface Then {
        int run() throws IOException;
    }

    /** Tells whether it was closed. */
    private static final class Source extends InputStream {
        private final ByteArrayInputStream before;
        private final Then then;
        private boolean isClosed;

        Source(byte[] before, Then then) {
            this.before = new ByteArrayInputStream(before);
            this.then = then;
        }

        @Override
        public int read() throws IOException {
            throw new IOException("byte by byte");
        }

        @Override
        public int read(byte[] to, int from, int count) throws IOException {
            int read = before.read(to, from, count);
            return read < 0 ? then.run() : read;
        }

        @Override
        public void close() {
            isClosed = true;
        }
    }

    /** Of one that was read. */
    private static long append(LogCluster cluster) throws InterruptedException {
        long last = cluster.append("entry").index();
        new Host().follow(cluster.get(0), last);
        return last;
    }

    @Test
    void a_state_goes_in_and_out_in_pieces() throws Exception {
        try (LogCluster cluster = new LogCluster(dir, 1)) {
            byte[] state = large();
            long last = append(cluster);
            LogSnapshots snapshots = cluster.get(0).snapshots();
            assertTrue(snapshots.copy(OutputStream.nullOutputStream()).isEmpty());
            Source source = new Source(state, () -> -1);
            assertEquals(last, snapshots.give(last, source, PATIENCE));
            assertFalse(source.isClosed);
            OutputStream full = new OutputStream() {
                @Override
                public void write(int octet) throws IOException {
                    throw new IOException("full");
                }
            };
            assertEquals("full", assertThrows(IOException.class, () -> snapshots.copy(full)).getMessage());
            ByteArrayOutputStream found = new ByteArrayOutputStream();
            assertEquals(last, snapshots.copy(found).orElseThrow());
            assertArrayEquals(state, found.toByteArray());
            last = append(cluster);
            assertEquals(last, snapshots.give(last, InputStream.nullInputStream(), PATIENCE));
            assertEquals(last, snapshots.copy(full).orElseThrow());
        }
    }

    @Test
    void a_state_that_ends_with_an_exception_is_no_snapshot() throws Exception {
        try (LogCluster cluster = new LogCluster(dir, 1)) {
            long before = append(cluster);
            ReplicatedLog log = cluster.get(0);
            LogSnapshots snapshots = log.snapshots();
            assertEquals(before, snapshots.give(before, ByteBuffer.wrap(bytes("before")), PATIENCE));
            long last = append(cluster);
            Then breaks = () -> {
                throw new IOException("the host's");
            };
            Then interrupts = () -> {
                Thread.currentThread().interrupt();
                return 1;
            };
            // None of them is in the way of the next one.
            for (int times = 0; times < 5; times++) {
                Source broken = new Source(large(), breaks);
                IOException why = assertThrows(IOException.class, () -> snapshots.give(last, broken, PATIENCE));
                assertEquals("the host's", why.getMessage());
                assertFalse(broken.isClosed);
                Source interrupted = new Source(bytes("half of"), interrupts);
                assertThrows(InterruptedException.class, () -> snapshots.give(last, interrupted, PATIENCE));
            }
            assertThrows(
                    InvalidArgumentException.class, () -> snapshots.give(last + 1, new Source(large(), breaks), PATIENCE));
            assertEquals(before, log.status().snapshot());
            assertArrayEquals(bytes("before"), snapshots.read().orElseThrow().toArray());
            assertEquals(last, snapshots.give(last, new ByteArrayInputStream(large()), PATIENCE));
            assertArrayEquals(large(), snapshots.read().orElseThrow().toArray());
        }
    }

    @Test
    void a_state_for_which_there_is_no_time_is_given_up() throws Exception {
        try (LogCluster cluster = new LogCluster(dir, 1)) {
            long early = append(cluster);
            long last = append(cluster);
            LogSnapshots snapshots = cluster.get(0).snapshots();
            CountDownLatch hasBegun = new CountDownLatch(1);
            CountDownLatch goOn = new CountDownLatch(1);
            Source slow = new Source(bytes("slow"), () -> {
                hasBegun.countDown();
                try {
                    goOn.await();
                } catch (InterruptedException end) {
                    throw new IOException(end);
                }
                return -1;
            });
            Fixtures.Waiter first = Fixtures.inside(() -> assertEquals(early, snapshots.give(early, slow, PATIENCE)));
            assertTrue(hasBegun.await(PATIENCE.toSeconds(), TimeUnit.SECONDS));
            Fixtures.eventually("one waits for the first", () -> isGivenUpLate(snapshots, last));
            assertEquals(0, cluster.get(0).status().snapshot());
            goOn.countDown();
            assertNull(first.outcome());
            assertEquals(last, snapshots.give(last, new ByteArrayInputStream(large()), PATIENCE));
        }
    }

    /** False while there is no room to wait. */
    private static boolean isGivenUpLate(LogSnapshots snapshots, long last) {
        try {
            snapshots.give(last, new Source(large(), () -> {
                throw new IOException("all of it was taken");
            }), Duration.ZERO);
            throw new AssertionError("nothing ends it");
        } catch (FullException | IOException notYet) {
            return false;
        } catch (TimedOutException late) {
            return late.getMessage().contains("given up");
        } catch (InterruptedException end) {
            throw new AssertionError(end);
        }
    }

    @Test
    void closing_ends_a_state_that_is_handed_over() throws Exception {
        try (LogCluster cluster = new LogCluster(dir, 1)) {
            long last = append(cluster);
            ReplicatedLog log = cluster.get(0);
            Source closing = new Source(large(), () -> {
                log.close();
                return 1;
            });
            assertThrows(ClosedException.class, () -> log.snapshots().give(last, closing, PATIENCE));
            cluster.close(0);
            assertTrue(cluster.open(0).snapshots().read().isEmpty());
        }
    }

    @Test
    void states_of_every_kind_of_buffer_come_back() throws Exception {
        try (LogCluster cluster = new LogCluster(dir, 1)) {
            byte[] large = large();
            ByteBuffer direct = ByteBuffer.allocateDirect(large.length + 7).position(3).put(large).flip().position(3);
            ByteBuffer part = ByteBuffer.wrap(large, 10, 1000).asReadOnlyBuffer();
            for (ByteBuffer state : List.of(ByteBuffer.wrap(large), direct, part, ByteBuffer.allocate(0))) {
                byte[] expected = new byte[state.remaining()];
                state.duplicate().get(expected);
                long last = cluster.append("entry").index();
                ReplicatedLog log = cluster.get(0);
                new Host().follow(log, last);
                assertEquals(last, log.snapshots().give(last, state, PATIENCE));
                LogSnapshot found = log.snapshots().read().orElseThrow();
                assertEquals(last, found.index());
                assertArrayEquals(expected, found.toArray());
            }
        }
    }
}
