package io.duochain;

import static io.duochain.Fixtures.PATIENCE;
import static io.duochain.Fixtures.bytes;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;

class PanicTest {
    private static final int CONFIG = 1;
    private static final int QUEUE = 2;
    private static final int POOL = 3;
    private static final int NODE = 4;
    private static final int SUB = 5;

    @BeforeEach
    void needs_a_build_with_faults() {
        Assumptions.assumeTrue(Library.hasFaults(), "the library was built without the feature faults");
    }

    private static void panics(int kind, Executable call) {
        assertTrue(Natives.testPanicNext(kind));
        PanicException panic = assertThrows(PanicException.class, call);
        assertTrue(panic.getMessage().contains("injected"), panic.getMessage());
        assertFalse(panic.retryable());
    }

    @Test
    void a_panic_behind_a_node_poisons_it_and_it_still_closes() throws Exception {
        Node node = Fixtures.memoryNode();
        panics(NODE, () -> node.head(Chain.DELTA));
        assertThrows(PoisonedException.class, () -> node.head(Chain.DELTA));
        assertThrows(PoisonedException.class, () -> node.enqueue(Chain.DELTA, 0, bytes("x")));
        assertThrows(PoisonedException.class, () -> node.pollCompletions(1, PATIENCE));
        node.close();
        assertThrows(ClosedException.class, () -> node.head(Chain.DELTA));
        try (Node other = Fixtures.memoryNode()) {
            other.submit(Chain.DELTA, 0, bytes("goes on")).get(PATIENCE.toSeconds(), TimeUnit.SECONDS);
        }
    }

    @Test
    void futures_of_a_poisoned_node_fail() throws Exception {
        Config slow = Config.builder().set(ConfigKey.STORAGE_BACKEND, "memory").build();
        try (Node node = Node.open(slow)) {
            CompletableFuture<Completion> future = node.submit(Chain.ALPHA, 0, bytes("x"));
            // Hits this call or the pump's.
            Natives.testPanicNext(NODE);
            assertThrows(FatalException.class, () -> {
                while (true) {
                    node.head(Chain.ALPHA);
                }
            });
            ExecutionException thrown = assertThrows(
                    ExecutionException.class, () -> future.get(PATIENCE.toSeconds(), TimeUnit.SECONDS));
            assertInstanceOf(FatalException.class, thrown.getCause());
        }
    }

    @Test
    void a_panic_while_opening_leaves_nothing() {
        panics(NODE, Fixtures::memoryNode);
        panics(CONFIG, () -> Config.builder().set(ConfigKey.QUEUE_LANES, 2));
        panics(QUEUE, TxQueue::open);
        panics(POOL, () -> Pool.builder().add(64, 1).build());
        assertEquals("2", Fixtures.memory().set(ConfigKey.QUEUE_LANES, 2).build().get(ConfigKey.QUEUE_LANES));
    }

    @Test
    void a_panic_behind_a_queue_or_a_pool_or_a_subscription_poisons_it_alone() throws Exception {
        try (Node node = Fixtures.memoryNode()) {
            TxQueue queue = TxQueue.open();
            panics(QUEUE, () -> queue.enqueue(0, bytes("x")));
            assertThrows(PoisonedException.class, () -> queue.enqueue(0, bytes("x")));
            queue.close();

            Pool pool = Pool.builder().add(64, 1).build();
            panics(POOL, () -> pool.acquire(1));
            assertThrows(PoisonedException.class, () -> pool.acquire(1));
            pool.close();

            Subscription events = node.subscribe(SubscribeOptions.both());
            panics(SUB, () -> events.poll(1));
            assertThrows(PoisonedException.class, () -> events.poll(1));
            assertThrows(PoisonedException.class, () -> events.await(PATIENCE));
            events.close();

            node.submit(Chain.DELTA, 0, bytes("goes on")).get(PATIENCE.toSeconds(), TimeUnit.SECONDS);
        }
    }
}
