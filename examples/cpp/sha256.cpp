#include "sha256.hpp"

#include <cstring>
#include <utility>

namespace {

using State = std::array<std::uint32_t, 8>;

constexpr std::size_t block_bytes = 64;

// FIPS 180-4 section 4.2.2.
constexpr std::uint32_t k[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

constexpr std::uint32_t rotate(std::uint32_t word, unsigned bits) { return word >> bits | word << (32 - bits); }

std::uint32_t load(const std::uint8_t *bytes) {
    return std::uint32_t{bytes[0]} << 24 | std::uint32_t{bytes[1]} << 16 | std::uint32_t{bytes[2]} << 8 | bytes[3];
}

void store(std::uint8_t *bytes, std::uint32_t word) {
    for (unsigned at = 0; at < 4; at++) {
        bytes[at] = static_cast<std::uint8_t>(word >> (24 - 8 * at) & 0xFF);
    }
}

// Section 6.2.2, steps 1 to 4 for one block.
void compress(State &hash, const std::uint8_t *block) {
    std::uint32_t w[64];
    for (unsigned t = 0; t < 16; t++) {
        w[t] = load(block + 4 * t);
    }
    for (unsigned t = 16; t < 64; t++) {
        const std::uint32_t s0 = rotate(w[t - 15], 7) ^ rotate(w[t - 15], 18) ^ w[t - 15] >> 3;
        const std::uint32_t s1 = rotate(w[t - 2], 17) ^ rotate(w[t - 2], 19) ^ w[t - 2] >> 10;
        w[t] = s1 + w[t - 7] + s0 + w[t - 16];
    }
    auto [a, b, c, d, e, f, g, h] = hash;
    for (unsigned t = 0; t < 64; t++) {
        const std::uint32_t s1 = rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25);
        const std::uint32_t first = h + s1 + ((e & f) ^ (~e & g)) + k[t] + w[t];
        const std::uint32_t s0 = rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22);
        const std::uint32_t second = s0 + ((a & b) ^ (a & c) ^ (b & c));
        h = std::exchange(g, std::exchange(f, std::exchange(e, d + first)));
        d = std::exchange(c, std::exchange(b, std::exchange(a, first + second)));
    }
    const State round = {a, b, c, d, e, f, g, h};
    for (unsigned at = 0; at < 8; at++) {
        hash[at] += round[at];
    }
}

} // namespace

Digest sha256(const void *data, std::size_t size) {
    // Section 5.3.3.
    State hash = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
    const auto *bytes = static_cast<const std::uint8_t *>(data);
    const std::size_t whole = size / block_bytes * block_bytes, rest = size - whole;
    for (std::size_t at = 0; at < whole; at += block_bytes) {
        compress(hash, bytes + at);
    }
    // Section 5.1.1: a one bit and the length in bits must fit behind the rest.
    std::uint8_t last[2 * block_bytes] = {};
    const std::size_t padded = rest + 9 <= block_bytes ? block_bytes : 2 * block_bytes;
    const std::uint64_t bits = std::uint64_t{size} * 8;
    if (rest > 0) {
        std::memcpy(last, bytes + whole, rest);
    }
    last[rest] = 0x80;
    store(last + padded - 8, static_cast<std::uint32_t>(bits >> 32));
    store(last + padded - 4, static_cast<std::uint32_t>(bits & 0xFFFF'FFFF));
    for (std::size_t at = 0; at < padded; at += block_bytes) {
        compress(hash, last + at);
    }
    Digest digest;
    for (unsigned at = 0; at < 8; at++) {
        store(&digest[4 * at], hash[at]);
    }
    return digest;
}
