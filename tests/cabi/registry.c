/* Registries: names, reports, and saved state. */
#include "check.h"

static duo_stack *stack_of(duo_breaker *breaker) {
    duo_stack *stack = NULL;
    OK(duo_stack_create(breaker, NULL, NULL, NULL, &stack));
    return stack;
}

static duo_registry *registry_of(void) {
    duo_registry *registry = NULL;
    OK(duo_registry_create(&registry));
    return registry;
}

static void names_are_found_until_they_are_removed(void) {
    duo_registry *registry = registry_of();
    duo_stack *stack = stack_of(NULL), *found = NULL;
    uint64_t ticket = 0;
    OK(duo_registry_add(registry, "peer-1", stack));
    GIVES(DUO_ERR_CONFLICT, duo_registry_add(registry, "peer-1", stack));
    GIVES(DUO_ERR_CONFIG, duo_registry_add(registry, "peer 1", stack));
    GIVES(DUO_ERR_CONFIG, duo_registry_add(registry, "", stack));
    OK(duo_stack_destroy(stack));
    OK(duo_registry_find(registry, "peer-1", &found));
    GIVES(DUO_NOT_FOUND, duo_registry_find(registry, "peer-2", &stack));
    OK(duo_registry_remove(registry, "peer-1"));
    GIVES(DUO_NOT_FOUND, duo_registry_remove(registry, "peer-1"));
    OK(duo_registry_destroy(registry));
    OK(duo_stack_enter(found, &ticket));
    OK(duo_stack_leave(found, ticket, DUO_OUTCOME_SUCCESS));
    OK(duo_stack_destroy(found));
}

static void reports_and_saved_state_name_every_breaker(void) {
    duo_registry *registry = registry_of(), *after = registry_of();
    duo_breaker *breaker = NULL, *fresh = NULL;
    duo_stack *stack = NULL, *restored_stack = NULL;
    char text[4096];
    unsigned char bytes[256] = {0};
    size_t len = 0, bytes_len = 0, restored = 9;
    uint64_t ticket = 0;
    OK(duo_breaker_create(NULL, &breaker));
    OK(duo_breaker_create(NULL, &fresh));
    stack = stack_of(breaker);
    restored_stack = stack_of(fresh);
    OK(duo_breaker_trip(breaker));
    OK(duo_registry_add(registry, "peer-1", stack));
    OK(duo_registry_add(after, "peer-1", restored_stack));
    OK(duo_registry_json(registry, NULL, 0, &len));
    CHECK(len > 0);
    GIVES(DUO_ERR_TOO_LARGE, duo_registry_json(registry, text, 3, &len));
    OK(duo_registry_json(registry, text, sizeof text, &len));
    CHECK(strlen(text) == len && strstr(text, "\"name\":\"peer-1\",\"breaker\":{\"state\":\"open\"") != NULL);
    OK(duo_registry_prometheus(registry, text, sizeof text, &len));
    CHECK(strlen(text) == len && strstr(text, "duochain_breaker_state{stack=\"peer-1\"} 1\n") != NULL);
    OK(duo_registry_save(registry, 5, bytes, sizeof bytes, &bytes_len));
    GIVES(DUO_ERR_CORRUPTION, duo_registry_restore(after, 5, bytes, bytes_len - 1, &restored));
    OK(duo_registry_restore(after, 5, bytes, bytes_len, &restored));
    CHECK(restored == 1);
    GIVES(DUO_ERR_BUSY, duo_stack_enter(restored_stack, &ticket));
    OK(duo_stack_destroy(stack));
    OK(duo_stack_destroy(restored_stack));
    OK(duo_breaker_destroy(breaker));
    OK(duo_breaker_destroy(fresh));
    OK(duo_registry_destroy(registry));
    OK(duo_registry_destroy(after));
}

static void wrong_arguments_are_refused(void) {
    duo_registry *registry = registry_of();
    duo_stack *stack = NULL;
    size_t n = 0;
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_registry_create(NULL));
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_registry_add(registry, NULL, NULL));
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_registry_add(registry, "a", NULL));
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_registry_find(registry, NULL, &stack));
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_registry_find(registry, "a", NULL));
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_registry_json(registry, NULL, 0, NULL));
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_registry_restore(registry, 0, NULL, 5, &n));
    OK(duo_registry_destroy(registry));
    GIVES(DUO_ERR_BAD_HANDLE, duo_registry_json(registry, NULL, 0, &n));
    OK(duo_registry_destroy(NULL));
}

int main(void) {
    names_are_found_until_they_are_removed();
    reports_and_saved_state_name_every_breaker();
    wrong_arguments_are_refused();
    return 0;
}
