/* Stages: what one producer collects and publishes together. */
#include "check.h"

static duo_queue *queue_of(size_t cells, size_t run_max) {
    duo_queue_options options = DUO_QUEUE_OPTIONS_INIT;
    duo_queue *queue = NULL;
    options.lane_cells = &cells;
    options.lane_count = 1;
    options.run_max = run_max;
    options.transaction_bytes_max = 64;
    OK(duo_queue_create(&options, &queue));
    return queue;
}

static duo_stage *stage_of(duo_queue *queue, uint32_t count) {
    duo_stage_options options = DUO_STAGE_OPTIONS_INIT;
    duo_stage *stage = NULL;
    options.count = count;
    OK(duo_queue_stage_open(queue, &options, &stage));
    return stage;
}

static uint64_t waiting(duo_queue *queue) {
    uint64_t len = 99;
    OK(duo_queue_len(queue, &len));
    return len;
}

static void staged_transactions_show_together(void) {
    duo_queue *queue = queue_of(2, 8);
    duo_stage *stage = stage_of(queue, 3);
    char byte = 0;
    duo_item item;
    size_t n = 9;
    for (uint64_t tag = 0; tag < 5; tag++) {
        OK(duo_stage_enqueue(stage, &"abcde"[tag], 1, tag));
    }
    OK(duo_stage_len(stage, &n));
    CHECK(n == 2 && waiting(queue) == 3);
    OK(duo_stage_flush_aged(stage, &n));
    CHECK(n == 0);
    OK(duo_stage_flush(stage, &n));
    CHECK(n == 2 && waiting(queue) == 5);
    for (uint64_t tag = 0; tag < 5; tag++) {
        OK(duo_queue_dequeue(queue, &byte, 1, &item));
        CHECK(byte == "abcde"[tag] && item.tag == tag && item.sequence == tag);
    }
    OK(duo_stage_enqueue(stage, "f", 1, 5));
    OK(duo_stage_destroy(stage));
    CHECK(waiting(queue) == 1);
    OK(duo_queue_destroy(queue));
}

static void what_is_refused_stays_staged(void) {
    duo_queue *queue = queue_of(1, 4);
    duo_stage *stage = stage_of(queue, 0);
    size_t n = 9;
    OK(duo_queue_enqueue(queue, 0, "-", 1, 0));
    for (uint64_t tag = 0; tag < 4; tag++) {
        OK(duo_stage_enqueue(stage, "x", 1, tag));
    }
    GIVES(DUO_AGAIN, duo_stage_enqueue(stage, "x", 1, 4));
    GIVES(DUO_AGAIN, duo_stage_flush(stage, &n));
    OK(duo_queue_close(queue));
    GIVES(DUO_ERR_CLOSED, duo_stage_enqueue(stage, "x", 1, 4));
    OK(duo_stage_len(stage, &n));
    CHECK(n == 4);
    OK(duo_queue_destroy(queue));
    GIVES(DUO_ERR_CLOSED, duo_stage_enqueue(stage, "x", 1, 4));
    OK(duo_stage_destroy(stage));
    GIVES(DUO_ERR_BAD_HANDLE, duo_stage_destroy(stage));
    GIVES(DUO_ERR_BAD_HANDLE, duo_stage_len(stage, &n));
}

static void wrong_arguments_are_refused(void) {
    duo_queue *queue = queue_of(2, 4);
    duo_stage_options options = DUO_STAGE_OPTIONS_INIT;
    duo_stage *stage = NULL;
    size_t n = 9;
    options.count = 5;
    GIVES(DUO_ERR_CONFIG, duo_queue_stage_open(queue, &options, &stage));
    options.count = 4;
    options.lane = 1;
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_queue_stage_open(queue, &options, &stage));
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_queue_stage_open(queue, NULL, NULL));
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_queue_stage_open(NULL, NULL, &stage));
    CHECK(stage == NULL);
    OK(duo_queue_stage_open(queue, NULL, &stage));
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_stage_enqueue(NULL, "a", 1, 0));
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_stage_enqueue(stage, NULL, 1, 0));
    GIVES(DUO_ERR_INVALID_TX, duo_stage_enqueue(stage, "a", 0, 0));
    GIVES(DUO_ERR_TOO_LARGE, duo_stage_enqueue(stage, "a", 65, 0));
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_stage_flush(stage, NULL));
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_stage_flush(NULL, &n));
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_stage_len(stage, NULL));
    OK(duo_stage_destroy(stage));
    OK(duo_stage_destroy(NULL));
    OK(duo_queue_destroy(queue));
}

int main(void) {
    staged_transactions_show_together();
    what_is_refused_stays_staged();
    wrong_arguments_are_refused();
    return 0;
}
