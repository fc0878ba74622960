/* Limiters: tokens, waiting for them, and what never comes. */
#include "check.h"

#define SECOND INT64_C(1000000000)

static duo_limiter *limiter_of(uint32_t tokens, uint64_t period_ns, uint32_t burst) {
    duo_limiter_options options = DUO_LIMITER_OPTIONS_INIT;
    duo_limiter *limiter = NULL;
    options.tokens = tokens;
    options.period_ns = period_ns;
    options.burst = burst;
    OK(duo_limiter_create(&options, &limiter));
    return limiter;
}

static void the_burst_is_granted_and_the_next_is_refused(void) {
    duo_limiter *limiter = limiter_of(1, 3600 * SECOND, 5);
    duo_limiter_stats_t stats = DUO_LIMITER_STATS_INIT;
    int64_t wait = 9;
    OK(duo_limiter_ready_in(limiter, 5, &wait));
    CHECK(wait == 0);
    OK(duo_limiter_acquire(limiter, 3));
    GIVES(DUO_AGAIN, duo_limiter_acquire(limiter, 3));
    OK(duo_limiter_acquire(limiter, 2));
    OK(duo_limiter_acquire(limiter, 0));
    GIVES(DUO_AGAIN, duo_limiter_acquire(limiter, 1));
    OK(duo_limiter_ready_in(limiter, 1, &wait));
    CHECK(wait > 3000 * SECOND && wait <= 3600 * SECOND);
    GIVES(DUO_ERR_TOO_LARGE, duo_limiter_acquire(limiter, 6));
    CHECK(last_says("burst is 5"));
    GIVES(DUO_ERR_TOO_LARGE, duo_limiter_ready_in(limiter, 6, &wait));
    OK(duo_limiter_stats(limiter, &stats));
    CHECK(stats.available == 0 && stats.burst == 5 && stats.refused == 2);
    OK(duo_limiter_destroy(limiter));
}

static void a_waiting_call_gets_its_token_or_gives_up_at_once(void) {
    duo_limiter *fast = limiter_of(1000, SECOND, 1), *slow = limiter_of(1, 3600 * SECOND, 1);
    for (int n = 0; n < 5; n++) {
        OK(duo_limiter_acquire_wait(fast, 1, -1));
    }
    OK(duo_limiter_acquire_wait(slow, 1, 0));
    GIVES(DUO_TIMEOUT, duo_limiter_acquire_wait(slow, 1, 60 * SECOND));
    GIVES(DUO_ERR_TOO_LARGE, duo_limiter_acquire_wait(slow, 2, -1));
    OK(duo_limiter_destroy(fast));
    OK(duo_limiter_destroy(slow));
}

static void *wait_for_ever(void *argument) {
    duo_limiter *limiter = (duo_limiter *)argument;
    duo_status status = duo_limiter_acquire_wait(limiter, 1, -1);
    CHECK(status == DUO_ERR_CLOSED || status == DUO_ERR_BAD_HANDLE);
    return NULL;
}

static void destroying_it_ends_a_wait(void) {
    duo_limiter *limiter = limiter_of(1, 3600 * SECOND, 1);
    OK(duo_limiter_acquire(limiter, 1));
    pthread_t thread = start(wait_for_ever, limiter);
    OK(duo_limiter_destroy(limiter));
    finish(thread);
}

static void wrong_arguments_are_refused(void) {
    duo_limiter_options options = DUO_LIMITER_OPTIONS_INIT;
    duo_limiter *limiter = NULL;
    options.tokens = 2;
    options.period_ns = 1;
    GIVES(DUO_ERR_CONFIG, duo_limiter_create(&options, &limiter));
    CHECK(limiter == NULL && last_says("limiter tokens"));
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_limiter_create(NULL, NULL));
    OK(duo_limiter_create(NULL, &limiter));
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_limiter_ready_in(limiter, 1, NULL));
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_limiter_acquire(NULL, 1));
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_limiter_stats(limiter, NULL));
    OK(duo_limiter_destroy(limiter));
    GIVES(DUO_ERR_BAD_HANDLE, duo_limiter_acquire(limiter, 1));
    OK(duo_limiter_destroy(NULL));
}

int main(void) {
    the_burst_is_granted_and_the_next_is_refused();
    a_waiting_call_gets_its_token_or_gives_up_at_once();
    destroying_it_ends_a_wait();
    wrong_arguments_are_refused();
    return 0;
}
