package io.duochain;

import java.io.IOException;
import java.lang.invoke.VarHandle;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.BitSet;

/**
 * A seat in a segment and the room behind it. See {@code src/queue/shared/part.rs} for why a seat can be taken from a
 * process that was killed at any instruction.
 */
final class SharedSeat {
    private static final int OWNER = 0;
    private static final int CLEAN = 8;
    private static final int WRITE = 16;
    private static final int PID_BITS = 22;
    private static final int RESCAN_EVERY = 256;
    /** After so much freed records are looked for, even if there is room: what is used again is still in a cache. */
    private static final int STRETCH_BYTES = 16 << 10;
    private static final long ME = thisProcess();

    private final SharedSegment segment;
    private final int place;
    /** Where the part begins and ends in the segment. */
    private final int begin;
    private final int end;
    /** Where the next record goes, and up to where it is known to be free. */
    private int next;
    private int limit;
    /** What to add to granules from the segment's begin to get a position, in this lap. */
    private long lap;
    private long clean;
    private int blocked;
    /** From this position on all records are of one lane, so the consumer frees them in their order. */
    private long pure;
    // A record of that lane, for whose sake no other is looked at: its state when freed, its place and its end.
    private long markFreed;
    private int markRecord;
    private long markEnd;

    private SharedSeat(SharedSegment segment, int number) {
        this.segment = segment;
        this.place = segment.seat(number);
        this.begin = segment.record(number * segment.granules);
        this.end = begin + segment.granules * SharedSegment.GRANULE_BYTES;
    }

    /** A free seat, else one whose process has ended. */
    static SharedSeat claim(SharedSegment segment) {
        boolean damaged = false;
        for (boolean orphaned : new boolean[] {false, true}) {
            for (int number = 0; number < segment.seats; number++) {
                int place = segment.seat(number);
                long owner = segment.get(place + OWNER);
                boolean wanted = orphaned ? owner != 0 && hasEnded(owner) : owner == 0;
                if (wanted && segment.swap(place + OWNER, owner, ME)) {
                    SharedSeat seat = new SharedSeat(segment, number);
                    if (seat.settle()) {
                        if (orphaned) {
                            segment.noteRecovered();
                        }
                        return seat;
                    }
                    damaged = true;
                    seat.leave();
                }
            }
        }
        throw damaged
                ? SharedSegment.refuse(Code.CORRUPTION, "a seat's positions make no sense while records wait")
                : SharedSegment.refuse(Code.BUSY, "all " + segment.seats + " seats are taken by producers that live");
    }

    /** Frees what the last owner did not commit; false when that cannot be told. */
    private boolean settle() {
        clean = segment.get(place + CLEAN);
        long write = segment.get(place + WRITE);
        BitSet named = new BitSet(segment.granules);
        segment.eachNamed(record -> {
            if (record >= begin && record < end) {
                named.set(record - begin >> SharedSegment.GRANULE_BITS);
            }
        });
        long committed = clean;
        long position = clean;
        boolean sensible = write - clean >= 0 && write - clean <= segment.granules;
        while (sensible && position != write) {
            int record = record(position);
            long state = segment.get(record);
            sensible = isSensible(state, record, write - position);
            position += state >>> 8;
            if (sensible && (state & 0xff) == SharedSegment.IN_USE) {
                if (named.get(record - begin >> SharedSegment.GRANULE_BITS)) {
                    committed = position;
                } else {
                    free(record, state);
                }
            }
        }
        if (!sensible && !named.isEmpty()) {
            return false;
        }
        if (!sensible) {
            committed = 0;
            publishClean(0);
        }
        pure = committed;
        resume(committed);
        limit = next;
        segment.set(place + WRITE, committed);
        return true;
    }

    // positions

    private int record(long position) {
        return begin + (int) Long.remainderUnsigned(position, segment.granules) * SharedSegment.GRANULE_BYTES;
    }

    private long write() {
        return lap + (next >> SharedSegment.GRANULE_BITS);
    }

    /** Records go to this position from now on. */
    private void resume(long write) {
        next = record(write);
        lap = write - (next >> SharedSegment.GRANULE_BITS);
    }

    /** Whether a state can be that of a record at such a place, so many granules before {@code write}. */
    private boolean isSensible(long state, int record, long used) {
        long kind = state & 0xff;
        long granules = state >>> 8;
        return (kind == SharedSegment.IN_USE || kind == SharedSegment.FREED)
                && granules > 0 && granules <= Math.min(end - record >> SharedSegment.GRANULE_BITS, used);
    }

    private void free(int record, long state) {
        segment.swap(record, state, state & ~0xffL | SharedSegment.FREED);
    }

    // room

    /** A record of so many bytes, whole granules, in use from now on: its place, or -1 when there is no room. */
    int reserve(int bytes) {
        if (bytes > limit - next && !makeRoom(bytes)) {
            return -1;
        }
        return append(bytes, SharedSegment.IN_USE);
    }

    private int append(int bytes, long kind) {
        int record = next;
        // Behind the fence of publishClean, and before the release of the position.
        segment.setPlain(record, (long) bytes << 8 - SharedSegment.GRANULE_BITS | kind);
        next = record + bytes;
        segment.set(place + WRITE, lap + (record + bytes >> SharedSegment.GRANULE_BITS));
        return record;
    }

