// duochain for C++17: the C interface with owners and exceptions.
//
// Everything that duochain.h says about ownership, threads, lifetimes and errors holds here too, with
// two differences: owners destroy their handle when they go out of scope, and negative statuses are
// thrown as duochain::Error. Normal outcomes (AGAIN, TIMEOUT, END, …) are returned.
//
// Owners are movable, not copyable. An owner that was moved from is empty; calls on it throw
// INVALID_ARGUMENT. Destructors never throw: what destroying reports is lost, so call close() or reset()
// where it matters.
#ifndef DUOCHAIN_HPP
#define DUOCHAIN_HPP

#include "duochain.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstring>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace duochain {

using Nanos = std::chrono::nanoseconds;
using Id = std::array<std::uint8_t, DUO_HASH_BYTES>;

// Without limit.
inline constexpr Nanos forever{DUO_WAIT_FOREVER};

enum class Chain : std::uint32_t { alpha = DUO_CHAIN_ALPHA, delta = DUO_CHAIN_DELTA };

// A negative status with its message.
class Error : public std::runtime_error {
public:
    Error(duo_status status, const std::string &message)
        : std::runtime_error(std::string(duo_status_name(status)) + ": " + message), status_(status) {}

    duo_status status() const noexcept { return status_; }
    // The same call may succeed later.
    bool retryable() const noexcept { return duo_status_class(status_) == DUO_CLASS_RETRYABLE; }
    // The object is beyond repair.
    bool fatal() const noexcept { return duo_status_class(status_) == DUO_CLASS_FATAL; }

private:
    duo_status status_;
};

// Throws negative statuses, returns the others.
inline duo_status check(duo_status status) {
    if (status < 0) {
        char message[DUO_MESSAGE_BYTES_MAX + 1];
        duo_last_error_message(message, sizeof message);
        throw Error(status, message);
    }
    return status;
}

// Bytes that somebody else owns.
struct Bytes {
    const void *data = nullptr;
    std::size_t size = 0;

    Bytes() = default;
    Bytes(const void *first, std::size_t count) : data(first), size(count) {}
    Bytes(std::string_view text) : data(text.data()), size(text.size()) {}
    Bytes(const std::string &text) : data(text.data()), size(text.size()) {}
    Bytes(const char *text) : data(text), size(std::strlen(text)) {}
    Bytes(const std::vector<std::uint8_t> &bytes) : data(bytes.data()), size(bytes.size()) {}

    std::string_view text() const { return {static_cast<const char *>(data), size}; }
};

// The header that this was compiled with fits the library that is loaded.
inline void check_abi() { check(duo_check_abi(DUO_ABI_VERSION, nullptr)); }

inline Id tx_id(Chain chain, Bytes tx) {
    Id id{};
    check(duo_tx_id(static_cast<std::uint32_t>(chain), tx.data, tx.size, id.data()));
    return id;
}

