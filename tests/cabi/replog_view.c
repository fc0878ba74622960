/* Replicated logs: what a node tells about itself and the others. */
#include "replog.h"

static duo_replog_status_t status_of(duo_replog *log) {
    duo_replog_status_t status = DUO_REPLOG_STATUS_INIT;
    OK(duo_replog_status(log, &status));
    return status;
}

static void all_agree_on_the_leader(cluster *c, int leader, uint64_t index) {
    uint64_t read = 0;
    duo_replog_status_t led = status_of(c->log[leader]);
    CHECK(led.role == DUO_REPLOG_LEADER && led.node == (uint64_t)leader + 1 && led.leader == led.node);
    CHECK(strcmp(led.leader_address, c->address[leader]) == 0);
    CHECK(led.members == NODES && led.term > 0 && led.first == 1);
    CHECK(led.commit >= index && led.durable >= led.commit && led.last >= led.durable);
    CHECK(led.last_term == led.term && led.window_bytes > 0);
    CHECK(strcmp(led.address, c->address[leader]) == 0);
    for (int at = 0; at < NODES; at++) {
        while (duo_replog_read_index(c->log[at], 1000000000, &read) != DUO_OK) {
        }
        duo_replog_status_t status = status_of(c->log[at]);
        CHECK(status.leader == led.node && status.term == led.term && status.commit >= index);
        CHECK(status.applied >= index);
        CHECK(at == leader || status.role == DUO_REPLOG_FOLLOWER);
    }
}

static void a_leader_knows_how_far_the_others_are(cluster *c, int leader, uint64_t index) {
    duo_replog_peer peers[NODES];
    size_t n = 9;
    do {
        OK(duo_replog_peers(c->log[leader], peers, NODES, &n));
        CHECK(n == NODES - 1);
    } while (peers[0].matched < index || peers[1].matched < index);
    CHECK(peers[0].node < peers[1].node && peers[0].node != (uint64_t)leader + 1);
    CHECK(peers[0].next > index && peers[0].in_snapshot == 0);
    GIVES(DUO_ERR_TOO_LARGE, duo_replog_peers(c->log[leader], peers, 1, &n));
    CHECK(n == NODES - 1);
    OK(duo_replog_peers(c->log[(leader + 1) % NODES], NULL, 0, &n));
    CHECK(n == 0);
}

static void a_host_that_knows_less_gets_what_it_knows(cluster *c) {
    duo_replog_status_t status;
    memset(&status, 7, sizeof status);
    status.struct_size = offsetof(duo_replog_status_t, applied);
    OK(duo_replog_status(c->log[0], &status));
    CHECK(status.node == 1 && status.last > 0);
    CHECK(status.applied == UINT64_C(0x0707070707070707) && status.address[0] == 7);
}

static void members_have_addresses(cluster *c) {
    duo_replog_member_t members[NODES];
    size_t n = 9;
    OK(duo_replog_members(c->log[0], NULL, 0, &n));
    CHECK(n == NODES);
    OK(duo_replog_members(c->log[0], members, NODES, &n));
    for (int at = 0; at < NODES; at++) {
        CHECK(members[at].node == (uint64_t)at + 1 && members[at].parts == DUO_REPLOG_VOTER);
        CHECK(strcmp(members[at].address, c->address[at]) == 0);
    }
    GIVES(DUO_ERR_TOO_LARGE, duo_replog_members(c->log[0], members, 1, &n));
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_replog_members(c->log[0], NULL, 1, &n));
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_replog_members(c->log[0], members, NODES, NULL));
}

static void figures_are_json(cluster *c, int leader) {
    char text[16384];
    size_t len = 0;
    OK(duo_replog_json(c->log[leader], NULL, 0, &len));
    CHECK(len > 100);
    OK(duo_replog_json(c->log[leader], text, sizeof text, &len));
    CHECK(strlen(text) == len && text[0] == '{' && text[len - 1] == '}');
    CHECK(strstr(text, "\"role\":\"leader\"") != NULL && strstr(text, "\"peers\":[{\"node\":") != NULL);
    CHECK(strstr(text, c->address[0]) != NULL && strstr(text, "\"net\":{\"sent\":") != NULL);
    CHECK(strstr(text, "\"stats\":{\"node\":") != NULL && strstr(text, "\"commit_seconds\":{\"count\":") != NULL);
    GIVES(DUO_ERR_TOO_LARGE, duo_replog_json(c->log[leader], text, 10, &len));
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_replog_status(c->log[leader], NULL));
}

/* Value of a sample with this name and label; every line of `text` is a comment or a sample. */
static double sample_of(const char *text, const char *wanted) {
    double found = -1.0;
    for (const char *line = text; *line != 0;) {
        const char *end = strchr(line, '\n'), *labels = strchr(line, '{'), *value = strstr(line, "} ");
        CHECK(end != NULL);
        if (strncmp(line, "# HELP duochain_log_", 20) != 0 && strncmp(line, "# TYPE duochain_log_", 20) != 0) {
            char *rest = NULL;
            CHECK(strncmp(line, "duochain_log_", 13) == 0 && labels != NULL && value != NULL && value < end);
            double number = strtod(value + 2, &rest);
            CHECK(rest == end && number >= 0.0);
            if (strncmp(line, wanted, strlen(wanted)) == 0) {
                CHECK(found < 0.0 && value + 1 == line + strlen(wanted));
                found = number;
            }
        }
        line = end + 1;
    }
    return found;
}

