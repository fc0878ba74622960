/* Concurrency Kit's ring of pointers for many producers; each item is copied into memory of malloc. */
#include "side.h"

#include <ck_ring.h>

static ck_ring_t ring;
static ck_ring_buffer_t *cells;

static const char *version(void) {
    return CK_VERSION;
}

static void open_queue(void) {
    cells = malloc(sizeof *cells * CELLS);
    expect(cells != NULL, "no memory");
    ck_ring_init(&ring, CELLS);
}

static void close_queue(void) {
    free(cells);
}

INLINE int put(const unsigned char *item) {
    unsigned char *copy = malloc(ITEM_BYTES);
    expect(copy != NULL, "no memory");
    memcpy(copy, item, ITEM_BYTES);
    if (ck_ring_enqueue_mpsc(&ring, cells, copy))
        return 1;
    free(copy);
    return 0;
}

/* It has no batches. */
INLINE int put_batch(const unsigned char *items) {
    for (size_t i = 0; i < BATCH; i++)
        if (!put(items + i * ITEM_BYTES))
            return 0;
    return 1;
}

static size_t take_some(uint64_t first) {
    static unsigned char bytes[ITEM_BYTES];
    unsigned char *item;
    size_t taken = 0;
    while (taken < TAKE_MAX && ck_ring_dequeue_mpsc(&ring, cells, &item)) {
        memcpy(bytes, item, ITEM_BYTES);
        free(item);
        check_item(bytes, first + taken++);
    }
    return taken;
}

DEFINE_SIDE(ck_side, "ck_ring MPSC + malloc");
