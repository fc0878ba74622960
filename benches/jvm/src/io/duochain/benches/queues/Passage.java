package io.duochain.benches.queues;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BrokenBarrierException;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongConsumer;

/** Threads that put in for a while and threads that take out until all has arrived; every item is accounted for. */
final class Passage {
    private final Transport transport;
    private final int producers;
    private final int consumers;
    private final boolean batches;
    private final CyclicBarrier begin;
    private final AtomicLong accepted = new AtomicLong();
    private final AtomicLong acceptedSum = new AtomicLong();
    private final AtomicLong arrived = new AtomicLong();
    private final AtomicLong arrivedSum = new AtomicLong();
    private volatile boolean stop;
    private volatile boolean complete;

    private Passage(Transport transport, int producers, int consumers, boolean batches) {
        this.transport = transport;
        this.producers = producers;
        this.consumers = consumers;
        this.batches = batches;
        this.begin = new CyclicBarrier(producers + consumers + 1);
    }

    /** Millions of items a second that arrived. */
    static double measure(Transport transport, int producers, int consumers, boolean batches, long millis)
            throws Exception {
        return new Passage(transport, producers, consumers, batches).run(millis);
    }

    private double run(long millis) throws Exception {
        List<Thread> putting = new ArrayList<>();
        List<Thread> taking = new ArrayList<>();
        for (int producer = 0; producer < producers; producer++) {
            int name = producer;
            putting.add(start(() -> produce(name)));
        }
        for (int consumer = 0; consumer < consumers; consumer++) {
            taking.add(start(this::consume));
        }
        begin.await();
        long start = System.nanoTime();
        Thread.sleep(millis);
        stop = true;
        for (Thread thread : putting) {
            thread.join();
        }
        complete = true;
        for (Thread thread : taking) {
            thread.join();
        }
        double seconds = (System.nanoTime() - start) / 1e9;
        if (accepted.get() != arrived.get() || acceptedSum.get() != arrivedSum.get()) {
            throw new AssertionError(accepted + " items were accepted and " + arrived + " arrived");
        }
        return arrived.get() / seconds / 1e6;
    }

    private Thread start(Runnable body) {
        Thread thread = new Thread(() -> {
            try {
                begin.await();
            } catch (InterruptedException | BrokenBarrierException failure) {
                throw new IllegalStateException(failure);
            }
            body.run();
        });
        // A failure must not pass for a slow run.
        thread.setUncaughtExceptionHandler((failed, failure) -> {
            failure.printStackTrace();
            Runtime.getRuntime().halt(1);
        });
        thread.start();
        return thread;
    }

    private void produce(int producer) {
        Transport.Input input = transport.input(producer);
        Pause pause = new Pause();
        long sequence = 0;
        long sum = 0;
        while (!stop) {
            if (batches) {
                // What did not fit is left out: a lap is whole batches, and each begins with its own number.
                long first = Transport.number(producer, sequence);
                int some = input.putBatch(first);
                for (int at = 0; at < some; at++) {
                    sum += first + at;
                }
                sequence += some == 0 ? pause.again() : pause.done(Transport.BATCH);
                accepted.addAndGet(some);
            } else {
                long number = Transport.number(producer, sequence);
                if (input.put(number)) {
                    sum += number;
                    sequence += pause.done(1);
                } else {
                    pause.again();
                }
            }
        }
        if (!batches) {
            accepted.addAndGet(sequence);
        }
        acceptedSum.addAndGet(sum);
    }

    private void consume() {
        Transport.Output output = transport.output();
        Tally tally = new Tally();
        Pause pause = new Pause();
        while (true) {
            boolean last = complete;
            if (output.take(tally) > 0) {
                pause.done(0);
            } else if (last) {
                break;
            } else {
                pause.again();
            }
        }
        arrived.addAndGet(tally.count);
        arrivedSum.addAndGet(tally.sum);
    }

    /** What arrived; with one consumer also that each producer's items come in order. */
    private final class Tally implements LongConsumer {
        private final int[] last = new int[producers];
        private long count;
        private long sum;

        @Override
        public void accept(long number) {
            count++;
            sum += number;
            int producer = (int) (number >>> 32);
            int sequence = (int) number;
            // After a batch that did not fit as a whole the next one follows.
            boolean skips = batches && sequence % Transport.BATCH == 0;
            if (consumers == 1 && !skips && sequence != (last[producer] & Transport.LAP - 1)) {
                throw new AssertionError("an item was lost, doubled or overtaken");
            }
            last[producer] = sequence + 1;
        }
    }

    /** Nothing to do: the same for every side. */
    private static final class Pause {
        private int times;

        int again() {
            if (++times < 64) {
                Thread.onSpinWait();
            } else {
                Thread.yield();
            }
            return 0;
        }

        int done(int result) {
            times = 0;
            return result;
        }
    }
}
