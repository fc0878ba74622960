package io.duochain;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;

/**
 * One machine's part of a replicated log.
 *
 * <p>A host asks; nothing of it is called. It keeps one number, the index of the last entry that it has dealt with, beside
 * its own state: {@link #follow} from there gives every entry once and in order, after a restart and on another node too.
 *
 * <p><b>Failures of an append.</b> Nothing of it is in the log after {@link FullException} (too much waits, or leadership
 * changes: ask again), {@link NotLeaderException} (ask {@link NotLeaderException#leader}), {@link ConflictException} (a new
 * leader has put something else in its place), {@link TooLargeException} and {@link InvalidArgumentException}. After any
 * other nobody knows: {@link TimedOutException}, and {@link ClosedException} and {@link PoisonedException} when this node
 * ends meanwhile. With a session and a number it can be appended again, anywhere, and is read once.
 */
public final class ReplicatedLog implements AutoCloseable {
    private static final long LOOK_NANOS = 1_000_000;

    private final NativeHandle handle;

    private ReplicatedLog(byte[] options, long[] settings) {
        long word = Natives.replogOpen(options, settings);
        this.handle = NativeHandle.of(this, "replicated log", word, Natives::replogDestroy);
    }

    /** Options to open one. */
    public static ReplicatedLogOptions options() {
        return new ReplicatedLogOptions();
    }

    static ReplicatedLog open(byte[] options, long[] settings) {
        return new ReplicatedLog(options, settings);
    }

    /** Appends an entry and waits until it is committed. An interrupt ends the wait, not the entry. */
    public Receipt append(byte[] entry, Duration timeout) throws InterruptedException {
        return append(List.of(entry), Origin.NONE, WaitFor.QUORUM, timeout);
    }

    /** As {@link #append(byte[], Duration)} for entries that are in the log all or none, in their order. */
    public Receipt append(List<byte[]> entries, Duration timeout) throws InterruptedException {
        return append(entries, Origin.NONE, WaitFor.QUORUM, timeout);
    }

    /** As {@link #append(List, Duration)}, with who makes them and the number of the first, and what to wait for. */
    public Receipt append(List<byte[]> entries, Origin origin, WaitFor level, Duration timeout)
            throws InterruptedException {
        Waiting waiting = Waiting.forUpTo(timeout);
        long op = submit(entries, origin, level);
        try {
            while (true) {
                Receipt receipt = answer(op, waiting.chunk());
                if (receipt != null) {
                    return receipt;
                }
                if (waiting.isOver()) {
                    forget(op);
                    throw unknown();
                }
            }
        } catch (InterruptedException interrupt) {
            forget(op);
            throw interrupt;
        }
    }

    /** As {@link #append(List, Origin, WaitFor, Duration)}, without a thread that waits. The future fails as that throws. */
    public CompletableFuture<Receipt> appendAsync(
            List<byte[]> entries, Origin origin, WaitFor level, Duration timeout) {
        CompletableFuture<Receipt> done = new CompletableFuture<>();
        try {
            look(submit(entries, origin, level), Waiting.end(timeout), done);
        } catch (DuoException failure) {
            done.completeExceptionally(failure);
        }
        return done;
    }

    private void look(long op, long end, CompletableFuture<Receipt> done) {
        try {
            Receipt receipt = answer(op, 0);
            if (receipt != null) {
                done.complete(receipt);
            } else if (done.isDone() || end - System.nanoTime() <= 0) {
                forget(op);
                done.completeExceptionally(unknown());
            } else {
                Executor later = CompletableFuture.delayedExecutor(LOOK_NANOS, TimeUnit.NANOSECONDS);
                later.execute(() -> look(op, end, done));
            }
        } catch (RuntimeException failure) {
            done.completeExceptionally(failure);
        }
    }

