/* Subscriptions: order without gaps, cursors, waiting and waking. */
#include "check.h"

#include <poll.h>

static duo_sub *subscribe(duo_node *node, uint32_t chain, uint32_t begin, const char *name) {
    duo_sub_options options = DUO_SUB_OPTIONS_INIT;
    duo_sub *sub = NULL;
    options.chain = chain;
    options.start = begin;
    options.name = name;
    OK(duo_sub_create(node, &options, &sub));
    return sub;
}

/* The next event, waiting for it. */
static duo_event next(duo_sub *sub) {
    duo_event event;
    size_t n = 0;
    duo_status status;
    while ((status = duo_sub_poll(sub, &event, 1, &n)) == DUO_AGAIN) {
        CHECK(n == 0);
        OK(duo_sub_wait(sub, PATIENCE_NS));
    }
    CHECK(status == DUO_OK && n == 1);
    return event;
}

static void events_come_in_order_without_gaps(duo_node *node) {
    duo_sub *sub = subscribe(node, DUO_CHAIN_DELTA, DUO_START_OLDEST, NULL);
    duo_event event = next(sub);
    uint64_t waiting = 99, dropped = 99;
    CHECK(event.sequence == 1 && event.chain == DUO_CHAIN_DELTA);
    for (uint64_t sequence = 2; sequence < 20; sequence++) {
        event = next(sub);
        CHECK(event.sequence == sequence && event.kind >= 1 && event.kind <= 12);
        CHECK(event.kind != DUO_EVENT_DELTA_BLOCK_FINALIZED || (event.height > 0 && event.detail[0] == 0));
    }
    OK(duo_sub_seek(sub, DUO_CHAIN_DELTA, 5));
    CHECK(next(sub).sequence == 5);
    OK(duo_sub_lag(sub, DUO_CHAIN_DELTA, &waiting, &dropped));
    CHECK(waiting >= 10 && dropped == 0);
    OK(duo_sub_lag(sub, DUO_CHAIN_ALPHA, NULL, NULL));
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_sub_seek(sub, DUO_CHAIN_DELTA, 0));
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_sub_seek(sub, DUO_CHAIN_DELTA, UINT64_MAX - 1));
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_sub_seek(sub, DUO_CHAIN_ALPHA, 1));
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_sub_ack(sub, DUO_CHAIN_DELTA, 1)); /* no cursor */
    OK(duo_sub_destroy(sub));
    GIVES(DUO_ERR_BAD_HANDLE, duo_sub_destroy(sub));
}

static void a_cursor_goes_on_where_it_was_acknowledged(duo_node *node) {
    duo_sub *sub = subscribe(node, 0, DUO_START_CURSOR, "reader-1");
    duo_event event;
    do {
        event = next(sub);
    } while (event.chain != DUO_CHAIN_DELTA || event.sequence < 7);
    OK(duo_sub_ack(sub, DUO_CHAIN_DELTA, 7));
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_sub_ack(sub, DUO_CHAIN_DELTA, UINT64_MAX));
    OK(duo_sub_destroy(sub));
    sub = subscribe(node, DUO_CHAIN_DELTA, DUO_START_CURSOR, "reader-1");
    CHECK(next(sub).sequence == 8);
    OK(duo_sub_destroy(sub));
}

static void the_descriptor_says_when_to_poll(duo_node *node) {
    duo_sub *sub = subscribe(node, DUO_CHAIN_DELTA, DUO_START_LATEST, NULL);
    duo_event event;
    size_t n = 0;
    int32_t fd = -1;
    OK(duo_sub_event_fd(sub, &fd));
    while (duo_sub_poll(sub, &event, 1, &n) == DUO_AGAIN) {
        struct pollfd ready = {fd, POLLIN, 0};
        CHECK(poll(&ready, 1, 120000) == 1);
    }
    CHECK(n == 1);
    OK(duo_sub_destroy(sub));
}

static duo_node *slow_node(void) {
    duo_config *config = NULL;
    duo_node *node = NULL;
    OK(duo_config_create(&config));
    set(config, "storage.backend", "memory");
    OK(duo_node_open(config, &node)); /* in real time: no event for seconds */
    OK(duo_config_destroy(config));
    return node;
}

static void *waits_for_an_end(void *argument) {
    duo_sub *sub = (duo_sub *)argument;
    duo_status status;
    do {
        status = duo_sub_wait(sub, DUO_WAIT_FOREVER);
    } while (status == DUO_OK || status == DUO_TIMEOUT || status == DUO_ERR_BUSY);
    CHECK(status == DUO_ERR_CLOSED || status == DUO_ERR_BAD_HANDLE);
    return NULL;
}

static void waits_end_by_wake_destroy_and_close(void) {
    duo_node *node = slow_node();
    duo_sub *first = subscribe(node, 0, DUO_START_LATEST, NULL);
    duo_sub *second = subscribe(node, 0, DUO_START_LATEST, NULL);
    duo_event event;
    size_t n = 0;
    duo_status status;
    pthread_t threads[2];
    GIVES(DUO_TIMEOUT, duo_sub_wait(first, 1000));
    OK(duo_sub_wake(first));
    GIVES(DUO_TIMEOUT, duo_sub_wait(first, DUO_WAIT_FOREVER)); /* woken before it slept */
    threads[0] = start(waits_for_an_end, first);
    threads[1] = start(waits_for_an_end, second);
    do {
        status = duo_sub_poll(first, &event, 1, &n);
        CHECK(status == DUO_AGAIN || status == DUO_ERR_BUSY);
    } while (status != DUO_ERR_BUSY);
    OK(duo_sub_destroy(first));
    finish(threads[0]);
    OK(duo_node_close(node, PATIENCE_NS));
    finish(threads[1]);
    OK(duo_node_destroy(node));
    GIVES(DUO_ERR_CLOSED, duo_sub_poll(second, &event, 1, &n)); /* outlives its node */
    GIVES(DUO_ERR_CLOSED, duo_sub_wait(second, 0));
    OK(duo_sub_destroy(second));
}

static void null_and_nonsense_are_refused(duo_node *node) {
    duo_sub_options options = DUO_SUB_OPTIONS_INIT;
    duo_sub *sub = NULL;
    duo_event event;
    size_t n = 0;
    options.chain = 3;
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_sub_create(node, &options, &sub));
    options.chain = 0;
    options.start = 3;
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_sub_create(node, &options, &sub));
    options.start = DUO_START_CURSOR;
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_sub_create(node, &options, &sub));
    options.name = "not/allowed";
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_sub_create(node, &options, &sub));
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_sub_create(node, NULL, NULL));
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_sub_create(NULL, NULL, &sub));
    CHECK(sub == NULL);
    OK(duo_sub_create(node, NULL, &sub));
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_sub_poll(sub, NULL, 1, &n));
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_sub_poll(sub, &event, 1, NULL));
    GIVES(DUO_ERR_TOO_LARGE, duo_sub_poll(sub, &event, SIZE_MAX, &n));
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_sub_event_fd(sub, NULL));
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_sub_lag(sub, 0, NULL, NULL));
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_sub_ack(sub, 9, 1));
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_sub_wait(NULL, 0));
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_sub_wake(NULL));
    OK(duo_sub_destroy(sub));
    OK(duo_sub_destroy(NULL));
}

int main(void) {
    duo_node *node = fast_node();
    events_come_in_order_without_gaps(node);
    a_cursor_goes_on_where_it_was_acknowledged(node);
    the_descriptor_says_when_to_poll(node);
    null_and_nonsense_are_refused(node);
    OK(duo_node_destroy(node));
    waits_end_by_wake_destroy_and_close();
    return 0;
}
