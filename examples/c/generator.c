#include "generator.h"

/* Sizes at every 32nd part of the distribution. */
static const uint64_t HEAD[32] = {
    188, 192, 194, 221, 222, 223, 223, 223, 223, 223, 224, 224, 224, 225, 225, 225,
    225, 226, 226, 226, 247, 255, 340, 368, 372, 373, 375, 383, 454, 523, 707, 1144,
};

/* The last 32nd part, again in 32 parts. */
static const uint64_t TAIL[33] = {
    1144, 1204, 1231, 1255, 1263, 1264, 1269, 1302, 1339, 1378, 1404,  1414,  1476,   1545, 1634, 1693, 2003,
    2058, 2259, 2420, 2651, 2841, 3194, 3565, 3666, 3850, 5480, 7006, 7765, 9669, 14578, 99370, 170363,
};

/* SplitMix64 (Steele, Lea and Flood, 2014). */
static uint64_t next(generator *source) {
    uint64_t z = source->state += UINT64_C(0x9E3779B97F4A7C15);
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

size_t generator_size(generator *source) {
    const uint64_t random = next(source);
    const size_t position = (size_t)(random >> 54);
    const uint64_t fraction = random >> 44 & 1023;
    const uint64_t *step = position >> 5 == 31 ? &TAIL[position & 31] : &HEAD[position >> 5];
    return (size_t)(step[0] + (step[1] - step[0]) * fraction / 1024);
}

void generator_fill(generator *source, uint8_t *bytes, size_t size) {
    uint64_t word = 0;
    size_t at;
    for (at = 0; at < size; at++) {
        word = at % 8 == 0 ? next(source) : word >> 8;
        bytes[at] = (uint8_t)(word & 0xFF);
    }
}
