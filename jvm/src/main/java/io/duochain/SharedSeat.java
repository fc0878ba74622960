package io.duochain;

import java.io.IOException;
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
    private static final long ME = thisProcess();

    final int number;
    private final SharedSegment segment;
    private final int place;
    private long clean;
    private long write;
    private int blocked;

    private SharedSeat(SharedSegment segment, int number) {
        this.segment = segment;
        this.number = number;
        this.place = segment.seat(number);
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
        write = segment.get(place + WRITE);
        BitSet named = new BitSet(segment.granules);
        int first = number * segment.granules;
        segment.eachNamed(handle -> {
            if (handle >= first && handle < first + segment.granules) {
                named.set((int) handle - first);
            }
        });
        long end = clean;
        long position = clean;
        boolean sensible = write - clean >= 0 && write - clean <= segment.granules;
        while (sensible && position != write) {
            int handle = handle(position);
            long state = segment.get(segment.record(handle));
            sensible = isSensible(position, state);
            position += state >>> 8;
            if (sensible && (state & 0xff) == SharedSegment.IN_USE) {
                if (named.get(handle - first)) {
                    end = position;
                } else {
                    free(handle, state);
                }
            }
        }
        if (!sensible && !named.isEmpty()) {
            return false;
        }
        if (!sensible) {
            clean = 0;
            end = 0;
            segment.set(place + CLEAN, 0);
        }
        write = end;
        segment.set(place + WRITE, end);
        return true;
    }

    private int handle(long position) {
        return number * segment.granules + (int) Long.remainderUnsigned(position, segment.granules);
    }

    private long toEnd(long position) {
        return segment.granules - Long.remainderUnsigned(position, segment.granules);
    }

    private boolean isSensible(long position, long state) {
        long kind = state & 0xff;
        long granules = state >>> 8;
        return (kind == SharedSegment.IN_USE || kind == SharedSegment.FREED)
                && granules > 0 && granules <= Math.min(toEnd(position), write - position);
    }

    private void free(int handle, long state) {
        segment.swap(segment.record(handle), state, state & ~0xffL | SharedSegment.FREED);
    }

    /** A record of so many granules, in use from now on; -1 when there is no room. */
    int reserve(int granules) {
        while (true) {
            long free = segment.granules - (write - clean);
            long toEnd = toEnd(write);
            if (granules > toEnd && free >= toEnd) {
                append(toEnd << 8 | SharedSegment.FREED);
            } else if (granules <= toEnd && free >= granules) {
                return append((long) granules << 8 | SharedSegment.IN_USE);
            } else if (!reclaim()) {
                return -1;
            }
        }
    }

    private int append(long state) {
        int handle = handle(write);
        segment.set(segment.record(handle), state);
        write += state >>> 8;
        segment.set(place + WRITE, write);
        return handle;
    }

    /** Takes the last reservation back, which was not committed. */
    void abort(int granules) {
        write -= granules;
        segment.set(place + WRITE, write);
    }

    private boolean reclaim() {
        if (segment.get(place + OWNER) != ME) {
            throw SharedSegment.refuse(Code.CORRUPTION, "somebody else holds the producer's seat");
        }
        long before = clean;
        while (clean != write) {
            int handle = handle(clean);
            long state = segment.get(segment.record(handle));
            if (!isSensible(clean, state)) {
                throw SharedSegment.refuse(Code.CORRUPTION, "a record makes no sense to its producer");
            }
            if ((state & 0xff) == SharedSegment.IN_USE && !isLeftOver(handle, state)) {
                break;
            }
            clean += state >>> 8;
        }
        segment.set(place + CLEAN, clean);
        return clean != before;
    }

    private boolean isLeftOver(int handle, long state) {
        if (++blocked % RESCAN_EVERY != 0) {
            return false;
        }
        boolean[] named = {false};
        segment.eachNamed(found -> named[0] |= found == handle);
        if (!named[0]) {
            free(handle, state);
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
