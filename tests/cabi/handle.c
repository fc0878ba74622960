/* Handles: every wrong use is refused, from many threads too. */
#include "check.h"

/* Less of it where every step takes fifty times as long. */
#ifdef SLOW
#define ROUNDS 3
#else
#define ROUNDS 50
#endif

static void wrong_kinds_are_refused_by_every_function(void) {
    duo_queue *queue = NULL;
    duo_config *config = NULL;
    duo_item item;
    size_t n = 0;
    OK(duo_queue_create(NULL, &queue));
    OK(duo_config_create(&config));
    duo_queue *as_queue = (duo_queue *)(void *)config;
    duo_pool *as_pool = (duo_pool *)(void *)queue;
    duo_node *as_node = (duo_node *)(void *)queue;
    duo_sub *as_sub = (duo_sub *)(void *)config;
    GIVES(DUO_ERR_BAD_HANDLE, duo_queue_enqueue(as_queue, 0, "a", 1, 0));
    CHECK(last_says("duo_config handle was given where a duo_queue"));
    GIVES(DUO_ERR_BAD_HANDLE, duo_queue_dequeue(as_queue, NULL, 0, &item));
    GIVES(DUO_ERR_BAD_HANDLE, duo_queue_destroy(as_queue));
    GIVES(DUO_ERR_BAD_HANDLE, duo_pool_trim(as_pool, 0, &n));
    GIVES(DUO_ERR_BAD_HANDLE, duo_pool_destroy(as_pool));
    GIVES(DUO_ERR_BAD_HANDLE, duo_node_close(as_node, 0));
    GIVES(DUO_ERR_BAD_HANDLE, duo_node_destroy(as_node));
    GIVES(DUO_ERR_BAD_HANDLE, duo_sub_wake(as_sub));
    GIVES(DUO_ERR_BAD_HANDLE, duo_sub_destroy(as_sub));
    GIVES(DUO_ERR_BAD_HANDLE, duo_config_validate((duo_config *)(void *)queue));
    OK(duo_config_destroy(config));
    OK(duo_queue_destroy(queue));
}

static void invented_handles_are_refused(void) {
    char stack = 0;
    GIVES(DUO_ERR_BAD_HANDLE, duo_queue_close(INVENTED(duo_queue)));
    GIVES(DUO_ERR_BAD_HANDLE, duo_queue_destroy(INVENTED(duo_queue)));
    GIVES(DUO_ERR_BAD_HANDLE, duo_queue_destroy((duo_queue *)(void *)&stack));
    for (unsigned bit = 0; bit < 64; bit++) {
        duo_node *node = (duo_node *)(uintptr_t)(UINT64_C(1) << bit);
        GIVES(DUO_ERR_BAD_HANDLE, duo_node_close(node, 0));
        GIVES(DUO_ERR_BAD_HANDLE, duo_node_destroy(node));
    }
}

static void freed_handles_stay_refused_after_reuse(void) {
    duo_config *old[64];
    for (size_t at = 0; at < 64; at++) {
        OK(duo_config_create(&old[at]));
        OK(duo_config_destroy(old[at]));
    }
    for (size_t at = 0; at < 64; at++) {
        GIVES(DUO_ERR_BAD_HANDLE, duo_config_validate(old[at]));
        GIVES(DUO_ERR_BAD_HANDLE, duo_config_destroy(old[at]));
    }
}

static void the_number_of_handles_is_bounded(void) {
    static duo_config *all[DUO_HANDLES_MAX];
    duo_config *more = NULL;
    for (size_t at = 0; at < DUO_HANDLES_MAX; at++) {
        OK(duo_config_create(&all[at]));
    }
    GIVES(DUO_ERR_NO_MEMORY, duo_config_create(&more));
    CHECK(more == NULL && last_says("DUO_HANDLES_MAX"));
    for (size_t at = 0; at < DUO_HANDLES_MAX; at++) {
        OK(duo_config_destroy(all[at]));
    }
    OK(duo_config_create(&more));
    OK(duo_config_destroy(more));
}

static void *uses(void *argument) {
    duo_queue *queue = (duo_queue *)argument;
    for (;;) {
        char buf[4];
        duo_item item;
        duo_status in = duo_queue_enqueue(queue, 0, "x", 1, 0);
        duo_status out = duo_queue_dequeue(queue, buf, 4, &item);
        CHECK(in == DUO_OK || in == DUO_AGAIN || in == DUO_ERR_CLOSED || in == DUO_ERR_BAD_HANDLE);
        CHECK(out == DUO_OK || out == DUO_AGAIN || out == DUO_END || out == DUO_ERR_BUSY ||
              out == DUO_ERR_BAD_HANDLE);
        if (out == DUO_ERR_BAD_HANDLE) {
            return NULL;
        }
    }
}

static void *destroys(void *queue) {
    return duo_queue_destroy((duo_queue *)queue) == DUO_OK ? queue : NULL;
}

static void of_racing_destroyers_one_wins_while_others_use_it(void) {
    for (int round = 0; round < ROUNDS; round++) {
        duo_queue *queue = NULL;
        pthread_t users[2], destroyers[2];
        void *winner[2];
        OK(duo_queue_create(NULL, &queue));
        for (int at = 0; at < 2; at++) {
            users[at] = start(uses, queue);
        }
        for (int at = 0; at < 2; at++) {
            destroyers[at] = start(destroys, queue);
        }
        for (int at = 0; at < 2; at++) {
            finish(users[at]);
            CHECK(pthread_join(destroyers[at], &winner[at]) == 0);
        }
        CHECK((winner[0] == NULL) != (winner[1] == NULL));
    }
}

/* Calls from destructors of thread-locals come after the library's own thread state is gone. */
static pthread_key_t at_exit;

static void in_destructor(void *argument) {
    duo_queue *queue = (duo_queue *)argument;
    uint64_t len = 0;
    OK(duo_queue_enqueue(queue, 0, "late", 4, 0));
    OK(duo_queue_len(queue, &len));
    CHECK(len >= 1);
    OK(duo_queue_destroy(queue));
}

static void *sets_key(void *argument) {
    duo_queue *queue = (duo_queue *)argument;
    OK(duo_queue_enqueue(queue, 0, "early", 5, 0));
    CHECK(pthread_setspecific(at_exit, queue) == 0);
    return NULL;
}

static void a_thread_that_ends_may_still_call(void) {
    duo_queue *queue = NULL;
    CHECK(pthread_key_create(&at_exit, in_destructor) == 0);
    OK(duo_queue_create(NULL, &queue));
    finish(start(sets_key, queue));
    GIVES(DUO_ERR_BAD_HANDLE, duo_queue_destroy(queue));
}

/* The same for the whole process: an exit handler uses and frees what the program left open. */
static duo_queue *left_open;

static void at_process_exit(void) {
    OK(duo_queue_enqueue(left_open, 0, "last", 4, 0));
    OK(duo_queue_destroy(left_open));
}

int main(void) {
    wrong_kinds_are_refused_by_every_function();
    invented_handles_are_refused();
    freed_handles_stay_refused_after_reuse();
    the_number_of_handles_is_bounded();
    of_racing_destroyers_one_wins_while_others_use_it();
    a_thread_that_ends_may_still_call();
    OK(duo_queue_create(NULL, &left_open));
    CHECK(atexit(at_process_exit) == 0);
    return 0;
}
