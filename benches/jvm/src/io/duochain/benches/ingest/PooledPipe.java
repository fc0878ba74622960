package io.duochain.benches.ingest;

import io.duochain.ItemBatch;
import io.duochain.TxBatch;
import io.duochain.TxQueue;
import java.nio.ByteBuffer;

/**
 * Ours: transactions are written in place into memory outside the Java heap that is used again and again, lie in
 * pooled buffers while they wait, and are verified in place.
 */
final class PooledPipe implements Pipe {
    static final String NAME = "duochain";
    private static final int TOGETHER = 16;
    private static final int BATCH_BYTES = 1 << 18;
    /** A transaction's identity and checksum stand before its payload. */
    private static final int HEAD = Long.BYTES + Integer.BYTES;

    private final TxQueue queue = TxQueue.open(new TxQueue.Options().lanes(CELLS));

    @Override
    public Input input() {
        return new Writer(queue);
    }

    private static final class Writer implements Input {
        private final TxQueue queue;
        private final TxBatch batch = new TxBatch(TOGETHER, BATCH_BYTES);

        Writer(TxQueue queue) {
            this.queue = queue;
        }

        @Override
        public void put(long id, Source source, int at, int length) {
            ByteBuffer room = batch.claim(HEAD + length);
            if (room == null) {
                flush();
                room = batch.claim(HEAD + length);
            }
            room.putLong(id).putInt(source.checksum(at, length));
            source.copy(at, length, room);
            batch.commit();
        }

        @Override
        public void flush() {
            while (batch.count() > 0) {
                int accepted = queue.enqueue(0, batch);
                if (accepted == 0) {
                    Thread.yield();
                }
                batch.removeFirst(accepted);
            }
        }
    }

    @Override
    public Output output() {
        ItemBatch batch = new ItemBatch(256, BATCH_BYTES);
        ByteBuffer payload = batch.bytes().duplicate();
        return verifier -> {
            int count = queue.drain(batch);
            for (int index = 0; index < count; index++) {
                int begin = batch.offset(index);
                verifier.expect(batch.bytes().getLong(begin));
                payload.limit(begin + batch.length(index)).position(begin + HEAD);
                verifier.compare(payload, batch.bytes().getInt(begin + Long.BYTES));
            }
            return count;
        };
    }

    @Override
    public void close() {
        queue.close();
    }
}
