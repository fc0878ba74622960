package io.duochain;

import io.duochain.ReplicatedLog.Member;
import io.duochain.ReplicatedLog.Peer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Optional;

/** What a node of a replicated log tells about itself and the others. */
abstract sealed class LogView permits ReplicatedLog {
    final NativeHandle handle;

    LogView(long word) {
        this.handle = NativeHandle.of(this, "replicated log", word, Natives::replogDestroy);
    }

    /** Where this node stands. */
    public LogStatus status() {
        return new LogStatus(new Wire(Natives.replogStatus(this, handle.use())));
    }

    /**
     * Waits until role, term, leader or members are others than those of the status whose {@link LogStatus#changes} is
     * {@code seen}, and gives where the node stands then; with 0 at once. Empty while nothing has changed. Asked again with
     * the number that came, it misses no change; those that come close together may be told as one.
     *
     * <p>It is about what this node knows: one that was cut off leads in its own eyes until it steps down, while another one
     * does already. What must be done by one node alone goes through the log.
     *
     * @throws ClosedException when this node has ended
     */
    public Optional<LogStatus> awaitChange(long seen, Duration timeout) throws InterruptedException {
        Waiting waiting = Waiting.forUpTo(timeout);
        while (true) {
            byte[] status = Natives.replogWaitStatus(this, handle.use(), seen, waiting.chunk());
            if (status != null) {
                return Optional.of(new LogStatus(new Wire(status)));
            }
            if (waiting.isOver()) {
                return Optional.empty();
            }
        }
    }

    /** What a leader knows of the others; none on a follower. */
    public List<Peer> peers() {
        return new Wire(Natives.replogPeers(this, handle.use())).rest(Peer::new);
    }

    /** Who is in the cluster, as this node's log says. */
    public List<Member> members() {
        return new Wire(Natives.replogMembers(this, handle.use())).rest(Member::new);
    }

    /** The node's figures as a JSON object. */
    public String json() {
        return new String(Natives.replogJson(this, handle.use()), StandardCharsets.UTF_8);
    }

    /** The node's figures in Prometheus's text format, each with the label {@code node}. */
    public String prometheus() {
        return new String(Natives.replogPrometheus(this, handle.use()), StandardCharsets.UTF_8);
    }
}
