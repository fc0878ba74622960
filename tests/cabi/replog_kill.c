/* Replicated logs: hosts that are processes of their own, this program with arguments; whoever leads is killed, again and
   again. What was acknowledged is there once, and the same on all. */
#include "replog.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>

enum { KILLS = 4, BATCH = 10, BATCHES = 15, ACKS_MAX = 1 << 16, TEXT = 32 };

extern char **environ;

/* ---- The host: appends while its node leads and says what was acknowledged, until its input ends. ---- */

static void text_of(char *out, uint64_t session, uint64_t sequence) {
    snprintf(out, TEXT, "%llu:%llu", (unsigned long long)session, (unsigned long long)sequence);
}

static int input_is_over(void) {
    struct pollfd in = {0, POLLIN, 0};
    char byte;
    return poll(&in, 1, 0) > 0 && read(0, &byte, 1) <= 0;
}

/* The same identity until somebody says that it is in. */
static int append_batch(duo_replog *log, uint64_t session, uint64_t sequence) {
    char text[BATCH][TEXT];
    duo_iovec entries[BATCH];
    duo_replog_append_options options = DUO_REPLOG_APPEND_OPTIONS_INIT;
    duo_replog_receipt receipt;
    duo_status status = DUO_TIMEOUT;
    options.session = session;
    options.sequence = sequence;
    for (int at = 0; at < BATCH; at++) {
        text_of(text[at], session, sequence + (uint64_t)at);
        entries[at].data = text[at];
        entries[at].len = strlen(text[at]);
    }
    while (status != DUO_OK) {
        if (input_is_over()) {
            return 0;
        }
        status = duo_replog_append_batch(log, entries, BATCH, &options, 1000000000, &receipt);
        CHECK(status == DUO_OK || status == DUO_AGAIN || status == DUO_TIMEOUT || status == DUO_ERR_NOT_LEADER ||
              status == DUO_ERR_CONFLICT);
        if (status != DUO_OK) {
            pause_briefly();
        }
    }
    return 1;
}

static int host(char **argv) {
    cluster c;
    char dir[96], line[64];
    const int at = atoi(argv[3]);
    const uint64_t session = strtoull(argv[4], NULL, 10);
    memset(&c, 0, sizeof c);
    snprintf(c.dir, sizeof c.dir, "%s", argv[1]);
    places_of(&c, (unsigned)strtoul(argv[2], NULL, 10));
    duo_replog_options options = options_of(&c, at, dir, sizeof dir);
    /* This process is not slowed down. */
    options.election_min_ns = 300000000;
    options.election_max_ns = 600000000;
    OK(duo_replog_open(&options, &c.log[at]));
    for (uint64_t sequence = 1; append_batch(c.log[at], session, sequence); sequence += BATCH) {
        int len = snprintf(line, sizeof line, "a %llu %llu end\n", (unsigned long long)session,
                           (unsigned long long)sequence);
        CHECK(write(1, line, (size_t)len) == len);
    }
    OK(duo_replog_destroy(c.log[at]));
    return 0;
}

/* ---- The other side: starts hosts, hears them, kills them. ---- */

typedef struct {
    pid_t pid;
    int in, out; /* of the host */
    char line[256];
    size_t len;
} process;

typedef struct {
    uint64_t session, sequence;
} ack;

static ack acks[ACKS_MAX];
static int acks_len;
static uint64_t sessions;

static void start_host(const cluster *c, process *p, const char *program, int at) {
    char number[16], place[16], session[24];
    int in[2], out[2];
    posix_spawn_file_actions_t files;
    snprintf(number, sizeof number, "%u", (unsigned)getpid());
    snprintf(place, sizeof place, "%d", at);
    snprintf(session, sizeof session, "%llu", (unsigned long long)++sessions);
    char *argv[] = {(char *)program, (char *)c->dir, number, place, session, NULL};
    /* Nobody else holds their ends, so that they end with this process and with the host. */
    CHECK(pipe2(in, O_CLOEXEC) == 0 && pipe2(out, O_CLOEXEC) == 0);
    CHECK(posix_spawn_file_actions_init(&files) == 0);
    CHECK(posix_spawn_file_actions_adddup2(&files, in[0], 0) == 0);
    CHECK(posix_spawn_file_actions_adddup2(&files, out[1], 1) == 0);
    CHECK(posix_spawn(&p->pid, program, &files, NULL, argv, environ) == 0);
    CHECK(posix_spawn_file_actions_destroy(&files) == 0);
    close(in[0]), close(out[1]);
    p->in = in[1];
    p->out = out[0];
    p->len = 0;
}

/* Takes the whole lines that have come; the last one may be cut. */
static void take_lines(process *p) {
    char *from = p->line, *end;
    p->line[p->len] = 0;
    while ((end = strchr(from, '\n')) != NULL) {
        unsigned long long session = 0, sequence = 0;
        int len = 0;
        CHECK(sscanf(from, "a %llu %llu end%n", &session, &sequence, &len) == 2 && from + len == end);
        CHECK(acks_len < ACKS_MAX);
        acks[acks_len].session = session;
        acks[acks_len++].sequence = sequence;
        from = end + 1;
    }
    p->len -= (size_t)(from - p->line);
    memmove(p->line, from, p->len);
}

