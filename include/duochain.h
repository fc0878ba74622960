/*
 * duochain: an embedded ledger core.
 *
 * Generated from the sources in src/ffi; do not edit. tests/header_drift.rs rewrites it.
 *
 * OWNERSHIP
 *   A duo_x * is a handle, not an address. It is made by one function (duo_x_create, duo_node_open) and
 *   ended by duo_x_destroy, exactly once. Every call checks it: a handle that was freed, never given
 *   out, or is of another kind returns DUO_ERR_BAD_HANDLE. There are DUO_HANDLES_MAX at a time.
 *   Memory that the host passes in is read or written during the call only, unless a function says
 *   otherwise. Memory that the library hands out is static text, or belongs to a buffer that the host
 *   acquired and releases (duo_buf, duo_claim); nothing else is ever to be freed.
 *
 * THREADS
 *   [any-thread]         any number of threads at the same time, on the same handle too
 *   [one-thread]         one thread at a time per handle; a second one gets DUO_ERR_BUSY
 *   [blocks]             may wait; closing or destroying the object from another thread ends the wait
 *   [not-from-callback]  see below; no function may be called from a callback, this one is tempting
 *   No function may be called from a signal handler. Callbacks of the host must not call the library:
 *   DUO_ERR_REENTRANT. They must not throw, unwind or long-jump either.
 *
 * LIFETIMES
 *   Close is not destroy: a closed object refuses work but can still be drained and read. Destroying
 *   closes first, lets every call that is inside the object return, then frees it. A subscription may
 *   outlive its node; its calls then return DUO_ERR_CLOSED.
 *   After fork() the child must not use handles of its parent: every call returns DUO_ERR_FORKED at
 *   once, and destroying leaks on purpose. New handles may be made in the child; a process that forked
 *   while nodes ran should exec instead, for locks of threads that are gone. The log stays off there.
 *   Do not unload the library while its nodes or callers exist.
 *
 * ERRORS
 *   Functions return a duo_status: 0 is success, positive numbers are normal outcomes, negative numbers
 *   are errors. The last error of each thread, with a message, is kept until the next one:
 *   duo_last_error, duo_last_error_message. Normal outcomes do not touch it.
 *   Results come last and are written only on DUO_OK and DUO_PARTIAL. Two exceptions: counts of batches
 *   (n, done, got) are written with every status >= 0, and sizes (len of a buffer that was too small)
 *   also with DUO_ERR_TOO_LARGE.
 *   A bug inside the library never unwinds into the host: the call returns DUO_ERR_PANIC, the handle is
 *   poisoned (DUO_ERR_POISONED from then on; destroy it), and the text goes to the log. The library
 *   prints nothing and installs no signal handlers.
 *
 * STRUCTS
 *   A struct that begins with struct_size and flags is initialised with its DUO_x_INIT. Zero always means
 *   the default. Fields that a newer header adds must be zero for an older library, or the call returns
 *   DUO_ERR_UNSUPPORTED. Structs without struct_size never change.
 *
 * NUMBERS
 *   Spans are int64_t nanoseconds; negative (DUO_WAIT_FOREVER) means without limit. Sizes are bytes. Ids
 *   and hashes are DUO_HASH_BYTES bytes. Texts are UTF-8.
 */

#ifndef DUOCHAIN_H
#define DUOCHAIN_H

#include <stddef.h>
#include <stdint.h>

/** Major number of the interface: programs built for another one do not work. */
#define DUO_ABI_MAJOR 0

/** Minor number of the interface: grows when something is added. */
#define DUO_ABI_MINOR 1

/** Both numbers in one. */
#define DUO_ABI_VERSION ((DUO_ABI_MAJOR << 16) | DUO_ABI_MINOR)

/** Live handles per process. */
#define DUO_HANDLES_MAX 4096

/** Longest message of `duo_last_error_message`, in bytes without the NUL. */
#define DUO_MESSAGE_BYTES_MAX 512

/** Length of a transaction id or a hash in bytes. */
#define DUO_HASH_BYTES 32

/** The chain of records and privacy; one block every 15 s. */
#define DUO_CHAIN_ALPHA 1

/** The chain of accounts and programs; one block every 3 s. */
#define DUO_CHAIN_DELTA 2

/** As a timeout: without limit. */
#define DUO_WAIT_FOREVER (-1)

/** `duo_features`: the RocksDB store is built in. */
#define DUO_FEATURE_ROCKSDB 1

/** `duo_features`: faults can be injected; never in a release. */
#define DUO_FEATURE_FAULTS 2

/** `duo_features`: nodes of a replicated log can talk TLS. */
#define DUO_FEATURE_TLS 4

/** `duo_status_class`: nothing went wrong. */
#define DUO_CLASS_OK 0

/** `duo_status_class`: the same call may succeed later without any change by the caller. */
#define DUO_CLASS_RETRYABLE 1

/** `duo_status_class`: the call or its arguments are wrong. */
#define DUO_CLASS_CALLER 2

/** `duo_status_class`: the handle or its data is beyond repair in this process. */
#define DUO_CLASS_FATAL 3

/** Log level: something failed that the library could not repair. */
#define DUO_LOG_ERROR 1

/** Log level: something failed and was handled. */
#define DUO_LOG_WARN 2

/** Log level: a change of state worth knowing. */
#define DUO_LOG_INFO 3

/** Log level: details for a developer. */
#define DUO_LOG_DEBUG 4

/** Most records that a log buffer can hold. */
#define DUO_LOG_RECORDS_MAX 65536

/** Most items of one batch call. */
#define DUO_BATCH_MAX 65536

/** `duo_pool_options`: small pages. */
#define DUO_HUGE_PAGES_OFF 0

/** `duo_pool_options`: huge pages where the system gives them; `duo_pool_stats_t` tells. */
#define DUO_HUGE_PAGES_TRY 1

/** `duo_pool_options`: huge pages, or no pool. */
#define DUO_HUGE_PAGES_REQUIRE 2

/**
 * Flag of `duo_pool_options` and `duo_pool_create_managed`: memory that is given back keeps its addresses.
 * Whoever looks at a buffer after releasing it finds zeros or another's bytes, and does not crash. No buffer
 * is allocated singly then.
 */
#define DUO_POOL_KEEP_ADDRESSES 1

/** `duo_pool_options`: note who acquires each buffer in debug builds of the library only. */
#define DUO_LEAK_TRACKING_AUTO 0

/** `duo_pool_options`: note nothing. */
#define DUO_LEAK_TRACKING_OFF 1

/** `duo_pool_options`: note who acquires each buffer, for `duo_pool_held`. */
#define DUO_LEAK_TRACKING_ON 2

/** `duo_pool_create_managed`: transactions on their way in; 5,000 buffers initially. */
#define DUO_POOL_TRANSACTION_REQUEST 1

/** `duo_pool_create_managed`: headers and what they list; 2,000 buffers initially. */
#define DUO_POOL_BLOCK_PROPOSAL 2

/** `duo_pool_create_managed`: votes and certificates; 10,000 buffers initially. */
#define DUO_POOL_CONSENSUS_MESSAGE 3

/** `duo_pool_create_managed`: entries of a replicated log; 20,000 buffers initially. */
#define DUO_POOL_LOG_ENTRY 4

/** `duo_pool_maintain`: the time of the library's own clock. */
#define DUO_NOW (-1)

/** `duo_queue_options`: one thread takes out at a time. */
#define DUO_CONSUMERS_ONE 0

/** `duo_queue_options`: many threads take out at the same time. */
#define DUO_CONSUMERS_MANY 1

/** Most threads that take out of one queue at the same time. */
#define DUO_CONSUMERS_MAX 64

/** `duo_tx_status`: in no block. */
#define DUO_TX_UNKNOWN 0

/** `duo_tx_status`: in a durable block that is not final yet. */
#define DUO_TX_INCLUDED 1

/** `duo_tx_status`: in a final block. */
#define DUO_TX_FINAL 2

/** `duo_health`: as it should be. */
#define DUO_HEALTH_HEALTHY 1

/** `duo_health`: catching up after a fault. */
#define DUO_HEALTH_RECOVERING 2

/** `duo_health`: finality is late; blocks are of half size. */
#define DUO_HEALTH_DEGRADED 3

/** `duo_health`: finality does not advance. */
#define DUO_HEALTH_STALLED 4

/** `duo_metric`: only grows while the node is open. */
#define DUO_METRIC_COUNTER 1

/** `duo_metric`: moves both ways. */
#define DUO_METRIC_GAUGE 2

/** `duo_sub_options`: begin at the oldest retained event. */
#define DUO_START_OLDEST 0

/** `duo_sub_options`: begin after the last acknowledged event of the named cursor. */
#define DUO_START_CURSOR 1

/** `duo_sub_options`: begin after the newest event. */
#define DUO_START_LATEST 2

/** `duo_event`: an Alpha block is final. */
#define DUO_EVENT_ALPHA_BLOCK_FINALIZED 1

/** `duo_event`: a Delta block is final. */
#define DUO_EVENT_DELTA_BLOCK_FINALIZED 2

/** `duo_event`: a cross-chain lock is attested. */
#define DUO_EVENT_SAX_LOCK_ATTESTED 3

/** `duo_event`: a cross-chain lock is released. */
#define DUO_EVENT_SAX_UNLOCKED 4

/** `duo_event`: a governance decision took effect. */
#define DUO_EVENT_GOVERNANCE_EXECUTED 5

/** `duo_event`: a governance decision missed its window. */
#define DUO_EVENT_GOVERNANCE_EXPIRED 6

/** `duo_event`: both chains reached the end of an epoch. */
#define DUO_EVENT_EPOCH_BOUNDARY_REACHED 7

/** `duo_event`: a change of epoch was put off. */
#define DUO_EVENT_EPOCH_ABORTED 8

/** `duo_event`: the chain's service got worse. */
#define DUO_EVENT_CHAIN_DEGRADED 9

/** `duo_event`: the chain's service got better. */
#define DUO_EVENT_CHAIN_RECOVERED 10

/** `duo_event`: a validator lost stake. */
#define DUO_EVENT_VALIDATOR_SLASHED 11

/** `duo_event`: a validator was excluded for a while. */
#define DUO_EVENT_VALIDATOR_JAILED 12

/** Length of the name of a cluster in bytes. */
#define DUO_CLUSTER_BYTES 16

/** Most members of a replicated log. */
#define DUO_REPLOG_MEMBERS_MAX 32

/** Files of the library's own format, the one to use: damage is named, and mended from the other members. */
#define DUO_LOG_BACKEND_SEGMENTS 0

/** A database of RocksDB, in a library with `DUO_FEATURE_ROCKSDB`: several times slower, and never mended. */
#define DUO_LOG_BACKEND_ROCKSDB 1

/** `duo_replog_append_options`: wait until a majority has it on disk; then nothing takes it away. */
#define DUO_REPLOG_WAIT_QUORUM 0

/** `duo_replog_append_options`: wait until the leader has it on disk; a new leader may still drop it. */
#define DUO_REPLOG_WAIT_LOCAL 1

/**
 * `duo_replog_append_options`: wait until every voter has it on disk. `DUO_PARTIAL` when it is committed and this
 * node, which leads no longer or ends, cannot know of every voter.
 */
#define DUO_REPLOG_WAIT_ALL 2

/** Length of the id of an entry in bytes. */
#define DUO_REPLOG_ID_BYTES 32

/** Flag of `duo_replog_append_options`: before what is normal and has no place yet. */
#define DUO_REPLOG_CRITICAL 1

/** `duo_replog_change_t`: this node becomes a learner, or stays what it is with a new address. */
#define DUO_REPLOG_ADD 1

/** `duo_replog_change_t`: this learner becomes a voter. */
#define DUO_REPLOG_PROMOTE 2

/** `duo_replog_change_t`: this voter becomes a learner. */
#define DUO_REPLOG_DEMOTE 3

/** `duo_replog_change_t`: this member leaves. */
#define DUO_REPLOG_REMOVE 4

/** Batches, questions and snapshots of a log whose answer was not fetched. */
#define DUO_REPLOG_PENDING_MAX 65536

/** Largest state that `duo_replog_snapshot` takes, in bytes. */
#define DUO_REPLOG_SNAPSHOT_BYTES_MAX 1073741824

/** Most bytes of a piece of a state. */
#define DUO_REPLOG_PIECE_BYTES_MAX 16777216

/** `duo_replog_status_t`: takes entries from a leader, or waits for one. */
#define DUO_REPLOG_FOLLOWER 1

/** `duo_replog_status_t`: asks for votes. */
#define DUO_REPLOG_CANDIDATE 2

/** `duo_replog_status_t`: decides what is in the log. */
#define DUO_REPLOG_LEADER 3

/** `duo_replog_member_t`: its vote counts. */
#define DUO_REPLOG_VOTER 1

/** `duo_replog_member_t`: its vote counts until the change under way is over. */
#define DUO_REPLOG_OUTGOING 2

/** `duo_replog_member_t`: takes the log only. */
#define DUO_REPLOG_LEARNER 4

/** `duo_replog_member_t`: a learner once the change under way is over. */
#define DUO_REPLOG_DEMOTED 8

/** The call succeeded. */
#define DUO_OUTCOME_SUCCESS 0

/** The peer failed, or took too long. */
#define DUO_OUTCOME_FAILURE 1

/** Says nothing about the peer: the call was not made, or the caller was at fault. */
#define DUO_OUTCOME_ABANDONED 2

/** Everything is let through. */
#define DUO_BREAKER_CLOSED 0

/** Nothing is let through. */
#define DUO_BREAKER_OPEN 1

/** A few probes are let through. */
#define DUO_BREAKER_HALF_OPEN 2

/** The peer's fault, and it may pass: try again. */
#define DUO_FAULT_RETRYABLE 0

/** The peer's fault, and it will not pass. */
#define DUO_FAULT_PERMANENT 1

/** The caller's fault: says nothing about the peer. */
#define DUO_FAULT_CALLER 2

/** Delays without chance. */
#define DUO_RETRY_NO_JITTER 1

/**
 * Outcome of a call. 0 is success, positive numbers are normal outcomes, negative numbers are errors.
 * Numbers are permanent.
 */
enum duo_status
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : int32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    /** The call did what it says. */
    DUO_OK = 0,
    /** Full on the way in, or empty on the way out: try again later. */
    DUO_AGAIN = 1,
    /** The time given to a waiting call ran out. */
    DUO_TIMEOUT = 2,
    /** There is no such thing (yet). */
    DUO_NOT_FOUND = 3,
    /** Closed, and everything that was accepted has been handed out. */
    DUO_END = 4,
    /** A batch was accepted up to the count reported. */
    DUO_PARTIAL = 5,
    /** An argument is NULL, out of range or malformed. */
    DUO_ERR_INVALID_ARGUMENT = -1,
    /** The handle was never given out, is of another kind, or was freed. */
    DUO_ERR_BAD_HANDLE = -2,
    /** The object was closed. */
    DUO_ERR_CLOSED = -3,
    /** This build or this object cannot do it. */
    DUO_ERR_UNSUPPORTED = -4,
    /** The caller was compiled against another major version of the interface. */
    DUO_ERR_ABI_MISMATCH = -5,
    /** A memory bound was reached. */
    DUO_ERR_NO_MEMORY = -6,
    /** The operating system refused a file or device operation. */
    DUO_ERR_IO = -7,
    /** Stored data does not match its checksum, its hash or its format. */
    DUO_ERR_CORRUPTION = -8,
    /** A configuration key or value is wrong. */
    DUO_ERR_CONFIG = -9,
    /** Larger than the configured maximum. */
    DUO_ERR_TOO_LARGE = -10,
    /** The same transaction was accepted before. */
    DUO_ERR_DUPLICATE = -11,
    /** The transaction is not acceptable, for example empty. */
    DUO_ERR_INVALID_TX = -12,
    /** Another node leads. */
    DUO_ERR_NOT_LEADER = -13,
    /** Too few nodes answer. */
    DUO_ERR_NO_QUORUM = -14,
    /** The stored value is not the expected one. */
    DUO_ERR_CONFLICT = -15,
    /** Given up before it took effect, because the caller or a close asked for it. */
    DUO_ERR_CANCELLED = -16,
    /** The operating system denied access. */
    DUO_ERR_PERMISSION = -17,
    /** Held by somebody else: a second process on a directory, a second consumer. */
    DUO_ERR_BUSY = -18,
    /** Called from inside a callback of the library. */
    DUO_ERR_REENTRANT = -19,
    /** The handle belongs to the parent process of a fork. */
    DUO_ERR_FORKED = -20,
    /** An earlier panic or failed write left the object unusable; close and reopen it. */
    DUO_ERR_POISONED = -21,
    /** The library hit a bug while serving this call; the handle is poisoned. */
    DUO_ERR_PANIC = -22,
    /** An unexpected failure inside the library. */
    DUO_ERR_INTERNAL = -99,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum duo_status duo_status;
