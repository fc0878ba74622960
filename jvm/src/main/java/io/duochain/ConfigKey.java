// Made from the library's tables by bindings/jni/tests/java_tables.rs; DUO_UPDATE=1 writes it.
package io.duochain;

/** Every key of a {@link Config}. */
public enum ConfigKey {
    /**
     * Directory of both chains. Created when missing; one process at a time.
     *
     * <p>Path: a path; may be empty only with storage.backend = memory. Default: empty.
     * On a file system without fdatasync a power cut loses what was final.
     */
    DATA_DIR("data_dir", ""),
    /**
     * Key-value store of the state. {@code memory} keeps everything, blocks too, in memory only.
     *
     * <p>Word: fjall, memory or rocksdb. Default: {@code fjall}.
     * {@code memory} forgets all at close; {@code rocksdb} needs a build with that feature.
     */
    STORAGE_BACKEND("storage.backend", "fjall"),
    /**
     * Memory that each chain's state store may use to cache reads.
     *
     * <p>Number of bytes: 1048576 to 68719476736. Default: {@code 33554432}.
     * Too small: look-ups of old transactions go to the disk.
     */
    STORAGE_CACHE_BYTES("storage.cache_bytes", "33554432"),
    /**
     * Size at which a segment of the block log or event log is closed and the next begun.
     *
     * <p>Number of bytes: 65536 to 1073741824. Default: {@code 67108864}.
     * Small: many files. Large: old events are given back in large steps.
     */
    LOG_SEGMENT_BYTES("log.segment_bytes", "67108864"),
    /**
     * Divides every block interval: 100 runs the chains a hundred times faster than real time.
     *
     * <p>Number of times: 1 to 10000. Default: {@code 1}.
     * Too large: a block takes longer than its interval, the schedule re-anchors all the time.
     */
    TIME_SCALE("time.scale", "1"),
    /**
     * Target time between Delta blocks before scaling. Alpha's is five times as long.
     *
     * <p>Number of milliseconds: 10 to 3600000. Default: {@code 3000}.
     * Short: more empty blocks and syncs. Long: finality takes as many intervals as finality.depth.
     */
    DELTA_BLOCK_INTERVAL_MS("delta.block_interval_ms", "3000"),
    /**
     * A block is final when this many blocks follow it.
     *
     * <p>Number of blocks: 1 to 64. Default: {@code 3}.
     * Must be the same for the whole life of a data directory to give hosts one meaning of final.
     */
    FINALITY_DEPTH("finality.depth", "3"),
    /**
     * Most transactions in one block.
     *
     * <p>Number of transactions: 1 to 1000000. Default: {@code 65536}.
     * Too large: one block's work exceeds the interval and the slots drift.
     */
    BLOCK_TRANSACTIONS_MAX("block.transactions_max", "65536"),
    /**
     * Most bytes of transactions in one block; at least transaction.bytes_max + 4.
     *
     * <p>Number of bytes: 4096 to 536870912. Default: {@code 33554432}.
     * Too large: memory for several such blocks, and slow syncs.
     */
    BLOCK_BYTES_MAX("block.bytes_max", "33554432"),
    /**
     * Largest transaction that is accepted.
     *
     * <p>Number of bytes: 1 to 16777216. Default: {@code 1048576}.
     * Large: a few transactions can use up the pool.
     */
    TRANSACTION_BYTES_MAX("transaction.bytes_max", "1048576"),
    /**
     * Priority lanes of each chain's queue; lane 0 is the most urgent.
     *
     * <p>Number of lanes: 1 to 16. Default: {@code 4}.
     * More lanes cost memory: queue.cells words each.
     */
    QUEUE_LANES("queue.lanes", "4"),
    /**
     * Cells of one lane, each for a transaction or for a run of a batch.
     *
     * <p>Power of two of cells a lane: a power of two from 2 to 8388608. Default: {@code 262144}.
     * Small: bursts are refused with AGAIN. Large: 8 bytes a cell, and longer waits.
     */
    QUEUE_CELLS("queue.cells", "262144"),
    /**
     * One of so many transactions is taken from the lowest lane that has any; 0 is strict priority.
     *
     * <p>Number of transactions: 0 to 65536. Default: {@code 16}.
     * 0: a busy urgent lane starves the others.
     */
    QUEUE_AGEING("queue.ageing", "16"),
    /**
     * Most transactions of one batch that share a cell of the lane and stay together.
     *
     * <p>Number of transactions: 1 to 32. Default: {@code 32}.
     * 1: batches cost as much as single submissions. More: cells bound runs, the pool bounds transactions.
     */
    QUEUE_RUN_MAX("queue.run_max", "32"),
    /**
     * Memory of each chain's transaction buffers, allocated as needed.
     *
     * <p>Number of bytes: 1048576 to 68719476736. Default: {@code 268435456}.
     * Small: submissions are refused with NO_MEMORY before the queue is full.
     */
    POOL_BYTES_MAX("pool.bytes_max", "268435456"),
    /**
     * Share of pool.bytes_max that keeps its memory once it has it.
     *
     * <p>Number of percent: 0 to 100. Default: {@code 0}.
     * 0: after a quiet time the next burst waits for the system. 100: memory never goes back.
     */
    POOL_INITIAL_PERCENT("pool.initial_percent", "0"),
    /**
     * Whether pools take and touch the memory of their initial sizes when they are made.
     *
     * <p>Word: off or on. Default: {@code off}.
     * off: the first transactions wait for page faults. on: opening takes longer, an idle process is
     * large.
     */
    POOL_WARM_UP("pool.warm_up", "off"),
    /**
     * How long demand has to stay low before pools give memory back; 0 is never.
     *
     * <p>Number of milliseconds: 0 to 86400000. Default: {@code 60000}.
     * Short: memory comes and goes with each lull. 0: a burst's memory stays for good.
     */
    POOL_SHRINK_AFTER_MS("pool.shrink_after_ms", "60000"),
    /**
     * Whether pools ask for huge pages; {@code require} refuses to open where the system gives none.
     *
     * <p>Word: off, try or require. Default: {@code off}.
     * try and require: memory comes and goes in steps of 2 MiB a class. off: more misses of the address
     * cache.
     */
    POOL_HUGE_PAGES("pool.huge_pages", "off"),
    /**
     * Whether pools note who acquires each buffer; {@code auto} is on in debug builds of the library only.
     *
     * <p>Word: auto, off or on. Default: {@code auto}.
     * on: each acquisition takes a lock and an entry of a tree. off: a leak has no place.
     */
    POOL_LEAK_TRACKING("pool.leak_tracking", "auto"),
    /**
     * Buffers of the host's managed pool of transaction requests that keep their memory once they have it.
     *
     * <p>Number of buffers: 0 to 100000. Default: {@code 5000}.
     * Too many: an idle process stays large. Too few: bursts wait for the system.
     */
    POOL_TRANSACTION_REQUEST_INITIAL("pool.transaction_request.initial", "5000"),
    /**
     * Most buffers of that pool; at least pool.transaction_request.initial.
     *
     * <p>Number of buffers: 10000 to 100000. Default: {@code 50000}.
     * Too few: NO_MEMORY in bursts.
     */
    POOL_TRANSACTION_REQUEST_MAX("pool.transaction_request.max", "50000"),
    /**
     * Buffers of the host's managed pool of block proposals that keep their memory once they have it.
     *
     * <p>Number of buffers: 0 to 100000. Default: {@code 2000}.
     * Too many: an idle process stays large. Too few: bursts wait for the system.
     */
    POOL_BLOCK_PROPOSAL_INITIAL("pool.block_proposal.initial", "2000"),
    /**
     * Most buffers of that pool; at least pool.block_proposal.initial.
     *
     * <p>Number of buffers: 10000 to 100000. Default: {@code 10000}.
     * Too few: NO_MEMORY in bursts.
     */
    POOL_BLOCK_PROPOSAL_MAX("pool.block_proposal.max", "10000"),
    /**
     * Buffers of the host's managed pool of consensus messages that keep their memory once they have it.
     *
     * <p>Number of buffers: 0 to 100000. Default: {@code 10000}.
     * Too many: an idle process stays large. Too few: bursts wait for the system.
     */
    POOL_CONSENSUS_MESSAGE_INITIAL("pool.consensus_message.initial", "10000"),
    /**
     * Most buffers of that pool; at least pool.consensus_message.initial.
     *
     * <p>Number of buffers: 10000 to 100000. Default: {@code 100000}.
     * Too few: NO_MEMORY in bursts.
     */
    POOL_CONSENSUS_MESSAGE_MAX("pool.consensus_message.max", "100000"),
    /**
     * Buffers of the host's managed pool of log entries that keep their memory once they have it.
     *
     * <p>Number of buffers: 0 to 100000. Default: {@code 20000}.
     * Too many: an idle process stays large. Too few: bursts wait for the system.
     */
    POOL_LOG_ENTRY_INITIAL("pool.log_entry.initial", "20000"),
    /**
     * Most buffers of that pool; at least pool.log_entry.initial.
     *
     * <p>Number of buffers: 10000 to 100000. Default: {@code 100000}.
     * Too few: NO_MEMORY in bursts.
     */
    POOL_LOG_ENTRY_MAX("pool.log_entry.max", "100000"),
    /**
     * Submissions to one chain whose outcome has not been polled yet; at the bound, submissions to that
     * chain wait or get AGAIN.
     *
     * <p>Number of submissions: 1 to 16777216. Default: {@code 262144}.
     * Small: throughput is bounded by it per finality time. A host that never polls stops here.
     */
    COMPLETIONS_MAX("completions.max", "262144"),
    /**
     * Events that stay readable for replay; older ones are dropped segment by segment.
     *
     * <p>Number of events a chain: 1024 to 4294967296. Default: {@code 1048576}.
     * Small: a subscriber that was away longer misses events, and is told so.
     */
    EVENTS_RETAINED("events.retained", "1048576"),
    /**
     * How far a header's time may lie ahead of the local clock.
     *
     * <p>Number of milliseconds: 0 to 60000. Default: {@code 500}.
     * Large: a proposer with a wrong clock can push block times into the future.
     */
    CLOCK_SKEW_MS("clock.skew_ms", "500"),
    /**
     * A chain is degraded when finality is late by more than this.
     *
     * <p>Number of intervals: 1 to 1000. Default: {@code 3}.
     * Small: alarms at every slow sync.
     */
    HEALTH_DEGRADED_INTERVALS("health.degraded_intervals", "3"),
    /**
     * A chain is stalled when finality is late by more than this; more than health.degraded_intervals.
     *
     * <p>Number of intervals: 2 to 10000. Default: {@code 10}.
     * Large: a dead chain is reported late.
     */
    HEALTH_STALLED_INTERVALS("health.stalled_intervals", "10"),
    /**
     * On-time final blocks in a row before a recovering chain is healthy again.
     *
     * <p>Number of blocks: 1 to 1000. Default: {@code 16}.
     * Small: health flaps.
     */
    HEALTH_RECOVERY_BLOCKS("health.recovery_blocks", "16"),
    /**
     * Delay before a failed chain thread is started again; doubles with each failure in a row.
     *
     * <p>Number of milliseconds: 1 to 60000. Default: {@code 50}.
     * Small: a chain that cannot start burns a core.
     */
    SUPERVISOR_RESTART_DELAY_MS("supervisor.restart_delay_ms", "50"),
    /**
     * Upper bound of that delay; at least supervisor.restart_delay_ms.
     *
     * <p>Number of milliseconds: 1 to 3600000. Default: {@code 5000}.
     * Large: the chain stays down long after its fault is gone.
     */
    SUPERVISOR_RESTART_DELAY_MAX_MS("supervisor.restart_delay_max_ms", "5000"),
    /**
     * Cores that Alpha's thread may run on.
     *
     * <p>Cores: a list such as 0,2-3 of cores 0 to 1023; empty for any. Default: empty.
     * One core shared with Delta lets one chain delay the other.
     */
    ALPHA_CORES("alpha.cores", ""),
    /**
     * Cores that Delta's thread may run on.
     *
     * <p>Cores: a list such as 0,2-3 of cores 0 to 1023; empty for any. Default: empty.
     * One core shared with Alpha lets one chain delay the other.
     */
    DELTA_CORES("delta.cores", "");

    private final String key;
    private final String defaultValue;

    ConfigKey(String key, String defaultValue) {
        this.key = key;
        this.defaultValue = defaultValue;
    }

    /** Its dotted name. */
    public String key() {
        return key;
    }

    /** Value when not set. */
    public String defaultValue() {
        return defaultValue;
    }
}
