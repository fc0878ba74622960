#include "tally.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PLACES_FIRST 1024

bool tally_init(tally *chain, size_t producers, uint64_t earlier, fault *why) {
    memset(chain, 0, sizeof *chain);
    chain->earlier = earlier;
    chain->places = PLACES_FIRST;
    chain->table = calloc(chain->places, sizeof *chain->table);
    chain->counts = calloc(producers, sizeof *chain->counts);
    chain->next = calloc(producers, sizeof *chain->next);
    if (chain->table == NULL || chain->counts == NULL || chain->next == NULL ||
        pthread_mutex_init(&chain->lock, NULL) != 0) {
        free(chain->table);
        free(chain->counts);
        free(chain->next);
        return fault_memory(why);
    }
    return true;
}

void tally_free(tally *chain) {
    free(chain->table);
    free(chain->counts);
    free(chain->next);
    pthread_mutex_destroy(&chain->lock);
}

FAULT_FORMAT(2)
static void add_fault(tally *chain, const char *format, ...) {
    va_list arguments;
    if (chain->faults < TALLY_FAULTS_KEPT) {
        va_start(arguments, format);
        vsnprintf(chain->texts[chain->faults], sizeof chain->texts[0], format, arguments);
        va_end(arguments);
    }
    chain->faults++;
}

/* Where the digest is, or the free place for it. There is always one: see `grow`. */
static sent_record *find(sent_record *table, size_t places, const uint8_t *digest) {
    size_t at;
    memcpy(&at, digest, sizeof at);
    for (at &= places - 1; table[at].used; at = (at + 1) & (places - 1))
        if (memcmp(table[at].digest, digest, SHA256_BYTES) == 0)
            break;
    return &table[at];
}

/* Keeps a quarter of the places free. */
static bool grow(tally *chain) {
    size_t at;
    sent_record *larger;
    if (chain->expected < chain->places / 4 * 3)
        return true;
    larger = calloc(chain->places * 2, sizeof *larger);
    if (larger == NULL)
        return false;
    for (at = 0; at < chain->places; at++)
        if (chain->table[at].used)
            *find(larger, chain->places * 2, chain->table[at].digest) = chain->table[at];
    free(chain->table);
    chain->table = larger;
    chain->places *= 2;
    return true;
}

bool tally_sent(tally *chain, uint32_t producer, const uint8_t digest[SHA256_BYTES], fault *why) {
    bool fits;
    pthread_mutex_lock(&chain->lock);
    fits = grow(chain);
    if (fits) {
        sent_record *place = find(chain->table, chain->places, digest);
        if (place->used) {
            place->shared = place->shared || place->producer != producer;
            chain->repeated++;
        } else {
            memcpy(place->digest, digest, SHA256_BYTES);
            place->used = true;
            place->producer = producer;
            place->number = chain->counts[producer]++;
            chain->expected++;
        }
    }
    pthread_mutex_unlock(&chain->lock);
    return fits || fault_memory(why);
}

static void check(tally *chain, uint64_t height, const duo_iovec *item) {
    uint8_t digest[SHA256_BYTES];
    sent_record *found;
    sha256(item->data, item->len, digest);
    found = find(chain->table, chain->places, digest);
    if (!found->used) {
        add_fault(chain, "block %" PRIu64 " holds a transaction that was not sent", height);
        return;
    }
    if (found->is_final) {
        add_fault(chain, "block %" PRIu64 ": transaction %" PRIu64 " of producer %" PRIu32 " is final twice",
                  height, found->number, found->producer);
        return;
    }
    found->is_final = true;
    chain->finals++;
    if (found->shared)
        return;
    if (found->number < chain->next[found->producer])
        add_fault(chain,
                  "block %" PRIu64 ": transaction %" PRIu64 " of producer %" PRIu32 " came after %" PRIu64, height,
                  found->number, found->producer, chain->next[found->producer] - 1);
    else
        chain->next[found->producer] = found->number + 1;
}

void tally_final(tally *chain, const duo_event *event, const duo_block_header_t *header, const duo_iovec *items,
                 size_t count) {
    size_t at;
    pthread_mutex_lock(&chain->lock);
    if ((chain->next_block != 0 && chain->next_block != event->height) ||
        memcmp(header->hash, event->hash, sizeof event->hash) != 0)
        add_fault(chain, "final block %" PRIu64 " is not the next one, or not the one announced", event->height);
    chain->next_block = event->height + 1;
    if (event->height > chain->earlier)
        for (at = 0; at < count; at++)
            check(chain, event->height, &items[at]);
    pthread_mutex_unlock(&chain->lock);
}

void tally_completed(tally *chain, const duo_completion *done) {
    pthread_mutex_lock(&chain->lock);
    if (done->status == DUO_OK)
        latency_record(&chain->times, done->finalized_ns - done->submitted_ns);
    else if (done->status == DUO_ERR_DUPLICATE)
        chain->duplicates++;
    else
        add_fault(chain, "submission %" PRIu64 " ended as %s", done->op, duo_status_name(done->status));
    pthread_mutex_unlock(&chain->lock);
}

tally_view tally_look(tally *chain) {
    tally_view seen;
    pthread_mutex_lock(&chain->lock);
    seen.sent = chain->expected + chain->repeated;
    seen.finals = chain->finals;
    seen.duplicates = chain->duplicates;
    seen.p50 = latency_quantile(&chain->times, 50);
    seen.p99 = latency_quantile(&chain->times, 99);
    pthread_mutex_unlock(&chain->lock);
    return seen;
}

bool tally_is_complete(const tally_view *seen) { return seen->finals + seen->duplicates >= seen->sent; }

static bool adds_up(const tally *chain) {
    return chain->finals + chain->duplicates == chain->expected + chain->repeated;
}

bool tally_is_sound(const tally *chain) { return chain->faults == 0 && adds_up(chain); }

void tally_print_faults(const tally *chain, const char *name) {
    uint64_t at;
    for (at = 0; at < chain->faults && at < TALLY_FAULTS_KEPT; at++)
        printf("  %s: %s\n", name, chain->texts[at]);
    if (chain->faults > TALLY_FAULTS_KEPT)
        printf("  %s: %" PRIu64 " faults more\n", name, chain->faults - TALLY_FAULTS_KEPT);
    if (!adds_up(chain))
        printf("  %s: %" PRIu64 " final and %" PRIu64 " duplicates do not make %" PRIu64 " sent\n", name,
               chain->finals, chain->duplicates, chain->expected + chain->repeated);
}
