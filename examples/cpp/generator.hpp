// Transactions from a seed, with the sizes of a real block: 188 to 170,363 bytes, median near 225.
#ifndef GENERATOR_HPP
#define GENERATOR_HPP

#include <cstdint>
#include <vector>

using Record = std::vector<std::uint8_t>;

// An endless, repeatable supply.
class Generator {
public:
    // The same seed gives the same bytes in every language.
    explicit Generator(std::uint64_t seed) : state_(seed) {}

    Record transaction();

private:
    std::uint64_t next();

    std::uint64_t state_;
};

#endif
