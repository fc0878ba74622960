/* Ours: the transaction queue through the shared library. */
#include "side.h"

#include <duochain.h>

static duo_queue *queue;
static uint32_t lengths[BATCH];

static const char *version(void) {
    return duo_version_string();
}

static void open_queue(void) {
    size_t cells = CELLS;
    duo_queue_options options = DUO_QUEUE_OPTIONS_INIT;
    options.lane_cells = &cells;
    options.lane_count = 1;
    options.run_max = BATCH;
    expect(duo_queue_create(&options, &queue) == DUO_OK, "no queue");
    for (size_t i = 0; i < BATCH; i++)
        lengths[i] = ITEM_BYTES;
}

static void close_queue(void) {
    expect(duo_queue_destroy(queue) == DUO_OK, "the queue does not end");
}

INLINE int put(const unsigned char *item) {
    return duo_queue_enqueue(queue, 0, item, ITEM_BYTES, 0) == DUO_OK;
}

INLINE int put_batch(const unsigned char *items) {
    size_t done;
    return duo_queue_enqueue_flat(queue, 0, items, ITEM_BYTES, lengths, BATCH, 0, &done) == DUO_OK;
}

static size_t take_some(uint64_t first) {
    static unsigned char bytes[TAKE_MAX * ITEM_BYTES];
    static duo_item items[TAKE_MAX];
    size_t taken = 0;
    duo_status status = duo_queue_dequeue_batch(queue, bytes, sizeof bytes, items, TAKE_MAX, &taken);
    expect(status == DUO_OK || status == DUO_AGAIN, "the queue gives nothing out");
    for (size_t i = 0; i < taken; i++)
        check_item(bytes + items[i].offset, first + i);
    return taken;
}

DEFINE_SIDE(duochain_side, "duochain");
