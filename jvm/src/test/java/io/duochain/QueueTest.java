package io.duochain;

import static io.duochain.Fixtures.PATIENCE;
import static io.duochain.Fixtures.bytes;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.Queue;
import org.junit.jupiter.api.Test;

class QueueTest {
    @Test
    void what_goes_in_comes_out_in_order() throws Exception {
        try (TxQueue queue = TxQueue.open()) {
            assertNull(queue.dequeue());
            assertNull(queue.dequeue(Duration.ofMillis(1)));
            assertEquals(List.of(), queue.drain(10));
            queue.enqueue(0, bytes("one"));
            queue.enqueue(0, bytes("two"), PATIENCE);
            assertTrue(queue.tryEnqueue(0, bytes("xthreex"), 1, 5));
            NativeBuffer direct = NativeBuffer.allocate(16);
            direct.bytes().put(bytes("four")).flip();
            assertTrue(queue.tryEnqueue(0, direct));
            TxBatch batch = new TxBatch(4, 64);
            batch.add(bytes("five"));
            batch.add(bytes("six"));
            assertEquals(2, queue.enqueue(0, batch));
            assertEquals(6, queue.size());
            assertArrayEquals(bytes("one"), queue.dequeue());
            assertArrayEquals(bytes("two"), queue.dequeue(PATIENCE));
            List<String> rest = queue.drain(100).stream().map(String::new).toList();
            assertEquals(List.of("three", "four", "five", "six"), rest);
            LaneStats lane = queue.stats().lanes().get(0);
            assertEquals(new LaneStats(6, 0, 6, 0, lane.depthHigh()), lane);
            assertTrue(queue.stats().pool().acquired() >= 6);
        }
    }

    /** Each as a part of a larger array, by single calls and in a batch: word by word, in one piece, and by the JVM. */
    @Test
    void transactions_of_every_length_cross_whole() {
        int lengthMax = ThreadRoom.LENGTH_MAX + 2;
        try (TxQueue queue = TxQueue.open(new TxQueue.Options().lanes(16))) {
            TxBatch batch = new TxBatch(2, 2 * lengthMax);
            byte[] array = new byte[lengthMax + 10];
            for (int at = 0; at < array.length; at++) {
                array[at] = (byte) (at * 31 + at / 256);
            }
            for (int length = 1; length <= lengthMax; length++) {
                int offset = length % 9;
                byte[] expected = Arrays.copyOfRange(array, offset, offset + length);
                assertTrue(queue.tryEnqueue(0, array, offset, length));
                batch.clear();
                assertTrue(batch.add(expected, 0, length));
                assertTrue(batch.add(array, offset, length));
                assertEquals(2, queue.enqueue(0, batch));
                for (int copy = 0; copy < 3; copy++) {
                    assertArrayEquals(expected, queue.dequeue());
                }
            }
            assertThrows(IndexOutOfBoundsException.class, () -> queue.tryEnqueue(0, array, array.length - 3, 4));
            assertThrows(IndexOutOfBoundsException.class, () -> batch.add(array, -1, 9));
            assertThrows(InvalidTransactionException.class, () -> queue.tryEnqueue(0, array, 5, 0));
        }
    }

    /** A thread that has no memory of its own to cross with; on a JDK without such threads an ordinary one. */
    @Test
    void virtual_threads_put_in_too() throws Exception {
        try (TxQueue queue = TxQueue.open()) {
            Runnable put = () -> queue.enqueue(0, bytes("from afar"));
            Thread thread;
            try {
                thread = (Thread) Thread.class.getMethod("startVirtualThread", Runnable.class).invoke(null, put);
            } catch (NoSuchMethodException older) {
                thread = new Thread(put);
                thread.start();
            }
            thread.join();
            assertArrayEquals(bytes("from afar"), queue.dequeue());
        }
    }

