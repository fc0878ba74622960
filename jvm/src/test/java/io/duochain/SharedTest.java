package io.duochain;

import static io.duochain.Fixtures.PATIENCE;
import static io.duochain.Fixtures.bytes;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.BufferedReader;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Shared lanes from Java: in this process, and from JVMs that are killed. */
class SharedTest {
    @TempDir
    private Path directory;

    private static TxQueue queue() {
        return TxQueue.open(new TxQueue.Options().lanes(64, 64).transactionBytesMax(4096));
    }

    private static SharedLanes.Options small() {
        return new SharedLanes.Options().laneCells(8).seats(2).partBytes(1024);
    }

    @Test
    void what_java_puts_into_the_mapping_comes_out_of_the_queue() throws Exception {
        try (TxQueue queue = queue(); SharedLanes lanes = queue.openShared(small());
                SharedProducer producer = SharedProducer.attach(lanes.path())) {
            producer.enqueue(0, bytes("shared"));
            assertTrue(producer.tryEnqueue(0, bytes("xmiddlex"), 1, 6, 7));
            ByteBuffer direct = ByteBuffer.allocateDirect(8);
            direct.put(bytes("direct")).flip();
            assertTrue(producer.tryEnqueue(0, direct, 0));
            assertEquals(6, direct.remaining());
            ByteBuffer claim = producer.claim(0, 500);
            for (int at = 0; at < 500; at++) {
                claim.put((byte) at);
            }
            assertThrows(BusyException.class, () -> producer.claim(0, 1));
            assertTrue(producer.commit(9));
            assertArrayEquals(bytes("shared"), queue.dequeue(PATIENCE));
            assertArrayEquals(bytes("middle"), queue.dequeue(PATIENCE));
            assertArrayEquals(bytes("direct"), queue.dequeue(PATIENCE));
            byte[] claimed = queue.dequeue(PATIENCE);
            assertEquals(500, claimed.length);
            assertEquals((byte) 499, claimed[499]);
            assertNull(queue.dequeue());
            assertEquals(new SharedStats(4, 518, 0, 0, 0, 2, 1, 0), lanes.stats());
        }
    }

    @Test
    void records_of_every_size_go_around_the_part_and_the_ring_many_times() throws Exception {
        try (TxQueue queue = queue(); SharedLanes lanes = queue.openShared(small());
                SharedProducer producer = SharedProducer.attach(lanes.path())) {
            assertEquals(1024 - 32, producer.transactionBytesMax());
            for (int round = 0; round < 5_000; round++) {
                byte[] transaction = new byte[1 + round * 7 % 992];
                java.util.Arrays.fill(transaction, (byte) round);
                if (round % 3 == 0) {
                    producer.claim(round % 2, 900);
                    producer.abort();
                }
                producer.enqueue(round % 2, transaction);
                assertArrayEquals(transaction, queue.dequeue(PATIENCE));
            }
            assertEquals(0, lanes.stats().corrupt());
        }
    }

    /** More than the 16 KiB after which a producer looks for freed room, one lane for a while and then both by turns. */
    @Test
    void freed_room_is_found_whatever_lane_it_was_for() throws Exception {
        int bytes = 65_536;
        try (TxQueue queue = queue(); SharedLanes lanes = queue.openShared(small().laneCells(1024).partBytes(bytes));
                SharedProducer producer = SharedProducer.attach(lanes.path())) {
            for (int round = 0; round < 200; round++) {
                int count = 1 + round * 37 % 900;
                for (int number = 0; number < count; number++) {
                    if (number % 11 == 0) {
                        assertTrue(producer.claim(0, 20) != null);
                        producer.abort();
                    }
                    int lane = round % 3 == 2 ? number % 2 : round % 2;
                    byte[] transaction = new byte[1 + number % 32];
                    java.util.Arrays.fill(transaction, (byte) number);
                    assertTrue(producer.tryEnqueue(lane, transaction), "room for " + count);
                }
                int arrived = 0;
                for (byte[] some = queue.dequeue(); some != null; some = queue.dequeue()) {
                    assertEquals(some[0], some[some.length - 1]);
                    arrived++;
                }
                assertEquals(count, arrived);
            }
            int room = 0;
            while (producer.tryEnqueue(0, new byte[32])) {
                room++;
            }
            assertEquals(bytes / 64, room);
            SharedStats stats = lanes.stats();
            assertEquals(List.of(0L, 0L, 0L), List.of(stats.corrupt(), stats.gaps(), stats.tails()));
        }
    }

