/* Replicated logs over TLS: whose files are taken, who takes part, and files that are exchanged. The harness has put
   certificates into the folder `tls`. */
#include "replog.h"

/* Of one node, as the options name them. */
typedef struct {
    char certificate[128], key[128], authority[128];
} files;

static files files_of(const char *folder, const char *who, const char *authority) {
    files named;
    snprintf(named.certificate, sizeof named.certificate, "%s/%s.pem", folder, who);
    snprintf(named.key, sizeof named.key, "%s/%s.key", folder, who);
    snprintf(named.authority, sizeof named.authority, "%s/%s.pem", folder, authority);
    return named;
}

static duo_replog_options with(duo_replog_options options, const files *named) {
    options.tls_certificate = named->certificate;
    options.tls_key = named->key;
    options.tls_authority = named->authority;
    return options;
}

static void open_with(cluster *c, int at, const files *named) {
    char dir[96];
    duo_replog_options options = with(options_of(c, at, dir, sizeof dir), named);
    OK(duo_replog_open(&options, &c->log[at]));
}

static void open_member(cluster *c, int at) {
    char who[24];
    snprintf(who, sizeof who, "node-%d", at + 1);
    files own = files_of("tls", who, "authority");
    open_with(c, at, &own);
}

static int has_tls(void) {
    uint64_t bits = 0;
    OK(duo_features(&bits));
    return (bits & DUO_FEATURE_TLS) != 0;
}

static void a_library_without_it_refuses_the_options(const cluster *c) {
    char dir[96];
    duo_replog *log = NULL;
    files own = files_of("tls", "node-1", "authority");
    duo_replog_options options = with(options_of(c, 0, dir, sizeof dir), &own);
    GIVES(DUO_ERR_UNSUPPORTED, duo_replog_open(&options, &log));
    CHECK(last_says("TLS") && log == NULL && access(dir, F_OK) != 0);
}

static void some_of_the_options_are_refused(const cluster *c) {
    char dir[96];
    duo_replog *log = NULL;
    files own = files_of("tls", "node-1", "authority");
    const duo_replog_options good = with(options_of(c, 0, dir, sizeof dir), &own);
    for (int named = 1; named < 7; named++) {
        duo_replog_options options = good;
        options.tls_certificate = named & 1 ? good.tls_certificate : NULL;
        options.tls_key = named & 2 ? good.tls_key : NULL;
        options.tls_authority = named & 4 ? good.tls_authority : NULL;
        GIVES(DUO_ERR_INVALID_ARGUMENT, duo_replog_open(&options, &log));
        CHECK(last_says(named & 1 ? named & 2 ? "tls_authority is NULL" : "tls_key is NULL" : "tls_certificate is NULL"));
    }
    CHECK(log == NULL && access(dir, F_OK) != 0);
}

/* An opening with one path exchanged is refused with `text`. */
static void refused(const cluster *c, const char *certificate, const char *key, const char *authority,
                    const char *text) {
    char dir[96];
    duo_replog *log = NULL;
    duo_replog_options options = options_of(c, 0, dir, sizeof dir);
    options.tls_certificate = certificate;
    options.tls_key = key;
    options.tls_authority = authority;
    GIVES(DUO_ERR_CONFIG, duo_replog_open(&options, &log));
    if (!last_says(text)) {
        char message[DUO_MESSAGE_BYTES_MAX + 1];
        duo_last_error_message(message, sizeof message);
        fprintf(stderr, "\"%s\" is not in: %s\n", text, message);
        exit(1);
    }
    /* Nothing was made, and nobody listens. */
    CHECK(log == NULL && access(dir, F_OK) != 0);
}

static void files_that_do_not_fit_are_named(const cluster *c) {
    const files own = files_of("tls", "node-1", "authority");
    char none[96], latin[] = "tls/\xe9.pem";
    snprintf(none, sizeof none, "%s/none.pem", c->dir);
    FILE *file = fopen(none, "w");
    CHECK(file != NULL && fputs("not PEM\n", file) >= 0 && fclose(file) == 0);
    refused(c, "tls/absent.pem", own.key, own.authority, "tls/absent.pem");
    refused(c, own.certificate, "tls/absent.key", own.authority, "tls/absent.key");
    refused(c, own.certificate, own.key, "tls/absent.pem", "tls/absent.pem");
    refused(c, "", own.key, own.authority, "certificate \"\"");
    refused(c, own.certificate, "", own.authority, "key \"\"");
    refused(c, own.certificate, own.key, "", "authority \"\"");
    refused(c, none, own.key, own.authority, "none.pem: no certificate in it");
    refused(c, own.certificate, none, own.authority, "none.pem: no private key");
    refused(c, own.certificate, own.key, none, "none.pem: no certificate in it");
    refused(c, own.key, own.key, own.authority, "node-1.key: no certificate in it");
    refused(c, own.certificate, own.certificate, own.authority, "node-1.pem: no private key");
    refused(c, "tls", own.key, own.authority, "tls: ");
    refused(c, own.certificate, "tls/node-2.key", own.authority, "node-2.key");
    refused(c, "tls/node-2.pem", "tls/node-2.key", own.authority, "node-2.pem: it does not name node-1.");
    refused(c, own.certificate, own.key, "tls/foreign.pem", "node-1.pem: as a server");
    duo_replog *log = NULL;
    char dir[96];
    duo_replog_options options = with(options_of(c, 0, dir, sizeof dir), &own);
    options.tls_key = latin;
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_replog_open(&options, &log));
    CHECK(last_says("tls_key") && log == NULL);
}

