/*
 * The proof: what came out final is what went in.
 *
 * Every record is remembered by its SHA-256 when it is sent. Every final block is read back, and each of its
 * transactions must be one that was sent to that chain, not seen before, and behind all that its producer sent
 * earlier. Nothing is lost when as many are final, or were known before, as were sent.
 */
#ifndef VERIFIER_H
#define VERIFIER_H

#include "tally.h"

/* Both chains; number and name at the same place. */
#define CHAINS 2
extern const uint32_t CHAIN_NUMBERS[CHAINS];
extern const char *const CHAIN_NAMES[CHAINS];

typedef struct verifier {
    const duo_node *node;
    duo_sub *events;
    tally tallies[CHAINS];
    pthread_t follower;
    pthread_t collector;
    pthread_mutex_t lock; /* of the rest */
    bool stopped;
    bool failed; /* a thread gave up */
    fault why;
} verifier;

/* Starts the two threads. Nothing may have been submitted yet. */
bool verifier_start(verifier *proof, const duo_node *node, size_t producers, fault *why);

/* A thread gave up; it says why when all is stopped. */
bool verifier_has_failed(verifier *proof);

/* Ends the threads; false with what one of them gave up for. Tallies stay readable. */
bool verifier_stop(verifier *proof, fault *why);

void verifier_free(verifier *proof);

#endif