namespace detail {

// Owns one handle.
template <class T, duo_status (*Destroy)(T *)> class Owner {
public:
    Owner() = default;
    explicit Owner(T *handle) noexcept : handle_(handle) {}
    Owner(Owner &&other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
    Owner &operator=(Owner &&other) noexcept {
        if (this != &other) {
            drop();
            handle_ = std::exchange(other.handle_, nullptr);
        }
        return *this;
    }
    Owner(const Owner &) = delete;
    Owner &operator=(const Owner &) = delete;
    ~Owner() { drop(); }

    // The C handle; still owned here.
    T *get() const noexcept { return handle_; }
    explicit operator bool() const noexcept { return handle_ != nullptr; }
    // Gives the handle up without destroying it.
    T *release() noexcept { return std::exchange(handle_, nullptr); }
    // Destroys now, and throws what the destructor would hide. On an error the handle stays owned.
    void reset() {
        check(Destroy(handle_));
        handle_ = nullptr;
    }

private:
    void drop() noexcept {
        if (handle_ != nullptr) {
            Destroy(std::exchange(handle_, nullptr));
        }
    }

    T *handle_ = nullptr;
};

// Calls a function whose last argument is the place for a new handle.
template <class T, class Make, class... In> T *made(Make make, In... in) {
    T *handle = nullptr;
    check(make(in..., &handle));
    return handle;
}

// Calls a function that fills a buffer of unknown size until the buffer is large enough.
template <class Container, class Call> std::optional<Container> sized(Call call, std::size_t extra) {
    Container out;
    std::size_t size = 0;
    if (check(call(nullptr, 0, &size)) == DUO_NOT_FOUND) {
        return std::nullopt;
    }
    for (;;) {
        out.resize(size + extra);
        const duo_status status = call(out.data(), out.size(), &size);
        if (status == DUO_ERR_TOO_LARGE) {
            continue; // it grew meanwhile; size says to what
        }
        if (check(status) == DUO_NOT_FOUND) {
            return std::nullopt;
        }
        out.resize(size);
        return out;
    }
}

} // namespace detail

// Keys and values for a node.
class Config : public detail::Owner<duo_config, duo_config_destroy> {
public:
    Config() : Owner(detail::made<duo_config>(duo_config_create)) {}

    Config &set(const std::string &key, std::string_view value) {
        check(duo_config_set(get(), key.c_str(), value.data(), value.size()));
        return *this;
    }
    std::string get_value(const std::string &key) const {
        return *detail::sized<std::string>(
            [&](char *buf, std::size_t cap, std::size_t *len) {
                return duo_config_get(get(), key.c_str(), buf, cap, len);
            },
            1);
    }
    Config &load_file(const std::string &path) {
        check(duo_config_load_file(get(), path.c_str()));
        return *this;
    }
    Config &load_toml(std::string_view text) {
        check(duo_config_load_toml(get(), text.data(), text.size()));
        return *this;
    }
    void validate() const { check(duo_config_validate(get())); }
};

// A transaction taken out of a queue.
struct Item {
    std::string bytes;
    std::uint64_t tag = 0;
    std::uint64_t sequence = 0;
    std::uint32_t lane = 0;
};

// A transaction queue.
class Queue : public detail::Owner<duo_queue, duo_queue_destroy> {
public:
    explicit Queue(const duo_queue_options &options = DUO_QUEUE_OPTIONS_INIT)
        : Owner(detail::made<duo_queue>(duo_queue_create, &options)) {}

