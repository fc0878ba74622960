package io.duochain.benches;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;

/**
 * A bounded queue that is measured. It keeps what it was given apart from the caller's array, by a copy.
 *
 * <p>A JVM of JMH sees one side only, so calls through this type cost nothing.
 */
interface Side extends AutoCloseable {
    /** Room of every queue. */
    int CELLS = 65_536;
    /** Items of a batch. */
    int BATCH = 8;

    /** False when it is full. */
    boolean put(byte[] item);

    /** All of them, or none when it is full. */
    boolean putBatch(byte[][] items);

    /** Takes out what is there and hands it to the check; how many. */
    int take(Sequence check);

    @Override
    void close();

    /** The side of that name. */
    static Side open(String name) {
        return switch (name) {
            case DuochainSide.NAME -> new DuochainSide();
            case JcToolsSide.NAME -> new JcToolsSide();
            case BlockingSide.NAME -> new BlockingSide();
            default -> throw new IllegalArgumentException("no side '" + name + "'");
        };
    }

    /** Numbers items on their way in and expects the numbers in order on their way out. */
    final class Sequence {
        private static final VarHandle NUMBER =
                MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.nativeOrder());
        private long in;
        private long out;

        byte[] number(byte[] item) {
            NUMBER.set(item, 0, in++);
            return item;
        }

        void check(byte[] item) {
            if ((long) NUMBER.get(item, 0) != out++) {
                throw new AssertionError("an item was lost, doubled or overtaken");
            }
        }

        /** Every item that went in came out. */
        void expectEmpty() {
            if (in != out) {
                throw new AssertionError(in - out + " items were lost");
            }
        }
    }
}
