/* Replicated logs: states that are given as snapshots, what is cut for them, and who begins with one. */
#include "replog.h"

/* A host that adds up what it reads: a state of 24 bytes, whatever the log is. */
typedef struct {
    uint64_t done, entries, sum;
} host;

/* Number 4 has a cluster of its own. */
enum { ALONE = 3 };
enum { BATCH = 40, BATCHES = 10, ENTRY = 1024, ROOM = 64 << 10 };

/* One batch of a session, from this number on; the log's only node leads once it has elected itself. */
static uint64_t append_numbers(duo_replog *log, uint64_t session, uint32_t first, duo_replog_receipt *receipt) {
    static char bytes[BATCH * ENTRY];
    duo_iovec items[BATCH];
    duo_replog_append_options options = DUO_REPLOG_APPEND_OPTIONS_INIT;
    duo_status status = DUO_AGAIN;
    options.session = session;
    options.sequence = session == 0 ? 0 : first;
    for (uint32_t at = 0; at < BATCH; at++) {
        uint32_t number = first + at;
        items[at].data = bytes + at * ENTRY;
        items[at].len = ENTRY;
        memcpy(bytes + at * ENTRY, &number, sizeof number);
    }
    while (status == DUO_AGAIN || status == DUO_ERR_NOT_LEADER) {
        status = duo_replog_append_batch(log, items, BATCH, &options, PATIENCE_NS, receipt);
        pause_briefly();
    }
    CHECK(status == DUO_OK);
    return receipt->index;
}

/* The state in the node's newest snapshot, in pieces that fit nothing. */
static host take(duo_replog *log) {
    unsigned char state[sizeof(host) + 8];
    duo_replog_snapshot_t snapshot = {0, 0};
    size_t len = 1, whole = 0;
    host h = {0, 0, 0};
    OK(duo_replog_snapshot_read(log, 0, 0, NULL, 0, &len, &snapshot));
    CHECK(len == 0 && snapshot.index > 0 && snapshot.bytes == sizeof h);
    do {
        OK(duo_replog_snapshot_read(log, snapshot.index, whole, state + whole, 7, &len, &snapshot));
        whole += len;
    } while (len > 0);
    CHECK(whole == sizeof h);
    memcpy(&h, state, sizeof h);
    CHECK(h.done == snapshot.index);
    return h;
}

/* Reads up to `last`, and begins with the snapshot where it has to. Gives how often that was. */
static int follow(duo_replog *log, host *h, uint64_t last, size_t cap) {
    char buf[ROOM];
    duo_replog_entry entries[BATCH];
    int taken = 0;
    while (h->done < last) {
        size_t n = 0, len = 0;
        duo_status status =
            duo_replog_read(log, h->done + 1, entries, cap, buf, sizeof buf, PATIENCE_NS, &n, &len);
        if (status == DUO_NOT_FOUND) {
            uint64_t before = h->done;
            *h = take(log);
            CHECK(h->done > before);
            taken++;
            continue;
        }
        CHECK(status == DUO_OK && n > 0);
        for (size_t i = 0; i < n; i++) {
            uint32_t number = 0;
            CHECK(entries[i].len >= sizeof number && entries[i].index > h->done);
            memcpy(&number, buf + entries[i].offset, sizeof number);
            h->done = entries[i].index;
            h->entries++;
            h->sum += number;
        }
    }
    return taken;
}

static void give(duo_replog *log, const host *h) {
    duo_replog_status_t status = DUO_REPLOG_STATUS_INIT;
    if (h->done % 2 == 0) {
        OK(duo_replog_snapshot(log, h->done, h, sizeof *h, PATIENCE_NS));
    } else {
        duo_replog_receipt receipt = {0, 0, 0, 0};
        uint64_t op = 0;
        OK(duo_replog_submit_snapshot(log, h->done, h, sizeof *h, &op));
        OK(duo_replog_await(log, op, PATIENCE_NS, &receipt));
        CHECK(receipt.index == h->done);
        GIVES(DUO_ERR_INVALID_ARGUMENT, duo_replog_forget(log, op));
    }
    OK(duo_replog_status(log, &status));
    CHECK(status.snapshot == h->done);
}

