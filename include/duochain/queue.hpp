// Queues of transactions, and stages that collect for them.
#ifndef DUOCHAIN_QUEUE_HPP
#define DUOCHAIN_QUEUE_HPP

#include "core.hpp"

#include <string>
#include <vector>

namespace duochain {

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

} // namespace duochain

#endif
