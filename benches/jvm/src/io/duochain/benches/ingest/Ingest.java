package io.duochain.benches.ingest;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.locks.LockSupport;

/**
 * One round of one side: {@code Ingest SIDE LABEL SIZES SAFEPOINTS MILLIS}. Four producers make transactions at a
 * fixed rate; a consumer takes what has come every 100 ms, as a chain does for a block, and verifies it. Prints lines
 * of JSON, see src/guest.rs.
 */
public final class Ingest {
    private static final int PRODUCERS = 4;
    private static final int PER_SECOND = 240_000;
    private static final int BLOCK_MILLIS = 100;
    private static final int WARM_UP_MILLIS = 1200;

    private final Pipe pipe;
    private final int[] sizes;
    private final Verifier verifier = new Verifier(PRODUCERS);
    private volatile Mark verified = new Mark(0, System.nanoTime());
    private volatile boolean stop;
    private volatile boolean complete;

    /** How many were verified when a block was done. */
    record Mark(long count, long nanos) {
        double perSecondSince(Mark earlier) {
            return (count - earlier.count) * 1e9 / (nanos - earlier.nanos);
        }
    }

    private Ingest(Pipe pipe, int[] sizes) {
        this.pipe = pipe;
        this.sizes = sizes;
    }

    public static void main(String[] arguments) throws Exception {
        String side = arguments[0];
        String label = arguments[1];
        int[] sizes = Source.sizes(Path.of(arguments[2]));
        try (Pipe pipe = Pipe.open(side)) {
            new Ingest(pipe, sizes).run(side, label, Path.of(arguments[3]), Integer.parseInt(arguments[4]));
        }
    }

    private void run(String side, String label, Path safepoints, int millis) throws Exception {
        List<Thread> producers = new ArrayList<>();
        for (int producer = 0; producer < PRODUCERS; producer++) {
            int name = producer;
            producers.add(start(() -> produce(name)));
        }
        Thread consumer = start(this::consume);
        List<Thread> workers = new ArrayList<>(producers);
        workers.add(consumer);
        Thread.sleep(WARM_UP_MILLIS);
        Meter meter = new Meter(workers, verified);
        meter.watch(millis);
        Meter.Figures figures = meter.figures(verified, safepoints);
        stop = true;
        for (Thread thread : producers) {
            thread.join();
        }
        complete = true;
        consumer.join();
        figures.print((what, value) -> System.out.printf(Locale.ROOT,
                "{\"scenario\": \"%s: %s\", \"side\": \"%s\", \"value\": %.4f}%n", label, what, side, value));
    }

    private static Thread start(Runnable body) {
        Thread thread = new Thread(body);
        // A failure must not pass for a light load.
        thread.setUncaughtExceptionHandler((failed, failure) -> {
            failure.printStackTrace();
            Runtime.getRuntime().halt(1);
        });
        thread.start();
        return thread;
    }

    /** What is due, every millisecond. */
    private void produce(int producer) {
        Source source = Source.of(sizes, producer + 1);
        Pipe.Input input = pipe.input();
        long begin = System.nanoTime();
        long sequence = 0;
        while (!stop) {
            long due = (System.nanoTime() - begin) * (PER_SECOND / PRODUCERS) / 1_000_000_000L;
            for (; sequence < due; sequence++) {
                long id = Verifier.id(producer, sequence);
                int length = source.length();
                input.put(id, source, source.place(id, length), length);
            }
            input.flush();
            LockSupport.parkNanos(1_000_000);
        }
    }

    private void consume() {
        Pipe.Output output = pipe.output();
        while (true) {
            boolean last = complete;
            while (output.take(verifier) > 0) {
                // until nothing is left for this block
            }
            verified = new Mark(verifier.count(), System.nanoTime());
            if (last) {
                return;
            }
            LockSupport.parkNanos(BLOCK_MILLIS * 1_000_000L);
        }
    }
}
