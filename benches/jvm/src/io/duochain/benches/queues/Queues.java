package io.duochain.benches.queues;

import java.util.List;
import java.util.Locale;

/**
 * One round of one side: {@code Queues SIDE JDK MILLIS}. Prints lines of JSON, see src/guest.rs. The harness starts a
 * JVM for each side and round, so sides take turns and no compiled code is shared.
 */
public final class Queues {
    private record Shape(int producers, int consumers) {
        @Override
        public String toString() {
            return producers + "P" + consumers + "C";
        }
    }

    private static final int SMALL = Long.BYTES;
    private static final int LARGE = 256;
    private static final List<Shape> ALL =
            List.of(new Shape(1, 1), new Shape(2, 1), new Shape(4, 1), new Shape(64, 1), new Shape(4, 4));
    private static final List<Shape> SOME = List.of(new Shape(1, 1), new Shape(4, 1));

    private final String side;
    private final String jdk;
    private final long millis;

    private Queues(String side, String jdk, long millis) {
        this.side = side;
        this.jdk = jdk;
        this.millis = millis;
    }

    public static void main(String[] arguments) throws Exception {
        new Queues(arguments[0], arguments[1], Long.parseLong(arguments[2])).run();
    }

    private void run() throws Exception {
        System.out.printf("{\"side\": \"%s\", \"version\": \"%s\"}%n", reportedSide(), version());
        for (int bytes : new int[] {SMALL, LARGE}) {
            single(bytes, false);
            for (Shape shape : bytes == SMALL ? ALL : SOME) {
                passage(bytes, shape, false);
            }
            if (batches(bytes)) {
                single(bytes, true);
                for (Shape shape : SOME) {
                    passage(bytes, shape, true);
                }
            }
        }
    }

    private boolean batches(int bytes) {
        try (Transport transport = Transport.open(side, bytes, 1, 1)) {
            return transport.takesBatches();
        }
    }

    private void single(int bytes, boolean batches) {
        try (Transport transport = Transport.open(side, bytes, 1, 1)) {
            Single single = Single.measure(transport, batches, millis);
            figure(bytes, batches, "put", single.put());
            if (!batches) {
                figure(bytes, false, "take", single.taken());
            }
        }
    }

    private void passage(int bytes, Shape shape, boolean batches) throws Exception {
        double rate = 0;
        // The first run is for the compiler, which has to have come to its end.
        for (long length : new long[] {2 * millis, millis}) {
            try (Transport transport = Transport.open(side, bytes, shape.producers, shape.consumers)) {
                if (shape.consumers > 1 && !transport.sharesConsumers()) {
                    return;
                }
                rate = Passage.measure(transport, shape.producers, shape.consumers, batches, length);
            }
        }
        figure(bytes, batches, shape.toString(), rate);
    }

    private void figure(int bytes, boolean batches, String what, double value) {
        String form = isShared() ? ", shared lane" : batches ? " by 16" : "";
        System.out.printf(Locale.ROOT, "{\"scenario\": \"%s, %d B%s: %s\", \"side\": \"%s\", \"value\": %.4f}%n", jdk,
                bytes, form, what, reportedSide(), value);
    }

    private boolean isShared() {
        return side.equals(SharedTransport.NAME);
    }

    /** The other form of ours has scenarios of its own. */
    private String reportedSide() {
        return isShared() ? NativeTransport.NAME : side;
    }

    /** Of the library, by the name of its file; of the JDK for a queue that is a part of it. */
    private String version() {
        Class<?> library = switch (side) {
            case ReferenceTransport.JCTOOLS_MPSC, ReferenceTransport.JCTOOLS_MPMC ->
                org.jctools.queues.MpscArrayQueue.class;
            case ReferenceTransport.AGRONA_QUEUE, AgronaTransport.NAME -> org.agrona.DirectBuffer.class;
            case DisruptorTransport.NAME -> com.lmax.disruptor.RingBuffer.class;
            default -> null;
        };
        if (library == null) {
            return "JDK " + System.getProperty("java.version");
        }
        String file = library.getProtectionDomain().getCodeSource().getLocation().getPath();
        return file.replaceAll(".*-|\\.jar$", "");
    }
}
