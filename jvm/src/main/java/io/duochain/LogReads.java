package io.duochain;

import io.duochain.ReplicatedLog.Entry;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/** Entries of one log, on their way out. */
final class LogReads {
    private final ReplicatedLog owner;
    private final NativeHandle handle;

    LogReads(ReplicatedLog owner, NativeHandle handle) {
        this.owner = owner;
        this.handle = handle;
    }

    /** With views of {@code into}. */
    List<Entry> views(long from, int max, NativeBuffer into, Duration timeout) throws InterruptedException {
        long[] numbers = numbers(from, max, into, timeout);
        if (numbers.length == 1) {
            throw Failures.of(Code.TOO_LARGE, "the entry needs " + numbers[0] + " bytes");
        }
        List<Entry> entries = new ArrayList<>(numbers.length / Entry.NUMBERS);
        for (int at = 0; at < numbers.length; at += Entry.NUMBERS) {
            ByteBuffer bytes = into.bytes().slice((int) numbers[at + 5], (int) numbers[at + 6]).asReadOnlyBuffer();
            entries.add(new Entry(numbers, at, bytes));
        }
        return entries;
    }

    /** {@link Entry#NUMBERS} for each entry; one number when the first needs so many bytes; none when none came. */
    long[] numbers(long from, int max, NativeBuffer into, Duration timeout) throws InterruptedException {
        if (from < 1 || max < 1) {
            throw new IllegalArgumentException("from is " + from + " and max is " + max + "; both count from 1");
        }
        Waiting waiting = Waiting.forUpTo(timeout);
        while (true) {
            long[] numbers = Natives.replogRead(
                    owner, handle.use(), from, max, into, into.address(), into.bytes().capacity(), waiting.chunk());
            if (numbers != null) {
                return numbers;
            }
            if (waiting.isOver()) {
                return new long[0];
            }
        }
    }
}
