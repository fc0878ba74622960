/* Replicated logs: entries in, one by one and in batches, refusals, and other members. */
#include "replog.h"

static uint64_t session_seen(duo_replog *log, uint64_t index, uint64_t *sequence, char *buf, size_t room) {
    duo_replog_entry entry;
    size_t n = 0, len = 0;
    OK(duo_replog_read(log, index, &entry, 1, buf, room - 1, PATIENCE_NS, &n, &len));
    CHECK(n == 1 && entry.index == index && entry.len == len);
    buf[len] = 0;
    *sequence = entry.sequence;
    return entry.session;
}

/* Index of the first entry behind `index`. */
static uint64_t next_after(duo_replog *log, uint64_t index) {
    duo_replog_entry entry;
    char buf[64];
    size_t n = 0, len = 0;
    OK(duo_replog_read(log, index + 1, &entry, 1, buf, sizeof buf, PATIENCE_NS, &n, &len));
    return entry.index;
}

static void a_batch_is_in_the_log_as_a_whole(cluster *c, int leader) {
    const duo_iovec items[3] = {{"one", 3}, {"", 0}, {"three", 5}};
    const uint32_t lens[3] = {1, 0, 2};
    duo_replog_append_options options = DUO_REPLOG_APPEND_OPTIONS_INIT;
    duo_replog_receipt first, again, flat;
    uint64_t sequence = 0;
    char buf[64];
    options.session = 77;
    options.sequence = 5;
    OK(duo_replog_append_batch(c->log[leader], items, 3, &options, PATIENCE_NS, &first));
    const uint64_t last = first.index;
    CHECK(first.term > 0 && first.repeated == 0 && first.stale == 0);
    CHECK(session_seen(c->log[leader], last, &sequence, buf, sizeof buf) == 77);
    CHECK(sequence == 7 && strcmp(buf, "three") == 0);
    CHECK(session_seen(c->log[leader], last - 1, &sequence, buf, sizeof buf) == 77);
    CHECK(sequence == 6 && buf[0] == 0);
    /* The same again, and one more: only that is read. */
    const duo_iovec more[4] = {{"one", 3}, {"", 0}, {"three", 5}, {"four", 4}};
    OK(duo_replog_append_batch(c->log[leader], more, 4, &options, PATIENCE_NS, &again));
    CHECK(again.repeated == 3 && again.index == last + 4);
    CHECK(next_after(c->log[leader], last) == again.index);
    OK(duo_replog_append_flat(c->log[leader], "abc", lens, 3, NULL, PATIENCE_NS, &flat));
    CHECK(flat.index == again.index + 3);
    CHECK(session_seen(c->log[leader], flat.index, &sequence, buf, sizeof buf) == 0);
    CHECK(strcmp(buf, "bc") == 0);
}

/* The id of the entry at `index`, which is there. */
static void id_seen(duo_replog *log, uint64_t index, unsigned char id[DUO_REPLOG_ID_BYTES]) {
    duo_replog_entry entry;
    char buf[64];
    size_t n = 0, len = 0;
    OK(duo_replog_read_ids(log, index, &entry, id, 1, buf, sizeof buf, PATIENCE_NS, &n, &len));
    CHECK(n == 1 && entry.index == index);
}

