package io.duochain;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.Set;

/** How to open a {@link ReplicatedLog}. What is not set has its default; all members should have the same settings. */
public final class ReplicatedLogOptions {
    private static final int CLUSTER_BYTES = 16;

    private Path dir;
    private String listen;
    private byte[] cluster = new byte[CLUSTER_BYTES];
    private List<ReplicatedLog.Member> members = List.of();
    private List<ReplicatedLog.Member> contacts = List.of();
    /** Certificate, key, authority; or none. */
    private List<Path> tls = List.of();
    private long node;
    private long heartbeat;
    private long electionMin;
    private long electionMax;
    private long diskStallMax;
    private long batchBytesMax;
    private long uncommittedBytesMax;
    private long segmentBytes;
    private long batchEntriesMax;
    private long tailEntries;
    private long repairWithin;
    private long closeWithin;
    private long timeToLive;
    private long sessionsMax;
    private long idsMax;
    private long helloTimeout;
    private long batchLatency;
    private long batchStagedBytesMax;
    private long batchInflightBytesMax;
    private long peerInflightBytesMax;
    private long windowBytesMax;
    private long readsMax;
    private long snapshotChunkBytes;
    private long snapshotChunksInflightMax;
    private LogBackend backend = LogBackend.SEGMENTS;

    ReplicatedLogOptions() {
    }

    /** Directory for log and vote, made when it is not there; nobody else uses it. */
    public ReplicatedLogOptions dir(Path directory) {
        dir = directory;
        return this;
    }

    /** Where to listen, {@code address:port}. */
    public ReplicatedLogOptions listen(String address) {
        listen = address;
        return this;
    }

    /** The name of the cluster, 16 bytes, which a directory belongs to for ever. */
    public ReplicatedLogOptions cluster(byte[] name) {
        if (name.length != CLUSTER_BYTES) {
            throw new IllegalArgumentException("the name of a cluster has 16 bytes, not " + name.length);
        }
        cluster = name.clone();
        return this;
    }

    /** This node's number, from 1. */
    public ReplicatedLogOptions node(long number) {
        node = number;
        return this;
    }

    /**
     * Who makes up the cluster when it begins, as voters: the same on all of them. Later the log says it. A node that is
     * not among them is to be added by {@link ReplicatedLog#add}; it gives those that are voters then.
     *
     * @throws IllegalArgumentException when one of them is no voter, or will be none
     */
    public ReplicatedLogOptions members(List<ReplicatedLog.Member> all) {
        List<ReplicatedLog.Member> voters = List.copyOf(all);
        for (ReplicatedLog.Member member : voters) {
            if (!member.parts().equals(Set.of(LogPart.VOTER))) {
                throw new IllegalArgumentException("node " + member.node() + " is no plain voter");
            }
        }
        members = voters;
        return this;
    }

    /**
     * Nodes that are talked to beside the members that the log of this node names so far: for one that was away while members
     * changed, and whose leader it does not know. Usually none. Only their numbers and addresses are looked at.
     */
    public ReplicatedLogOptions contacts(List<ReplicatedLog.Member> all) {
        contacts = List.copyOf(all);
        return this;
    }

    /**
     * Every connection between nodes is TLS 1.3 with certificates on both ends: all members have it, or none. Without it
     * whoever can connect is believed. {@code docs/operations.md} says how certificates are made and exchanged; see
     * {@link Library#hasTls} and {@link ReplicatedLog#reloadTls}.
     *
     * @param certificate PEM file with this node's certificate, behind it those between it and the authority, if any
     * @param key PEM file with its private key, without a password
     * @param authority PEM file with the authority's certificate, or several
     */
    public ReplicatedLogOptions tls(Path certificate, Path key, Path authority) {
        tls = List.of(Objects.requireNonNull(certificate, "certificate"), Objects.requireNonNull(key, "key"),
                Objects.requireNonNull(authority, "authority"));
        return this;
    }

    /** Time between two heartbeats; 50 ms. */
    public ReplicatedLogOptions heartbeat(Duration span) {
        heartbeat = Waiting.nanosOf(span);
        return this;
    }

    /** A follower that hears no leader campaigns after a random time between these; 150 ms and 300 ms. */
    public ReplicatedLogOptions election(Duration min, Duration max) {
        electionMin = Waiting.nanosOf(min);
        electionMax = Waiting.nanosOf(max);
        return this;
    }

