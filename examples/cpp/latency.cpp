#include "latency.hpp"

#include <algorithm>

void Latency::record(std::uint64_t nanos) {
    const std::uint64_t micros = std::max<std::uint64_t>(nanos / 1000, 1);
    unsigned doubling = 0;
    while (micros >> doubling > 1) {
        doubling++;
    }
    const std::size_t bucket = doubling * steps + (micros * steps >> doubling) - steps;
    buckets_[std::min(bucket, buckets_.size() - 1)]++;
    count_++;
}

double Latency::quantile(unsigned percent) const {
    const std::uint64_t wanted = (count_ * percent + 99) / 100;
    std::uint64_t seen = 0;
    for (std::size_t bucket = 0; bucket < buckets_.size(); bucket++) {
        seen += buckets_[bucket];
        if (seen >= wanted && seen > 0) {
            const std::uint64_t micros_by_steps = (steps + bucket % steps) << bucket / steps;
            return static_cast<double>(micros_by_steps) / steps / 1000;
        }
    }
    return 0;
}
