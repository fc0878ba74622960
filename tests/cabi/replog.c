/* Replicated logs: opening, the leader's death, handing over, closing. */
#include "replog.h"

#include <arpa/inet.h>
#include <sys/socket.h>

static void options_that_cannot_be_are_refused(cluster *c) {
    char dir[96];
    duo_replog_options good = options_of(c, 0, dir, sizeof dir);
    duo_replog_options options = good;
    duo_replog *log = NULL;
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_replog_open(NULL, &log));
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_replog_open(&options, NULL));
    options.dir = NULL;
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_replog_open(&options, &log));
    options = good;
    options.listen = "somewhere";
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_replog_open(&options, &log));
    CHECK(last_says("somewhere"));
    options = good;
    options.node = 0;
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_replog_open(&options, &log));
    options = good;
    options.members_len = DUO_REPLOG_MEMBERS_MAX + 1;
    GIVES(DUO_ERR_TOO_LARGE, duo_replog_open(&options, &log));
    options = good;
    options.heartbeat_ns = 2 * ELECTION_NS;
    GIVES(DUO_ERR_CONFIG, duo_replog_open(&options, &log));
    CHECK(last_says("election_min"));
    options = good;
    options.heartbeat_ns = UINT64_MAX;
    GIVES(DUO_ERR_CONFIG, duo_replog_open(&options, &log));
    options = good;
    options.batch_entries_max = 10001;
    GIVES(DUO_ERR_CONFIG, duo_replog_open(&options, &log));
    CHECK(last_says("10,000"));
    options = good;
    options.flags = 1;
    GIVES(DUO_ERR_UNSUPPORTED, duo_replog_open(&options, &log));
    GIVES(DUO_ERR_BUSY, duo_replog_open(&good, &log)); /* its directory is in use */
    duo_replog_member twice[2] = {c->members[0], c->members[0]};
    options = good;
    options.members = twice;
    options.members_len = 2;
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_replog_open(&options, &log));
    CHECK(log == NULL);
    GIVES(DUO_ERR_BAD_HANDLE, duo_replog_close(INVENTED(duo_replog), 0));
    OK(duo_replog_destroy(NULL));
}

static void refused_as(duo_replog_options options, const char *why) {
    duo_replog *log = NULL;
    GIVES(DUO_ERR_CONFIG, duo_replog_open(&options, &log));
    CHECK(last_says(why) && log == NULL);
}

static void each_limit_is_looked_at(cluster *c) {
    char dir[96];
    const duo_replog_options good = options_of(c, 3, dir, sizeof dir);
    duo_replog_options options = good;
    options.hello_timeout_ns = 1;
    refused_as(options, "hello_timeout is below 1 ms");
    options = good;
    options.batch_latency_ns = UINT64_C(2000000000);
    refused_as(options, "latency is above 1 s");
    options = good;
    options.batch_inflight_bytes_max = 1;
    refused_as(options, "in_flight_bytes_max is below bytes");
    options = good;
    options.peer_inflight_bytes_max = 1;
    refused_as(options, "inflight_bytes_max is below append_bytes_max");
    options = good;
    options.window_bytes_max = 1;
    refused_as(options, "window_bytes_max is below uncommitted_bytes_max");
    options = good;
    options.sessions_max = (1 << 20) + 1;
    refused_as(options, "sessions_max is above");
    options = good;
    options.ids_max = (1 << 24) + 1;
    refused_as(options, "ids_max is above");
    options = good;
    options.snapshot_chunk_bytes = (1 << 20) + 1;
    refused_as(options, "chunk_bytes is above 1 MiB");
    options = good;
    options.snapshot_chunks_inflight_max = 65;
    refused_as(options, "chunks_inflight_max is above 64");
    duo_replog *log = NULL;
    const duo_replog_member twice[2] = {c->members[0], c->members[0]};
    options = good;
    options.contacts = twice;
    options.contacts_len = 2;
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_replog_open(&options, &log));
    CHECK(last_says("two contacts have the same number") && log == NULL);
}

