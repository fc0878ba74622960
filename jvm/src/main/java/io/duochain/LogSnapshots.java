package io.duochain;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * Snapshots of a {@link ReplicatedLog}: states that its host gives, and the newest one, which another node may have sent.
 *
 * <p>A state is given as of all entries up to an index, one that was read, and none behind it. Once it is on disk, the log
 * may be cut before it. All nodes of a cluster should give theirs; one at a time is written on a node, and another waits.
 */
public final class LogSnapshots {
    private static final int PIECE = 1 << 18;
    /** What an array can hold on every JVM. */
    private static final long BYTES_MAX = Integer.MAX_VALUE - 8;
    /** An offset that is behind every end, without a sign. */
    private static final long BEHIND = -1;
    private static final String BUSY = "one is being written, and another waits: ask again";
    private static final String LATE = "the snapshot is being written still";

    private final ReplicatedLog owner;
    private final NativeHandle handle;
    private final LogAppends requests;

    LogSnapshots(ReplicatedLog owner, NativeHandle handle, LogAppends requests) {
        this.owner = owner;
        this.handle = handle;
        this.requests = requests;
    }

    /**
     * Gives the state between position and limit, up to 1 GiB, which is copied. Returns once the snapshot is on disk, with
     * the index that the newest one is of: one that stands for as much of the log is not replaced.
     *
     * @throws FullException while one is being written, and another waits
     * @throws InvalidArgumentException when the entry at {@code index} cannot be read here yet
     * @throws TooLargeException above 1 GiB
     * @throws NoMemoryException when there is none for a copy
     * @throws InputOutputException when the disk took it not, which ends nothing
     * @throws PermissionException when the disk is read-only, which ends nothing
     * @throws CorruptionException when what it would go on from is damaged: give a state of a later entry
     * @throws NotFoundException when what it would go on from is no longer there: as above
     * @throws TimedOutException when it is being written still
     */
    public long give(long index, ByteBuffer state, Duration timeout) throws InterruptedException {
        Waiting waiting = Waiting.forUpTo(timeout);
        ByteBuffer direct = state.slice();
        if (!direct.isDirect()) {
            direct = ByteBuffer.allocateDirect(state.remaining()).put(state.duplicate()).flip();
        }
        long address = direct.hasRemaining() ? Natives.address(direct) : 0;
        long op = Natives.replogSubmitSnapshot(owner, handle.use(), index, direct, address, direct.remaining());
        return requests.await(begun(op), waiting, LogAppends.REFUSED, LATE).index();
    }

    /**
     * As {@link #give(long, ByteBuffer, Duration)} for a state of any length, read to its end; the stream stays open, and is
     * the caller's to close. What it throws gives the snapshot up, and so do an interrupt and a time that is over before its
     * end. Other snapshots of this node wait meanwhile.
     */
    public long give(long index, InputStream state, Duration timeout) throws IOException, InterruptedException {
        Waiting waiting = Waiting.forUpTo(timeout);
        long op = begun(Natives.replogSnapshotBegin(owner, handle.use(), index));
        boolean isWhole = false;
        try {
            NativeBuffer room = NativeBuffer.allocate(PIECE);
            byte[] piece = new byte[PIECE];
            for (int count = state.read(piece); count >= 0; count = state.read(piece)) {
                room.bytes().put(0, piece, 0, count);
                write(op, room, count, waiting);
            }
            Natives.replogSnapshotEnd(owner, handle.use(), op);
            isWhole = true;
        } finally {
            if (!isWhole) {
                requests.forget(op);
            }
        }
        return requests.await(op, waiting, LogAppends.REFUSED, LATE).index();
    }

    private static long begun(long op) {
        if (Failures.isRefused(op)) {
            throw Failures.of(Failures.refusal(op), BUSY);
        }
        return op;
    }

    private void write(long op, NativeBuffer room, int count, Waiting waiting) throws InterruptedException {
        while (!isTaken(op, room, count, waiting.chunk())) {
            if (waiting.isOver()) {
                throw Failures.of(Code.TIMEOUT, "given up: the state was not taken in time");
            }
        }
    }

    private boolean isTaken(long op, NativeBuffer room, int count, long nanos) {
        long answer = Natives.replogSnapshotWrite(owner, handle.use(), op, room, room.address(), count, nanos);
        if (Failures.isRefused(answer) && Failures.refusal(answer) != Code.TIMEOUT) {
            throw LogAppends.refused(Failures.refusal(answer), LogAppends.REFUSED);
        }
        return !Failures.isRefused(answer);
    }

    /**
     * The newest one; empty where there is none.
     *
     * @throws TooLargeException when an array cannot hold it: {@link #copy} can
     */
    public Optional<LogSnapshot> read() {
        NativeBuffer room = NativeBuffer.allocate(PIECE);
        while (true) {
            long[] about = ask(0, 0, room, 0);
            if (about == null) {
                return Optional.empty();
            }
            byte[] state = fill(about, room);
            if (state != null) {
                return Optional.of(new LogSnapshot(about[1], ByteBuffer.wrap(state).asReadOnlyBuffer()));
            }
        }
    }

    /** {@code null} when another one is read now. */
    private byte[] fill(long[] about, NativeBuffer room) {
        if (about.length == 1) {
            return null;
        }
        if (about[2] > BYTES_MAX) {
            throw Failures.of(Code.TOO_LARGE, "a state of " + about[2] + " bytes");
        }
        byte[] state = new byte[(int) about[2]];
        int done = 0;
        int count = PIECE;
        while (count > 0) {
            long[] piece = ask(about[1], done, room, PIECE);
            if (piece == null || piece.length == 1) {
                return null;
            }
            count = (int) piece[0];
            room.bytes().get(0, state, done, count);
            done += count;
        }
        return state;
    }

    /**
     * Writes the state in the newest one to {@code into}, and says which entry is the last in it; empty where there is none,
     * and nothing was written. The stream is neither flushed nor closed.
     *
     * @throws ConflictException when another thread begins to read a newer one meanwhile: begin again
     */
    public OptionalLong copy(OutputStream into) throws IOException {
        NativeBuffer room = NativeBuffer.allocate(PIECE);
        byte[] piece = new byte[PIECE];
        long[] about = ask(0, 0, room, PIECE);
        if (about == null) {
            return OptionalLong.empty();
        }
        long done = 0;
        while (about != null && about.length > 1 && about[0] > 0) {
            int count = (int) about[0];
            room.bytes().get(0, piece, 0, count);
            write(into, piece, count, about[1], room);
            done += count;
            about = ask(about[1], done, room, PIECE);
        }
        if (about == null || about.length == 1) {
            throw Failures.of(Code.CONFLICT, "another thread reads a newer snapshot: begin again");
        }
        return OptionalLong.of(about[1]);
    }

    private void write(OutputStream into, byte[] piece, int count, long index, NativeBuffer room) throws IOException {
        boolean isWritten = false;
        try {
            into.write(piece, 0, count);
            isWritten = true;
        } finally {
            if (!isWritten) {
                letGo(index, room);
            }
        }
    }

    /** Nobody reads the rest of it. */
    private void letGo(long index, NativeBuffer room) {
        try {
            ask(index, BEHIND, room, PIECE);
        } catch (DuoException gone) {
            // As it should be.
        }
    }

    /**
     * How many bytes of it came, its index and its length; one number when another one is read now; {@code null} when
     * there is none. With index 0 it is the newest one.
     */
    private long[] ask(long index, long offset, NativeBuffer room, int bytes) {
        return Natives.replogSnapshotRead(owner, handle.use(), index, offset, room, room.address(), bytes);
    }
}
