// The proof: what came out final is what went in.
//
// Every record is remembered by its SHA-256 when it is sent. Every final block is read back, and each of its
// transactions must be one that was sent to that chain, not seen before, and behind all that its producer sent
// earlier. Nothing is lost when as many are final, or were known before, as were sent.
#ifndef VERIFIER_HPP
#define VERIFIER_HPP

#include "tally.hpp"

#include <atomic>
#include <thread>

struct NamedChain {
    duochain::Chain chain;
    const char *name;
};

inline constexpr NamedChain chains[2] = {{duochain::Chain::alpha, "alpha"}, {duochain::Chain::delta, "delta"}};

// Two threads that follow a node. The node outlives them.
class Verifier {
public:
    // Nothing may have been submitted yet.
    Verifier(duochain::Node &node, std::size_t producers);
    ~Verifier();
    Verifier(const Verifier &) = delete;
    Verifier &operator=(const Verifier &) = delete;

    Tally &tally(duochain::Chain chain) { return chain == duochain::Chain::alpha ? alpha_ : delta_; }
    // A thread gave up; `stop` throws why.
    bool has_failed() const { return failed_; }
    void stop();

private:
    template <class Work> void guarded(Work work);
    std::optional<std::vector<std::uint8_t>> read(duochain::Chain chain, std::uint64_t height) const;
    void follow();
    void collect();
    void end();

    duochain::Node &node_;
    Tally alpha_;
    Tally delta_;
    duochain::Subscription events_;
    std::atomic<bool> stopped_{false};
    std::atomic<bool> failed_{false};
    std::mutex lock_;
    std::string fault_; // the first
    std::thread follower_;
    std::thread collector_;
};

#endif
