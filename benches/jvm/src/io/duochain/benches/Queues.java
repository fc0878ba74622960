package io.duochain.benches;

import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

/** One side's queue, empty at the begin of every iteration. */
@State(Scope.Benchmark)
public class Queues {
    static final int ITEM_BYTES = 256;

    /** Name of the side. */
    @Param("")
    public String side;

    Side queue;
    final Side.Sequence sequence = new Side.Sequence();
    final byte[] item = new byte[ITEM_BYTES];
    final byte[][] items = new byte[Side.BATCH][ITEM_BYTES];
    int calls;

    @Setup(Level.Trial)
    public void open() {
        queue = Side.open(side);
    }

    @Setup(Level.Iteration)
    public void drain() {
        while (queue.take(sequence) > 0) {
            // until it is empty
        }
        sequence.expectEmpty();
    }

    @TearDown(Level.Trial)
    public void close() {
        drain();
        queue.close();
    }

    void accepted(boolean truth) {
        if (!truth) {
            throw new AssertionError("a queue with room refused an item");
        }
    }
}
