// A histogram of times with 3 % resolution and fixed memory.
#ifndef LATENCY_HPP
#define LATENCY_HPP

#include <array>
#include <cstddef>
#include <cstdint>

class Latency {
public:
    void record(std::uint64_t nanos);
    // The time in milliseconds that `percent` of all are not above; 0 when there are none.
    double quantile(unsigned percent) const;

private:
    // Buckets per doubling, and doublings from 1 microsecond: up to 9 hours.
    static constexpr std::size_t steps = 32;
    static constexpr std::size_t doublings = 35;

    std::array<std::uint64_t, steps * doublings> buckets_{};
    std::uint64_t count_ = 0;
};

#endif