#else
typedef int32_t duo_status;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/** A circuit breaker. */
typedef struct duo_breaker duo_breaker;

/** Bounds concurrency. */
typedef struct duo_bulkhead duo_bulkhead;

/** A configuration. */
typedef struct duo_config duo_config;

/** Lanes of a queue that other processes put into. */
typedef struct duo_lane duo_lane;

/** A producer on shared lanes, in any process of the same user. */
typedef struct duo_lane_producer duo_lane_producer;

/** A rate limiter. */
typedef struct duo_limiter duo_limiter;

/** A node: both chains over one data directory. */
typedef struct duo_node duo_node;

/** A pool of buffers. */
typedef struct duo_pool duo_pool;

/** A transaction queue. */
typedef struct duo_queue duo_queue;

/** Stacks by name. */
typedef struct duo_registry duo_registry;

/** One machine's part of a replicated log. */
typedef struct duo_replog duo_replog;

/** A retry policy. */
typedef struct duo_retry duo_retry;

/** Policies in the order circuit, rate, bulkhead, retry. */
typedef struct duo_stack duo_stack;

/** Collects the transactions of one producer for one lane of a queue. */
typedef struct duo_stage duo_stage;

/** A reader of events. */
typedef struct duo_sub duo_sub;

/** How the library is started. */
typedef struct duo_init_options {
    /** `sizeof(duo_init_options)`. */
    uint32_t struct_size;
    /** 0. */
    uint32_t flags;
    /** `DUO_ABI_VERSION` of the header that the host was compiled with; 0: not checked. */
    uint32_t header_abi;
    /** 0. */
    uint32_t reserved;
} duo_init_options;
/** Initial value of a `duo_init_options`. */
#define DUO_INIT_OPTIONS_INIT { sizeof(duo_init_options), 0, 0, 0 }

/** The last failed call of a thread. */
typedef struct duo_error_info {
    /** `sizeof(duo_error_info)`. */
    uint32_t struct_size;
    /** 0. */
    uint32_t flags;
    /** A `duo_status`; `DUO_OK` when nothing failed on this thread yet. */
    int32_t status;
    /** A `DUO_CLASS_*`. */
    uint32_t status_class;
    /** Length of the message in bytes, without the NUL. */
    uint32_t message_bytes;
    /** 0. */
    uint32_t reserved;
    /** A number that belongs to the status. `DUO_ERR_NOT_LEADER`: the node that leads; 0: nobody is known to. */
    uint64_t detail;
} duo_error_info;
/** Initial value of a `duo_error_info`. */
#define DUO_ERROR_INFO_INIT { sizeof(duo_error_info), 0, 0, 0, 0, 0, 0 }

/**
 * Receives log records on the thread that made them. Texts are not NUL-terminated and end with the
 * call. Must not call into the library (`DUO_ERR_REENTRANT`), throw or long-jump.
 */
typedef void (*duo_log_fn)(void *user,
                           int32_t level,
                           const char *target,
                           size_t target_len,
                           const char *message,
                           size_t message_len);

/**
 * Called once when the library no longer needs `user`. No lock of the library is held: it may wait for
 * other threads that call the library.
 */
typedef void (*duo_drop_fn)(void *user);

/** A log record. */
typedef struct duo_log_record {
    /** Wall-clock time in nanoseconds since 1970. */
    uint64_t time_unix_ns;
    /** A `DUO_LOG_*` level. */
    int32_t level;
    /** Records lost directly before this one because the buffer was full. */
    uint32_t lost;
    /** Which part speaks, NUL-terminated. */
    char target[48];
    /** What it says, NUL-terminated. */
    char message[448];
} duo_log_record;

/** One key of the configuration table. All texts are static and never freed. */
typedef struct duo_config_key {
    /** `sizeof(duo_config_key)`. */
    uint32_t struct_size;
    /** 0. */
    uint32_t flags;
    /** Dotted name. */
    const char *name;
    /** What a value is: "path", "word", "integer", "power of two" or "cores". */
    const char *kind;
    /** Unit of a number; empty when there is none. */
    const char *unit;
    /** Value when not set. */
    const char *default_value;
    /** Allowed values in words. */
    const char *range;
    /** What it does. */
    const char *meaning;
    /** What breaks when it is set badly. */
    const char *consequence;
} duo_config_key;
/** Initial value of a `duo_config_key`. */
#define DUO_CONFIG_KEY_INIT { sizeof(duo_config_key), 0, NULL, NULL, NULL, NULL, NULL, NULL, NULL }

/** One size of buffer. */
typedef struct duo_pool_class {
    /** Size of a buffer in bytes. */
    size_t buffer_bytes;
    /** Most buffers of this size. */
    size_t count_max;
} duo_pool_class;

/** Shape of a pool. */
typedef struct duo_pool_options {
    /** `sizeof(duo_pool_options)`. */
    uint32_t struct_size;
    /** 0 or `DUO_POOL_KEEP_ADDRESSES`. */
    uint32_t flags;
    /** Sizes of buffers, ascending. Read during the call only. */
    const struct duo_pool_class *classes;
    /** Number of classes. */
    size_t class_count;
    /** Largest buffer that is allocated singly when no class has room; 0: none are. */
    size_t overflow_buffer_bytes_max;
    /** Bound on all such buffers together, in bytes. */
    size_t overflow_total_bytes_max;
    /**
     * Buffers of each class whose memory is kept once it is there, `class_count` numbers; NULL: none. Read
     * during the call only.
     */
    const size_t *initial;
    /**
     * How long demand has to stay low before `duo_pool_maintain` gives memory back; 0 is a minute, negative is
     * never.
     */
    int64_t shrink_after_ns;
    /** Not 0: take and touch the memory of the initial buffers now. */
    uint32_t warm_up;
    /** A `DUO_HUGE_PAGES_*`. */
    uint32_t huge_pages;
    /** A `DUO_LEAK_TRACKING_*`. */
    uint32_t leak_tracking;
    /** 0. */
    uint32_t reserved;
} duo_pool_options;
/** Initial value of a `duo_pool_options`. */
#define DUO_POOL_OPTIONS_INIT { sizeof(duo_pool_options), 0, NULL, 0, 0, 0, NULL, 0, 0, 0, 0, 0 }

/** A buffer that the host holds until it releases it. */
typedef struct duo_buf {
    /** First byte. */
    void *data;
    /** Bytes asked for. */
    size_t len;
    /** Bytes that may be used, `len` at least. */
    size_t cap;
    /** Names the buffer for the release. */
    uint64_t handle;
} duo_buf;

/** What a pool did and holds. */
typedef struct duo_pool_stats_t {
    /** `sizeof(duo_pool_stats_t)`. */
    uint32_t struct_size;
    /** 0. */
    uint32_t flags;
    /** Buffers checked out now. */
    uint64_t in_use;
    /** Most buffers ever checked out at once; up to 64 more for each thread, which are at hand there. */
    uint64_t in_use_high;
    /**
     * Buffers that were used before and can be used again, with or without memory at the moment, and up to 31 a
     * thread that lie ready for a first use.
     */
    uint64_t free_buffers;
    /** Memory reserved for classes, in bytes. */
    uint64_t reserved_bytes;
    /** Buffers handed out so far. */
    uint64_t acquired;
    /** Buffers given back so far. */
    uint64_t released;
    /** Requests refused for want of a buffer. */
    uint64_t exhausted;
    /** Singly allocated buffers checked out now. */
    uint64_t overflow_in_use;
    /** Singly allocated buffers handed out so far. */
    uint64_t overflow_acquired;
    /** Memory of singly allocated buffers now, in bytes. */
    uint64_t overflow_bytes;
    /** Releases refused because the buffer was not checked out. */
    uint64_t stale_refused;
    /** Buffers of the classes with memory behind them. */
    uint64_t resident_buffers;
    /** Slabs that are there. */
    uint64_t slabs;
    /** Slabs given back to the system so far. */
    uint64_t evictions;
    /** 1 when the system took the advice to use huge pages for all slabs, else 0. */
    uint64_t huge_pages;
    /**
     * Slabs given back of which the system took the memory and refused the addresses, because the process has
     * as many mappings as it may (`vm.max_map_count`). Later slabs use these addresses.
     */
    uint64_t unmaps_refused;
} duo_pool_stats_t;
/** Initial value of a `duo_pool_stats_t`. */
#define DUO_POOL_STATS_INIT { sizeof(duo_pool_stats_t), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 }

/** What one `duo_pool_maintain` did. */
typedef struct duo_pool_maintenance_t {
    /** `sizeof(duo_pool_maintenance_t)`. */
    uint32_t struct_size;
    /** 0. */
    uint32_t flags;
    /** Buffers that got memory ahead of demand. */
    uint64_t grown_buffers;
    /** Slabs given back to the system. */
    uint64_t evicted_slabs;
    /** Their memory in bytes. */
    uint64_t evicted_bytes;
} duo_pool_maintenance_t;
/** Initial value of a `duo_pool_maintenance_t`. */
#define DUO_POOL_MAINTENANCE_INIT { sizeof(duo_pool_maintenance_t), 0, 0, 0, 0 }

/** A buffer that is checked out. */
typedef struct duo_held {
    /** Names the buffer, as in `duo_buf`. */
    uint64_t handle;
    /** Bytes that were asked for. */
    uint64_t len;
    /** Time since it was acquired, in nanoseconds. */
    int64_t age_ns;
    /** Who acquired it: the `site` of `duo_pool_acquire_at`, or a place in the library. NUL-terminated. */
    char site[120];
} duo_held;

/** Figures of one class of a pool. */
typedef struct duo_pool_class_stats_t {
    /** `sizeof(duo_pool_class_stats_t)`. */
    uint32_t struct_size;
    /** 0. */
    uint32_t flags;
    /** Size of a buffer in bytes. */
    uint64_t buffer_bytes;
    /** Most buffers. */
    uint64_t count_max;
    /** Buffers whose memory `duo_pool_maintain` never gives back. */
    uint64_t initial;
    /** Buffers checked out now. */
    uint64_t in_use;
    /** Most buffers ever checked out at once; up to 64 more for each thread, which are at hand there. */
    uint64_t in_use_high;
    /** Buffers that were used before and can be used again, and up to 31 a thread that lie ready for a first use. */
    uint64_t free_buffers;
    /** Buffers with memory behind them. */
    uint64_t resident_buffers;
    /** Slabs that are there. */
    uint64_t slabs;
    /** Their memory in bytes. */
    uint64_t reserved_bytes;
    /** Buffers handed out so far. */
    uint64_t acquired;
    /** Buffers given back so far. */
    uint64_t released;
    /** Slabs given back to the system so far. */
    uint64_t evictions;
} duo_pool_class_stats_t;
/** Initial value of a `duo_pool_class_stats_t`. */
#define DUO_POOL_CLASS_STATS_INIT { sizeof(duo_pool_class_stats_t), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 }

/**
 * Shape of a queue. All zero means one lane of 65536 cells, one consumer, strict priorities, 1 MiB
 * transactions, and a pool to fit.
 */
typedef struct duo_queue_options {
    /** `sizeof(duo_queue_options)`. */
    uint32_t struct_size;
    /** 0. */
    uint32_t flags;
    /** Cells of each lane, a power of two each, most urgent lane first. Read during the call only. */
    const size_t *lane_cells;
    /** Number of lanes; 0: one with the default. */
    size_t lane_count;
    /** `DUO_CONSUMERS_ONE` or `DUO_CONSUMERS_MANY`. */
    uint32_t consumers;
    /** 1 of every so many is taken from the least urgent lane that has any; 0: strict priorities. */
    uint32_t ageing;
    /** Largest transaction in bytes; 0: 1 MiB. */
    size_t transaction_bytes_max;
    /** The buffers behind the queue; NULL: sizes that fit the lanes. Read during the call only. */
    const struct duo_pool_options *pool;
    /**
     * Most transactions of a batch that share a cell, up to 32; 0 or 1: each takes one, so that a lane
     * holds as many transactions as it has cells. With more, batches cost less, cells bound runs, and the
     * pool alone bounds transactions. Only with `DUO_CONSUMERS_ONE`.
     */
    size_t run_max;
} duo_queue_options;
/** Initial value of a `duo_queue_options`. */
#define DUO_QUEUE_OPTIONS_INIT { sizeof(duo_queue_options), 0, NULL, 0, 0, 0, 0, NULL, 0 }

/** A piece of memory that the host owns. */
typedef struct duo_iovec {
    /** First byte. */
    const void *data;
    /** Number of bytes. */
    size_t len;
} duo_iovec;

/** A buffer of a queue's pool, for a transaction that is written in place. Must be committed or aborted. */
typedef struct duo_claim {
    /** First byte to fill. Valid until the commit, the abort, or the end of the queue or node. */
    void *data;
    /** Bytes to fill, all of them. */
    size_t len;
    /** Names the claim. */
    uint64_t handle;
    /** Lane it goes to. */
    uint32_t lane;
    /** Chain it goes to; 0 for a queue of its own. */
    uint32_t chain;
} duo_claim;

/** A transaction taken out of a queue. */
typedef struct duo_item {
    /** Where it begins in the buffer. */
    size_t offset;
    /** Its length in bytes. */
    size_t len;
    /** The tag it was put in with. */
    uint64_t tag;
    /** Its position in the lane, from 0; for shared lanes, of its segment in the lane. */
    uint64_t sequence;
    /** The lane it came from. */
    uint32_t lane;
    /** 0. */
    uint32_t reserved;
} duo_item;

/** What happened in one lane. */
typedef struct duo_lane_stats_t {
    /** `sizeof(duo_lane_stats_t)`. */
    uint32_t struct_size;
    /** 0. */
    uint32_t flags;
    /** Transactions put in so far. */
    uint64_t accepted;
    /** Transactions refused so far because the lane was full. */
    uint64_t refused;
    /** Transactions taken out so far. */
    uint64_t dequeued;
    /** Transactions in it now. */
    uint64_t depth;
    /** Most transactions that were in it. */
    uint64_t depth_high;
} duo_lane_stats_t;
/** Initial value of a `duo_lane_stats_t`. */
#define DUO_LANE_STATS_INIT { sizeof(duo_lane_stats_t), 0, 0, 0, 0, 0, 0 }

