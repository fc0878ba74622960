package io.duochain;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;

/**
 * Lanes of a {@link TxQueue} in a file mapping, into which {@link SharedProducer}s put without crossing into native
 * code, and programs in C and Rust from their own processes. What they put into lane n comes out of the queue with its
 * own transactions of lane n.
 *
 * <p>Keep it as long as producers shall get in: lanes that nobody refers to are closed.
 */
public final class SharedLanes implements AutoCloseable {
    private final NativeHandle handle;
    private final Path path;

    SharedLanes(long word) {
        this.handle = NativeHandle.of(this, "segment of shared lanes", word, Natives::laneClose);
        this.path = Path.of(new String(Natives.lanePath(this, word), StandardCharsets.UTF_8));
    }

    /**
     * What producers open: the file, or for lanes in memory {@code /proc/PID/fd/N}, which is good while this is open and
     * for processes that see the same {@code /proc}.
     */
    public Path path() {
        return path;
    }

    /** What happened so far. */
    public SharedStats stats() {
        Wire wire = new Wire(Natives.laneCounts(this, handle.use()));
        return new SharedStats(
                wire.i64(), wire.i64(), wire.i64(), wire.i64(), wire.i64(), wire.i64(), wire.i64(), wire.i64());
    }

    /**
     * Refuses producers from now on. What they committed still comes out of the queue. Closing twice does nothing.
     */
    @Override
    public void close() {
        handle.free();
    }

    /** Shape of shared lanes. */
    public static final class Options {
        private int laneCells = 4096;
        private int seats = 16;
        private int partBytes = 1 << 20;
        private String file = "";

        /** In memory, 4096 cells a lane, 16 seats with 1 MiB each. */
        public Options() {
        }

        /** In a new file, best in {@code /dev/shm}; it is removed when the lanes are closed. */
        public Options file(Path path) {
            file = path.toAbsolutePath().toString();
            return this;
        }

        /** Cells of each lane, a power of two up to 2^20. */
        public Options laneCells(int cells) {
            laneCells = cells;
            return this;
        }

        /** Producers that can be attached at the same time, up to 1024. */
        public Options seats(int count) {
            seats = count;
            return this;
        }

        /**
         * Room of each producer, a multiple of 64, all allocated at once; it bounds the largest transaction, which needs
         * 32 bytes more.
         */
        public Options partBytes(int bytes) {
            partBytes = bytes;
            return this;
        }

        byte[] encode() {
            byte[] path = file.getBytes(StandardCharsets.UTF_8);
            ByteBuffer out = ByteBuffer.allocate(16 + path.length).order(ByteOrder.LITTLE_ENDIAN);
            return out.putInt(laneCells).putInt(seats).putInt(partBytes).putInt(path.length).put(path).array();
        }
    }
}