    // False when the lane is full.
    bool enqueue(Bytes tx, std::uint32_t lane = 0, std::uint64_t tag = 0) {
        return check(duo_queue_enqueue(get(), lane, tx.data, tx.size, tag)) == DUO_OK;
    }
    // False when there was no room in time.
    bool enqueue_wait(Bytes tx, Nanos timeout, std::uint32_t lane = 0, std::uint64_t tag = 0) {
        return check(duo_queue_enqueue_wait(get(), lane, tx.data, tx.size, tag, timeout.count())) == DUO_OK;
    }
    // How many of the items were accepted, from the first.
    std::size_t enqueue_batch(const std::vector<duo_iovec> &items, std::uint32_t lane = 0,
                              std::uint64_t first_tag = 0) {
        std::size_t done = 0;
        check(duo_queue_enqueue_batch(get(), lane, items.data(), items.size(), first_tag, &done));
        return done;
    }
    // Lets `fill(void *, size)` write a transaction of `len` bytes in place. False when the lane is full.
    template <class Fill>
    bool emplace(std::size_t len, Fill fill, std::uint32_t lane = 0, std::uint64_t tag = 0) {
        duo_claim claim{};
        check(duo_queue_claim(get(), lane, len, &claim));
        try {
            fill(claim.data, claim.len);
            if (check(duo_queue_commit(get(), &claim, tag)) == DUO_OK) {
                return true;
            }
        } catch (...) {
            duo_queue_abort(get(), &claim);
            throw;
        }
        duo_queue_abort(get(), &claim);
        return false;
    }
    // DUO_OK, DUO_AGAIN or DUO_END. The buffer of `out` is reused and grows as needed.
    duo_status dequeue(Item &out) {
        return take(out, [this](void *buf, std::size_t cap, duo_item *item) {
            return duo_queue_dequeue(get(), buf, cap, item);
        });
    }
    // DUO_OK, DUO_TIMEOUT or DUO_END.
    duo_status dequeue_wait(Item &out, Nanos timeout) {
        return take(out, [this, timeout](void *buf, std::size_t cap, duo_item *item) {
            return duo_queue_dequeue_wait(get(), buf, cap, timeout.count(), item);
        });
    }
    void close() { check(duo_queue_close(get())); }
    std::uint64_t size() const {
        std::uint64_t len = 0;
        check(duo_queue_len(get(), &len));
        return len;
    }
    duo_lane_stats_t lane_stats(std::uint32_t lane) const {
        duo_lane_stats_t stats = DUO_LANE_STATS_INIT;
        check(duo_queue_lane_stats(get(), lane, &stats));
        return stats;
    }

private:
    template <class Call> duo_status take(Item &out, Call call) {
        duo_item item{};
        std::size_t room = out.bytes.capacity() < 256 ? 256 : out.bytes.capacity();
        for (;;) {
            out.bytes.resize(room);
            const duo_status status = call(&out.bytes[0], out.bytes.size(), &item);
            if (status != DUO_ERR_TOO_LARGE) {
                out.bytes.resize(check(status) == DUO_OK ? item.len : 0);
                out.tag = item.tag;
                out.sequence = item.sequence;
                out.lane = item.lane;
                return status;
            }
            room *= 4; // the item waits for the next call
        }
    }
};

class Pool;

// A buffer that goes back to its pool. Must not outlive the pool.
class Buffer {
public:
    Buffer() = default;
    Buffer(Buffer &&other) noexcept
        : pool_(std::exchange(other.pool_, nullptr)), buf_(std::exchange(other.buf_, duo_buf{})) {}
    Buffer &operator=(Buffer &&other) noexcept {
        if (this != &other) {
            drop();
            pool_ = std::exchange(other.pool_, nullptr);
            buf_ = std::exchange(other.buf_, duo_buf{});
        }
        return *this;
    }
    Buffer(const Buffer &) = delete;
    Buffer &operator=(const Buffer &) = delete;
    ~Buffer() { drop(); }

    void *data() const noexcept { return buf_.data; }
    std::size_t size() const noexcept { return buf_.len; }
    std::size_t capacity() const noexcept { return buf_.cap; }

private:
    friend class Pool;
    Buffer(const duo_pool *pool, const duo_buf &buf) noexcept : pool_(pool), buf_(buf) {}
    void drop() noexcept {
        if (pool_ != nullptr) {
            duo_pool_release(std::exchange(pool_, nullptr), &buf_);
        }
    }

    const duo_pool *pool_ = nullptr;
    duo_buf buf_{};
};

// What a managed pool is for; its sizes come from the configuration.
enum class PoolKind : std::uint32_t {
    transaction_request = DUO_POOL_TRANSACTION_REQUEST,
    block_proposal = DUO_POOL_BLOCK_PROPOSAL,
    consensus_message = DUO_POOL_CONSENSUS_MESSAGE,
    log_entry = DUO_POOL_LOG_ENTRY,
};

// A pool of buffers. Destroying it while buffers are out keeps it alive on purpose: see duo_pool_destroy.
class Pool : public detail::Owner<duo_pool, duo_pool_destroy> {
public:
    explicit Pool(const duo_pool_options &options) : Owner(detail::made<duo_pool>(duo_pool_create, &options)) {}
    explicit Pool(const std::vector<duo_pool_class> &classes) : Pool(options_of(classes)) {}
    // `flags`: 0 or DUO_POOL_KEEP_ADDRESSES.
    explicit Pool(PoolKind kind, std::uint32_t flags = 0, const Config *config = nullptr)
        : Owner(detail::made<duo_pool>(duo_pool_create_managed, config == nullptr ? nullptr : config->get(),
                                       static_cast<std::uint32_t>(kind), flags)) {}