/** When a stage publishes by itself. All zero means lane 0, the queue's `run_max`, and never by age. */
typedef struct duo_stage_options {
    /** `sizeof(duo_stage_options)`. */
    uint32_t struct_size;
    /** 0. */
    uint32_t flags;
    /** Lane that it publishes to. */
    uint32_t lane;
    /** Publish once so many are staged, up to the queue's `run_max`; 0: `run_max`. */
    uint32_t count;
    /** Publish once the oldest was staged so many nanoseconds ago, looked at during calls; 0: never. */
    uint64_t age_ns;
} duo_stage_options;
/** Initial value of a `duo_stage_options`. */
#define DUO_STAGE_OPTIONS_INIT { sizeof(duo_stage_options), 0, 0, 0, 0 }

/** Shape of a segment of shared lanes. All zero means in memory, 4096 cells a lane, 16 seats of 1 MiB each. */
typedef struct duo_lane_options {
    /** `sizeof(duo_lane_options)`. */
    uint32_t struct_size;
    /** 0. */
    uint32_t flags;
    /** File to make, removed when the lanes are closed; NULL: in memory, sealed. Read during the call only. */
    const char *path;
    /** Cells of each lane, a power of two up to 2^20; 0: 4096. */
    size_t lane_cells;
    /** Producers that can be attached at the same time, up to 1024; 0: 16. */
    size_t seats;
    /**
     * Bytes of the room of each producer, a multiple of 64, which also bounds its largest transaction
     * (less 32); 0: 1 MiB.
     */
    size_t part_bytes;
} duo_lane_options;
/** Initial value of a `duo_lane_options`. */
#define DUO_LANE_OPTIONS_INIT { sizeof(duo_lane_options), 0, NULL, 0, 0, 0 }

/** What happened on shared lanes so far. */
typedef struct duo_lane_counts_t {
    /** `sizeof(duo_lane_counts_t)`. */
    uint32_t struct_size;
    /** 0. */
    uint32_t flags;
    /** Transactions taken out. */
    uint64_t accepted;
    /** Their bytes. */
    uint64_t bytes;
    /** Words that made no sense, passed over or written again. */
    uint64_t corrupt;
    /** Places in a lane passed over because later ones were filled. */
    uint64_t gaps;
    /** Times that a tail was corrected. */
    uint64_t tails;
    /** Seats for producers. */
    uint64_t seats;
    /** Seats that are taken. */
    uint64_t seats_taken;
    /** Seats taken over from processes that had ended. */
    uint64_t seats_recovered;
} duo_lane_counts_t;
/** Initial value of a `duo_lane_counts_t`. */
#define DUO_LANE_COUNTS_INIT { sizeof(duo_lane_counts_t), 0, 0, 0, 0, 0, 0, 0, 0, 0 }

/** What became of a submission. */
typedef struct duo_completion {
    /** The operation number that the submission returned. */
    uint64_t op;
    /** Height of its block; 0 when it is in none. */
    uint64_t height;
    /** When it was accepted, in nanoseconds on the node's clock. */
    uint64_t submitted_ns;
    /** When its outcome was known, on the same clock. */
    uint64_t finalized_ns;
    /** `DUO_OK`: final. `DUO_ERR_DUPLICATE`: submitted before, and final. `DUO_ERR_CANCELLED`: the node closed. */
    int32_t status;
    /** A `DUO_CHAIN_*`. */
    uint32_t chain;
    /** Position in its block. */
    uint32_t index;
    /** 0. */
    uint32_t reserved;
    /** Id of the transaction; zero when it was cancelled. */
    uint8_t tx[32];
} duo_completion;

/** State and place of a transaction. */
typedef struct duo_tx_status {
    /** `sizeof(duo_tx_status)`. */
    uint32_t struct_size;
    /** 0. */
    uint32_t flags;
    /** A `DUO_TX_*`. */
    uint32_t state;
    /** Position in its block. */
    uint32_t index;
    /** Height of its block; 0 when unknown. */
    uint64_t height;
} duo_tx_status;
/** Initial value of a `duo_tx_status`. */
#define DUO_TX_STATUS_INIT { sizeof(duo_tx_status), 0, 0, 0, 0 }

/** Where a chain stands. */
typedef struct duo_head {
    /** `sizeof(duo_head)`. */
    uint32_t struct_size;
    /** 0. */
    uint32_t flags;
    /** Height of the last block. */
    uint64_t height;
    /** Height of the highest final block. */
    uint64_t final_height;
    /** Slot of the last block. */
    uint64_t slot;
    /** Header time of the last block in nanoseconds since 1970. */
    uint64_t time_unix_ns;
    /** How late the last block was started against its schedule; negative when early. */
    int64_t slot_drift_ns;
    /** Transactions in all blocks. */
    uint64_t transactions;
    /** Transactions in final blocks. */
    uint64_t final_transactions;
    /** How often the chain's thread was started again. */
    uint64_t restarts;
    /** Hash of the last block. */
    uint8_t hash[32];
    /** Hash of the highest final block. */
    uint8_t final_hash[32];
    /** State after the last block. */
    uint8_t state_root[32];
} duo_head;
/** Initial value of a `duo_head`. */
#define DUO_HEAD_INIT { sizeof(duo_head), 0, 0, 0, 0, 0, 0, 0, 0, 0, {0}, {0}, {0} }

/** How well a chain does. */
typedef struct duo_health {
    /** `sizeof(duo_health)`. */
    uint32_t struct_size;
    /** 0. */
    uint32_t flags;
    /** A `DUO_HEALTH_*` of this chain. */
    uint32_t state;
    /** The worse one of both chains. */
    uint32_t node_state;
    /** Not 0 when the heights of the chains run apart. */
    uint32_t ratio_alarm;
    /** The chain. */
    uint32_t chain;
    /** Height of the last block. */
    uint64_t height;
    /** Blocks that are not final yet. */
    uint64_t final_lag_blocks;
    /** Time since the last block. */
    uint64_t since_block_ns;
    /** How often the chain's thread was started again. */
    uint64_t restarts;
    /** Why, NUL-terminated; empty while healthy from the start. */
    char reason[192];
} duo_health;
/** Initial value of a `duo_health`. */
#define DUO_HEALTH_INIT { sizeof(duo_health), 0, 0, 0, 0, 0, 0, 0, 0, 0, {0} }

/** One value of a node. Texts are static and never freed. */
typedef struct duo_metric {
    /** Name without the suffix that the text form adds to counters. */
    const char *name;
    /** What it is, with its unit. */
    const char *help;
    /** The value. */
    double value;
    /** The chain it is about; 0: the node. */
    uint32_t chain;
    /** A `DUO_METRIC_*`. */
    uint32_t kind;
} duo_metric;

/** What to follow, and from where. All zero means both chains from the oldest event, without a cursor. */
typedef struct duo_sub_options {
    /** `sizeof(duo_sub_options)`. */
    uint32_t struct_size;
    /** 0. */
    uint32_t flags;
    /** A `DUO_CHAIN_*`; 0: both. */
    uint32_t chain;
    /** A `DUO_START_*`. */
    uint32_t start;
    /** Name of the durable cursor that `duo_sub_ack` moves; NULL: none. Read during the call only. */
    const char *name;
} duo_sub_options;
/** Initial value of a `duo_sub_options`. */
#define DUO_SUB_OPTIONS_INIT { sizeof(duo_sub_options), 0, 0, 0, NULL }

/** One entry of a chain's event stream. */
typedef struct duo_event {
    /** Its number in the chain's stream, from 1 without gaps. */
    uint64_t sequence;
    /** The block concerned; for health, the highest final one. */
    uint64_t height;
    /** Header time of a final block, otherwise the time of the change, in nanoseconds since 1970. */
    uint64_t time_unix_ns;
    /** The chain whose stream it is in. */
    uint32_t chain;
    /** A `DUO_EVENT_*`. */
    uint32_t kind;
    /** Transactions in the block; 0 for other kinds. */
    uint32_t tx_count;
    /** The chain's `DUO_HEALTH_*` after a change; 0 for other kinds. */
    uint32_t health;
    /** Hash of the block. */
    uint8_t hash[32];
    /** A short text for people, NUL-terminated; empty for final blocks. */
    char detail[184];
} duo_event;

/** Everything about a block but its transactions. */
typedef struct duo_block_header_t {
    /** `sizeof(duo_block_header_t)`. */
    uint32_t struct_size;
    /** 0. */
    uint32_t flags;
    /** Its chain. */
    uint32_t chain;
    /** Number of transactions. */
    uint32_t tx_count;
    /** Its position in the chain, from 1. */
    uint64_t height;
    /** The slot it was proposed in. */
    uint64_t slot;
    /** The proposer's clock in nanoseconds since 1970. */
    uint64_t time_unix_ns;
    /** Height of the other chain's last final block that the proposer knew; 0: none. */
    uint64_t peer_height;
    /** Length of the transactions with their lengths, in bytes. */
    uint64_t body_bytes;
    /** Hash of the block itself. */
    uint8_t hash[32];
    /** Hash of the block before; zero for height 1. */
    uint8_t parent[32];
    /** Root over the transaction ids. */
    uint8_t tx_root[32];
    /** State after the parent. */
    uint8_t state_root[32];
    /** Hash of the other chain's block. */
    uint8_t peer_hash[32];
} duo_block_header_t;
/** Initial value of a `duo_block_header_t`. */
#define DUO_BLOCK_HEADER_INIT { sizeof(duo_block_header_t), 0, 0, 0, 0, 0, 0, 0, 0, {0}, {0}, {0}, {0}, {0} }

/** A member and where the others find it. */
typedef struct duo_replog_member {
    /** Its number, from 1; never used again for another machine. */
    uint64_t node;
    /** `host:port`, such as "10.0.0.1:7400". Read during the call only. */
    const char *address;
} duo_replog_member;

/** How to open a replicated log. 0 stands for the default of a setting; all members should have the same. */
typedef struct duo_replog_options {
    /** `sizeof(duo_replog_options)`. */
    uint32_t struct_size;
    /** 0. */
    uint32_t flags;
    /** Directory for log and vote, made when it is not there; nobody else uses it. */
    const char *dir;
    /** Where to listen, `address:port`. */
    const char *listen;
    /**
     * Who makes up the cluster when it begins: the same on all of them. Later the log says it. A node that is
     * not among them is to be added by `duo_replog_change`; it gives those that are members then.
     */
    const struct duo_replog_member *members;
    /** How many. */
    size_t members_len;
    /** This node's number. */
    uint64_t node;
    /** The cluster, which a directory belongs to for ever. */
    uint8_t cluster[16];
    /** Time between two heartbeats; default 50 ms. */
    uint64_t heartbeat_ns;
    /** A follower that hears no leader campaigns after a random time between this ... */
    uint64_t election_min_ns;
    /** ... and this; default 150 ms and 300 ms. */
    uint64_t election_max_ns;
    /** A leader whose disk does not answer for longer steps down; default 1 s. */
    uint64_t disk_stall_max_ns;
    /** Bytes of a batch, from 16 KiB to 30 MiB, with 52 for each entry and 96 for the batch counted in; default 8 MiB. */
    uint64_t batch_bytes_max;
    /**
     * Bytes that wait to be committed before appends get `DUO_AGAIN`, from `batch_bytes_max` to `window_bytes_max`; default
     * 32 MiB.
     */
    uint64_t uncommitted_bytes_max;
    /** Bytes of one file of the log; default 64 MiB. Nothing to a log in RocksDB. */
    uint64_t segment_bytes;
    /** Entries of a batch, up to 10,000, which is the default. */
    uint32_t batch_entries_max;
    /** `DUO_LOG_BACKEND_*`: what keeps the log, which a directory keeps for ever. */
    uint32_t log_backend;
    /**
     * PEM file with this node's certificate, behind it those between it and the authority, if any. With the two
     * below, every connection between nodes is TLS 1.3 with certificates on both ends: the same on all members. All
     * three or none. NULL: in clear, and whoever can connect is believed. Needs a library with `DUO_FEATURE_TLS`.
     */
    const char *tls_certificate;
    /** PEM file with its private key, without a password. */
    const char *tls_key;
    /** PEM file with the authority's certificate, or several. */
    const char *tls_authority;
    /**
     * Entries before the newest snapshot that the log keeps at least, for nodes that were away for a moment; default
     * 100,000.
     */
    uint64_t tail_entries;
    /**
     * Nodes that are talked to beside the members that the log of this node names so far: for one that was away while
     * members changed, and whose leader it does not know. Usually none.
     */
    const struct duo_replog_member *contacts;
    /** How many. */
    size_t contacts_len;
    /**
     * How long the opening of a log that is damaged in its middle asks the others for what is missing, before it is refused
     * by name; default 30 s. With 1 it is refused at once. Too short for them to connect, or to elect a leader, refuses
     * what could be mended.
     */
    uint64_t repair_within_ns;
    /**
     * How long closing and destroying wait for threads that a disk that does not answer, or the look-up of a member's name,
     * holds; default 30 s. Too short, and the directory is still locked when it is opened again; too long, and a host whose
     * disk does not answer cannot end.
     */
    uint64_t close_within_ns;
    /**
     * A session is remembered for so long after its last entry, in log time; default 1 h. Too short, and what is appended
     * again after that is read twice. It belongs to the cluster like its name, as the next two do: the same on all nodes,
     * never changed.
     */
    uint64_t time_to_live_ns;
    /** Sessions that are remembered, up to 1,048,576; default 65,536. Each takes about 150 bytes, 1 KiB more with gaps. */
    uint32_t sessions_max;
    /** Ids that are remembered, up to 16,777,216; default 262,144. */
    uint32_t ids_max;
    /**
     * For a connection to another node and its whole hello; default 2 s. Too short refuses nodes that are busy, too long
     * lets strangers hold places.
     */
    uint64_t hello_timeout_ns;
    /**
     * Longest wait of an entry for others to go with while the disk is busy, up to 1 s; default 1 ms. Longer ones make
     * larger batches and slower answers.
     */
    uint64_t batch_latency_ns;
    /**
     * Bytes of entries that wait to go with others, with 128 for each, before appends get `DUO_AGAIN`; default 16 MiB. Less
     * than a whole batch and what is kept free for critical entries is as much as these.
     */
    uint64_t batch_staged_bytes_max;
    /**
     * Bytes of appends that are not committed yet, counted alike, before others wait, from 256 KiB; default 8 MiB. More
     * costs latency; too few are slow where a commit takes long.
     */
    uint64_t batch_inflight_bytes_max;
    /** Bytes of the log under way to one follower, from 1 MiB; default 8 MiB. Too few are slow where the way is long. */
    uint64_t peer_inflight_bytes_max;
    /**
     * Bytes of the log's end in memory for followers, from `uncommitted_bytes_max`; default 64 MiB. What is older is read
     * from disk.
     */
    uint64_t window_bytes_max;
    /** Reads that wait for a majority before more get `DUO_AGAIN`; default 4,096. */
    uint64_t reads_max;
    /**
     * Bytes of one piece of a snapshot on its way to another node, up to 1 MiB; default 256 KiB. A heartbeat may wait for
     * the pieces under way: together they should pass in a small part of `election_min_ns`.
     */
    uint32_t snapshot_chunk_bytes;
    /** Pieces under way to one node, up to 64; default 8. Too few are slow where the way is long. */
    uint32_t snapshot_chunks_inflight_max;
} duo_replog_options;
/** Initial value of a `duo_replog_options`. */
#define DUO_REPLOG_OPTIONS_INIT { sizeof(duo_replog_options), 0, NULL, NULL, NULL, 0, 0, {0}, 0, 0, 0, 0, 0, 0, 0, 0, 0, NULL, NULL, NULL, 0, NULL, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 }

