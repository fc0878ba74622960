package io.duochain;

import static io.duochain.Fixtures.PATIENCE;
import static io.duochain.Fixtures.bytes;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

class CompletionsTest {
    private static List<Completion> poll(Node node, int count) throws InterruptedException {
        List<Completion> all = new ArrayList<>();
        while (all.size() < count) {
            List<Completion> some = node.pollCompletions(64, PATIENCE);
            assertFalse(some.isEmpty(), "no completion in time");
            all.addAll(some);
        }
        assertEquals(count, all.size());
        return all;
    }

    @Test
    void every_way_of_handing_over_bytes_ends_in_one_completion() throws Exception {
        try (Node node = Fixtures.memoryNode(); Pool pool = Pool.builder().add(64, 4).build()) {
            Set<Long> ops = new HashSet<>();
            ops.add(node.enqueue(Chain.DELTA, 0, bytes("array")));
            ops.add(node.tryEnqueue(Chain.DELTA, 0, bytes("array, tried")));
            ops.add(node.enqueue(Chain.DELTA, 0, bytes("array, waiting"), PATIENCE));
            ops.add(node.enqueue(Chain.DELTA, 0, ByteBuffer.wrap(bytes("heap buffer"))));
            ops.add(node.enqueue(Chain.DELTA, 0, ByteBuffer.wrap(bytes("read-only")).asReadOnlyBuffer()));
            ByteBuffer direct = ByteBuffer.allocateDirect(64).put(bytes("skip direct buffer")).flip().position(5);
            ops.add(node.enqueue(Chain.DELTA, 0, direct));
            assertEquals(5, direct.position());
            NativeBuffer own = NativeBuffer.allocate(64);
            own.bytes().put(bytes("native buffer")).flip();
            ops.add(node.enqueue(Chain.DELTA, 0, own));
            try (PooledBuffer pooled = pool.acquire(13)) {
                pooled.bytes().put(bytes("pooled buffer")).flip();
                ops.add(node.enqueue(Chain.DELTA, 0, pooled));
            }
            TxBatch batch = new TxBatch(8, 256);
            assertTrue(batch.add(bytes("batch 1")) && batch.add(ByteBuffer.wrap(bytes("batch 2"))));
            assertEquals(2, node.enqueue(Chain.DELTA, 0, batch));
            ops.add(batch.op(0));
            ops.add(batch.op(1));

            assertEquals(10, ops.size());
            Set<TxId> ids = new HashSet<>();
            for (Completion completion : poll(node, 10)) {
                assertTrue(ops.remove(completion.op()), () -> "not ours: " + completion);
                assertEquals(Code.OK, completion.code());
                ids.add(completion.tx());
            }
            for (String text : List.of("direct buffer", "native buffer", "pooled buffer", "batch 2", "read-only")) {
                assertTrue(ids.contains(TxId.of(Chain.DELTA, bytes(text))), text);
            }
        }
    }

    @Test
    void a_transaction_of_any_size_up_to_the_limit_is_copied_whole() throws Exception {
        try (Node node = Fixtures.memoryNode()) {
            for (int size : new int[] {1, 4095, 4096, 4097, 170_363, 1 << 20}) {
                byte[] transaction = new byte[size];
                new java.util.Random(size).nextBytes(transaction);
                node.enqueue(Chain.DELTA, 0, transaction);
                Completion done = poll(node, 1).get(0);
                assertEquals(TxId.of(Chain.DELTA, transaction), done.tx());
                Block block = node.block(Chain.DELTA, done.height()).orElseThrow();
                assertEquals(ByteBuffer.wrap(transaction), block.view(done.index()));
            }
            byte[] larger = new byte[(1 << 20) + 1];
            assertThrows(TooLargeException.class, () -> node.enqueue(Chain.DELTA, 0, larger));
        }
    }

    @Test
    void a_batch_is_accepted_up_to_what_fits() throws Exception {
        Config narrow = Fixtures.memory().set(ConfigKey.COMPLETIONS_MAX, 5).build();
        try (Node node = Node.open(narrow)) {
            TxBatch batch = new TxBatch(8, 1024);
            for (int number = 0; number < 8; number++) {
                assertTrue(batch.add(bytes("number " + number)));
            }
            assertFalse(batch.add(bytes("one too many")));
            assertEquals(5, node.enqueue(Chain.DELTA, 0, batch));
            assertEquals(0, node.enqueue(Chain.DELTA, 0, batch));
            assertEquals(0, node.tryEnqueue(Chain.DELTA, 0, bytes("x")));
            assertThrows(FullException.class, () -> node.enqueue(Chain.DELTA, 0, bytes("x")));
            TimedOutException late = assertThrows(
                    TimedOutException.class, () -> node.enqueue(Chain.DELTA, 0, bytes("x"), Duration.ofMillis(20)));
            assertTrue(late.retryable());
            poll(node, 5);
            assertTrue(node.tryEnqueue(Chain.DELTA, 0, bytes("x")) > 0);
            batch.clear();
            assertEquals(0, batch.count());
            assertFalse(batch.add(new byte[1025]));
        }
    }

    @Test
    void nothing_to_poll_gives_an_empty_list() throws Exception {
        try (Node node = Fixtures.memoryNode()) {
            assertEquals(List.of(), node.pollCompletions(1, Duration.ZERO));
            assertEquals(List.of(), node.pollCompletions(1, Duration.ofMillis(1)));
        }
    }

    @Test
    void after_a_shutdown_what_is_left_is_cancelled_and_then_comes_the_end() throws Exception {
        Config slow = Config.builder().set(ConfigKey.STORAGE_BACKEND, "memory").build();
        try (Node node = Node.open(slow)) {
            node.enqueue(Chain.ALPHA, 0, bytes("never final"));
            node.shutdown(PATIENCE);
            assertEquals(Code.CANCELLED, poll(node, 1).get(0).code());
            assertThrows(EndException.class, () -> node.pollCompletions(1, PATIENCE));
            assertThrows(ClosedException.class, () -> node.enqueue(Chain.ALPHA, 0, bytes("late")));
        }
    }

    @Test
    void a_node_is_used_with_futures_or_with_polling_but_not_both() throws Exception {
        try (Node node = Fixtures.memoryNode()) {
            node.enqueue(Chain.DELTA, 0, bytes("a"));
            assertThrows(InvalidArgumentException.class, () -> node.submit(Chain.DELTA, 0, bytes("b")));
        }
        try (Node node = Fixtures.memoryNode()) {
            node.submit(Chain.DELTA, 0, bytes("a"), PATIENCE);
            assertThrows(InvalidArgumentException.class, () -> node.enqueue(Chain.DELTA, 0, bytes("b")));
            assertThrows(InvalidArgumentException.class, () -> node.pollCompletions(1, Duration.ZERO));
        }
    }

    @Test
    void an_interrupt_ends_a_wait() throws Exception {
        try (Node node = Fixtures.memoryNode()) {
            Fixtures.Waiter waiter = Fixtures.inside(() -> node.pollCompletions(1, PATIENCE)).entered();
            waiter.interrupt();
            assertInstanceOf(InterruptedException.class, waiter.outcome());
        }
    }
}
