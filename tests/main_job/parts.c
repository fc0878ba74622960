/*
 * Parts of examples/c on their own:
 *   parts generated SEED COUNT    transactions, one behind the other
 *   parts sha256                  digest of standard input
 *   parts tally                   the checks find what they are there for; silent
 */
#include "../../examples/c/generator.h"
#include "../../examples/c/tally.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define INPUT_BYTES_MAX 100000

static int generated(uint64_t seed, uint64_t count) {
    static uint8_t bytes[170363];
    generator source = {seed};
    for (; count > 0; count--) {
        const size_t size = generator_size(&source);
        generator_fill(&source, bytes, size);
        if (fwrite(bytes, 1, size, stdout) != size)
            return 1;
    }
    return 0;
}

static int digest_of_input(void) {
    static uint8_t bytes[INPUT_BYTES_MAX];
    const size_t size = fread(bytes, 1, sizeof bytes, stdin);
    uint8_t digest[SHA256_BYTES];
    size_t at;
    sha256(bytes, size, digest);
    for (at = 0; at < SHA256_BYTES; at++)
        printf("%02x", digest[at]);
    return 0;
}

/* Producer 0 sends "a", "b", "c"; `block` becomes final, a transaction for each of its letters. */
static uint64_t faults_of(const char *block, uint64_t height) {
    static tally chain;
    duo_event event;
    duo_block_header_t header = DUO_BLOCK_HEADER_INIT;
    duo_iovec items[8];
    fault why = {""};
    uint64_t faults;
    size_t count;
    const char *letter;
    if (!tally_init(&chain, 1, 0, &why))
        exit(1);
    for (letter = "abc"; *letter != '\0'; letter++) {
        uint8_t digest[SHA256_BYTES];
        sha256((const uint8_t *)letter, 1, digest);
        if (!tally_sent(&chain, 0, digest, &why))
            exit(1);
    }
    memset(&event, 0, sizeof event);
    event.height = 1;
    tally_final(&chain, &event, &header, items, 0);
    for (count = 0; block[count] != '\0'; count++) {
        items[count].data = block + count;
        items[count].len = 1;
    }
    event.height = height;
    tally_final(&chain, &event, &header, items, count);
    event.height++;
    event.hash[0] = 1; /* which that block does not have */
    faults = chain.faults + (tally_is_sound(&chain) ? 0 : 100);
    tally_final(&chain, &event, &header, items, 0);
    if (chain.faults == faults % 100)
        faults = 1000;
    tally_free(&chain);
    return faults;
}

static int checks_find_faults(void) {
    /* A hundred for what is not sound in the end: lost, or faulty. */
    const struct {
        const char *block;
        uint64_t height;
        uint64_t faults;
    } cases[] = {
        {"abc", 2, 0},   {"ab", 2, 100},  {"acb", 2, 101}, {"abcc", 2, 101},
        {"abcx", 2, 101}, {"abc", 3, 101}, {"", 2, 100},    {"cba", 2, 102},
    };
    size_t at;
    for (at = 0; at < sizeof cases / sizeof *cases; at++) {
        const uint64_t found = faults_of(cases[at].block, cases[at].height);
        if (found != cases[at].faults) {
            printf("\"%s\" at %d: %d\n", cases[at].block, (int)cases[at].height, (int)found);
            return 1;
        }
    }
    return 0;
}

int main(int argc, char **argv) {
    if (argc == 4 && strcmp(argv[1], "generated") == 0)
        return generated(strtoull(argv[2], NULL, 10), strtoull(argv[3], NULL, 10));
    if (argc == 2 && strcmp(argv[1], "sha256") == 0)
        return digest_of_input();
    if (argc == 2 && strcmp(argv[1], "tally") == 0)
        return checks_find_faults();
    return 2;
}
