/* Producers on shared lanes: puts that wait, and claims. */
#include "lanes.h"

#include <unistd.h>

typedef struct {
    duo_lane_producer *producer;
    duo_status status;
} waiter;

static void *puts_in(void *of) {
    waiter *it = (waiter *)of;
    it->status = duo_lane_enqueue_wait(it->producer, 0, "w", 1, 9, PATIENCE_NS);
    return NULL;
}

/* Starts a put into a full lane and lets it get inside. */
static pthread_t waits(waiter *it) {
    pthread_t thread = start(puts_in, it);
    while (duo_lane_enqueue(it->producer, 1, "x", 0, 0) != DUO_ERR_BUSY) {
        usleep(100);
    }
    return thread;
}

static void a_put_waits_for_room_and_for_no_longer_than_it_may(void) {
    opened it = open_small();
    waiter of = {NULL, DUO_OK};
    pthread_t thread;
    duo_item item;
    char buf[1024];
    OK(duo_lane_attach(it.path, &of.producer));
    for (uint64_t tag = 0; tag < 4; tag++) {
        OK(duo_lane_enqueue_wait(of.producer, 0, "x", 1, tag, 0));
    }
    GIVES(DUO_TIMEOUT, duo_lane_enqueue_wait(of.producer, 0, "x", 1, 4, 0));
    GIVES(DUO_TIMEOUT, duo_lane_enqueue_wait(of.producer, 0, "x", 1, 4, 3000000));
    GIVES(DUO_ERR_INVALID_TX, duo_lane_enqueue_wait(of.producer, 0, "x", 0, 4, DUO_WAIT_FOREVER));
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_lane_enqueue_wait(of.producer, 2, "x", 1, 4, DUO_WAIT_FOREVER));
    thread = waits(&of);
    OK(duo_queue_dequeue(it.queue, buf, sizeof buf, &item));
    finish(thread);
    CHECK(of.status == DUO_OK);
    for (uint64_t tag = 1; tag < 5; tag++) {
        OK(duo_queue_dequeue(it.queue, buf, sizeof buf, &item));
        CHECK(item.tag == (tag < 4 ? tag : 9));
    }
    OK(duo_lane_detach(of.producer));
    shut(it);
}

static void a_put_that_waits_ends_with_its_producer_and_with_the_lanes(void) {
    opened it = open_small();
    waiter of[2] = {{NULL, DUO_OK}, {NULL, DUO_OK}};
    pthread_t threads[2];
    for (int at = 0; at < 2; at++) {
        OK(duo_lane_attach(it.path, &of[at].producer));
    }
    for (uint64_t tag = 0; tag < 4; tag++) {
        OK(duo_lane_enqueue(of[0].producer, 0, "x", 1, tag));
    }
    threads[0] = waits(&of[0]);
    threads[1] = waits(&of[1]);
    OK(duo_lane_detach(of[0].producer));
    finish(threads[0]);
    CHECK(of[0].status == DUO_ERR_CLOSED);
    OK(duo_lane_close(it.lane));
    finish(threads[1]);
    CHECK(of[1].status == DUO_ERR_CLOSED);
    OK(duo_lane_detach(of[1].producer));
    OK(duo_queue_destroy(it.queue));
}

static void a_claim_is_written_in_place_one_at_a_time(void) {
    opened it = open_small();
    duo_lane_producer *producer = NULL;
    duo_claim claim, second;
    duo_item item;
    char buf[1024];
    OK(duo_lane_attach(it.path, &producer));
    OK(duo_lane_claim(producer, 0, 900, &claim));
    GIVES(DUO_ERR_BUSY, duo_lane_claim(producer, 0, 1, &second));
    GIVES(DUO_ERR_BUSY, duo_lane_enqueue(producer, 0, "x", 1, 0));
    OK(duo_lane_abort(producer, &claim));
    GIVES(DUO_ERR_BAD_HANDLE, duo_lane_abort(producer, &claim));
    OK(duo_lane_claim(producer, 0, 900, &claim));
    memset(claim.data, 'c', claim.len);
    OK(duo_lane_commit(producer, &claim, 5));
    GIVES(DUO_ERR_BAD_HANDLE, duo_lane_commit(producer, &claim, 5));
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_lane_commit(producer, NULL, 5));
    OK(duo_queue_dequeue(it.queue, buf, sizeof buf, &item));
    CHECK(item.len == 900 && item.tag == 5 && buf[0] == 'c' && buf[899] == 'c');
    OK(duo_lane_claim(producer, 0, 900, &claim));
    OK(duo_lane_detach(producer));
    OK(duo_lane_attach(it.path, &producer));
    OK(duo_lane_enqueue(producer, 0, buf, 900, 6));
    OK(duo_lane_detach(producer));
    shut(it);
}

int main(void) {
    a_put_waits_for_room_and_for_no_longer_than_it_may();
    a_put_that_waits_ends_with_its_producer_and_with_the_lanes();
    a_claim_is_written_in_place_one_at_a_time();
    return 0;
}
