package io.duochain;

import static io.duochain.Fixtures.PATIENCE;
import static io.duochain.Fixtures.bytes;

import io.duochain.ReplicatedLog.Origin;
import io.duochain.ReplicatedLog.WaitFor;
import java.io.PrintStream;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * A host in a JVM of its own: appends while its node leads, says what was acknowledged, and ends with its input or by a
 * signal. Arguments: directory, place among the members, session, and the addresses of all members.
 */
final class LogHost {
    /** Entries of a batch. */
    static final int BATCH = 10;

    private LogHost() {
    }

    public static void main(String[] arguments) throws Exception {
        List<String> all = List.of(arguments);
        int at = Integer.parseInt(all.get(1));
        long session = Long.parseLong(all.get(2));
        List<String> members = all.subList(3, all.size());
        try (ReplicatedLog log =
                LogCluster.options(Path.of(all.get(0)), members, at).listen(members.get(at)).open()) {
            Thread writer = new Thread(() -> write(log, session, System.out), "host");
            writer.setDaemon(true);
            writer.start();
            while (System.in.read() >= 0) {
                // Only its end says something.
            }
        }
    }

    private static void write(ReplicatedLog log, long session, PrintStream out) {
        try {
            for (long sequence = 1;; sequence += BATCH) {
                out.println("a " + session + " " + sequence + " " + append(log, session, sequence) + " end");
                out.flush();
            }
        } catch (ClosedException | InterruptedException over) {
            // So is this.
        }
    }

    /** The same identity until somebody says that it is in; the last index. */
    private static long append(ReplicatedLog log, long session, long sequence) throws InterruptedException {
        List<byte[]> entries = new ArrayList<>();
        for (int more = 0; more < BATCH; more++) {
            entries.add(bytes(text(session, sequence + more)));
        }
        while (true) {
            try {
                return log.append(entries, new Origin(session, sequence), WaitFor.QUORUM, PATIENCE).index();
            } catch (NotLeaderException | FullException | TimedOutException | ConflictException again) {
                Thread.sleep(2);
            }
        }
    }

    static String text(long session, long sequence) {
        return session + ":" + sequence;
    }
}