    @Test
    void a_batch_shares_cells_when_it_may() {
        try (TxQueue queue = TxQueue.open(new TxQueue.Options().lanes(2).runMax(32))) {
            TxBatch batch = new TxBatch(100, 800);
            for (int number = 0; number < 100; number++) {
                batch.add(bytes("tx " + number));
            }
            assertEquals(64, queue.enqueue(0, batch));
            assertThrows(FullException.class, () -> queue.enqueue(0, bytes("x")));
            List<byte[]> taken = queue.drain(100);
            assertEquals(64, taken.size());
            assertEquals("tx 63", new String(taken.get(63)));
        }
        for (TxQueue.Options wrong : List.of(new TxQueue.Options().runMax(33), new TxQueue.Options().runMax(2).manyConsumers())) {
            assertThrows(ConfigException.class, () -> TxQueue.open(wrong));
        }
    }

    @Test
    void urgent_lanes_come_first_and_ageing_lets_the_others_through() {
        try (TxQueue strict = TxQueue.open(new TxQueue.Options().lanes(8, 8));
                TxQueue fair = TxQueue.open(new TxQueue.Options().lanes(8, 8).ageing(2))) {
            for (TxQueue queue : List.of(strict, fair)) {
                for (int number = 0; number < 4; number++) {
                    queue.enqueue(1, bytes("slow " + number));
                    queue.enqueue(0, bytes("fast " + number));
                }
            }
            assertEquals("fast 0, fast 1, fast 2, fast 3", join(strict.drain(4)));
            assertTrue(join(fair.drain(4)).contains("slow"));
        }
    }

    private static String join(List<byte[]> transactions) {
        return String.join(", ", transactions.stream().map(String::new).toList());
    }

    @Test
    void a_full_lane_refuses_and_keeps_what_it_has() throws Exception {
        try (TxQueue queue = TxQueue.open(new TxQueue.Options().lanes(2))) {
            queue.enqueue(0, bytes("a"));
            queue.enqueue(0, bytes("b"));
            assertFalse(queue.tryEnqueue(0, bytes("c")));
            assertThrows(FullException.class, () -> queue.enqueue(0, bytes("c")));
            assertThrows(TimedOutException.class, () -> queue.enqueue(0, bytes("c"), Duration.ofMillis(5)));
            TxBatch batch = new TxBatch(1, 8);
            batch.add(bytes("c"));
            assertEquals(0, queue.enqueue(0, batch));
            assertEquals("a, b", join(queue.drain(9)));
            assertThrows(InvalidArgumentException.class, () -> queue.enqueue(1, bytes("x")));
            assertThrows(InvalidArgumentException.class, () -> queue.enqueue(-1, bytes("x")));
            assertThrows(InvalidTransactionException.class, () -> queue.enqueue(0, new byte[0]));
            assertThrows(IndexOutOfBoundsException.class, () -> queue.tryEnqueue(0, bytes("abc"), 2, 2));
            assertThrows(IndexOutOfBoundsException.class, () -> queue.tryEnqueue(0, bytes("abc"), -1, 2));
        }
    }

    @Test
    void large_transactions_come_out_whole() {
        int limit = 16 << 20;
        try (TxQueue queue = TxQueue.open(new TxQueue.Options().transactionBytesMax(limit))) {
            for (int size : new int[] {1 << 16, (1 << 16) + 1, 1 << 18, 1 << 20, limit}) {
                byte[] transaction = new byte[size];
                transaction[0] = 1;
                transaction[size - 1] = 2;
                queue.enqueue(0, transaction);
                queue.enqueue(0, transaction);
                assertEquals(ByteBuffer.wrap(transaction), ByteBuffer.wrap(queue.dequeue()));
                assertEquals(ByteBuffer.wrap(transaction), ByteBuffer.wrap(queue.drain(1).get(0)));
            }
            assertThrows(TooLargeException.class, () -> queue.enqueue(0, new byte[limit + 1]));
        }
    }

