package io.duochain;

import static io.duochain.Fixtures.PATIENCE;
import static io.duochain.Fixtures.bytes;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ErrorsTest {
    @Test
    void every_code_has_an_exception_of_its_class() {
        for (Code code : Code.values()) {
            assertSame(code, Code.of(code.number()));
            if (code == Code.OK) {
                continue;
            }
            DuoException exception = Failures.of(code, "why");
            assertSame(code, exception.code());
            assertEquals("why", exception.getMessage());
            Class<?> parent = switch (code.outcomeClass()) {
                case RETRYABLE -> RetryableException.class;
                case CALLER -> CallerException.class;
                default -> FatalException.class;
            };
            assertInstanceOf(parent, exception);
            assertEquals(exception instanceof RetryableException, exception.retryable());
            assertEquals(code.meaning(), Failures.of(code, "").getMessage());
        }
        assertSame(Code.INTERNAL, Code.of(-12345));
        assertTrue(IllegalStateException.class.isAssignableFrom(ClosedException.class));
    }

    @Test
    void a_refusal_keeps_its_code() {
        for (Code code : new Code[] {Code.AGAIN, Code.TIMEOUT, Code.NOT_FOUND, Code.END, Code.PARTIAL}) {
            long refused = Long.MIN_VALUE | code.number();
            assertTrue(Failures.isRefused(refused));
            assertSame(code, Failures.refusal(refused));
        }
        assertFalse(Failures.isRefused(0));
        assertFalse(Failures.isRefused(Long.MAX_VALUE));
    }

    @Test
    void wrong_transactions_lanes_and_nulls_are_refused() {
        try (Node node = Fixtures.memoryNode()) {
            InvalidTransactionException empty =
                    assertThrows(InvalidTransactionException.class, () -> node.submit(Chain.DELTA, 0, new byte[0]));
            assertFalse(empty.retryable());
            assertThrows(InvalidArgumentException.class, () -> node.submit(Chain.DELTA, 4, bytes("x")));
            assertThrows(InvalidArgumentException.class, () -> node.submit(Chain.DELTA, -1, bytes("x")));
            assertThrows(InvalidArgumentException.class, () -> node.submit(Chain.DELTA, Integer.MAX_VALUE, bytes("x")));
            TooLargeException large =
                    assertThrows(TooLargeException.class, () -> node.submit(Chain.DELTA, 0, new byte[(1 << 20) + 1]));
            assertTrue(large.getMessage().contains("1048577"), large.getMessage());
            assertThrows(TooLargeException.class, () -> node.submit(Chain.DELTA, 0, new byte[(16 << 20) + 1]));
            assertThrows(NullPointerException.class, () -> node.submit(Chain.DELTA, 0, (byte[]) null));
            assertThrows(NullPointerException.class, () -> node.submit(Chain.DELTA, 0, (DirectBytes) null));
            assertThrows(NullPointerException.class, () -> node.submit(null, 0, bytes("x")));
            assertThrows(NullPointerException.class, () -> node.status(Chain.DELTA, null));
            assertThrows(NullPointerException.class, () -> node.head(null));
            assertThrows(NullPointerException.class, () -> node.subscribe(null));
            assertThrows(NullPointerException.class, () -> node.events(null));
            assertThrows(NullPointerException.class, () -> TxId.of(Chain.DELTA, (byte[]) null));
            assertThrows(
                    IllegalArgumentException.class,
                    () -> node.submit(Chain.DELTA, 0, bytes("x"), Duration.ofNanos(-1)));
            assertThrows(CorruptionException.class, () -> new TxProof(new byte[10]).verify(bytes("x"), new Hash(new byte[32])));
        }
    }

    @Test
    void the_layer_below_refuses_what_the_classes_would_not_pass_on() {
        // Straight into the natives: nothing here may crash.
        assertThrows(InvalidArgumentException.class, () -> Natives.nodeHead(null, 0, 1));
        assertThrows(ClosedException.class, () -> Natives.nodeHead(null, 12345, 1));
        assertThrows(ClosedException.class, () -> Natives.nodeDestroy(-1));
        assertThrows(ClosedException.class, () -> Natives.queueLength(null, Long.MAX_VALUE));
        assertThrows(InvalidArgumentException.class, () -> Natives.subCreate(null, 0, 0, 0, null));
        try (Node node = Fixtures.memoryNode(); TxQueue queue = TxQueue.open()) {
            long word = node.handle().use();
            assertThrows(InvalidArgumentException.class, () -> Natives.nodeHead(null, word, 3));
            assertThrows(InvalidArgumentException.class, () -> Natives.nodeTxStatus(null, word, 1, new byte[5]));
            assertThrows(InvalidArgumentException.class, () -> Natives.nodeSubmitDirect(null, word, 1, 0, null, 0, 5));
            assertThrows(InvalidArgumentException.class, () -> Natives.nodeSubmitFlat(null, word, 1, 0, null, 0, 0, 5, 0));
            assertThrows(ClosedException.class, () -> Natives.queueLength(null, word), "a node is no queue");
            assertThrows(InvalidArgumentException.class, () -> Natives.subCreate(null, word, 9, 0, null));
            assertThrows(InvalidArgumentException.class, () -> Natives.subCreate(null, word, 0, 9, null));
        }
        assertThrows(InvalidArgumentException.class, () -> Natives.configResolve(new byte[] {0, 9}, false));
        assertThrows(InvalidArgumentException.class, () -> Natives.queueCreate(new byte[3]));
        assertThrows(InvalidArgumentException.class, () -> Natives.address(java.nio.ByteBuffer.allocate(1)));
    }

    @Test
    void a_directory_is_for_one_node(@TempDir Path directory) {
        Config config = Fixtures.disk(directory).build();
        try (Node first = Node.open(config)) {
            BusyException busy = assertThrows(BusyException.class, () -> Node.open(config));
            assertTrue(busy.retryable());
            assertTrue(busy.getMessage().contains(directory.toString()), busy.getMessage());
            assertFalse(first.isClosed());
        }
        Node.open(config).close();
    }

    @Test
    void a_directory_that_cannot_be_made_is_named(@TempDir Path directory) throws Exception {
        Path file = Files.writeString(directory.resolve("file"), "in the way");
        Config config = Fixtures.disk(file.resolve("below")).build();
        DuoException refused = assertThrows(DuoException.class, () -> Node.open(config));
        assertTrue(refused instanceof InputOutputException || refused instanceof PermissionException, refused.toString());
        assertTrue(refused.getMessage().contains("file"), refused.getMessage());
    }

    @Test
    void a_corrupt_block_is_refused_by_file_and_a_newer_format_by_number(@TempDir Path directory) throws Exception {
        try (Node node = Node.open(Fixtures.disk(directory).build())) {
            node.submit(Chain.DELTA, 0, new byte[1000]).get(PATIENCE.toSeconds(), TimeUnit.SECONDS);
            long height = node.head(Chain.DELTA).height();
            Fixtures.eventually("blocks behind it", () -> node.head(Chain.DELTA).height() > height + 5);
        }
        Path segment;
        try (var files = Files.walk(directory.resolve("delta").resolve("blocks"))) {
            segment = files.filter(Files::isRegularFile)
                    .max(java.util.Comparator.comparing(path -> path.toFile().length())).orElseThrow();
        }
        try (RandomAccessFile file = new RandomAccessFile(segment.toFile(), "rw")) {
            file.seek(400);
            byte[] original = new byte[8];
            file.readFully(original);
            file.seek(400);
            file.write("scratch!".getBytes(java.nio.charset.StandardCharsets.US_ASCII));
            CorruptionException corrupt =
                    assertThrows(CorruptionException.class, () -> Node.open(Fixtures.disk(directory).build()));
            assertTrue(corrupt.getMessage().contains(segment.getFileName().toString()), corrupt.getMessage());
            file.seek(400);
            file.write(original);
        }
        Node.open(Fixtures.disk(directory).build()).close();

        Path format = directory.resolve("FORMAT");
        String newer = Files.readString(format).replaceFirst("[0-9]+", "99");
        Files.writeString(format, newer);
        DuoException refused = assertThrows(DuoException.class, () -> Node.open(Fixtures.disk(directory).build()));
        assertTrue(refused.getMessage().contains("99"), refused.getMessage());
    }

    @Test
    void a_store_that_is_not_built_in_is_unsupported(@TempDir Path directory) {
        Assumptions.assumeFalse(Library.hasRocksDb(), "this build has RocksDB");
        Config config = Fixtures.disk(directory).set(ConfigKey.STORAGE_BACKEND, "rocksdb").build();
        assertThrows(UnsupportedException.class, () -> Node.open(config));
    }
}
