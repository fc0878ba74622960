/* Queues, the side that puts in: single, batch, flat and claimed. */
#include "check.h"

static duo_queue *queue_of_runs(size_t cells, size_t run_max) {
    duo_queue_options options = DUO_QUEUE_OPTIONS_INIT;
    const size_t lanes[2] = {cells, cells};
    duo_queue *queue = NULL;
    options.lane_cells = lanes;
    options.lane_count = 2;
    options.transaction_bytes_max = 4096;
    options.run_max = run_max;
    OK(duo_queue_create(&options, &queue));
    return queue;
}

static duo_queue *queue_of(size_t cells) {
    return queue_of_runs(cells, 0);
}

static void a_batch_shares_cells_when_it_may(void) {
    duo_queue *queue = queue_of_runs(2, 32);
    duo_iovec items[100];
    duo_item got;
    char byte = 0;
    uint64_t len = 0;
    size_t done = 0;
    for (size_t at = 0; at < 100; at++) {
        items[at].data = "item";
        items[at].len = 1;
    }
    GIVES(DUO_PARTIAL, duo_queue_enqueue_batch(queue, 0, items, 100, 0, &done));
    CHECK(done == 64);
    OK(duo_queue_len(queue, &len));
    CHECK(len == 64);
    GIVES(DUO_AGAIN, duo_queue_enqueue(queue, 0, "x", 1, 0));
    for (size_t at = 0; at < 64; at++) {
        OK(duo_queue_dequeue(queue, &byte, 1, &got));
        CHECK(got.tag == at && got.sequence == at && byte == 'i');
    }
    GIVES(DUO_AGAIN, duo_queue_dequeue(queue, &byte, 1, &got));
    OK(duo_queue_destroy(queue));
}

static void a_lane_fills_and_says_again(void) {
    duo_queue *queue = queue_of(4);
    uint64_t len = 0;
    for (uint64_t tag = 0; tag < 4; tag++) {
        OK(duo_queue_enqueue(queue, 1, "tx", 2, tag));
    }
    GIVES(DUO_AGAIN, duo_queue_enqueue(queue, 1, "tx", 2, 9));
    GIVES(DUO_TIMEOUT, duo_queue_enqueue_wait(queue, 1, "tx", 2, 9, 1000));
    OK(duo_queue_enqueue_wait(queue, 0, "tx", 2, 9, 0));
    OK(duo_queue_len(queue, &len));
    CHECK(len == 5);
    OK(duo_queue_close(queue));
    OK(duo_queue_close(queue));
    GIVES(DUO_ERR_CLOSED, duo_queue_enqueue(queue, 0, "tx", 2, 9));
    OK(duo_queue_destroy(queue));
}

static void batches_stop_at_the_first_refusal(void) {
    duo_queue *queue = queue_of(128);
    duo_iovec items[200];
    uint32_t lens[200];
    char flat[200 * 4];
    duo_item got;
    size_t done = 0;
    for (size_t at = 0; at < 200; at++) {
        items[at].data = "item";
        items[at].len = 4;
        lens[at] = 3;
        memcpy(&flat[at * 4], "flat", 4);
    }
    GIVES(DUO_PARTIAL, duo_queue_enqueue_batch(queue, 0, items, 200, 0, &done));
    CHECK(done == 128);
    GIVES(DUO_AGAIN, duo_queue_enqueue_batch(queue, 0, items, 200, 0, &done));
    CHECK(done == 0);
    items[70].len = 5000; /* over transaction_bytes_max */
    GIVES(DUO_PARTIAL, duo_queue_enqueue_batch(queue, 1, items, 100, 1000, &done));
    CHECK(done == 70);
    GIVES(DUO_ERR_TOO_LARGE, duo_queue_enqueue_batch(queue, 1, &items[70], 10, 0, &done));
    OK(duo_queue_enqueue_flat(queue, 1, flat, 4, lens, 10, 2000, &done));
    CHECK(done == 10);
    OK(duo_queue_enqueue_flat(queue, 1, flat, 0, lens, 10, 3000, &done));
    for (size_t at = 0; at < 128; at++) {
        OK(duo_queue_dequeue(queue, flat, sizeof flat, &got));
        CHECK(got.tag == at && got.lane == 0 && got.sequence == at);
    }
    for (size_t at = 0; at < 70; at++) {
        OK(duo_queue_dequeue(queue, flat, sizeof flat, &got));
        CHECK(got.tag == 1000 + at && got.len == 4);
    }
    for (size_t at = 0; at < 20; at++) {
        OK(duo_queue_dequeue(queue, flat, sizeof flat, &got));
        CHECK(got.tag == (at < 10 ? 2000 + at : 2990 + at) && got.len == 3);
        CHECK(at != 11 || memcmp(flat, "tfl", 3) == 0); /* packed: the second three bytes */
    }
    OK(duo_queue_enqueue_batch(queue, 0, NULL, 0, 0, &done));
    OK(duo_queue_destroy(queue));
}