static void a_session_is_forgotten_when_its_time_is_over(cluster *c) {
    char dir[96];
    duo_replog *log = NULL;
    duo_replog_options options = alone(c, dir, sizeof dir);
    strcat(dir, "-short");
    options.time_to_live_ns = 1;
    OK(duo_replog_open(&options, &log));
    CHECK(append_to(log, "x", 7, 1).repeated == 0);
    pause_briefly();
    CHECK(append_to(log, "x", 7, 1).repeated == 0);
    OK(duo_replog_destroy(log));
}

/* Accepts a call of the node, and says nothing. */
static void a_node_that_does_not_answer_holds_no_close_up_for_long(cluster *c) {
    char dir[96], where[32];
    duo_replog *log = NULL;
    struct sockaddr_in at;
    socklen_t size = sizeof at;
    memset(&at, 0, sizeof at);
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const int silent = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CHECK(silent >= 0 && bind(silent, (struct sockaddr *)&at, sizeof at) == 0 && listen(silent, 4) == 0);
    CHECK(getsockname(silent, (struct sockaddr *)&at, &size) == 0);
    snprintf(where, sizeof where, "127.0.0.1:%d", ntohs(at.sin_port));
    const duo_replog_member contact = {9, where};
    duo_replog_options options = alone(c, dir, sizeof dir);
    strcat(dir, "-calls");
    options.contacts = &contact;
    options.contacts_len = 1;
    options.hello_timeout_ns = (uint64_t)PATIENCE_NS;
    options.close_within_ns = 10000000;
    OK(duo_replog_open(&options, &log));
    const int called = accept(silent, NULL, NULL);
    CHECK(called >= 0);
    GIVES(DUO_TIMEOUT, duo_replog_close(log, PATIENCE_NS)); /* its thread waits for an answer */
    GIVES(DUO_TIMEOUT, duo_replog_close(log, 0));
    CHECK(close(called) == 0);
    while (duo_replog_close(log, 0) == DUO_TIMEOUT) {
    }
    OK(duo_replog_close(log, 0));
    OK(duo_replog_destroy(log));
    CHECK(close(silent) == 0);
}

/* Changes a letter of `text` in the only file of the log. */
static void damage(const char *dir, const char *text) {
    char path[160];
    static char bytes[1 << 20];
    snprintf(path, sizeof path, "%s/log/%020d.frames", dir, 1);
    FILE *file = fopen(path, "r+b");
    CHECK(file != NULL);
    size_t len = fread(bytes, 1, sizeof bytes, file);
    const char *found = (const char *)memmem(bytes, len, text, strlen(text));
    CHECK(found != NULL);
    CHECK(fseek(file, found - bytes, SEEK_SET) == 0 && fputc('X', file) == 'X' && fclose(file) == 0);
}

static void a_damaged_log_asks_whom_it_was_told_of_for_as_long_as_it_was_told(cluster *c) {
    char dir[96];
    duo_replog *log = NULL;
    duo_replog_options options = alone(c, dir, sizeof dir);
    OK(duo_replog_open(&options, &log));
    const char *const texts[3] = {"the first", "the second", "the third"};
    for (int at = 0; at < 3; at++) {
        append_to(log, texts[at], 0, 0);
    }
    OK(duo_replog_destroy(log));
    damage(dir, "the second");
    log = NULL;
    const duo_replog_member nobody = {9, "127.0.0.1:1"};
    options.contacts = &nobody;
    options.contacts_len = 1;
    options.repair_within_ns = 50000000;
    GIVES(DUO_ERR_CORRUPTION, duo_replog_open(&options, &log));
    CHECK(last_says("not mended") && last_says("9 gave no answer within 50ms"));
    /* A program that was compiled before there were these fields asks nobody. */
    options.struct_size = offsetof(duo_replog_options, contacts);
    GIVES(DUO_ERR_CORRUPTION, duo_replog_open(&options, &log));
    CHECK(!last_says("not mended") && log == NULL);
}