static void entries_are_known_by_ids_too(cluster *c, int leader) {
    const unsigned char none[DUO_REPLOG_ID_BYTES] = {0};
    const duo_iovec items[3] = {{"first", 5}, {"plain", 5}, {"third", 5}};
    const uint32_t lens[3] = {1, 1, 1};
    duo_replog *log = c->log[leader];
    duo_replog_append_options options = DUO_REPLOG_APPEND_OPTIONS_INIT;
    duo_replog_receipt first, again, next = {9, 0, 0, 0};
    duo_replog_entry entries[4];
    unsigned char ids[3 * DUO_REPLOG_ID_BYTES] = {0}, found[4 * DUO_REPLOG_ID_BYTES], id[DUO_REPLOG_ID_BYTES];
    char buf[64];
    size_t n = 0, len = 0;
    uint64_t op = 0;
    memset(ids, 7, DUO_REPLOG_ID_BYTES);
    memset(ids + 2 * DUO_REPLOG_ID_BYTES, 9, DUO_REPLOG_ID_BYTES);
    options.ids = ids;
    options.ids_len = sizeof ids;
    OK(duo_replog_append_batch(log, items, 3, &options, PATIENCE_NS, &first));
    CHECK(first.repeated == 0);
    /* What had an id before is not read again, whatever it says; what has none is. */
    OK(duo_replog_append_flat(log, "xyz", lens, 3, &options, PATIENCE_NS, &again));
    CHECK(again.index == first.index + 3 && again.repeated == 2 && again.stale == 0);
    CHECK(next_after(log, first.index) == first.index + 2);
    memset(ids, 8, DUO_REPLOG_ID_BYTES);
    OK(duo_replog_submit(log, "xyz", lens, 3, &options, &op));
    OK(duo_replog_await(log, op, PATIENCE_NS, &next));
    CHECK(next.index == again.index + 3 && next.repeated == 1);
    /* With a session as well: either of them is enough. */
    options.session = 78;
    options.sequence = 1;
    options.ids_len = DUO_REPLOG_ID_BYTES;
    OK(duo_replog_append(log, "first", 5, &options, PATIENCE_NS, &next));
    CHECK(next.repeated == 1);
    id_seen(log, first.index, id);
    CHECK(memcmp(id, ids + 2 * DUO_REPLOG_ID_BYTES, sizeof id) == 0);
    id_seen(log, first.index - 1, id);
    CHECK(memcmp(id, none, sizeof id) == 0);
    OK(duo_replog_read_ids(log, first.index, entries, found, 4, buf, sizeof buf, PATIENCE_NS, &n, &len));
    CHECK(n >= 2 && entries[1].index == first.index + 2 && found[0] == 9 && found[DUO_REPLOG_ID_BYTES] == 0);
    GIVES(DUO_ERR_INVALID_ARGUMENT,
          duo_replog_read_ids(log, first.index, entries, NULL, 4, buf, sizeof buf, 0, &n, &len));
    /* Nothing is in the log after a wrong number of them. */
    const size_t wrong[4] = {0, 1, DUO_REPLOG_ID_BYTES - 1, 2 * DUO_REPLOG_ID_BYTES};
    for (size_t at = 0; at < 4; at++) {
        options.ids_len = wrong[at];
        GIVES(DUO_ERR_INVALID_ARGUMENT, duo_replog_append(log, "x", 1, &options, PATIENCE_NS, &next));
        CHECK(last_says("32"));
    }
    options.ids = NULL;
    options.ids_len = DUO_REPLOG_ID_BYTES;
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_replog_append(log, "x", 1, &options, PATIENCE_NS, &next));
    options.ids_len = 0;
    OK(duo_replog_append(log, "x", 1, &options, PATIENCE_NS, &next));
}

static void other_levels_and_lanes_are_waited_for(cluster *c, int leader) {
    const uint32_t levels[3] = {DUO_REPLOG_WAIT_LOCAL, DUO_REPLOG_WAIT_QUORUM, DUO_REPLOG_WAIT_ALL};
    duo_replog_append_options options = DUO_REPLOG_APPEND_OPTIONS_INIT;
    duo_replog_receipt receipt = {0, 0, 0, 0};
    duo_replog_peer peers[NODES];
    size_t n = 0;
    options.flags = DUO_REPLOG_CRITICAL;
    for (int at = 0; at < 3; at++) {
        uint64_t before = receipt.index;
        options.wait = levels[at];
        OK(duo_replog_append(c->log[leader], "level", 5, &options, PATIENCE_NS, &receipt));
        CHECK(receipt.index > before);
    }
    OK(duo_replog_peers(c->log[leader], peers, NODES, &n));
    CHECK(n == NODES - 1 && peers[0].matched >= receipt.index && peers[1].matched >= receipt.index);
    options.flags = 2;
    GIVES(DUO_ERR_UNSUPPORTED, duo_replog_append(c->log[leader], "x", 1, &options, PATIENCE_NS, &receipt));
}

static void what_cannot_be_appended_is_refused(cluster *c, int leader) {
    static char large[64 << 10];
    static duo_iovec many[10001];
    const duo_iovec nothing = {NULL, 3};
    const uint32_t lens[2] = {UINT32_MAX, UINT32_MAX};
    duo_replog_append_options options = DUO_REPLOG_APPEND_OPTIONS_INIT;
    duo_replog *log = c->log[leader];
    duo_replog_receipt receipt = {9, 0, 0, 0};
    GIVES(DUO_ERR_TOO_LARGE, duo_replog_append(log, large, sizeof large, NULL, PATIENCE_NS, &receipt));
    GIVES(DUO_ERR_TOO_LARGE, duo_replog_append_batch(log, many, 10001, NULL, PATIENCE_NS, &receipt));
    GIVES(DUO_ERR_TOO_LARGE, duo_replog_append_flat(log, "x", lens, 2, NULL, PATIENCE_NS, &receipt));
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_replog_append_batch(log, many, 0, NULL, PATIENCE_NS, &receipt));
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_replog_append_batch(log, &nothing, 1, NULL, PATIENCE_NS, &receipt));
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_replog_append_batch(log, NULL, 1, NULL, PATIENCE_NS, &receipt));
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_replog_append(log, NULL, 1, NULL, PATIENCE_NS, &receipt));
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_replog_append(log, "x", 1, NULL, PATIENCE_NS, NULL));
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_replog_append(NULL, "x", 1, NULL, PATIENCE_NS, &receipt));
    options.sequence = 1; /* of no session */
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_replog_append(log, "x", 1, &options, PATIENCE_NS, &receipt));
    options.sequence = 0;
    options.wait = 3;
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_replog_append(log, "x", 1, &options, PATIENCE_NS, &receipt));
    CHECK(receipt.index == 9);
}

