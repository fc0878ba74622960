package io.duochain.benches.ingest;

import com.sun.management.ThreadMXBean;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.ObjDoubleConsumer;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** What the collector and the memory did while workers worked. */
final class Meter {
    private static final int SAMPLE_MILLIS = 10;
    private static final int SAMPLES_PER_MEMORY = 50;
    /** What a clock of the log cannot tell from nothing. */
    private static final double NOTHING_MILLIS = 0.001;
    /** When it began, by the JVM's own clock, and how long all threads stood still. */
    private static final Pattern COLLECTION =
            Pattern.compile("\\[(\\d+)ns\\] Safepoint \"[GZ][^\"]*\".* Total: *(\\d+) ns.*");

    private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();

    private final long[] workers;
    private final long beginNanos = System.nanoTime();
    private final long beginUptime = ManagementFactory.getRuntimeMXBean().getUptime();
    private final long beginAllocated;
    private final Ingest.Mark beginMark;
    private long heapHigh;
    private long memoryHigh;

    Meter(List<Thread> workers, Ingest.Mark mark) {
        // Thread.threadId() is not there on JDK 17.
        this.workers = workers.stream().mapToLong(Meter::id).toArray();
        this.beginAllocated = allocated();
        this.beginMark = mark;
    }

    @SuppressWarnings("deprecation")
    private static long id(Thread thread) {
        return thread.getId();
    }

    private long allocated() {
        return Arrays.stream(THREADS.getThreadAllocatedBytes(workers)).sum();
    }

    /** Looks at the heap again and again, and at the process now and then. */
    void watch(int millis) throws Exception {
        long end = beginNanos + millis * 1_000_000L;
        for (int sample = 0; System.nanoTime() < end; sample++) {
            heapHigh = Math.max(heapHigh, ManagementFactory.getMemoryMXBean().getHeapMemoryUsage().getUsed());
            if (sample % SAMPLES_PER_MEMORY == 0) {
                memoryHigh = Math.max(memoryHigh, processBytes());
            }
            Thread.sleep(SAMPLE_MILLIS);
        }
    }

    /** Not the resident size, which counts a page once for each of the collector's views of it. */
    private static long processBytes() throws IOException {
        String line = Files.readAllLines(Path.of("/proc/self/smaps_rollup")).stream()
                .filter(row -> row.startsWith("Pss:")).findFirst().orElseThrow();
        return Long.parseLong(line.replaceAll("\\D", "")) << 10;
    }

    Figures figures(Ingest.Mark mark, Path safepoints) throws IOException {
        double seconds = (System.nanoTime() - beginNanos) / 1e9;
        long endUptime = ManagementFactory.getRuntimeMXBean().getUptime();
        long bytes = allocated() - beginAllocated;
        double[] pauses = Files.readAllLines(safepoints).stream().map(COLLECTION::matcher).filter(Matcher::matches)
                .filter(line -> within(Long.parseLong(line.group(1)) / 1_000_000, endUptime))
                .mapToDouble(line -> Long.parseLong(line.group(2)) / 1e6).sorted().toArray();
        Map<String, Double> figures = new TreeMap<>();
        figures.put("pauses, all", Math.max(NOTHING_MILLIS, Arrays.stream(pauses).sum() / seconds));
        figures.put("pause, p99", Math.max(NOTHING_MILLIS, p99(pauses)));
        figures.put("allocation", Math.max(NOTHING_MILLIS, bytes / seconds / 1e6));
        figures.put("heap, peak", heapHigh / 1e6);
        figures.put("memory, peak", memoryHigh / 1e6);
        figures.put("verified", mark.perSecondSince(beginMark) / 1e3);
        return new Figures(figures);
    }

    private boolean within(long uptime, long endUptime) {
        return uptime >= beginUptime && uptime <= endUptime;
    }

    private static double p99(double[] sorted) {
        return sorted.length == 0 ? 0 : sorted[(int) Math.ceil(0.99 * sorted.length) - 1];
    }

    /** By the names of scenarios. */
    record Figures(Map<String, Double> values) {
        void print(ObjDoubleConsumer<String> out) {
            values.forEach(out::accept);
        }
    }
}
