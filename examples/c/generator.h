/* Transactions from a seed, with the sizes of a real block: 188 to 170,363 bytes, median near 225. */
#ifndef GENERATOR_H
#define GENERATOR_H

#include <stddef.h>
#include <stdint.h>

/* The same seed gives the same bytes in every language. */
typedef struct generator {
    uint64_t state; /* starts as the seed */
} generator;

/* Size of the next transaction; to be followed by generator_fill of that many bytes. */
size_t generator_size(generator *source);

void generator_fill(generator *source, uint8_t *bytes, size_t size);

#endif
