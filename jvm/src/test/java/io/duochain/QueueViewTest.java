package io.duochain;

import static io.duochain.Fixtures.bytes;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.common.collect.testing.QueueTestSuiteBuilder;
import com.google.common.collect.testing.TestStringQueueGenerator;
import com.google.common.collect.testing.features.CollectionFeature;
import com.google.common.collect.testing.features.CollectionSize;
import com.google.common.collect.testing.testers.CollectionContainsAllTester;
import com.google.common.collect.testing.testers.CollectionContainsTester;
import com.google.common.collect.testing.testers.CollectionForEachTester;
import com.google.common.collect.testing.testers.CollectionIteratorTester;
import com.google.common.collect.testing.testers.CollectionRemoveAllTester;
import com.google.common.collect.testing.testers.CollectionRemoveIfTester;
import com.google.common.collect.testing.testers.CollectionRemoveTester;
import com.google.common.collect.testing.testers.CollectionRetainAllTester;
import com.google.common.collect.testing.testers.CollectionSpliteratorTester;
import com.google.common.collect.testing.testers.CollectionStreamTester;
import com.google.common.collect.testing.testers.CollectionToArrayTester;
import java.lang.reflect.Method;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Collections;
import java.util.Deque;
import java.util.List;
import java.util.Queue;
import java.util.function.Function;
import java.util.stream.Stream;
import junit.framework.TestCase;
import junit.framework.TestResult;
import junit.framework.TestSuite;
import org.junit.jupiter.api.DynamicContainer;
import org.junit.jupiter.api.DynamicNode;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/** Guava's tests of queues, as far as they need no iterator of the view, and what the view says of itself. */
class QueueViewTest {
    /** They test iterating, which is the test's own here ({@link Texts#iterator}). */
    private static final List<Class<?>> ITERATING = List.of(
            CollectionContainsTester.class, CollectionContainsAllTester.class, CollectionForEachTester.class,
            CollectionIteratorTester.class, CollectionRemoveTester.class, CollectionRemoveAllTester.class,
            CollectionRemoveIfTester.class, CollectionRetainAllTester.class, CollectionSpliteratorTester.class,
            CollectionStreamTester.class, CollectionToArrayTester.class);

    @TestFactory
    Stream<DynamicNode> the_view_is_a_queue_by_the_rules_of_the_collections_framework() {
        return Stream.of(1, 3, 64).map(ahead -> node(suite(ahead + " ahead", queue -> queue.asQueue(0, ahead))));
    }

    private static TestSuite suite(String name, Function<TxQueue, Queue<byte[]>> view) {
        Deque<TxQueue> open = new ArrayDeque<>();
        return QueueTestSuiteBuilder.using(new TestStringQueueGenerator() {
                    @Override
                    protected Queue<String> create(String[] elements) {
                        TxQueue queue = TxQueue.open(new TxQueue.Options().lanes(16));
                        open.push(queue);
                        Queue<String> texts = new Texts(view.apply(queue));
                        Collections.addAll(texts, elements);
                        return texts;
                    }
                })
                .named(name)
                .withFeatures(CollectionSize.ANY, CollectionFeature.SUPPORTS_ADD, CollectionFeature.SUPPORTS_REMOVE,
                        CollectionFeature.KNOWN_ORDER, CollectionFeature.NON_STANDARD_TOSTRING)
                .suppressing(ITERATING.stream().flatMap(tester -> Arrays.stream(tester.getMethods()))
                        .filter(method -> method.getName().startsWith("test")).toArray(Method[]::new))
                .withTearDown(() -> {
                    while (!open.isEmpty()) {
                        open.pop().close();
                    }
                })
                .createTestSuite();
    }

    private static DynamicNode node(junit.framework.Test test) {
        if (test instanceof TestSuite suite) {
            return DynamicContainer.dynamicContainer(
                    suite.getName(), Collections.list(suite.tests()).stream().map(QueueViewTest::node));
        }
        TestCase single = (TestCase) test;
        return DynamicTest.dynamicTest(single.toString(), single::runBare);
    }

