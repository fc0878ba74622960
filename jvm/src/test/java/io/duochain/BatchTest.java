package io.duochain;

import static io.duochain.Fixtures.bytes;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.ByteBuffer;
import java.util.List;
import org.junit.jupiter.api.Test;

/** What crosses in one call, both ways. */
class BatchTest {
    @Test
    void a_transaction_is_written_in_place() {
        try (TxQueue queue = TxQueue.open()) {
            TxBatch batch = new TxBatch(3, 32);
            batch.add(bytes("first"));
            ByteBuffer room = batch.claim(16);
            assertEquals(16, room.remaining());
            room.putLong(42).put((byte) 7);
            assertEquals(9, batch.commit());
            assertSame(room, batch.claim(18));
            assertNull(batch.claim(19));
            assertThrows(IllegalStateException.class, batch::commit);
            batch.claim(4).put(bytes("last"));
            batch.commit();
            assertNull(batch.claim(0), "three are the most");
            assertEquals(3, batch.count());
            assertEquals(3, queue.enqueue(0, batch));
            assertArrayEquals(bytes("first"), queue.dequeue());
            assertArrayEquals(new byte[] {42, 0, 0, 0, 0, 0, 0, 0, 7}, queue.dequeue());
            assertArrayEquals(bytes("last"), queue.dequeue());
        }
    }

    @Test
    void a_claim_is_forgotten_by_any_other_change() {
        TxBatch batch = new TxBatch(4, 16);
        assertThrows(IllegalStateException.class, batch::commit);
        assertThrows(IllegalArgumentException.class, () -> batch.claim(-1));
        batch.claim(16).put(bytes("never"));
        assertTrue(batch.add(bytes("sixteen bytes ..")));
        assertThrows(IllegalStateException.class, batch::commit);
        batch.clear();
        ByteBuffer room = batch.claim(8);
        batch.clear();
        assertThrows(IllegalStateException.class, batch::commit);
        assertEquals(0, batch.count());
        batch.add(bytes("12"));
        batch.claim(2);
        room.position(0);
        assertThrows(IllegalStateException.class, batch::commit, "it would reach into what is in the batch");
        room.limit(1);
        assertTrue(batch.add(ByteBuffer.wrap(bytes("345"))), "the room's limits bind the claim alone");
        assertArrayEquals(bytes("345"), batch.copies().get(1));
    }

    @Test
    void what_was_accepted_of_a_batch_is_removed_and_the_rest_follows() {
        try (TxQueue queue = TxQueue.open(new TxQueue.Options().lanes(2))) {
            TxBatch batch = new TxBatch(5, 64);
            for (String text : List.of("a", "bb", "ccc", "dddd", "e")) {
                assertTrue(batch.add(bytes(text)));
            }
            StringBuilder taken = new StringBuilder();
            while (batch.count() > 0) {
                batch.removeFirst(queue.enqueue(0, batch));
                queue.drain(8).forEach(transaction -> taken.append(new String(transaction)).append(' '));
            }
            assertEquals("a bb ccc dddd e ", taken.toString());
            assertTrue(batch.add(bytes("again")));
            assertThrows(IndexOutOfBoundsException.class, () -> batch.removeFirst(2));
            assertThrows(IndexOutOfBoundsException.class, () -> batch.removeFirst(-1));
            assertEquals(1, batch.count());
        }
    }

    @Test
    void a_rest_keeps_its_operation_numbers_at_a_node() {
        try (Node node = Fixtures.memoryNode()) {
            TxBatch batch = new TxBatch(3, 64);
            batch.add(bytes("one"));
            batch.add(bytes("two"));
            assertEquals(2, node.enqueue(Chain.DELTA, 0, batch));
            long second = batch.op(1);
            batch.removeFirst(1);
            assertEquals(second, batch.op(0));
            assertThrows(IndexOutOfBoundsException.class, () -> batch.op(1));
        }
    }

    @Test
    void a_drained_batch_describes_what_it_holds() {
        try (TxQueue queue = TxQueue.open(new TxQueue.Options().lanes(8, 8))) {
            queue.enqueue(1, bytes("slow"));
            queue.enqueue(0, bytes("fast"));
            queue.enqueue(1, bytes("slower"));
            ItemBatch batch = new ItemBatch(2, 64);
            assertEquals(2, queue.drain(batch));
            assertEquals(2, batch.count());
            assertArrayEquals(bytes("fast"), batch.get(0));
            assertArrayEquals(bytes("slow"), batch.get(1));
            assertEquals(List.of(0, 1), List.of(batch.lane(0), batch.lane(1)));
            assertEquals(4, batch.length(1));
            assertEquals('s', batch.bytes().get(batch.offset(1)));
            assertThrows(IndexOutOfBoundsException.class, () -> batch.get(2));
            assertEquals(1, queue.drain(batch));
            assertArrayEquals(bytes("slower"), batch.get(0));
            assertEquals(1, batch.sequence(0));
            assertEquals(0, queue.drain(batch));
            assertThrows(IndexOutOfBoundsException.class, () -> batch.get(0));
        }
    }

    @Test
    void a_drain_ends_where_the_room_ends_and_loses_nothing() {
        try (TxQueue queue = TxQueue.open()) {
            for (int size : new int[] {40, 30, 65, 1}) {
                queue.enqueue(0, new byte[size]);
            }
            ItemBatch batch = new ItemBatch(8, 64);
            assertEquals(1, queue.drain(batch));
            assertEquals(1, queue.drain(batch));
            assertEquals(30, batch.length(0));
            assertThrows(TooLargeException.class, () -> queue.drain(batch));
            assertEquals(0, batch.count());
            assertEquals(2, queue.size());
            assertEquals(65, queue.dequeue().length);
            queue.shutdown();
            assertEquals(1, queue.drain(batch));
            assertThrows(EndException.class, () -> queue.drain(batch));
            assertEquals(0, batch.count());
        }
    }

    @Test
    void impossible_batches_are_refused() {
        assertThrows(IllegalArgumentException.class, () -> new ItemBatch(0, 8));
        assertThrows(IllegalArgumentException.class, () -> new ItemBatch(ItemBatch.COUNT_MAX + 1, 8));
        assertThrows(IllegalArgumentException.class, () -> new TxBatch(0, 8));
        assertThrows(ArithmeticException.class, () -> new ItemBatch(1, Integer.MAX_VALUE));
        TxBatch batch = new TxBatch(1, 4);
        assertFalse(batch.add(bytes("large")));
        assertFalse(batch.add(ByteBuffer.allocate(5)));
        assertThrows(IndexOutOfBoundsException.class, () -> batch.add(bytes("abc"), 2, 2));
    }
}
