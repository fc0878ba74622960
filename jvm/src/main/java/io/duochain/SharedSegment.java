package io.duochain;

import java.io.IOException;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.LongBuffer;
import java.nio.MappedByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.function.IntConsumer;

/**
 * A mapped segment of shared lanes, checked: words by meaning. {@code docs/shared-lanes.md} is the format.
 *
 * <p>All offsets that this class derives from a lane below {@link #lanes}, a seat below {@link #seats}, a ticket or a
 * handle below {@code seats * granules} lie inside the mapping.
 */
final class SharedSegment {
    static final int GRANULE_BYTES = 64;
    static final int GRANULE_BITS = 6;
    static final int RECORD_HEAD_BYTES = 32;
    static final long IN_USE = 1;
    static final long FREED = 2;
    static final int VALUE_BITS = 24;
    static final long VALUE_MASK = 0xff_ffff;

    private static final VarHandle WORDS =
            MethodHandles.byteBufferViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);
    private static final long MAGIC = 0x53454e414c4f5544L;
    private static final int FIXED_WORDS = 18;
    private static final int CHECK = 0x88;
    private static final int STATE = 0x100;
    private static final int RECOVERED = 0x180;
    private static final int RING_HEAD_BYTES = 128;

    final int lanes;
    final int order;
    final int seats;
    /** Granules of one part. */
    final int granules;
    final int transactionBytesMax;
    private final MappedByteBuffer memory;
    /**
     * The same memory. Plain accesses go through it, because the compiler knows that it is neither an array nor of
     * another byte order: a check and a move. Views by {@link VarHandle} have to expect either, and until the best
     * compiler was at them each access is a chain of calls; so only swaps and acquiring loads are left to them.
     */
    private final LongBuffer words;
    private final int rings;
    private final int ringStride;
    private final int seatsAt;
    private final int seatStride;
    private final int data;

    private SharedSegment(MappedByteBuffer memory) {
        this.memory = memory;
        memory.order(ByteOrder.LITTLE_ENDIAN);
        this.words = memory.asLongBuffer();
        this.lanes = (int) get(0x18);
        this.order = (int) get(0x20);
        this.rings = (int) get(0x30);
        this.ringStride = (int) get(0x38);
        this.seats = (int) get(0x40);
        this.seatsAt = (int) get(0x48);
        this.seatStride = (int) get(0x50);
        this.data = (int) get(0x58);
        this.granules = (int) get(0x60) / GRANULE_BYTES;
        this.transactionBytesMax = (int) get(0x70);
    }

    /** Maps the file if what it says of itself can be true. Nothing is written to it before. */
    static SharedSegment map(Path path) {
        try (FileChannel channel = FileChannel.open(path, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
            checkAccess(path);
            long bytes = channel.size();
            if (bytes < FIXED_WORDS * 8) {
                throw truncated(bytes, FIXED_WORDS * 8);
            }
            ByteBuffer head = channel.map(FileChannel.MapMode.READ_WRITE, 0, FIXED_WORDS * 8);
            long[] words = new long[FIXED_WORDS];
            for (int word = 0; word < FIXED_WORDS; word++) {
                words[word] = (long) WORDS.getAcquire(head, word * 8);
            }
            checkHeader(words, bytes);
            MappedByteBuffer memory = channel.map(FileChannel.MapMode.READ_WRITE, 0, words[2]);
            // Once more: what was checked is what is used.
            for (int word = 0; word < FIXED_WORDS; word++) {
                if ((long) WORDS.getAcquire(memory, word * 8) != words[word]) {
                    throw refuse(Code.CORRUPTION, "the header changes while it is read");
                }
            }
            return new SharedSegment(memory);
        } catch (NoSuchFileException absent) {
            throw refuse(Code.NOT_FOUND, "no segment at " + path);
        } catch (java.nio.file.AccessDeniedException denied) {
            throw refuse(Code.PERMISSION, "opening " + path + " is not allowed");
        } catch (IOException failed) {
            throw refuse(Code.IO, "opening " + path + ": " + failed.getMessage());
        }
    }

    private static void checkAccess(Path path) throws IOException {
        int user = (int) Files.getAttribute(Path.of("/proc/self"), "unix:uid");
        int owner = (int) Files.getAttribute(path, "unix:uid");
        int mode = (int) Files.getAttribute(path, "unix:mode");
        if (!Files.isRegularFile(path)) {
            throw refuse(Code.PERMISSION, "the segment is not a regular file");
        }
        if (owner != user) {
            throw refuse(Code.PERMISSION, "the segment belongs to user " + owner + ", not to " + user);
        }
        if ((mode & 077) != 0) {
            throw refuse(Code.PERMISSION, "the segment has mode " + Integer.toOctalString(mode & 0777) + ", not 600");
        }
    }

    static void checkHeader(long[] words, long fileBytes) {
        if (words[0] != MAGIC) {
            throw refuse(Code.CORRUPTION, "not a segment of shared lanes: it begins with 0x" + Long.toHexString(words[0]));
        }
        if (words[1] != 1) {
            throw refuse(Code.UNSUPPORTED, "a segment of version " + Long.toUnsignedString(words[1]) + "; known is 1");
        }
        long bytes = words[2];
        long part = words[12];
        boolean sensible = words[5] == 1 && words[13] == GRANULE_BYTES && within(bytes, 4096, Integer.MAX_VALUE)
                && within(words[3], 1, 16) && within(words[4], 0, 20) && within(words[8], 1, 1024)
                && within(part, GRANULE_BYTES, bytes) && part % GRANULE_BYTES == 0
                && words[8] * (part / GRANULE_BYTES) <= VALUE_MASK - 1
                && within(words[14], 1, Math.min(part - RECORD_HEAD_BYTES, 16 << 20));
        for (int place : new int[] {6, 7, 9, 10, 11}) {
            sensible = sensible && within(words[place], 0, bytes) && words[place] % GRANULE_BYTES == 0;
        }
        sensible = sensible && words[6] >= 4096 && words[7] >= RING_HEAD_BYTES + (8L << words[4])
                && words[6] + words[3] * words[7] <= words[9] && words[10] >= 128
                && words[9] + words[8] * words[10] <= words[11] && words[11] + words[8] * part <= bytes;
        if (!sensible) {
            throw refuse(Code.CONFIG, "the shape of the segment contradicts itself or a limit");
        }
        if (words[CHECK / 8] != checkWord(words)) {
            throw refuse(Code.CONFIG, "the segment's header does not match its check word");
        }
        if (bytes > fileBytes) {
            throw truncated(fileBytes, bytes);
        }
    }

    private static boolean within(long value, long least, long most) {
        return value >= least && value <= most;
    }

    static long checkWord(long[] words) {
        long hash = 0xcbf29ce484222325L;
        for (int word = 0; word < CHECK / 8; word++) {
            hash = (hash ^ words[word]) * 0x100000001b3L;
        }
        return hash;
    }

    static DuoException refuse(Code code, String message) {
        return Failures.of(code, message);
    }

    static DuoException closed() {
        return refuse(Code.CLOSED, "the shared lanes are closed");
    }

    private static DuoException truncated(long bytes, long needed) {
        return refuse(Code.CORRUPTION, "the file has " + bytes + " bytes, the segment in it " + needed);
    }

    // words

    /** Acquire. */
    long get(int offset) {
        return (long) WORDS.getAcquire(memory, offset);
    }

    /** Release: for who finds the word by an acquiring load, in whatever language. */
    void set(int offset, long word) {
        VarHandle.releaseFence();
        setPlain(offset, word);
    }

    /** Ordered by what follows. */
    void setPlain(int offset, long word) {
        words.put(offset >> 3, word);
    }

    /** Sequentially consistent, as is the next {@link #get} of another word after a {@link VarHandle#fullFence}. */
    boolean swap(int offset, long from, long to) {
        return WORDS.compareAndSet(memory, offset, from, to);
    }

    void raise(int offset, long least) {
        long found = get(offset);
        while (Long.compareUnsigned(found, least) < 0 && !swap(offset, found, least)) {
            found = get(offset);
        }
    }

    ByteBuffer memory() {
        return memory;
    }

    // header

    long pidNamespace() {
        return get(0x78);
    }

    long owner() {
        return get(0x80);
    }

    /** Plain: nothing is read on the strength of it, and who asks again has swapped or acquired in between. */
    boolean isOpen() {
        return words.get(STATE >> 3) == 1;
    }

    void noteRecovered() {
        long found = get(RECOVERED);
        while (!swap(RECOVERED, found, found + 1)) {
            found = get(RECOVERED);
        }
    }

    // places

    int tail(int lane) {
        return rings + lane * ringStride;
    }

    int cell(int lane, long ticket) {
        return tail(lane) + RING_HEAD_BYTES + 8 * (int) (ticket & ((1L << order) - 1));
    }

    int seat(int seat) {
        return seatsAt + seat * seatStride;
    }

    int record(int handle) {
        return data + handle * GRANULE_BYTES;
    }

    /** Bytes of a record for a transaction: whole granules. */
    static int recordBytes(int length) {
        return RECORD_HEAD_BYTES + length + GRANULE_BYTES - 1 & -GRANULE_BYTES;
    }

    /** What names a record in a cell. */
    int valueOf(int record) {
        return (record - data >> GRANULE_BITS) + 1;
    }

    // records

    /** Notes what a record that is ours holds; the swap that commits it publishes that. */
    void writeHead(int record, int lane, int length, long tag) {
        setPlain(record + 8, (long) lane << 32 | length);
        setPlain(record + 16, tag);
        setPlain(record + 24, 0);
    }

    /** Copies bytes of an array to an offset inside a record that is ours. */
    void write(int at, byte[] array, int offset, int length) {
        if (length == Long.BYTES) {
            setPlain(at, HeapCopy.word(array, offset));
        } else {
            HeapCopy.put(memory, at, array, offset, length);
        }
    }

    /** Calls {@code found} with the place of each record that a cell of any lane names. */
    void eachNamed(IntConsumer found) {
        for (int lane = 0; lane < lanes; lane++) {
            for (long position = 0; position < 1L << order; position++) {
                long value = get(cell(lane, position)) & VALUE_MASK;
                if (value > 0 && value <= (long) seats * granules) {
                    found.accept(record((int) value - 1));
                }
            }
        }
    }

}