static void a_directory_belongs_to_one_cluster(cluster *c) {
    char dir[96];
    duo_replog *log = NULL;
    duo_replog_options options = options_of(c, 0, dir, sizeof dir);
    uint64_t index = 0;
    append_anywhere(c, "something", &index);
    close_node(c, 0);
    options.cluster[0] = 'x';
    GIVES(DUO_ERR_CONFIG, duo_replog_open(&options, &log));
    CHECK(log == NULL);
    open_node(c, 0);
}

/* Reads on `at` until `expected`, `count` of them, have come in this order. */
static void expect_texts(cluster *c, int at, char (*expected)[16], int count) {
    uint64_t from = 1;
    int seen = 0;
    while (seen < count) {
        duo_replog_entry entries[8];
        char buf[256];
        size_t n = 0, len = 0;
        OK(duo_replog_read(c->log[at], from, entries, 8, buf, sizeof buf, PATIENCE_NS, &n, &len));
        for (size_t i = 0; i < n; i++) {
            const char *text = buf + entries[i].offset;
            from = entries[i].index + 1;
            if (strncmp(text, "round", 5) == 0) {
                CHECK(seen < count && strlen(expected[seen]) == entries[i].len);
                CHECK(memcmp(text, expected[seen], entries[i].len) == 0);
                seen++;
            }
        }
    }
}

static void what_was_acknowledged_outlives_leaders(cluster *c) {
    static char expected[64][16];
    int count = 0;
    uint64_t index = 0;
    for (int round = 0; round < 2; round++) {
        int leader = -1;
        for (int number = 0; number < 10; number++) {
            snprintf(expected[count], 16, "round%d.%d", round, number);
            leader = append_anywhere(c, expected[count++], &index);
        }
        close_node(c, leader);
        snprintf(expected[count], 16, "round%d.gone", round);
        CHECK(append_anywhere(c, expected[count++], &index) != leader);
        open_node(c, leader);
    }
    for (int at = 0; at < NODES; at++) {
        expect_texts(c, at, expected, count);
    }
}

static void a_leader_hands_over_and_followers_answer_reads(cluster *c) {
    uint64_t index = 0, read = 0;
    int leader = leader_of_all(c);
    int next = (leader + 1) % NODES;
    GIVES(DUO_ERR_NOT_LEADER, duo_replog_transfer(c->log[next], 0, PATIENCE_NS));
    CHECK(leader_by_last_error() == (uint64_t)leader + 1);
    /* The request, or a vote, gets lost where a connection is in the making, so it is repeated. */
    do {
        for (int at = 0; at < NODES; at++) {
            (void)duo_replog_transfer(c->log[at], (uint64_t)next + 1, PATIENCE_NS);
        }
    } while (append_anywhere(c, "after", &index) != next);
    for (int at = 0; at < NODES; at++) {
        duo_status status = DUO_TIMEOUT;
        while (status == DUO_TIMEOUT || status == DUO_AGAIN || status == DUO_ERR_NOT_LEADER) {
            status = duo_replog_read_index(c->log[at], 1000000000, &read);
        }
        CHECK(status == DUO_OK && read >= index);
    }
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_replog_read_index(c->log[0], 0, NULL));
}

static void *reads_for_ever(void *argument) {
    duo_replog_entry entry;
    char buf[64];
    size_t n = 7, len = 7;
    duo_status status = duo_replog_read((duo_replog *)argument, UINT64_C(1) << 40, &entry, 1, buf, sizeof buf,
                                        DUO_WAIT_FOREVER, &n, &len);
    CHECK(status == DUO_ERR_CLOSED);
    return NULL;
}

