package io.duochain;

import static io.duochain.Fixtures.bytes;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;

class StageTest {
    private static TxQueue queue(int cells) {
        return TxQueue.open(new TxQueue.Options().lanes(cells, cells).runMax(4).transactionBytesMax(64));
    }

    private static List<String> taken(TxQueue queue) {
        return texts(queue.drain(100));
    }

    private static List<String> texts(List<byte[]> transactions) {
        return transactions.stream().map(String::new).toList();
    }

    @Test
    void what_is_staged_shows_on_count_and_on_demand() {
        try (TxQueue queue = queue(8); Stage stage = queue.stage(1, new Stage.Options().count(3))) {
            stage.enqueue(bytes("a"));
            stage.enqueue(bytes("xbx"), 1, 1);
            assertEquals(2, stage.count());
            assertEquals(0, queue.size());
            ByteBuffer third = ByteBuffer.wrap(bytes("c"));
            stage.enqueue(third);
            assertEquals(0, third.remaining());
            assertEquals(0, stage.count());
            stage.enqueue(bytes("d"));
            assertEquals(List.of("a", "b", "c"), taken(queue));
            assertEquals(1, stage.flush());
            assertEquals(0, stage.flush());
            assertEquals(List.of("d"), taken(queue));
            assertEquals(4, queue.stats().lanes().get(1).accepted());
        }
    }

    @Test
    void a_stage_whose_bytes_are_used_up_publishes() {
        try (TxQueue queue = queue(8); Stage stage = queue.stage(0, new Stage.Options().bytes(10))) {
            stage.enqueue(bytes("123456"));
            stage.enqueue(bytes("7890"));
            assertEquals(0, queue.size());
            stage.enqueue(bytes("x"));
            assertEquals(List.of("123456", "7890"), taken(queue));
            assertEquals(1, stage.count());
        }
    }

    @Test
    void age_is_looked_at_during_calls() {
        try (TxQueue queue = queue(8)) {
            try (Stage old = queue.stage(0, new Stage.Options().age(Duration.ofDays(300_000)))) {
                old.enqueue(bytes("a"));
                assertEquals(0, old.flushAged());
                assertEquals(1, old.count());
                assertEquals(List.of("a"), texts(old.takeBack()));
            }
            try (Stage young = queue.stage(0, new Stage.Options().age(Duration.ofNanos(1)))) {
                young.enqueue(bytes("b"));
                for (int more = 0; queue.size() == 0; more++) {
                    assertTrue(more < 1_000_000, "a nanosecond never passed");
                    young.flushAged();
                }
            }
            assertEquals(List.of("b"), taken(queue));
        }
    }

    @Test
    void what_is_refused_stays_staged_in_order() {
        try (TxQueue queue = queue(1); Stage stage = queue.stage(0, new Stage.Options().count(6))) {
            for (String text : List.of("1", "2", "3", "4", "5", "6")) {
                stage.enqueue(bytes(text));
            }
            // One cell holds a run of four.
            assertEquals(2, stage.count());
            assertEquals(0, stage.flush());
            assertThrows(FullException.class, () -> stage.enqueue(bytes("7")));
            assertEquals(2, stage.count());
            assertEquals(List.of("1", "2", "3", "4"), taken(queue));
            stage.enqueue(bytes("7"));
            assertEquals(List.of("5", "6"), taken(queue));
            queue.shutdown();
            assertThrows(ClosedException.class, stage::flush);
            assertEquals(List.of("7"), texts(stage.takeBack()));
            assertEquals(0, stage.count());
        }
    }

    @Test
    void closing_publishes_as_far_as_the_lane_takes_it() {
        try (TxQueue queue = queue(1)) {
            Stage stage = queue.stage(0);
            for (int more = 0; more < 6; more++) {
                stage.enqueue(bytes("x"));
            }
            stage.close();
            stage.close();
            assertEquals(4, queue.size());
            assertEquals(0, stage.count());
            assertThrows(ClosedException.class, () -> stage.enqueue(bytes("y")));
            assertThrows(ClosedException.class, stage::flush);
            Stage late = queue.stage(0);
            late.enqueue(bytes("z"));
            queue.close();
            late.close();
            assertThrows(ClosedException.class, () -> queue.stage(0));
        }
    }

    @Test
    void a_queue_asked_for_defaults_is_staged_for_with_them() {
        TxQueue.Options options = new TxQueue.Options().lanes().transactionBytesMax(0);
        try (TxQueue queue = TxQueue.open(options);
                Stage stage = queue.stage(0, new Stage.Options().bytes(2 << 20))) {
            assertThrows(TooLargeException.class, () -> stage.enqueue(new byte[(1 << 20) + 1]));
            stage.enqueue(new byte[1 << 20]);
            assertEquals(1, stage.flush());
            assertEquals(1 << 20, queue.dequeue().length);
            assertThrows(InvalidArgumentException.class, () -> queue.stage(1));
        }
    }

    @Test
    void wrong_transactions_and_shapes_are_refused_at_once() {
        try (TxQueue queue = queue(2); Stage stage = queue.stage(0)) {
            assertThrows(InvalidTransactionException.class, () -> stage.enqueue(new byte[0]));
            assertThrows(TooLargeException.class, () -> stage.enqueue(new byte[65]));
            assertThrows(IndexOutOfBoundsException.class, () -> stage.enqueue(new byte[2], 1, 2));
            assertEquals(0, stage.count());
            try (Stage small = queue.stage(0, new Stage.Options().bytes(4))) {
                assertThrows(TooLargeException.class, () -> small.enqueue(new byte[5]));
            }
            assertThrows(InvalidArgumentException.class, () -> queue.stage(2));
            assertThrows(InvalidArgumentException.class, () -> queue.stage(-1));
            Stage.Options options = new Stage.Options();
            assertThrows(IllegalArgumentException.class, () -> queue.stage(0, options.count(0)));
            assertThrows(IllegalArgumentException.class, () -> options.age(Duration.ofNanos(-1)));
        }
    }
}
