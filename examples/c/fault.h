/* Why something failed, in words. */
#ifndef FAULT_H
#define FAULT_H

#include <stdbool.h>

#if defined(__GNUC__)
#define FAULT_FORMAT(at) __attribute__((format(printf, at, at + 1)))
#else
#define FAULT_FORMAT(at)
#endif

/* Room for a path and a sentence. Empty while all is well. */
typedef struct fault {
    char text[5120];
} fault;

/* Keeps the first reason. Always false, so that a function can fail with it. */
bool fault_set(fault *why, const char *format, ...) FAULT_FORMAT(2);

/* The library's message for the call that just failed on this thread. Always false. */
bool fault_library(fault *why);

bool fault_memory(fault *why);

#endif
