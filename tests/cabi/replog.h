/* Three replicas of a log in this process, over loopback, in a folder of their own. */
#ifndef REPLOG_H
#define REPLOG_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "check.h"

#include <ftw.h>
#include <time.h>
#include <unistd.h>

enum { NODES = 3, NODES_MAX = 4 };

/* A machine under load must not look like one that is down: most of these programs ask one leader to the end. */
#ifdef SLOW
#define ELECTION_NS UINT64_C(5000000000)
#else
#define ELECTION_NS UINT64_C(1000000000)
#endif

typedef struct {
    char dir[64];
    char address[NODES_MAX][32];
    duo_replog_member members[NODES_MAX];
    duo_replog *log[NODES_MAX]; /* NULL: not open */
} cluster;

/* An address that no other program has, so that nobody takes a port of it while its owner is closed: all of 127/8 is
   this machine, and each program has one cluster. `number` is the program's. */
static inline void places_of(cluster *c, unsigned number) {
    for (int at = 0; at < NODES_MAX; at++) {
        snprintf(c->address[at], sizeof c->address[at], "127.%u.%u.%u:%d", 64 | (number >> 16 & 63),
                 number >> 8 & 255, number & 255, 23000 + at);
        c->members[at].node = (uint64_t)at + 1;
        c->members[at].address = c->address[at];
    }
}

static inline void find_places(cluster *c) { places_of(c, (unsigned)getpid()); }

/* Options of node `at`, counted from 0; `dir` has room for its directory. */
static inline duo_replog_options options_of(const cluster *c, int at, char *dir, size_t room) {
    duo_replog_options options = DUO_REPLOG_OPTIONS_INIT;
    snprintf(dir, room, "%s/n%d", c->dir, at + 1);
    options.dir = dir;
    options.listen = c->address[at];
    options.members = c->members;
    options.members_len = NODES;
    options.node = (uint64_t)at + 1;
    memcpy(options.cluster, "log of the tests", DUO_CLUSTER_BYTES);
    options.election_min_ns = ELECTION_NS;
    options.election_max_ns = 2 * ELECTION_NS;
    options.disk_stall_max_ns = 10 * ELECTION_NS;
    options.batch_bytes_max = 64 << 10;
    options.segment_bytes = 1 << 20;
    return options;
}

static inline void open_node(cluster *c, int at) {
    char dir[96];
    duo_replog_options options = options_of(c, at, dir, sizeof dir);
    OK(duo_replog_open(&options, &c->log[at]));
}

static inline void close_node(cluster *c, int at) {
    OK(duo_replog_destroy(c->log[at]));
    c->log[at] = NULL;
}

/* A cluster without an open node. */
static inline void make_cluster(cluster *c) {
    memset(c, 0, sizeof *c);
    strcpy(c->dir, "replog-XXXXXX");
    CHECK(mkdtemp(c->dir) != NULL);
    find_places(c);
}

static inline void start_cluster(cluster *c) {
    make_cluster(c);
    for (int at = 0; at < NODES; at++) {
        open_node(c, at);
    }
}

static inline int remove_one(const char *path, const struct stat *about, int kind, struct FTW *place) {
    (void)about, (void)kind, (void)place;
    return remove(path);
}

static inline void end_cluster(cluster *c) {
    for (int at = 0; at < NODES_MAX; at++) {
        OK(duo_replog_destroy(c->log[at]));
    }
    CHECK(nftw(c->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS) == 0);
}

static inline uint64_t leader_by_last_error(void) {
    duo_error_info last = DUO_ERROR_INFO_INIT;
    OK(duo_last_error(&last));
    CHECK(last.status == DUO_ERR_NOT_LEADER);
    return last.detail;
}

static inline void pause_briefly(void) {
    struct timespec span = {0, 1000000};
    nanosleep(&span, NULL);
}

/* Appends as a client does: where the answer says, again when nobody leads. Gives who took it. */
static inline int append_anywhere(cluster *c, const char *text, uint64_t *index) {
    int at = 0;
    duo_replog_receipt receipt;
    for (int tries = 0; tries < 60000; tries++) {
        duo_status status = DUO_AGAIN;
        if (c->log[at] != NULL) {
            status = duo_replog_append(c->log[at], text, strlen(text), NULL, PATIENCE_NS, &receipt);
        }
        if (status == DUO_OK) {
            *index = receipt.index;
            return at;
        }
        /* Leaders come and go: DUO_ERR_CONFLICT says that it never will be in the log. */
        CHECK(status == DUO_AGAIN || status == DUO_ERR_NOT_LEADER || status == DUO_ERR_CONFLICT);
        uint64_t leader = status == DUO_ERR_NOT_LEADER ? leader_by_last_error() : 0;
        int known = leader > 0 && leader <= NODES_MAX && c->log[leader - 1] != NULL;
        at = known ? (int)leader - 1 : (at + 1) % NODES;
        pause_briefly();
    }
    CHECK(!"nobody leads");
    return -1;
}

/* Options of the only node of a cluster, where no other node of the test is. */
static inline duo_replog_options alone(const cluster *c, char *dir, size_t room) {
    duo_replog_options options = options_of(c, 3, dir, room);
    options.members = &c->members[3];
    options.members_len = 1;
    return options;
}

/* Until it is committed by the only node of a cluster. */
static inline duo_replog_receipt append_to(duo_replog *log, const char *text, uint64_t session, uint64_t sequence) {
    duo_replog_append_options options = DUO_REPLOG_APPEND_OPTIONS_INIT;
    duo_replog_receipt receipt;
    options.session = session;
    options.sequence = sequence;
    duo_status status;
    while ((status = duo_replog_append(log, text, strlen(text), &options, PATIENCE_NS, &receipt)) != DUO_OK) {
        CHECK(status == DUO_AGAIN || status == DUO_ERR_NOT_LEADER);
        pause_briefly();
    }
    return receipt;
}

/* Until every open node says who leads: those that a majority did without may not have heard it yet, and what they
   are asked meanwhile is refused. */
static inline void wait_until_led(cluster *c, int leader) {
    for (int at = 0; at < NODES_MAX; at++) {
        duo_replog_status_t status = DUO_REPLOG_STATUS_INIT;
        while (c->log[at] != NULL && status.leader != (uint64_t)leader + 1) {
            pause_briefly();
            OK(duo_replog_status(c->log[at], &status));
        }
    }
}

/* Who leads, as every open node knows. */
static inline int leader_of_all(cluster *c) {
    uint64_t index = 0;
    int leader = append_anywhere(c, "who leads?", &index);
    wait_until_led(c, leader);
    return leader;
}

#endif