static void a_claim_is_committed_or_aborted_once(void) {
    duo_queue *queue = queue_of(2);
    duo_claim claim, other;
    duo_item got;
    char buf[16];
    OK(duo_queue_claim(queue, 0, 5, &claim));
    CHECK(claim.len == 5 && claim.lane == 0 && claim.chain == 0);
    memcpy(claim.data, "hello", 5);
    OK(duo_queue_commit(queue, &claim, 7));
    GIVES(DUO_ERR_BAD_HANDLE, duo_queue_commit(queue, &claim, 7));
    GIVES(DUO_ERR_BAD_HANDLE, duo_queue_abort(queue, &claim));
    OK(duo_queue_claim(queue, 0, 5, &other));
    OK(duo_queue_abort(queue, &other));
    GIVES(DUO_ERR_BAD_HANDLE, duo_queue_abort(queue, &other));
    OK(duo_queue_dequeue(queue, buf, sizeof buf, &got));
    CHECK(got.len == 5 && got.tag == 7 && memcmp(buf, "hello", 5) == 0);

    OK(duo_queue_enqueue(queue, 0, "a", 1, 0));
    OK(duo_queue_enqueue(queue, 0, "b", 1, 0));
    OK(duo_queue_claim(queue, 0, 1, &claim));
    *(char *)claim.data = 'c';
    GIVES(DUO_AGAIN, duo_queue_commit(queue, &claim, 3));
    OK(duo_queue_dequeue(queue, buf, sizeof buf, &got));
    OK(duo_queue_commit(queue, &claim, 3)); /* the same claim, once there is room */
    claim.lane = 99;
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_queue_commit(queue, &claim, 3));
    OK(duo_queue_destroy(queue));
}

static void *puts_until_closed(void *argument) {
    duo_queue *queue = (duo_queue *)argument;
    duo_status status;
    do {
        status = duo_queue_enqueue_wait(queue, 0, "x", 1, 0, DUO_WAIT_FOREVER);
    } while (status == DUO_OK);
    CHECK(status == DUO_ERR_CLOSED || status == DUO_ERR_BAD_HANDLE);
    return NULL;
}

static void destroying_lets_waiting_producers_return(void) {
    duo_queue *queue = queue_of(2);
    duo_lane_stats_t stats = DUO_LANE_STATS_INIT;
    pthread_t threads[3];
    for (size_t at = 0; at < 3; at++) {
        threads[at] = start(puts_until_closed, queue);
    }
    do {
        OK(duo_queue_lane_stats(queue, 0, &stats));
    } while (stats.accepted < 2);
    OK(duo_queue_destroy(queue));
    for (size_t at = 0; at < 3; at++) {
        finish(threads[at]);
    }
}

static void null_and_nonsense_are_refused(void) {
    duo_queue *queue = queue_of(4), *other = NULL;
    duo_queue_options options = DUO_QUEUE_OPTIONS_INIT;
    const size_t three = 3;
    duo_claim claim;
    const uint32_t lens[2] = {1, 9};
    const duo_iovec bad = {NULL, 5};
    size_t done = 0;
    options.lane_cells = &three;
    options.lane_count = 1;
    GIVES(DUO_ERR_CONFIG, duo_queue_create(&options, &other));
    options.lane_count = 17;
    GIVES(DUO_ERR_TOO_LARGE, duo_queue_create(&options, &other));
    options.lane_count = 0;
    options.consumers = 2;
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_queue_create(&options, &other));
    options.consumers = 0;
    options.run_max = 33;
    GIVES(DUO_ERR_CONFIG, duo_queue_create(&options, &other));
    options.run_max = 2;
    options.consumers = DUO_CONSUMERS_MANY;
    GIVES(DUO_ERR_CONFIG, duo_queue_create(&options, &other));
    options.run_max = 0;
    options.consumers = DUO_CONSUMERS_ONE;
    options.transaction_bytes_max = SIZE_MAX;
    GIVES(DUO_ERR_CONFIG, duo_queue_create(&options, &other));
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_queue_create(NULL, NULL));
    CHECK(other == NULL);
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_queue_enqueue(NULL, 0, "a", 1, 0));
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_queue_enqueue(queue, 0, NULL, 1, 0));
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_queue_enqueue(queue, 2, "a", 1, 0));
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_queue_enqueue(queue, UINT32_MAX, "a", 1, 0));
    GIVES(DUO_ERR_INVALID_TX, duo_queue_enqueue(queue, 0, "a", 0, 0));
    GIVES(DUO_ERR_TOO_LARGE, duo_queue_enqueue(queue, 0, "a", 4097, 0));
    GIVES(DUO_ERR_TOO_LARGE, duo_queue_enqueue(queue, 0, "a", SIZE_MAX, 0));
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_queue_enqueue_batch(queue, 0, NULL, 3, 0, &done));
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_queue_enqueue_batch(queue, 0, &bad, 1, 0, &done));
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_queue_enqueue_batch(queue, 0, &bad, 1, 0, NULL));
    GIVES(DUO_ERR_TOO_LARGE, duo_queue_enqueue_batch(queue, 0, &bad, DUO_BATCH_MAX + 1, 0, &done));
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_queue_enqueue_flat(queue, 0, NULL, 4, lens, 2, 0, &done));
    GIVES(DUO_PARTIAL, duo_queue_enqueue_flat(queue, 0, "abcdefgh", 4, lens, 2, 0, &done));
    GIVES(DUO_ERR_TOO_LARGE, duo_queue_enqueue_flat(queue, 0, "a", SIZE_MAX, lens, 2, 0, &done));
    GIVES(DUO_ERR_TOO_LARGE, duo_queue_claim(queue, 0, SIZE_MAX, &claim));
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_queue_claim(queue, 0, 1, NULL));
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_queue_commit(queue, NULL, 0));
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_queue_abort(queue, NULL));
    memset(&claim, 0xff, sizeof claim);
    claim.lane = 0;
    GIVES(DUO_ERR_BAD_HANDLE, duo_queue_commit(queue, &claim, 0));
    GIVES(DUO_ERR_BAD_HANDLE, duo_queue_abort(queue, &claim));
    OK(duo_queue_destroy(queue));
    OK(duo_queue_destroy(NULL));
}

int main(void) {
    a_lane_fills_and_says_again();
    batches_stop_at_the_first_refusal();
    a_batch_shares_cells_when_it_may();
    a_claim_is_committed_or_aborted_once();
    destroying_lets_waiting_producers_return();
    null_and_nonsense_are_refused();
    return 0;
}