/** How to append. All zero is the usual way. */
typedef struct duo_replog_append_options {
    /** `sizeof(duo_replog_append_options)`. */
    uint32_t struct_size;
    /** 0, or `DUO_REPLOG_CRITICAL`. */
    uint32_t flags;
    /** A `DUO_REPLOG_WAIT_*`. */
    uint32_t wait;
    /** 0. */
    uint32_t reserved;
    /** Who makes the entries; 0: nobody, they are not protected against repetition. */
    uint64_t session;
    /** Number of the first entry in its session; the others follow on. 0 without a session. */
    uint64_t sequence;
    /**
     * What the entries are known by beside that, end to end: `DUO_REPLOG_ID_BYTES` for each, all zeros for one that has
     * none. NULL: none of them has. Read during the call only.
     */
    const void *ids;
    /** How many bytes these are; 0 without them. As many as the entries need, or `DUO_ERR_INVALID_ARGUMENT`. */
    size_t ids_len;
} duo_replog_append_options;
/** Initial value of a `duo_replog_append_options`. */
#define DUO_REPLOG_APPEND_OPTIONS_INIT { sizeof(duo_replog_append_options), 0, 0, 0, 0, 0, NULL, 0 }

/** What became of an append. */
typedef struct duo_replog_receipt {
    /** Place of its last entry. */
    uint64_t index;
    /** The term of the leader that put it there. */
    uint64_t term;
    /** So many of its entries were there before under the same session and number, or the same id: they are read once. */
    uint32_t repeated;
    /** So many came so late in their session that nobody knows whether they were there before: they are not read. */
    uint32_t stale;
} duo_replog_receipt;

/** One part of a change of members. */
typedef struct duo_replog_change_t {
    /** Which node. */
    uint64_t node;
    /** Where it is found, for `DUO_REPLOG_ADD`; otherwise NULL. Read during the call only. */
    const char *address;
    /** A `DUO_REPLOG_ADD`, `_PROMOTE`, `_DEMOTE` or `_REMOVE`. */
    uint32_t what;
    /** 0. */
    uint32_t reserved;
} duo_replog_change_t;

/** A committed entry. */
typedef struct duo_replog_entry {
    /** Its place in the log. */
    uint64_t index;
    /** The term of the leader that put it there. */
    uint64_t term;
    /** Log time in nanoseconds since 1970: that of its leader, and never less than that of the entry before. */
    uint64_t time_unix_ns;
    /** Who made it; 0: nobody said. */
    uint64_t session;
    /** Its number there. */
    uint64_t sequence;
    /** Where its bytes begin in the buffer of the call. */
    size_t offset;
    /** How many they are. */
    size_t len;
} duo_replog_entry;

/** A snapshot of a host's state. */
typedef struct duo_replog_snapshot_t {
    /** The last entry in it: ask next for what is behind this. */
    uint64_t index;
    /** Length of the state in bytes. */
    uint64_t bytes;
} duo_replog_snapshot_t;

/** Where a node stands. */
typedef struct duo_replog_status_t {
    /** `sizeof(duo_replog_status_t)`. */
    uint32_t struct_size;
    /** 0. */
    uint32_t flags;
    /** `DUO_REPLOG_FOLLOWER`, `_CANDIDATE` or `_LEADER`. */
    uint32_t role;
    /** How many members there are. */
    uint32_t members;
    /** This node. */
    uint64_t node;
    /** Its term. */
    uint64_t term;
    /** Who leads, as far as it knows; 0: nobody. */
    uint64_t leader;
    /** The oldest entry that it still has. */
    uint64_t first;
    /** The end of its log. */
    uint64_t last;
    /** Everything up to here is on its disk. */
    uint64_t durable;
    /** Everything up to here is committed. */
    uint64_t commit;
    /** Bytes that wait to be committed; of a leader. */
    uint64_t uncommitted_bytes;
    /** Where the leader is found, NUL-terminated; empty when nobody leads. */
    char leader_address[264];
    /** The last entry in its newest snapshot; 0: it has none. */
    uint64_t snapshot;
    /** Everything up to here can be read here; 0 while an opening goes through its log. */
    uint64_t applied;
    /** The term of the last entry of its log. */
    uint64_t last_term;
    /** Bytes of the log that are in memory. */
    uint64_t window_bytes;
    /** Where it listens, NUL-terminated: with the port that the system chose, where the options said 0. */
    char address[64];
    /** Counts changes of role, term, leader and members, from 1 when the log was opened; for `duo_replog_wait_status`. */
    uint64_t changes;
} duo_replog_status_t;
/** Initial value of a `duo_replog_status_t`. */
#define DUO_REPLOG_STATUS_INIT { sizeof(duo_replog_status_t), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, {0}, 0, 0, 0, 0, {0}, 0 }

/** What a leader knows of another member. */
typedef struct duo_replog_peer {
    /** Which. */
    uint64_t node;
    /** Everything up to here is on its disk. */
    uint64_t matched;
    /** What is sent next. */
    uint64_t next;
    /** Bytes on their way. */
    uint64_t inflight_bytes;
    /** Time since it answered. */
    uint64_t silent_ns;
    /** Not 0 while it takes a snapshot. */
    uint32_t in_snapshot;
    /** 0. */
    uint32_t reserved;
} duo_replog_peer;

/** A member, as a node's log says. */
typedef struct duo_replog_member_t {
    /** Its number. */
    uint64_t node;
    /** `DUO_REPLOG_VOTER`, `_OUTGOING`, `_LEARNER` and `_DEMOTED` bits. */
    uint32_t parts;
    /** 0. */
    uint32_t reserved;
    /** Where it is found, NUL-terminated. */
    char address[264];
} duo_replog_member_t;

/** When a breaker opens and closes. 0 stands for the default of a field. */
typedef struct duo_breaker_options {
    /** `sizeof(duo_breaker_options)`. */
    uint32_t struct_size;
    /** 0. */
    uint32_t flags;
    /** How far back outcomes count, 10 ms to 24 h; default 10 s. */
    uint64_t window_ns;
    /** How long it stays open, 1 ms to 24 h; default 5 s. */
    uint64_t timeout_ns;
    /** Calls in the window below which it never opens, up to 20,000; default 10. */
    uint32_t min_requests;
    /** Share of failures that opens it, in thousandths, up to 1,000; default 500. */
    uint32_t threshold_per_mille;
    /** Calls let through at a time while half-open, up to 1,000; default 1. */
    uint32_t probes_max;
    /** Successes that close it, up to 1,000; default 3. */
    uint32_t successes_to_close;
    /** With `recovery_ns`: the threshold at the moment of closing, regained in that time. 0: always the full one. */
    uint32_t floor_per_mille;
    /** 0. */
    uint32_t reserved;
    /** See `floor_per_mille`; up to 24 h. */
    uint64_t recovery_ns;
} duo_breaker_options;
/** Initial value of a `duo_breaker_options`. */
#define DUO_BREAKER_OPTIONS_INIT { sizeof(duo_breaker_options), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 }

/** A breaker's figures. */
typedef struct duo_breaker_stats_t {
    /** `sizeof(duo_breaker_stats_t)`. */
    uint32_t struct_size;
    /** 0. */
    uint32_t flags;
    /** `DUO_BREAKER_*`. */
    uint32_t state;
    /** The failure rate that opens it now, in thousandths. */
    uint32_t threshold_per_mille;
    /** Calls in the window. */
    uint64_t window_calls;
    /** Failures in the window. */
    uint64_t window_failures;
    /** Calls reported so far, without probes. */
    uint64_t calls;
    /** Failures among them. */
    uint64_t failures;
    /** Calls not let through. */
    uint64_t rejected;
    /** How often it opened. */
    uint64_t opened;
    /** For how many nanoseconds it will still reject. */
    uint64_t rejects_for_ns;
} duo_breaker_stats_t;
/** Initial value of a `duo_breaker_stats_t`. */
#define DUO_BREAKER_STATS_INIT { sizeof(duo_breaker_stats_t), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 }

/** How many tokens come, and how many can be saved up. 0 stands for the default of a field. */
typedef struct duo_limiter_options {
    /** `sizeof(duo_limiter_options)`. */
    uint32_t struct_size;
    /** 0. */
    uint32_t flags;
    /** Tokens that come in each period, at most one per nanosecond; default 100. */
    uint32_t tokens;
    /** Tokens that can be saved up, up to 2^30; default a tenth of `tokens`, at least 1. */
    uint32_t burst;
    /** The period, up to 366 days; default 1 s. */
    uint64_t period_ns;
} duo_limiter_options;
/** Initial value of a `duo_limiter_options`. */
#define DUO_LIMITER_OPTIONS_INIT { sizeof(duo_limiter_options), 0, 0, 0, 0 }

/** A limiter's figures. */
typedef struct duo_limiter_stats_t {
    /** `sizeof(duo_limiter_stats_t)`. */
    uint32_t struct_size;
    /** 0. */
    uint32_t flags;
    /** Tokens that could be had at once. */
    uint32_t available;
    /** Tokens that can be saved up. */
    uint32_t burst;
    /** Calls refused so far because of the rate. */
    uint64_t refused;
} duo_limiter_stats_t;
/** Initial value of a `duo_limiter_stats_t`. */
#define DUO_LIMITER_STATS_INIT { sizeof(duo_limiter_stats_t), 0, 0, 0, 0 }

/** How many calls at a time, and how many in line. 0 stands for the default of `permits`. */
typedef struct duo_bulkhead_options {
    /** `sizeof(duo_bulkhead_options)`. */
    uint32_t struct_size;
    /** 0. */
    uint32_t flags;
    /** Calls at a time, up to 65,000; default 16. */
    uint32_t permits;
    /** Waiters in line, up to 65,000; 0: nobody waits. */
    uint32_t queue;
} duo_bulkhead_options;
/** Initial value of a `duo_bulkhead_options`. */
#define DUO_BULKHEAD_OPTIONS_INIT { sizeof(duo_bulkhead_options), 0, 0, 0 }

/** A bulkhead's figures. */
typedef struct duo_bulkhead_stats_t {
    /** `sizeof(duo_bulkhead_stats_t)`. */
    uint32_t struct_size;
    /** 0. */
    uint32_t flags;
    /** Permits. */
    uint32_t permits;
    /** Permits that are out. */
    uint32_t in_use;
    /** Callers in line. */
    uint32_t waiting;
    /** 0. */
    uint32_t reserved;
    /** Permits taken so far. */
    uint64_t taken;
    /** Callers sent away. */
    uint64_t refused;
    /** Waiters that left before their turn. */
    uint64_t left;
} duo_bulkhead_stats_t;
/** Initial value of a `duo_bulkhead_stats_t`. */
#define DUO_BULKHEAD_STATS_INIT { sizeof(duo_bulkhead_stats_t), 0, 0, 0, 0, 0, 0, 0, 0 }

/** How often, how long, how far apart. 0 stands for the default of a field. */
typedef struct duo_retry_options {
    /** `sizeof(duo_retry_options)`. */
    uint32_t struct_size;
    /** 0, or `DUO_RETRY_NO_JITTER`. */
    uint32_t flags;
    /** Delay after the first failure; default 100 ms. */
    uint64_t delay_min_ns;
    /** No delay is longer, jitter aside; up to 24 h; default 5 s. */
    uint64_t delay_max_ns;
    /** Time for all attempts, up to 24 h; default 10 s. */
    uint64_t total_ns;
    /** Growth from one delay to the next, up to 100; default 2. */
    uint32_t multiplier;
    /** Each delay is longer or shorter by up to so many percent, up to 100; default 25. */
    uint32_t jitter_percent;
    /** Attempts, the first included, up to 1,000; default 3. */
    uint32_t attempts;
    /** 0. */
    uint32_t reserved;
} duo_retry_options;
/** Initial value of a `duo_retry_options`. */
#define DUO_RETRY_OPTIONS_INIT { sizeof(duo_retry_options), 0, 0, 0, 0, 0, 0, 0, 0 }

/** A policy's figures. */
typedef struct duo_retry_stats_t {
    /** `sizeof(duo_retry_stats_t)`. */
    uint32_t struct_size;
    /** 0. */
    uint32_t flags;
    /** Attempts after a failure. */
    uint64_t retries;
    /** Calls given up because the failure does not pass. */
    uint64_t not_retryable;
    /** Calls given up because all attempts were used up. */
    uint64_t attempts_spent;
    /** Calls given up because the total time was. */
    uint64_t time_spent;
} duo_retry_stats_t;
/** Initial value of a `duo_retry_stats_t`. */
#define DUO_RETRY_STATS_INIT { sizeof(duo_retry_stats_t), 0, 0, 0, 0, 0 }

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/**
 * `DUO_ABI_VERSION` of the library.
 *
 * [any-thread] Since: 0.1
 */
uint32_t duo_abi_version(void);

/**
 * Version of the library, such as "0.1.0". Static; never freed.
 *
 * [any-thread] Since: 0.1
 */
const char *duo_version_string(void);

/**
 * Name, version, features and kind of build in one line. Static; never freed.
 *
 * [any-thread] Since: 0.1
 */
const char *duo_build_info(void);

/**
 * Asks whether a program compiled with `header_abi` works with this library: the same major number,
 * and a minor number that is not newer. `DUO_ERR_ABI_MISMATCH` if not. `lib_abi` may be NULL.
 *
 * [any-thread] Since: 0.1
 */
duo_status duo_check_abi(uint32_t header_abi, uint32_t *lib_abi);

/**
 * Prepares the process: panic hook, fork handlers, and a check of the header's version. Optional and
 * repeatable: the first handle does the same. `options` may be NULL.
 *
 * [any-thread] Since: 0.1
 */
duo_status duo_init(const struct duo_init_options *options);

/**
 * Closes every queue, node and replicated log, as `duo_queue_close`, `duo_node_close` and `duo_replog_close`
 * do, and removes the log's sink. Handles stay valid and are still to be destroyed; those that a panic has poisoned
 * are closed as well. `DUO_TIMEOUT` when a node does not stop in time: call again; and when a replicated log was
 * closed with something left to do. `DUO_ERR_POISONED` when a replicated log had failed before, say for a full disk;
 * `duo_last_error_message` says why, the others are closed like any, and it stays so until that one is destroyed.
 *
 * [any-thread] [blocks] Since: 0.1
 */
duo_status duo_shutdown(int64_t timeout_ns);

/**
 * The optional parts that this library was built with, as `DUO_FEATURE_*` bits.
 *
 * [any-thread] Since: 0.1
 */
duo_status duo_features(uint64_t *bits);

/**
 * Name of a status without prefix, such as "TOO_LARGE"; "UNKNOWN" for a number that was never given
 * out. Static; never freed.
 *
 * [any-thread] Since: 0.1
 */
const char *duo_status_name(int32_t status);

/**
 * What a status means, in one sentence. Static; never freed.
 *
 * [any-thread] Since: 0.1
 */
const char *duo_status_meaning(int32_t status);

/**
 * The `DUO_CLASS_*` of a status; `DUO_CLASS_FATAL` for a number that was never given out.
 *
 * [any-thread] Since: 0.1
 */
uint32_t duo_status_class(int32_t status);

/**
 * The last call on this thread that returned a negative status. Normal outcomes and successes leave
 * it as it is.
 *
 * [any-thread] Since: 0.1
 */
duo_status duo_last_error(struct duo_error_info *info);

/**
 * Copies the message of the last error of this thread, cut to fit and always NUL-terminated. Returns
 * its full length without the NUL; `buf` may be NULL when `cap` is 0.
 *
 * [any-thread] Since: 0.1
 */
size_t duo_last_error_message(char *buf, size_t cap);

/**
 * Id of a transaction: the hash of its bytes, bound to the chain. `id` has room for `DUO_HASH_BYTES`.
 *
 * [any-thread] Since: 0.1
 */
duo_status duo_tx_id(uint32_t chain, const void *tx, size_t len, uint8_t *id);

/**
 * Sends log records of `level` and more important ones to `function`; replaces any sink before. NULL
 * removes the sink. When this returns, the former function is not running any more and its `user` was
 * dropped. On failure `user` is not taken over.
 *
 * [any-thread] [not-from-callback] Since: 0.1
 */
