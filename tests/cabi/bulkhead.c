/* Bulkheads: permits, the line, and leaving it. */
#include "check.h"

static duo_bulkhead *bulkhead_of(uint32_t permits, uint32_t queue) {
    duo_bulkhead_options options = DUO_BULKHEAD_OPTIONS_INIT;
    duo_bulkhead *bulkhead = NULL;
    options.permits = permits;
    options.queue = queue;
    OK(duo_bulkhead_create(&options, &bulkhead));
    return bulkhead;
}

static duo_bulkhead_stats_t stats_of(duo_bulkhead *bulkhead) {
    duo_bulkhead_stats_t stats = DUO_BULKHEAD_STATS_INIT;
    OK(duo_bulkhead_stats(bulkhead, &stats));
    return stats;
}

static void permits_are_bounded_and_come_back(void) {
    duo_bulkhead *bulkhead = bulkhead_of(2, 0);
    OK(duo_bulkhead_acquire(bulkhead));
    OK(duo_bulkhead_acquire(bulkhead));
    GIVES(DUO_AGAIN, duo_bulkhead_acquire(bulkhead));
    GIVES(DUO_AGAIN, duo_bulkhead_acquire_wait(bulkhead, -1));
    CHECK(stats_of(bulkhead).in_use == 2 && stats_of(bulkhead).refused == 2);
    OK(duo_bulkhead_release(bulkhead));
    OK(duo_bulkhead_acquire(bulkhead));
    OK(duo_bulkhead_release(bulkhead));
    OK(duo_bulkhead_release(bulkhead));
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_bulkhead_release(bulkhead));
    CHECK(stats_of(bulkhead).taken == 3 && stats_of(bulkhead).in_use == 0);
    OK(duo_bulkhead_destroy(bulkhead));
}

static void the_line_is_served_in_order(void) {
    duo_bulkhead *bulkhead = bulkhead_of(1, 2);
    uint64_t first = 0, second = 0, third = 9;
    OK(duo_bulkhead_line_up(bulkhead, &first));
    CHECK(first == UINT64_MAX);
    GIVES(DUO_PARTIAL, duo_bulkhead_line_up(bulkhead, &first));
    GIVES(DUO_PARTIAL, duo_bulkhead_line_up(bulkhead, &second));
    GIVES(DUO_AGAIN, duo_bulkhead_line_up(bulkhead, &third));
    CHECK(third == 9 && stats_of(bulkhead).waiting == 2);
    GIVES(DUO_TIMEOUT, duo_bulkhead_await(bulkhead, first, 0));
    OK(duo_bulkhead_release(bulkhead));
    GIVES(DUO_AGAIN, duo_bulkhead_acquire(bulkhead));
    GIVES(DUO_TIMEOUT, duo_bulkhead_await(bulkhead, second, 1000000));
    OK(duo_bulkhead_leave(bulkhead, first));
    OK(duo_bulkhead_await(bulkhead, second, -1));
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_bulkhead_leave(bulkhead, first));
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_bulkhead_await(bulkhead, second, 0));
    OK(duo_bulkhead_release(bulkhead));
    CHECK(stats_of(bulkhead).left == 1 && stats_of(bulkhead).waiting == 0);
    OK(duo_bulkhead_destroy(bulkhead));
}

static void *wait_once(void *argument) {
    duo_bulkhead *bulkhead = (duo_bulkhead *)argument;
    OK(duo_bulkhead_acquire_wait(bulkhead, PATIENCE_NS));
    OK(duo_bulkhead_release(bulkhead));
    return NULL;
}

static void a_waiting_thread_gets_the_permit_that_comes_back(void) {
    duo_bulkhead *bulkhead = bulkhead_of(1, 4);
    OK(duo_bulkhead_acquire(bulkhead));
    GIVES(DUO_TIMEOUT, duo_bulkhead_acquire_wait(bulkhead, 1000000));
    pthread_t thread = start(wait_once, bulkhead);
    while (stats_of(bulkhead).waiting == 0) {
    }
    OK(duo_bulkhead_release(bulkhead));
    finish(thread);
    CHECK(stats_of(bulkhead).in_use == 0);
    OK(duo_bulkhead_destroy(bulkhead));
}

static void *wait_for_ever(void *argument) {
    duo_bulkhead *bulkhead = (duo_bulkhead *)argument;
    GIVES(DUO_ERR_CLOSED, duo_bulkhead_acquire_wait(bulkhead, -1));
    return NULL;
}

static void destroying_it_ends_a_wait(void) {
    duo_bulkhead *bulkhead = bulkhead_of(1, 4);
    OK(duo_bulkhead_acquire(bulkhead));
    pthread_t thread = start(wait_for_ever, bulkhead);
    while (stats_of(bulkhead).waiting == 0) {
    }
    OK(duo_bulkhead_destroy(bulkhead));
    finish(thread);
}

static void wrong_arguments_are_refused(void) {
    duo_bulkhead_options options = DUO_BULKHEAD_OPTIONS_INIT;
    duo_bulkhead *bulkhead = NULL;
    uint64_t place = 0;
    options.queue = 65001;
    GIVES(DUO_ERR_CONFIG, duo_bulkhead_create(&options, &bulkhead));
    CHECK(bulkhead == NULL && last_says("bulkhead queue"));
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_bulkhead_create(NULL, NULL));
    OK(duo_bulkhead_create(NULL, &bulkhead));
    CHECK(stats_of(bulkhead).permits == 16);
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_bulkhead_line_up(bulkhead, NULL));
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_bulkhead_line_up(NULL, &place));
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_bulkhead_leave(bulkhead, 77));
    OK(duo_bulkhead_destroy(bulkhead));
    GIVES(DUO_ERR_BAD_HANDLE, duo_bulkhead_acquire(bulkhead));
    OK(duo_bulkhead_destroy(NULL));
}

int main(void) {
    permits_are_bounded_and_come_back();
    the_line_is_served_in_order();
    a_waiting_thread_gets_the_permit_that_comes_back();
    destroying_it_ends_a_wait();
    wrong_arguments_are_refused();
    return 0;
}
