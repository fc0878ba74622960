/* What is known about one chain: what was sent to it and what became final on it. */
#ifndef TALLY_H
#define TALLY_H

#include "duochain.h"
#include "fault.h"
#include "latency.h"
#include "sha256.h"

#include <pthread.h>
#include <stddef.h>

/* Faults that are kept as text; more are only counted. */
#define TALLY_FAULTS_KEPT 5

/* One record on its way. */
typedef struct sent_record {
    uint8_t digest[SHA256_BYTES];
    uint64_t number; /* among those of its producer */
    uint32_t producer;
    bool used;     /* this place of the table is taken */
    bool shared;   /* several producers sent it: nobody knows whose was first */
    bool is_final;
} sent_record;

/* Any thread may call any function. Memory grows by about a hundred bytes a record. */
typedef struct tally {
    pthread_mutex_t lock;
    sent_record *table; /* by digest, open addressing */
    size_t places;
    size_t expected;  /* places taken: different transactions that were sent */
    uint64_t *counts; /* of each producer: records sent, and the lowest number that may come now */
    uint64_t *next;
    uint64_t earlier;    /* height at the start: these blocks hold what an earlier run sent */
    uint64_t next_block; /* 0 before the first */
    uint64_t repeated;
    uint64_t finals;
    uint64_t duplicates;
    latency times; /* from submit to final */
    uint64_t faults;
    char texts[TALLY_FAULTS_KEPT][160];
} tally;

/* A moment's numbers. */
typedef struct tally_view {
    uint64_t sent; /* different ones and repeated ones */
    uint64_t finals;
    uint64_t duplicates;
    double p50; /* in milliseconds */
    double p99;
} tally_view;

bool tally_init(tally *chain, size_t producers, uint64_t earlier, fault *why);
void tally_free(tally *chain);

/* Called before a record is submitted. */
bool tally_sent(tally *chain, uint32_t producer, const uint8_t digest[SHA256_BYTES], fault *why);

/* Compares a final block with what was sent. */
void tally_final(tally *chain, const duo_event *event, const duo_block_header_t *header, const duo_iovec *items,
                 size_t count);

void tally_completed(tally *chain, const duo_completion *done);

tally_view tally_look(tally *chain);

/* Nothing is outstanding. */
bool tally_is_complete(const tally_view *seen);

/* Nothing is wrong. This and the next one are for when no thread counts any more. */
bool tally_is_sound(const tally *chain);

/* Prints what is wrong, each on a line behind the chain's name. */
void tally_print_faults(const tally *chain, const char *name);

#endif
