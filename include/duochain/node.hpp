// Nodes, their events, and what they prove.
#ifndef DUOCHAIN_NODE_HPP
#define DUOCHAIN_NODE_HPP

#include "config.hpp"
#include "core.hpp"

#include <optional>
#include <string>
#include <vector>

namespace duochain {

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
