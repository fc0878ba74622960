package io.duochain.benches.queues;

import java.util.Arrays;

/** One thread, a queue that is empty at the begin of each round: what a put and what a take cost, in nanoseconds. */
final class Single {
    /** Items of a round: whole batches. */
    private static final int ITEMS = 64 * Transport.BATCH;

    private final double[] put;
    private final double[] taken;
    private long sum;

    private Single(int rounds) {
        put = new double[rounds];
        taken = new double[rounds];
    }

    /** Medians of the rounds. */
    static Single measure(Transport transport, boolean batches, int rounds) {
        Single warm = new Single(rounds * 2);
        warm.run(transport, batches);
        Single single = new Single(rounds);
        single.run(transport, batches);
        return single;
    }

    double put() {
        return put[put.length / 2];
    }

    double taken() {
        return taken[taken.length / 2];
    }

    private void run(Transport transport, boolean batches) {
        Transport.Input input = transport.input(0);
        Transport.Output output = transport.output();
        for (int round = 0; round < put.length; round++) {
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
            put[round] = (middle - begin) / (double) ITEMS;
            taken[round] = (end - middle) / (double) ITEMS;
        }
        if (sum != put.length * (ITEMS - 1L) * ITEMS / 2) {
            throw new AssertionError("the numbers that arrived are not those that were put in");
        }
        Arrays.sort(put);
        Arrays.sort(taken);
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