static void a_follower_names_the_leader(cluster *c, int leader) {
    duo_replog_receipt receipt;
    int follower = (leader + 1) % NODES;
    GIVES(DUO_ERR_NOT_LEADER, duo_replog_append(c->log[follower], "x", 1, NULL, PATIENCE_NS, &receipt));
    CHECK(leader_by_last_error() == (uint64_t)leader + 1);
}

static duo_status change(cluster *c, int leader, uint32_t what, int at) {
    duo_replog_change_t part = {0, NULL, 0, 0};
    part.node = (uint64_t)at + 1;
    part.what = what;
    part.address = what == DUO_REPLOG_ADD ? c->address[at] : NULL;
    return duo_replog_change(c->log[leader], &part, 1, PATIENCE_NS);
}

static uint32_t parts_of(duo_replog *log, int at) {
    duo_replog_member_t members[NODES_MAX];
    size_t n = 0;
    OK(duo_replog_members(log, members, NODES_MAX, &n));
    for (size_t i = 0; i < n; i++) {
        if (members[i].node == (uint64_t)at + 1) {
            return members[i].parts;
        }
    }
    return 0;
}

/* Until the change has settled; a change while another goes on is put off. */
static void changed(cluster *c, int leader, uint32_t what, int at, uint32_t parts) {
    duo_status status;
    while ((status = change(c, leader, what, at)) == DUO_AGAIN) {
        pause_briefly();
    }
    CHECK(status == DUO_OK);
    while (parts_of(c->log[leader], at) != parts) {
        pause_briefly();
    }
}

static void members_come_and_go(cluster *c, int leader) {
    const int fourth = NODES;
    duo_replog_receipt receipt;
    char buf[64];
    uint64_t sequence = 0;
    duo_replog_change_t part = {0, NULL, 0, 0};
    open_node(c, fourth);
    changed(c, leader, DUO_REPLOG_ADD, fourth, DUO_REPLOG_LEARNER);
    OK(duo_replog_append(c->log[leader], "for all", 7, NULL, PATIENCE_NS, &receipt));
    session_seen(c->log[fourth], receipt.index, &sequence, buf, sizeof buf);
    CHECK(strcmp(buf, "for all") == 0);
    changed(c, leader, DUO_REPLOG_PROMOTE, fourth, DUO_REPLOG_VOTER);
    changed(c, leader, DUO_REPLOG_DEMOTE, fourth, DUO_REPLOG_LEARNER);
    changed(c, leader, DUO_REPLOG_REMOVE, fourth, 0);
    GIVES(DUO_ERR_INVALID_ARGUMENT, change(c, leader, DUO_REPLOG_REMOVE, fourth));
    GIVES(DUO_ERR_INVALID_ARGUMENT, change(c, leader, 9, fourth));
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_replog_change(c->log[leader], NULL, 1, PATIENCE_NS));
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_replog_change(c->log[leader], &part, 1, PATIENCE_NS));
    close_node(c, fourth);
}

typedef struct {
    duo_replog *log;
    duo_status status;
    duo_replog_receipt receipt;
} appender;

static void *appends_for_every_voter(void *argument) {
    appender *a = (appender *)argument;
    duo_replog_append_options options = DUO_REPLOG_APPEND_OPTIONS_INIT;
    options.wait = DUO_REPLOG_WAIT_ALL;
    a->status = duo_replog_append(a->log, "all", 3, &options, PATIENCE_NS, &a->receipt);
    return NULL;
}

/* A voter is away for good: what waits for it is committed, and that is the answer when the leader ends. */
static void what_not_every_voter_is_known_to_have_is_said_to_be_committed(cluster *c, int leader) {
    const int away = (leader + 1) % NODES;
    appender a = {c->log[leader], DUO_AGAIN, {0, 0, 0, 0}};
    duo_replog_entry entry;
    char buf[64];
    size_t n = 0, len = 0;
    uint64_t index = 0;
    OK(duo_replog_append(c->log[leader], "before", 6, NULL, PATIENCE_NS, &a.receipt));
    index = a.receipt.index;
    close_node(c, away);
    pthread_t thread = start(appends_for_every_voter, &a);
    OK(duo_replog_read(c->log[leader], index + 1, &entry, 1, buf, sizeof buf, PATIENCE_NS, &n, &len));
    OK(duo_replog_close(c->log[leader], PATIENCE_NS));
    finish(thread);
    CHECK(a.status == DUO_PARTIAL && a.receipt.index == index + 1 && a.receipt.term > 0);
    open_node(c, away);
}

int main(void) {
    cluster c;
    start_cluster(&c);
    int leader = leader_of_all(&c);
    a_batch_is_in_the_log_as_a_whole(&c, leader);
    entries_are_known_by_ids_too(&c, leader);
    other_levels_and_lanes_are_waited_for(&c, leader);
    what_cannot_be_appended_is_refused(&c, leader);
    a_follower_names_the_leader(&c, leader);
    members_come_and_go(&c, leader);
    what_not_every_voter_is_known_to_have_is_said_to_be_committed(&c, leader);
    end_cluster(&c);
    return 0;
}
