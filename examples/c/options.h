/* Command line. */
#ifndef OPTIONS_H
#define OPTIONS_H

#include "fault.h"

#include <stdint.h>

typedef struct options {
    const char *input;    /* a file, "-" for standard input; NULL: generated */
    uint64_t count;       /* transactions to generate */
    uint64_t seed;        /* of the generator */
    uint64_t producers;   /* threads that submit */
    uint64_t scale;       /* how many times faster than real time */
    const char *data_dir; /* NULL: a fresh one, removed afterwards */
    const char *backend;  /* the state store */
} options;

/* Texts point into the arguments. */
bool options_parse(options *wanted, int argc, char **argv, fault *why);

#endif