    private long submit(List<byte[]> entries, Origin origin, WaitFor level) {
        long bytes = entries.stream().mapToLong(entry -> entry.length).sum();
        long lengths = (long) Integer.BYTES * entries.size();
        if (bytes + lengths > Integer.MAX_VALUE) {
            throw Failures.of(Code.TOO_LARGE, "a batch of " + bytes + " bytes");
        }
        ByteBuffer room = ByteBuffer.allocateDirect((int) (lengths + bytes)).order(ByteOrder.nativeOrder());
        entries.forEach(entry -> room.putInt(entry.length));
        entries.forEach(room::put);
        long first = Natives.address(room);
        long op = Natives.replogSubmit(
                this, handle.use(), room, first + lengths, first, entries.size(), level.ordinal(), origin.session(),
                origin.sequence());
        if (Failures.isRefused(op)) {
            throw Failures.of(Failures.refusal(op), "");
        }
        return op;
    }

    /** {@code null} when there is none yet. */
    private Receipt answer(long op, long nanos) {
        long[] answer = Natives.replogAwait(this, handle.use(), op, nanos);
        if (answer == null) {
            return null;
        }
        if (Failures.isRefused(answer[0])) {
            throw Failures.of(Failures.refusal(answer[0]), "");
        }
        return new Receipt(answer[0], answer[1], (int) answer[2], (int) answer[3]);
    }

    private void forget(long op) {
        if (!handle.isClosed()) {
            Natives.replogForget(this, handle.word(), op);
        }
    }

    private static DuoException unknown() {
        return Failures.of(Code.TIMEOUT, "no answer in time; it may still commit");
    }