/* A program that was compiled before there were these fields. What stands behind its struct is not looked at. */
static void a_shorter_struct_opens_in_clear(cluster *c) {
    char dir[96];
    const files nowhere = files_of("nowhere", "nobody", "nothing");
    duo_replog_options options = with(options_of(c, 0, dir, sizeof dir), &nowhere);
    options.struct_size = offsetof(duo_replog_options, tls_certificate);
    OK(duo_replog_open(&options, &c->log[0]));
    OK(duo_replog_reload_tls(c->log[0])); /* has nothing to read */
    OK(duo_replog_close(c->log[0], 0));
    GIVES(DUO_ERR_CLOSED, duo_replog_reload_tls(c->log[0]));
    close_node(c, 0);
    GIVES(DUO_ERR_BAD_HANDLE, duo_replog_reload_tls(INVENTED(duo_replog)));
}

/* Lets `name` in the cluster's folder lead to a file of the folder `tls`. */
static void point(const cluster *c, const char *name, const char *to) {
    char link[96], target[64];
    snprintf(link, sizeof link, "%s/%s", c->dir, name);
    snprintf(target, sizeof target, "../tls/%s", to);
    unlink(link);
    CHECK(symlink(target, link) == 0);
}

/* How many connections node `at` has refused since it was opened, for want of trust in who called. */
static long distrusted(const cluster *c, int at) {
    char json[32768];
    size_t len = 0;
    OK(duo_replog_json(c->log[at], json, sizeof json, &len));
    const char *place = strstr(json, "\"net_refused\":{");
    CHECK(place != NULL && (place = strstr(place, "\"untrusted\":")) != NULL);
    return strtol(place + strlen("\"untrusted\":"), NULL, 10);
}

/* An append that the third node has as well, as it can only with connections in both directions. */
static void append_on_all(cluster *c, const char *text) {
    duo_replog_append_options options = DUO_REPLOG_APPEND_OPTIONS_INIT;
    duo_replog_receipt receipt;
    uint64_t index = 0;
    int leader = append_anywhere(c, text, &index);
    for (int at = 0; at < NODES; at++) {
        duo_replog_entry entry;
        char buf[64];
        size_t n = 0, len = 0;
        OK(duo_replog_read(c->log[at], index, &entry, 1, buf, sizeof buf, PATIENCE_NS, &n, &len));
        CHECK(n == 1 && entry.index == index && len == strlen(text) && memcmp(buf, text, len) == 0);
    }
    options.wait = DUO_REPLOG_WAIT_ALL;
    duo_status status = duo_replog_append(c->log[leader], text, strlen(text), &options, PATIENCE_NS, &receipt);
    /* Leaders come and go; else every voter has it. */
    CHECK(status == DUO_OK || status == DUO_PARTIAL || status == DUO_AGAIN || status == DUO_ERR_NOT_LEADER ||
          status == DUO_ERR_CONFLICT);
}

static void a_stranger_takes_no_part_until_its_files_are_exchanged(cluster *c) {
    duo_replog_entry entry;
    char buf[64];
    size_t n = 0, len = 0;
    uint64_t index = 0;
    const files third = files_of(c->dir, "third", "trusted");
    open_member(c, 0);
    open_member(c, 1);
    /* The third one's certificate names it, and is signed by somebody else. */
    point(c, "third.pem", "stranger.pem");
    point(c, "third.key", "stranger.key");
    point(c, "trusted.pem", "foreign.pem");
    open_with(c, 2, &third);
    append_anywhere(c, "secret", &index);
    while (distrusted(c, 0) == 0 || distrusted(c, 1) == 0 || distrusted(c, 2) == 0) {
        pause_briefly();
    }
    CHECK(duo_replog_read(c->log[2], 1, &entry, 1, buf, sizeof buf, 0, &n, &len) == DUO_TIMEOUT);
    /* With its own it belongs to them, without being opened again. */
    point(c, "third.pem", "node-3.pem");
    point(c, "third.key", "node-3.key");
    point(c, "trusted.pem", "authority.pem");
    OK(duo_replog_reload_tls(c->log[2]));
    append_on_all(c, "shared");
}

static void files_that_are_bad_when_read_again_change_nothing(cluster *c) {
    point(c, "third.key", "node-2.key"); /* half of an exchange */
    GIVES(DUO_ERR_CONFIG, duo_replog_reload_tls(c->log[2]));
    CHECK(last_says("third.key"));
    point(c, "third.pem", "absent.pem");
    GIVES(DUO_ERR_CONFIG, duo_replog_reload_tls(c->log[2]));
    CHECK(last_says("third.pem"));
    append_on_all(c, "still there");
    /* For connections that are new too. */
    close_node(c, 0);
    open_member(c, 0);
    append_on_all(c, "and for new ones");
}

int main(void) {
    cluster c;
    memset(&c, 0, sizeof c);
    strcpy(c.dir, "replog-XXXXXX");
    CHECK(mkdtemp(c.dir) != NULL);
    find_places(&c);
    some_of_the_options_are_refused(&c);
    if (has_tls()) {
        files_that_do_not_fit_are_named(&c);
        a_shorter_struct_opens_in_clear(&c);
        a_stranger_takes_no_part_until_its_files_are_exchanged(&c);
        files_that_are_bad_when_read_again_change_nothing(&c);
    } else {
        a_library_without_it_refuses_the_options(&c);
        a_shorter_struct_opens_in_clear(&c);
    }
    end_cluster(&c);
    return 0;
}
