package io.duochain;

import static io.duochain.Fixtures.PATIENCE;
import static io.duochain.Fixtures.bytes;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class CloseTest {
    @Test
    void closing_twice_does_nothing_and_use_after_close_is_an_illegal_state() {
        Node node = Fixtures.memoryNode();
        Subscription events = node.subscribe(SubscribeOptions.both());
        TxQueue queue = TxQueue.open();
        for (AutoCloseable object : List.of(events, queue, node)) {
            for (int times = 0; times < 3; times++) {
                try {
                    object.close();
                } catch (Exception failure) {
                    throw new AssertionError("close number " + times, failure);
                }
            }
        }
        assertTrue(node.isClosed());
        List<Runnable> uses = List.of(
                () -> node.submit(Chain.DELTA, 0, bytes("x")),
                () -> node.head(Chain.DELTA),
                () -> node.block(Chain.DELTA, 1),
                () -> node.health(),
                () -> node.metrics(),
                () -> node.metricsText(),
                () -> node.lanes(Chain.ALPHA),
                () -> node.status(Chain.ALPHA, new TxId(new byte[32])),
                () -> node.proof(Chain.ALPHA, new TxId(new byte[32])),
                () -> node.subscribe(SubscribeOptions.both()),
                () -> node.shutdown(PATIENCE),
                () -> events.poll(1),
                () -> events.wake(),
                () -> events.lag(Chain.ALPHA),
                () -> events.seek(Chain.ALPHA, 1),
                () -> queue.enqueue(0, bytes("x")),
                () -> queue.dequeue(),
                () -> queue.size(),
                () -> queue.stats(),
                () -> queue.shutdown(),
                () -> queue.asQueue().peek());
        for (int index = 0; index < uses.size(); index++) {
            int number = index;
            IllegalStateException thrown =
                    assertThrows(IllegalStateException.class, () -> uses.get(number).run(), () -> "use " + number);
            assertInstanceOf(ClosedException.class, thrown);
        }
    }

    @Test
    void a_node_that_was_closed_leaves_its_subscription_an_error_and_not_a_crash() {
        Node node = Fixtures.memoryNode();
        Subscription events = node.subscribe(SubscribeOptions.both());
        node.close();
        assertThrows(ClosedException.class, () -> events.poll(1));
        assertThrows(ClosedException.class, () -> events.await(PATIENCE));
        events.close();
    }

    @Test
    void closing_lets_threads_go_that_wait_inside() throws Exception {
        Config narrow = Config.builder()
                .set(ConfigKey.STORAGE_BACKEND, "memory").set(ConfigKey.COMPLETIONS_MAX, 1).build();
        Node node = Node.open(narrow);
        Subscription events = node.subscribe(SubscribeOptions.both().from(SubscribeOptions.Start.LATEST));
        TxQueue full = TxQueue.open(new TxQueue.Options().lanes(2));
        full.enqueue(0, bytes("a"));
        full.enqueue(0, bytes("b"));
        TxQueue empty = TxQueue.open();
        node.enqueue(Chain.ALPHA, 0, bytes("a"));
        List<Fixtures.Waiter> waiters = List.of(
                Fixtures.inside(() -> node.enqueue(Chain.ALPHA, 0, bytes("b"), PATIENCE)).entered(),
                Fixtures.inside(() -> events.await(PATIENCE)).entered(),
                Fixtures.inside(() -> full.enqueue(0, bytes("c"), PATIENCE)).entered(),
                Fixtures.inside(() -> empty.dequeue(PATIENCE)).entered());
        events.close();
        node.close();
        full.close();
        empty.close();
        for (Fixtures.Waiter waiter : waiters) {
            Throwable thrown = waiter.outcome();
            assertTrue(thrown instanceof ClosedException || thrown instanceof EndException, String.valueOf(thrown));
        }
    }

    @Test
    void a_poller_gets_the_end_when_the_node_closes() throws Exception {
        Node node = Node.open(Config.builder().set(ConfigKey.STORAGE_BACKEND, "memory").build());
        Fixtures.Waiter waiter = Fixtures.inside(() -> node.pollCompletions(1, PATIENCE)).entered();
        node.close();
        Throwable thrown = waiter.outcome();
        assertTrue(thrown instanceof ClosedException || thrown instanceof EndException, String.valueOf(thrown));
    }

    @Test
    void closing_races_with_every_call_and_nothing_crashes() throws Exception {
        for (int round = 0; round < 10; round++) {
            Node node = Fixtures.memoryNode();
            AtomicInteger calls = new AtomicInteger();
            List<Fixtures.Waiter> threads = new ArrayList<>();
            for (int thread = 0; thread < 4; thread++) {
                int kind = thread;
                threads.add(Fixtures.inside(() -> {
                    for (int number = 0; ; number++) {
                        switch (kind) {
                            case 0 -> node.submit(Chain.DELTA, 0, bytes("race " + number), PATIENCE);
                            case 1 -> node.block(Chain.DELTA, 1);
                            case 2 -> node.metrics();
                            default -> node.subscribe(SubscribeOptions.both()).close();
                        }
                        calls.incrementAndGet();
                    }
                }));
            }
            Fixtures.eventually("calls are made", () -> calls.get() > 50);
            node.close();
            for (Fixtures.Waiter thread : threads) {
                assertInstanceOf(ClosedException.class, thread.outcome());
            }
        }
    }

    private static int threads() {
        return (int) Thread.getAllStackTraces().keySet().stream()
                .filter(thread -> thread.getName().startsWith("duo-") && !thread.getName().equals("duo-cleaner"))
                .count();
    }

    private static long count(String directory) throws IOException {
        try (var entries = Files.list(Path.of(directory))) {
            return entries.count();
        }
    }

    private static long residentKilobytes() throws IOException {
        for (String line : Files.readAllLines(Path.of("/proc/self/status"))) {
            if (line.startsWith("VmRSS:")) {
                return Long.parseLong(line.replaceAll("[^0-9]", ""));
            }
        }
        throw new AssertionError("no VmRSS");
    }

    private static void cycle() throws Exception {
        try (Node node = Fixtures.memoryNode();
                Subscription events = node.subscribe(SubscribeOptions.both());
                TxQueue queue = TxQueue.open();
                Pool pool = Pool.builder().add(64, 4).build();
                PooledBuffer buffer = pool.acquire(10)) {
            node.submit(Chain.DELTA, 0, bytes("x"));
            queue.enqueue(0, bytes("x"));
            buffer.bytes().put((byte) 1);
            events.poll(1);
        }
    }

    @Test
    void a_thousand_cycles_leave_no_thread_no_descriptor_and_no_memory() throws Exception {
        // The C library's allocator keeps what it was given back, up to a plateau.
        for (int warm = 0; warm < 300; warm++) {
            cycle();
        }
        System.gc();
        long nativeThreads = count("/proc/self/task");
        long descriptors = count("/proc/self/fd");
        long memory = residentKilobytes();
        for (int round = 0; round < 1_000; round++) {
            cycle();
        }
        System.gc();
        assertEquals(0, threads());
        // The JVM starts and ends some threads of its own.
        assertTrue(count("/proc/self/task") <= nativeThreads + 10, "threads are left");
        assertTrue(count("/proc/self/fd") <= descriptors + 4, "descriptors are left");
        // A node left behind would be megabytes; 100 KiB a cycle are found.
        long grown = residentKilobytes() - memory;
        assertTrue(grown < 100_000, () -> "memory grew by " + grown + " KiB from " + memory);
    }

    @Test
    void a_forgotten_node_is_reported_with_where_it_was_made_and_freed() throws Exception {
        try (Fixtures.Log log = new Fixtures.Log()) {
            forget();
            Fixtures.eventually("the leak is reported", () -> {
                System.gc();
                return log.find("a node was not closed").isPresent();
            });
            Throwable site = log.find("a node was not closed").orElseThrow().getThrown();
            assertTrue(List.of(site.getStackTrace()).stream().anyMatch(frame -> frame.getMethodName().equals("forget")));
            Fixtures.eventually("its threads are gone", () -> threads() == 0);
        }
    }

    private static void forget() throws Exception {
        Fixtures.memoryNode().submit(Chain.DELTA, 0, bytes("forgotten"));
    }
}
