#define _POSIX_C_SOURCE 200809L

#include "feed.h"

#include <sched.h>
#include <stdlib.h>
#include <string.h>

/* Lanes that producers are spread over. */
#define LANES 4
/* One wait for room in a chain's queue; repeated until there is some. */
#define WAIT_NS INT64_C(200000000)

static void lock(feed *all) { pthread_mutex_lock(&all->lock); }
static void unlock(feed *all) { pthread_mutex_unlock(&all->lock); }

static void wake_all(feed *all) {
    size_t at;
    for (at = 0; at < all->producer_count; at++)
        pthread_cond_broadcast(&all->producers[at].changed);
}

static void end_reading(feed *all, const fault *why) {
    lock(all);
    all->ended = true;
    all->running--;
    if (why->text[0] != '\0')
        fault_set(&all->why, "%s", why->text);
    wake_all(all);
    unlock(all);
}

static bool is_stopped(feed *all) {
    bool stopped;
    lock(all);
    stopped = all->stopped || all->failed;
    unlock(all);
    return stopped;
}

/* Hands a record to its producer; false when nobody wants it any more. */
static bool give(feed *all, producer *to, const record *one) {
    bool wanted;
    lock(all);
    while (to->count == FEED_BACKLOG && !all->stopped && !all->failed)
        pthread_cond_wait(&to->changed, &all->lock);
    wanted = !all->stopped && !all->failed;
    if (wanted) {
        to->backlog[(to->first + to->count++) % FEED_BACKLOG] = *one;
        all->read++;
        pthread_cond_broadcast(&to->changed);
    }
    unlock(all);
    return wanted;
}

/* The next record of a producer; false at the end. */
static bool next(producer *self, record *one) {
    feed *all = self->all;
    bool got;
    lock(all);
    while (self->count == 0 && !all->ended && !all->stopped)
        pthread_cond_wait(&self->changed, &all->lock);
    got = self->count > 0 && !all->stopped;
    if (got) {
        *one = self->backlog[self->first];
        self->first = (self->first + 1) % FEED_BACKLOG;
        self->count--;
        pthread_cond_broadcast(&self->changed);
    }
    unlock(all);
    return got;
}

static void *read_all(void *argument) {
    feed *all = argument;
    fault why = {""};
    record one;
    size_t at = 0;
    while (records_next(all->from, &one, &why) == RECORD_READ) {
        if (!give(all, &all->producers[at], &one)) {
            free(one.bytes);
            break;
        }
        at = (at + 1) % all->producer_count;
    }
    end_reading(all, &why);
    return NULL;
}

static bool refused(const char *chain, size_t size, fault *why) {
    char message[DUO_MESSAGE_BYTES_MAX + 1];
    duo_last_error_message(message, sizeof message);
    return fault_set(why, "%s refused a transaction of %zu bytes: %s", chain, size, message);
}

static bool submit(feed *all, size_t chain, uint32_t lane, const record *one, fault *why) {
    uint64_t op;
    while (!is_stopped(all)) {
        const duo_status status = duo_node_submit_wait(all->node, CHAIN_NUMBERS[chain], lane, one->bytes,
                                                       one->size, WAIT_NS, &op);
        if (status == DUO_OK)
            return true;
        if (status < 0 && duo_status_class(status) != DUO_CLASS_RETRYABLE)
            return refused(CHAIN_NAMES[chain], one->size, why);
        sched_yield(); /* full, or short of memory for a moment */
    }
    return true;
}

static bool submit_to_both(const producer *self, const record *one, fault *why) {
    uint8_t digest[SHA256_BYTES];
    size_t chain;
    sha256(one->bytes, one->size, digest);
    for (chain = 0; chain < CHAINS; chain++)
        if (!tally_sent(&self->all->proof->tallies[chain], self->number, digest, why) ||
            !submit(self->all, chain, self->number % LANES, one, why))
            return false;
    return true;
}

static void *produce(void *argument) {
    producer *self = argument;
    feed *all = self->all;
    fault why = {""};
    record one;
    while (why.text[0] == '\0' && next(self, &one)) {
        submit_to_both(self, &one, &why);
        free(one.bytes);
    }
    lock(all);
    all->running--;
    if (why.text[0] != '\0') {
        all->failed = true;
        fault_set(&all->why, "%s", why.text);
        wake_all(all);
    }
    unlock(all);
    return NULL;
}

/* Ends all threads that were started, and frees what they left. */
static void end_threads(feed *all, size_t producers, bool reader) {
    fault ignored = {""};
    size_t at;
    lock(all);
    all->stopped = true;
    wake_all(all);
    unlock(all);
    /* The reader may wait for input that never comes. */
    if (reader && records_stop(all->from, &ignored))
        pthread_join(all->reader, NULL);
    for (at = 0; at < producers; at++)
        pthread_join(all->producers[at].thread, NULL);
    for (at = 0; at < all->producer_count; at++) {
        producer *one = &all->producers[at];
        for (; one->count > 0; one->count--) {
            free(one->backlog[one->first].bytes);
            one->first = (one->first + 1) % FEED_BACKLOG;
        }
        pthread_cond_destroy(&one->changed);
    }
    pthread_mutex_destroy(&all->lock);
    free(all->producers);
}

static bool start_threads(feed *all, fault *why) {
    size_t at;
    for (at = 0; at < all->producer_count; at++) {
        if (pthread_create(&all->producers[at].thread, NULL, produce, &all->producers[at]) != 0) {
            end_threads(all, at, false);
            return fault_set(why, "no thread for producer %zu", at);
        }
    }
    if (pthread_create(&all->reader, NULL, read_all, all) == 0)
        return true;
    end_threads(all, all->producer_count, false);
    return fault_set(why, "no thread for the reader");
}

bool feed_start(feed *all, const duo_node *node, verifier *proof, records *from, size_t producers, fault *why) {
    size_t at;
    memset(all, 0, sizeof *all);
    all->node = node;
    all->proof = proof;
    all->from = from;
    all->producers = calloc(producers, sizeof *all->producers);
    if (all->producers == NULL)
        return fault_memory(why);
    all->producer_count = producers;
    all->running = producers + 1;
    /* Without attributes these do not fail on Linux. */
    pthread_mutex_init(&all->lock, NULL);
    for (at = 0; at < producers; at++) {
        all->producers[at].all = all;
        all->producers[at].number = (uint32_t)at;
        pthread_cond_init(&all->producers[at].changed, NULL);
    }
    return start_threads(all, why);
}

bool feed_is_done(feed *all) {
    bool done;
    lock(all);
    done = all->running == 0;
    unlock(all);
    return done;
}

bool feed_has_failed(feed *all) {
    bool failed;
    lock(all);
    failed = all->failed;
    unlock(all);
    return failed;
}

bool feed_stop(feed *all, uint64_t *count, fault *why) {
    end_threads(all, all->producer_count, true);
    *count = all->read;
    return all->why.text[0] == '\0' || fault_set(why, "%s", all->why.text);
}