    @Test
    void a_full_lane_refuses_and_bad_requests_are_told() {
        try (TxQueue queue = queue(); SharedLanes lanes = queue.openShared(small())) {
            SharedProducer producer = SharedProducer.attach(lanes.path());
            for (int number = 0; number < 8; number++) {
                producer.enqueue(0, bytes("x"));
            }
            assertFalse(producer.tryEnqueue(0, bytes("x")));
            assertThrows(FullException.class, () -> producer.enqueue(0, bytes("x")));
            assertTrue(producer.tryEnqueue(1, bytes("x")));
            assertThrows(InvalidTransactionException.class, () -> producer.enqueue(0, new byte[0]));
            assertThrows(TooLargeException.class, () -> producer.enqueue(0, new byte[993]));
            assertThrows(InvalidArgumentException.class, () -> producer.enqueue(2, bytes("x")));
            assertThrows(IllegalStateException.class, () -> producer.commit(0));
            SharedProducer second = SharedProducer.attach(lanes.path());
            assertThrows(BusyException.class, () -> SharedProducer.attach(lanes.path()));
            second.close();
            second.close();
            assertThrows(ClosedException.class, () -> second.enqueue(0, bytes("x")));
            lanes.close();
            assertThrows(ClosedException.class, () -> producer.enqueue(1, bytes("x")));
            assertEquals(9, queue.drain(100).size());
        }
    }

    /** A lane of shared lanes that is full, and its producer. */
    private static SharedProducer full(SharedLanes lanes) {
        SharedProducer producer = SharedProducer.attach(lanes.path());
        while (producer.tryEnqueue(0, bytes("filler"))) {
            // until it is full
        }
        return producer;
    }

    @Test
    void who_waits_for_room_gets_in_when_there_is_some() throws Exception {
        try (TxQueue queue = queue(); SharedLanes lanes = queue.openShared(small()); SharedProducer producer = full(lanes)) {
            Fixtures.Waiter waiter =
                    Fixtures.inside(() -> producer.enqueue(0, bytes("patient"), PATIENCE)).parked();
            for (int number = 0; number < 8; number++) {
                assertArrayEquals(bytes("filler"), queue.dequeue(PATIENCE));
            }
            assertNull(waiter.outcome());
            assertArrayEquals(bytes("patient"), queue.dequeue(PATIENCE));
            producer.enqueue(0, bytes("at once"), Duration.ZERO);
            assertArrayEquals(bytes("at once"), queue.dequeue(PATIENCE));
            assertNull(queue.dequeue());
        }
    }

    @Test
    void a_wait_for_room_ends_with_its_time_or_an_interrupt_and_puts_nothing_in() throws Exception {
        try (TxQueue queue = queue(); SharedLanes lanes = queue.openShared(small()); SharedProducer producer = full(lanes)) {
            for (Duration timeout : List.of(Duration.ZERO, Duration.ofMillis(20))) {
                TimedOutException late = assertThrows(
                        TimedOutException.class, () -> producer.enqueue(0, bytes("late"), timeout));
                assertTrue(late.getMessage().contains("lane 0"), late::getMessage);
            }
            assertThrows(IllegalArgumentException.class,
                    () -> producer.enqueue(0, bytes("x"), Duration.ofNanos(-1)));
            Fixtures.Waiter waiter = Fixtures.inside(() -> producer.enqueue(0, bytes("late"), PATIENCE)).parked();
            waiter.interrupt();
            assertInstanceOf(InterruptedException.class, waiter.outcome());
            assertInstanceOf(InterruptedException.class, Fixtures.inside(() -> {
                Thread.currentThread().interrupt();
                producer.enqueue(1, bytes("there is room, but"), PATIENCE);
            }).outcome());
            assertEquals(8, queue.drain(100).size());
        }
    }

    @Test
    void closing_the_lanes_ends_a_wait_for_room() throws Exception {
        try (TxQueue queue = queue(); SharedLanes lanes = queue.openShared(small())) {
            SharedProducer producer = full(lanes);
            Fixtures.Waiter waiter = Fixtures.inside(() -> producer.enqueue(0, bytes("late"), PATIENCE)).parked();
            lanes.close();
            Throwable thrown = waiter.outcome();
            assertInstanceOf(ClosedException.class, thrown);
            assertTrue(thrown.getMessage().contains("shared lanes are closed"), thrown::getMessage);
            assertEquals(8, queue.drain(100).size());
        }
    }

