/* Records: a 4-byte little-endian length and that many bytes, from a file, a pipe or the generator. */
#ifndef RECORDS_H
#define RECORDS_H

#include "fault.h"
#include "generator.h"
#include "options.h"

/* Largest record: the node's default for a transaction. */
#define RECORD_BYTES_MAX (1u << 20)

/* Bytes on the heap; whoever holds them frees them. */
typedef struct record {
    uint8_t *bytes;
    size_t size;
} record;

typedef enum { RECORD_READ, RECORD_END, RECORD_FAULT } record_outcome;

/* Where records come from. One thread reads. */
typedef struct records {
    generator source;
    uint64_t left;    /* to generate */
    int input;        /* a descriptor; -1: generated */
    int stop;         /* a descriptor: readable once nobody waits for more */
    bool stopped;     /* it is, and that was seen */
    const char *name; /* of the input, in faults */
    uint64_t number;  /* of the next record */
    uint64_t offset;  /* where it begins */
    size_t first;     /* bytes of the buffer that were not taken yet */
    size_t end;
    uint8_t buffer[1 << 16];
} records;

bool records_open(records *from, const options *wanted, fault *why);
void records_close(records *from);

record_outcome records_next(records *from, record *out, fault *why);

/* Ends a records_next of another thread that waits for input, and all later ones. */
bool records_stop(records *from, fault *why);

#endif
