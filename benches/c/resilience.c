/*
 * What a call that succeeds costs through each policy, from C. Usage: resilience CALLS
 *
 * Nothing is refused. A breaker and a stack are asked and told, two calls of the library each of which reads the clock; a
 * permit is taken and given back. Prints lines of JSON, see src/guest.rs.
 */
#include "side.h"

#include <duochain.h>

static duo_breaker *breaker;
static duo_limiter *limiter;
static duo_bulkhead *bulkhead;
static duo_stack *stack;

/* As in src/suites/resilience/side.rs: more than can be used up. */
static void open_policies(void) {
    duo_limiter_options tokens = DUO_LIMITER_OPTIONS_INIT;
    tokens.tokens = 1000000000;
    tokens.burst = 1 << 30;
    tokens.period_ns = 1000000000;
    duo_bulkhead_options permits = DUO_BULKHEAD_OPTIONS_INIT;
    permits.permits = 1 << 14;
    permits.queue = 16;
    expect(duo_breaker_create(NULL, &breaker) == DUO_OK, "no breaker");
    expect(duo_limiter_create(&tokens, &limiter) == DUO_OK, "no limiter");
    expect(duo_bulkhead_create(&permits, &bulkhead) == DUO_OK, "no bulkhead");
    expect(duo_stack_create(breaker, limiter, bulkhead, NULL, &stack) == DUO_OK, "no stack");
}

static void close_policies(void) {
    expect(duo_stack_destroy(stack) == DUO_OK, "the stack does not end");
    expect(duo_bulkhead_destroy(bulkhead) == DUO_OK, "the bulkhead does not end");
    expect(duo_limiter_destroy(limiter) == DUO_OK, "the limiter does not end");
    expect(duo_breaker_destroy(breaker) == DUO_OK, "the breaker does not end");
}

typedef int once_fn(void);

INLINE int limited(void) {
    return duo_limiter_acquire(limiter, 1) == DUO_OK;
}

INLINE int broken(void) {
    uint64_t ticket;
    return duo_breaker_ask(breaker, &ticket) == DUO_OK &&
           duo_breaker_report(breaker, ticket, DUO_OUTCOME_SUCCESS) == DUO_OK;
}

INLINE int permitted(void) {
    return duo_bulkhead_acquire(bulkhead) == DUO_OK && duo_bulkhead_release(bulkhead) == DUO_OK;
}

INLINE int stacked(void) {
    uint64_t ticket;
    return duo_stack_enter(stack, &ticket) == DUO_OK &&
           duo_stack_leave(stack, ticket, DUO_OUTCOME_SUCCESS) == DUO_OK;
}

INLINE void loop(once_fn *once, size_t calls) {
    for (size_t i = 0; i < calls; i++)
        expect(once(), "everything is let through");
}

/* Inlined into each of its uses, so that none goes through a pointer. A tenth goes before, for caches. */
INLINE void measure(const char *scenario, once_fn *once, size_t calls) {
    loop(once, calls / 10);
    uint64_t begun = now_nanos();
    loop(once, calls);
    double nanos = (double)(now_nanos() - begun) / (double)calls;
    printf("{\"scenario\": \"%s\", \"side\": \"duochain\", \"value\": %.4f}\n", scenario, nanos);
}

int main(int count, char **arguments) {
    expect(count == 2, "usage: resilience CALLS");
    size_t calls = strtoul(arguments[1], NULL, 10);
    expect(calls > 0, "no calls");
    open_policies();
    measure("C: rate limiter", limited, calls);
    measure("C: breaker", broken, calls);
    measure("C: bulkhead", permitted, calls);
    measure("C: circuit + rate + bulkhead", stacked, calls);
    close_policies();
    return 0;
}
