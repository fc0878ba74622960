// SHA-256 (FIPS 180-4), so that the comparison does not lean on the library that it checks.
#ifndef SHA256_HPP
#define SHA256_HPP

#include <array>
#include <cstddef>
#include <cstdint>

using Digest = std::array<std::uint8_t, 32>;

Digest sha256(const void *data, std::size_t size);

#endif
