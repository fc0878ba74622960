/* Replicated logs: reading from a position, in pieces, and following while others append. */
#include "replog.h"

static void pieces_are_as_large_as_the_buffer(duo_replog *log, uint64_t first) {
    duo_replog_entry entries[4];
    char buf[8];
    size_t n = 9, len = 9;
    OK(duo_replog_read(log, first, entries, 4, buf, sizeof buf, PATIENCE_NS, &n, &len));
    CHECK(n == 2 && len == 5); /* "a" and "four": the next one does not fit behind them */
    CHECK(entries[0].index == first && entries[0].offset == 0 && entries[0].len == 1);
    CHECK(entries[1].index == first + 1 && entries[1].offset == 1 && memcmp(buf, "afour", 5) == 0);
    CHECK(entries[0].term > 0 && entries[0].time_unix_ns > 0);
    CHECK(entries[1].time_unix_ns >= entries[0].time_unix_ns);
    OK(duo_replog_read(log, first, entries, 1, buf, sizeof buf, PATIENCE_NS, &n, &len));
    CHECK(n == 1 && len == 1);
    GIVES(DUO_ERR_TOO_LARGE,
          duo_replog_read(log, first + 2, entries, 4, buf, sizeof buf, PATIENCE_NS, &n, &len));
    CHECK(n == 0 && len == 9);
}

static void what_is_not_there_yet_is_waited_for(duo_replog *log, uint64_t last) {
    duo_replog_entry entry;
    char buf[8];
    size_t n = 9, len = 9;
    GIVES(DUO_TIMEOUT, duo_replog_read(log, last + 1, &entry, 1, buf, sizeof buf, 0, &n, &len));
    CHECK(n == 0 && len == 0);
    GIVES(DUO_TIMEOUT, duo_replog_read(log, last + 1, &entry, 1, buf, sizeof buf, 1000000, &n, &len));
    GIVES(DUO_TIMEOUT, duo_replog_read(log, UINT64_MAX, &entry, 1, buf, sizeof buf, 0, &n, &len));
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_replog_read(log, 0, &entry, 1, buf, sizeof buf, 0, &n, &len));
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_replog_read(log, 1, &entry, 0, buf, sizeof buf, 0, &n, &len));
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_replog_read(log, 1, NULL, 1, buf, sizeof buf, 0, &n, &len));
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_replog_read(log, 1, &entry, 1, NULL, 8, 0, &n, &len));
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_replog_read(log, 1, &entry, 1, buf, sizeof buf, 0, NULL, &len));
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_replog_read(log, 1, &entry, 1, buf, sizeof buf, 0, &n, NULL));
}

enum { FOLLOWED = 200 };

typedef struct {
    duo_replog *log;
    uint64_t from;
} follower;

/* Numbers that others append, each once and in order. */
static void *follows(void *argument) {
    follower *f = (follower *)argument;
    uint32_t expected = 0;
    while (expected < FOLLOWED) {
        duo_replog_entry entries[16];
        char buf[512];
        size_t n = 0, len = 0;
        OK(duo_replog_read(f->log, f->from, entries, 16, buf, sizeof buf, PATIENCE_NS, &n, &len));
        CHECK(n > 0);
        for (size_t i = 0; i < n; i++) {
            uint32_t number = UINT32_MAX;
            CHECK(entries[i].index >= f->from && entries[i].len == sizeof number);
            f->from = entries[i].index + 1;
            memcpy(&number, buf + entries[i].offset, sizeof number);
            CHECK(number == expected++);
        }
    }
    return NULL;
}

static void followers_get_every_entry_once(cluster *c, int leader, uint64_t from) {
    follower followers[NODES];
    pthread_t threads[NODES];
    duo_replog_receipt receipt = {0, 0, 0, 0};
    for (int at = 0; at < NODES; at++) {
        followers[at].log = c->log[at];
        followers[at].from = from;
        threads[at] = start(follows, &followers[at]);
    }
    for (uint32_t number = 0; number < FOLLOWED; number++) {
        OK(duo_replog_append(c->log[leader], &number, sizeof number, NULL, PATIENCE_NS, &receipt));
    }
    for (int at = 0; at < NODES; at++) {
        finish(threads[at]);
        CHECK(followers[at].from == receipt.index + 1);
    }
}

int main(void) {
    const duo_iovec items[3] = {{"a", 1}, {"four", 4}, {"ninebytes", 9}};
    cluster c;
    uint64_t last = 0;
    duo_replog_receipt receipt;
    start_cluster(&c);
    int leader = append_anywhere(&c, "first", &last);
    OK(duo_replog_append_batch(c.log[leader], items, 3, NULL, PATIENCE_NS, &receipt));
    last = receipt.index;
    pieces_are_as_large_as_the_buffer(c.log[leader], last - 2);
    what_is_not_there_yet_is_waited_for(c.log[leader], last);
    followers_get_every_entry_once(&c, leader, last + 1);
    end_cluster(&c);
    return 0;
}