    @Test
    void impossible_shapes_are_refused() {
        for (TxQueue.Options options : List.of(
                new TxQueue.Options().lanes(3),
                new TxQueue.Options().lanes(0),
                new TxQueue.Options().lanes(-1),
                new TxQueue.Options().lanes(new int[17]),
                new TxQueue.Options().transactionBytesMax(-5))) {
            assertThrows(CallerException.class, () -> TxQueue.open(options));
        }
    }

    @Test
    void after_a_shutdown_the_rest_comes_out_and_then_the_end() {
        try (TxQueue queue = TxQueue.open()) {
            queue.enqueue(0, bytes("rest"));
            queue.shutdown();
            assertThrows(ClosedException.class, () -> queue.enqueue(0, bytes("late")));
            assertArrayEquals(bytes("rest"), queue.dequeue());
            assertThrows(EndException.class, queue::dequeue);
            assertThrows(EndException.class, () -> queue.dequeue(PATIENCE));
            assertThrows(EndException.class, () -> queue.drain(1));
            assertNull(queue.asQueue().poll());
        }
    }

    @Test
    void one_consumer_at_a_time_or_many() throws Exception {
        try (TxQueue one = TxQueue.open(); TxQueue many = TxQueue.open(new TxQueue.Options().manyConsumers())) {
            Fixtures.Waiter first = Fixtures.inside(() -> one.dequeue(PATIENCE)).entered();
            Fixtures.eventually("the second consumer is refused", () -> {
                try {
                    return one.dequeue() != null;
                } catch (BusyException taken) {
                    return true;
                }
            });
            Fixtures.Waiter other = Fixtures.inside(() -> many.dequeue(PATIENCE)).entered();
            assertNull(many.dequeue());
            one.enqueue(0, bytes("x"));
            many.enqueue(0, bytes("x"));
            assertNull(first.outcome());
            assertNull(other.outcome());
        }
    }

    @Test
    void the_view_behaves_as_the_collections_framework_says() {
        try (TxQueue queue = TxQueue.open(new TxQueue.Options().lanes(2))) {
            Queue<byte[]> view = queue.asQueue();
            assertTrue(view.isEmpty());
            assertNull(view.peek());
            assertNull(view.poll());
            assertThrows(NoSuchElementException.class, view::remove);
            assertThrows(NoSuchElementException.class, view::element);
            byte[] a = bytes("a");
            assertTrue(view.offer(a));
            assertTrue(view.add(bytes("b")));
            assertFalse(view.offer(bytes("c")));
            assertThrows(IllegalStateException.class, () -> view.add(bytes("c")));
            assertThrows(NullPointerException.class, () -> view.offer(null));
            assertArrayEquals(a, view.peek());
            assertArrayEquals(a, view.element());
            assertEquals(2, view.size());
            assertArrayEquals(a, view.remove());
            assertArrayEquals(bytes("b"), view.poll());
            assertEquals(0, view.size());
            view.addAll(List.of(a, a));
            view.clear();
            assertTrue(view.isEmpty());
            assertThrows(UnsupportedOperationException.class, view::iterator);
            assertEquals("TxQueue[lane 0]", view.toString());
        }
    }

    @Test
    void nothing_is_lost_between_threads() throws Exception {
        int producers = 3;
        int each = 5_000;
        try (TxQueue queue = TxQueue.open(new TxQueue.Options().lanes(64))) {
            List<Fixtures.Waiter> threads = new ArrayList<>();
            for (int producer = 0; producer < producers; producer++) {
                int name = producer;
                threads.add(Fixtures.inside(() -> {
                    for (int number = 0; number < each; number++) {
                        queue.enqueue(0, ByteBuffer.allocate(8).putInt(name).putInt(number).array(), PATIENCE);
                    }
                }));
            }
            int[] next = new int[producers];
            for (int count = 0; count < producers * each; count++) {
                ByteBuffer item = ByteBuffer.wrap(queue.dequeue(PATIENCE));
                assertEquals(next[item.getInt(0)]++, item.getInt(4));
            }
            for (Fixtures.Waiter thread : threads) {
                assertNull(thread.outcome());
            }
        }
    }
}
