/* What the C tests share: checks that name their line, threads, and a fast node. */
#ifndef CHECK_H
#define CHECK_H

#include "duochain.h"
#include "in_time.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifndef CHECK /* a C++ program may include check.h and check.hpp */
#define CHECK(condition)                                                                       \
    do {                                                                                       \
        if (!(condition)) {                                                                    \
            fprintf(stderr, "%s:%d: %s does not hold\n", __FILE__, __LINE__, #condition);      \
            exit(1);                                                                           \
        }                                                                                      \
    } while (0)
#endif

/* The call returns the status, and for an error the last error of the thread is that status. */
#define GIVES(expected, call) check_status(__FILE__, __LINE__, #call, (expected), (call))
#define OK(call) GIVES(DUO_OK, call)

static inline void check_status(const char *file, int line, const char *call, duo_status expected,
                                duo_status found) {
    char message[DUO_MESSAGE_BYTES_MAX + 1];
    duo_error_info last = DUO_ERROR_INFO_INIT;
    duo_last_error_message(message, sizeof message);
    if (found != expected) {
        fprintf(stderr, "%s:%d: %s gave %s instead of %s; last error: %s\n", file, line, call,
                duo_status_name(found), duo_status_name(expected), message);
        exit(1);
    }
    if (found < 0 && (duo_last_error(&last) != DUO_OK || last.status != (int32_t)found ||
                      last.message_bytes == 0)) {
        fprintf(stderr, "%s:%d: %s left no matching last error\n", file, line, call);
        exit(1);
    }
}

/* The message of the last error contains the text. */
static inline int last_says(const char *text) {
    char message[DUO_MESSAGE_BYTES_MAX + 1];
    duo_last_error_message(message, sizeof message);
    return strstr(message, text) != NULL;
}

static inline pthread_t start(void *(*body)(void *), void *argument) {
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, body, argument) == 0);
    return thread;
}

static inline void finish(pthread_t thread) { CHECK(pthread_join(thread, NULL) == 0); }

static inline void set(duo_config *config, const char *key, const char *value) {
    OK(duo_config_set(config, key, value, strlen(value)));
}

/* Delta blocks every 3 ms, in memory. */
static inline duo_config *fast_config(void) {
    duo_config *config = NULL;
    OK(duo_config_create(&config));
    set(config, "storage.backend", "memory");
    set(config, "time.scale", "1000");
    set(config, "queue.cells", "64");
    return config;
}

static inline duo_node *fast_node(void) {
    duo_config *config = fast_config();
    duo_node *node = NULL;
    OK(duo_node_open(config, &node));
    OK(duo_config_destroy(config));
    return node;
}

/* Far longer than anything here takes: only a hang meets it. */
#define PATIENCE_NS INT64_C(120000000000)
/* Handles that were never given out. */
#define INVENTED(type) ((type *)(uintptr_t)0x123456789abcdef0)

#endif
