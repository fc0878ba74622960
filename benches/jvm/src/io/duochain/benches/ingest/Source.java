package io.duochain.benches.ingest;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;
import java.util.zip.CRC32C;

/** What a producer's transactions are made of: sizes from the harness, bytes from a seed. One thread's own. */
final class Source {
    private static final int BYTES = 1 << 20;

    private final int[] sizes;
    private final byte[] bytes = new byte[BYTES];
    private final CRC32C sum = new CRC32C();
    private int next;

    private Source(int[] sizes, int seed) {
        this.sizes = sizes;
        this.next = seed * sizes.length / 8;
        new Random(seed).nextBytes(bytes);
    }

    static int[] sizes(Path file) throws IOException {
        return Files.readAllLines(file).stream().mapToInt(Integer::parseInt).toArray();
    }

    static Source of(int[] sizes, int seed) {
        return new Source(sizes, seed);
    }

    int length() {
        return sizes[next++ % sizes.length];
    }

    /** Where the payload of a transaction begins. */
    int place(long id, int length) {
        return (int) ((id * 4099 & Long.MAX_VALUE) % (BYTES - length));
    }

    int checksum(int at, int length) {
        sum.reset();
        sum.update(bytes, at, length);
        return (int) sum.getValue();
    }

    void copy(int at, byte[] payload) {
        System.arraycopy(bytes, at, payload, 0, payload.length);
    }

    void copy(int at, int length, ByteBuffer room) {
        room.put(bytes, at, length);
    }
}
