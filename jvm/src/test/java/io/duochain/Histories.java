package io.duochain;

import java.util.ArrayDeque;
import java.util.List;
import java.util.Queue;
import java.util.function.Function;
import org.jetbrains.lincheck.datastructures.IntGen;
import org.jetbrains.lincheck.datastructures.Operation;
import org.jetbrains.lincheck.datastructures.Param;

/** Queues as {@link QueueLinearity} drives them, and what a queue for one thread answers. */
final class Histories {
    static final int CELLS = 2;
    static final String OK = "ok";
    static final String FULL = "full";
    static final String CLOSED = "closed";
    static final String EMPTY = "empty";
    static final String END = "end";

    private Histories() {
    }

    private static byte[] encoded(int value) {
        return new byte[] {(byte) value, (byte) (value >> 8)};
    }

    private static String decoded(byte[] element) {
        return element == null ? EMPTY : String.valueOf((element[0] & 0xff) | (element[1] & 0xff) << 8);
    }

    /** A queue whose first element is kept apart once it was peeked at. */
    public static class SequentialView {
        private final ArrayDeque<Integer> elements = new ArrayDeque<>();
        private final int cells;
        private boolean peeked;

        public SequentialView() {
            this(CELLS);
        }

        SequentialView(int cells) {
            this.cells = cells;
        }

        public String offer(int value) {
            if (elements.size() - (peeked ? 1 : 0) == cells) {
                return FULL;
            }
            elements.add(value);
            return OK;
        }

        public String poll() {
            peeked = false;
            Integer first = elements.poll();
            return first == null ? EMPTY : first.toString();
        }

        public String peek() {
            Integer first = elements.peek();
            peeked = first != null;
            return first == null ? EMPTY : first.toString();
        }
    }

    /** The same where room never ends. */
    public static class SequentialWideView extends SequentialView {
        public SequentialWideView() {
            super(Integer.MAX_VALUE);
        }
    }

    /** A queue that can be shut down. */
    public static class Sequential {
        private final SequentialView open;
        private boolean closed;

        public Sequential() {
            this(CELLS);
        }

        Sequential(int cells) {
            open = new SequentialView(cells);
        }

        public String enqueue(int value) {
            return closed ? CLOSED : open.offer(value);
        }

        public String dequeue() {
            String first = open.poll();
            return closed && first.equals(EMPTY) ? END : first;
        }

        public String drain() {
            return dequeue();
        }

        public void shutdown() {
            closed = true;
        }
    }

    /** A queue that is never full and can be shut down. */
    public static class SequentialWide extends Sequential {
        public SequentialWide() {
            super(Integer.MAX_VALUE);
        }
    }

    /** One queue serves all histories that do not shut it down, so cells are used lap after lap. */
    private static TxQueue emptied(TxQueue used, TxQueue.Options options) {
        if (used == null) {
            return TxQueue.open(options);
        }
        try {
            while (used.dequeue() != null) {
                // until it is empty
            }
            return used;
        } catch (EndException end) {
            used.close();
            return TxQueue.open(options);
        }
    }

    private static TxQueue.Options options() {
        return new TxQueue.Options().lanes(CELLS);
    }

    private static String enqueue(TxQueue queue, int value) {
        try {
            return queue.tryEnqueue(0, encoded(value)) ? OK : FULL;
        } catch (ClosedException closed) {
            return CLOSED;
        }
    }

    private static String dequeue(TxQueue queue) {
        try {
            return decoded(queue.dequeue());
        } catch (EndException end) {
            return END;
        }
    }

    /** Any number of producers. */
    @Param(name = "value", gen = IntGen.class, conf = "1:9999")
    public static class OneConsumer {
        private static TxQueue queue;

        public OneConsumer() {
            queue = emptied(queue, options());
        }

        @Operation
        public String enqueue(@Param(name = "value") int value) {
            return Histories.enqueue(queue, value);
        }

        @Operation(nonParallelGroup = "consumer")
        public String dequeue() {
            return Histories.dequeue(queue);
        }

        @Operation(nonParallelGroup = "consumer")
        public String drain() {
            List<byte[]> one = queue.drain(1);
            return one.isEmpty() ? EMPTY : decoded(one.get(0));
        }
    }

    /** Any number of both. */
    @Param(name = "value", gen = IntGen.class, conf = "1:9999")
    public static class ManyConsumers {
        private static TxQueue queue;

        public ManyConsumers() {
            queue = emptied(queue, options().manyConsumers());
        }

        @Operation
        public String enqueue(@Param(name = "value") int value) {
            return Histories.enqueue(queue, value);
        }

        @Operation
        public String dequeue() {
            return Histories.dequeue(queue);
        }
    }

    /**
     * Shutting down while others put in and take out. With room for all: an enqueue that began before the shutdown
     * may be accepted after it, which no history of a queue for one thread can show once it had to wait for room.
     */
    @Param(name = "value", gen = IntGen.class, conf = "1:9999")
    public static class Closing {
        private static TxQueue queue;

        public Closing() {
            queue = emptied(queue, new TxQueue.Options().lanes(64).manyConsumers());
        }

        @Operation
        public String enqueue(@Param(name = "value") int value) {
            return Histories.enqueue(queue, value);
        }

        @Operation
        public String dequeue() {
            return Histories.dequeue(queue);
        }

        @Operation(runOnce = true)
        public void shutdown() {
            queue.shutdown();
        }
    }

    /** The view of a queue for one consumer, which makes it one for many. */
    @Param(name = "value", gen = IntGen.class, conf = "1:9999")
    public static class View {
        private static TxQueue queue;
        private final Queue<byte[]> view;

        public View() {
            this(TxQueue::asQueue);
        }

        View(Function<TxQueue, Queue<byte[]>> view) {
            this(queue = emptied(queue, options()), view);
        }

        View(TxQueue queue, Function<TxQueue, Queue<byte[]>> view) {
            this.view = view.apply(queue);
        }

        @Operation
        public String offer(@Param(name = "value") int value) {
            return view.offer(encoded(value)) ? OK : FULL;
        }

        @Operation
        public String poll() {
            return decoded(view.poll());
        }

        @Operation
        public String peek() {
            return decoded(view.peek());
        }
    }

    /** A view that takes ahead, of a queue that never gets full: how much room it makes is a matter of chance. */
    public static class ViewAhead extends View {
        private static TxQueue wide;

        public ViewAhead() {
            super(wide = emptied(wide, new TxQueue.Options().lanes(64)), queue -> queue.asQueue(0, 3));
        }
    }

    /** Gives the second before the first. */
    public static class WithSwappingView extends View {
        public WithSwappingView() {
            super(queue -> new BrokenViews.Swapping(queue.asQueue()));
        }
    }

    /** Loses what there is no room for. */
    public static class WithLosingView extends View {
        public WithLosingView() {
            super(queue -> new BrokenViews.Losing(queue.asQueue()));
        }
    }

    /** Hands elements out twice. */
    public static class WithDoublingView extends View {
        public WithDoublingView() {
            super(queue -> new BrokenViews.Doubling(queue.asQueue()));
        }
    }

    /** Says empty without looking. */
    public static class WithFalselyEmptyView extends View {
        public WithFalselyEmptyView() {
            super(queue -> new BrokenViews.FalselyEmpty(queue.asQueue()));
        }
    }

    /** Says full without looking. */
    public static class WithFalselyFullView extends View {
        public WithFalselyFullView() {
            super(queue -> new BrokenViews.FalselyFull(queue.asQueue()));
        }
    }
}
