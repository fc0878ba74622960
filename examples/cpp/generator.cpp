#include "generator.hpp"

namespace {

// Sizes at every 32nd part of the distribution.
constexpr std::uint64_t head[32] = {
    188, 192, 194, 221, 222, 223, 223, 223, 223, 223, 224, 224, 224, 225, 225, 225,
    225, 226, 226, 226, 247, 255, 340, 368, 372, 373, 375, 383, 454, 523, 707, 1'144,
};

// The last 32nd part, again in 32 parts.
constexpr std::uint64_t tail[33] = {
    1'144, 1'204, 1'231, 1'255, 1'263, 1'264, 1'269, 1'302, 1'339,  1'378,  1'404,
    1'414, 1'476, 1'545, 1'634, 1'693, 2'003, 2'058, 2'259, 2'420,  2'651,  2'841,
    3'194, 3'565, 3'666, 3'850, 5'480, 7'006, 7'765, 9'669, 14'578, 99'370, 170'363,
};

} // namespace

// SplitMix64 (Steele, Lea and Flood, 2014).
std::uint64_t Generator::next() {
    std::uint64_t z = state_ += 0x9E37'79B9'7F4A'7C15;
    z = (z ^ (z >> 30)) * 0xBF58'476D'1CE4'E5B9;
    z = (z ^ (z >> 27)) * 0x94D0'49BB'1331'11EB;
    return z ^ (z >> 31);
}

Record Generator::transaction() {
    const std::uint64_t random = next();
    const std::uint64_t position = random >> 54, fraction = random >> 44 & 1023;
    const std::uint64_t *step = position >> 5 == 31 ? &tail[position & 31] : &head[position >> 5];
    Record bytes(step[0] + (step[1] - step[0]) * fraction / 1024);
    std::uint64_t word = 0;
    for (std::size_t at = 0; at < bytes.size(); at++) {
        word = at % 8 == 0 ? next() : word >> 8;
        bytes[at] = static_cast<std::uint8_t>(word & 0xFF);
    }
    return bytes;
}
