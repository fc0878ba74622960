/* Three replicas of a log in this process, over loopback, in a folder of their own. */
#ifndef REPLOG_H
#define REPLOG_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "check.h"

#include <arpa/inet.h>
#include <ftw.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { NODES = 3, NODES_MAX = 4 };

#ifdef SLOW
#define ELECTION_NS UINT64_C(2000000000)
#else
#define ELECTION_NS UINT64_C(500000000)
#endif

typedef struct {
    char dir[64];
    char address[NODES_MAX][32];
    duo_replog_member members[NODES_MAX];
    duo_replog *log[NODES_MAX]; /* NULL: not open */
} cluster;

/* Ports that were free a moment ago: bound at the same time, so that they differ. */
static inline void find_ports(cluster *c) {
    int sockets[NODES_MAX];
    for (int at = 0; at < NODES_MAX; at++) {
        struct sockaddr_in address;
        socklen_t len = sizeof address;
        memset(&address, 0, sizeof address);
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        sockets[at] = socket(AF_INET, SOCK_STREAM, 0);
        CHECK(sockets[at] >= 0);
        CHECK(bind(sockets[at], (struct sockaddr *)&address, sizeof address) == 0);
        CHECK(getsockname(sockets[at], (struct sockaddr *)&address, &len) == 0);
        snprintf(c->address[at], sizeof c->address[at], "127.0.0.1:%u", (unsigned)ntohs(address.sin_port));
        c->members[at].node = (uint64_t)at + 1;
        c->members[at].address = c->address[at];
    }
    for (int at = 0; at < NODES_MAX; at++) {
        close(sockets[at]);
    }
}

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
    /* A machine under load must not look like one that is down. */
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

static inline void start_cluster(cluster *c) {
    memset(c, 0, sizeof *c);
    strcpy(c->dir, "replog-XXXXXX");
    CHECK(mkdtemp(c->dir) != NULL);
    find_ports(c);
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
        CHECK(status == DUO_AGAIN || status == DUO_ERR_NOT_LEADER);
        uint64_t leader = status == DUO_ERR_NOT_LEADER ? leader_by_last_error() : 0;
        int known = leader > 0 && leader <= NODES_MAX && c->log[leader - 1] != NULL;
        at = known ? (int)leader - 1 : (at + 1) % NODES;
        pause_briefly();
    }
    CHECK(!"nobody leads");
    return -1;
}

#endif