/* Node `at` of a cluster of `count` members, the first of which stands at `first`. */
static void open_one_of(cluster *c, int at, int first, size_t count) {
    char dir[96];
    duo_replog_options options = options_of(c, at, dir, sizeof dir);
    options.members = c->members + first;
    options.members_len = count;
    options.tail_entries = 1;
    if (c->log[at] != NULL) {
        close_node(c, at);
    }
    OK(duo_replog_open(&options, &c->log[at]));
}

static uint64_t first_of(duo_replog *log) {
    duo_replog_status_t status = DUO_REPLOG_STATUS_INIT;
    OK(duo_replog_status(log, &status));
    return status.first;
}

static void what_cannot_be_is_refused(duo_replog *log, uint64_t last) {
    duo_replog_snapshot_t snapshot = {7, 7};
    char buf[8];
    size_t len = 9;
    uint64_t op = 0;
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_replog_submit_snapshot(log, last + 1, "x", 1, &op));
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_replog_submit_snapshot(log, last, NULL, 1, &op));
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_replog_submit_snapshot(log, last, "x", 1, NULL));
    GIVES(DUO_NOT_FOUND, duo_replog_snapshot_read(log, 0, 0, buf, sizeof buf, &len, &snapshot));
    CHECK(len == 9 && snapshot.index == 7);
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_replog_snapshot_read(log, 0, 0, NULL, 8, &len, &snapshot));
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_replog_snapshot_read(log, 0, 0, buf, 8, NULL, &snapshot));
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_replog_snapshot_read(log, 0, 0, buf, 8, &len, NULL));
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_replog_snapshot(log, 0, "x", 1, PATIENCE_NS));
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_replog_snapshot(log, last + 1, "x", 1, PATIENCE_NS));
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_replog_snapshot(log, last, NULL, 1, PATIENCE_NS));
    GIVES(DUO_ERR_TOO_LARGE,
          duo_replog_snapshot(log, last, "x", (size_t)DUO_REPLOG_SNAPSHOT_BYTES_MAX + 1, PATIENCE_NS));
    GIVES(DUO_NOT_FOUND, duo_replog_snapshot_read(log, last, 0, buf, sizeof buf, &len, &snapshot));
}

/* Every other opening of the host has nothing: the snapshot and what is behind it are the same state. */
static void a_log_is_cut_and_gone_on_from(cluster *c, host *kept) {
    duo_replog_receipt receipt = {0, 0, 0, 0};
    uint32_t next = 1;
    for (uint32_t round = 0; round < 6; round++) {
        uint64_t last = 0;
        for (int times = 0; times < BATCHES; times++) {
            last = append_numbers(c->log[ALONE], 5, next, &receipt);
            next += BATCH;
        }
        /* In pieces that end within the batch: the state is one of the middle of it. */
        follow(c->log[ALONE], kept, last - BATCH / 2, 7);
        CHECK(kept->done < last);
        give(c->log[ALONE], kept);
        follow(c->log[ALONE], kept, last, 7);
        if (round % 2 == 1) {
            host other = {0, 0, 0};
            open_one_of(c, ALONE, ALONE, 1);
            CHECK(follow(c->log[ALONE], &other, last, BATCH) == 1);
            CHECK(memcmp(&other, kept, sizeof other) == 0);
        }
    }
    /* Files of 1 MiB: the first one has gone. */
    while (first_of(c->log[ALONE]) <= 2 * BATCHES * BATCH) {
        pause_briefly();
    }
    /* What was in it is known still. */
    append_numbers(c->log[ALONE], 5, 1, &receipt);
    CHECK(receipt.repeated == BATCH);
    append_numbers(c->log[ALONE], 5, next, &receipt);
    CHECK(receipt.repeated == 0);
    follow(c->log[ALONE], kept, receipt.index, BATCH);
    CHECK(kept->entries == 6 * BATCHES * BATCH + BATCH);
}