    /** A leader whose disk does not answer for longer steps down; 1 s. */
    public ReplicatedLogOptions diskStallMax(Duration span) {
        diskStallMax = Waiting.nanosOf(span);
        return this;
    }

    /** Entries and bytes of a batch; 10,000 and 8 MiB. */
    public ReplicatedLogOptions batch(int entriesMax, long bytesMax) {
        batchEntriesMax = entriesMax;
        batchBytesMax = bytesMax;
        return this;
    }

    /** Bytes that wait to be committed before appends get {@link FullException}; 32 MiB. */
    public ReplicatedLogOptions uncommittedBytesMax(long bytes) {
        uncommittedBytesMax = bytes;
        return this;
    }

    /** What keeps the log, which a directory keeps for ever; {@link LogBackend#SEGMENTS}. */
    public ReplicatedLogOptions logBackend(LogBackend kept) {
        backend = Objects.requireNonNull(kept, "logBackend");
        return this;
    }

    /** Bytes of one file of the log; 64 MiB. Nothing to a log in RocksDB. */
    public ReplicatedLogOptions segmentBytes(long bytes) {
        segmentBytes = bytes;
        return this;
    }

    /** Entries before the newest snapshot that stay at least, for nodes that were away for a moment; 100,000. */
    public ReplicatedLogOptions tailEntries(long entries) {
        tailEntries = entries;
        return this;
    }

    /**
     * How long the opening of a log that is damaged in its middle asks the others for what is missing, before it is refused by
     * name; 30 s. With zero it does not ask. Too short for them to connect, or to elect a leader, refuses what could be mended.
     */
    public ReplicatedLogOptions repairWithin(Duration span) {
        repairWithin = nanos(span);
        return this;
    }

    /**
     * How long {@link ReplicatedLog#shutdown} and {@link ReplicatedLog#close} wait for threads that a disk that does not answer,
     * or the look-up of a member's name, holds; 30 s. Too short, and the directory is still locked when it is opened again; too
     * long, and a host whose disk does not answer cannot end.
     */
    public ReplicatedLogOptions closeWithin(Duration span) {
        closeWithin = nanos(span);
        return this;
    }

    /**
     * A session is remembered for so long after its last entry, in log time; 1 h. Too short, and what is appended again after
     * that is read twice. It belongs to the cluster like its name, as the next two do: the same on all nodes, never changed.
     */
    public ReplicatedLogOptions timeToLive(Duration span) {
        timeToLive = nanos(span);
        return this;
    }

    /** Sessions that are remembered; 65,536. Each takes about 150 bytes, 1 KiB more with gaps. */
    public ReplicatedLogOptions sessionsMax(int sessions) {
        sessionsMax = some(sessions);
        return this;
    }

    /** Ids that are remembered; 262,144. */
    public ReplicatedLogOptions idsMax(int ids) {
        idsMax = some(ids);
        return this;
    }

    /**
     * For a connection to another node and its whole hello; 2 s. Too short refuses nodes that are busy, too long lets strangers
     * hold places.
     */
    public ReplicatedLogOptions helloTimeout(Duration span) {
        helloTimeout = nanos(span);
        return this;
    }

    /**
     * Longest wait of an entry for others to go with while the disk is busy, up to 1 s; 1 ms. Longer ones make larger batches
     * and slower answers.
     */
    public ReplicatedLogOptions batchLatency(Duration span) {
        batchLatency = nanos(span);
        return this;
    }

    /**
     * Bytes of entries that wait to go with others, with 128 for each, before appends get {@link FullException}; 16 MiB. Less
     * than a whole batch and what is kept free for critical entries is as much as these.
     */
    public ReplicatedLogOptions batchStagedBytesMax(long bytes) {
        batchStagedBytesMax = some(bytes);
        return this;
    }

    /**
     * Bytes of appends that are not committed yet, counted alike, before others wait, from 256 KiB; 8 MiB. More costs latency;
     * too few are slow where a commit takes long.
     */
    public ReplicatedLogOptions batchInflightBytesMax(long bytes) {
        batchInflightBytesMax = some(bytes);
        return this;
    }

