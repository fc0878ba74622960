#include "latency.h"

#define BUCKETS (LATENCY_STEPS * LATENCY_DOUBLINGS)

void latency_record(latency *times, uint64_t nanos) {
    const uint64_t micros = nanos < 1000 ? 1 : nanos / 1000;
    unsigned doubling = 0;
    uint64_t bucket;
    while (micros >> doubling > 1)
        doubling++;
    bucket = doubling * (uint64_t)LATENCY_STEPS + (micros * LATENCY_STEPS >> doubling) - LATENCY_STEPS;
    times->buckets[bucket < BUCKETS ? bucket : BUCKETS - 1]++;
    times->count++;
}

double latency_quantile(const latency *times, unsigned percent) {
    const uint64_t wanted = (times->count * percent + 99) / 100;
    uint64_t seen = 0;
    unsigned bucket;
    for (bucket = 0; bucket < BUCKETS; bucket++) {
        seen += times->buckets[bucket];
        if (seen >= wanted && seen > 0) {
            const unsigned doubling = bucket / LATENCY_STEPS, step = bucket % LATENCY_STEPS;
            return (double)((uint64_t)(LATENCY_STEPS + step) << doubling) / LATENCY_STEPS / 1000;
        }
    }
    return 0;
}