    @Test
    void guava_has_enough_to_test_and_notices_a_view_that_is_no_queue() {
        TestResult sound = new TestResult();
        suite("sound", TxQueue::asQueue).run(sound);
        assertTrue(sound.wasSuccessful());
        assertTrue(sound.runCount() > 50, () -> sound.runCount() + " tests");
        TestResult broken = new TestResult();
        suite("broken", queue -> new BrokenViews.Swapping(queue.asQueue())).run(broken);
        assertTrue(broken.failureCount() > 0);
    }

    @Test
    void whatever_needs_an_iterator_is_refused_and_changes_nothing() {
        try (TxQueue queue = TxQueue.open()) {
            Queue<byte[]> view = queue.asQueue();
            byte[] a = bytes("a");
            view.add(a);
            for (Fixtures.ThrowingRunnable use : List.<Fixtures.ThrowingRunnable>of(
                    view::iterator, view::toArray, () -> view.toArray(new byte[0][]), () -> view.contains(a),
                    () -> view.containsAll(List.of(a)), () -> view.remove(a), () -> view.removeAll(List.of(a)),
                    () -> view.retainAll(List.of()), () -> view.removeIf(element -> true),
                    () -> view.forEach(element -> { }), () -> view.stream().count())) {
                assertThrows(UnsupportedOperationException.class, use::run);
            }
            assertEquals(1, view.size());
            assertArrayEquals(a, view.remove());
            assertEquals("TxQueue[lane 0]", view.toString());
        }
    }

    @Test
    void a_peeked_element_leaves_room_for_one_more() {
        try (TxQueue queue = TxQueue.open(new TxQueue.Options().lanes(2))) {
            Queue<byte[]> view = queue.asQueue();
            view.addAll(List.of(bytes("a"), bytes("b")));
            byte[] first = view.peek();
            assertSame(first, view.peek());
            assertTrue(view.offer(bytes("c")));
            assertThrows(IllegalStateException.class, () -> view.add(bytes("d")));
            assertEquals(3, view.size());
            assertSame(first, view.poll());
            assertArrayEquals(bytes("b"), queue.dequeue());
            assertArrayEquals(bytes("c"), view.poll());
        }
    }

    @Test
    void a_view_that_takes_ahead_keeps_order_and_what_is_too_large_for_its_room() {
        try (TxQueue queue = TxQueue.open()) {
            Queue<byte[]> view = queue.asQueue(0, TxQueue.AHEAD_MAX);
            int[] sizes = {1, 1 << 16, 10, (1 << 16) + 1, 20, 1 << 20, 30};
            for (int size : sizes) {
                view.add(new byte[size]);
            }
            for (int left = sizes.length; left > 0; left--) {
                assertEquals(left, view.size());
                assertEquals(sizes[sizes.length - left], view.element().length);
                assertEquals(sizes[sizes.length - left], view.remove().length);
            }
            assertNull(view.poll());
            assertThrows(IllegalArgumentException.class, () -> queue.asQueue(0, 0));
            assertThrows(IllegalArgumentException.class, () -> queue.asQueue(0, TxQueue.AHEAD_MAX + 1));
        }
    }

    @Test
    void after_a_shutdown_a_view_gives_what_is_left_and_then_nothing() {
        for (int ahead : new int[] {1, 4}) {
            try (TxQueue queue = TxQueue.open()) {
                Queue<byte[]> view = queue.asQueue(0, ahead);
                view.add(bytes("a"));
                view.add(bytes("b"));
                assertArrayEquals(bytes("a"), view.poll());
                queue.shutdown();
                assertThrows(ClosedException.class, () -> view.offer(bytes("c")));
                assertArrayEquals(bytes("b"), view.poll());
                assertNull(view.poll());
                assertNull(view.peek());
                assertTrue(view.isEmpty());
            }
        }
    }
}
