/* Breakers: asked, reported, opened, probed, saved. */
#include "check.h"

#define MILLIS INT64_C(1000000)
#define HOUR (INT64_C(3600) * 1000 * MILLIS)

static duo_breaker *breaker_of(uint32_t min_requests, uint64_t timeout_ns) {
    duo_breaker_options options = DUO_BREAKER_OPTIONS_INIT;
    duo_breaker *breaker = NULL;
    options.min_requests = min_requests;
    options.timeout_ns = timeout_ns;
    OK(duo_breaker_create(&options, &breaker));
    return breaker;
}

static duo_breaker_stats_t stats_of(duo_breaker *breaker) {
    duo_breaker_stats_t stats = DUO_BREAKER_STATS_INIT;
    OK(duo_breaker_stats(breaker, &stats));
    return stats;
}

static void call(duo_breaker *breaker, uint32_t outcome) {
    uint64_t ticket = 0;
    OK(duo_breaker_ask(breaker, &ticket));
    OK(duo_breaker_report(breaker, ticket, outcome));
}

static void failures_open_it_and_an_open_one_refuses(void) {
    duo_breaker *breaker = breaker_of(4, HOUR);
    uint64_t ticket = 9;
    call(breaker, DUO_OUTCOME_SUCCESS);
    call(breaker, DUO_OUTCOME_ABANDONED);
    call(breaker, DUO_OUTCOME_FAILURE);
    call(breaker, DUO_OUTCOME_FAILURE);
    CHECK(stats_of(breaker).state == DUO_BREAKER_CLOSED);
    call(breaker, DUO_OUTCOME_FAILURE);
    CHECK(stats_of(breaker).state == DUO_BREAKER_OPEN);
    GIVES(DUO_ERR_BUSY, duo_breaker_ask(breaker, &ticket));
    CHECK(ticket == 9 && last_says("open"));
    duo_breaker_stats_t stats = stats_of(breaker);
    CHECK(stats.calls == 4 && stats.failures == 3 && stats.rejected == 1 && stats.opened == 1);
    CHECK(stats.threshold_per_mille == 500);
    CHECK(stats.rejects_for_ns > 0 && stats.rejects_for_ns <= (uint64_t)HOUR);
    OK(duo_breaker_reset(breaker));
    call(breaker, DUO_OUTCOME_SUCCESS);
    OK(duo_breaker_destroy(breaker));
    GIVES(DUO_ERR_BAD_HANDLE, duo_breaker_ask(breaker, &ticket));
}

static void probes_close_it_and_one_failure_opens_it_again(void) {
    duo_breaker *breaker = breaker_of(1, MILLIS);
    uint64_t probe = 0, other = 9;
    OK(duo_breaker_trip(breaker));
    while (duo_breaker_ask(breaker, &probe) == DUO_ERR_BUSY) {
    }
    CHECK(stats_of(breaker).state == DUO_BREAKER_HALF_OPEN);
    OK(duo_breaker_report(breaker, probe, DUO_OUTCOME_FAILURE));
    CHECK(stats_of(breaker).state == DUO_BREAKER_OPEN);
    for (int successes = 0; successes < 3;) {
        if (duo_breaker_ask(breaker, &other) == DUO_OK) {
            OK(duo_breaker_report(breaker, other, DUO_OUTCOME_SUCCESS));
            successes++;
        }
    }
    CHECK(stats_of(breaker).state == DUO_BREAKER_CLOSED);
    OK(duo_breaker_report(breaker, probe, DUO_OUTCOME_FAILURE));
    CHECK(stats_of(breaker).state == DUO_BREAKER_CLOSED);
    OK(duo_breaker_destroy(breaker));
}

static void a_restart_does_not_close_it(void) {
    duo_breaker *before = breaker_of(1, HOUR), *after = breaker_of(1, HOUR);
    unsigned char bytes[64] = {0};
    size_t len = 0;
    uint64_t ticket = 0;
    OK(duo_breaker_trip(before));
    OK(duo_breaker_save(before, 1000, NULL, 0, &len));
    CHECK(len == 34);
    GIVES(DUO_ERR_TOO_LARGE, duo_breaker_save(before, 1000, bytes, 33, &len));
    OK(duo_breaker_save(before, 1000, bytes, sizeof bytes, &len));
    OK(duo_breaker_restore(after, 1000 + HOUR / 2, bytes, len));
    GIVES(DUO_ERR_BUSY, duo_breaker_ask(after, &ticket));
    CHECK(stats_of(after).rejects_for_ns <= (uint64_t)HOUR / 2);
    OK(duo_breaker_restore(after, 1000 + 2 * HOUR, bytes, len));
    OK(duo_breaker_ask(after, &ticket));
    GIVES(DUO_ERR_CORRUPTION, duo_breaker_restore(after, 0, bytes, len - 1));
    GIVES(DUO_ERR_CORRUPTION, duo_breaker_restore(after, 0, bytes, sizeof bytes));
    bytes[0] = 7;
    GIVES(DUO_ERR_CORRUPTION, duo_breaker_restore(after, 0, bytes, len));
    CHECK(last_says("version"));
    OK(duo_breaker_destroy(before));
    OK(duo_breaker_destroy(after));
}

static void wrong_arguments_are_refused(void) {
    duo_breaker_options options = DUO_BREAKER_OPTIONS_INIT;
    duo_breaker *breaker = NULL;
    uint64_t ticket = 0;
    options.threshold_per_mille = 1001;
    GIVES(DUO_ERR_CONFIG, duo_breaker_create(&options, &breaker));
    CHECK(breaker == NULL && last_says("threshold_per_mille"));
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_breaker_create(NULL, NULL));
    OK(duo_breaker_create(NULL, &breaker));
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_breaker_ask(breaker, NULL));
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_breaker_ask(NULL, &ticket));
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_breaker_report(breaker, 0, 3));
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_breaker_stats(breaker, NULL));
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_breaker_restore(breaker, 0, NULL, 34));
    GIVES(DUO_ERR_BAD_HANDLE, duo_breaker_trip(INVENTED(duo_breaker)));
    OK(duo_breaker_destroy(breaker));
    OK(duo_breaker_destroy(NULL));
}

int main(void) {
    failures_open_it_and_an_open_one_refuses();
    probes_close_it_and_one_failure_opens_it_again();
    a_restart_does_not_close_it();
    wrong_arguments_are_refused();
    return 0;
}