static void one_that_is_replaced_meanwhile_is_read_to_its_end(duo_replog *log, host *kept) {
    char first[8], second[8];
    duo_replog_snapshot_t snapshot = {0, 0}, newer = {0, 0};
    duo_replog_receipt receipt = {0, 0, 0, 0};
    host h = *kept;
    size_t len = 0;
    give(log, kept);
    OK(duo_replog_snapshot_read(log, 0, 0, first, sizeof first, &len, &snapshot));
    CHECK(len == sizeof first && snapshot.index == h.done && memcmp(first, &h, sizeof first) == 0);
    for (int round = 0; round < 3; round++) {
        append_numbers(log, 0, 1, &receipt);
        follow(log, kept, receipt.index, BATCH);
        give(log, kept);
    }
    OK(duo_replog_snapshot_read(log, h.done, 8, second, sizeof second, &len, &snapshot));
    CHECK(len == sizeof second && memcmp(second, (const char *)&h + 8, sizeof second) == 0);
    /* Another thread asks which one is the newest, and for the end of that. */
    OK(duo_replog_snapshot_read(log, 0, 0, NULL, 0, &len, &newer));
    CHECK(newer.index == kept->done && len == 0);
    OK(duo_replog_snapshot_read(log, newer.index, sizeof h, second, sizeof second, &len, &newer));
    CHECK(len == 0);
    OK(duo_replog_snapshot_read(log, h.done, 16, second, sizeof second, &len, &snapshot));
    CHECK(len == sizeof second && memcmp(second, (const char *)&h + 16, sizeof second) == 0);
    /* Now it begins to read it. */
    OK(duo_replog_snapshot_read(log, 0, 0, second, sizeof second, &len, &newer));
    CHECK(len == sizeof second && newer.index == kept->done);
    GIVES(DUO_ERR_CONFLICT, duo_replog_snapshot_read(log, h.done, 16, second, sizeof second, &len, &snapshot));
    /* It goes on although another thread was refused, until it gives it up. */
    h = *kept;
    append_numbers(log, 0, 1, &receipt);
    follow(log, kept, receipt.index, BATCH);
    give(log, kept);
    OK(duo_replog_snapshot_read(log, h.done, 8, second, sizeof second, &len, &snapshot));
    CHECK(len == sizeof second && snapshot.index == h.done);
    OK(duo_replog_snapshot_read(log, h.done, UINT64_MAX, second, sizeof second, &len, &snapshot));
    CHECK(len == 0);
    GIVES(DUO_ERR_CONFLICT, duo_replog_snapshot_read(log, h.done, 8, second, sizeof second, &len, &snapshot));
}

/* One call does not keep others waiting for as long as a large state takes. */
static void a_large_state_comes_in_several_calls(duo_replog *log) {
    static char given[(9 << 20) + 5], found[(9 << 20) + 5];
    duo_replog_snapshot_t snapshot = {0, 0};
    duo_replog_receipt receipt = {0, 0, 0, 0};
    host h = {0, 0, 0};
    size_t len = 0, whole = 0;
    int calls = 0;
    for (size_t at = 0; at < sizeof given; at++) {
        given[at] = (char)(at * 31 + at / 251);
    }
    append_numbers(log, 0, 1, &receipt);
    h.done = receipt.index - 1;
    follow(log, &h, receipt.index, BATCH);
    OK(duo_replog_snapshot(log, receipt.index, given, sizeof given, PATIENCE_NS));
    do {
        OK(duo_replog_snapshot_read(log, snapshot.index, whole, found + whole, sizeof found - whole, &len, &snapshot));
        CHECK(snapshot.index == receipt.index && snapshot.bytes == sizeof given);
        whole += len;
        calls++;
    } while (whole < sizeof found);
    CHECK(calls > 1 && memcmp(given, found, sizeof given) == 0);
}

