/* Shared lanes: opening, attaching, putting in, and the ends of all of them. */
#include "lanes.h"

#include <sys/wait.h>
#include <unistd.h>

static void what_is_put_in_comes_out_of_the_queue(void) {
    opened it = open_small();
    duo_lane_producer *producer = NULL;
    duo_lane_counts_t counts = DUO_LANE_COUNTS_INIT;
    duo_item item;
    char buf[1024];
    OK(duo_lane_attach(it.path, &producer));
    OK(duo_lane_enqueue(producer, 1, "shared", 6, 7));
    OK(duo_queue_enqueue(it.queue, 0, "own", 3, 8));
    OK(duo_queue_dequeue(it.queue, buf, sizeof buf, &item));
    CHECK(item.tag == 8 && item.lane == 0 && memcmp(buf, "own", 3) == 0);
    OK(duo_queue_dequeue_wait(it.queue, buf, sizeof buf, PATIENCE_NS, &item));
    CHECK(item.tag == 7 && item.lane == 1 && item.len == 6 && item.sequence == 0);
    CHECK(memcmp(buf, "shared", 6) == 0);
    GIVES(DUO_AGAIN, duo_queue_dequeue(it.queue, buf, sizeof buf, &item));
    OK(duo_lane_counts(it.lane, &counts));
    CHECK(counts.accepted == 1 && counts.bytes == 6 && counts.corrupt == 0 && counts.gaps == 0);
    CHECK(counts.tails == 0 && counts.seats == 2 && counts.seats_taken == 1 && counts.seats_recovered == 0);
    OK(duo_lane_detach(producer));
    OK(duo_lane_detach(NULL));
    shut(it);
}

static void a_full_lane_refuses_and_bad_arguments_are_told(void) {
    opened it = open_small();
    duo_lane_producer *producer = NULL;
    static char large[4096];
    OK(duo_lane_attach(it.path, &producer));
    for (uint64_t tag = 0; tag < 4; tag++) {
        OK(duo_lane_enqueue(producer, 0, "x", 1, tag));
    }
    GIVES(DUO_AGAIN, duo_lane_enqueue(producer, 0, "x", 1, 4));
    GIVES(DUO_ERR_INVALID_TX, duo_lane_enqueue(producer, 1, "x", 0, 4));
    GIVES(DUO_ERR_TOO_LARGE, duo_lane_enqueue(producer, 1, large, 993, 4));
    CHECK(last_says("992"));
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_lane_enqueue(producer, 2, "x", 1, 4));
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_lane_enqueue(producer, 0, NULL, 1, 4));
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_lane_enqueue(NULL, 0, "x", 1, 4));
    GIVES(DUO_ERR_BAD_HANDLE, duo_lane_enqueue(INVENTED(duo_lane_producer), 0, "x", 1, 4));
    OK(duo_lane_detach(producer));
    GIVES(DUO_ERR_BAD_HANDLE, duo_lane_detach(producer));
    shut(it);
}

static void attaching_says_what_is_wrong(void) {
    opened it = open_small();
    duo_lane_producer *producers[3];
    duo_lane *again = NULL;
    duo_lane_options shape = DUO_LANE_OPTIONS_INIT;
    GIVES(DUO_NOT_FOUND, duo_lane_attach("/nowhere/at/all", &producers[0]));
    GIVES(DUO_ERR_PERMISSION, duo_lane_attach("/dev/null", &producers[0]));
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_lane_attach(NULL, &producers[0]));
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_lane_attach_fd(-1, &producers[0]));
    OK(duo_lane_attach(it.path, &producers[0]));
    OK(duo_lane_attach(it.path, &producers[1]));
    GIVES(DUO_ERR_BUSY, duo_lane_attach(it.path, &producers[2]));
    OK(duo_lane_detach(producers[0]));
    shape.lane_cells = 3;
    GIVES(DUO_ERR_CONFIG, duo_queue_lane_open(it.queue, &shape, &again));
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_queue_lane_open(it.queue, NULL, NULL));
    OK(duo_lane_close(it.lane));
    GIVES(DUO_ERR_BAD_HANDLE, duo_lane_close(it.lane));
    GIVES(DUO_ERR_CLOSED, duo_lane_enqueue(producers[1], 0, "x", 1, 0));
    OK(duo_lane_detach(producers[1]));
    OK(duo_lane_close(NULL));
    OK(duo_queue_destroy(it.queue));
}

static void the_mapping_is_what_the_page_describes(void) {
    opened it = open_small();
    const void *base = NULL;
    size_t len = 0;
    int fd = -1;
    duo_lane_producer *producer = NULL;
    OK(duo_lane_map(it.lane, &base, &len, &fd));
    CHECK(memcmp(base, "DUOLANES", 8) == 0 && fd >= 0);
    CHECK(((const uint64_t *)base)[1] == 1 && ((const uint64_t *)base)[2] == len);
    OK(duo_lane_attach_fd(fd, &producer));
    OK(duo_lane_enqueue(producer, 0, "by descriptor", 13, 1));
    OK(duo_lane_detach(producer));
    shut(it);
}

/* The child runs this very program again: one that was forked only belongs to the parent's handles. */
static void another_process_puts_in(const char *program) {
    opened it = open_small();
    duo_item item;
    char buf[64];
    int status = 0;
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        execl(program, program, it.path, (char *)NULL);
        _exit(127);
    }
    for (uint64_t tag = 0; tag < 100; tag++) {
        OK(duo_queue_dequeue_wait(it.queue, buf, sizeof buf, PATIENCE_NS, &item));
        CHECK(item.tag == tag && item.len == 1 + tag % 60 && (uint64_t)buf[0] == tag);
    }
    CHECK(waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0);
    shut(it);
}

static int produce(const char *path) {
    duo_lane_producer *producer = NULL;
    char bytes[64];
    OK(duo_lane_attach(path, &producer));
    for (uint64_t tag = 0; tag < 100; tag++) {
        duo_status status;
        memset(bytes, (int)tag, sizeof bytes);
        while ((status = duo_lane_enqueue(producer, 0, bytes, 1 + tag % 60, tag)) == DUO_AGAIN) {
            usleep(100);
        }
        CHECK(status == DUO_OK);
    }
    OK(duo_lane_detach(producer));
    return 0;
}

int main(int count, char **arguments) {
    if (count > 1) {
        return produce(arguments[1]);
    }
    what_is_put_in_comes_out_of_the_queue();
    a_full_lane_refuses_and_bad_arguments_are_told();
    attaching_says_what_is_wrong();
    the_mapping_is_what_the_page_describes();
    another_process_puts_in(arguments[0]);
    return 0;
}