    // held() names `site`, if one is given.
    Buffer acquire(std::size_t len, const char *site = nullptr) {
        duo_buf buf{};
        check(site == nullptr ? duo_pool_acquire(get(), len, &buf)
                              : duo_pool_acquire_at(get(), len, site, &buf));
        return Buffer(get(), buf);
    }
    // Up to `count` buffers of `len` bytes each: fewer when the pool has no more, and at least one.
    std::vector<Buffer> acquire_batch(std::size_t len, std::size_t count) {
        std::vector<duo_buf> bufs(count);
        std::vector<Buffer> buffers(count);
        check(duo_pool_acquire_batch(get(), len, bufs.data(), count, &count));
        buffers.resize(count);
        for (std::size_t i = 0; i < count; i++) {
            buffers[i] = Buffer(get(), bufs[i]);
        }
        return buffers;
    }
    // Gives buffers of this pool back together; those of others go back one by one.
    void release_batch(std::vector<Buffer> buffers) {
        const auto others = std::partition(buffers.begin(), buffers.end(),
                                           [this](const Buffer &buffer) { return buffer.pool_ == get(); });
        std::vector<duo_buf> bufs;
        std::for_each(buffers.begin(), others, [&bufs](const Buffer &buffer) { bufs.push_back(buffer.buf_); });
        std::size_t n = 0;
        check(duo_pool_release_batch(get(), bufs.data(), bufs.size(), &n));
        // One that went back by the C interface stops the batch: those behind it go back one by one.
        std::for_each_n(buffers.begin(), n, [](Buffer &buffer) { buffer.pool_ = nullptr; });
    }
    // Takes memory for `count` buffers of `len` bytes; how many got some now.
    std::uint64_t warm_up(std::size_t len, std::size_t count) {
        std::uint64_t committed = 0;
        check(duo_pool_warm_up(get(), len, count, &committed));
        return committed;
    }
    // Lets the memory follow demand, every second or so. `now` is of one monotonic clock, by default the library's.
    duo_pool_maintenance_t maintain(std::optional<Nanos> now = std::nullopt) {
        duo_pool_maintenance_t done = DUO_POOL_MAINTENANCE_INIT;
        check(duo_pool_maintain(get(), now ? now->count() : DUO_NOW, &done));
        return done;
    }
    // Up to `max` buffers that have been out for `older_than` or longer, longest first.
    std::vector<duo_held> held(Nanos older_than = Nanos(0), std::size_t max = 1024) const {
        std::vector<duo_held> held(max);
        std::size_t n = 0;
        check(duo_pool_held(get(), older_than.count(), held.data(), held.size(), &n));
        held.resize(n);
        return held;
    }
    std::size_t trim(std::size_t keep_free = 0) {
        std::size_t trimmed = 0;
        check(duo_pool_trim(get(), keep_free, &trimmed));
        return trimmed;
    }
    duo_pool_stats_t stats() const {
        duo_pool_stats_t stats = DUO_POOL_STATS_INIT;
        check(duo_pool_stats(get(), &stats));
        return stats;
    }
    // One entry for each class, smallest buffers first.
    std::vector<duo_pool_class_stats_t> class_stats() const {
        std::vector<duo_pool_class_stats_t> all;
        duo_pool_class_stats_t stats = DUO_POOL_CLASS_STATS_INIT;
        while (check(duo_pool_class_stats(get(), static_cast<std::uint32_t>(all.size()), &stats)) == DUO_OK) {
            all.push_back(stats);
        }
        return all;
    }

private:
    static duo_pool_options options_of(const std::vector<duo_pool_class> &classes) {
        duo_pool_options options = DUO_POOL_OPTIONS_INIT;
        options.classes = classes.data();
        options.class_count = classes.size();
        return options;
    }
};

// Collects one producer's transactions for one lane and publishes them together. For one thread at a time.
class Stage : public detail::Owner<duo_stage, duo_stage_destroy> {
public:
    explicit Stage(const Queue &queue, const duo_stage_options &options = DUO_STAGE_OPTIONS_INIT)
        : Owner(detail::made<duo_stage>(duo_queue_stage_open, queue.get(), &options)) {}

