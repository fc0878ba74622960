package io.duochain;

import static io.duochain.Fixtures.bytes;

import java.lang.reflect.Field;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;

/** What {@link ProcessTest} runs in a JVM that nothing else disturbs. Prints only what it was asked for. */
final class Apart {
    /** Far above the largest transaction of any configuration. */
    private static final int OVERSIZED_BYTES = 192 << 20;
    /** The largest batch: its objects take some 20 MB. */
    private static final int BATCH = 65_536;

    private Apart() {
    }

    public static void main(String[] arguments) throws Exception {
        switch (arguments[0]) {
            case "panic" -> panic();
            case "oversized" -> oversized();
            case "full-heap" -> fullHeap();
            default -> throw new IllegalArgumentException(arguments[0]);
        }
    }

    /** Of the binding itself, outside of every call into the library proper. */
    private static void panic() {
        try {
            Natives.testPanicNext(0);
        } catch (PanicException expected) {
            System.out.print("panicked");
        }
    }

    private static void oversized() throws Exception {
        try (Node node = Fixtures.memoryNode(); TxQueue queue = TxQueue.open()) {
            byte[] huge = new byte[OVERSIZED_BYTES];
            node.enqueue(Chain.DELTA, 0, bytes("everything is loaded"));
            TxId.of(Chain.DELTA, bytes("this too"));
            long before = peakKilobytes();
            refused(() -> node.enqueue(Chain.DELTA, 0, huge));
            refused(() -> node.enqueue(Chain.DELTA, 0, huge, Fixtures.PATIENCE));
            refused(() -> queue.enqueue(0, huge));
            refused(() -> TxId.of(Chain.DELTA, huge));
            System.out.print(peakKilobytes() - before);
        }
    }

    private static void refused(Fixtures.ThrowingRunnable call) throws Exception {
        try {
            call.run();
        } catch (TooLargeException expected) {
            return;
        }
        throw new AssertionError("an oversized array was accepted");
    }

    /** A batch for which the heap has room for the numbers and not for the buffers: tracked and untracked. */
    private static void fullHeap() throws Exception {
        for (boolean tracking : new boolean[] {false, true}) {
            Pool pool = Pool.builder().add(64, BATCH).leakTracking(tracking).build();
            pool.acquire(64, 100).forEach(PooledBuffer::close);
            System.out.print(acquireInFullHeap(pool) + " " + pool.stats().inUse() + " ");
            AtomicLong holds = holds(pool);
            pool.close();
            while (holds.get() != 0) {
                cleanForgotten();
            }
        }
    }

    /** Collects, and waits until the library's cleaner was at something that this made unreachable, if not at all. */
    private static void cleanForgotten() throws InterruptedException {
        CountDownLatch cleaned = new CountDownLatch(1);
        NativeHandle.whenForgotten(new Object(), cleaned::countDown);
        System.gc();
        if (!cleaned.await(Fixtures.PATIENCE.toSeconds(), TimeUnit.SECONDS)) {
            throw new AssertionError("nothing is cleaned");
        }
    }

    private static String acquireInFullHeap(Pool pool) {
        byte[][] hog = new byte[1 << 20][];
        byte[] room = new byte[4 << 20];
        int next = 0;
        for (int bytes = 1 << 20; bytes >= 64; bytes /= 2) {
            try {
                while (true) {
                    hog[next] = new byte[bytes];
                    next++;
                }
            } catch (OutOfMemoryError full) {
                // The next smaller size fills the gaps.
            }
        }
        room = null;
        try {
            return "had " + pool.acquire(64, BATCH).size();
        } catch (VirtualMachineError failure) {
            if (!isFullHeap(failure)) {
                throw failure;
            }
            return hog.length == 0 ? "" : "full";
        }
    }

    /** What a JDK looks up by reflection it reports in other words, with this as the cause. */
    private static boolean isFullHeap(Throwable failure) {
        Throwable cause = failure;
        while (cause != null && !(cause instanceof OutOfMemoryError)) {
            cause = cause.getCause();
        }
        return cause != null;
    }

    private static AtomicLong holds(Pool pool) throws ReflectiveOperationException {
        Field memory = Pool.class.getDeclaredField("memory");
        Field holds = PoolMemory.class.getDeclaredField("holds");
        memory.setAccessible(true);
        holds.setAccessible(true);
        return (AtomicLong) holds.get(memory.get(pool));
    }

    private static long peakKilobytes() throws Exception {
        String line = Files.readAllLines(Path.of("/proc/self/status")).stream()
                .filter(row -> row.startsWith("VmHWM:")).findFirst().orElseThrow();
        return Long.parseLong(line.replaceAll("\\D", ""));
    }
}