static void figures_are_samples_too(cluster *c, int leader) {
    static char text[64 << 10];
    char wanted[96];
    size_t len = 0, needed = 0;
    const uint64_t commit = status_of(c->log[leader]).commit;
    OK(duo_replog_prometheus(c->log[leader], NULL, 0, &needed));
    CHECK(needed > 1000);
    OK(duo_replog_prometheus(c->log[leader], text, sizeof text, &len));
    CHECK(strlen(text) == len && text[len - 1] == '\n');
    snprintf(wanted, sizeof wanted, "duochain_log_role{node=\"%d\"}", leader + 1);
    CHECK(sample_of(text, wanted) == 3.0);
    snprintf(wanted, sizeof wanted, "duochain_log_commit_index{node=\"%d\"}", leader + 1);
    CHECK(sample_of(text, wanted) >= (double)commit);
    snprintf(wanted, sizeof wanted, "duochain_log_peer_connected{node=\"%d\",peer=\"%d\"}", leader + 1,
             (leader + 1) % NODES + 1);
    CHECK(sample_of(text, wanted) == 1.0);
    GIVES(DUO_ERR_TOO_LARGE, duo_replog_prometheus(c->log[leader], text, 10, &len));
    CHECK(len > 10);
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_replog_prometheus(c->log[leader], text, sizeof text, NULL));
}

typedef struct {
    duo_replog *log;
    uint64_t leader;
} watcher;

/* Waits on from one change to the next until `leader` leads. */
static void *watches(void *argument) {
    const watcher *w = (const watcher *)argument;
    duo_replog_status_t status = DUO_REPLOG_STATUS_INIT;
    do {
        const uint64_t seen = status.changes;
        OK(duo_replog_wait_status(w->log, seen, PATIENCE_NS, &status));
        CHECK(status.changes != seen);
    } while (status.leader != w->leader);
    return NULL;
}

static void whoever_waits_is_told_who_leads(cluster *c, int leader) {
    const int next = (leader + 1) % NODES;
    watcher watchers[NODES];
    pthread_t threads[NODES];
    uint64_t index = 0;
    for (int at = 0; at < NODES; at++) {
        watchers[at].log = c->log[at];
        watchers[at].leader = (uint64_t)next + 1;
        threads[at] = start(watches, &watchers[at]);
    }
    /* The request, or a vote, gets lost where a connection is in the making, so it is repeated. */
    do {
        for (int at = 0; at < NODES; at++) {
            (void)duo_replog_transfer(c->log[at], (uint64_t)next + 1, PATIENCE_NS);
        }
    } while (append_anywhere(c, "after", &index) != next);
    for (int at = 0; at < NODES; at++) {
        finish(threads[at]);
    }
}

static void *waits_for_the_end(void *argument) {
    duo_replog *log = (duo_replog *)argument;
    duo_replog_status_t status = DUO_REPLOG_STATUS_INIT;
    duo_status outcome;
    do {
        outcome = duo_replog_wait_status(log, status.changes, DUO_WAIT_FOREVER, &status);
    } while (outcome == DUO_OK);
    CHECK(outcome == DUO_ERR_CLOSED);
    return NULL;
}

static void nothing_new_is_a_timeout_and_the_end_ends_the_wait(cluster *c) {
    duo_replog_status_t status = status_of(c->log[0]);
    duo_replog_status_t old = DUO_REPLOG_STATUS_INIT;
    duo_status outcome;
    CHECK(status.changes > 0);
    do { /* an election may come in between */
        outcome = duo_replog_wait_status(c->log[0], status.changes, 1000000, &status);
    } while (outcome == DUO_OK);
    CHECK(outcome == DUO_TIMEOUT);
    OK(duo_replog_wait_status(c->log[0], 0, 0, &status));
    CHECK(status.node == 1 && status.members == NODES);
    /* A host that was built before there was such a field. */
    old.struct_size = (uint32_t)offsetof(duo_replog_status_t, changes);
    OK(duo_replog_wait_status(c->log[0], 0, 0, &old));
    CHECK(old.node == 1 && old.changes == 0);
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_replog_wait_status(c->log[0], 0, 0, NULL));
    pthread_t thread = start(waits_for_the_end, c->log[0]);
    OK(duo_replog_close(c->log[0], PATIENCE_NS));
    finish(thread);
    GIVES(DUO_ERR_CLOSED, duo_replog_wait_status(c->log[0], 0, 0, &status));
}

int main(void) {
    cluster c;
    uint64_t index = 0;
    start_cluster(&c);
    int leader = append_anywhere(&c, "first", &index);
    all_agree_on_the_leader(&c, leader, index);
    a_leader_knows_how_far_the_others_are(&c, leader, index);
    a_host_that_knows_less_gets_what_it_knows(&c);
    members_have_addresses(&c);
    figures_are_json(&c, leader);
    figures_are_samples_too(&c, leader);
    whoever_waits_is_told_who_leads(&c, leader);
    nothing_new_is_a_timeout_and_the_end_ends_the_wait(&c);
    end_cluster(&c);
    return 0;
}
