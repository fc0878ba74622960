package io.duochain.benches;

import java.io.IOException;
import java.io.InputStream;
import java.util.List;
import java.util.Locale;
import java.util.Properties;
import org.openjdk.jmh.results.Result;
import org.openjdk.jmh.results.RunResult;
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.RunnerException;
import org.openjdk.jmh.runner.options.ChainedOptionsBuilder;
import org.openjdk.jmh.runner.options.OptionsBuilder;
import org.openjdk.jmh.runner.options.VerboseMode;

/**
 * Lets the sides take turns: {@code Rounds COUNT}. JMH by itself would finish one side before it begins the
 * next, and a change of the machine's mood in between would pass for a difference. So every round asks it for
 * one fork of each side. Prints lines of JSON, see src/guest.rs.
 */
public final class Rounds {
    private static final List<String> SIDES = List.of(DuochainSide.NAME, JcToolsSide.NAME, BlockingSide.NAME);
    private static final String CALL = "empty JNI call";

    private Rounds() {
    }

    public static void main(String[] arguments) throws RunnerException, IOException {
        int rounds = Integer.parseInt(arguments[0]);
        String jdk = "JDK " + System.getProperty("java.version");
        version(DuochainSide.NAME, jdk);
        version(JcToolsSide.NAME, jctools());
        version(BlockingSide.NAME, jdk);
        version(CALL, jdk);
        for (int round = 0; round < rounds; round++) {
            for (int turn = 0; turn < SIDES.size(); turn++) {
                measure(SIDES.get((turn + round) % SIDES.size()));
            }
            for (RunResult result : new Runner(fork("call").build()).run()) {
                figure("Java: enqueue of 256 B", CALL, result.getPrimaryResult().getScore());
            }
        }
    }

    private static void measure(String side) throws RunnerException {
        for (RunResult result : new Runner(fork("(enqueue|batch|single|handOver)").param("side", side).build()).run()) {
            Result<?> primary = result.getPrimaryResult();
            double median = primary.getStatistics().getPercentile(50);
            switch (result.getParams().getBenchmark().replaceAll(".*\\.", "")) {
                case "enqueue" -> figure("Java: enqueue of 256 B", side, median / Boundary.DEPTH);
                case "batch" -> figure("Java: batch of 8 x 256 B, per item", side, median / Boundary.DEPTH);
                case "handOver" ->
                    figure("Java: 256 B from one thread to another", side, Boundary.HANDED_OVER * 1e3 / median);
                default -> figure("Java: enqueue of 256 B, p99 of single calls", side,
                        primary.getStatistics().getPercentile(99));
            }
        }
    }

    private static ChainedOptionsBuilder fork(String methods) {
        return new OptionsBuilder()
                .include(Boundary.class.getName() + "\\." + methods + "$")
                .forks(1)
                .jvmArgsAppend("-Xms1g", "-Xmx1g")
                .shouldFailOnError(true)
                .verbosity(VerboseMode.SILENT);
    }

    private static void figure(String scenario, String side, double value) {
        System.out.printf(Locale.ROOT, "{\"scenario\": \"%s\", \"side\": \"%s\", \"value\": %.4f}%n", scenario, side,
                value);
    }

    private static void version(String side, String version) {
        System.out.printf("{\"side\": \"%s\", \"version\": \"%s\"}%n", side, version);
    }

    private static String jctools() throws IOException {
        Properties properties = new Properties();
        try (InputStream in = Rounds.class.getResourceAsStream("/META-INF/maven/org.jctools/jctools-core/pom.properties")) {
            properties.load(in);
        }
        return properties.getProperty("version");
    }
}
