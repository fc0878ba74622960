package io.duochain;

import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;

/**
 * One machine's part of a replicated log.
 *
 * <p>A host asks; nothing of it is called. It keeps one number, the index of the last entry that it has dealt with, beside
 * its own state: {@link #follow} from there gives every entry once and in order, after a restart and on another node too.
 * From time to time it gives that state ({@link #snapshots}), and the log before it is cut; who needs more than is left, as a
 * new node does, begins with the newest snapshot ({@link #follow(long, Consumer)}).
 *
 * <p><b>Failures of an append.</b> Nothing of it is in the log after {@link FullException} (too much waits, or leadership
 * changes: ask again), {@link NotLeaderException} (ask {@link NotLeaderException#leader}), {@link ConflictException} (a new
 * leader has put something else in its place), {@link TooLargeException} and {@link InvalidArgumentException}. All of it
 * is, for ever, after {@link PartialException}, which has the receipt: a voter may lack it. After any other nobody knows:
 * {@link TimedOutException}, and {@link ClosedException} and {@link PoisonedException} when this node ends meanwhile. With
 * an {@link Origin} it can be appended again, anywhere, and is read once.
 *
 * <p><b>Interrupts</b> end every wait within about 0.1 s, and not what is waited for: an entry may be committed, a change
 * carried out, a snapshot written; a shutdown goes on. Only {@link #close} is not ended by one, which stays set.
 */
public final class ReplicatedLog extends LogView implements AutoCloseable {
    private final LogAppends appends;
    private final LogSnapshots snapshots;
    private final LogReads reads;

    private ReplicatedLog(long word) {
        super(word);
        this.appends = new LogAppends(this, handle);
        this.snapshots = new LogSnapshots(this, handle, appends);
        this.reads = new LogReads(this, handle);
    }

    /** Options to open one. */
    public static ReplicatedLogOptions options() {
        return new ReplicatedLogOptions();
    }

    static ReplicatedLog open(byte[] options, long[] settings) throws InterruptedException {
        Waiting.endIfInterrupted();
        return new ReplicatedLog(
                Aside.run("duo-log-open", () -> Natives.replogOpen(options, settings), Natives::replogDestroy));
    }

    /** Appends an entry and waits until it is committed. An interrupt ends the wait, not the entry. */
    public Receipt append(byte[] entry, Duration timeout) throws InterruptedException {
        return append(List.of(entry), Origin.NONE, WaitFor.QUORUM, timeout);
    }

    /** As {@link #append(byte[], Duration)} for entries that are in the log all or none, in their order. */
    public Receipt append(List<byte[]> entries, Duration timeout) throws InterruptedException {
        return append(entries, Origin.NONE, WaitFor.QUORUM, timeout);
    }

    /** As {@link #append(List, Duration)}, with what they are known by, and what to wait for. */
    public Receipt append(List<byte[]> entries, Origin origin, WaitFor level, Duration timeout)
            throws InterruptedException {
        return append(entries, origin, level, Lane.NORMAL, timeout);
    }

    /** As {@link #append(List, Origin, WaitFor, Duration)}, in one of the two lanes. */
    public Receipt append(List<byte[]> entries, Origin origin, WaitFor level, Lane lane, Duration timeout)
            throws InterruptedException {
        return appends.append(entries, origin, level, lane, timeout);
    }

    /** As {@link #appendAsync(List, Origin, WaitFor, Lane, Duration)}, in the normal lane. */
    public CompletableFuture<Receipt> appendAsync(
            List<byte[]> entries, Origin origin, WaitFor level, Duration timeout) {
        return appendAsync(entries, origin, level, Lane.NORMAL, timeout);
    }

    /**
     * As {@link #append(List, Origin, WaitFor, Lane, Duration)}, without a thread that waits. The future fails as that
     * throws, for want of time up to 0.1 s late. A daemon thread "duo-appends" completes it: what depends on it without an
     * executor of its own runs there, and must not block.
     */
    public CompletableFuture<Receipt> appendAsync(
            List<byte[]> entries, Origin origin, WaitFor level, Lane lane, Duration timeout) {
        return appends.appendAsync(entries, origin, level, lane, timeout);
    }

    /**
     * Up to {@code max} committed entries from index {@code from} on, waiting for the first; empty when none came. Their
     * bytes are views of {@code into}: good until it is used again, copied once on their way from the log.
     *
     * @throws TooLargeException when {@code into} cannot hold the first
     * @throws NotFoundException when the newest snapshot has to be taken first: go on behind that
     * @throws IllegalArgumentException when {@code from} or {@code max} is below 1
     * @throws ClosedException behind the last entry of a log that was shut down
     */
    public List<Entry> read(long from, int max, NativeBuffer into, Duration timeout) throws InterruptedException {
        return reads.views(from, max, into, timeout);
    }

