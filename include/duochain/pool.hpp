// Pools of buffers.
#ifndef DUOCHAIN_POOL_HPP
#define DUOCHAIN_POOL_HPP

#include "config.hpp"
#include "core.hpp"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

namespace duochain {

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

} // namespace duochain

#endif
