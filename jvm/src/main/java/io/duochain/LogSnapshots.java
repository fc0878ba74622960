package io.duochain;

import java.nio.ByteBuffer;
import java.util.Optional;

/** Snapshots of one log: their way in and out. */
final class LogSnapshots {
    private static final int PIECE = 1 << 18;
    /** What an array can hold on every JVM. */
    private static final long BYTES_MAX = Integer.MAX_VALUE - 8;

    private LogSnapshots() {
    }

    /** A request for the answer, or a refusal. The bytes between position and limit are copied. */
    static long submit(ReplicatedLog owner, NativeHandle handle, long index, ByteBuffer state) {
        ByteBuffer direct = state.slice();
        if (!direct.isDirect()) {
            direct = ByteBuffer.allocateDirect(state.remaining()).put(state.duplicate()).flip();
        }
        long address = direct.hasRemaining() ? Natives.address(direct) : 0;
        return Natives.replogSubmitSnapshot(owner, handle.use(), index, direct, address, direct.remaining());
    }

    /** The newest one. */
    static Optional<LogSnapshot> read(ReplicatedLog owner, NativeHandle handle) {
        NativeBuffer room = NativeBuffer.allocate(PIECE);
        while (true) {
            long[] about = Natives.replogSnapshotRead(owner, handle.use(), 0, 0, room, room.address(), 0);
            if (about == null) {
                return Optional.empty();
            }
            if (about.length == 1) {
                continue;
            }
            byte[] state = fill(owner, handle, about[1], about[2], room);
            if (state != null) {
                return Optional.of(new LogSnapshot(about[1], ByteBuffer.wrap(state).asReadOnlyBuffer()));
            }
        }
    }

    /** {@code null} when another thread reads a newer one meanwhile. */
    private static byte[] fill(ReplicatedLog owner, NativeHandle handle, long index, long bytes, NativeBuffer room) {
        if (bytes > BYTES_MAX) {
            throw Failures.of(Code.TOO_LARGE, "a state of " + bytes + " bytes");
        }
        byte[] state = new byte[(int) bytes];
        int done = 0;
        while (true) {
            long[] piece = Natives.replogSnapshotRead(owner, handle.use(), index, done, room, room.address(), PIECE);
            if (piece == null || piece.length == 1) {
                return null;
            }
            if (piece[0] == 0) {
                return state;
            }
            room.bytes().get(0, state, done, (int) piece[0]);
            done += (int) piece[0];
        }
    }
}
