package io.duochain.benches.ingest;

import java.nio.ByteBuffer;
import java.util.zip.CRC32C;

/** Every transaction arrives once, in its producer's order, with the bytes that it had. */
final class Verifier {
    private static final int PRODUCER_SHIFT = 40;

    private final long[] next;
    private final CRC32C sum = new CRC32C();
    private long count;

    Verifier(int producers) {
        next = new long[producers];
    }

    static long id(int producer, long sequence) {
        return (long) producer << PRODUCER_SHIFT | sequence;
    }

    long count() {
        return count;
    }

    void expect(long id) {
        int producer = (int) (id >>> PRODUCER_SHIFT);
        if (id != id(producer, next[producer]++)) {
            throw new AssertionError("a transaction was lost, doubled or overtaken");
        }
        count++;
    }

    void compare(byte[] payload, int checksum) {
        sum.reset();
        sum.update(payload);
        same(checksum);
    }

    void compare(ByteBuffer payload, int checksum) {
        sum.reset();
        sum.update(payload);
        same(checksum);
    }

    private void same(int checksum) {
        if ((int) sum.getValue() != checksum) {
            throw new AssertionError("a transaction was changed on its way");
        }
    }
}
