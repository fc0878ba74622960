/* Replicated logs: states that are handed over piece by piece, for snapshots. */
#include "replog.h"

enum { PIECES = 300, PIECE = 10007 };

/* Piece `number` of the state. */
static void make(char *piece, int number) {
    for (int at = 0; at < PIECE; at++) {
        piece[at] = (char)(number * 31 + at);
    }
}

/* The only node of its cluster, leading: the index of an entry that it has read. */
static uint64_t open_alone(cluster *c) {
    char dir[96], buf[8];
    duo_replog_options options = options_of(c, 0, dir, sizeof dir);
    duo_replog_receipt receipt = {0, 0, 0, 0};
    duo_replog_entry entry;
    duo_status status = DUO_AGAIN;
    size_t n = 0, len = 0;
    options.members_len = 1;
    OK(duo_replog_open(&options, &c->log[0]));
    while (status == DUO_AGAIN || status == DUO_ERR_NOT_LEADER) {
        status = duo_replog_append(c->log[0], "x", 1, NULL, PATIENCE_NS, &receipt);
        pause_briefly();
    }
    CHECK(status == DUO_OK);
    OK(duo_replog_read(c->log[0], receipt.index, &entry, 1, buf, sizeof buf, PATIENCE_NS, &n, &len));
    return receipt.index;
}

/* What was given up before is not in its way. */
static uint64_t begin(duo_replog *log, uint64_t index) {
    uint64_t op = 0;
    OK(duo_replog_snapshot_begin(log, index, &op));
    return op;
}

static void what_cannot_be_is_refused(duo_replog *log, uint64_t last) {
    uint64_t op = 0, read = 0;
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_replog_snapshot_begin(log, last + 1, &op));
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_replog_snapshot_begin(log, 0, &op));
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_replog_snapshot_begin(log, last, NULL));
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_replog_snapshot_write(log, 77, "x", 1, 0));
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_replog_snapshot_end(log, 77));
    OK(duo_replog_submit_read(log, &read));
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_replog_snapshot_write(log, read, "x", 1, 0));
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_replog_snapshot_end(log, read));
    OK(duo_replog_forget(log, read));
}

static void what_is_given_up_is_no_snapshot(duo_replog *log, uint64_t last) {
    duo_replog_snapshot_t snapshot = {0, 0};
    duo_replog_receipt receipt = {0, 0, 0, 0};
    size_t len = 0;
    uint64_t op = begin(log, last);
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_replog_snapshot_write(log, op, NULL, 1, PATIENCE_NS));
    GIVES(DUO_ERR_TOO_LARGE,
          duo_replog_snapshot_write(log, op, "x", (size_t)DUO_REPLOG_PIECE_BYTES_MAX + 1, PATIENCE_NS));
    OK(duo_replog_snapshot_write(log, op, "half of", 7, PATIENCE_NS));
    GIVES(DUO_TIMEOUT, duo_replog_await(log, op, 0, &receipt));
    OK(duo_replog_forget(log, op));
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_replog_snapshot_write(log, op, "x", 1, PATIENCE_NS));
    for (int times = 0; times < 5; times++) {
        OK(duo_replog_forget(log, begin(log, last)));
    }
    GIVES(DUO_NOT_FOUND, duo_replog_snapshot_read(log, 0, 0, NULL, 0, &len, &snapshot));
}

static void pieces_are_one_state(duo_replog *log, uint64_t last) {
    static char piece[PIECE], expected[PIECE];
    duo_replog_snapshot_t snapshot = {0, 0};
    duo_replog_receipt receipt = {0, 0, 0, 0};
    size_t len = 0;
    uint64_t op = begin(log, last);
    for (int number = 0; number < PIECES; number++) {
        make(piece, number);
        OK(duo_replog_snapshot_write(log, op, piece, PIECE, PATIENCE_NS));
        OK(duo_replog_snapshot_write(log, op, NULL, 0, 0));
    }
    OK(duo_replog_snapshot_end(log, op));
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_replog_snapshot_write(log, op, "x", 1, PATIENCE_NS));
    CHECK(last_says("has ended"));
    OK(duo_replog_await(log, op, PATIENCE_NS, &receipt));
    CHECK(receipt.index == last);
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_replog_snapshot_end(log, op));
    for (int number = 0; number < PIECES; number++) {
        make(expected, number);
        OK(duo_replog_snapshot_read(log, last, (uint64_t)number * PIECE, piece, PIECE, &len, &snapshot));
        CHECK(len == PIECE && memcmp(piece, expected, PIECE) == 0);
    }
    CHECK(snapshot.index == last && snapshot.bytes == (uint64_t)PIECES * PIECE);
    OK(duo_replog_snapshot_read(log, last, snapshot.bytes, piece, PIECE, &len, &snapshot));
    CHECK(len == 0);
}

