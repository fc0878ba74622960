/* Replicated logs: what keeps them on the disk. */
#include "replog.h"

/* Of the only node of a cluster. */
static duo_replog_options options_kept_in(const cluster *c, uint32_t backend, char *dir, size_t room) {
    duo_replog_options options = options_of(c, 0, dir, room);
    options.members_len = 1;
    options.log_backend = backend;
    return options;
}

static int features_have(uint64_t feature) {
    uint64_t bits = 0;
    OK(duo_features(&bits));
    return (bits & feature) != 0;
}

/* Appends, and says how many entries with this text are read. */
static int append_and_count(duo_replog *log, const char *text) {
    duo_replog_receipt receipt;
    duo_replog_entry entries[8];
    char buf[256];
    size_t n = 0, len = 0;
    int found = 0;
    duo_status status;
    while ((status = duo_replog_append(log, text, strlen(text), NULL, PATIENCE_NS, &receipt)) != DUO_OK) {
        CHECK(status == DUO_AGAIN || status == DUO_ERR_NOT_LEADER);
        pause_briefly();
    }
    for (uint64_t from = 1; from <= receipt.index; from = entries[n - 1].index + 1) {
        OK(duo_replog_read(log, from, entries, 8, buf, sizeof buf, PATIENCE_NS, &n, &len));
        for (size_t i = 0; i < n; i++) {
            found += entries[i].len == strlen(text) && memcmp(buf + entries[i].offset, text, strlen(text)) == 0;
        }
    }
    return found;
}

static void a_directory_keeps_the_kind_of_log_that_it_was_begun_with(const cluster *c, uint32_t kept,
                                                                     uint32_t other) {
    char dir[96];
    duo_replog *log = NULL;
    duo_replog_options options = options_kept_in(c, kept, dir, sizeof dir);
    snprintf(dir + strlen(dir), sizeof dir - strlen(dir), "-%u", kept);
    for (int times = 1; times <= 2; times++) {
        OK(duo_replog_open(&options, &log));
        CHECK(append_and_count(log, "kept") == times);
        OK(duo_replog_destroy(log));
    }
    log = NULL;
    options.log_backend = other;
    const duo_status refused = features_have(DUO_FEATURE_ROCKSDB) ? DUO_ERR_CONFIG : DUO_ERR_UNSUPPORTED;
    GIVES(refused, duo_replog_open(&options, &log));
    CHECK(log == NULL && last_says("rocksdb"));
}

static void a_closed_log_gives_its_directory_back_before_it_is_destroyed(const cluster *c, uint32_t kept) {
    char dir[96];
    duo_replog *closed = NULL, *next = NULL;
    duo_replog_entry entry;
    char buf[8];
    size_t n = 0, len = 0;
    duo_replog_options options = options_kept_in(c, kept, dir, sizeof dir);
    snprintf(dir + strlen(dir), sizeof dir - strlen(dir), "-back-%u", kept);
    OK(duo_replog_open(&options, &closed));
    CHECK(append_and_count(closed, "kept") == 1);
    OK(duo_replog_close(closed, PATIENCE_NS));
    OK(duo_replog_open(&options, &next));
    CHECK(append_and_count(next, "kept") == 2);
    /* What was read last is in memory, perhaps. */
    const duo_status shown = duo_replog_read(closed, 1, &entry, 1, buf, sizeof buf, 0, &n, &len);
    CHECK(shown == DUO_OK || (shown == DUO_ERR_CLOSED && kept == DUO_LOG_BACKEND_ROCKSDB));
    OK(duo_replog_destroy(closed));
    OK(duo_replog_destroy(next));
}

static void what_is_none_is_refused(const cluster *c) {
    char dir[96];
    duo_replog *log = NULL;
    const duo_replog_options options = options_kept_in(c, 7, dir, sizeof dir);
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_replog_open(&options, &log));
    CHECK(log == NULL && last_says("7 is not a DUO_LOG_BACKEND_*") && access(dir, F_OK) != 0);
}

int main(void) {
    cluster c;
    make_cluster(&c);
    what_is_none_is_refused(&c);
    a_directory_keeps_the_kind_of_log_that_it_was_begun_with(&c, DUO_LOG_BACKEND_SEGMENTS,
                                                             DUO_LOG_BACKEND_ROCKSDB);
    a_closed_log_gives_its_directory_back_before_it_is_destroyed(&c, DUO_LOG_BACKEND_SEGMENTS);
    if (features_have(DUO_FEATURE_ROCKSDB)) {
        a_directory_keeps_the_kind_of_log_that_it_was_begun_with(&c, DUO_LOG_BACKEND_ROCKSDB,
                                                                 DUO_LOG_BACKEND_SEGMENTS);
        a_closed_log_gives_its_directory_back_before_it_is_destroyed(&c, DUO_LOG_BACKEND_ROCKSDB);
    }
    end_cluster(&c);
    return 0;
}