    // False when both the stage and the lane are full; the transaction is not staged then.
    bool enqueue(Bytes tx, std::uint64_t tag = 0) {
        return check(duo_stage_enqueue(get(), tx.data, tx.size, tag)) == DUO_OK;
    }
    // False when the lane is full: everything stays staged.
    bool flush() {
        std::size_t n = 0;
        return check(duo_stage_flush(get(), &n)) == DUO_OK;
    }
    // As flush, if the oldest is of age.
    bool flush_aged() {
        std::size_t n = 0;
        return check(duo_stage_flush_aged(get(), &n)) == DUO_OK;
    }
    std::size_t size() const {
        std::size_t n = 0;
        check(duo_stage_len(get(), &n));
        return n;
    }
};

class Node;

// A reader of a node's events. It may outlive the node.
class Subscription : public detail::Owner<duo_sub, duo_sub_destroy> {
public:
    // Up to `max` events; none when there are none yet.
    std::vector<duo_event> poll(std::size_t max = 64) {
        std::vector<duo_event> events(max);
        std::size_t n = 0;
        check(duo_sub_poll(get(), events.data(), events.size(), &n));
        events.resize(n);
        return events;
    }
    // False when none came in time, or after wake().
    bool wait(Nanos timeout) const { return check(duo_sub_wait(get(), timeout.count())) == DUO_OK; }
    void wake() const { check(duo_sub_wake(get())); }
    void ack(Chain chain, std::uint64_t sequence) {
        check(duo_sub_ack(get(), static_cast<std::uint32_t>(chain), sequence));
    }
    void seek(Chain chain, std::uint64_t sequence) {
        check(duo_sub_seek(get(), static_cast<std::uint32_t>(chain), sequence));
    }
    // Events that wait to be polled.
    std::uint64_t lag(Chain chain) const {
        std::uint64_t waiting = 0;
        check(duo_sub_lag(get(), static_cast<std::uint32_t>(chain), &waiting, nullptr));
        return waiting;
    }
    // Events that were retired before they were polled.
    std::uint64_t dropped(Chain chain) const {
        std::uint64_t dropped = 0;
        check(duo_sub_lag(get(), static_cast<std::uint32_t>(chain), nullptr, &dropped));
        return dropped;
    }
    int event_fd() const {
        std::int32_t fd = -1;
        check(duo_sub_event_fd(get(), &fd));
        return fd;
    }

private:
    friend class Node;
    explicit Subscription(duo_sub *sub) noexcept : Owner(sub) {}
};

// A running node.
class Node : public detail::Owner<duo_node, duo_node_destroy> {
public:
    explicit Node(const Config &config) : Owner(detail::made<duo_node>(duo_node_open, config.get())) {}

