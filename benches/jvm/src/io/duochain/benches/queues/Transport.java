package io.duochain.benches.queues;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.util.function.LongConsumer;

/**
 * A bounded way from threads to threads that is measured. An item is a number in the first eight of its bytes.
 *
 * <p>A JVM sees one side only, so calls through these types cost nothing.
 */
interface Transport extends AutoCloseable {
    /** Room for items. */
    int CELLS = 262_144;
    /** Items that cross at once where a side can do that. */
    int BATCH = 16;
    /** Most items that are taken out at once. */
    int TAKEN = 256;

    VarHandle NUMBER = MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);

    /** One producer's end. */
    interface Input {
        /** False when there is no room. */
        boolean put(long number);

        /** How many of {@value Transport#BATCH} consecutive numbers were accepted, from the first on. */
        default int putBatch(long first) {
            throw new UnsupportedOperationException("no batches");
        }
    }

    /** One consumer's end. */
    interface Output {
        /** Hands out what there is, up to {@value Transport#TAKEN}; how many. */
        int take(LongConsumer sink);
    }

    Input input(int producer);

    Output output();

    /** Whether it accepts batches. */
    default boolean takesBatches() {
        return false;
    }

    /** Whether more than one consumer shares the items. */
    default boolean sharesConsumers() {
        return false;
    }

    @Override
    void close();

    /** The side of that name for items of a size and so many producers and consumers. */
    static Transport open(String side, int itemBytes, int producers, int consumers) {
        return switch (side) {
            case NativeTransport.NAME -> new NativeTransport(itemBytes, consumers);
            case SharedTransport.NAME -> new SharedTransport(itemBytes, producers);
            case AgronaTransport.NAME -> new AgronaTransport(itemBytes);
            case DisruptorTransport.NAME -> new DisruptorTransport(itemBytes);
            default -> ReferenceTransport.of(side, itemBytes, producers);
        };
    }

    /** Number of a producer's item; the sequence starts again after {@link #LAP}. */
    static long number(int producer, long sequence) {
        return (long) producer << 32 | sequence & LAP - 1;
    }

    /** As many different items does a producer have. */
    int LAP = 1024;
}