duo_status duo_set_log_callback(duo_log_fn function, void *user, duo_drop_fn drop_user, int32_t level);

/**
 * Keeps log records of `level` and more important ones in a buffer of `records`, from which
 * `duo_log_poll` takes them; replaces any sink before. For hosts that cannot be called from foreign
 * threads.
 *
 * [any-thread] [not-from-callback] Since: 0.1
 */
duo_status duo_set_log_buffer(int32_t level, size_t records);

/**
 * Takes up to `cap` records out of the buffer; `n` says how many. `DUO_AGAIN` when there are none,
 * `DUO_ERR_CLOSED` without `duo_set_log_buffer`.
 *
 * [any-thread] Since: 0.1
 */
duo_status duo_log_poll(struct duo_log_record *out_records, size_t cap, size_t *n);

/**
 * Makes a configuration with all defaults.
 *
 * [any-thread] Since: 0.1
 */
duo_status duo_config_create(struct duo_config **config);

/**
 * Frees a configuration. Nodes that were opened with it are not affected. NULL is accepted.
 *
 * [any-thread] Since: 0.1
 */
duo_status duo_config_destroy(struct duo_config *config);

/**
 * Sets one key from a text of `len` bytes. `DUO_ERR_CONFIG` names the key and what would be right;
 * nothing is changed then.
 *
 * [any-thread] Since: 0.1
 */
duo_status duo_config_set(struct duo_config *config, const char *key, const char *value, size_t len);

/**
 * The value of one key, as set or its default: a text with a NUL that `len` does not count.
 *
 * [any-thread] Since: 0.1
 */
duo_status duo_config_get(const struct duo_config *config,
                          const char *key,
                          char *buf,
                          size_t cap,
                          size_t *len);

/**
 * Sets every key that a TOML file names. Nothing is changed when anything in it is wrong.
 *
 * [any-thread] Since: 0.1
 */
duo_status duo_config_load_file(struct duo_config *config, const char *path);

/**
 * As `duo_config_load_file`, from a text of `len` bytes.
 *
 * [any-thread] Since: 0.1
 */
duo_status duo_config_load_toml(struct duo_config *config, const char *text, size_t len);

/**
 * Checks the relations between keys, as opening a node does. `DUO_ERR_CONFIG` names both keys.
 *
 * [any-thread] Since: 0.1
 */
duo_status duo_config_validate(const struct duo_config *config);

/**
 * Number of keys in the table.
 *
 * [any-thread] Since: 0.1
 */
size_t duo_config_key_count(void);

/**
 * Row `index` of the table of keys. `DUO_NOT_FOUND` beyond the last.
 *
 * [any-thread] Since: 0.1
 */
duo_status duo_config_key_info(size_t index, struct duo_config_key *key);

/**
 * Makes a pool. No buffer is allocated before it is needed.
 *
 * [any-thread] Since: 0.1
 */
duo_status duo_pool_create(const struct duo_pool_options *options, struct duo_pool **pool);

/**
 * Frees a pool and its memory. `DUO_ERR_BUSY`, and nothing happens, while buffers are checked out. A
 * poisoned pool goes away in any case, but the memory behind buffers that are checked out stays for ever,
 * since it cannot be known when the host is done with them. NULL is accepted.
 *
 * [any-thread] Since: 0.1
 */
duo_status duo_pool_destroy(struct duo_pool *pool);

/**
 * Checks out a buffer of `len` bytes or more. Its content is undefined. `DUO_ERR_NO_MEMORY` at the
 * pool's bound, `DUO_ERR_TOO_LARGE` above its largest buffer.
 *
 * [any-thread] Since: 0.1
 */
duo_status duo_pool_acquire(const struct duo_pool *pool, size_t len, struct duo_buf *buf);

/**
 * Checks out up to `n` buffers of `len` bytes each; `got` says how many. `DUO_PARTIAL` when they were
 * fewer than `n`.
 *
 * [any-thread] Since: 0.1
 */
duo_status duo_pool_acquire_batch(const struct duo_pool *pool,
                                  size_t len,
                                  struct duo_buf *bufs,
                                  size_t n,
                                  size_t *got);

/**
 * Gives a buffer back. `DUO_ERR_BAD_HANDLE` when it is not checked out, such as after a release. Only
 * `handle` is looked at.
 *
 * [any-thread] Since: 0.1
 */
duo_status duo_pool_release(const struct duo_pool *pool, const struct duo_buf *buf);

/**
 * Gives buffers back in order, up to the first that is not checked out; `released` says how many.
 * `DUO_PARTIAL` when that is not all of them.
 *
 * [any-thread] Since: 0.1
 */
duo_status duo_pool_release_batch(const struct duo_pool *pool,
                                  const struct duo_buf *bufs,
                                  size_t n,
                                  size_t *released);

/**
 * Gives memory of free buffers back to the system, keeping at least `keep_free` free buffers per class;
 * `trimmed` says how many bytes went. `trimmed` may be NULL.
 *
 * [any-thread] Since: 0.1
 */
duo_status duo_pool_trim(const struct duo_pool *pool, size_t keep_free, size_t *trimmed);

/**
 * What the pool did and holds.
 *
 * [any-thread] Since: 0.1
 */
duo_status duo_pool_stats(const struct duo_pool *pool, struct duo_pool_stats_t *stats);

/**
 * Makes the pool of a managed kind, `DUO_POOL_*`. Its sizes are those of the keys `pool.<kind>.initial` and
 * `pool.<kind>.max`; `pool.warm_up`, `pool.shrink_after_ms`, `pool.huge_pages` and `pool.leak_tracking` hold
 * for it too. `config` may be NULL: then all keys have their defaults. Keys of other subjects do not matter.
 * `flags` is 0 or `DUO_POOL_KEEP_ADDRESSES`.
 * `DUO_ERR_UNSUPPORTED` when huge pages are required and the system gives none.
 *
 * [any-thread] Since: 0.1
 */
duo_status duo_pool_create_managed(const struct duo_config *config,
                                   uint32_t kind,
                                   uint32_t flags,
                                   struct duo_pool **pool);

/**
 * Takes memory for `count` buffers, in use or not, of the class that serves `len`, and touches it, so that
 * acquiring them waits for nothing. Memory comes in whole slabs; `committed` says how many buffers got some
 * now: fewer when the system refuses, none when there was enough. `committed` may be NULL.
 * `DUO_ERR_TOO_LARGE` when no class serves `len`.
 *
 * [any-thread] Since: 0.1
 */
duo_status duo_pool_warm_up(const struct duo_pool *pool, size_t len, size_t count, uint64_t *committed);

/**
 * Lets the pool's memory follow demand; to be called every second or so by any one thread. A class that is
 * nearly used up gets a quarter more memory; one whose demand stayed low for `shrink_after_ns` gives back
 * the slabs that were not used for longest, down to its initial size. `now_ns` is any monotonic time, always
 * of one clock for one pool, or `DUO_NOW`. `done` may be NULL.
 *
 * [any-thread] Since: 0.1
 */
duo_status duo_pool_maintain(const struct duo_pool *pool,
                             int64_t now_ns,
                             struct duo_pool_maintenance_t *done);

/**
 * As `duo_pool_acquire`, noting the place `site` for `duo_pool_held`, such as `__FILE__ ":12"`, when the pool
 * tracks leaks. It is copied, and cut after 119 bytes.
 *
 * [any-thread] Since: 0.1
 */
duo_status duo_pool_acquire_at(const struct duo_pool *pool,
                               size_t len,
                               const char *site,
                               struct duo_buf *buf);

/**
 * Lists buffers that have been checked out for `older_than_ns` or longer, longest first; 0 lists all, such as
 * before the pool is destroyed. `n` says how many were written. `DUO_PARTIAL` when there are more than `cap`.
 * `DUO_ERR_UNSUPPORTED` when the pool does not track leaks.
 *
 * [any-thread] Since: 0.1
 */
duo_status duo_pool_held(const struct duo_pool *pool,
                         int64_t older_than_ns,
                         struct duo_held *held,
                         size_t cap,
                         size_t *n);

/**
 * Figures of one class, smallest buffers first. `DUO_NOT_FOUND` when there is no such class.
 *
 * [any-thread] Since: 0.1
 */
duo_status duo_pool_class_stats(const struct duo_pool *pool,
                                uint32_t class_index,
                                struct duo_pool_class_stats_t *stats);

/**
 * Makes a queue. `options` may be NULL.
 *
 * [any-thread] Since: 0.1
 */
duo_status duo_queue_create(const struct duo_queue_options *options, struct duo_queue **queue);

/**
 * Closes a queue if it is open, lets waiting calls return, and frees it with everything in it. NULL is
 * accepted.
 *
 * [any-thread] Since: 0.1
 */
duo_status duo_queue_destroy(struct duo_queue *queue);

/**
 * Refuses everything new from now on and wakes waiting calls. What is in the queue can still be taken
 * out, until `DUO_END`.
 *
 * [any-thread] Since: 0.1
 */
duo_status duo_queue_close(const struct duo_queue *queue);

/**
 * Copies a transaction into a lane. `tag` comes back with it. `DUO_AGAIN` when the lane is full,
 * `DUO_ERR_NO_MEMORY` when the buffers are used up, `DUO_ERR_TOO_LARGE`, `DUO_ERR_INVALID_TX` when
 * empty, `DUO_ERR_CLOSED`.
 *
 * [any-thread] Since: 0.1
 */
duo_status duo_queue_enqueue(const struct duo_queue *queue,
                             uint32_t lane,
                             const void *tx,
                             size_t len,
                             uint64_t tag);

/**
 * As `duo_queue_enqueue`, waiting for room up to `timeout_ns`: `DUO_TIMEOUT`.
 *
 * [any-thread] [blocks] Since: 0.1
 */
duo_status duo_queue_enqueue_wait(const struct duo_queue *queue,
                                  uint32_t lane,
                                  const void *tx,
                                  size_t len,
                                  uint64_t tag,
                                  int64_t timeout_ns);

/**
 * Copies `n` transactions into a lane, in order, up to the first that is refused; `done` says how many.
 * Item i gets the tag `first_tag + i`. `DUO_PARTIAL` when some were refused, the reason itself when all
 * were.
 *
 * [any-thread] Since: 0.1
 */
duo_status duo_queue_enqueue_batch(const struct duo_queue *queue,
                                   uint32_t lane,
                                   const struct duo_iovec *items,
                                   size_t n,
                                   uint64_t first_tag,
                                   size_t *done);

/**
 * As `duo_queue_enqueue_batch` with all items in one buffer: item i has `lens[i]` bytes and begins at
 * `i * stride`; with `stride` 0 they follow each other.
 *
 * [any-thread] Since: 0.1
 */
duo_status duo_queue_enqueue_flat(const struct duo_queue *queue,
                                  uint32_t lane,
                                  const void *bytes,
                                  size_t stride,
                                  const uint32_t *lens,
                                  size_t n,
                                  uint64_t first_tag,
                                  size_t *done);

/**
 * Takes a buffer of exactly `len` bytes to write a transaction in place. A full lane shows at the
 * commit.
 *
 * [any-thread] Since: 0.1
 */
duo_status duo_queue_claim(const struct duo_queue *queue, uint32_t lane, size_t len, struct duo_claim *claim);

/**
 * Puts a claimed buffer into its lane. On `DUO_AGAIN` the claim stays as it is and can be committed
 * again. `DUO_ERR_BAD_HANDLE` when it was committed or aborted before. Only `handle` and `lane` are
 * looked at.
 *
 * [any-thread] Since: 0.1
 */
duo_status duo_queue_commit(const struct duo_queue *queue, const struct duo_claim *claim, uint64_t tag);

/**
 * Gives a claimed buffer back. `DUO_ERR_BAD_HANDLE` when it was committed or aborted before.
 *
 * [any-thread] Since: 0.1
 */
duo_status duo_queue_abort(const struct duo_queue *queue, const struct duo_claim *claim);

/**
 * Takes the next transaction out and copies it into `buf`. `DUO_AGAIN` when there is none, `DUO_END`
 * when there will be none, `DUO_ERR_TOO_LARGE` when `buf` is too small: the transaction then comes
 * with the next call. `DUO_ERR_BUSY` when all consumers are inside a call. At the end of a closed
 * queue with several consumers, calls wait for each other: what one puts back is not the end.
 *
 * [any-thread] Since: 0.1
 */
duo_status duo_queue_dequeue(const struct duo_queue *queue, void *buf, size_t cap, struct duo_item *item);

/**
 * As `duo_queue_dequeue`, waiting up to `timeout_ns`: `DUO_TIMEOUT`.
 *
 * [any-thread] [blocks] Since: 0.1
 */
duo_status duo_queue_dequeue_wait(const struct duo_queue *queue,
                                  void *buf,
                                  size_t cap,
                                  int64_t timeout_ns,
                                  struct duo_item *item);

/**
 * Takes up to `max` transactions out, one behind the other in `buf`; `n` says how many. Ends early
 * when the queue is empty or the next one does not fit. Otherwise as `duo_queue_dequeue`.
 *
 * [any-thread] Since: 0.1
 */
duo_status duo_queue_dequeue_batch(const struct duo_queue *queue,
                                   void *buf,
                                   size_t cap,
                                   struct duo_item *items,
                                   size_t max,
                                   size_t *n);

/**
 * Number of transactions in the queue, all lanes together.
 *
 * [any-thread] Since: 0.1
 */
duo_status duo_queue_len(const struct duo_queue *queue, uint64_t *len);

/**
 * What happened in one lane. `DUO_NOT_FOUND` when the queue has no such lane.
 *
 * [any-thread] Since: 0.1
 */
duo_status duo_queue_lane_stats(const struct duo_queue *queue, uint32_t lane, struct duo_lane_stats_t *stats);

/**
 * What the pool behind the queue did and holds.
 *
 * [any-thread] Since: 0.1
 */
duo_status duo_queue_pool_stats(const struct duo_queue *queue, struct duo_pool_stats_t *stats);

/**
 * Opens a stage. `options` may be NULL. It keeps what it needs of the queue, which may be destroyed first.
 *
 * [any-thread] Since: 0.1
 */
duo_status duo_queue_stage_open(const struct duo_queue *queue,
                                const struct duo_stage_options *options,
                                struct duo_stage **stage);

/**
 * Copies a transaction into the stage, and publishes all that is staged if it is time to. No consumer
 * sees a staged transaction, and a queue that closes does not take it. `DUO_AGAIN` when the stage is
 * full and the lane too; the transaction is not staged then. `DUO_ERR_BUSY` when another thread is
 * using the stage. Otherwise as `duo_queue_enqueue`.
 *
 * [any-thread] Since: 0.1
 */
duo_status duo_stage_enqueue(const struct duo_stage *stage, const void *tx, size_t len, uint64_t tag);

/**
 * Publishes what is staged; `n` says how many. `DUO_AGAIN` when the lane is full and `DUO_ERR_CLOSED`
 * leave everything staged.
 *
 * [any-thread] Since: 0.1
 */
duo_status duo_stage_flush(const struct duo_stage *stage, size_t *n);

/**
 * Publishes what is staged if the oldest is of age; `n` says how many. For a producer that pauses.
 * Otherwise as `duo_stage_flush`.
 *
 * [any-thread] Since: 0.1
 */
duo_status duo_stage_flush_aged(const struct duo_stage *stage, size_t *n);

/**
 * How many transactions are staged.
 *
 * [any-thread] Since: 0.1
 */
duo_status duo_stage_len(const struct duo_stage *stage, size_t *n);

/**
 * Publishes what is staged, as far as the lane takes it, and frees the stage with the rest: flush first
 * to know. NULL is accepted.
 *
 * [any-thread] Since: 0.1
 */
