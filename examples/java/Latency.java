import java.time.Duration;

/** A histogram of times with 3 % resolution and fixed memory. */
final class Latency {
    /** Buckets per doubling. */
    private static final int STEPS = 32;
    /** Doublings from 1 microsecond: up to 9 hours. */
    private static final int DOUBLINGS = 35;

    private final long[] buckets = new long[STEPS * DOUBLINGS];
    private long count;

    void record(Duration time) {
        long micros = Math.max(1, time.toNanos() / 1000);
        int doubling = 63 - Long.numberOfLeadingZeros(micros);
        int step = (int) (micros * STEPS >> doubling) - STEPS;
        buckets[Math.min(doubling * STEPS + step, buckets.length - 1)]++;
        count++;
    }

    /** Milliseconds that {@code share} of all are not above; 0 when there are none. */
    double quantileMillis(double share) {
        long wanted = (long) Math.ceil(count * share);
        long seen = 0;
        for (int bucket = 0; bucket < buckets.length; bucket++) {
            seen += buckets[bucket];
            if (seen >= wanted && seen > 0) {
                long micros = ((long) (STEPS + bucket % STEPS) << bucket / STEPS) / STEPS;
                return micros / 1000.0;
            }
        }
        return 0;
    }
}
