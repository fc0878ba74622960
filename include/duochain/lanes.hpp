// Shared lanes: a queue's side, and that of producers in other processes.
#ifndef DUOCHAIN_LANES_HPP
#define DUOCHAIN_LANES_HPP

#include "core.hpp"
#include "queue.hpp"

#include <string>
#include <vector>

namespace duochain {

// What happens on a queue's shared lanes is told by counts; see duo_lane_counts_t.
using SharedCounts = duo_lane_counts_t;

// Where shared lanes are mapped, for a host that brings producers of its own (docs/shared-lanes.md). All ends with the
// lanes.
struct SharedMapping {
    const void *base = nullptr;
    std::size_t size = 0;
    int fd = -1;
};

// Lanes of a queue that other processes put into: what they put into lane n comes out of the queue with its own
// transactions of lane n. Destroying refuses producers from then on; what they had committed still comes out.
class SharedLanes : public detail::Owner<duo_lane, duo_lane_close> {
public:
    // In memory, with the usual shape, unless `options` say otherwise.
    explicit SharedLanes(const Queue &queue, const duo_lane_options &options = DUO_LANE_OPTIONS_INIT)
        : Owner(detail::made<duo_lane>(duo_queue_lane_open, queue.get(), &options)) {}
    // In a new file, which is removed when the lanes are closed.
    SharedLanes(const Queue &queue, const std::string &path, duo_lane_options options = DUO_LANE_OPTIONS_INIT)
        : Owner(detail::made<duo_lane>(duo_queue_lane_open, queue.get(), in_file(options, path))) {}

    // What producers attach to: the file, or /proc/PID/fd/N.
    std::string path() const {
        return *detail::sized<std::string>(
            [&](char *buf, std::size_t cap, std::size_t *len) { return duo_lane_path(get(), buf, cap, len); }, 1);
    }
    SharedMapping mapping() const {
        SharedMapping mapping;
        check(duo_lane_map(get(), &mapping.base, &mapping.size, &mapping.fd));
        return mapping;
    }
    SharedCounts counts() const {
        SharedCounts counts = DUO_LANE_COUNTS_INIT;
        check(duo_lane_counts(get(), &counts));
        return counts;
    }
    // As destroying it; throws what the destructor would hide.
    void close() { reset(); }

private:
    static const duo_lane_options *in_file(duo_lane_options &options, const std::string &path) {
        options.path = path.c_str();
        return &options;
    }
};

// Puts transactions into shared lanes, from any process of the same user. For one thread at a time: a call beside another
// throws BUSY. Destroying gives the seat back; what was put in stays.
class SharedProducer : public detail::Owner<duo_lane_producer, duo_lane_detach> {
public:
    // Throws what is wrong with the file, BUSY when all seats are taken, CLOSED. No such file is an error here.
    explicit SharedProducer(const std::string &path) : Owner(attached(duo_lane_attach, path.c_str())) {}
    // By a descriptor that the queue's process passed on; it stays the caller's.
    explicit SharedProducer(int fd) : Owner(attached(duo_lane_attach_fd, fd)) {}

    // False when the lane or this producer's room is full.
    bool enqueue(Bytes tx, std::uint32_t lane = 0, std::uint64_t tag = 0) {
        return check(duo_lane_enqueue(get(), lane, tx.data, tx.size, tag)) == DUO_OK;
    }
    // False when there was no room in time.
    bool enqueue_wait(Bytes tx, Nanos timeout, std::uint32_t lane = 0, std::uint64_t tag = 0) {
        return check(duo_lane_enqueue_wait(get(), lane, tx.data, tx.size, tag, timeout.count())) == DUO_OK;
    }
    // How many of the items were accepted, from the first. Item i gets the tag `first_tag + i`. One that is refused for
    // what it is throws if it is the first, and ends the batch otherwise.
    std::size_t enqueue_batch(const std::vector<duo_iovec> &items, std::uint32_t lane = 0,
                              std::uint64_t first_tag = 0) {
        for (std::size_t done = 0; done < items.size(); done++) {
            const duo_iovec &item = items[done];
            const duo_status status = duo_lane_enqueue(get(), lane, item.data, item.len, first_tag + done);
            if (status != DUO_OK) {
                return done > 0 ? done : (check(status), 0);
            }
        }
        return items.size();
    }
    // Lets `fill(void *, size)` write a transaction of `len` bytes in place. False when the lane or the room is full.
    template <class Fill>
    bool emplace(std::size_t len, Fill fill, std::uint32_t lane = 0, std::uint64_t tag = 0) {
        duo_claim claim{};
        if (check(duo_lane_claim(get(), lane, len, &claim)) != DUO_OK) {
            return false;
        }
        try {
            fill(claim.data, claim.len);
            if (check(duo_lane_commit(get(), &claim, tag)) == DUO_OK) {
                return true;
            }
        } catch (...) {
            duo_lane_abort(get(), &claim);
            throw;
        }
        duo_lane_abort(get(), &claim);
        return false;
    }

private:
    template <class Attach, class From> static duo_lane_producer *attached(Attach attach, From from) {
        duo_lane_producer *producer = nullptr;
        if (check(attach(from, &producer)) != DUO_OK) {
            throw Error(DUO_NOT_FOUND, "no shared lanes at this path");
        }
        return producer;
    }
};

} // namespace duochain

#endif
