package io.duochain.benches.queues;

import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.function.LongConsumer;
import org.agrona.concurrent.ManyToOneConcurrentArrayQueue;
import org.jctools.queues.MessagePassingQueue;
import org.jctools.queues.MpmcArrayQueue;
import org.jctools.queues.MpscArrayQueue;

/**
 * Queues of references. Items of 8 bytes are objects that were made beforehand, so nothing is allocated or copied on
 * the way, which is more than ours are given. Larger ones are arrays, cloned as ours are copied: what a producer was
 * given is its caller's to use again.
 */
final class ReferenceTransport implements Transport {
    static final String JCTOOLS_MPSC = "JCTools MpscArrayQueue";
    static final String JCTOOLS_MPMC = "JCTools MpmcArrayQueue";
    static final String AGRONA_QUEUE = "Agrona ManyToOneConcurrentArrayQueue";
    static final String BLOCKING = "ArrayBlockingQueue";
    static final String LINKED = "ConcurrentLinkedQueue (unbounded)";

    private final Queue<Object> queue;
    private final int itemBytes;
    private final Long[][] made;

    private ReferenceTransport(Queue<Object> queue, int itemBytes, int producers) {
        this.queue = queue;
        this.itemBytes = itemBytes;
        this.made = new Long[producers][LAP];
        for (int producer = 0; producer < producers; producer++) {
            for (int at = 0; at < LAP; at++) {
                made[producer][at] = Transport.number(producer, at);
            }
        }
    }

    static ReferenceTransport of(String side, int itemBytes, int producers) {
        Queue<Object> queue = switch (side) {
            case JCTOOLS_MPSC -> new MpscArrayQueue<>(CELLS);
            case JCTOOLS_MPMC -> new MpmcArrayQueue<>(CELLS);
            case AGRONA_QUEUE -> new ManyToOneConcurrentArrayQueue<>(CELLS);
            case BLOCKING -> new ArrayBlockingQueue<>(CELLS);
            case LINKED -> new ConcurrentLinkedQueue<>();
            default -> throw new IllegalArgumentException("no side '" + side + "'");
        };
        return new ReferenceTransport(queue, itemBytes, producers);
    }

    @Override
    public boolean takesBatches() {
        return queue instanceof MpscArrayQueue;
    }

    @Override
    public boolean sharesConsumers() {
        return !(queue instanceof MpscArrayQueue) && !(queue instanceof ManyToOneConcurrentArrayQueue);
    }

    @Override
    public Input input(int producer) {
        return itemBytes == Long.BYTES ? new References(queue, made[producer]) : new Copies(queue, itemBytes);
    }

    /** Hands out references that are there already. */
    private static final class References implements Input {
        private final Queue<Object> queue;
        private final Long[] made;
        private int next;

        References(Queue<Object> queue, Long[] made) {
            this.queue = queue;
            this.made = made;
        }

        @Override
        public boolean put(long number) {
            return queue.offer(made[(int) number & LAP - 1]);
        }

        @Override
        public int putBatch(long first) {
            next = (int) first;
            return ((MpscArrayQueue<Object>) queue).fill(() -> made[next++ & LAP - 1], BATCH);
        }
    }

    /** Clones an array for each item. */
    private static final class Copies implements Input {
        private final Queue<Object> queue;
        private final byte[] item;
        private long next;

        Copies(Queue<Object> queue, int itemBytes) {
            this.queue = queue;
            this.item = new byte[itemBytes];
        }

        @Override
        public boolean put(long number) {
            return queue.offer(copy(number));
        }

        @Override
        public int putBatch(long first) {
            next = first;
            return ((MpscArrayQueue<Object>) queue).fill(() -> copy(next++), BATCH);
        }

        private byte[] copy(long number) {
            NUMBER.set(item, 0, number);
            return item.clone();
        }
    }

    @Override
    @SuppressWarnings("unchecked")
    public Output output() {
        if (queue instanceof MessagePassingQueue<?> passing) {
            MessagePassingQueue<Object> jctools = (MessagePassingQueue<Object>) passing;
            return sink -> jctools.drain(item -> hand(item, sink), TAKEN);
        }
        if (queue instanceof ManyToOneConcurrentArrayQueue<Object> agrona) {
            return sink -> agrona.drain(item -> hand(item, sink), TAKEN);
        }
        if (queue instanceof ArrayBlockingQueue<Object> blocking) {
            return new Locked(blocking);
        }
        return sink -> {
            int count = 0;
            for (Object item; count < TAKEN && (item = queue.poll()) != null; count++) {
                hand(item, sink);
            }
            return count;
        };
    }

    /** Takes the lock once for many. */
    private static final class Locked implements Output {
        private final ArrayBlockingQueue<Object> queue;
        private final List<Object> taken = new ArrayList<>(TAKEN);

        Locked(ArrayBlockingQueue<Object> queue) {
            this.queue = queue;
        }

        @Override
        public int take(LongConsumer sink) {
            int count = queue.drainTo(taken, TAKEN);
            for (Object item : taken) {
                hand(item, sink);
            }
            taken.clear();
            return count;
        }
    }

    private static void hand(Object item, LongConsumer sink) {
        sink.accept(item instanceof byte[] bytes ? (long) NUMBER.get(bytes, 0) : (Long) item);
    }

    @Override
    public void close() {
        queue.clear();
    }
}