typedef struct {
    duo_replog *log;
    uint64_t op;
} state;

/* Until it is told that nobody wants it. */
static void *writes(void *argument) {
    const state *s = (const state *)argument;
    duo_status status = DUO_OK;
    while (status == DUO_OK) {
        status = duo_replog_snapshot_write(s->log, s->op, "x", 1, DUO_WAIT_FOREVER);
    }
    CHECK(status == DUO_ERR_INVALID_ARGUMENT);
    return NULL;
}

/* Of two at once the second one waits for the first; given up, it does not wait any more. */
static void two_take_turns(duo_replog *log, uint64_t last) {
    state s = {log, 0};
    duo_replog_receipt receipt = {0, 0, 0, 0};
    duo_replog_snapshot_t snapshot = {0, 0};
    uint64_t first = begin(log, last), second = 0, third = 0;
    duo_status status = DUO_AGAIN;
    size_t len = 0;
    pthread_t thread;
    while (status == DUO_AGAIN) { /* until the first one is being read */
        status = duo_replog_snapshot_begin(log, last, &second);
        pause_briefly();
    }
    CHECK(status == DUO_OK);
    GIVES(DUO_AGAIN, duo_replog_snapshot_begin(log, last, &third));
    while (status == DUO_OK) {
        status = duo_replog_snapshot_write(log, second, "2", 1, 0);
    }
    CHECK(status == DUO_TIMEOUT);
    s.op = second;
    thread = start(writes, &s);
    OK(duo_replog_forget(log, second));
    finish(thread);
    third = begin(log, last);
    OK(duo_replog_snapshot_write(log, first, "first", 5, PATIENCE_NS));
    OK(duo_replog_forget(log, first));
    OK(duo_replog_snapshot_write(log, third, "third", 5, PATIENCE_NS));
    OK(duo_replog_snapshot_end(log, third));
    OK(duo_replog_await(log, third, PATIENCE_NS, &receipt));
    OK(duo_replog_snapshot_read(log, 0, 0, NULL, 0, &len, &snapshot));
    CHECK(receipt.index == last && snapshot.index == last && snapshot.bytes == 5);
}

/* One more entry that was read. */
static uint64_t append(duo_replog *log) {
    char buf[8];
    duo_replog_receipt receipt = {0, 0, 0, 0};
    duo_replog_entry entry;
    size_t n = 0, len = 0;
    OK(duo_replog_append(log, "x", 1, NULL, PATIENCE_NS, &receipt));
    OK(duo_replog_read(log, receipt.index, &entry, 1, buf, sizeof buf, PATIENCE_NS, &n, &len));
    CHECK(n == 1);
    return receipt.index;
}

/* Whoever writes behind the end of the log is told, and closing does not wait for a state that nobody goes on with. */
static void closing_ends_a_state(duo_replog *log) {
    duo_replog_receipt receipt = {0, 0, 0, 0};
    duo_status status = DUO_OK;
    uint64_t last = append(log), op = begin(log, last);
    OK(duo_replog_snapshot_write(log, op, "half of", 7, PATIENCE_NS));
    CHECK(duo_replog_close(log, 0) >= 0);
    while (status == DUO_OK) {
        status = duo_replog_snapshot_write(log, op, "x", 1, PATIENCE_NS);
    }
    CHECK(status == DUO_ERR_CLOSED);
    GIVES(DUO_ERR_CLOSED, duo_replog_await(log, op, PATIENCE_NS, &receipt));
    GIVES(DUO_ERR_CLOSED, duo_replog_snapshot_begin(log, last, &op));
}

int main(void) {
    cluster c;
    uint64_t last = 0;
    memset(&c, 0, sizeof c);
    strcpy(c.dir, "replog-XXXXXX");
    CHECK(mkdtemp(c.dir) != NULL);
    find_places(&c);
    last = open_alone(&c);
    what_cannot_be_is_refused(c.log[0], last);
    what_is_given_up_is_no_snapshot(c.log[0], last);
    pieces_are_one_state(c.log[0], last);
    two_take_turns(c.log[0], append(c.log[0]));
    closing_ends_a_state(c.log[0]);
    end_cluster(&c);
    return 0;
}
