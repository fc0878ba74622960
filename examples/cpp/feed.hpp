// Producer threads: each takes its share of the records and submits each to both chains, in order.
#ifndef FEED_HPP
#define FEED_HPP

#include "records.hpp"
#include "verifier.hpp"

#include <condition_variable>
#include <deque>

// Reader and producers at work.
class Feed {
public:
    Feed(duochain::Node &node, Verifier &verifier, Records &records, std::size_t producers);
    ~Feed();
    Feed(const Feed &) = delete;
    Feed &operator=(const Feed &) = delete;

    // Everything was read and submitted.
    bool is_done() const { return running_ == 0; }
    // A producer gave up; `stop` throws why.
    bool has_failed() const { return failed_; }
    // Ends the threads; the number of records read.
    std::uint64_t stop();

private:
    // Records on their way from the reader to one producer.
    struct Share {
        std::mutex lock;
        std::condition_variable changed;
        std::deque<Record> backlog;
        bool ended = false; // nothing more will come
    };

    void read();
    void produce(std::size_t producer);
    bool give(Share &share, Record record);
    std::optional<Record> next(Share &share);
    void submit(const NamedChain &chain, std::uint32_t lane, const Record &record);
    template <class Work> void guarded(Work work, bool is_producer);
    void end();

    duochain::Node &node_;
    Verifier &verifier_;
    Records &records_;
    std::deque<Share> shares_;
    std::atomic<std::size_t> running_{0}; // threads that have not ended
    std::atomic<bool> failed_{false};
    std::atomic<bool> stopped_{false};
    std::uint64_t count_ = 0; // records read; the reader's until it ends
    std::mutex lock_;
    std::string fault_; // the first
    std::vector<std::thread> threads_;
};

#endif
