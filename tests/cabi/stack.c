/* Stacks: circuit, rate and bulkhead in one call. */
#include "check.h"

static duo_limiter *limiter_of(uint32_t burst) {
    duo_limiter_options options = DUO_LIMITER_OPTIONS_INIT;
    duo_limiter *limiter = NULL;
    options.tokens = 1;
    options.period_ns = UINT64_C(3600000000000);
    options.burst = burst;
    OK(duo_limiter_create(&options, &limiter));
    return limiter;
}

static duo_bulkhead *bulkhead_of(uint32_t permits) {
    duo_bulkhead_options options = DUO_BULKHEAD_OPTIONS_INIT;
    duo_bulkhead *bulkhead = NULL;
    options.permits = permits;
    OK(duo_bulkhead_create(&options, &bulkhead));
    return bulkhead;
}

static void each_part_refuses_in_its_turn(void) {
    duo_breaker *breaker = NULL;
    duo_limiter *limiter = limiter_of(3);
    duo_bulkhead *bulkhead = bulkhead_of(1);
    duo_limiter_stats_t tokens = DUO_LIMITER_STATS_INIT;
    duo_bulkhead_stats_t permits = DUO_BULKHEAD_STATS_INIT;
    duo_stack *stack = NULL;
    uint64_t ticket = 0, other = 9;
    OK(duo_breaker_create(NULL, &breaker));
    OK(duo_stack_create(breaker, limiter, bulkhead, NULL, &stack));
    OK(duo_breaker_trip(breaker));
    GIVES(DUO_ERR_BUSY, duo_stack_enter(stack, &other));
    OK(duo_limiter_stats(limiter, &tokens));
    CHECK(tokens.available == 3);
    OK(duo_breaker_reset(breaker));
    OK(duo_stack_enter(stack, &ticket));
    GIVES(DUO_AGAIN, duo_stack_enter(stack, &other));
    OK(duo_stack_leave(stack, ticket, DUO_OUTCOME_SUCCESS));
    OK(duo_stack_enter(stack, &ticket));
    OK(duo_stack_leave(stack, ticket, DUO_OUTCOME_FAILURE));
    GIVES(DUO_AGAIN, duo_stack_enter(stack, &other));
    OK(duo_bulkhead_stats(bulkhead, &permits));
    CHECK(permits.in_use == 0 && permits.taken == 2 && other == 9);
    OK(duo_breaker_destroy(breaker));
    OK(duo_limiter_destroy(limiter));
    OK(duo_bulkhead_destroy(bulkhead));
    GIVES(DUO_AGAIN, duo_stack_enter(stack, &other));
    OK(duo_stack_destroy(stack));
}

static void a_stack_without_parts_lets_everything_through(void) {
    duo_stack *stack = NULL;
    uint64_t ticket = 9;
    OK(duo_stack_create(NULL, NULL, NULL, NULL, &stack));
    OK(duo_stack_enter(stack, &ticket));
    OK(duo_stack_leave(stack, ticket, DUO_OUTCOME_ABANDONED));
    OK(duo_stack_destroy(stack));
}

static void wrong_arguments_are_refused(void) {
    duo_stack *stack = NULL;
    uint64_t ticket = 0;
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_stack_create(NULL, NULL, NULL, NULL, NULL));
    GIVES(DUO_ERR_BAD_HANDLE, duo_stack_create(INVENTED(duo_breaker), NULL, NULL, NULL, &stack));
    CHECK(stack == NULL);
    OK(duo_stack_create(NULL, NULL, NULL, NULL, &stack));
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_stack_enter(stack, NULL));
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_stack_enter(NULL, &ticket));
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_stack_leave(stack, 0, 3));
    OK(duo_stack_destroy(stack));
    GIVES(DUO_ERR_BAD_HANDLE, duo_stack_enter(stack, &ticket));
    OK(duo_stack_destroy(NULL));
}

int main(void) {
    each_part_refuses_in_its_turn();
    a_stack_without_parts_lets_everything_through();
    wrong_arguments_are_refused();
    return 0;
}
