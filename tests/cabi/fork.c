/* A forked child never hangs: old handles are refused at once, new ones work. */
#include "check.h"

#include <sys/wait.h>
#include <unistd.h>

static duo_queue *queue;
static duo_node *node;
static duo_sub *sub;
static duo_config *config;

static void *works(void *stop) {
    char buf[4];
    duo_item item;
    while (!__atomic_load_n((int *)stop, __ATOMIC_ACQUIRE)) {
        duo_config *scratch = NULL;
        duo_queue_enqueue(queue, 0, "x", 1, 0);
        duo_queue_dequeue(queue, buf, 4, &item);
        OK(duo_config_create(&scratch));
        OK(duo_config_destroy(scratch));
    }
    return NULL;
}

static void child(void) {
    uint64_t number = 0;
    duo_item item;
    char buf[4];
    duo_queue *fresh = NULL;
    GIVES(DUO_ERR_FORKED, duo_queue_enqueue(queue, 0, "x", 1, 0));
    GIVES(DUO_ERR_FORKED, duo_queue_dequeue_wait(queue, buf, 4, DUO_WAIT_FOREVER, &item));
    GIVES(DUO_ERR_FORKED, duo_queue_destroy(queue));
    GIVES(DUO_ERR_FORKED, duo_node_submit(node, DUO_CHAIN_DELTA, 0, "x", 1, &number));
    GIVES(DUO_ERR_FORKED, duo_node_close(node, DUO_WAIT_FOREVER));
    GIVES(DUO_ERR_FORKED, duo_node_destroy(node));
    CHECK(last_says("leaked on purpose"));
    GIVES(DUO_ERR_FORKED, duo_sub_wait(sub, DUO_WAIT_FOREVER));
    GIVES(DUO_ERR_FORKED, duo_sub_destroy(sub));
    GIVES(DUO_ERR_FORKED, duo_config_validate(config));
    GIVES(DUO_ERR_FORKED, duo_set_log_buffer(DUO_LOG_INFO, 10));
    GIVES(DUO_ERR_BAD_HANDLE, duo_queue_close(INVENTED(duo_queue)));
    OK(duo_shutdown(0));
    OK(duo_queue_create(NULL, &fresh));
    OK(duo_queue_enqueue(fresh, 0, "x", 1, 0));
    OK(duo_queue_dequeue(fresh, buf, 4, &item));
    OK(duo_queue_destroy(fresh));
    _exit(0);
}

static void in_child(void (*body)(void)) {
    int status = -1;
    pid_t pid = fork();
    CHECK(pid >= 0);
    if (pid == 0) {
        alarm(60); /* a hang becomes a death that the parent sees */
        body();
        _exit(1);
    }
    CHECK(waitpid(pid, &status, 0) == pid);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

/* A process that forks before it opens a node has a node per child. */
static void child_with_a_node(void) {
    duo_node *own = fast_node();
    duo_completion done;
    uint64_t op = 0;
    size_t n = 0;
    OK(duo_node_submit(own, DUO_CHAIN_DELTA, 0, "x", 1, &op));
    OK(duo_node_poll_completions(own, &done, 1, PATIENCE_NS, &n));
    CHECK(n == 1 && done.op == op && done.status == DUO_OK);
    GIVES(DUO_ERR_FORKED, duo_config_validate(config));
    OK(duo_node_destroy(own));
    _exit(0);
}

int main(void) {
    int stop = 0;
    pthread_t threads[2];
    config = fast_config();
    in_child(child_with_a_node);
    OK(duo_queue_create(NULL, &queue));
    OK(duo_node_open(config, &node));
    OK(duo_sub_create(node, NULL, &sub));
    for (int at = 0; at < 2; at++) {
        threads[at] = start(works, &stop);
    }
    for (int round = 0; round < 10; round++) {
        in_child(child);
    }
    __atomic_store_n(&stop, 1, __ATOMIC_RELEASE);
    for (int at = 0; at < 2; at++) {
        finish(threads[at]);
    }
    /* The parent never noticed. */
    OK(duo_sub_destroy(sub));
    OK(duo_node_destroy(node));
    OK(duo_config_destroy(config));
    OK(duo_queue_destroy(queue));
    return 0;
}
