package io.duochain;

import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.Queue;

/**
 * Entries of a {@link ReplicatedLog} in order, each once, as they are committed. For one thread at a time.
 *
 * <p>Iterating waits for the next entry, and ends when the log is closed.
 */
public final class LogFollower implements Iterable<ReplicatedLog.Entry> {
    private static final int BATCH = 1024;
    private static final int BYTES = 1 << 18;

    private final ReplicatedLog log;
    private NativeBuffer room = NativeBuffer.allocate(BYTES);
    private long position;

    LogFollower(ReplicatedLog log, long after) {
        if (after < 0) {
            throw new IllegalArgumentException("after is " + after);
        }
        this.log = log;
        this.position = after;
    }

    /** Index of the last entry that was handed out: where a new follower goes on. */
    public long position() {
        return position;
    }

    /** Up to {@code max} entries behind the position, waiting for the first; empty when none came. Theirs to keep. */
    public List<ReplicatedLog.Entry> poll(int max, Duration timeout) throws InterruptedException {
        long[] numbers = log.readInto(position + 1, max, room, timeout);
        while (numbers.length == 1) {
            room = NativeBuffer.allocate((int) numbers[0]);
            numbers = log.readInto(position + 1, max, room, timeout);
        }
        List<ReplicatedLog.Entry> entries = new ArrayList<>(numbers.length / ReplicatedLog.Entry.NUMBERS);
        for (int at = 0; at < numbers.length; at += ReplicatedLog.Entry.NUMBERS) {
            byte[] copy = new byte[(int) numbers[at + 6]];
            room.bytes().get((int) numbers[at + 5], copy);
            entries.add(new ReplicatedLog.Entry(numbers, at, ByteBuffer.wrap(copy).asReadOnlyBuffer()));
            position = numbers[at];
        }
        return entries;
    }

    /** Entries from here on, for one loop. An interrupt ends it, and stays set. */
    @Override
    public Iterator<ReplicatedLog.Entry> iterator() {
        return new Entries();
    }

    private final class Entries implements Iterator<ReplicatedLog.Entry> {
        private final Queue<ReplicatedLog.Entry> ready = new ArrayDeque<>();

        @Override
        public boolean hasNext() {
            try {
                while (ready.isEmpty()) {
                    ready.addAll(poll(BATCH, Duration.ofSeconds(1)));
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
            return ready.remove();
        }
    }
}