    /**
     * A reader of the entries behind index {@code after}; 0 is before the first. It throws {@link NotFoundException} where
     * the newest snapshot has to be taken first.
     */
    public LogFollower follow(long after) {
        return follow(after, null);
    }

    /**
     * As {@link #follow(long)}; {@code restore} is given the newest snapshot where that has to be taken first. One that no
     * array holds is taken by {@link LogSnapshots#copy} where {@link #follow(long)} throws, and followed from its index.
     */
    public LogFollower follow(long after, Consumer<LogSnapshot> restore) {
        return new LogFollower(this, reads, after, restore);
    }

    /** Snapshots of the host's state: those that it gives, and the newest one. */
    public LogSnapshots snapshots() {
        return snapshots;
    }

    /**
     * Everything acknowledged anywhere before the call is at or before the index that comes back, and can be read here.
     *
     * @throws NotLeaderException when nobody is known to lead: ask again
     */
    public long readIndex(Duration timeout) throws InterruptedException {
        return appends.readIndex(timeout);
    }

    /**
     * Hands leadership over to {@code node}, or to whoever is furthest; returns once that is on its way, which is at once.
     *
     * @throws FullException while a transfer is under way: ask again
     */
    public void transfer(OptionalLong node, Duration timeout) {
        long result = Natives.replogTransfer(this, handle.use(), node.orElse(0), Waiting.nanosOf(timeout));
        if (Failures.isRefused(result)) {
            throw Failures.of(Failures.refusal(result), "leadership is being handed over already: ask again");
        }
    }

    /** {@link #change} by {@link LogChange#add(long, String)} alone. */
    public void add(long node, String address, Duration timeout) throws InterruptedException {
        change(List.of(LogChange.add(node, address)), timeout);
    }

    /** {@link #change} by {@link LogChange#promote(long)} alone. */
    public void promote(long node, Duration timeout) throws InterruptedException {
        change(List.of(LogChange.promote(node)), timeout);
    }

    /** {@link #change} by {@link LogChange#demote(long)} alone. */
    public void demote(long node, Duration timeout) throws InterruptedException {
        change(List.of(LogChange.demote(node)), timeout);
    }

    /** {@link #change} by {@link LogChange#remove(long)} alone. */
    public void remove(long node, Duration timeout) throws InterruptedException {
        change(List.of(LogChange.remove(node)), timeout);
    }

    /**
     * Changes who is in the cluster, all of {@code parts} in one step: a voter takes another one's place by a promotion and
     * a removal. Asked of the leader; returns once that is committed, and for voters once both majorities no longer have to
     * agree. An interrupt ends the wait, not the change. A node that is to get a vote is added first.
     *
     * @throws FullException while another change is under way, a leader has only begun, or hands over: ask again
     * @throws TimedOutException when nobody knows; it may be carried out all the same
     * @throws InvalidArgumentException for a change of nothing, or to members that cannot be
     */
    public void change(List<LogChange> parts, Duration timeout) throws InterruptedException {
        appends.change(parts, timeout);
    }

    /**
     * Reads the files of {@link ReplicatedLogOptions#tls} again, where they were when the log was opened, for connections
     * to come; those that are there live on. Without TLS it does nothing.
     *
     * @throws ConfigException for files that are missing or that peers would refuse, which it names: those that were read
     *     before stay, and the log goes on
     */
    public void reloadTls() {
        Natives.replogReloadTls(this, handle.use());
    }

    /**
     * Ends this node's part in order: takes no more entries, waits until those it has are committed and on disk, and hands
     * leadership over. Then it has ended in any case, and waiting calls get {@link ClosedException}; false when something
     * was left to do, or the disk does not answer within {@link ReplicatedLogOptions#closeWithin}. What it had can be read until
     * it is closed, but for a log in RocksDB. After an interrupt it goes on, by a daemon thread.
     */
    public boolean shutdown(Duration timeout) throws InterruptedException {
        long log = handle.use();
        long nanos = Waiting.nanosOf(timeout);
        return Aside.run("duo-log-end", () -> Natives.replogClose(this, log, nanos), over -> { });
    }

    /**
     * Ends this node's part at once and frees it: waiting calls get {@link ClosedException}. A leader goes without handing
     * over, so that the others have to notice; {@link #shutdown} first is the way that they need not. Closing twice does
     * nothing.
     */
    @Override
    public void close() {
        handle.free();
    }