duo_status duo_stage_destroy(struct duo_stage *stage);

/**
 * Opens shared lanes on a queue, as many as it has lanes: what other processes put into lane n comes out
 * of the queue with its own transactions of lane n. `options` may be NULL. `DUO_ERR_CONFIG` beyond a limit,
 * `DUO_ERR_BUSY` when the queue has 8 already, `DUO_ERR_IO` when the file is there, `DUO_ERR_CLOSED`.
 *
 * [any-thread] Since: 0.1
 */
duo_status duo_queue_lane_open(const struct duo_queue *queue,
                               const struct duo_lane_options *options,
                               struct duo_lane **lane);

/**
 * Closes shared lanes and frees the handle: producers are refused from then on, and what they had committed
 * still comes out of the queue. NULL is accepted.
 *
 * [any-thread] Since: 0.1
 */
duo_status duo_lane_close(struct duo_lane *lane);

/**
 * The path by which producers attach: the file, or `/proc/PID/fd/N` for lanes in memory, which is good for
 * processes that see the same `/proc`. `len` gets its length. A capacity of 0 asks for the length only.
 *
 * [any-thread] Since: 0.1
 */
duo_status duo_lane_path(const struct duo_lane *lane, char *buf, size_t cap, size_t *len);

/**
 * The mapping itself, for a host that brings producers of its own (docs/shared-lanes.md), and its
 * descriptor, to pass on. All three end with the handle.
 *
 * [any-thread] Since: 0.1
 */
duo_status duo_lane_map(const struct duo_lane *lane, const void **base, size_t *len, int *fd);

/**
 * What happened so far.
 *
 * [any-thread] Since: 0.1
 */
duo_status duo_lane_counts(const struct duo_lane *lane, struct duo_lane_counts_t *counts);

/**
 * Attaches to shared lanes of a queue, in this process or another of the same user. `DUO_NOT_FOUND` when
 * there is no such file, `DUO_ERR_CORRUPTION` when it is something else or cut short, `DUO_ERR_UNSUPPORTED`
 * when it is of another version, `DUO_ERR_PERMISSION` when it is not this user's alone, `DUO_ERR_BUSY` when
 * all seats are taken, `DUO_ERR_CLOSED` when it was closed or its queue's process has ended.
 *
 * [any-thread] Since: 0.1
 */
duo_status duo_lane_attach(const char *path, struct duo_lane_producer **producer);

/**
 * As `duo_lane_attach`, to a descriptor that the queue's process passed on. The descriptor stays the
 * caller's.
 *
 * [any-thread] Since: 0.1
 */
duo_status duo_lane_attach_fd(int fd, struct duo_lane_producer **producer);

/**
 * Gives the seat back and frees the handle. A claim that is out is aborted; what was committed stays. NULL is
 * accepted.
 *
 * [any-thread] Since: 0.1
 */
duo_status duo_lane_detach(struct duo_lane_producer *producer);

/**
 * Copies a transaction into a shared lane. `tag` comes back with it. `DUO_AGAIN` when the lane or this
 * producer's room is full, `DUO_ERR_TOO_LARGE`, `DUO_ERR_INVALID_TX` when empty, `DUO_ERR_CLOSED`,
 * `DUO_ERR_CORRUPTION` when somebody wrote over this producer's records: detach and attach again.
 *
 * [any-thread] Since: 0.1
 */
duo_status duo_lane_enqueue(const struct duo_lane_producer *producer,
                            uint32_t lane,
                            const void *tx,
                            size_t len,
                            uint64_t tag);

/**
 * As `duo_lane_enqueue`, waiting for room up to `timeout_ns`: `DUO_TIMEOUT`. Nobody wakes a producer: it spins, yields
 * and then sleeps, 2 ms at a time at most. `DUO_ERR_CLOSED` soon after the lanes were closed or the queue's process
 * ended, or another thread detached the producer; any other call on it meanwhile is `DUO_ERR_BUSY`.
 *
 * [any-thread] [blocks] Since: 0.1
 */
duo_status duo_lane_enqueue_wait(const struct duo_lane_producer *producer,
                                 uint32_t lane,
                                 const void *tx,
                                 size_t len,
                                 uint64_t tag,
                                 int64_t timeout_ns);

/**
 * Takes room for exactly `len` bytes in the segment, to write a transaction in place. A producer has one claim
 * at a time: `DUO_ERR_BUSY`. Otherwise as `duo_lane_enqueue`.
 *
 * [any-thread] Since: 0.1
 */
duo_status duo_lane_claim(const struct duo_lane_producer *producer,
                          uint32_t lane,
                          size_t len,
                          struct duo_claim *claim);

/**
 * Puts a claimed transaction into its lane. On `DUO_AGAIN` the claim stays as it is and can be committed
 * again. `DUO_ERR_BAD_HANDLE` when it was committed or aborted before. Only `handle` is looked at.
 *
 * [any-thread] Since: 0.1
 */
duo_status duo_lane_commit(const struct duo_lane_producer *producer,
                           const struct duo_claim *claim,
                           uint64_t tag);

/**
 * Gives the room of a claim back. `DUO_ERR_BAD_HANDLE` when it was committed or aborted before.
 *
 * [any-thread] Since: 0.1
 */
duo_status duo_lane_abort(const struct duo_lane_producer *producer, const struct duo_claim *claim);

/**
 * Opens or creates the data directory that `config` names, brings both chains up and starts them. The
 * configuration is copied. `DUO_ERR_BUSY` when another process has the directory.
 *
 * [any-thread] [blocks] Since: 0.1
 */
duo_status duo_node_open(const struct duo_config *config, struct duo_node **node);

/**
 * Stops accepting, wakes waiting calls, stops both chains and releases the directory. Submissions in
 * no final block complete as `DUO_ERR_CANCELLED`. `DUO_TIMEOUT` when a chain is still busy: call
 * again. The handle stays valid, for completions and reads of heads, until it is destroyed.
 *
 * [any-thread] [blocks] Since: 0.1
 */
duo_status duo_node_close(const struct duo_node *node, int64_t timeout_ns);

/**
 * Closes a node if it is open, lets waiting calls return, and frees it. In a forked process it is
 * leaked on purpose: `DUO_ERR_FORKED`. NULL is accepted.
 *
 * [any-thread] [blocks] Since: 0.1
 */
duo_status duo_node_destroy(struct duo_node *node);

/**
 * Copies a transaction into a lane of a chain; `op` gets a number that its completion carries.
 * `DUO_AGAIN` when the lane is full or too many completions wait to be polled.
 *
 * [any-thread] Since: 0.1
 */
duo_status duo_node_submit(const struct duo_node *node,
                           uint32_t chain,
                           uint32_t lane,
                           const void *tx,
                           size_t len,
                           uint64_t *op);

/**
 * As `duo_node_submit`, without a completion.
 *
 * [any-thread] Since: 0.1
 */
duo_status duo_node_submit_detached(const struct duo_node *node,
                                    uint32_t chain,
                                    uint32_t lane,
                                    const void *tx,
                                    size_t len);

/**
 * As `duo_node_submit`, waiting for room up to `timeout_ns`: `DUO_TIMEOUT`.
 *
 * [any-thread] [blocks] Since: 0.1
 */
duo_status duo_node_submit_wait(const struct duo_node *node,
                                uint32_t chain,
                                uint32_t lane,
                                const void *tx,
                                size_t len,
                                int64_t timeout_ns,
                                uint64_t *op);

/**
 * Copies `n` transactions into a lane of a chain, in order, up to the first that is refused; `done`
 * says how many, `ops` gets their numbers. `DUO_PARTIAL` when some were refused, the reason itself when
 * all were.
 *
 * [any-thread] Since: 0.1
 */
duo_status duo_node_submit_batch(const struct duo_node *node,
                                 uint32_t chain,
                                 uint32_t lane,
                                 const struct duo_iovec *items,
                                 size_t n,
                                 uint64_t *ops,
                                 size_t *done);

/**
 * As `duo_node_submit_batch` with all items in one buffer: item i has `lens[i]` bytes and begins at
 * `i * stride`; with `stride` 0 they follow each other.
 *
 * [any-thread] Since: 0.1
 */
duo_status duo_node_submit_flat(const struct duo_node *node,
                                uint32_t chain,
                                uint32_t lane,
                                const void *bytes,
                                size_t stride,
                                const uint32_t *lens,
                                size_t n,
                                uint64_t *ops,
                                size_t *done);

/**
 * Takes a buffer of exactly `len` bytes to write a transaction in place. A full lane shows at the
 * commit.
 *
 * [any-thread] Since: 0.1
 */
duo_status duo_node_claim(const struct duo_node *node,
                          uint32_t chain,
                          uint32_t lane,
                          size_t len,
                          struct duo_claim *claim);

/**
 * Submits a claimed buffer. On `DUO_AGAIN` the claim stays as it is and can be committed again.
 * `DUO_ERR_BAD_HANDLE` when it was committed or aborted before. Only `handle`, `lane` and `chain` are
 * looked at.
 *
 * [any-thread] Since: 0.1
 */
duo_status duo_node_commit(const struct duo_node *node, const struct duo_claim *claim, uint64_t *op);

/**
 * Gives a claimed buffer back. `DUO_ERR_BAD_HANDLE` when it was committed or aborted before.
 *
 * [any-thread] Since: 0.1
 */
duo_status duo_node_abort(const struct duo_node *node, const struct duo_claim *claim);

/**
 * Takes up to `cap` completions, waiting up to `timeout_ns` for the first; `n` says how many.
 * `DUO_TIMEOUT` when none came, `DUO_END` when the node is closed and all were handed out. Several
 * threads may poll; each completion goes to one of them.
 *
 * [any-thread] [blocks] Since: 0.1
 */
duo_status duo_node_poll_completions(const struct duo_node *node,
                                     struct duo_completion *completions,
                                     size_t cap,
                                     int64_t timeout_ns,
                                     size_t *n);

/**
 * A descriptor that is readable while completions may be there; for poll(2) and epoll(7). It belongs
 * to the node: neither read nor close it.
 *
 * [any-thread] Since: 0.1
 */
duo_status duo_node_completion_fd(const struct duo_node *node, int32_t *fd);

/**
 * How far the transaction with `id` (`DUO_HASH_BYTES` long) got.
 *
 * [any-thread] Since: 0.1
 */
duo_status duo_node_tx_status(const struct duo_node *node,
                              uint32_t chain,
                              const uint8_t *id,
                              struct duo_tx_status *status);

/**
 * Where a chain stands. Works on a closed node too: as it was.
 *
 * [any-thread] Since: 0.1
 */
duo_status duo_node_head(const struct duo_node *node, uint32_t chain, struct duo_head *head);

/**
 * The encoded block at `height`; see `duo_block_header` and `duo_block_transactions`. `len` gets its
 * size, also with `DUO_ERR_TOO_LARGE` when `cap` is smaller; with `cap` 0 only `len` is written.
 * `DUO_NOT_FOUND` above the head.
 *
 * [any-thread] Since: 0.1
 */
duo_status duo_node_block(const struct duo_node *node,
                          uint32_t chain,
                          uint64_t height,
                          void *buf,
                          size_t cap,
                          size_t *len);

/**
 * An encoded proof that the transaction with `id` is in its block; see `duo_proof_verify`. Sizes as
 * for `duo_node_block`. `DUO_NOT_FOUND` when it is in none.
 *
 * [any-thread] Since: 0.1
 */
duo_status duo_node_proof(const struct duo_node *node,
                          uint32_t chain,
                          const uint8_t *id,
                          void *buf,
                          size_t cap,
                          size_t *len);

/**
 * How well a chain and the node do.
 *
 * [any-thread] Since: 0.1
 */
duo_status duo_node_health(const struct duo_node *node, uint32_t chain, struct duo_health *health);

/**
 * A snapshot of all metrics; `n` gets their number, also with `DUO_ERR_TOO_LARGE` when `cap` is
 * smaller; with `cap` 0 only `n` is written.
 *
 * [any-thread] Since: 0.1
 */
duo_status duo_node_metrics(const struct duo_node *node, struct duo_metric *metrics, size_t cap, size_t *n);

/**
 * All metrics as OpenMetrics text with a NUL that `len` does not count. Sizes as for `duo_node_block`,
 * but `cap` needs room for the NUL.
 *
 * [any-thread] Since: 0.1
 */
duo_status duo_node_metrics_text(const struct duo_node *node, char *buf, size_t cap, size_t *len);

/**
 * What happened in one lane of a chain's queue. `DUO_NOT_FOUND` when there is no such lane.
 *
 * [any-thread] Since: 0.1
 */
duo_status duo_node_lane_stats(const struct duo_node *node,
                               uint32_t chain,
                               uint32_t lane,
                               struct duo_lane_stats_t *stats);

/**
 * Makes a reader of a node's events. `sub_options` may be NULL.
 *
 * [any-thread] Since: 0.1
 */
duo_status duo_sub_create(const struct duo_node *node,
                          const struct duo_sub_options *sub_options,
                          struct duo_sub **sub);

/**
 * Lets waiting calls return with `DUO_ERR_CLOSED` and frees the reader. The node may be gone already.
 * NULL is accepted.
 *
 * [any-thread] Since: 0.1
 */
duo_status duo_sub_destroy(struct duo_sub *sub);

/**
 * Copies up to `cap` events, each chain's in order without gaps; `n` says how many. `DUO_AGAIN` when
 * there are none yet. `DUO_ERR_BUSY` while another thread polls, seeks or waits.
 *
 * [one-thread] Since: 0.1
 */
duo_status duo_sub_poll(const struct duo_sub *sub, struct duo_event *events, size_t cap, size_t *n);

/**
 * Waits up to `timeout_ns` until there are events to poll. `DUO_TIMEOUT` when there are none, or after
 * `duo_sub_wake`; `DUO_ERR_CLOSED` when the reader or the node ends; `DUO_ERR_BUSY` while another thread
 * polls or seeks.
 *
 * [any-thread] [blocks] Since: 0.1
 */
duo_status duo_sub_wait(const struct duo_sub *sub, int64_t timeout_ns);

/**
 * Ends a `duo_sub_wait` of another thread, or the next one.
 *
 * [any-thread] Since: 0.1
 */
duo_status duo_sub_wake(const struct duo_sub *sub);

/**
 * Moves the durable cursor: everything of `chain` up to `sequence` has been dealt with. Durable when
 * this returns.
 *
 * [any-thread] Since: 0.1
 */
duo_status duo_sub_ack(const struct duo_sub *sub, uint32_t chain, uint64_t sequence);

/**
 * Goes to an event: the next poll begins with it, or with the oldest retained one.
 *
 * [one-thread] Since: 0.1
 */
duo_status duo_sub_seek(const struct duo_sub *sub, uint32_t chain, uint64_t sequence);

/**
 * How many events of a chain wait to be polled, and how many were retired before they were. Either
 * place may be NULL.
 *
 * [any-thread] Since: 0.1
 */
duo_status duo_sub_lag(const struct duo_sub *sub, uint32_t chain, uint64_t *waiting, uint64_t *dropped);

/**
 * A descriptor that is readable while events may be there; for poll(2) and epoll(7). It belongs to the
 * reader and ends with it: neither read nor close it, and take it out of poll sets before
 * `duo_sub_destroy`.
 *
 * [any-thread] Since: 0.1
 */
duo_status duo_sub_event_fd(const struct duo_sub *sub, int32_t *fd);

/**
 * Reads the header of an encoded block and checks that all of it is well formed.
 * `DUO_ERR_CORRUPTION` says where it is not.
 *
 * [any-thread] Since: 0.1
 */
duo_status duo_block_header(const void *block, size_t len, struct duo_block_header_t *header);