static int cut_short(const char *path, const struct stat *about, int kind, struct FTW *place) {
    (void)about, (void)place;
    return kind == FTW_F ? truncate(path, 80) : 0;
}

static int remove_file(const char *path, const struct stat *about, int kind, struct FTW *place) {
    (void)about, (void)place;
    return kind == FTW_F ? remove(path) : 0;
}

/* No snapshot of the node is sound, or none is there at all: a state of what was judged since then is kept. */
static void what_is_damaged_is_done_without(const cluster *c, host *kept) {
    duo_replog *log = c->log[ALONE];
    char dir[128];
    snprintf(dir, sizeof dir, "%s/n%d/snapshots", c->dir, ALONE + 1);
    for (int round = 0; round < 2; round++) {
        duo_replog_receipt receipt = {0, 0, 0, 0};
        host early, found;
        CHECK(nftw(dir, round == 0 ? cut_short : remove_file, 16, FTW_PHYS) == 0);
        append_numbers(log, 0, 1, &receipt);
        follow(log, kept, receipt.index, BATCH);
        early = *kept;
        append_numbers(log, 0, 1, &receipt);
        follow(log, kept, receipt.index, BATCH);
        GIVES(round == 0 ? DUO_ERR_CORRUPTION : DUO_NOT_FOUND,
              duo_replog_snapshot(log, early.done, &early, sizeof early, PATIENCE_NS));
        give(log, kept);
        found = take(log);
        CHECK(memcmp(&found, kept, sizeof found) == 0);
    }
}

/* A node that was never there begins with the snapshot, and so does one that was away for too long. */
static void who_is_far_behind_takes_the_snapshot(cluster *c) {
    host hosts[NODES] = {{0, 0, 0}, {0, 0, 0}, {0, 0, 0}};
    uint64_t last = 0;
    open_one_of(c, 0, 0, NODES);
    open_one_of(c, 1, 0, NODES);
    for (int round = 0; round < 2; round++) {
        for (int times = 0; times < 4; times++) {
            append_anywhere(c, "abcd", &last);
            for (int at = 0; at < 2; at++) {
                follow(c->log[at], &hosts[at], last, BATCH);
                give(c->log[at], &hosts[at]);
            }
        }
        open_one_of(c, 2, 0, NODES);
        append_anywhere(c, "abcd", &last);
        CHECK(follow(c->log[2], &hosts[2], last, BATCH) == 1);
        follow(c->log[0], &hosts[0], last, BATCH);
        CHECK(memcmp(&hosts[2], &hosts[0], sizeof(host)) == 0);
        give(c->log[2], &hosts[2]);
        close_node(c, 2);
    }
}

int main(void) {
    cluster c;
    uint64_t first = 0;
    host kept = {0, 0, 0};
    duo_replog_receipt receipt = {0, 0, 0, 0};
    memset(&c, 0, sizeof c);
    strcpy(c.dir, "replog-XXXXXX");
    CHECK(mkdtemp(c.dir) != NULL);
    find_places(&c);
    open_one_of(&c, ALONE, ALONE, 1);
    first = append_numbers(c.log[ALONE], 0, 1, &receipt);
    what_cannot_be_is_refused(c.log[ALONE], first);
    follow(c.log[ALONE], &kept, first, BATCH);
    kept.entries = 0;
    a_log_is_cut_and_gone_on_from(&c, &kept);
    one_that_is_replaced_meanwhile_is_read_to_its_end(c.log[ALONE], &kept);
    a_large_state_comes_in_several_calls(c.log[ALONE]);
    what_is_damaged_is_done_without(&c, &kept);
    who_is_far_behind_takes_the_snapshot(&c);
    end_cluster(&c);
    return 0;
}
