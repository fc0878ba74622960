package io.duochain.benches.ingest;

import java.util.Queue;
import java.util.concurrent.ArrayBlockingQueue;
import org.jctools.queues.MpscArrayQueue;

/** From the threads that take transactions in to the one that verifies them. */
interface Pipe extends AutoCloseable {
    /** Room for transactions, on every side. */
    int CELLS = 65_536;

    /** One producer's end. */
    interface Input {
        /** Makes a transaction of what the source says, and puts it in; waits for room. */
        void put(long id, Source source, int at, int length);

        /** Puts in what is kept back, if anything is. */
        default void flush() {
            // Nothing is kept back.
        }
    }

    /** The consumer's end. */
    interface Output {
        /** Hands out some of what there is; how many. */
        int take(Verifier verifier);
    }

    Input input();

    Output output();

    @Override
    void close();

    static Pipe open(String side) {
        return switch (side) {
            case PooledPipe.NAME -> new PooledPipe();
            case ObjectPipe.BLOCKING -> new ObjectPipe(new ArrayBlockingQueue<>(CELLS));
            case ObjectPipe.JCTOOLS -> new ObjectPipe(new MpscArrayQueue<>(CELLS));
            default -> throw new IllegalArgumentException("no side '" + side + "'");
        };
    }

    /** An object for each transaction, an array in it, and a queue of references. */
    final class ObjectPipe implements Pipe {
        static final String BLOCKING = "objects, ArrayBlockingQueue";
        static final String JCTOOLS = "objects, JCTools MpscArrayQueue";

        private record Transaction(long id, byte[] payload, int checksum) {
        }

        private final Queue<Transaction> queue;

        ObjectPipe(Queue<Transaction> queue) {
            this.queue = queue;
        }

        @Override
        public Input input() {
            return (id, source, at, length) -> {
                byte[] payload = new byte[length];
                source.copy(at, payload);
                Transaction transaction = new Transaction(id, payload, source.checksum(at, length));
                while (!queue.offer(transaction)) {
                    Thread.yield();
                }
            };
        }

        @Override
        public Output output() {
            return verifier -> {
                Transaction transaction = queue.poll();
                if (transaction == null) {
                    return 0;
                }
                verifier.expect(transaction.id);
                verifier.compare(transaction.payload, transaction.checksum);
                return 1;
            };
        }

        @Override
        public void close() {
            queue.clear();
        }
    }
}