    // The operation number; nothing when the lane is full or too many completions wait.
    std::optional<std::uint64_t> submit(Chain chain, Bytes tx, std::uint32_t lane = 0) {
        std::uint64_t op = 0;
        const duo_status status = check(duo_node_submit(get(), number(chain), lane, tx.data, tx.size, &op));
        return accepted(status, op);
    }
    // Nothing when there was no room in time.
    std::optional<std::uint64_t> submit_wait(Chain chain, Bytes tx, Nanos timeout, std::uint32_t lane = 0) {
        std::uint64_t op = 0;
        const duo_status status = check(
            duo_node_submit_wait(get(), number(chain), lane, tx.data, tx.size, timeout.count(), &op));
        return accepted(status, op);
    }
    // The operation numbers of the accepted items, which are the first ones.
    std::vector<std::uint64_t> submit_batch(Chain chain, const std::vector<duo_iovec> &items,
                                            std::uint32_t lane = 0) {
        std::vector<std::uint64_t> ops(items.size());
        std::size_t done = 0;
        check(duo_node_submit_batch(get(), number(chain), lane, items.data(), items.size(), ops.data(), &done));
        ops.resize(done);
        return ops;
    }
    // Up to `max` completions; none when none came in time or the node has ended.
    std::vector<duo_completion> poll_completions(std::size_t max, Nanos timeout) {
        std::vector<duo_completion> completions(max);
        std::size_t n = 0;
        check(duo_node_poll_completions(get(), completions.data(), max, timeout.count(), &n));
        completions.resize(n);
        return completions;
    }
    duo_tx_status tx_status(Chain chain, const Id &id) const {
        duo_tx_status status = DUO_TX_STATUS_INIT;
        check(duo_node_tx_status(get(), number(chain), id.data(), &status));
        return status;
    }
    duo_head head(Chain chain) const {
        duo_head head = DUO_HEAD_INIT;
        check(duo_node_head(get(), number(chain), &head));
        return head;
    }
    duo_health health(Chain chain) const {
        duo_health health = DUO_HEALTH_INIT;
        check(duo_node_health(get(), number(chain), &health));
        return health;
    }
    // An encoded block; nothing above the head.
    std::optional<std::vector<std::uint8_t>> block(Chain chain, std::uint64_t height) const {
        return detail::sized<std::vector<std::uint8_t>>(
            [&](void *buf, std::size_t cap, std::size_t *len) {
                return duo_node_block(get(), number(chain), height, buf, cap, len);
            },
            0);
    }
    // An encoded proof; nothing when the transaction is in no block.
    std::optional<std::vector<std::uint8_t>> proof(Chain chain, const Id &id) const {
        return detail::sized<std::vector<std::uint8_t>>(
            [&](void *buf, std::size_t cap, std::size_t *len) {
                return duo_node_proof(get(), number(chain), id.data(), buf, cap, len);
            },
            0);
    }
    std::string metrics_text() const {
        return *detail::sized<std::string>(
            [&](char *buf, std::size_t cap, std::size_t *len) {
                return duo_node_metrics_text(get(), buf, cap, len);
            },
            512);
    }
    Subscription subscribe(const duo_sub_options &options = DUO_SUB_OPTIONS_INIT) {
        duo_sub *sub = nullptr;
        check(duo_sub_create(get(), &options, &sub));
        return Subscription(sub);
    }
    int completion_fd() const {
        std::int32_t fd = -1;
        check(duo_node_completion_fd(get(), &fd));
        return fd;
    }
    // False when a chain is still busy: call again.
    bool close(Nanos timeout = forever) { return check(duo_node_close(get(), timeout.count())) == DUO_OK; }

private:
    static constexpr std::uint32_t number(Chain chain) { return static_cast<std::uint32_t>(chain); }
    static std::optional<std::uint64_t> accepted(duo_status status, std::uint64_t op) {
        return status == DUO_OK ? std::optional<std::uint64_t>(op) : std::nullopt;
    }
};

// The transactions inside an encoded block; they point into it.
inline std::vector<Bytes> block_transactions(Bytes block) {
    std::size_t n = 0;
    check(duo_block_transactions(block.data, block.size, nullptr, 0, &n));
    std::vector<duo_iovec> items(n);
    check(duo_block_transactions(block.data, block.size, items.data(), n, &n));
    std::vector<Bytes> out;
    out.reserve(n);
    for (const duo_iovec &item : items) {
        out.emplace_back(item.data, item.len);
    }
    return out;
}

inline duo_block_header_t block_header(Bytes block) {
    duo_block_header_t header = DUO_BLOCK_HEADER_INIT;
    check(duo_block_header(block.data, block.size, &header));
    return header;
}

// The header that the proof leads to. Throws CONFLICT when it is for another transaction.
inline duo_block_header_t verify_proof(Bytes proof, Bytes tx) {
    duo_block_header_t header = DUO_BLOCK_HEADER_INIT;
    check(duo_proof_verify(proof.data, proof.size, tx.data, tx.size, &header));
    return header;
}

} // namespace duochain

#endif
