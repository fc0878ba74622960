#include "feed.hpp"

#include "fault.hpp"

namespace {

using namespace std::chrono_literals;

// Records on their way from the reader to one producer.
constexpr std::size_t backlog_max = 64;
// Lanes that producers are spread over.
constexpr std::size_t lanes = 4;
// One wait for a record or for room; repeated until there is some.
constexpr duochain::Nanos patience = 200ms;

} // namespace

Feed::Feed(duochain::Node &node, Verifier &verifier, Records &records, std::size_t producers)
    : node_(node), verifier_(verifier), records_(records), shares_(producers), running_(producers + 1) {
    try {
        for (std::size_t producer = 0; producer < producers; producer++) {
            threads_.emplace_back([this, producer] { guarded([&] { produce(producer); }, true); });
        }
        threads_.emplace_back([this] { guarded([this] { read(); }, false); });
    } catch (...) {
        end(); // a member that is a running thread must not be destroyed
        throw;
    }
}

Feed::~Feed() { end(); }

void Feed::end() {
    stopped_ = true;
    if (!threads_.empty()) {
        records_.stop(); // the reader may wait for input that never comes
    }
    for (std::thread &thread : threads_) {
        thread.join();
    }
    threads_.clear();
}

std::uint64_t Feed::stop() {
    end();
    if (!fault_.empty()) {
        throw Fault(fault_);
    }
    return count_;
}

template <class Work> void Feed::guarded(Work work, bool is_producer) {
    try {
        work();
    } catch (...) {
        const std::lock_guard<std::mutex> guard(lock_);
        if (fault_.empty()) {
            fault_ = current_fault();
        }
        failed_ = failed_ || is_producer;
    }
    running_--;
}

void Feed::read() {
    // However it ends, the producers must hear of it.
    struct Ending {
        std::deque<Share> &shares;
        ~Ending() {
            for (Share &share : shares) {
                const std::lock_guard<std::mutex> guard(share.lock);
                share.ended = true;
                share.changed.notify_all();
            }
        }
    } ending{shares_};
    while (auto record = records_.next()) {
        if (!give(shares_[count_ % shares_.size()], std::move(*record))) {
            return;
        }
        count_++;
    }
}

// False when nobody wants it any more.
bool Feed::give(Share &share, Record record) {
    std::unique_lock<std::mutex> guard(share.lock);
    while (share.backlog.size() == backlog_max && !stopped_ && !failed_) {
        share.changed.wait_for(guard, patience);
    }
    if (stopped_ || failed_) {
        return false;
    }
    share.backlog.push_back(std::move(record));
    share.changed.notify_all();
    return true;
}

// Nothing at the end.
std::optional<Record> Feed::next(Share &share) {
    std::unique_lock<std::mutex> guard(share.lock);
    while (share.backlog.empty() && !share.ended && !stopped_) {
        share.changed.wait_for(guard, patience);
    }
    if (share.backlog.empty() || stopped_) {
        return std::nullopt;
    }
    Record record = std::move(share.backlog.front());
    share.backlog.pop_front();
    share.changed.notify_all();
    return record;
}

void Feed::produce(std::size_t producer) {
    while (const auto record = next(shares_[producer])) {
        const Digest digest = sha256(record->data(), record->size());
        for (const NamedChain &chain : chains) {
            verifier_.tally(chain.chain).sent(producer, digest);
            submit(chain, static_cast<std::uint32_t>(producer % lanes), *record);
        }
    }
}

void Feed::submit(const NamedChain &chain, std::uint32_t lane, const Record &record) {
    while (!stopped_ && !failed_) {
        try {
            if (node_.submit_wait(chain.chain, record, patience, lane)) {
                return;
            }
        } catch (const duochain::Error &error) {
            if (!error.retryable()) {
                throw Fault(std::string(chain.name) + " refused a transaction of " + std::to_string(record.size()) +
                            " bytes: " + current_fault());
            }
            std::this_thread::yield(); // short of memory for a moment
        }
    }
}
