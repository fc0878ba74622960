package io.duochain;

import static io.duochain.Fixtures.PATIENCE;
import static io.duochain.Fixtures.bytes;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

class NodeTest {
    private static Completion get(CompletableFuture<Completion> future) throws Exception {
        return future.get(PATIENCE.toSeconds(), TimeUnit.SECONDS);
    }

    @Test
    void a_transaction_becomes_final_on_both_chains() throws Exception {
        try (Node node = Fixtures.memoryNode()) {
            byte[] payload = bytes("pay 5 to bob");
            for (Chain chain : Chain.values()) {
                Completion done = get(node.submit(chain, 0, payload));
                assertEquals(chain, done.chain());
                assertEquals(Code.OK, done.code());
                assertTrue(done.isFinal());
                assertEquals(TxId.of(chain, payload), done.tx());
                assertTrue(done.finalizedNanos() > done.submittedNanos());

                TxStatus status = node.status(chain, done.tx());
                assertEquals(new TxStatus(TxState.FINAL, done.height(), done.index()), status);

                Block block = node.block(chain, done.height()).orElseThrow();
                assertEquals(chain, block.chain());
                assertEquals(done.height(), block.height());
                assertArrayEquals(payload, block.transaction(done.index()));
                assertArrayEquals(payload, block.transactions().get(done.index()));

                TxProof proof = node.proof(chain, done.tx()).orElseThrow();
                assertTrue(proof.verify(payload, block.hash()));
                assertFalse(proof.verify(bytes("pay 6 to bob"), block.hash()));
                assertFalse(proof.verify(payload, block.parent()));
                assertTrue(new TxProof(proof.encoded()).verify(payload, block.hash()));
            }
            assertNotEquals(TxId.of(Chain.ALPHA, payload), TxId.of(Chain.DELTA, payload));
        }
    }

    @Test
    void blocks_are_linked_by_their_hashes() throws Exception {
        try (Node node = Fixtures.memoryNode()) {
            long height = get(node.submit(Chain.DELTA, 0, bytes("x"))).height();
            Fixtures.eventually("a block after it", () -> node.head(Chain.DELTA).height() > height);
            Block first = node.block(Chain.DELTA, height).orElseThrow();
            Block second = node.block(Chain.DELTA, height + 1).orElseThrow();
            assertEquals(first.hash(), second.parent());
            assertEquals(Optional.empty(), node.block(Chain.DELTA, 0));
            assertEquals(Optional.empty(), node.block(Chain.DELTA, Long.MAX_VALUE));
            assertThrows(CorruptionException.class, () -> new Block(new byte[3]));
            byte[] longer = java.util.Arrays.copyOf(first.encoded(), first.encoded().length + 1);
            assertThrows(CorruptionException.class, () -> new Block(longer));
        }
    }

    @Test
    void many_submissions_of_one_lane_keep_their_order() throws Exception {
        try (Node node = Fixtures.memoryNode()) {
            List<CompletableFuture<Completion>> futures = new ArrayList<>();
            for (int number = 0; number < 2_000; number++) {
                futures.add(node.submit(Chain.DELTA, 1, bytes("number " + number)));
            }
            long place = -1;
            for (CompletableFuture<Completion> future : futures) {
                Completion done = get(future);
                long next = done.height() << 32 | done.index();
                assertTrue(next > place, () -> "out of order: " + done);
                place = next;
            }
        }
    }

    @Test
    void the_same_bytes_again_fail_as_a_duplicate_that_says_where_the_first_ones_are() throws Exception {
        try (Node node = Fixtures.memoryNode()) {
            Completion first = get(node.submit(Chain.ALPHA, 0, bytes("once")));
            CompletableFuture<Completion> again = node.submit(Chain.ALPHA, 0, bytes("once"));
            ExecutionException thrown = assertThrows(ExecutionException.class, () -> get(again));
            DuplicateException duplicate = assertInstanceOf(DuplicateException.class, thrown.getCause());
            Completion completion = duplicate.completion().orElseThrow();
            assertEquals(first.tx(), completion.tx());
            assertEquals(Code.DUPLICATE, completion.code());
        }
    }

