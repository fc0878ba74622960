import io.duochain.Block;
import io.duochain.Chain;
import io.duochain.Completion;
import io.duochain.Event;
import java.nio.ByteBuffer;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** What is known about one chain: what was sent to it and what became final on it. */
final class Tally {
    /** Faults that are kept as text; more are only counted. */
    private static final int FAULTS_KEPT = 5;

    private static final class Sent {
        final int producer;
        final long number;
        /** Several producers sent it: the first to arrive has it in its order, and nobody knows which did. */
        boolean shared;
        boolean isFinal;

        Sent(int producer, long number) {
            this.producer = producer;
            this.number = number;
        }
    }

    private final Map<ByteBuffer, Sent> sent = new HashMap<>();
    /** Height at the start: these blocks hold what an earlier run sent. */
    private final long earlier;
    private final long[] counts;
    /** The lowest number of each producer that may come now. */
    private final long[] next;
    private final List<String> faults = new ArrayList<>();
    private final Latency latency = new Latency();
    private long faultCount;
    private long repeated;
    private long finals;
    private long duplicates;
    private long nextBlock;

    Tally(int producers, long earlier) {
        this.earlier = earlier;
        counts = new long[producers];
        next = new long[producers];
    }

    /** Called before a record is submitted. */
    synchronized void sent(int producer, byte[] record) {
        Sent known = sent.putIfAbsent(digest(record), new Sent(producer, counts[producer]));
        if (known == null) {
            counts[producer]++;
        } else {
            known.shared |= known.producer != producer;
            repeated++;
        }
    }

    synchronized void completed(Completion completion) {
        switch (completion.code()) {
            case OK -> latency.record(Duration.ofNanos(completion.finalizedNanos() - completion.submittedNanos()));
            case DUPLICATE -> duplicates++;
            default -> fault("submission " + completion.op() + " ended as " + completion.code());
        }
    }

    synchronized void becameFinal(Event event, Block block) {
        long height = event.height();
        if (nextBlock != 0 && nextBlock != height || !block.hash().equals(event.hash())) {
            fault("final block " + height + " is not the next one, or not the one announced");
        }
        nextBlock = height + 1;
        if (height <= earlier) {
            return;
        }
        for (byte[] transaction : block.transactions()) {
            check(height, sent.get(digest(transaction)));
        }
    }

    private void check(long height, Sent sent) {
        if (sent == null) {
            fault("block " + height + " holds a transaction that was not sent");
            return;
        }
        String name = "transaction " + sent.number + " of producer " + sent.producer;
        if (sent.isFinal) {
            fault("block " + height + ": " + name + " is final twice");
            return;
        }
        sent.isFinal = true;
        finals++;
        if (sent.shared) {
            return;
        }
        if (sent.number < next[sent.producer]) {
            fault("block " + height + ": " + name + " came after " + (next[sent.producer] - 1));
        }
        next[sent.producer] = Math.max(next[sent.producer], sent.number + 1);
    }

    private void fault(String text) {
        if (++faultCount <= FAULTS_KEPT) {
            faults.add(text);
        }
    }

    synchronized long finals() {
        return finals;
    }

    synchronized long duplicates() {
        return duplicates;
    }

    /** Something that changes as long as things move. */
    synchronized long progress() {
        return finals + duplicates + sent.size() + repeated;
    }

    synchronized double latencyMillis(double share) {
        return latency.quantileMillis(share);
    }

    /** True when nothing is outstanding. */
    synchronized boolean isComplete() {
        return finals + duplicates >= sent.size() + repeated;
    }

    /** What is wrong, in words; empty when nothing is. */
    synchronized List<String> verdict() {
        List<String> verdict = new ArrayList<>(faults);
        if (faultCount > FAULTS_KEPT) {
            verdict.add(faultCount - FAULTS_KEPT + " faults more");
        }
        if (finals + duplicates != sent.size() + repeated) {
            verdict.add(finals + " final and " + duplicates + " duplicates do not make "
                    + (sent.size() + repeated) + " sent");
        }
        return verdict;
    }

    static String name(Chain chain) {
        return chain.name().toLowerCase(Locale.ROOT);
    }

    private static ByteBuffer digest(byte[] bytes) {
        try {
            return ByteBuffer.wrap(MessageDigest.getInstance("SHA-256").digest(bytes));
        } catch (NoSuchAlgorithmException impossible) {
            throw new AssertionError("every JVM has SHA-256", impossible);
        }
    }
}
