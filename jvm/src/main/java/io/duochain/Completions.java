package io.duochain;

import java.util.function.Consumer;

/** Decodes batches of completions. */
final class Completions {
    private Completions() {
    }

    static void each(byte[] batch, Consumer<Completion> action) {
        Wire wire = new Wire(batch);
        while (wire.hasMore()) {
            long op = wire.i64();
            long submitted = wire.i64();
            long finalized = wire.i64();
            long height = wire.i64();
            int index = wire.i32();
            Code code = Code.of(wire.i32());
            Chain chain = Chain.of(wire.i32());
            action.accept(new Completion(op, chain, code, wire.txId(), height, index, submitted, finalized));
        }
    }
}
