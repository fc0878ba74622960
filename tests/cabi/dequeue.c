/* Queues, the side that takes out: sizes, batches, consumers and the end. */
#include "check.h"

static duo_queue *queue_for(uint32_t consumers) {
    duo_queue_options options = DUO_QUEUE_OPTIONS_INIT;
    duo_queue *queue = NULL;
    options.consumers = consumers;
    OK(duo_queue_create(&options, &queue));
    return queue;
}

static void what_does_not_fit_comes_with_the_next_call(void) {
    duo_queue *queue = queue_for(DUO_CONSUMERS_ONE);
    char buf[16];
    duo_item item;
    uint64_t len = 0;
    OK(duo_queue_enqueue(queue, 0, "0123456789", 10, 1));
    OK(duo_queue_enqueue(queue, 0, "ab", 2, 2));
    GIVES(DUO_ERR_TOO_LARGE, duo_queue_dequeue(queue, buf, 9, &item));
    CHECK(last_says("10 bytes"));
    OK(duo_queue_len(queue, &len));
    CHECK(len == 2);
    GIVES(DUO_ERR_TOO_LARGE, duo_queue_dequeue(queue, NULL, 0, &item));
    OK(duo_queue_dequeue(queue, buf, 10, &item));
    CHECK(item.len == 10 && item.tag == 1 && memcmp(buf, "0123456789", 10) == 0);
    OK(duo_queue_dequeue(queue, buf, 10, &item));
    CHECK(item.len == 2 && item.tag == 2);
    GIVES(DUO_AGAIN, duo_queue_dequeue(queue, buf, 10, &item));
    OK(duo_queue_destroy(queue));
}

static void a_batch_is_packed_and_ends_early(void) {
    duo_queue *queue = queue_for(DUO_CONSUMERS_ONE);
    char buf[8];
    duo_item items[8];
    size_t n = 0;
    GIVES(DUO_AGAIN, duo_queue_dequeue_batch(queue, buf, 8, items, 8, &n));
    CHECK(n == 0);
    OK(duo_queue_enqueue(queue, 0, "abc", 3, 0));
    OK(duo_queue_enqueue(queue, 0, "defg", 4, 1));
    OK(duo_queue_enqueue(queue, 0, "hi", 2, 2));
    OK(duo_queue_dequeue_batch(queue, buf, 8, items, 8, &n));
    CHECK(n == 2 && items[1].offset == 3 && items[1].len == 4);
    CHECK(memcmp(buf, "abcdefg", 7) == 0);
    GIVES(DUO_ERR_TOO_LARGE, duo_queue_dequeue_batch(queue, buf, 1, items, 8, &n));
    OK(duo_queue_dequeue_batch(queue, buf, 2, items, 8, &n));
    CHECK(n == 1 && items[0].tag == 2);
    OK(duo_queue_dequeue_batch(queue, NULL, 0, NULL, 0, &n));
    OK(duo_queue_destroy(queue));
}

static void a_closed_queue_drains_to_its_end(void) {
    duo_queue *queue = queue_for(DUO_CONSUMERS_ONE);
    char buf[4];
    duo_item item;
    size_t n = 9;
    OK(duo_queue_enqueue(queue, 0, "a", 1, 0));
    OK(duo_queue_close(queue));
    OK(duo_queue_dequeue_wait(queue, buf, 4, DUO_WAIT_FOREVER, &item));
    GIVES(DUO_END, duo_queue_dequeue_wait(queue, buf, 4, DUO_WAIT_FOREVER, &item));
    GIVES(DUO_END, duo_queue_dequeue(queue, buf, 4, &item));
    GIVES(DUO_END, duo_queue_dequeue_batch(queue, buf, 4, &item, 1, &n));
    CHECK(n == 0);
    OK(duo_queue_destroy(queue));
}

static void *waits(void *argument) {
    duo_queue *queue = (duo_queue *)argument;
    char buf[4];
    duo_item item;
    duo_status status;
    do {
        status = duo_queue_dequeue_wait(queue, buf, 4, DUO_WAIT_FOREVER, &item);
    } while (status == DUO_ERR_BUSY); /* the other thread was just inside */
    CHECK(status == DUO_END || status == DUO_ERR_BAD_HANDLE);
    return NULL;
}

