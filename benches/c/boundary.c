/*
 * Costs of an enqueue from C, ours beside others. Usage: boundary ROUNDS
 *
 * In every round each side takes its turn at every scenario. Enqueues go into an empty queue, a block of
 * them in one go, and are taken out again while no clock runs: the consumer sets no limit. A shallow block
 * stays in the core's cache, as with a consumer that keeps up; a deep one does not. Prints lines of JSON,
 * see src/guest.rs.
 */
#include "side.h"

#include <duochain.h>
#include <pthread.h>
#include <sched.h>

enum {
    SHALLOW = 1000,
    DEEP = 10000,
    ITEMS = 100000, /* per turn and scenario */
    CALLS = 1000000,
    HANDED_OVER = 200000,
};

static const struct side *const sides[] = {&duochain_side, &ck_side, &mutex_side};
enum { SIDES = sizeof sides / sizeof *sides };

static uint64_t put_in[SIDES], taken_out[SIDES];

static void figure(const char *scenario, const char *side, double value) {
    printf("{\"scenario\": \"%s\", \"side\": \"%s\", \"value\": %.4f}\n", scenario, side, value);
}

static void version(const char *side, const char *text) {
    printf("{\"side\": \"%s\", \"version\": \"%s\"}\n", side, text);
}

static void drain(size_t which) {
    while (taken_out[which] < put_in[which]) {
        size_t taken = sides[which]->take_some(taken_out[which]);
        expect(taken > 0, "a queue lost items");
        taken_out[which] += taken;
    }
}

typedef void put_loop(uint64_t first, size_t count);

/* Nanoseconds for each item, put in by blocks of `block`. */
static double put_blocks(size_t which, put_loop *put, size_t block) {
    uint64_t nanos = 0;
    for (size_t done = 0; done < ITEMS; done += block) {
        uint64_t begun = now_nanos();
        put(put_in[which], block);
        nanos += now_nanos() - begun;
        put_in[which] += block;
        drain(which);
    }
    return (double)nanos / ITEMS;
}

static int ascending(const void *a, const void *b) {
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

/* What reading the clock adds to the time of a single call. */
static double clock_nanos(void) {
    static uint32_t nanos[SHALLOW];
    for (size_t i = 0; i < SHALLOW; i++) {
        uint64_t begun = now_nanos();
        nanos[i] = (uint32_t)(now_nanos() - begun);
    }
    qsort(nanos, SHALLOW, sizeof *nanos, ascending);
    return nanos[SHALLOW / 2];
}

static double put_p99(size_t which) {
    static uint32_t nanos[ITEMS];
    for (size_t done = 0; done < ITEMS; done += SHALLOW) {
        sides[which]->put_timed(put_in[which], SHALLOW, nanos + done);
        put_in[which] += SHALLOW;
        drain(which);
    }
    qsort(nanos, ITEMS, sizeof *nanos, ascending);
    return nanos[ITEMS / 100 * 99] - clock_nanos();
}

static void *produce(void *argument) {
    size_t which = *(size_t *)argument;
    for (size_t done = 0; done < HANDED_OVER;) {
        size_t some = sides[which]->put_some(put_in[which], HANDED_OVER - done);
        put_in[which] += some;
        done += some;
        if (done < HANDED_OVER)
            sched_yield(); /* full */
    }
    return NULL;
}

/* Million items a second through the queue, with one thread at each end. */
static double hand_over(size_t which) {
    pthread_t producer;
    uint64_t begun = now_nanos();
    expect(pthread_create(&producer, NULL, produce, &which) == 0, "no thread");
    for (size_t done = 0; done < HANDED_OVER;) {
        size_t some = sides[which]->take_some(taken_out[which]);
        taken_out[which] += some;
        done += some;
        if (some == 0)
            sched_yield(); /* empty */
    }
    pthread_join(producer, NULL);
    return HANDED_OVER * 1e3 / (double)(now_nanos() - begun);
}

static double empty_call(void) {
    uint64_t begun = now_nanos();
    for (size_t i = 0; i < CALLS; i++)
        expect(duo_abi_version() == DUO_ABI_VERSION, "the library is of another version");
    return (double)(now_nanos() - begun) / CALLS;
}

static void measure(size_t which, int is_warm) {
    const struct side *side = sides[which];
    double one = put_blocks(which, side->put_many, SHALLOW), deep = put_blocks(which, side->put_many, DEEP);
    double batch = put_blocks(which, side->put_batches, SHALLOW);
    double tail = put_p99(which), handed = hand_over(which);
    if (!is_warm)
        return;
    figure("C: enqueue of 256 B", side->name, one);
    figure("C: enqueue of 256 B, 10,000 deep", side->name, deep);
    figure("C: batch of 8 x 256 B, per item", side->name, batch);
    figure("C: enqueue of 256 B, p99 of single calls", side->name, tail > 0 ? tail : 1);
    figure("C: 256 B from one thread to another", side->name, handed);
}

int main(int count, char **arguments) {
    expect(count == 2, "usage: boundary ROUNDS");
    size_t rounds = strtoul(arguments[1], NULL, 10);
    for (size_t i = 0; i < SIDES; i++) {
        sides[i]->open();
        version(sides[i]->name, sides[i]->version());
    }
    version("empty call", duo_version_string());
    /* The first round warms caches and allocators and is not reported. */
    for (size_t round = 0; round <= rounds; round++) {
        for (size_t turn = 0; turn < SIDES; turn++)
            measure((turn + round) % SIDES, round > 0);
        double call = empty_call();
        if (round > 0)
            figure("C: enqueue of 256 B", "empty call", call);
    }
    for (size_t i = 0; i < SIDES; i++)
        sides[i]->close();
    return 0;
}
