import io.duochain.Block;
import io.duochain.Chain;
import io.duochain.Completion;
import io.duochain.DuoException;
import io.duochain.Event;
import io.duochain.EventKind;
import io.duochain.Node;
import io.duochain.SubscribeOptions;
import io.duochain.Subscription;
import java.time.Duration;
import java.util.EnumMap;
import java.util.Map;

/**
 * The proof: what came out final is what went in. Every final block is read back, and each of its transactions
 * must be one that was sent to that chain, not seen before, and behind all that its producer sent earlier.
 * Nothing is lost when as many are final, or were known before, as were sent.
 */
final class Verifier {
    private static final Duration WAIT = Duration.ofMillis(100);

    private final Node node;
    private final Map<Chain, Tally> tallies = new EnumMap<>(Chain.class);
    private final Thread follower = new Thread(() -> guarded(this::follow), "follower");
    private final Thread collector = new Thread(() -> guarded(this::collect), "collector");
    private final Subscription events;
    private volatile boolean stopped;
    private volatile Exception failure;

    private interface Job {
        void run() throws InterruptedException;
    }

    Verifier(Node node, int producers) {
        this.node = node;
        this.events = node.subscribe(SubscribeOptions.both().from(SubscribeOptions.Start.LATEST));
        for (Chain chain : Chain.values()) {
            tallies.put(chain, new Tally(producers, node.head(chain).height()));
        }
        follower.start();
        collector.start();
    }

    Tally tally(Chain chain) {
        return tallies.get(chain);
    }

    /** What a thread died of; {@code null} while all is well. */
    Exception failure() {
        return failure;
    }

    void stop() throws InterruptedException {
        stopped = true;
        follower.join();
        collector.join();
        events.close();
    }

    private void guarded(Job job) {
        try {
            job.run();
        } catch (Exception fault) {
            failure = fault;
        }
    }

    private void follow() throws InterruptedException {
        while (!stopped) {
            if (!events.await(WAIT)) {
                continue;
            }
            for (Event event : events.poll(256)) {
                EventKind finalized = event.chain() == Chain.ALPHA
                        ? EventKind.ALPHA_BLOCK_FINALIZED
                        : EventKind.DELTA_BLOCK_FINALIZED;
                if (event.kind() == finalized) {
                    Block block = read(event);
                    if (block != null) {
                        tally(event.chain()).becameFinal(event, block);
                    }
                }
            }
        }
    }

    /** Again and again while the chain is being restarted; {@code null} when stopped meanwhile. */
    private Block read(Event event) throws InterruptedException {
        while (!stopped) {
            try {
                return node.block(event.chain(), event.height()).orElseThrow();
            } catch (DuoException restarting) {
                if (!restarting.retryable()) {
                    throw restarting;
                }
                Thread.sleep(WAIT.toMillis());
            }
        }
        return null;
    }

    private void collect() throws InterruptedException {
        while (!stopped) {
            for (Completion completion : node.pollCompletions(4096, WAIT)) {
                tally(completion.chain()).completed(completion);
            }
        }
    }
}
