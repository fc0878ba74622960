package io.duochain.benches;

import io.duochain.Library;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Warmup;

/**
 * What is measured.
 *
 * <p>An iteration of the single-shot form is {@value #DEPTH} items into an empty queue; they are taken out
 * between iterations, so the consumer sets no limit.
 */
@OutputTimeUnit(TimeUnit.NANOSECONDS)
public class Boundary {
    static final int DEPTH = 1000;
    static final int HANDED_OVER = 100_000;

    /** One item. */
    @Benchmark
    @BenchmarkMode(Mode.SingleShotTime)
    @Warmup(iterations = 500, batchSize = DEPTH)
    @Measurement(iterations = 200, batchSize = DEPTH)
    public void enqueue(Queues queues) {
        queues.accepted(queues.queue.put(queues.sequence.number(queues.item)));
    }

    /** Eight items, from eight arrays. */
    @Benchmark
    @BenchmarkMode(Mode.SingleShotTime)
    @Warmup(iterations = 500, batchSize = DEPTH / Side.BATCH)
    @Measurement(iterations = 200, batchSize = DEPTH / Side.BATCH)
    public void batch(Queues queues) {
        for (byte[] item : queues.items) {
            queues.sequence.number(item);
        }
        queues.accepted(queues.queue.putBatch(queues.items));
    }

    /** Single calls, a part of them timed. One in a thousand empties the queue: above the 99th percentile. */
    @Benchmark
    @BenchmarkMode(Mode.SampleTime)
    @Warmup(iterations = 3, time = 150, timeUnit = TimeUnit.MILLISECONDS)
    @Measurement(iterations = 3, time = 200, timeUnit = TimeUnit.MILLISECONDS)
    public void single(Queues queues) {
        if (!queues.queue.put(queues.sequence.number(queues.item))) {
            throw new AssertionError("a queue with room refused an item");
        }
        if (++queues.calls % DEPTH == 0) {
            queues.drain();
        }
    }

    /** From this thread to another. */
    @Benchmark
    @BenchmarkMode(Mode.SingleShotTime)
    @Warmup(iterations = 6)
    @Measurement(iterations = 5)
    public void handOver(Queues queues) throws InterruptedException {
        Thread consumer = new Thread(() -> {
            for (int taken = 0; taken < HANDED_OVER; ) {
                int some = queues.queue.take(queues.sequence);
                taken += some;
                if (some == 0) {
                    Thread.yield();
                }
            }
        });
        consumer.start();
        for (int i = 0; i < HANDED_OVER; i++) {
            queues.sequence.number(queues.item);
            while (!queues.queue.put(queues.item)) {
                Thread.yield();
            }
        }
        consumer.join();
    }

    /** The way into the library and back. */
    @Benchmark
    @BenchmarkMode(Mode.AverageTime)
    @Warmup(iterations = 3, time = 100, timeUnit = TimeUnit.MILLISECONDS)
    @Measurement(iterations = 3, time = 100, timeUnit = TimeUnit.MILLISECONDS)
    public boolean call() {
        return Library.hasRocksDb();
    }
}
