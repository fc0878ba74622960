package io.duochain;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.FileOutputStream;
import java.io.FileDescriptor;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import java.util.function.LongConsumer;

/**
 * A producer of shared lanes, and what it puts in: {@code number | sequence | fill | FNV-1a of all before}, as
 * {@code tests/shared_lanes/record.rs} has it. As a program it says what it committed and goes on until it is killed.
 */
final class SharedChild {
    private SharedChild() {
    }

    public static void main(String[] arguments) {
        // Neither the native library nor anything that buffers.
        FileOutputStream out = new FileOutputStream(FileDescriptor.out);
        produce(Path.of(arguments[0]), Long.parseLong(arguments[1]), Long.MAX_VALUE, sequence -> {
            try {
                out.write(("c " + sequence + " end\n").getBytes(StandardCharsets.US_ASCII));
            } catch (IOException failed) {
                throw new UncheckedIOException(failed);
            }
        });
    }

    static void produce(Path path, long number, long count, LongConsumer committed) {
        try (SharedProducer producer = SharedProducer.attach(path)) {
            for (long sequence = 0; sequence < count; sequence++) {
                byte[] bytes = make(number, sequence);
                while (!put(producer, bytes, sequence)) {
                    Thread.yield();
                }
                committed.accept(sequence);
            }
        }
    }

    /** By turns copied and written in place. */
    private static boolean put(SharedProducer producer, byte[] bytes, long sequence) {
        if (sequence % 2 == 0) {
            return producer.tryEnqueue(0, bytes, 0, bytes.length, sequence);
        }
        ByteBuffer claim = producer.claim(0, bytes.length);
        if (claim == null) {
            return false;
        }
        claim.put(bytes);
        boolean done = producer.commit(sequence);
        if (!done) {
            producer.abort();
        }
        return done;
    }

    static byte[] make(long number, long sequence) {
        int length = 16 + (int) (sequence * 37 % 700);
        byte[] bytes = new byte[length + 8];
        Arrays.fill(bytes, (byte) sequence);
        ByteBuffer words = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
        words.putLong(0, number).putLong(8, sequence);
        long hash = 0xcbf29ce484222325L;
        for (int at = 0; at < length; at++) {
            hash = (hash ^ bytes[at] & 0xff) * 0x100000001b3L;
        }
        words.putLong(length, hash);
        return bytes;
    }

    /** It arrived whole, and after the one before. */
    static void check(byte[] bytes, Map<Long, Long> next) {
        ByteBuffer words = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
        long number = words.getLong(0);
        long sequence = words.getLong(8);
        assertArrayEquals(make(number, sequence), bytes);
        assertEquals(next.getOrDefault(number, 0L), sequence, () -> "of producer " + number);
        next.put(number, sequence + 1);
    }
}
