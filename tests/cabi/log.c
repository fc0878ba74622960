/* The log: callback with drop, refusal of calls from inside it, and the polled buffer. */
#include "check.h"

struct seen {
    unsigned records;
    unsigned drops;
    unsigned refused;
};

static void on_record(void *user, int32_t level, const char *target, size_t target_len,
                      const char *message, size_t message_len) {
    struct seen *seen = (struct seen *)user;
    duo_config *config = NULL;
    CHECK(level >= DUO_LOG_ERROR && level <= DUO_LOG_DEBUG);
    CHECK(target != NULL && target_len > 0 && message != NULL && message_len > 0);
    seen->records++;
    if (duo_config_create(&config) == DUO_ERR_REENTRANT &&
        duo_set_log_callback(NULL, NULL, NULL, 0) == DUO_ERR_REENTRANT &&
        duo_abi_version() == DUO_ABI_VERSION && config == NULL) {
        seen->refused++;
    }
}

static void ignores(void *user, int32_t level, const char *target, size_t target_len,
                    const char *message, size_t message_len) {
    (void)user, (void)level, (void)target, (void)target_len, (void)message, (void)message_len;
}

static void on_drop(void *user) { ((struct seen *)user)->drops++; }

/* Something that the library logs. */
static void make_records(void) {
    duo_node *node = fast_node();
    OK(duo_node_close(node, PATIENCE_NS));
    OK(duo_node_destroy(node));
}

static void a_callback_sees_records_and_may_not_call_back(void) {
    struct seen first = {0, 0, 0}, second = {0, 0, 0};
    OK(duo_set_log_callback(on_record, &first, on_drop, DUO_LOG_DEBUG));
    make_records();
    OK(duo_set_log_callback(on_record, &second, on_drop, DUO_LOG_ERROR));
    CHECK(first.drops == 1 && second.drops == 0);
    CHECK(first.refused == first.records);
    OK(duo_set_log_callback(NULL, NULL, NULL, 0));
    CHECK(second.drops == 1);
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_set_log_callback(on_record, &first, on_drop, 9));
    CHECK(first.drops == 1);
}

static void *polls(void *unused) {
    duo_log_record record;
    size_t n = 0;
    (void)unused;
    GIVES(DUO_ERR_CLOSED, duo_log_poll(&record, 1, &n));
    OK(duo_set_log_callback(NULL, NULL, NULL, 0));
    return NULL;
}

/* As a host does whose logging thread ends with the sink. */
static void joins(void *user) {
    finish(start(polls, NULL));
    ++*(int *)user;
}

static void what_is_dropped_may_wait_for_threads_inside_the_library(void) {
    int drops = 0;
    OK(duo_set_log_callback(ignores, &drops, joins, DUO_LOG_ERROR));
    OK(duo_set_log_callback(NULL, NULL, NULL, 0));
    CHECK(drops == 1);
}

static void a_buffer_is_polled(void) {
    duo_log_record records[4];
    size_t n = 99;
    GIVES(DUO_ERR_CLOSED, duo_log_poll(records, 4, &n));
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_set_log_buffer(0, 8));
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_set_log_buffer(DUO_LOG_INFO, 0));
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_set_log_buffer(DUO_LOG_INFO, SIZE_MAX));
    OK(duo_set_log_buffer(DUO_LOG_DEBUG, 2));
    GIVES(DUO_AGAIN, duo_log_poll(records, 4, &n));
    CHECK(n == 0);
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_log_poll(records, 4, NULL));
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_log_poll(NULL, 4, &n));
    make_records();
    while (duo_log_poll(records, 4, &n) == DUO_OK) {
        CHECK(n > 0 && n <= 2);
        for (size_t at = 0; at < n; at++) {
            CHECK(records[at].time_unix_ns > 0 && records[at].message[0] != 0);
            CHECK(records[at].level >= DUO_LOG_ERROR && records[at].level <= DUO_LOG_DEBUG);
        }
    }
    OK(duo_set_log_callback(NULL, NULL, NULL, 0));
    GIVES(DUO_ERR_CLOSED, duo_log_poll(records, 4, &n));
}

int main(void) {
    a_callback_sees_records_and_may_not_call_back();
    what_is_dropped_may_wait_for_threads_inside_the_library();
    a_buffer_is_polled();
    return 0;
}
