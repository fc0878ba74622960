/* Panics inside the library: contained, reported, and the handle is poisoned. */
#include "check.h"

#ifdef DUO_FAULTS

enum { CONFIG = 1, QUEUE, POOL, NODE, SUB, LANE, STAGE, LANE_PRODUCER, REPLOG, NO_KIND };

static void a_poisoned_handle_can_only_be_destroyed(void) {
    duo_queue *queue = NULL, *other = NULL;
    char buf[4];
    duo_item item;
    OK(duo_queue_create(NULL, &queue));
    OK(duo_queue_create(NULL, &other));
    OK(duo_test_panic_next(QUEUE));
    GIVES(DUO_ERR_PANIC, duo_queue_enqueue(queue, 0, "x", 1, 0));
    CHECK(last_says("injected"));
    GIVES(DUO_ERR_POISONED, duo_queue_enqueue(queue, 0, "x", 1, 0));
    GIVES(DUO_ERR_POISONED, duo_queue_dequeue(queue, buf, 4, &item));
    OK(duo_queue_enqueue(other, 0, "x", 1, 0));
    OK(duo_queue_destroy(queue));
    GIVES(DUO_ERR_BAD_HANDLE, duo_queue_destroy(queue));
    OK(duo_queue_destroy(other));
}

static void every_kind_contains_panics(void) {
    static const duo_pool_class size = {64, 4};
    duo_pool_options options = DUO_POOL_OPTIONS_INIT;
    duo_config *config = NULL;
    duo_pool *pool = NULL;
    duo_node *node = NULL;
    duo_sub *sub = NULL;
    duo_head head = DUO_HEAD_INIT;
    duo_buf buf;
    options.classes = &size;
    options.class_count = 1;
    OK(duo_config_create(&config));
    OK(duo_test_panic_next(CONFIG));
    GIVES(DUO_ERR_PANIC, duo_config_validate(config));
    GIVES(DUO_ERR_POISONED, duo_config_validate(config));
    OK(duo_config_destroy(config));
    OK(duo_test_panic_next(CONFIG));
    GIVES(DUO_ERR_PANIC, duo_config_create(&config)); /* nothing was made, nothing is poisoned */
    OK(duo_pool_create(&options, &pool));
    OK(duo_test_panic_next(POOL));
    GIVES(DUO_ERR_PANIC, duo_pool_acquire(pool, 1, &buf));
    GIVES(DUO_ERR_POISONED, duo_pool_acquire(pool, 1, &buf));
    OK(duo_pool_destroy(pool));
    node = fast_node();
    OK(duo_sub_create(node, NULL, &sub));
    OK(duo_test_panic_next(SUB));
    GIVES(DUO_ERR_PANIC, duo_sub_wake(sub));
    GIVES(DUO_ERR_POISONED, duo_sub_wait(sub, DUO_WAIT_FOREVER));
    OK(duo_sub_destroy(sub));
    OK(duo_test_panic_next(NODE));
    GIVES(DUO_ERR_PANIC, duo_node_head(node, DUO_CHAIN_DELTA, &head));
    GIVES(DUO_ERR_POISONED, duo_node_head(node, DUO_CHAIN_DELTA, &head));
    OK(duo_node_destroy(node));
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_test_panic_next(0));
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_test_panic_next(NO_KIND));
}

static void every_kind_beside_a_queue_contains_panics(void) {
    duo_queue *queue = NULL;
    duo_stage *stage = NULL;
    duo_lane *lane = NULL;
    duo_lane_producer *producer = NULL;
    char path[256];
    size_t n = 0;
    OK(duo_queue_create(NULL, &queue));
    OK(duo_queue_stage_open(queue, NULL, &stage));
    OK(duo_test_panic_next(STAGE));
    GIVES(DUO_ERR_PANIC, duo_stage_enqueue(stage, "x", 1, 0));
    GIVES(DUO_ERR_POISONED, duo_stage_flush(stage, &n));
    OK(duo_stage_destroy(stage));
    OK(duo_queue_lane_open(queue, NULL, &lane));
    OK(duo_lane_path(lane, path, sizeof path, &n));
    OK(duo_lane_attach(path, &producer));
    OK(duo_test_panic_next(LANE_PRODUCER));
    GIVES(DUO_ERR_PANIC, duo_lane_enqueue(producer, 0, "x", 1, 0));
    GIVES(DUO_ERR_POISONED, duo_lane_enqueue(producer, 0, "x", 1, 0));
    OK(duo_lane_detach(producer));
    OK(duo_test_panic_next(LANE));
    GIVES(DUO_ERR_PANIC, duo_lane_path(lane, path, sizeof path, &n));
    GIVES(DUO_ERR_POISONED, duo_lane_path(lane, path, sizeof path, &n));
    OK(duo_lane_close(lane));
    OK(duo_queue_destroy(queue));
}

/* The host may still write to buffers that it cannot give back. */
static void buffers_outlive_a_poisoned_pool(void) {
    static const duo_pool_class size = {64, 4};
    duo_pool_options options = DUO_POOL_OPTIONS_INIT;
    duo_pool *pool = NULL;
    duo_buf kept[4], buf;
    size_t n = 0;
    options.classes = &size;
    options.class_count = 1;
    OK(duo_pool_create(&options, &pool));
    OK(duo_pool_acquire_batch(pool, 64, kept, 4, &n));
    OK(duo_test_panic_next(POOL));
    GIVES(DUO_ERR_PANIC, duo_pool_acquire(pool, 1, &buf));
    GIVES(DUO_ERR_POISONED, duo_pool_release(pool, &kept[0]));
    OK(duo_pool_destroy(pool));
    for (size_t at = 0; at < n; at++) {
        memset(kept[at].data, 0xab, kept[at].cap);
    }
    GIVES(DUO_ERR_BAD_HANDLE, duo_pool_destroy(pool));
}

static void the_text_of_a_panic_goes_to_the_log(void) {
    duo_config *config = NULL;
    duo_log_record record;
    size_t n = 0;
    OK(duo_set_log_buffer(DUO_LOG_ERROR, 16));
    OK(duo_config_create(&config));
    OK(duo_test_panic_next(CONFIG));
    GIVES(DUO_ERR_PANIC, duo_config_validate(config));
    OK(duo_log_poll(&record, 1, &n));
    CHECK(n == 1 && record.level == DUO_LOG_ERROR && strstr(record.message, "injected") != NULL);
    OK(duo_config_destroy(config));
    OK(duo_set_log_callback(NULL, NULL, NULL, 0));
}

int main(void) {
    a_poisoned_handle_can_only_be_destroyed();
    every_kind_contains_panics();
    every_kind_beside_a_queue_contains_panics();
    buffers_outlive_a_poisoned_pool();
    the_text_of_a_panic_goes_to_the_log();
    return 0;
}

#else

int main(void) { return 0; }

#endif
