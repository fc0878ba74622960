package io.duochain;

import static io.duochain.Fixtures.bytes;

import java.nio.file.Files;
import java.nio.file.Path;

/** What {@link ProcessTest} runs in a JVM that nothing else disturbs. Prints only what it was asked for. */
final class Apart {
    /** Far above the largest transaction of any configuration. */
    private static final int OVERSIZED_BYTES = 192 << 20;

    private Apart() {
    }

    public static void main(String[] arguments) throws Exception {
        switch (arguments[0]) {
            case "panic" -> panic();
            case "oversized" -> oversized();
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

    private static long peakKilobytes() throws Exception {
        String line = Files.readAllLines(Path.of("/proc/self/status")).stream()
                .filter(row -> row.startsWith("VmHWM:")).findFirst().orElseThrow();
        return Long.parseLong(line.replaceAll("\\D", ""));
    }
}
