/* Retry policies: delays, jitter, and giving up. */
#include "check.h"

#define MILLIS INT64_C(1000000)

static void delays_grow_and_attempts_end(void) {
    duo_retry_options options = DUO_RETRY_OPTIONS_INIT;
    duo_retry_stats_t stats = DUO_RETRY_STATS_INIT;
    duo_retry *retry = NULL;
    int64_t delay = 9;
    options.flags = DUO_RETRY_NO_JITTER;
    OK(duo_retry_create(&options, &retry));
    OK(duo_retry_after(retry, 1, 0, DUO_FAULT_RETRYABLE, 1, &delay));
    CHECK(delay == 100 * MILLIS);
    OK(duo_retry_after(retry, 2, 150 * MILLIS, DUO_FAULT_RETRYABLE, 2, &delay));
    CHECK(delay == 200 * MILLIS);
    delay = 9;
    GIVES(DUO_END, duo_retry_after(retry, 3, 400 * MILLIS, DUO_FAULT_RETRYABLE, 3, &delay));
    GIVES(DUO_END, duo_retry_after(retry, 1, 9950 * MILLIS, DUO_FAULT_RETRYABLE, 3, &delay));
    GIVES(DUO_END, duo_retry_after(retry, 1, 0, DUO_FAULT_PERMANENT, 3, &delay));
    GIVES(DUO_END, duo_retry_after(retry, 1, 0, DUO_FAULT_CALLER, 3, &delay));
    CHECK(delay == 9);
    OK(duo_retry_stats(retry, &stats));
    CHECK(stats.retries == 2 && stats.not_retryable == 2);
    CHECK(stats.attempts_spent == 1 && stats.time_spent == 1);
    OK(duo_retry_destroy(retry));
}

static void chance_moves_a_delay_by_a_quarter(void) {
    duo_retry *retry = NULL;
    int64_t least = 0, most = 0;
    OK(duo_retry_create(NULL, &retry));
    OK(duo_retry_after(retry, 1, 0, DUO_FAULT_RETRYABLE, 0, &least));
    OK(duo_retry_after(retry, 1, 0, DUO_FAULT_RETRYABLE, UINT64_MAX, &most));
    CHECK(least == 75 * MILLIS && most > 124 * MILLIS && most <= 125 * MILLIS);
    OK(duo_retry_destroy(retry));
}

static void wrong_arguments_are_refused(void) {
    duo_retry_options options = DUO_RETRY_OPTIONS_INIT;
    duo_retry *retry = NULL;
    int64_t delay = 0;
    options.attempts = 1001;
    GIVES(DUO_ERR_CONFIG, duo_retry_create(&options, &retry));
    CHECK(retry == NULL && last_says("retry attempts"));
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_retry_create(NULL, NULL));
    OK(duo_retry_create(NULL, &retry));
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_retry_after(retry, 0, 0, 0, 0, &delay));
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_retry_after(retry, 1, -1, 0, 0, &delay));
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_retry_after(retry, 1, 0, 3, 0, &delay));
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_retry_after(retry, 1, 0, 0, 0, NULL));
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_retry_stats(retry, NULL));
    OK(duo_retry_destroy(retry));
    GIVES(DUO_ERR_BAD_HANDLE, duo_retry_after(retry, 1, 0, 0, 0, &delay));
    OK(duo_retry_destroy(NULL));
}

int main(void) {
    delays_grow_and_attempts_end();
    chance_moves_a_delay_by_a_quarter();
    wrong_arguments_are_refused();
    return 0;
}