    @Test
    void closing_cancels_the_futures_that_are_left() throws Exception {
        // Blocks come so slowly that nothing is final before the close.
        Config slow = Config.builder().set(ConfigKey.STORAGE_BACKEND, "memory").build();
        Node node = Node.open(slow);
        List<CompletableFuture<Completion>> futures = new ArrayList<>();
        for (int number = 0; number < 100; number++) {
            futures.add(node.submit(Chain.ALPHA, 0, bytes("late " + number)));
        }
        node.close();
        for (CompletableFuture<Completion> future : futures) {
            ExecutionException thrown = assertThrows(ExecutionException.class, () -> get(future));
            assertInstanceOf(CancelledException.class, thrown.getCause());
        }
    }

    @Test
    void an_action_of_a_future_may_close_the_node() throws Exception {
        Node node = Fixtures.memoryNode();
        CompletableFuture<Boolean> closed = node.submit(Chain.DELTA, 0, bytes("last")).thenApply(done -> {
            node.close();
            return node.isClosed();
        });
        assertTrue(closed.get(PATIENCE.toSeconds(), TimeUnit.SECONDS));
        assertThrows(ClosedException.class, () -> node.head(Chain.DELTA));
    }

    @Test
    void heads_health_lanes_and_metrics_say_what_happened() throws Exception {
        try (Node node = Fixtures.memoryNode()) {
            get(node.submit(Chain.DELTA, 2, bytes("one")));
            Head head = node.head(Chain.DELTA);
            assertTrue(head.height() >= head.finalHeight() && head.finalHeight() > 0);
            assertEquals(1, head.finalTransactions());
            assertEquals(head.finalHash(), node.block(Chain.DELTA, head.finalHeight()).orElseThrow().hash());

            Health health = node.health();
            assertEquals(Chain.ALPHA, health.alpha().chain());
            assertEquals(Chain.DELTA, health.of(Chain.DELTA).chain());
            assertEquals(0, health.delta().restarts());

            List<LaneStats> lanes = node.lanes(Chain.DELTA);
            assertEquals(4, lanes.size());
            assertEquals(1, lanes.get(2).accepted());
            assertEquals(1, lanes.get(2).dequeued());

            Metric finals = node.metrics().stream()
                    .filter(metric -> metric.name().equals("duochain_final_transactions"))
                    .filter(metric -> metric.chain().equals(Optional.of(Chain.DELTA)))
                    .findFirst().orElseThrow();
            assertEquals(Metric.Kind.COUNTER, finals.kind());
            assertEquals(1.0, finals.value());
            assertFalse(finals.help().isEmpty());
            assertTrue(node.metricsText().contains("duochain_final_transactions_total{chain=\"delta\"} 1"));
            assertTrue(node.metricsText().endsWith("# EOF\n"));

            TxId stranger = TxId.of(Chain.DELTA, bytes("never sent"));
            assertEquals(new TxStatus(TxState.UNKNOWN, 0, 0), node.status(Chain.DELTA, stranger));
            assertEquals(Optional.empty(), node.proof(Chain.DELTA, stranger));
        }
    }

    @Test
    void ids_and_hashes_are_values() {
        TxId id = TxId.of(Chain.ALPHA, bytes("x"));
        assertEquals(id, TxId.of(id.toString()));
        assertEquals(id.hashCode(), new TxId(id.bytes()).hashCode());
        assertNotEquals(id, new Hash(id.bytes()));
        assertThrows(IllegalArgumentException.class, () -> new TxId(new byte[31]));
        assertThrows(InvalidTransactionException.class, () -> TxId.of(Chain.ALPHA, new byte[0]));
    }
}
