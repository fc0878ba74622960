#define _POSIX_C_SOURCE 200809L

#include "verifier.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Events and completions taken at a time, and one wait for more. */
#define EVENTS 64
#define COMPLETIONS 1024
#define WAIT_NS INT64_C(100000000)

const uint32_t CHAIN_NUMBERS[CHAINS] = {DUO_CHAIN_ALPHA, DUO_CHAIN_DELTA};
const char *const CHAIN_NAMES[CHAINS] = {"alpha", "delta"};

/* Room for one block, reused. */
typedef struct block {
    void *bytes;
    size_t cap;
    size_t size;
    duo_iovec *items;
    size_t items_cap;
    size_t count;
} block;

static tally *tally_of(verifier *proof, uint32_t chain) { return &proof->tallies[chain == DUO_CHAIN_ALPHA ? 0 : 1]; }

static bool is_stopped(verifier *proof) {
    bool stopped;
    pthread_mutex_lock(&proof->lock);
    stopped = proof->stopped;
    pthread_mutex_unlock(&proof->lock);
    return stopped;
}

bool verifier_has_failed(verifier *proof) {
    bool failed;
    pthread_mutex_lock(&proof->lock);
    failed = proof->failed;
    pthread_mutex_unlock(&proof->lock);
    return failed;
}

/* Notes why a thread ends. */
static void give_up(verifier *proof, const fault *why) {
    pthread_mutex_lock(&proof->lock);
    proof->failed = true;
    fault_set(&proof->why, "%s", why->text);
    pthread_mutex_unlock(&proof->lock);
}

/* At least `wanted` bytes at `*place`; what was there is lost. */
static bool reserve(void **place, size_t *cap, size_t wanted, fault *why) {
    if (wanted <= *cap)
        return true;
    free(*place);
    *cap = 0;
    *place = malloc(wanted);
    if (*place == NULL)
        return fault_memory(why);
    *cap = wanted;
    return true;
}

static duo_status read_once(const duo_node *node, const duo_event *event, block *into) {
    return duo_node_block(node, event->chain, event->height, into->bytes, into->cap, &into->size);
}

/*
 * Again and again while there is too little room, or while the chain is being restarted. False without a
 * reason when stopped meanwhile.
 */
static bool read_bytes(verifier *proof, const duo_event *event, block *into, fault *why) {
    const struct timespec moment = {0, (long)WAIT_NS};
    while (!is_stopped(proof)) {
        const duo_status status = read_once(proof->node, event, into);
        if (status == DUO_OK && into->cap > 0)
            return true;
        if (status == DUO_OK || status == DUO_ERR_TOO_LARGE) {
            if (!reserve(&into->bytes, &into->cap, into->size, why))
                return false;
        } else if (status == DUO_NOT_FOUND) {
            return fault_set(why, "a final block is not there");
        } else if (duo_status_class(status) == DUO_CLASS_RETRYABLE) {
            nanosleep(&moment, NULL);
        } else {
            return fault_library(why);
        }
    }
    return false;
}

static bool find_items(block *into, fault *why) {
    void *items = into->items;
    size_t cap = into->items_cap * sizeof *into->items;
    bool fits;
    if (duo_block_transactions(into->bytes, into->size, NULL, 0, &into->count) != DUO_OK)
        return fault_library(why);
    if (into->count == 0)
        return true;
    fits = reserve(&items, &cap, into->count * sizeof *into->items, why);
    into->items = items;
    into->items_cap = cap / sizeof *into->items;
    if (!fits)
        return false;
    if (duo_block_transactions(into->bytes, into->size, into->items, into->items_cap, &into->count) != DUO_OK)
        return fault_library(why);
    return true;
}

static bool on_event(verifier *proof, const duo_event *event, block *into, fault *why) {
    duo_block_header_t header = DUO_BLOCK_HEADER_INIT;
    if (event->kind != DUO_EVENT_ALPHA_BLOCK_FINALIZED && event->kind != DUO_EVENT_DELTA_BLOCK_FINALIZED)
        return true;
    if (!read_bytes(proof, event, into, why) || !find_items(into, why))
        return false;
    if (duo_block_header(into->bytes, into->size, &header) != DUO_OK)
        return fault_library(why);
    tally_final(tally_of(proof, event->chain), event, &header, into->items, into->count);
    return true;
}

