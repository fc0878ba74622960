/* Replicated logs: the end of the library when one of them did not open, has failed or is poisoned. */
#include "replog.h"

#include <signal.h>
#include <sys/resource.h>

/* Neither a node that cannot listen nor one whose settings do not fit leaves anything. */
static void a_log_that_did_not_open_leaves_nothing_to_shut_down(cluster *c) {
    char dir[96];
    duo_replog *log = NULL;
    duo_replog_receipt receipt;
    open_node(c, 0);
    duo_replog_options options = alone(c, dir, sizeof dir);
    strcat(dir, "-taken");
    options.listen = c->address[0];
    GIVES(DUO_ERR_IO, duo_replog_open(&options, &log));
    options.heartbeat_ns = UINT64_MAX;
    GIVES(DUO_ERR_CONFIG, duo_replog_open(&options, &log));
    CHECK(log == NULL);
    OK(duo_shutdown(PATIENCE_NS));
    GIVES(DUO_ERR_CLOSED, duo_replog_append(c->log[0], "x", 1, NULL, 0, &receipt));
    OK(duo_shutdown(0)); /* again */
    options.listen = c->address[3];
    options.heartbeat_ns = 0;
    OK(duo_replog_open(&options, &log)); /* its directory is free */
    CHECK(append_to(log, "x", 0, 0).index > 0);
    OK(duo_shutdown(PATIENCE_NS));
    OK(duo_replog_destroy(log));
    close_node(c, 0);
}

static void limit_files_to(rlim_t bytes) {
    struct rlimit limit;
    CHECK(getrlimit(RLIMIT_FSIZE, &limit) == 0);
    limit.rlim_cur = bytes;
    CHECK(setrlimit(RLIMIT_FSIZE, &limit) == 0);
}

/* A disk that takes no more ends one log; the others are shut down like any, and its directory can be opened again. */
static void a_log_that_failed_is_shut_down_with_the_others(cluster *c) {
    static char large[60 << 10];
    char dir[96];
    duo_replog *log = NULL;
    duo_queue *queue = NULL;
    duo_replog_receipt receipt;
    duo_status status = DUO_OK;
    OK(duo_queue_create(NULL, &queue));
    open_node(c, 0);
    duo_replog_options options = alone(c, dir, sizeof dir);
    strcat(dir, "-full");
    OK(duo_replog_open(&options, &log));
    append_to(log, "before", 0, 0);
    CHECK(signal(SIGXFSZ, SIG_IGN) != SIG_ERR);
    limit_files_to(256 << 10);
    for (int tries = 0; status == DUO_OK && tries < 100; tries++) {
        status = duo_replog_append(log, large, sizeof large, NULL, PATIENCE_NS, &receipt);
    }
    CHECK(status == DUO_ERR_POISONED);
    GIVES(DUO_ERR_POISONED, duo_shutdown(PATIENCE_NS));
    CHECK(last_says("this node has stopped"));
    GIVES(DUO_ERR_CLOSED, duo_replog_append(c->log[0], "x", 1, NULL, 0, &receipt));
    GIVES(DUO_ERR_CLOSED, duo_queue_enqueue(queue, 0, "x", 1, 0));
    GIVES(DUO_ERR_POISONED, duo_shutdown(0)); /* as long as it is there */
    limit_files_to(RLIM_INFINITY);
    OK(duo_replog_destroy(log));
    OK(duo_shutdown(0));
    OK(duo_queue_destroy(queue));
    close_node(c, 0);
    OK(duo_replog_open(&options, &log));
    append_to(log, "after", 0, 0);
    OK(duo_replog_destroy(log));
}

#ifdef DUO_FAULTS
enum { QUEUE = 2, REPLOG = 9 };

/* A bug leaves nobody but the library to end a log, which it does: the directory is free before the handle goes. */
static void a_poisoned_log_is_shut_down_with_the_others(cluster *c) {
    char dir[96];
    duo_replog *log = NULL, *again = NULL;
    const duo_replog_options options = alone(c, dir, sizeof dir);
    strcat(dir, "-bug");
    OK(duo_replog_open(&options, &log));
    OK(duo_test_panic_next(REPLOG));
    GIVES(DUO_ERR_PANIC, duo_replog_transfer(log, 0, 0));
    GIVES(DUO_ERR_POISONED, duo_replog_close(log, 0));
    GIVES(DUO_ERR_BUSY, duo_replog_open(&options, &again));
    OK(duo_shutdown(PATIENCE_NS));
    OK(duo_replog_open(&options, &again));
    OK(duo_replog_destroy(again));
    OK(duo_replog_destroy(log));
}

typedef struct {
    duo_queue *queue;
    duo_status told;
} consumer;

static void *waits(void *argument) {
    consumer *waiting = (consumer *)argument;
    duo_item item;
    char buf[4];
    waiting->told = duo_queue_dequeue_wait(waiting->queue, buf, sizeof buf, PATIENCE_NS, &item);
    return NULL;
}

/* What a consumer is told that waits when another call meets a bug; where it came too late, that there was one. */
static duo_status told_at_the_end_of_a_poisoned_queue(void) {
    consumer waiting = {NULL, DUO_OK};
    OK(duo_queue_create(NULL, &waiting.queue));
    pthread_t thread = start(waits, &waiting);
    pause_briefly();
    OK(duo_test_panic_next(QUEUE));
    const duo_status met = duo_queue_enqueue(waiting.queue, 0, "x", 1, 0);
    CHECK(met == DUO_ERR_PANIC || met == DUO_ERR_POISONED);
    OK(duo_shutdown(PATIENCE_NS));
    finish(thread);
    CHECK(met == DUO_ERR_PANIC || waiting.told == DUO_ERR_PANIC);
    OK(duo_queue_destroy(waiting.queue));
    return waiting.told;
}

static void a_wait_for_a_poisoned_queue_ends_with_the_library(void) {
    duo_status told = DUO_ERR_POISONED;
    while (told == DUO_ERR_POISONED || told == DUO_ERR_PANIC) {
        told = told_at_the_end_of_a_poisoned_queue();
    }
    CHECK(told == DUO_END);
}
#endif

int main(void) {
    cluster c;
    make_cluster(&c);
    a_log_that_did_not_open_leaves_nothing_to_shut_down(&c);
    a_log_that_failed_is_shut_down_with_the_others(&c);
#ifdef DUO_FAULTS
    a_poisoned_log_is_shut_down_with_the_others(&c);
    a_wait_for_a_poisoned_queue_ends_with_the_library();
#endif
    end_cluster(&c);
    return 0;
}