static void closing_ends_waits_and_leaves_what_is_committed(cluster *c) {
    duo_replog_status_t status = DUO_REPLOG_STATUS_INIT;
    duo_replog_entry entry;
    char buf[64];
    size_t n = 0, len = 0;
    uint64_t index = 0;
    duo_replog_receipt receipt;
    int leader = append_anywhere(c, "last", &index);
    OK(duo_replog_read(c->log[leader], index, &entry, 1, buf, sizeof buf, PATIENCE_NS, &n, &len));
    pthread_t thread = start(reads_for_ever, c->log[leader]);
    OK(duo_replog_close(c->log[leader], PATIENCE_NS));
    finish(thread);
    OK(duo_replog_close(c->log[leader], 0)); /* again */
    GIVES(DUO_ERR_CLOSED, duo_replog_append(c->log[leader], "x", 1, NULL, 0, &receipt));
    GIVES(DUO_ERR_CLOSED, duo_replog_read_index(c->log[leader], 0, &index));
    OK(duo_replog_read(c->log[leader], index, &entry, 1, buf, sizeof buf, 0, &n, &len));
    CHECK(n == 1 && len == 4 && memcmp(buf, "last", 4) == 0);
    OK(duo_replog_status(c->log[leader], &status));
    CHECK(status.commit >= index);
    close_node(c, leader);
    open_node(c, leader);
    OK(duo_shutdown(PATIENCE_NS));
    for (int at = 0; at < NODES; at++) {
        GIVES(DUO_ERR_CLOSED, duo_replog_append(c->log[at], "x", 1, NULL, 0, &receipt));
    }
}

/* What somebody is told who waits for an entry at a leader without a majority, and ends the library:
   DUO_ERR_NOT_LEADER where it had stepped down before that, on a machine that stood still. */
static duo_status told_without_a_majority(cluster *c) {
    const uint32_t lens[1] = {1};
    duo_replog_receipt receipt;
    uint64_t index = 0, op = 0;
    for (int at = 0; at < NODES; at++) {
        close_node(c, at);
        open_node(c, at);
    }
    int leader = append_anywhere(c, "with a majority", &index);
    close_node(c, (leader + 1) % NODES);
    close_node(c, (leader + 2) % NODES);
    duo_status status = duo_replog_submit(c->log[leader], "x", lens, 1, NULL, &op);
    if (status != DUO_OK) {
        return status;
    }
    duo_status ended = duo_shutdown(1000000);
    status = duo_replog_await(c->log[leader], op, PATIENCE_NS, &receipt);
    CHECK(status == DUO_ERR_NOT_LEADER || ended == DUO_TIMEOUT);
    return status;
}

/* Without a majority nothing can be committed: what waits is given up, and the host is told. */
static void what_is_left_when_the_library_ends_is_told(cluster *c) {
    duo_status status = DUO_ERR_NOT_LEADER;
    while (status == DUO_ERR_NOT_LEADER) {
        status = told_without_a_majority(c);
    }
    CHECK(status == DUO_ERR_CLOSED);
    OK(duo_shutdown(0)); /* again */
}

#ifdef DUO_FAULTS
static void a_bug_poisons_one_log(cluster *c) {
    uint64_t index = 0;
    OK(duo_test_panic_next(9));
    GIVES(DUO_ERR_PANIC, duo_replog_transfer(c->log[0], 0, 0));
    GIVES(DUO_ERR_POISONED, duo_replog_read_index(c->log[0], 0, &index));
    close_node(c, 0);
    open_node(c, 0);
}
#endif

int main(void) {
    cluster c;
    start_cluster(&c);
    options_that_cannot_be_are_refused(&c);
    each_limit_is_looked_at(&c);
    a_session_is_forgotten_when_its_time_is_over(&c);
    a_node_that_does_not_answer_holds_no_close_up_for_long(&c);
    a_damaged_log_asks_whom_it_was_told_of_for_as_long_as_it_was_told(&c);
    a_directory_belongs_to_one_cluster(&c);
    what_was_acknowledged_outlives_leaders(&c);
    a_leader_hands_over_and_followers_answer_reads(&c);
#ifdef DUO_FAULTS
    a_bug_poisons_one_log(&c);
#endif
    closing_ends_waits_and_leaves_what_is_committed(&c);
    what_is_left_when_the_library_ends_is_told(&c);
    end_cluster(&c);
    return 0;
}