static bool read_events(verifier *proof, block *into, fault *why) {
    duo_event events[EVENTS];
    size_t at, n;
    while (!is_stopped(proof)) {
        duo_status status = duo_sub_wait(proof->events, WAIT_NS);
        if (status == DUO_TIMEOUT)
            continue;
        if (status < 0)
            return fault_library(why);
        status = duo_sub_poll(proof->events, events, EVENTS, &n);
        if (status < 0)
            return fault_library(why);
        for (at = 0; at < n; at++)
            if (!on_event(proof, &events[at], into, why))
                return false;
    }
    return true;
}

static void *follow(void *argument) {
    verifier *proof = argument;
    block into = {NULL, 0, 0, NULL, 0, 0};
    fault why = {""};
    if (!read_events(proof, &into, &why) && why.text[0] != '\0')
        give_up(proof, &why);
    free(into.bytes);
    free(into.items);
    return NULL;
}

static bool read_completions(verifier *proof, duo_completion *done, fault *why) {
    size_t at, n;
    while (!is_stopped(proof)) {
        const duo_status status = duo_node_poll_completions(proof->node, done, COMPLETIONS, WAIT_NS, &n);
        if (status < 0)
            return fault_library(why);
        for (at = 0; at < n; at++)
            tally_completed(tally_of(proof, done[at].chain), &done[at]);
    }
    return true;
}

static void *collect(void *argument) {
    verifier *proof = argument;
    fault why = {""};
    duo_completion *done = malloc(COMPLETIONS * sizeof *done);
    if (done == NULL ? !fault_memory(&why) : !read_completions(proof, done, &why))
        give_up(proof, &why);
    free(done);
    return NULL;
}

static bool start_threads(verifier *proof, fault *why) {
    if (pthread_create(&proof->follower, NULL, follow, proof) != 0)
        return fault_set(why, "no thread for the events");
    if (pthread_create(&proof->collector, NULL, collect, proof) == 0)
        return true;
    pthread_mutex_lock(&proof->lock);
    proof->stopped = true;
    pthread_mutex_unlock(&proof->lock);
    pthread_join(proof->follower, NULL);
    return fault_set(why, "no thread for the completions");
}

/* A tally that begins where the chain is now. */
static bool start_tally(verifier *proof, size_t at, size_t producers, fault *why) {
    duo_head head = DUO_HEAD_INIT;
    if (duo_node_head(proof->node, CHAIN_NUMBERS[at], &head) != DUO_OK)
        return fault_library(why);
    return tally_init(&proof->tallies[at], producers, head.height, why);
}

static bool start_tallies(verifier *proof, size_t producers, fault *why) {
    if (!start_tally(proof, 0, producers, why))
        return false;
    if (start_tally(proof, 1, producers, why))
        return true;
    tally_free(&proof->tallies[0]);
    return false;
}

bool verifier_start(verifier *proof, const duo_node *node, size_t producers, fault *why) {
    duo_sub_options latest = DUO_SUB_OPTIONS_INIT;
    latest.start = DUO_START_LATEST;
    memset(proof, 0, sizeof *proof);
    proof->node = node;
    if (pthread_mutex_init(&proof->lock, NULL) != 0)
        return fault_memory(why);
    if (!start_tallies(proof, producers, why)) {
        pthread_mutex_destroy(&proof->lock);
        return false;
    }
    if (duo_sub_create(node, &latest, &proof->events) != DUO_OK)
        fault_library(why);
    else if (start_threads(proof, why))
        return true;
    verifier_free(proof);
    return false;
}

bool verifier_stop(verifier *proof, fault *why) {
    pthread_mutex_lock(&proof->lock);
    proof->stopped = true;
    pthread_mutex_unlock(&proof->lock);
    pthread_join(proof->follower, NULL);
    pthread_join(proof->collector, NULL);
    return !proof->failed || fault_set(why, "%s", proof->why.text);
}

void verifier_free(verifier *proof) {
    size_t at;
    duo_sub_destroy(proof->events);
    for (at = 0; at < CHAINS; at++)
        tally_free(&proof->tallies[at]);
    pthread_mutex_destroy(&proof->lock);
}