static void a_second_consumer_is_busy_and_a_waiting_one_ends_with_the_queue(void) {
    duo_queue *queue = queue_for(DUO_CONSUMERS_ONE);
    char buf[4];
    duo_item item;
    duo_status status;
    pthread_t thread = start(waits, queue);
    do {
        sched_yield(); /* outside, or the two could turn each other away for ever */
        status = duo_queue_dequeue(queue, buf, 4, &item);
        CHECK(status == DUO_AGAIN || status == DUO_ERR_BUSY);
    } while (status != DUO_ERR_BUSY);
    OK(duo_queue_destroy(queue));
    finish(thread);
}

static duo_queue *shared;

static void *takes(void *count) {
    char buf[8];
    duo_item item;
    duo_status status;
    while ((status = duo_queue_dequeue_wait(shared, buf, 8, DUO_WAIT_FOREVER, &item)) == DUO_OK) {
        ++*(size_t *)count;
    }
    CHECK(status == DUO_END);
    return NULL;
}

static void many_consumers_share_everything_once(void) {
    pthread_t threads[4];
    size_t counts[4] = {0, 0, 0, 0};
    duo_pool_stats_t stats = DUO_POOL_STATS_INIT;
    duo_lane_stats_t lane = DUO_LANE_STATS_INIT;
    shared = queue_for(DUO_CONSUMERS_MANY);
    for (size_t at = 0; at < 4; at++) {
        threads[at] = start(takes, &counts[at]);
    }
    for (uint64_t tag = 0; tag < 1000; tag++) {
        OK(duo_queue_enqueue_wait(shared, 0, "payload", 7, tag, PATIENCE_NS));
    }
    OK(duo_queue_close(shared));
    for (size_t at = 0; at < 4; at++) {
        finish(threads[at]);
    }
    CHECK(counts[0] + counts[1] + counts[2] + counts[3] == 1000);
    OK(duo_queue_lane_stats(shared, 0, &lane));
    CHECK(lane.accepted == 1000 && lane.dequeued == 1000 && lane.depth == 0);
    GIVES(DUO_NOT_FOUND, duo_queue_lane_stats(shared, 1, &lane));
    OK(duo_queue_pool_stats(shared, &stats));
    CHECK(stats.in_use == 0 && stats.acquired == 1000);
    OK(duo_queue_destroy(shared));
}

static void null_and_nonsense_are_refused(void) {
    duo_queue *queue = queue_for(DUO_CONSUMERS_ONE);
    char buf[4];
    duo_item item;
    size_t n = 0;
    OK(duo_queue_enqueue(queue, 0, "a", 1, 0));
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_queue_dequeue(queue, NULL, 4, &item));
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_queue_dequeue(queue, buf, 4, NULL));
    GIVES(DUO_ERR_TOO_LARGE, duo_queue_dequeue(queue, buf, SIZE_MAX, &item));
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_queue_dequeue_wait(NULL, buf, 4, 0, &item));
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_queue_dequeue_batch(queue, buf, 4, NULL, 1, &n));
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_queue_dequeue_batch(queue, buf, 4, &item, 1, NULL));
    GIVES(DUO_ERR_TOO_LARGE, duo_queue_dequeue_batch(queue, buf, 4, &item, SIZE_MAX, &n));
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_queue_len(queue, NULL));
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_queue_lane_stats(queue, 0, NULL));
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_queue_pool_stats(queue, NULL));
    OK(duo_queue_dequeue(queue, buf, 4, &item)); /* nothing was lost meanwhile */
    OK(duo_queue_destroy(queue));
}

int main(void) {
    what_does_not_fit_comes_with_the_next_call();
    a_batch_is_packed_and_ends_early();
    a_closed_queue_drains_to_its_end();
    a_second_consumer_is_busy_and_a_waiting_one_ends_with_the_queue();
    many_consumers_share_everything_once();
    null_and_nonsense_are_refused();
    return 0;
}
