/* What one writes by hand: a ring of slots, copied into and out of under a mutex. */
#include "side.h"

#include <gnu/libc-version.h>
#include <pthread.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static unsigned char (*slots)[ITEM_BYTES];
static size_t head, tail; /* taken from and put to, ever growing */

static const char *version(void) {
    static char text[32];
    snprintf(text, sizeof text, "glibc %s", gnu_get_libc_version());
    return text;
}

static void open_queue(void) {
    slots = malloc(sizeof *slots * CELLS);
    expect(slots != NULL, "no memory");
}

static void close_queue(void) {
    free(slots);
}

static int put_items(const unsigned char *items, size_t count) {
    pthread_mutex_lock(&lock);
    int fits = CELLS - (tail - head) >= count;
    for (size_t i = 0; fits && i < count; i++)
        memcpy(slots[tail++ % CELLS], items + i * ITEM_BYTES, ITEM_BYTES);
    pthread_mutex_unlock(&lock);
    return fits;
}

INLINE int put(const unsigned char *item) {
    return put_items(item, 1);
}

INLINE int put_batch(const unsigned char *items) {
    return put_items(items, BATCH);
}

static size_t take_some(uint64_t first) {
    static unsigned char bytes[TAKE_MAX][ITEM_BYTES];
    pthread_mutex_lock(&lock);
    size_t count = tail - head < TAKE_MAX ? tail - head : TAKE_MAX;
    for (size_t i = 0; i < count; i++)
        memcpy(bytes[i], slots[head++ % CELLS], ITEM_BYTES);
    pthread_mutex_unlock(&lock);
    for (size_t i = 0; i < count; i++)
        check_item(bytes[i], first + i);
    return count;
}

DEFINE_SIDE(mutex_side, "ring under a mutex");
