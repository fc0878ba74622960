/* A histogram of times with 3 % resolution and fixed memory. */
#ifndef LATENCY_H
#define LATENCY_H

#include <stdint.h>

/* Buckets per doubling, and doublings from 1 microsecond: up to 9 hours. */
#define LATENCY_STEPS 32
#define LATENCY_DOUBLINGS 35

typedef struct latency {
    uint64_t buckets[LATENCY_STEPS * LATENCY_DOUBLINGS];
    uint64_t count;
} latency;

void latency_record(latency *times, uint64_t nanos);

/* The time in milliseconds that `percent` of all are not above; 0 when there are none. */
double latency_quantile(const latency *times, unsigned percent);

#endif