/**
 * Finds the transactions inside an encoded block: `items` get addresses inside `block`, in order, and
 * `n` the number of all of them. `DUO_ERR_TOO_LARGE`, with `n` written, when `cap` is smaller; with
 * `cap` 0 only `n` is written.
 *
 * [any-thread] Since: 0.1
 */
duo_status duo_block_transactions(const void *block,
                                  size_t len,
                                  struct duo_iovec *items,
                                  size_t cap,
                                  size_t *n);

/**
 * Checks an encoded proof against a transaction. `DUO_ERR_CONFLICT` when it proves something else,
 * `DUO_ERR_CORRUPTION` when it is malformed. `header` gets the block's header, whose hash the host
 * compares with one it trusts; it may be NULL.
 *
 * [any-thread] Since: 0.1
 */
duo_status duo_proof_verify(const void *proof,
                            size_t proof_len,
                            const void *tx,
                            size_t len,
                            struct duo_block_header_t *header);

/**
 * Opens or makes the log in its directory, listens, and takes part. `DUO_ERR_BUSY` when another process has
 * the directory; `DUO_ERR_CONFIG` for settings that do not fit together, a directory of another cluster or with the other
 * `log_backend`, or files of TLS that are missing or that peers would refuse, which the message names;
 * `DUO_ERR_UNSUPPORTED` for TLS or RocksDB in a library without it; `DUO_ERR_IO` when it cannot listen there.
 *
 * The disk has to hold all that is appended since the snapshot before the newest one that the host gave
 * (`duo_replog_snapshot`); all that is ever appended, where it gives none. A full disk ends the node. Behind its opening
 * it goes through that log again, and `duo_replog_read` gives `DUO_TIMEOUT` until it is there. Repetitions that are left
 * out cost 32 bytes of memory for each run of them in it.
 *
 * A log that is damaged in its middle is mended first, with what the other members prove to be the same; until then the
 * node neither votes nor acknowledges. Then this blocks for up to `repair_within_ns`, and gives `DUO_ERR_CORRUPTION`, with
 * the file, the entries and what each member said, where none of them has what is missing; at once for a log in RocksDB.
 *
 * [any-thread] [blocks] Since: 0.1
 */
duo_status duo_replog_open(const struct duo_replog_options *options,
                           struct duo_replog **log);

/**
 * Waits until this node may answer a read: everything that was acknowledged anywhere before the call is at
 * or before `index`, and can be read here. A follower asks the leader, and again after `election_max_ns`, since the
 * question may have got lost. `DUO_ERR_NOT_LEADER`: nobody is known to lead; ask again.
 *
 * [any-thread] [blocks] Since: 0.1
 */
duo_status duo_replog_read_index(const struct duo_replog *log,
                                 int64_t timeout_ns,
                                 uint64_t *index);

/**
 * Hands leadership over to node `to`, or with 0 to whoever is furthest; returns once that is on its way.
 * `DUO_ERR_NOT_LEADER`: this one does not lead.
 *
 * [any-thread] [blocks] Since: 0.1
 */
duo_status duo_replog_transfer(const struct duo_replog *log, uint64_t to, int64_t timeout_ns);

/**
 * Ends the node's part in order: takes no more entries, waits until those it has are committed and on disk, and
 * hands leadership over, all in `timeout_ns`. Then it is closed in any case, which takes as long as a write that is
 * under way on its disk and at most `close_within_ns`, and waiting calls return `DUO_ERR_CLOSED`; `DUO_TIMEOUT` when
 * something was left to do. The directory can be opened again. What is committed can still be read until it is destroyed,
 * but for a log in RocksDB: `DUO_ERR_CLOSED`. Again it does nothing.
 *
 * A thread that is busy for longer than `close_within_ns` is left: it begins nothing new, and ends when the disk, or
 * whoever looks a name up, answers. Until then the directory may stay locked, the library must not be unloaded, and each
 * further close waits for it and gives `DUO_TIMEOUT`.
 *
 * [any-thread] [blocks] Since: 0.1
 */
duo_status duo_replog_close(const struct duo_replog *log,
                            int64_t timeout_ns);

/**
 * Closes the log if it is open, lets waiting calls return, and frees it; waits for a write that is under way on its
 * disk, as `duo_replog_close` does, and for calls that read from it. In a forked process it is leaked on purpose: `DUO_ERR_FORKED`. NULL is accepted.
 *
 * [any-thread] [blocks] Since: 0.1
 */
duo_status duo_replog_destroy(struct duo_replog *log);

/**
 * Appends an entry and waits until it is committed. `options` may be NULL. With a session and a number, or an id, it
 * can be appended again, on any node, when the answer got lost: it is read once, and `receipt` says so.
 *
 * Nothing of it is in the log after `DUO_AGAIN` (too much waits, or leadership changes: ask again),
 * `DUO_ERR_NOT_LEADER` (`duo_last_error` says who leads: ask there), `DUO_ERR_CONFLICT` (it had a place, and
 * a new leader has put something else there), `DUO_ERR_TOO_LARGE` and `DUO_ERR_INVALID_ARGUMENT`. It is in the log
 * for ever after `DUO_OK` and `DUO_PARTIAL` (asked for `DUO_REPLOG_WAIT_ALL`: a voter may lack it; nothing is to be
 * tried again, whatever `duo_status_class` says of that number); `receipt` is filled in by these two. After any
 * other status nobody knows: `DUO_TIMEOUT`, and when this node ends meanwhile `DUO_ERR_CLOSED` or
 * `DUO_ERR_POISONED`; it may be committed, now or later.
 *
 * [any-thread] [blocks] Since: 0.1
 */
duo_status duo_replog_append(const struct duo_replog *log,
                             const void *entry,
                             size_t len,
                             const struct duo_replog_append_options *options,
                             int64_t timeout_ns,
                             struct duo_replog_receipt *receipt);

/**
 * As `duo_replog_append` for `n` entries, all or none; they get the indexes up to that of `receipt`. `DUO_ERR_TOO_LARGE`
 * when they are more, or have more bytes, than a batch of this log.
 *
 * [any-thread] [blocks] Since: 0.1
 */
duo_status duo_replog_append_batch(const struct duo_replog *log,
                                   const struct duo_iovec *entries,
                                   size_t n,
                                   const struct duo_replog_append_options *options,
                                   int64_t timeout_ns,
                                   struct duo_replog_receipt *receipt);

/**
 * As `duo_replog_append_batch` with all entries in one buffer, end to end: entry i has `lens[i]` bytes.
 *
 * [any-thread] [blocks] Since: 0.1
 */
duo_status duo_replog_append_flat(const struct duo_replog *log,
                                  const void *bytes,
                                  const uint32_t *lens,
                                  size_t n,
                                  const struct duo_replog_append_options *options,
                                  int64_t timeout_ns,
                                  struct duo_replog_receipt *receipt);

/**
 * Changes who is in the cluster, all of `changes` in one step; asked of the leader. Returns once that is
 * committed, and for voters once the step between (both majorities decide) is over. A node that becomes a voter
 * is added first, and promoted once it has caught up. `DUO_AGAIN`, and nothing is done, while another change is under
 * way, while the node to be promoted lacks much of the log, and while leadership is handed over; other statuses as for
 * `duo_replog_append`.
 *
 * [any-thread] [blocks] Since: 0.1
 */
duo_status duo_replog_change(const struct duo_replog *log,
                             const struct duo_replog_change_t *changes,
                             size_t n,
                             int64_t timeout_ns);

/**
 * As `duo_replog_append_flat`, without waiting: `op` names the batch for `duo_replog_await`, which gives the answer.
 * `DUO_AGAIN` also when `DUO_REPLOG_PENDING_MAX` requests have an answer to come or to be fetched.
 *
 * [any-thread] Since: 0.1
 */
duo_status duo_replog_submit(const struct duo_replog *log,
                             const void *bytes,
                             const uint32_t *lens,
                             size_t n,
                             const struct duo_replog_append_options *options,
                             uint64_t *op);

/**
 * As `duo_replog_read_index`, without waiting: `duo_replog_await` gives the answer, the index in that of the receipt.
 * A question that may have got lost is asked again while somebody waits. `DUO_AGAIN` as for `duo_replog_submit`.
 *
 * [any-thread] Since: 0.1
 */
duo_status duo_replog_submit_read(const struct duo_replog *log,
                                  uint64_t *op);

/**
 * As `duo_replog_change`, without waiting: `duo_replog_await` gives the answer, with the place of the change in the
 * log. `DUO_AGAIN` as for `duo_replog_submit`; that another change is under way says the answer.
 *
 * [any-thread] Since: 0.1
 */
duo_status duo_replog_submit_change(const struct duo_replog *log,
                                    const struct duo_replog_change_t *changes,
                                    size_t n,
                                    uint64_t *op);

/**
 * Waits up to `timeout_ns` for the answer of a request, which is that of the call that waits itself:
 * `duo_replog_append`, `duo_replog_read_index`, `duo_replog_change`, `duo_replog_snapshot`. After `DUO_TIMEOUT` it can be
 * asked for again; after any other, `DUO_PARTIAL` too, `op` is gone. One thread at a time asks for a request.
 *
 * [any-thread] [blocks] Since: 0.1
 */
duo_status duo_replog_await(const struct duo_replog *log,
                            uint64_t op,
                            int64_t timeout_ns,
                            struct duo_replog_receipt *receipt);

/**
 * Nobody will ask for the request's answer. A batch or change may be committed all the same; a state that is handed over
 * and has not ended is given up.
 *
 * [any-thread] Since: 0.1
 */
duo_status duo_replog_forget(const struct duo_replog *log,
                             uint64_t op);

/**
 * Copies committed entries from index `from` on, in order, without those of the cluster itself
 * and without repetitions, waiting up to `timeout_ns` for the first. `n` says how many came; their bytes are in `buf`, `len` of
 * them. Ask next from the last one's index + 1: whoever keeps that number gets each entry once, on whichever
 * node and in whichever process.
 *
 * `DUO_TIMEOUT` when none came. `DUO_ERR_TOO_LARGE` when `buf` cannot hold the first; `len` says what it needs.
 * `DUO_NOT_FOUND` when it is in the newest snapshot, and the log no longer shows it: take that
 * (`duo_replog_snapshot_read`) and go on behind its index. That is so where entries were cut for snapshots, where this node
 * was sent one by the leader, and after an opening for all that its newest one stands for. `DUO_ERR_CLOSED` behind the
 * last entry of a closed log.
 *
 * [any-thread] [blocks] Since: 0.1
 */
duo_status duo_replog_read(const struct duo_replog *log,
                           uint64_t from,
                           struct duo_replog_entry *entries,
                           size_t cap,
                           void *buf,
                           size_t buf_cap,
                           int64_t timeout_ns,
                           size_t *n,
                           size_t *len);

/**
 * As `duo_replog_read`; `ids` has room for `DUO_REPLOG_ID_BYTES` for each of `cap` entries, and gets those of the entries
 * that came, all zeros for one that has none.
 *
 * [any-thread] [blocks] Since: 0.1
 */
duo_status duo_replog_read_ids(const struct duo_replog *log,
                               uint64_t from,
                               struct duo_replog_entry *entries,
                               void *ids,
                               size_t cap,
                               void *buf,
                               size_t buf_cap,
                               int64_t timeout_ns,
                               size_t *n,
                               size_t *len);

/**
 * Gives the host's state as of all entries up to `index`, one that was read, and none behind it: `len` bytes, which are
 * copied. Returns once the snapshot is on disk; from then on the log may be cut before it, so that a host that does this
 * from time to time has a log that does not grow for ever: it reaches back to the snapshot before the newest, and at
 * least `tail_entries` of the options before the newest. A new node, and one that is far behind, is sent the snapshot
 * instead of the log: all nodes of a cluster should do the same. Nothing is written where the newest snapshot stands
 * for as much of the log already.
 *
 * `DUO_TIMEOUT`: it is being written still. `DUO_AGAIN`: one is being written, and another waits.
 * `DUO_ERR_INVALID_ARGUMENT` when the entry at `index` cannot be read here yet; `DUO_ERR_TOO_LARGE` above
 * `DUO_REPLOG_SNAPSHOT_BYTES_MAX`, for which there is `duo_replog_snapshot_begin`; `DUO_ERR_NO_MEMORY` when there is none
 * for the copy. Nothing ends, and the log is not cut, after `DUO_ERR_IO` when the disk takes no more,
 * `DUO_ERR_PERMISSION` when it is read-only, `DUO_ERR_CORRUPTION` when what the snapshot would go on from is damaged,
 * and `DUO_NOT_FOUND` when the log no longer has that: give a state of a later entry then.
 *
 * [any-thread] [blocks] Since: 0.1
 */
duo_status duo_replog_snapshot(const struct duo_replog *log,
                               uint64_t index,
                               const void *state,
                               size_t len,
                               int64_t timeout_ns);

/**
 * As `duo_replog_snapshot`, without waiting: `duo_replog_await` gives the answer, with the index that the newest
 * snapshot is of then in that of the receipt. `DUO_AGAIN` also as for `duo_replog_submit`.
 *
 * [any-thread] Since: 0.1
 */
duo_status duo_replog_submit_snapshot(const struct duo_replog *log,
                                      uint64_t index,
                                      const void *state,
                                      size_t len,
                                      uint64_t *op);

/**
 * Copies bytes of a snapshot's state from `offset` on: what a host begins with when `duo_replog_read` gives
 * `DUO_NOT_FOUND`. With `index` 0 it is the newest one; `snapshot` says which, and how long it is. Ask for the rest by
 * its index, until `len`, which gets how many bytes were copied, is 0; there may be fewer than `cap` also before the end.
 * The snapshot stays the same while newer ones come, and the node lets go of it where a read copies nothing: ask from
 * offset `UINT64_MAX` on to give it up. One snapshot of a log is read at a time. With `cap` 0 only `snapshot` is of
 * interest, and nothing is kept for more.
 *
 * `DUO_NOT_FOUND` when there is none. `DUO_ERR_CONFLICT` when it is no longer open and another is the newest: begin
 * again, with `index` 0. `DUO_ERR_CORRUPTION` when it is damaged.
 *
 * [any-thread] [blocks] Since: 0.1
 */
duo_status duo_replog_snapshot_read(const struct duo_replog *log,
                                    uint64_t index,
                                    uint64_t offset,
                                    void *buf,
                                    size_t cap,
                                    size_t *len,
                                    struct duo_replog_snapshot_t *snapshot);

/**
 * As `duo_replog_submit_snapshot` for a state of any length, which `duo_replog_snapshot_write` hands over piece by piece
 * under the name of `op`. `duo_replog_snapshot_end` says that it is whole, and `duo_replog_await` gives the answer then;
 * `duo_replog_forget` before that gives it up, and nothing of it stays. Other snapshots of this log wait until it is
 * written or given up: whoever cannot go on with it forgets it.
 *
 * [any-thread] Since: 0.1
 */
duo_status duo_replog_snapshot_begin(const struct duo_replog *log,
                                     uint64_t index,
                                     uint64_t *op);

/**
 * Hands over the next `len` bytes of the state, up to `DUO_REPLOG_PIECE_BYTES_MAX`, which are copied; waits up to
 * `timeout_ns` for room. Nothing of them was taken after `DUO_TIMEOUT`, when there was none, `DUO_ERR_NO_MEMORY`,
 * `DUO_ERR_TOO_LARGE` and `DUO_ERR_INVALID_ARGUMENT`, as behind the end of a state. After anything else but `DUO_OK` there
 * will be no snapshot, as `duo_replog_await` says too. One thread at a time hands over a state; another one may forget it.
 *
 * [any-thread] [blocks] Since: 0.1
 */
duo_status duo_replog_snapshot_write(const struct duo_replog *log,
                                     uint64_t op,
                                     const void *piece,
                                     size_t len,
                                     int64_t timeout_ns);

