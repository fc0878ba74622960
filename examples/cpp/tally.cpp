#include "tally.hpp"

#include <algorithm>

namespace {

// Faults that are kept as text; more are only counted.
constexpr std::size_t faults_kept = 5;

} // namespace

void Tally::sent(std::size_t producer, const Digest &digest) {
    const std::lock_guard<std::mutex> guard(lock_);
    const auto [place, is_new] = sent_.try_emplace(digest, Sent{producer, counts_[producer]});
    if (is_new) {
        counts_[producer]++;
    } else {
        Sent &known = place->second;
        known.shared = known.shared || known.producer != producer;
        repeated_++;
    }
}

void Tally::became_final(const duo_event &event, duochain::Bytes block) {
    const duo_block_header_t header = duochain::block_header(block);
    const std::vector<duochain::Bytes> transactions = duochain::block_transactions(block);
    const std::lock_guard<std::mutex> guard(lock_);
    if (next_block_.value_or(event.height) != event.height ||
        std::memcmp(header.hash, event.hash, sizeof event.hash) != 0) {
        fault("final block " + std::to_string(event.height) + " is not the next one, or not the one announced");
    }
    next_block_ = event.height + 1;
    if (event.height <= earlier_) {
        return;
    }
    for (const duochain::Bytes &transaction : transactions) {
        check(event.height, sha256(transaction.data, transaction.size));
    }
}

void Tally::check(std::uint64_t height, const Digest &digest) {
    const std::string block = "block " + std::to_string(height);
    const auto found = sent_.find(digest);
    if (found == sent_.end()) {
        return fault(block + " holds a transaction that was not sent");
    }
    Sent &sent = found->second;
    const auto name = [&] {
        return block + ": transaction " + std::to_string(sent.number) + " of producer " +
               std::to_string(sent.producer);
    };
    if (std::exchange(sent.is_final, true)) {
        return fault(name() + " is final twice");
    }
    finals_++;
    if (sent.shared) {
        return;
    }
    std::uint64_t &next = next_[sent.producer];
    if (sent.number < next) {
        fault(name() + " came after " + std::to_string(next - 1));
    }
    next = std::max(next, sent.number + 1);
}

void Tally::completed(const duo_completion &done) {
    const std::lock_guard<std::mutex> guard(lock_);
    if (done.status == DUO_OK) {
        latency_.record(done.finalized_ns - done.submitted_ns);
    } else if (done.status == DUO_ERR_DUPLICATE) {
        duplicates_++;
    } else {
        fault("submission " + std::to_string(done.op) + " ended as " + duo_status_name(done.status));
    }
}

void Tally::fault(std::string text) {
    if (++faults_ <= faults_kept) {
        texts_.push_back(std::move(text));
    }
}

Tally::View Tally::look() const {
    const std::lock_guard<std::mutex> guard(lock_);
    return {sent_.size() + repeated_, finals_, duplicates_, latency_.quantile(50), latency_.quantile(99)};
}

std::vector<std::string> Tally::verdict() const {
    const std::lock_guard<std::mutex> guard(lock_);
    std::vector<std::string> verdict = texts_;
    if (faults_ > faults_kept) {
        verdict.push_back(std::to_string(faults_ - faults_kept) + " faults more");
    }
    const std::uint64_t sent = sent_.size() + repeated_;
    if (finals_ + duplicates_ != sent) {
        verdict.push_back(std::to_string(finals_) + " final and " + std::to_string(duplicates_) +
                          " duplicates do not make " + std::to_string(sent) + " sent");
    }
    return verdict;
}