    /** Bytes of the log under way to one follower, from 1 MiB; 8 MiB. Too few are slow where the way is long. */
    public ReplicatedLogOptions peerInflightBytesMax(long bytes) {
        peerInflightBytesMax = some(bytes);
        return this;
    }

    /**
     * Bytes of the log's end in memory for followers, from {@link #uncommittedBytesMax}; 64 MiB. What is older is read from disk.
     */
    public ReplicatedLogOptions windowBytesMax(long bytes) {
        windowBytesMax = some(bytes);
        return this;
    }

    /** Reads that wait for a majority before more get {@link FullException}; 4,096. */
    public ReplicatedLogOptions readsMax(int reads) {
        readsMax = some(reads);
        return this;
    }

    /**
     * Bytes of one piece of a snapshot on its way to another node, up to 1 MiB; 256 KiB. A heartbeat may wait for the pieces
     * under way: together they should pass in a small part of the shortest time to an election.
     */
    public ReplicatedLogOptions snapshotChunkBytes(int bytes) {
        snapshotChunkBytes = some(bytes);
        return this;
    }

    /** Pieces under way to one node, up to 64; 8. Too few are slow where the way is long. */
    public ReplicatedLogOptions snapshotChunksInflightMax(int pieces) {
        snapshotChunksInflightMax = some(pieces);
        return this;
    }

    /**
     * Opens or makes the log, listens, and takes part. A log that is damaged in its middle is mended first, with what the
     * other members prove to be the same, which takes up to {@link #repairWithin}. After an interrupt it goes on, by a daemon thread,
     * and what was opened is closed: so long the directory and the address are taken.
     *
     * @throws BusyException when another process has the directory
     * @throws ConfigException for settings that do not fit together, a directory of another cluster or with the other
     *     {@link LogBackend}, or files of TLS that are missing or that peers would refuse, which it names
     * @throws UnsupportedException for TLS or RocksDB in a library without it
     * @throws CorruptionException for a damage that no other member can mend; it says where, and what each of them said
     * @throws InputOutputException when it cannot listen there
     */
    public ReplicatedLog open() throws InterruptedException {
        if (dir == null || listen == null) {
            throw Failures.of(Code.INVALID_ARGUMENT, "a replicated log needs a directory and an address to listen on");
        }
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        blob(out, dir.toString().getBytes(StandardCharsets.UTF_8));
        blob(out, listen.getBytes(StandardCharsets.UTF_8));
        blob(out, cluster);
        count(out, tls.size());
        for (Path file : tls) {
            blob(out, file.toString().getBytes(StandardCharsets.UTF_8));
        }
        count(out, contacts.size());
        list(out, contacts);
        list(out, members);
        return ReplicatedLog.open(out.toByteArray(), new long[] {
            node, heartbeat, electionMin, electionMax, diskStallMax, batchBytesMax, uncommittedBytesMax, segmentBytes,
            batchEntriesMax, tailEntries, repairWithin, closeWithin, timeToLive, sessionsMax, idsMax, helloTimeout, batchLatency,
            batchStagedBytesMax, batchInflightBytesMax, peerInflightBytesMax, windowBytesMax, readsMax, snapshotChunkBytes,
            snapshotChunksInflightMax, backend.ordinal()});
    }

    /** For the library 0 is the default. */
    private static long nanos(Duration span) {
        return Math.max(1, Waiting.nanosOf(span));
    }

    private static long some(long number) {
        if (number < 1) {
            throw new IllegalArgumentException(number + " is below 1");
        }
        return number;
    }

    private static void list(ByteArrayOutputStream out, List<ReplicatedLog.Member> nodes) {
        for (ReplicatedLog.Member member : nodes) {
            number(out, member.node());
            blob(out, member.address().getBytes(StandardCharsets.UTF_8));
        }
    }

    private static void count(ByteArrayOutputStream out, int count) {
        out.writeBytes(ByteBuffer.allocate(Integer.BYTES).order(ByteOrder.LITTLE_ENDIAN).putInt(count).array());
    }

    static void number(ByteArrayOutputStream out, long number) {
        out.writeBytes(ByteBuffer.allocate(Long.BYTES).order(ByteOrder.LITTLE_ENDIAN).putLong(number).array());
    }

    static void blob(ByteArrayOutputStream out, byte[] bytes) {
        count(out, bytes.length);
        out.writeBytes(bytes);
    }
}
