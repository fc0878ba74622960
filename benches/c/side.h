/*
 * What a queue has to offer to be measured. All of them copy an item in and copy it out again.
 *
 * The loops live in this header and each side instantiates them with its own functions, so that no side
 * pays for a call through a pointer that a real caller would not make.
 */
#ifndef SIDE_H
#define SIDE_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    ITEM_BYTES = 256,
    CELLS = 65536, /* room of every queue */
    BATCH = 8,
    TAKE_MAX = 64, /* items that a consumer asks for at a time */
};

/* Items put in and taken out so far; each item begins with its number, so that a loss shows. */
struct side {
    const char *name;
    const char *(*version)(void);
    void (*open)(void);
    void (*close)(void);
    void (*put_many)(uint64_t first, size_t count);
    void (*put_batches)(uint64_t first, size_t count);
    void (*put_timed)(uint64_t first, size_t count, uint32_t *nanos);
    /* Puts in as many as there is room for; how many. */
    size_t (*put_some)(uint64_t first, size_t count);
    /* Takes out what is there, at most TAKE_MAX; how many. */
    size_t (*take_some)(uint64_t first);
};

extern const struct side duochain_side, ck_side, mutex_side;

static inline void expect(int truth, const char *what) {
    if (!truth) {
        fprintf(stderr, "boundary: %s\n", what);
        exit(1);
    }
}

static inline uint64_t now_nanos(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

static inline void number_item(unsigned char *item, uint64_t number) {
    memcpy(item, &number, sizeof number);
}

static inline void check_item(const unsigned char *item, uint64_t number) {
    uint64_t found;
    memcpy(&found, item, sizeof found);
    expect(found == number, "an item was lost, doubled or overtaken");
}

#define INLINE static inline __attribute__((always_inline))

typedef int put_fn(const unsigned char *item);
typedef int put_batch_fn(const unsigned char *items);

INLINE void loop_put(put_fn *put, uint64_t first, size_t count) {
    unsigned char item[ITEM_BYTES] = {0};
    for (size_t i = 0; i < count; i++) {
        number_item(item, first + i);
        expect(put(item), "a queue with room refused an item");
    }
}

INLINE void loop_put_batches(put_batch_fn *put, uint64_t first, size_t count) {
    unsigned char items[BATCH * ITEM_BYTES] = {0};
    for (size_t i = 0; i < count; i += BATCH) {
        for (size_t j = 0; j < BATCH; j++)
            number_item(items + j * ITEM_BYTES, first + i + j);
        expect(put(items), "a queue with room refused a batch");
    }
}

INLINE void loop_put_timed(put_fn *put, uint64_t first, size_t count, uint32_t *nanos) {
    unsigned char item[ITEM_BYTES] = {0};
    for (size_t i = 0; i < count; i++) {
        number_item(item, first + i);
        uint64_t begun = now_nanos();
        int accepted = put(item);
        nanos[i] = (uint32_t)(now_nanos() - begun);
        expect(accepted, "a queue with room refused an item");
    }
}

INLINE size_t loop_put_some(put_fn *put, uint64_t first, size_t count) {
    unsigned char item[ITEM_BYTES] = {0};
    size_t i = 0;
    for (; i < count; i++) {
        number_item(item, first + i);
        if (!put(item))
            break;
    }
    return i;
}

/* Defines the struct and its loops from put, put_batch, take_some, open, close and version of the file. */
#define DEFINE_SIDE(variable, label)                                                                      \
    static void put_many(uint64_t first, size_t count) { loop_put(put, first, count); }                   \
    static void put_batches(uint64_t first, size_t count) { loop_put_batches(put_batch, first, count); }  \
    static void put_timed(uint64_t first, size_t count, uint32_t *nanos) {                                \
        loop_put_timed(put, first, count, nanos);                                                         \
    }                                                                                                     \
    static size_t put_some(uint64_t first, size_t count) { return loop_put_some(put, first, count); }     \
    const struct side variable = {label,       version,   open_queue, close_queue, put_many,              \
                                  put_batches, put_timed, put_some,   take_some}

#endif
