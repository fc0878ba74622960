/* The live lines and the table at the end. */
#ifndef DISPLAY_H
#define DISPLAY_H

#include "feed.h"
#include "options.h"

typedef struct display {
    const duo_node *node;
    verifier *proof;
    bool terminal;
    bool drawn;
    uint64_t started; /* nanoseconds of a clock that only goes forward */
    uint64_t finished;
    uint64_t last_draw;
    uint64_t last[CHAINS];
    uint64_t stalled;          /* seconds of patience that ran out; 0: none */
    duo_health health[CHAINS]; /* when they did */
} display;

/* Starts the clock and prints the title. */
void display_start(display *screen, const duo_node *node, verifier *proof, const options *wanted);

/*
 * Draws until everything is final, or a thread has failed and says why when it is stopped, or what was sent
 * does not become final for `patience_ns`, which the table tells.
 */
void display_until_final(display *screen, feed *all, uint64_t patience_ns);

/* The table and the verdict; true when all is well. */
bool display_table(const display *screen, const duo_head heads[CHAINS], uint64_t sent);

#endif
