import io.duochain.Chain;
import io.duochain.ChainHealth;
import io.duochain.Config;
import io.duochain.ConfigKey;
import io.duochain.DuoException;
import io.duochain.Head;
import io.duochain.Health;
import io.duochain.LaneStats;
import io.duochain.Node;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * The main job: feed transactions into both chains, watch them become final, and prove that what came out is what
 * went in. Flags as in {@link Options}.
 */
public final class Run {
    private static final long REFRESH_NANOS = 500_000_000;
    private static final boolean TERMINAL = System.console() != null;

    private final Options options;
    private final Node node;
    private final Verifier verifier;
    private final long started = System.nanoTime();
    private final Map<Chain, Long> drawn = new EnumMap<>(Chain.class);
    private long lastDraw = started;

    private Run(Options options, Node node) {
        this.options = options;
        this.node = node;
        this.verifier = new Verifier(node, options.producers);
    }

    /** Exit status 0: all final, as sent. 1: not so. 2: could not be tried. */
    public static void main(String[] arguments) throws Exception {
        int status = 2;
        try {
            status = run(Options.parse(arguments)) ? 0 : 1;
        } catch (Options.Wrong | Records.Fault | Feed.Refused | DuoException | IOException fault) {
            System.err.println("run: " + fault.getMessage());
        }
        System.exit(status);
    }

    private static boolean run(Options options) throws Exception {
        Records records = options.records();
        try (Options.Directory directory = options.directory()) {
            Config config = Config.builder()
                    .dataDir(directory.path())
                    .set(ConfigKey.STORAGE_BACKEND, options.backend)
                    .set(ConfigKey.TIME_SCALE, options.scale)
                    .build();
            try (Node node = Node.open(config)) {
                return new Run(options, node).untilFinal(records);
            }
        }
    }

    private boolean untilFinal(Records records) throws Exception {
        System.out.printf("transactions: %s, %d producers, %s store, time scale 1/%d%n",
                options.input == null ? options.count + " generated" : options.input,
                options.producers, options.backend, options.scale);
        Feed feed = new Feed(node, verifier, records, options.producers);
        // Several finality times without any progress mean that something is lost.
        long interval = 5 * Long.parseLong(ConfigKey.DELTA_BLOCK_INTERVAL_MS.defaultValue()) / options.scale;
        Duration patience = Duration.ofMillis(Math.max(30_000, 12 * interval));
        List<String> faults = new ArrayList<>(watch(feed, patience));
        double seconds = (System.nanoTime() - started) / 1e9;
        draw();
        verifier.stop();
        if (verifier.failure() != null) {
            throw verifier.failure();
        }
        if (feed.failure() != null) {
            throw feed.failure();
        }
        return table(feed.sent(), seconds, faults);
    }

    /** Draws until everything is final; a fault when nothing moves any more. */
    private List<String> watch(Feed feed, Duration patience) throws InterruptedException {
        long progress = -1;
        long moved = System.nanoTime();
        while (true) {
            // In this order: what is complete after the last record stays so.
            boolean done = feed.isDone();
            boolean complete = verifier.tally(Chain.ALPHA).isComplete() && verifier.tally(Chain.DELTA).isComplete();
            if (done && complete || feed.hasFailed() || verifier.failure() != null) {
                return List.of();
            }
            if (System.nanoTime() - lastDraw >= REFRESH_NANOS) {
                draw();
            }
            long now = verifier.tally(Chain.ALPHA).progress() + verifier.tally(Chain.DELTA).progress();
            // While nothing is outstanding, it is the input that everybody waits for.
            if (now != progress || complete) {
                progress = now;
                moved = System.nanoTime();
            } else if (System.nanoTime() - moved > patience.toNanos()) {
                return stall(patience);
            }
            Thread.sleep(20);
        }
    }

    /** What the node says about a stall. */
    private List<String> stall(Duration patience) {
        List<String> faults = new ArrayList<>(List.of("nothing became final for " + patience.toSeconds() + " s"));
        Health both = node.health();
        for (ChainHealth health : List.of(both.alpha(), both.delta())) {
            if (!health.reason().isEmpty()) {
                faults.add(Tally.name(health.chain()) + ": " + health.reason());
            }
        }
        return faults;
    }

    private void draw() {
        double span = Math.max(1e-3, (System.nanoTime() - lastDraw) / 1e9);
        StringBuilder text = new StringBuilder();
        if (TERMINAL && !drawn.isEmpty()) {
            text.append("\033[2A");
        }
        for (Chain chain : Chain.values()) {
            Head head = node.head(chain);
            Tally tally = verifier.tally(chain);
            long finals = tally.finals();
            long queued = node.lanes(chain).stream().mapToLong(LaneStats::depth).sum();
            text.append(String.format(Locale.ROOT,
                    "%-6s height %6d  final %6d  drift %8s  queued %7d  %9.0f tx/s  p50 %9s  p99 %9s%s%n",
                    Tally.name(chain), head.height(), head.finalHeight(), millis(head.slotDriftNanos() / 1e6), queued,
                    (finals - drawn.getOrDefault(chain, 0L)) / span,
                    millis(tally.latencyMillis(0.5)), millis(tally.latencyMillis(0.99)), TERMINAL ? "\033[K" : ""));
            drawn.put(chain, finals);
        }
        System.out.print(text);
        System.out.flush();
        lastDraw = System.nanoTime();
    }

    /** The table and the verdict; true when all is well. */
    private boolean table(long sent, double seconds, List<String> faults) {
        StringBuilder text = new StringBuilder(String.format(
                "%nchain    blocks   final  transactions  duplicates     tx/s        p50        p99  restarts%n"));
        List<String> finals = new ArrayList<>();
        for (Chain chain : Chain.values()) {
            Head head = node.head(chain);
            Tally tally = verifier.tally(chain);
            text.append(String.format(Locale.ROOT, "%-6s %8d %7d %13d %11d %8.0f %10s %10s %9d%n",
                    Tally.name(chain), head.height(), head.finalHeight(), tally.finals(), tally.duplicates(),
                    tally.finals() / seconds, millis(tally.latencyMillis(0.5)), millis(tally.latencyMillis(0.99)),
                    head.restarts()));
            tally.verdict().forEach(fault -> faults.add(Tally.name(chain) + ": " + fault));
            finals.add(tally.finals() + " final on " + Tally.name(chain));
        }
        System.out.print(text);
        if (faults.isEmpty()) {
            System.out.printf("verified: %d sent, %s, none lost, none twice, in order, digests equal%n",
                    sent, String.join(", ", finals));
        } else {
            System.out.printf("FAILED:%n  %s%n", String.join(System.lineSeparator() + "  ", faults));
        }
        return faults.isEmpty();
    }

    private static String millis(double value) {
        return String.format(Locale.ROOT, "%.1f ms", value);
    }
}