/**
 * The state that is handed over under the name of `op` is whole: nothing can be written behind that.
 *
 * [any-thread] Since: 0.1
 */
duo_status duo_replog_snapshot_end(const struct duo_replog *log, uint64_t op);

/**
 * Reads certificate, key and authority again, at the places where they were when the log was opened, for the
 * connections to come; those that are there live on. `DUO_ERR_CONFIG` for files that are missing or that peers would
 * refuse, which the message names: what was read before stays, and the log goes on. Without TLS it does nothing.
 *
 * [any-thread] Since: 0.1
 */
duo_status duo_replog_reload_tls(const struct duo_replog *log);

/**
 * Where this node stands. Works on a closed log too: as it was.
 *
 * [any-thread] Since: 0.1
 */
duo_status duo_replog_status(const struct duo_replog *log, struct duo_replog_status_t *status);

/**
 * Waits until `changes` of `status` is another number than `seen`, and fills that in: somebody else leads or nobody does,
 * this node has another role or term, or other members are in. With a `seen` of 0 it returns at once; then ask with the
 * number that came, and no change is missed between two calls. Changes that come close together may be told as one.
 * `DUO_TIMEOUT` while there was none; `DUO_ERR_CLOSED` and `DUO_ERR_POISONED` when the node has ended.
 *
 * It is about what this node knows: one that was cut off leads in its own eyes until it steps down, while another one does
 * already. What must be done by one node alone goes through the log.
 *
 * [any-thread] [blocks] Since: 0.1
 */
duo_status duo_replog_wait_status(const struct duo_replog *log,
                                  uint64_t seen,
                                  int64_t timeout_ns,
                                  struct duo_replog_status_t *status);

/**
 * What a leader knows of the other members, in the order of their numbers; none on a follower. `n` gets
 * their number, also with `DUO_ERR_TOO_LARGE` when `cap` is smaller; with `cap` 0 only `n` is written.
 *
 * [any-thread] Since: 0.1
 */
duo_status duo_replog_peers(const struct duo_replog *log,
                            struct duo_replog_peer *peers,
                            size_t cap,
                            size_t *n);

/**
 * Who is in the cluster as this node's log says, in the order of their numbers. Otherwise as
 * `duo_replog_peers`.
 *
 * [any-thread] Since: 0.1
 */
duo_status duo_replog_members(const struct duo_replog *log,
                              struct duo_replog_member_t *members,
                              size_t cap,
                              size_t *n);

/**
 * The node's figures as a JSON object. `len` gets the length without the NUL; a `capacity` of 0 asks for it
 * only.
 *
 * [any-thread] Since: 0.1
 */
duo_status duo_replog_json(const struct duo_replog *log, char *buf, size_t capacity, size_t *len);

/**
 * The node's figures in Prometheus's text format, each with the label `node`. Otherwise as `duo_replog_json`.
 *
 * [any-thread] Since: 0.1
 */
duo_status duo_replog_prometheus(const struct duo_replog *log, char *buf, size_t capacity, size_t *len);

/**
 * Makes a closed breaker. `options` may be NULL. `DUO_ERR_CONFIG` names a field outside of its range.
 *
 * [any-thread] Since: 0.1
 */
duo_status duo_breaker_create(const struct duo_breaker_options *options, struct duo_breaker **breaker);

/**
 * Asks for a call. `DUO_OK`: make it, and give `ticket` to `duo_breaker_report` once. `DUO_ERR_BUSY`: the
 * circuit is open; do not make it.
 *
 * [any-thread] Since: 0.1
 */
duo_status duo_breaker_ask(const struct duo_breaker *breaker, uint64_t *ticket);

/**
 * Says how the call of a ticket ended (`DUO_OUTCOME_*`). A ticket of an earlier state changes nothing.
 *
 * [any-thread] Since: 0.1
 */
duo_status duo_breaker_report(const struct duo_breaker *breaker, uint64_t ticket, uint32_t outcome);

/**
 * Opens it by hand for its time-out.
 *
 * [any-thread] Since: 0.1
 */
duo_status duo_breaker_trip(const struct duo_breaker *breaker);

/**
 * Closes it by hand and forgets the window.
 *
 * [any-thread] Since: 0.1
 */
duo_status duo_breaker_reset(const struct duo_breaker *breaker);

/**
 * Its figures.
 *
 * [any-thread] Since: 0.1
 */
duo_status duo_breaker_stats(const struct duo_breaker *breaker, struct duo_breaker_stats_t *stats);

/**
 * Its state as bytes, to be restored after a restart. `unix_ns` is the wall-clock time now, in nanoseconds
 * since 1970. `len` gets the full size; a `capacity` of 0 asks for the size only.
 *
 * [any-thread] Since: 0.1
 */
duo_status duo_breaker_save(const struct duo_breaker *breaker,
                            uint64_t unix_ns,
                            void *buf,
                            size_t capacity,
                            size_t *len);

/**
 * Restores what `duo_breaker_save` wrote; the time between counts as time that it was open.
 * `DUO_ERR_CORRUPTION` for other bytes; nothing has changed then.
 *
 * [any-thread] Since: 0.1
 */
duo_status duo_breaker_restore(const struct duo_breaker *breaker,
                               uint64_t unix_ns,
                               const void *bytes,
                               size_t len);

/**
 * Frees the breaker; stacks that have it keep it. NULL is accepted.
 *
 * [any-thread] Since: 0.1
 */
duo_status duo_breaker_destroy(struct duo_breaker *breaker);

/**
 * Makes a limiter with a full burst. `options` may be NULL. `DUO_ERR_CONFIG` names a field outside of its
 * range.
 *
 * [any-thread] Since: 0.1
 */
duo_status duo_limiter_create(const struct duo_limiter_options *options, struct duo_limiter **limiter);

/**
 * Takes `n` tokens, or none. `DUO_AGAIN`: there are fewer now. `DUO_ERR_TOO_LARGE`: more than the burst,
 * which never comes.
 *
 * [any-thread] Since: 0.1
 */
duo_status duo_limiter_acquire(const struct duo_limiter *limiter, uint32_t n);

/**
 * As `duo_limiter_acquire`, waiting for the tokens. `DUO_TIMEOUT`: they would come later than in
 * `timeout_ns` (negative: for ever); then it returns at once.
 *
 * [any-thread] [blocks] Since: 0.1
 */
duo_status duo_limiter_acquire_wait(const struct duo_limiter *limiter, uint32_t n, int64_t timeout_ns);

/**
 * In how many nanoseconds `n` tokens will be there if nobody takes any; 0 for now. Takes none.
 *
 * [any-thread] Since: 0.1
 */
duo_status duo_limiter_ready_in(const struct duo_limiter *limiter, uint32_t n, int64_t *wait_ns);

/**
 * Its figures.
 *
 * [any-thread] Since: 0.1
 */
duo_status duo_limiter_stats(const struct duo_limiter *limiter, struct duo_limiter_stats_t *stats);

/**
 * Frees the limiter; waiting calls return with `DUO_ERR_CLOSED`. Stacks that have it keep it. NULL is
 * accepted.
 *
 * [any-thread] Since: 0.1
 */
duo_status duo_limiter_destroy(struct duo_limiter *limiter);

/**
 * Makes a bulkhead with all permits in. `options` may be NULL. `DUO_ERR_CONFIG` names a field outside of
 * its range.
 *
 * [any-thread] Since: 0.1
 */
duo_status duo_bulkhead_create(const struct duo_bulkhead_options *options, struct duo_bulkhead **bulkhead);

/**
 * Takes a permit that is free; does not overtake anybody in line. `DUO_AGAIN`: all are out. Give it back
 * with `duo_bulkhead_release`.
 *
 * [any-thread] Since: 0.1
 */
duo_status duo_bulkhead_acquire(const struct duo_bulkhead *bulkhead);

/**
 * Takes a permit, waiting in line for up to `timeout_ns` (negative: for ever), first come, first served.
 * `DUO_AGAIN`: the line is full. `DUO_TIMEOUT`: it was not this caller's turn.
 *
 * [any-thread] [blocks] Since: 0.1
 */
duo_status duo_bulkhead_acquire_wait(const struct duo_bulkhead *bulkhead, int64_t timeout_ns);

/**
 * Takes a permit or a place in line, and waits for nothing. `DUO_OK`: a permit; `place` is 2^64 - 1.
 * `DUO_PARTIAL`: a place; ask `duo_bulkhead_await`, or give it up with `duo_bulkhead_leave`. `DUO_AGAIN`: the
 * line is full.
 *
 * [any-thread] Since: 0.1
 */
duo_status duo_bulkhead_line_up(const struct duo_bulkhead *bulkhead, uint64_t *place);

/**
 * Waits for the turn of a place. `DUO_OK`: the permit is yours, and the place is gone. `DUO_TIMEOUT`: it
 * is still in line. One thread at a time waits for a place.
 *
 * [any-thread] [blocks] Since: 0.1
 */
duo_status duo_bulkhead_await(const struct duo_bulkhead *bulkhead, uint64_t place, int64_t timeout_ns);

/**
 * Gives up a place; a permit that was handed to it goes to the next. `DUO_ERR_INVALID_ARGUMENT` when there
 * is no such place.
 *
 * [any-thread] Since: 0.1
 */
duo_status duo_bulkhead_leave(const struct duo_bulkhead *bulkhead, uint64_t place);

/**
 * Gives a permit back, to whoever is in front of the line. `DUO_ERR_INVALID_ARGUMENT` when none is out.
 *
 * [any-thread] Since: 0.1
 */
duo_status duo_bulkhead_release(const struct duo_bulkhead *bulkhead);

/**
 * Its figures.
 *
 * [any-thread] Since: 0.1
 */
duo_status duo_bulkhead_stats(const struct duo_bulkhead *bulkhead, struct duo_bulkhead_stats_t *stats);

/**
 * Frees the bulkhead; waiting calls return with `DUO_ERR_CLOSED`. Stacks that have it keep it. NULL is
 * accepted.
 *
 * [any-thread] Since: 0.1
 */
duo_status duo_bulkhead_destroy(struct duo_bulkhead *bulkhead);

/**
 * Makes a policy. `options` may be NULL. `DUO_ERR_CONFIG` names a field outside of its range.
 *
 * [any-thread] Since: 0.1
 */
duo_status duo_retry_create(const struct duo_retry_options *options, struct duo_retry **retry);

/**
 * What to do after the `failures`th failure in a row, 1-based, `elapsed_ns` after the start of the first
 * attempt. `DUO_OK`: try again after `delay_ns`. `DUO_END`: give up. `entropy` is any number by chance.
 *
 * [any-thread] Since: 0.1
 */
duo_status duo_retry_after(const struct duo_retry *retry,
                           uint32_t failures,
                           int64_t elapsed_ns,
                           uint32_t fault,
                           uint64_t entropy,
                           int64_t *delay_ns);

/**
 * Its figures.
 *
 * [any-thread] Since: 0.1
 */
duo_status duo_retry_stats(const struct duo_retry *retry, struct duo_retry_stats_t *stats);

/**
 * Frees the policy; stacks that have it keep it. NULL is accepted.
 *
 * [any-thread] Since: 0.1
 */
duo_status duo_retry_destroy(struct duo_retry *retry);

/**
 * Makes a stack of parts, each of which may be NULL, may be in several stacks, and may be destroyed before
 * them. `retry` takes no part in `duo_stack_enter`; it is there for reports.
 *
 * [any-thread] Since: 0.1
 */
duo_status duo_stack_create(const struct duo_breaker *breaker,
                            const struct duo_limiter *limiter,
                            const struct duo_bulkhead *bulkhead,
                            const struct duo_retry *retry,
                            struct duo_stack **stack);

/**
 * Asks circuit, rate and bulkhead for a call, with one reading of the clock. `DUO_OK`: make it, then give
 * `ticket` to `duo_stack_leave` once. `DUO_ERR_BUSY`: the circuit is open. `DUO_AGAIN`: no token or no
 * permit. What refuses costs nothing, except that a token is not given back when the bulkhead is full.
 *
 * [any-thread] Since: 0.1
 */
duo_status duo_stack_enter(const struct duo_stack *stack, uint64_t *ticket);

/**
 * Gives the permit back and says how the call ended (`DUO_OUTCOME_*`).
 *
 * [any-thread] Since: 0.1
 */
duo_status duo_stack_leave(const struct duo_stack *stack, uint64_t ticket, uint32_t outcome);

/**
 * Frees the stack; a registry that has it keeps it. NULL is accepted.
 *
 * [any-thread] Since: 0.1
 */
duo_status duo_stack_destroy(struct duo_stack *stack);

/**
 * Makes an empty registry.
 *
 * [any-thread] Since: 0.1
 */
duo_status duo_registry_create(struct duo_registry **registry);

/**
 * Registers a stack: up to 1,024, names of 1 to 64 bytes of `A-Z a-z 0-9 _ - . : /`. `DUO_ERR_CONFLICT`
 * when the name is taken.
 *
 * [any-thread] Since: 0.1
 */
duo_status duo_registry_add(const struct duo_registry *registry,
                            const char *name,
                            const struct duo_stack *stack);

/**
 * Forgets a name. `DUO_NOT_FOUND` when it is not registered.
 *
 * [any-thread] Since: 0.1
 */
duo_status duo_registry_remove(const struct duo_registry *registry, const char *name);

/**
 * The stack of that name as a handle of its own, to be destroyed as others are. Look it up once and keep it.
 * `DUO_NOT_FOUND` when it is not registered.
 *
 * [any-thread] Since: 0.1
 */
duo_status duo_registry_find(const struct duo_registry *registry, const char *name, struct duo_stack **stack);

/**
 * The figures of all stacks as a JSON object. `len` gets the length without the NUL; a `capacity` of 0 asks
 * for it only.
 *
 * [any-thread] Since: 0.1
 */
duo_status duo_registry_json(const struct duo_registry *registry, char *buf, size_t capacity, size_t *len);

/**
 * The figures of all stacks in Prometheus's text format. Otherwise as `duo_registry_json`.
 *
 * [any-thread] Since: 0.1
 */
duo_status duo_registry_prometheus(const struct duo_registry *registry,
                                   char *buf,
                                   size_t capacity,
                                   size_t *len);

/**
 * The state of all breakers by name. Otherwise as `duo_breaker_save`.
 *
 * [any-thread] Since: 0.1
 */
duo_status duo_registry_save(const struct duo_registry *registry,
                             uint64_t unix_ns,
                             void *buf,
                             size_t capacity,
                             size_t *len);

/**
 * Restores what `duo_registry_save` wrote; `restored` gets the number of breakers that were found by name.
 * `DUO_ERR_CORRUPTION` for other bytes; nothing has changed then.
 *
 * [any-thread] Since: 0.1
 */
duo_status duo_registry_restore(const struct duo_registry *registry,
                                uint64_t unix_ns,
                                const void *bytes,
                                size_t len,
                                size_t *restored);

/**
 * Frees the registry; its stacks live on where they are used. NULL is accepted.
 *
 * [any-thread] Since: 0.1
 */
duo_status duo_registry_destroy(struct duo_registry *registry);

#if defined(DUO_FAULTS)
/**
 * Makes the next guarded call on an object of the kind (1 config, 2 queue, 3 pool, 4 node, 5 sub,
 * 6 lane, 7 stage, 8 producer of a lane, 9 replicated log, 16 breaker, 17 limiter, 18 bulkhead, 19 retry,
 * 20 stack, 21 registry) panic inside the library. Only in builds with the feature `faults`.
 *
 * [any-thread] Since: 0.1
 */
duo_status duo_test_panic_next(uint32_t kind);
#endif

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* DUOCHAIN_H */
