#include "verifier.hpp"

#include "fault.hpp"

namespace {

using namespace std::chrono_literals;

// Events and completions taken at a time, and one wait for more.
constexpr std::size_t events_max = 64;
constexpr std::size_t completions_max = 1'024;
constexpr duochain::Nanos patience = 100ms;

duochain::Subscription latest(duochain::Node &node) {
    duo_sub_options options = DUO_SUB_OPTIONS_INIT;
    options.start = DUO_START_LATEST;
    return node.subscribe(options);
}

} // namespace

Verifier::Verifier(duochain::Node &node, std::size_t producers)
    : node_(node), alpha_(producers, node.head(duochain::Chain::alpha).height),
      delta_(producers, node.head(duochain::Chain::delta).height), events_(latest(node)) {
    follower_ = std::thread([this] { guarded([this] { follow(); }); });
    try {
        collector_ = std::thread([this] { guarded([this] { collect(); }); });
    } catch (...) {
        end(); // a member that is a running thread must not be destroyed
        throw;
    }
}

Verifier::~Verifier() { end(); }

void Verifier::end() {
    stopped_ = true;
    if (follower_.joinable()) {
        follower_.join();
    }
    if (collector_.joinable()) {
        collector_.join();
    }
}

void Verifier::stop() {
    end();
    if (failed_) {
        throw Fault(fault_);
    }
}

template <class Work> void Verifier::guarded(Work work) {
    try {
        work();
    } catch (...) {
        const std::lock_guard<std::mutex> guard(lock_);
        if (!failed_) {
            fault_ = current_fault();
            failed_ = true;
        }
    }
}

// Again and again while the chain is being restarted; nothing when stopped meanwhile.
std::optional<std::vector<std::uint8_t>> Verifier::read(duochain::Chain chain, std::uint64_t height) const {
    while (!stopped_) {
        try {
            if (auto block = node_.block(chain, height)) {
                return block;
            }
            throw Fault("a final block is not there");
        } catch (const duochain::Error &error) {
            if (!error.retryable()) {
                throw;
            }
        }
        std::this_thread::sleep_for(patience);
    }
    return std::nullopt;
}

void Verifier::follow() {
    while (!stopped_) {
        if (!events_.wait(patience)) {
            continue;
        }
        for (const duo_event &event : events_.poll(events_max)) {
            if (event.kind != DUO_EVENT_ALPHA_BLOCK_FINALIZED && event.kind != DUO_EVENT_DELTA_BLOCK_FINALIZED) {
                continue;
            }
            const auto chain = static_cast<duochain::Chain>(event.chain);
            if (const auto block = read(chain, event.height)) {
                tally(chain).became_final(event, *block);
            }
        }
    }
}

void Verifier::collect() {
    while (!stopped_) {
        for (const duo_completion &done : node_.poll_completions(completions_max, patience)) {
            tally(static_cast<duochain::Chain>(done.chain)).completed(done);
        }
    }
}