    /** Takes the last reservation back, which was not committed. */
    void abort(int bytes) {
        if (markEnd == write()) {
            markFreed = 0;
        }
        next -= bytes;
        segment.set(place + WRITE, write());
    }

    /** What is reserved from now on is for another lane. */
    void changeLane() {
        pure = write();
    }

    /** Looks for room for a record, and for more than that; false when there is none. */
    private boolean makeRoom(int bytes) {
        if (segment.get(place + OWNER) != ME) {
            throw SharedSegment.refuse(Code.CORRUPTION, "somebody else holds the producer's seat");
        }
        passMark();
        while (true) {
            resume(write());
            // What follows may fail half way, and what was known is not so any more.
            limit = next;
            int toEnd = end - next;
            int free = end - begin - ((int) (write() - clean) << SharedSegment.GRANULE_BITS);
            if (free == end - begin && next != begin) {
                // Nothing waits: the part from its begin, which the processor still knows.
                append(toEnd, SharedSegment.FREED);
                publishClean(write());
            } else if (bytes > toEnd && free >= toEnd) {
                append(toEnd, SharedSegment.FREED);
            } else if (bytes <= toEnd && free >= bytes) {
                limit = next + Math.min(Math.min(toEnd, free), Math.max(bytes, STRETCH_BYTES));
                mark(bytes);
                return true;
            } else if (!reclaim() && !freeLeftOver()) {
                return false;
            }
        }
    }

    /** Remembers the record that comes next. */
    private void mark(int bytes) {
        if (markFreed == 0 && clean - pure >= 0) {
            markFreed = (long) bytes << 8 - SharedSegment.GRANULE_BITS | SharedSegment.FREED;
            markRecord = next;
            markEnd = write() + (bytes >> SharedSegment.GRANULE_BITS);
        }
    }

    /** Moves up to the end of the marked record when that was freed: those before it were, or wait for nobody. */
    private void passMark() {
        if (markFreed != 0 && segment.get(markRecord) == markFreed) {
            markFreed = 0;
            if (markEnd - clean > 0) {
                publishClean(markEnd);
            }
        }
    }

    /** Moves over freed records one by one; false when there is none. */
    private boolean reclaim() {
        long position = clean;
        long write = write();
        int record = record(position);
        while (position != write) {
            long state = segment.get(record);
            if (!isSensible(state, record, write - position)) {
                throw SharedSegment.refuse(Code.CORRUPTION, "a record makes no sense to its producer");
            }
            if ((state & 0xff) == SharedSegment.IN_USE) {
                break;
            }
            position += state >>> 8;
            record += (int) (state >>> 8) * SharedSegment.GRANULE_BYTES;
            if (record == end) {
                record = begin;
            }
        }
        boolean moved = position != clean;
        if (moved) {
            publishClean(position);
        }
        return moved;
    }

    private void publishClean(long position) {
        clean = position;
        segment.set(place + CLEAN, position);
        // Before anything is written to the room behind it.
        VarHandle.storeStoreFence();
    }

    /** Frees the record that blocks the part if it waits for nobody, which it looks for now and then only. */
    private boolean freeLeftOver() {
        if (clean == write() || ++blocked % RESCAN_EVERY != 0) {
            return false;
        }
        int oldest = record(clean);
        long state = segment.get(oldest);
        boolean[] named = {false};
        segment.eachNamed(record -> named[0] |= record == oldest);
        if (!named[0]) {
            free(oldest, state);
        }
        return !named[0];
    }

    void leave() {
        // Only our own: after damage the seat may be another's.
        segment.swap(place + OWNER, ME, 0);
    }

    // processes

    private static long thisProcess() {
        long pid = ProcessHandle.current().pid();
        String[] fields = stat(pid);
        return (fields == null ? 0 : Long.parseLong(fields[19])) << PID_BITS | pid;
    }

    /** True when the process has certainly ended. */
    static boolean hasEnded(long owner) {
        long pid = owner & (1L << PID_BITS) - 1;
        if (pid == 0) {
            return true;
        }
        String[] fields = stat(pid);
        if (fields == null) {
            // Not there, unless nothing is.
            return stat(ProcessHandle.current().pid()) != null && ProcessHandle.of(pid).isEmpty();
        }
        long start = owner >>> PID_BITS;
        boolean zombie = fields[0].equals("Z") || fields[0].equals("X");
        return start != 0 && Long.parseLong(fields[19]) != start || zombie && Long.parseLong(fields[17]) <= 1;
    }

    /** What follows the name in {@code /proc/PID/stat}: state first, threads at 17, start at 19. */
    private static String[] stat(long pid) {
        try {
            String line = Files.readString(Path.of("/proc/" + pid + "/stat"));
            String[] fields = line.substring(line.lastIndexOf(") ") + 2).split(" ");
            return fields.length > 19 ? fields : null;
        } catch (IOException gone) {
            return null;
        }
    }

    /** The number of this process's namespace of process numbers; 0 when the system does not tell. */
    static long pidNamespace() {
        try {
            String link = Files.readSymbolicLink(Path.of("/proc/self/ns/pid")).toString();
            return Long.parseLong(link.replaceAll("\\D", ""));
        } catch (IOException | NumberFormatException unknown) {
            return 0;
        }
    }
}
