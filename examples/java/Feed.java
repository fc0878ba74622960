import io.duochain.Chain;
import io.duochain.DuoException;
import io.duochain.Node;
import io.duochain.TimedOutException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;

/** Producer threads: each takes its share of the records and submits each to both chains, in order. */
final class Feed {
    /** Records on their way from the reader to one producer. */
    private static final int BACKLOG = 64;
    /** Lanes that producers are spread over. */
    private static final int LANES = 4;
    /** One wait for room; repeated until there is some. */
    private static final Duration WAIT = Duration.ofSeconds(1);
    private static final byte[] END = {};

    private final Node node;
    private final Verifier verifier;
    private final List<Thread> threads = new ArrayList<>();
    private volatile boolean failed;
    private volatile Exception failure;
    private volatile long sent;

    Feed(Node node, Verifier verifier, Records records, int producers) {
        this.node = node;
        this.verifier = verifier;
        List<BlockingQueue<byte[]>> shares = new ArrayList<>();
        for (int producer = 0; producer < producers; producer++) {
            BlockingQueue<byte[]> share = new ArrayBlockingQueue<>(BACKLOG);
            int number = producer;
            shares.add(share);
            threads.add(new Thread(() -> guarded(() -> produce(number, share), true), "producer-" + producer));
        }
        threads.add(new Thread(() -> guarded(() -> deal(records, shares), false), "reader"));
        threads.forEach(thread -> {
            thread.setDaemon(true);
            thread.start();
        });
    }

    /** A transaction that the node does not take. */
    static final class Refused extends Exception {
        private static final long serialVersionUID = 1L;

        Refused(Chain chain, byte[] record, DuoException reason) {
            super(Tally.name(chain) + " refused a transaction of " + record.length + " bytes: " + reason.getMessage());
        }
    }

    private interface Job {
        void run() throws Exception;
    }

    /** True when everything was read and submitted. */
    boolean isDone() {
        return threads.stream().noneMatch(Thread::isAlive);
    }

    /** True when a producer gave up. */
    boolean hasFailed() {
        return failed;
    }

    /** What a thread died of; {@code null} while all is well. */
    Exception failure() {
        return failure;
    }

    /** Number of records read. */
    long sent() {
        return sent;
    }

    private void guarded(Job job, boolean isProducer) {
        try {
            job.run();
        } catch (Exception fault) {
            if (failure == null) {
                failure = fault;
            }
            failed |= isProducer;
        }
    }

    private void deal(Records records, List<BlockingQueue<byte[]>> shares) throws Exception {
        long count = 0;
        try {
            for (byte[] record = records.next(); record != null && !failed; record = records.next()) {
                shares.get((int) (count % shares.size())).put(record);
                count++;
            }
        } finally {
            sent = count;
            for (BlockingQueue<byte[]> share : shares) {
                share.put(END);
            }
        }
    }

    private void produce(int producer, BlockingQueue<byte[]> share) throws InterruptedException, Refused {
        for (byte[] record = share.take(); record != END; record = share.take()) {
            for (Chain chain : Chain.values()) {
                if (!failed) {
                    verifier.tally(chain).sent(producer, record);
                    submit(chain, producer % LANES, record);
                }
            }
        }
    }

    private void submit(Chain chain, int lane, byte[] record) throws InterruptedException, Refused {
        while (!failed) {
            try {
                node.enqueue(chain, lane, record, WAIT);
                return;
            } catch (TimedOutException full) {
                // As often as it takes.
            } catch (DuoException refused) {
                if (!refused.retryable()) {
                    throw new Refused(chain, record, refused);
                }
                Thread.yield();
            }
        }
    }
}
