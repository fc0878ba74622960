/* Producer threads: each takes its share of the records and submits each to both chains, in order. */
#ifndef FEED_H
#define FEED_H

#include "records.h"
#include "verifier.h"

/* Records on their way from the reader to one producer. */
#define FEED_BACKLOG 64

typedef struct feed feed;

typedef struct producer {
    feed *all;
    uint32_t number;
    pthread_t thread;
    pthread_cond_t changed; /* a record came or went, or the feed's state changed */
    record backlog[FEED_BACKLOG];
    size_t first;
    size_t count;
} producer;

/* Reader and producers at work. */
struct feed {
    const duo_node *node;
    verifier *proof;
    records *from;
    pthread_t reader;
    pthread_mutex_t lock; /* of everything below, and of the backlogs */
    producer *producers;
    size_t producer_count;
    size_t running;    /* threads that have not ended */
    uint64_t read;     /* records */
    bool ended;        /* nothing more will be read */
    bool failed;       /* a producer gave up */
    bool stopped;      /* nobody waits for the rest */
    fault why;
};

bool feed_start(feed *all, const duo_node *node, verifier *proof, records *from, size_t producers, fault *why);

/* Everything was read and submitted. */
bool feed_is_done(feed *all);

/* A producer gave up; it says why when all is stopped. */
bool feed_has_failed(feed *all);

/* Ends the threads and frees all; false with what the first one gave up for. `count`: records read. */
bool feed_stop(feed *all, uint64_t *count, fault *why);

#endif
