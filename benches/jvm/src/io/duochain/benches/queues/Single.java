package io.duochain.benches.queues;

import java.util.Arrays;

/** One thread, a queue that is empty at the begin of each round: what a put and what a take cost, in nanoseconds. */
final class Single {
    /** Items of a round: whole batches. */
    private static final int ITEMS = 64 * Transport.BATCH;

    /** Far more rounds than there is time for. */
    private static final int ROUNDS_MAX = 1 << 16;

    private final Transport.Input input;
    private final Transport.Output output;
    private final boolean batches;
    private final double[] put = new double[ROUNDS_MAX];
    private final double[] taken = new double[ROUNDS_MAX];
    private int rounds;
    private long sum;

    private Single(Transport transport, boolean batches) {
        this.input = transport.input(0);
        this.output = transport.output();
        this.batches = batches;
    }

    /**
     * Medians of the rounds of so many milliseconds, after others that are for the compiler. By time, not by number: the
     * compiler has to have come to its end, whatever a side gives it to do, and a collector that works in between takes
     * longer than a few rounds.
     */
    static Single measure(Transport transport, boolean batches, long millis) {
        Single single = new Single(transport, batches);
        single.run(4 * millis);
        single.run(millis);
        Arrays.sort(single.put, 0, single.rounds);
        Arrays.sort(single.taken, 0, single.rounds);
        return single;
    }

    double put() {
        return put[rounds / 2];
    }

    double taken() {
        return taken[rounds / 2];
    }

    private void run(long millis) {
        long begin = System.nanoTime();
        rounds = 0;
        while (rounds == 0 || rounds < ROUNDS_MAX && System.nanoTime() - begin < millis * 1_000_000) {
            round();
        }
    }

    private void round() {
        sum = 0;
        long begin = System.nanoTime();
        int accepted = batches ? putBatches(input) : putSingles(input);
        long middle = System.nanoTime();
        int arrived = 0;
        for (int some; (some = output.take(number -> sum += number)) > 0; ) {
            arrived += some;
        }
        long end = System.nanoTime();
        if (accepted != ITEMS || arrived != ITEMS) {
            throw new AssertionError(accepted + " of " + ITEMS + " were accepted, " + arrived + " arrived");
        }
        if (sum != (ITEMS - 1L) * ITEMS / 2) {
            throw new AssertionError("the numbers that arrived are not those that were put in");
        }
        put[rounds] = (middle - begin) / (double) ITEMS;
        taken[rounds++] = (end - middle) / (double) ITEMS;
    }

    private static int putSingles(Transport.Input input) {
        int accepted = 0;
        for (int at = 0; at < ITEMS; at++) {
            accepted += input.put(Transport.number(0, at)) ? 1 : 0;
        }
        return accepted;
    }

    private static int putBatches(Transport.Input input) {
        int accepted = 0;
        for (int at = 0; at < ITEMS; at += Transport.BATCH) {
            accepted += input.putBatch(Transport.number(0, at));
        }
        return accepted;
    }
}
