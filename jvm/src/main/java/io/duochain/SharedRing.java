package io.duochain;

/**
 * The ring of one lane in a segment, as one producer sees it. See {@code src/queue/shared/segment.rs} for why it is
 * correct; what is published by a swap was stored before it.
 */
final class SharedRing {
    // As in src/queue/shared/segment.rs.
    private static final int LAG_MAX = 64;
    private static final int PUBLISH_MASK = 31;

    private final SharedSegment segment;
    private final int order;
    private final int tail;
    private final int cells;
    private final long mask;
    /** The ticket after the last success, 0 for none. */
    private long hint;
    private boolean metEnd;

    SharedRing(SharedSegment segment, int lane) {
        this.segment = segment;
        this.order = segment.order;
        this.tail = segment.tail(lane);
        this.cells = segment.cell(lane, 0);
        this.mask = (1L << order) - 1;
    }

    private int cell(long ticket) {
        return cells + 8 * (int) (ticket & mask);
    }

    /** Turns have 40 bits, so the shift leaves nothing else of them. */
    private long vacant(long ticket) {
        return ticket >>> order << SharedSegment.VALUE_BITS;
    }

    /** How many laps the word is ahead of the ticket's turn; negative when it is behind. */
    private long lapsAhead(long word, long ticket) {
        // The sign of a difference of 40 bits is its bit 39.
        return (word >>> SharedSegment.VALUE_BITS) - (ticket >>> order) << 24 >> 24;
    }

    /**
     * True when a push would be refused as full, or so it seems. After a success it is not worth a look: the next push
     * finds out, and from then on this does, before anything is copied.
     */
    boolean looksFull() {
        return hint == 0 && looksFullFromTail();
    }

    private boolean looksFullFromTail() {
        long ticket = segment.get(tail);
        return lapsAhead(segment.get(cell(ticket)), ticket) < 0;
    }

    /** Appends a record; false when the ring is full, or {@linkplain #metEnd closed}. */
    boolean push(int record) {
        int value = segment.valueOf(record);
        long ticket = hint;
        if (ticket != 0 && fill(ticket, value)) {
            hint = ticket + 1;
            if ((ticket & PUBLISH_MASK) == PUBLISH_MASK) {
                segment.raise(tail, ticket + 1);
            }
            return true;
        }
        return pushFromTail(value);
    }

    /** Whether the last push was refused because the ring is closed. */
    boolean metEnd() {
        return metEnd;
    }

    private boolean fill(long ticket, int value) {
        long vacant = vacant(ticket);
        return segment.swap(cell(ticket), vacant, vacant | value);
    }

    private boolean pushFromTail(int value) {
        metEnd = false;
        long bound = segment.get(tail);
        long ticket = Math.max(bound, hint);
        for (long steps = (4L << order) + 4096; steps > 0; steps--) {
            long word = segment.get(cell(ticket));
            long ahead = lapsAhead(word, ticket);
            long found = word & SharedSegment.VALUE_MASK;
            if (ahead < 0) {
                hint = 0;
                segment.raise(tail, ticket);
                return false;
            } else if (ahead > 0) {
                // The ticket before that turn was consumed, and all before it.
                ticket += (ahead - 1 << order) + 1;
            } else if (found == SharedSegment.VALUE_MASK) {
                metEnd = true;
                return false;
            } else if (found != 0) {
                ticket++;
            } else if (fill(ticket, value)) {
                hint = ticket + 1;
                if ((ticket & PUBLISH_MASK) == PUBLISH_MASK || ticket - bound >= LAG_MAX / 2) {
                    segment.raise(tail, ticket + 1);
                }
                return true;
            }
            if (ticket - bound >= LAG_MAX) {
                segment.raise(tail, ticket);
                bound = segment.get(tail);
                ticket = Math.max(ticket, bound);
            }
        }
        return false;
    }
}
