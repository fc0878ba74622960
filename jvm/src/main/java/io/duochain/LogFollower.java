package io.duochain;

import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.function.Consumer;

/**
 * Entries of a {@link ReplicatedLog} in order, each once, as they are committed. For one thread at a time.
 *
 * <p>Iterating waits for the next entry, and ends when the log is closed. Loops and {@link #poll} may take turns: each goes
 * on behind what was handed out last, by whichever.
 */
public final class LogFollower implements Iterable<ReplicatedLog.Entry> {
    private static final int BATCH = 1024;
    private static final int BYTES = 1 << 18;

    private final ReplicatedLog log;
    private final LogReads reads;
    /** May be {@code null}. */
    private final Consumer<LogSnapshot> restore;
    private NativeBuffer room = NativeBuffer.allocate(BYTES);
    private long position;
    /** Read together; those from {@code taken} on are behind the position and were not handed out. */
    private List<ReplicatedLog.Entry> ready = List.of();
    private int taken;

    LogFollower(ReplicatedLog log, LogReads reads, long after, Consumer<LogSnapshot> restore) {
        if (after < 0) {
            throw new IllegalArgumentException("after is " + after);
        }
        this.log = log;
        this.reads = reads;
        this.position = after;
        this.restore = restore;
    }

    /**
     * Index of the last entry that {@link #poll} or a loop has handed out, or that is in the snapshot which was restored
     * since: where a new follower goes on. Kept after an entry is dealt with, it loses none and repeats none.
     */
    public long position() {
        return position;
    }

    /** Up to {@code max} entries behind the position, waiting for the first; empty when none came. Theirs to keep. */
    public List<ReplicatedLog.Entry> poll(int max, Duration timeout) throws InterruptedException {
        if (max < 1) {
            throw new IllegalArgumentException("max is " + max);
        }
        if (!hasReady()) {
            fetch(max, timeout);
        }
        int end = taken + Math.min(max, ready.size() - taken);
        List<ReplicatedLog.Entry> entries = new ArrayList<>(ready.subList(taken, end));
        if (!entries.isEmpty()) {
            handedOut(end);
        }
        return entries;
    }

    private boolean hasReady() {
        return taken < ready.size();
    }

    /** Moves past the first entries of those that are ready. */
    private void handedOut(int end) {
        position = ready.get(end - 1).index();
        taken = end;
    }

    /** Reads on, once all that was ready is handed out. */
    private void fetch(int max, Duration timeout) throws InterruptedException {
        long[] numbers = read(max, timeout);
        while (numbers.length == 1) {
            room = NativeBuffer.allocate((int) numbers[0]);
            numbers = read(max, timeout);
        }
        List<ReplicatedLog.Entry> entries = new ArrayList<>(numbers.length / ReplicatedLog.Entry.NUMBERS);
        for (int at = 0; at < numbers.length; at += ReplicatedLog.Entry.NUMBERS) {
            byte[] copy = new byte[(int) numbers[at + 6]];
            room.bytes().get((int) numbers[at + 5], copy);
            entries.add(new ReplicatedLog.Entry(numbers, at, ByteBuffer.wrap(copy).asReadOnlyBuffer()));
        }
        ready = entries;
        taken = 0;
    }

    /** Behind the position, which is that of the newest snapshot where that had to be restored. */
    private long[] read(int max, Duration timeout) throws InterruptedException {
        while (true) {
            try {
                return reads.numbers(position + 1, max, room, timeout);
            } catch (NotFoundException behind) {
                if (restore == null) {
                    throw behind;
                }
                LogSnapshot snapshot = log.snapshots().read().filter(newest -> newest.index() > position)
                        .orElseThrow(() -> behind);
                restore.accept(snapshot);
                position = snapshot.index();
            }
        }
    }

    /** Entries from here on, for one loop. An interrupt ends it, and stays set. */
    @Override
    public Iterator<ReplicatedLog.Entry> iterator() {
        return new Entries();
    }

    private final class Entries implements Iterator<ReplicatedLog.Entry> {
        @Override
        public boolean hasNext() {
            try {
                while (!hasReady()) {
                    fetch(BATCH, Duration.ofSeconds(1));
                }
                return true;
            } catch (ClosedException end) {
                return false;
            } catch (InterruptedException interrupt) {
                Thread.currentThread().interrupt();
                return false;
            }
        }

        @Override
        public ReplicatedLog.Entry next() {
            if (!hasNext()) {
                throw new NoSuchElementException("the log is closed");
            }
            ReplicatedLog.Entry entry = ready.get(taken);
            handedOut(taken + 1);
            return entry;
        }
    }
}
