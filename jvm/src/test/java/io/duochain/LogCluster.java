package io.duochain;

import static io.duochain.Fixtures.PATIENCE;
import static io.duochain.Fixtures.bytes;

import io.duochain.LogStatus.Role;
import io.duochain.ReplicatedLog.Entry;
import io.duochain.ReplicatedLog.Member;
import io.duochain.ReplicatedLog.Receipt;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReferenceArray;

/** Replicas in this process, over loopback, which a test asks as a client does: any of them may lead, and cease to. */
final class LogCluster implements AutoCloseable {
    private static final AtomicInteger MADE = new AtomicInteger();

    private final Path dir;
    private final int nodes;
    private final Settings settings;
    private final List<String> addresses;
    /** One more than there are members. */
    private final AtomicReferenceArray<ReplicatedLog> logs;

    /** What a test wants otherwise than usual. */
    interface Settings {
        ReplicatedLogOptions of(int at, ReplicatedLogOptions usual);
    }

    /** With {@code nodes} members, all of them open. */
    LogCluster(Path dir, int nodes) throws IOException {
        this(dir, nodes, (at, usual) -> usual);
    }

    /** With settings of its own for each. */
    LogCluster(Path dir, int nodes, Settings settings) throws IOException {
        this(dir, freeAddresses(nodes + 1), nodes, settings);
    }

    /** At these addresses, in the directories that nodes in other processes may have left in {@code dir}. */
    LogCluster(Path dir, List<String> addresses, int nodes, Settings settings) {
        this.dir = dir;
        this.nodes = nodes;
        this.settings = settings;
        this.addresses = addresses;
        this.logs = new AtomicReferenceArray<>(nodes + 1);
        for (int at = 0; at < nodes; at++) {
            open(at);
        }
    }

    /** Where nobody listens, nor will by chance. */
    static List<String> freeAddresses(int count) throws IOException {
        InetAddress host = ownAddress();
        List<String> addresses = new ArrayList<>();
        List<ServerSocket> sockets = new ArrayList<>();
        for (int at = 0; at < count; at++) {
            sockets.add(new ServerSocket(0, 1, host));
            addresses.add(host.getHostAddress() + ":" + sockets.get(at).getLocalPort());
        }
        for (ServerSocket socket : sockets) {
            socket.close();
        }
        return addresses;
    }

    /** One of this machine that no other test has, so that nobody takes a port of it while it is closed. */
    private static InetAddress ownAddress() throws IOException {
        long number = ProcessHandle.current().pid() * 64 + MADE.incrementAndGet();
        return InetAddress.getByAddress(
                new byte[] {127, (byte) (192 | number >> 16 & 63), (byte) (number >> 8), (byte) (1 + number % 254)});
    }

    ReplicatedLogOptions options(int at) {
        return settings.of(at, options(dir, addresses.subList(0, nodes), at).listen(addresses.get(at)));
    }

    /** Of the node at that place among {@code members}. */
    static ReplicatedLogOptions options(Path dir, List<String> members, int at) {
        List<Member> listed = new ArrayList<>();
        for (int node = 0; node < members.size(); node++) {
            listed.add(new Member(node + 1, members.get(node)));
        }
        return ReplicatedLog.options().dir(dir.resolve("n" + (at + 1))).node(at + 1)
                .cluster(bytes("a log for JUnit.")).members(listed).batch(1000, 64 << 10).segmentBytes(1 << 20)
                .election(Duration.ofMillis(500), Duration.ofSeconds(1)).diskStallMax(Duration.ofSeconds(5))
                .tailEntries(1);
    }

    String address(int at) {
        return addresses.get(at);
    }

    ReplicatedLog get(int at) {
        return logs.get(at);
    }

    ReplicatedLog open(int at) {
        try {
            logs.set(at, options(at).open());
        } catch (InterruptedException nobodyDoes) {
            throw new AssertionError(nobodyDoes);
        }
        return logs.get(at);
    }

    void close(int at) {
        ReplicatedLog log = logs.getAndSet(at, null);
        if (log != null) {
            log.close();
        }
    }

    @Override
    public void close() {
        for (int at = 0; at <= nodes; at++) {
            close(at);
        }
    }

    interface Question<T> {
        T of(ReplicatedLog log) throws InterruptedException;
    }

    /** An answer, and who gave it. */
    record Answer<T>(int from, T value) {
    }

    /** Asks where the answer says, and again when nobody leads or nobody knows. */
    <T> Answer<T> ask(Question<T> question) throws InterruptedException {
        long end = System.nanoTime() + PATIENCE.toNanos();
        int at = 0;
        while (System.nanoTime() < end) {
            OptionalLong leader = OptionalLong.empty();
            ReplicatedLog log = logs.get(at);
            try {
                if (log != null) {
                    return new Answer<>(at, question.of(log));
                }
            } catch (NotLeaderException other) {
                leader = other.leader();
            } catch (FullException | TimedOutException | ClosedException | ConflictException again) {
                // The next node may know more.
            }
            boolean isKnown = leader.isPresent() && logs.get((int) leader.getAsLong() - 1) != null;
            at = isKnown ? (int) leader.getAsLong() - 1 : (at + 1) % nodes;
            Thread.sleep(1);
        }
        throw new AssertionError("nobody leads");
    }

    Receipt append(String text) throws InterruptedException {
        return ask(log -> log.append(bytes(text), PATIENCE)).value();
    }

    /** Who took an entry just now. */
    int leader() throws InterruptedException {
        return ask(log -> log.append(bytes("who leads?"), PATIENCE)).from();
    }

    /** Asks for it until it is so: a request gets lost where a connection is in the making. */
    void handOver(int next) throws InterruptedException {
        Fixtures.eventually("another leader", () -> {
            for (int at = 0; at < nodes; at++) {
                try {
                    if (at != next && logs.get(at) != null) {
                        logs.get(at).transfer(OptionalLong.of(next + 1), PATIENCE);
                    }
                } catch (RetryableException again) {
                    // It leads no longer, or hands over already.
                }
            }
            return logs.get(next).status().role() == Role.LEADER;
        });
    }

    static String text(Entry entry) {
        return new String(entry.toArray(), StandardCharsets.UTF_8);
    }

    /** What a log has up to {@code last}, without what only asked who leads. */
    static List<String> texts(ReplicatedLog log, long last) throws InterruptedException {
        List<String> texts = new ArrayList<>();
        LogFollower follower = log.follow(0);
        while (follower.position() < last) {
            follower.poll(7, PATIENCE).forEach(entry -> texts.add(text(entry)));
        }
        texts.removeIf("who leads?"::equals);
        return texts;
    }
}
