/* SHA-256 (FIPS 180-4), so that the comparison does not lean on the library that it checks. */
#ifndef SHA256_H
#define SHA256_H

#include <stddef.h>
#include <stdint.h>

#define SHA256_BYTES 32

void sha256(const uint8_t *bytes, size_t size, uint8_t digest[SHA256_BYTES]);

#endif
