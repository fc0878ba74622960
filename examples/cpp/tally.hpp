// What is known about one chain: what was sent to it and what became final on it.
#ifndef TALLY_HPP
#define TALLY_HPP

#include "duochain.hpp"
#include "latency.hpp"
#include "sha256.hpp"

#include <mutex>
#include <unordered_map>

// Any thread may call any function. Memory grows with the number of records.
class Tally {
public:
    // A moment's numbers.
    struct View {
        std::uint64_t sent; // different ones and repeated ones
        std::uint64_t finals;
        std::uint64_t duplicates;
        double p50; // in milliseconds
        double p99;

        // Nothing is outstanding.
        bool is_complete() const { return finals + duplicates >= sent; }
    };

    // `earlier`: height at the start. Blocks up to it hold what an earlier run sent.
    Tally(std::size_t producers, std::uint64_t earlier) : earlier_(earlier), counts_(producers), next_(producers) {}

    // Called before a record is submitted.
    void sent(std::size_t producer, const Digest &digest);
    // Compares a final block with what was sent.
    void became_final(const duo_event &event, duochain::Bytes block);
    void completed(const duo_completion &done);

    View look() const;
    // What is wrong, in words; empty when nothing is.
    std::vector<std::string> verdict() const;

private:
    struct Sent {
        std::size_t producer;
        std::uint64_t number; // among those of its producer
        bool shared = false;  // several producers sent it: nobody knows whose was first
        bool is_final = false;
    };
    // A digest is its own hash.
    struct Prefix {
        std::size_t operator()(const Digest &digest) const noexcept {
            std::size_t hash = 0;
            std::memcpy(&hash, digest.data(), sizeof hash);
            return hash;
        }
    };

    void check(std::uint64_t height, const Digest &digest);
    void fault(std::string text);

    mutable std::mutex lock_;
    std::unordered_map<Digest, Sent, Prefix> sent_;
    const std::uint64_t earlier_;
    std::vector<std::uint64_t> counts_; // of each producer: records sent
    std::vector<std::uint64_t> next_;   // of each producer: the lowest number that may come now
    std::optional<std::uint64_t> next_block_;
    std::uint64_t repeated_ = 0;
    std::uint64_t finals_ = 0;
    std::uint64_t duplicates_ = 0;
    Latency latency_; // from submit to final
    std::uint64_t faults_ = 0;
    std::vector<std::string> texts_;
};

#endif