    /** How far entries have to be before their caller is told. */
    public enum WaitFor {
        /** On the disks of a majority: nothing takes them away. */
        QUORUM(LogNumbers.WAIT_QUORUM),
        /** On the leader's disk: a later leader may still put something else in their place. */
        LOCAL(LogNumbers.WAIT_LOCAL),
        /** On every voter's disk; {@link PartialException} when this node, which leads no longer, cannot know. */
        ALL(LogNumbers.WAIT_ALL);

        private final int number;

        WaitFor(int number) {
            this.number = number;
        }

        int number() {
            return number;
        }
    }

    /** Which entries get a place first. */
    public enum Lane {
        /** In the order of their appends. */
        NORMAL(0),
        /** Before what is normal and has no place yet. */
        CRITICAL(LogNumbers.CRITICAL);

        private final int flags;

        Lane(int flags) {
            this.flags = flags;
        }

        int flags() {
            return flags;
        }
    }

    /**
     * What entries are known by: of those with the same session and number, or the same id, the first is read.
     *
     * @param session who makes them; 0: nobody says
     * @param sequence number of the first of them, which the others follow on; 0 without a session
     * @param ids one for each of them, {@code null} for one that has none; empty where none has
     */
    public record Origin(long session, long sequence, List<EntryId> ids) {
        /** Nobody: not protected against repetition. */
        public static final Origin NONE = new Origin(0, 0);

        /** With a copy of {@code ids}. */
        public Origin {
            ids = ids.isEmpty() ? List.of() : Collections.unmodifiableList(new ArrayList<>(ids));
        }

        /** Without ids. */
        public Origin(long session, long sequence) {
            this(session, sequence, List.of());
        }

        /** Nobody's, and known by these ids, one for each entry. */
        public static Origin of(EntryId... ids) {
            return new Origin(0, 0, Arrays.asList(ids));
        }
    }

    /**
     * What became of an append.
     *
     * @param index place of its last entry
     * @param term the term of the leader that put it there
     * @param repeated so many of its entries were there before under the same session and number, or the same id
     * @param stale so many came so late in their session that nobody knows: they are not read
     */
    public record Receipt(long index, long term, int repeated, int stale) {
    }

    /**
     * A committed entry.
     *
     * @param index its place
     * @param term the term of the leader that put it there
     * @param unixNanos log time, never less than that of the entry before
     * @param origin what it is known by
     * @param bytes what was appended, read-only
     */
    public record Entry(long index, long term, long unixNanos, Origin origin, ByteBuffer bytes) {
        static final int NUMBERS = 7 + EntryId.WORDS;

        Entry(long[] numbers, int at, ByteBuffer bytes) {
            this(numbers[at], numbers[at + 1], numbers[at + 2],
                    new Origin(numbers[at + 3], numbers[at + 4], EntryId.read(numbers, at + 7)), bytes);
        }

        /** Its id, if it has one. */
        public Optional<EntryId> id() {
            return origin.ids.stream().findFirst();
        }

        /** A copy of the bytes. */
        public byte[] toArray() {
            byte[] copy = new byte[bytes.remaining()];
            bytes.duplicate().get(copy);
            return copy;
        }
    }

    /**
     * A member.
     *
     * @param node its number
     * @param parts what it is; while a change is under way it may be two things
     * @param address where it is found
     */
    public record Member(long node, Set<LogPart> parts, String address) {
        /** With parts of its own. */
        public Member {
            parts = Set.copyOf(parts);
        }

        /** A voter, or a learner. */
        public Member(long node, boolean isVoter, String address) {
            this(node, Set.of(isVoter ? LogPart.VOTER : LogPart.LEARNER), address);
        }

        /** A voter. */
        public Member(long node, String address) {
            this(node, true, address);
        }

        Member(Wire wire) {
            this(wire.i64(), LogPart.of(wire.i32()), wire.text());
        }

        /** True when its vote counts, be it until the change under way is over; otherwise it takes the log only. */
        public boolean isVoter() {
            return parts.contains(LogPart.VOTER) || parts.contains(LogPart.OUTGOING);
        }
    }

    /**
     * What a leader knows of a member.
     *
     * @param node which
     * @param matched everything up to here is on its disk
     * @param next what is sent next
     * @param inflightBytes bytes on their way
     * @param silent time since it answered
     * @param isInSnapshot it takes a snapshot
     */
    public record Peer(long node, long matched, long next, long inflightBytes, Duration silent, boolean isInSnapshot) {
        Peer(Wire wire) {
            this(wire.i64(), wire.i64(), wire.i64(), wire.i64(), Duration.ofNanos(wire.i64()), wire.i32() != 0);
        }
    }
}