/* Reads what a host has said; 0 at its end. */
static int hear_one(process *p) {
    ssize_t got = read(p->out, p->line + p->len, sizeof p->line - 1 - p->len);
    CHECK(got >= 0 || errno == EINTR);
    p->len += got > 0 ? (size_t)got : 0;
    take_lines(p);
    return got != 0;
}

/* Hears until so many more have come, of others than `without`. Gives who said the last one. */
static int hear(process *all, int more, int without) {
    int last = -1;
    while (more > 0) {
        struct pollfd of[NODES];
        for (int at = 0; at < NODES; at++) {
            of[at].fd = at == without ? -1 : all[at].out;
            of[at].events = POLLIN;
        }
        /* Nobody acknowledges anything for a minute: that is a failure. */
        CHECK(poll(of, NODES, 60000) > 0);
        for (int at = 0; at < NODES; at++) {
            if (of[at].revents != 0) {
                int before = acks_len;
                CHECK(hear_one(&all[at]));
                more -= acks_len - before;
                last = acks_len > before ? at : last;
            }
        }
    }
    return last;
}

/* Waits for a host's end, with what it said before that. */
static int end_of(process *p) {
    int status = 0;
    while (hear_one(p)) {
    }
    CHECK(waitpid(p->pid, &status, 0) == p->pid);
    close(p->out);
    return status;
}

/* ---- What the directories hold. ---- */

typedef struct {
    char text[TEXT];
} word;

static int compare(const void *a, const void *b) { return strcmp(((const word *)a)->text, ((const word *)b)->text); }

/* All entries of a node up to `last`, in order. */
static word *words_of(duo_replog *log, uint64_t last, size_t *count) {
    static duo_replog_entry entries[512];
    static char buf[512 * TEXT];
    size_t room = 1024, n = 0, len = 0;
    word *words = (word *)malloc(room * sizeof *words);
    *count = 0;
    for (uint64_t from = 1; from <= last;) {
        OK(duo_replog_read(log, from, entries, 512, buf, sizeof buf, PATIENCE_NS, &n, &len));
        for (size_t at = 0; at < n && entries[at].index <= last; at++) {
            if (*count == room) {
                room *= 2;
                words = (word *)realloc(words, room * sizeof *words);
            }
            CHECK(words != NULL && entries[at].len < TEXT);
            memcpy(words[*count].text, buf + entries[at].offset, entries[at].len);
            words[(*count)++].text[entries[at].len] = 0;
        }
        from = entries[n - 1].index + 1;
    }
    return words;
}

static void what_was_acknowledged_is_there_once_and_the_same_on_all(cluster *c) {
    uint64_t last = 0;
    size_t count = 0, other = 0;
    for (int at = 0; at < NODES; at++) {
        open_node(c, at);
    }
    append_anywhere(c, "the end", &last);
    word *words = words_of(c->log[0], last, &count);
    for (int at = 1; at < NODES; at++) {
        word *same = words_of(c->log[at], last, &other);
        CHECK(other == count);
        for (size_t i = 0; i < count; i++) {
            CHECK(strcmp(words[i].text, same[i].text) == 0);
        }
        free(same);
    }
    qsort(words, count, sizeof *words, compare);
    for (size_t i = 1; i < count; i++) {
        CHECK(strcmp(words[i - 1].text, words[i].text) != 0);
    }
    for (int i = 0; i < acks_len; i++) {
        for (uint64_t more = 0; more < BATCH; more++) {
            word wanted;
            text_of(wanted.text, acks[i].session, acks[i].sequence + more);
            CHECK(bsearch(&wanted, words, count, sizeof *words, compare) != NULL);
        }
    }
    free(words);
}

int main(int argc, char **argv) {
    cluster c;
    process all[NODES];
    if (argc > 1) {
        return host(argv);
    }
    make_cluster(&c);
    for (int at = 0; at < NODES; at++) {
        start_host(&c, &all[at], argv[0], at);
    }
    for (int kill_number = 0; kill_number < KILLS; kill_number++) {
        int leader = hear(all, BATCHES, -1);
        CHECK(kill(all[leader].pid, SIGKILL) == 0);
        int status = end_of(&all[leader]);
        CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
        close(all[leader].in);
        hear(all, 1, leader);
        start_host(&c, &all[leader], argv[0], leader);
    }
    hear(all, BATCHES, -1);
    for (int at = 0; at < NODES; at++) {
        close(all[at].in);
    }
    for (int at = 0; at < NODES; at++) {
        int status = end_of(&all[at]);
        CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    }
    CHECK(acks_len >= KILLS * BATCHES);
    what_was_acknowledged_is_there_once_and_the_same_on_all(&c);
    end_cluster(&c);
    return 0;
}