    @Test
    void files_that_cannot_be_attached_say_why() throws Exception {
        Path file = directory.resolve("segment");
        assertThrows(NotFoundException.class, () -> SharedProducer.attach(file));
        try (TxQueue queue = queue(); SharedLanes lanes = queue.openShared(small().file(file))) {
            assertEquals(file, lanes.path());
            SharedProducer.attach(file).close();
            spoil(file, 0, 1, CorruptionException.class, "not a segment");
            spoil(file, 8, 2, UnsupportedException.class, "version 2");
            spoil(file, 0x58, 0, ConfigException.class, "shape");
            spoil(file, 0x70, 991, ConfigException.class, "check word");
            spoil(file, 0x100, 2, ClosedException.class, "closed");
            Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-r--r--"));
            assertThrows(PermissionException.class, () -> SharedProducer.attach(file));
        }
        assertFalse(Files.exists(file));
        Files.write(file, new byte[100]);
        Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-------"));
        assertThrows(CorruptionException.class, () -> SharedProducer.attach(file));
    }

    private static void spoil(Path file, int at, long word, Class<? extends DuoException> refusal, String text)
            throws Exception {
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
            ByteBuffer before = ByteBuffer.allocate(8);
            channel.read(before, at);
            channel.write(ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putLong(word).flip(), at);
            DuoException refused = assertThrows(refusal, () -> SharedProducer.attach(file));
            assertTrue(refused.getMessage().contains(text), refused::getMessage);
            channel.write(before.flip(), at);
        }
    }

    @Test
    void threads_lose_nothing_and_keep_their_order() throws Exception {
        int each = 20_000;
        try (TxQueue queue = queue(); SharedLanes lanes = queue.openShared(small().partBytes(8192))) {
            List<Thread> threads = new ArrayList<>();
            for (int who = 0; who < 2; who++) {
                long number = who;
                Thread thread = new Thread(() -> SharedChild.produce(lanes.path(), number, each, sequence -> { }));
                thread.start();
                threads.add(thread);
            }
            Map<Long, Long> next = new HashMap<>();
            for (int count = 0; count < 2 * each; count++) {
                SharedChild.check(queue.dequeue(PATIENCE), next);
            }
            for (Thread thread : threads) {
                thread.join();
            }
            SharedStats stats = lanes.stats();
            assertEquals(List.of(2L * each, 0L, 0L, 0L),
                    List.of(stats.accepted(), stats.corrupt(), stats.gaps(), stats.tails()));
        }
    }

    /** Each JVM takes the only seat over from the one before. */
    @Test
    void killed_jvms_lose_nothing_that_they_committed() throws Exception {
        int kills = Integer.getInteger("duochain.kills", 4);
        Random moment = new Random();
        try (TxQueue queue = queue();
                SharedLanes lanes = queue.openShared(small().laneCells(64).seats(1).partBytes(16384))) {
            Map<Long, Long> next = new HashMap<>();
            for (long number = 1; number <= kills; number++) {
                long told = dieIn(queue, lanes.path(), number, moment.nextInt(20_000), next);
                byte[] left = queue.dequeue();
                while (left != null) {
                    SharedChild.check(left, next);
                    left = queue.dequeue();
                }
                long arrived = next.get(number);
                assertTrue(arrived == told || arrived == told + 1, () -> "told " + told + ", arrived " + arrived);
            }
            SharedStats stats = lanes.stats();
            assertEquals(List.of(0L, 0L, 0L, kills - 1L),
                    List.of(stats.corrupt(), stats.gaps(), stats.tails(), stats.seatsRecovered()));
        }
    }

    /** Lets a JVM commit for so many transactions, kills it, and answers how many it said it had committed. */
    private long dieIn(TxQueue queue, Path path, long number, int transactions, Map<Long, Long> next)
            throws Exception {
        Path said = Files.createTempFile(directory, "said", ".txt");
        Process process = new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(), "-Xshare:auto",
                "-XX:TieredStopAtLevel=1", "-cp", System.getProperty("duochain.build") + "/test-classes:"
                + System.getProperty("duochain.build") + "/classes", "io.duochain.SharedChild",
                path.toString(), Long.toString(number))
                .redirectError(ProcessBuilder.Redirect.INHERIT).redirectOutput(said.toFile()).start();
        for (int count = 0; count <= transactions; count++) {
            byte[] transaction = queue.dequeue(PATIENCE);
            assertTrue(transaction != null, "the producer stands still");
            SharedChild.check(transaction, next);
        }
        process.destroyForcibly();
        assertEquals(128 + 9, process.waitFor());
        long told = 0;
        try (BufferedReader lines = Files.newBufferedReader(said)) {
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                if (line.startsWith("c ") && line.endsWith(" end")) {
                    assertEquals(told++, Long.parseLong(line.substring(2, line.length() - 4)));
                }
            }
        }
        return told;
    }
}