    /**
     * Up to {@code max} committed entries from index {@code from} on, waiting for the first; empty when none came. Their
     * bytes are views of {@code into}: good until it is used again, copied once on their way from the log.
     *
     * @throws TooLargeException when {@code into} cannot hold the first
     * @throws NotFoundException when the node no longer has it
     * @throws ClosedException behind the last entry of a log that was shut down
     */
    public List<Entry> read(long from, int max, NativeBuffer into, Duration timeout) throws InterruptedException {
        long[] numbers = readInto(from, max, into, timeout);
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

    /** Seven numbers for each entry; one number when the first needs so many bytes; none when none came. */
    long[] readInto(long from, int max, NativeBuffer into, Duration timeout) throws InterruptedException {
        if (max < 1) {
            throw new IllegalArgumentException("max is " + max);
        }
        Waiting waiting = Waiting.forUpTo(timeout);
        while (true) {
            long[] numbers = Natives.replogRead(
                    this, handle.use(), from, max, into, into.address(), into.bytes().capacity(), waiting.chunk());
            if (numbers != null) {
                return numbers;
            }
            if (waiting.isOver()) {
                return new long[0];
            }
        }
    }

    /** A reader of the entries behind index {@code after}; 0 is before the first. */
    public LogFollower follow(long after) {
        return new LogFollower(this, after);
    }

    /**
     * Everything acknowledged anywhere before the call is at or before the index that comes back, and can be read here.
     *
     * @throws NotLeaderException when nobody is known to lead: ask again
     */
    public long readIndex(Duration timeout) throws InterruptedException {
        Waiting waiting = Waiting.forUpTo(timeout);
        while (true) {
            // A question that got lost is asked again; any answer to a question of this call will do.
            long index = Natives.replogReadIndex(this, handle.use(), waiting.chunk());
            if (!Failures.isRefused(index)) {
                return index;
            }
            if (Failures.refusal(index) != Code.TIMEOUT || waiting.isOver()) {
                throw Failures.of(Failures.refusal(index), "");
            }
        }
    }

    /** Hands leadership over to {@code node}, or to whoever is furthest; returns once that is on its way. */
    public void transfer(OptionalLong node, Duration timeout) {
        succeed(Natives.replogTransfer(this, handle.use(), node.orElse(0), Waiting.nanos(timeout)));
    }

    /**
     * Adds a node that takes the log only, or gives a member another address. Asked of the leader, like all changes, which
     * return once they are committed; the thread stays inside the library until then.
     *
     * @throws FullException while another change is under way
     */
    public void add(long node, String address, Duration timeout) {
        change(1, node, address.getBytes(StandardCharsets.UTF_8), timeout);
    }

    /** Gives a node that takes the log only a vote. */
    public void promote(long node, Duration timeout) {
        change(2, node, null, timeout);
    }

    /** Takes a node's vote; it takes the log only. */
    public void demote(long node, Duration timeout) {
        change(3, node, null, timeout);
    }

    /** Takes a node out. */
    public void remove(long node, Duration timeout) {
        change(4, node, null, timeout);
    }

    private void change(int what, long node, byte[] address, Duration timeout) {
        succeed(Natives.replogChange(this, handle.use(), what, node, address, Waiting.nanos(timeout)));
    }

    private static void succeed(long result) {
        if (Failures.isRefused(result)) {
            throw Failures.of(Failures.refusal(result), "");
        }
    }

    /** Where this node stands. */
    public LogStatus status() {
        return new LogStatus(new Wire(Natives.replogStatus(this, handle.use())));
    }

    /** What a leader knows of the others; none on a follower. */
    public List<Peer> peers() {
        Wire wire = new Wire(Natives.replogPeers(this, handle.use()));
        List<Peer> peers = new ArrayList<>();
        while (wire.hasMore()) {
            peers.add(new Peer(wire.i64(), wire.i64(), wire.i64(), wire.i64(), Duration.ofNanos(wire.i64()), wire.i32() != 0));
        }
        return peers;
    }

    /** Who is in the cluster, as this node's log says. */
    public List<Member> members() {
        Wire wire = new Wire(Natives.replogMembers(this, handle.use()));
        List<Member> members = new ArrayList<>();
        while (wire.hasMore()) {
            long node = wire.i64();
            int parts = wire.i32();
            members.add(new Member(node, (parts & 3) != 0, wire.text()));
        }
        return members;
    }

    /** The node's figures as a JSON object. */
    public String json() {
        return new String(Natives.replogJson(this, handle.use()), StandardCharsets.UTF_8);
    }

    /**
     * Ends this node's part in order: takes no more entries, waits until those it has are committed and on disk, and hands
     * leadership over. Then it has ended in any case, and waiting calls get {@link ClosedException}; false when something
     * was left to do. What it had can be read until it is closed.
     */
    public boolean shutdown(Duration timeout) {
        return Natives.replogClose(this, handle.use(), Waiting.nanos(timeout));
    }

    /** Shuts down, lets waiting calls return, and frees it. Closing twice does nothing. */
    @Override
    public void close() {
        handle.free();
    }

    /** How far entries have to be before their caller is told. */
    public enum WaitFor {
        /** On the disks of a majority: nothing takes them away. */
        QUORUM,
        /** On the leader's disk: a later leader may still put something else in their place. */
        LOCAL,
        /** On every voter's disk; {@link TimedOutException} also when this node leads no longer and cannot know. */
        ALL
    }

    /** Who makes entries, and the number of the first of them. What has the same origin as another is read once. */
    public record Origin(long session, long sequence) {
        /** Nobody: not protected against repetition. */
        public static final Origin NONE = new Origin(0, 0);
    }

    /**
     * What became of an append.
     *
     * @param index place of its last entry
     * @param term the term of the leader that put it there
     * @param repeated so many of its entries were there before under the same origin
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
     * @param origin who made it
     * @param bytes what was appended, read-only
     */
    public record Entry(long index, long term, long unixNanos, Origin origin, ByteBuffer bytes) {
        static final int NUMBERS = 7;

        Entry(long[] numbers, int at, ByteBuffer bytes) {
            this(numbers[at], numbers[at + 1], numbers[at + 2], new Origin(numbers[at + 3], numbers[at + 4]), bytes);
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
     * @param isVoter false: it takes the log only
     * @param address where it is found
     */
    public record Member(long node, boolean isVoter, String address) {
        /** A voter. */
        public Member(long node, String address) {
            this(node, true, address);
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
    }
}
