#define _POSIX_C_SOURCE 200809L

#include "display.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* How often the lines are drawn, and how often anybody looks. */
#define REFRESH_NS UINT64_C(500000000)
#define TICK_NS 20000000

static uint64_t now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

static double seconds(uint64_t nanos) { return (double)nanos / 1e9; }

/* "12.3 ms", in one of four buffers that take turns within a line. */
static const char *millis(double value) {
    static char texts[4][32];
    static unsigned turn;
    char *text = texts[turn++ % 4];
    snprintf(text, sizeof texts[0], "%.1f ms", value);
    return text;
}

void display_start(display *screen, const duo_node *node, verifier *proof, const options *wanted) {
    memset(screen, 0, sizeof *screen);
    screen->node = node;
    screen->proof = proof;
    screen->terminal = isatty(STDOUT_FILENO) == 1;
    screen->started = screen->last_draw = now();
    if (wanted->input != NULL)
        printf("transactions: %s", wanted->input);
    else
        printf("transactions: %" PRIu64 " generated", wanted->count);
    printf(", %" PRIu64 " producers, %s store, time scale 1/%" PRIu64 "\n", wanted->producers, wanted->backend,
           wanted->scale);
    fflush(stdout);
}

/* Transactions that wait in all lanes of a chain. */
static uint64_t queued(const duo_node *node, uint32_t chain) {
    duo_lane_stats_t stats = DUO_LANE_STATS_INIT;
    uint64_t depth = 0;
    uint32_t lane;
    for (lane = 0; duo_node_lane_stats(node, chain, lane, &stats) == DUO_OK; lane++)
        depth += stats.depth;
    return depth;
}

static void draw_chain(display *screen, size_t at, double span) {
    const tally_view seen = tally_look(&screen->proof->tallies[at]);
    duo_head head = DUO_HEAD_INIT;
    /* Cannot fail on a node that is there; if it did, zeros are what is known. */
    duo_node_head(screen->node, CHAIN_NUMBERS[at], &head);
    printf("%-6s height %6" PRIu64 "  final %6" PRIu64 "  drift %8s  queued %7" PRIu64
           "  %9.0f tx/s  p50 %9s  p99 %9s%s\n",
           CHAIN_NAMES[at], head.height, head.final_height, millis((double)head.slot_drift_ns / 1e6),
           queued(screen->node, CHAIN_NUMBERS[at]), (double)(seen.finals - screen->last[at]) / span,
           millis(seen.p50), millis(seen.p99), screen->terminal ? "\033[K" : "");
    screen->last[at] = seen.finals;
}

static void draw(display *screen) {
    const double elapsed = seconds(now() - screen->last_draw);
    size_t at;
    if (screen->terminal && screen->drawn)
        fputs("\033[2A", stdout);
    for (at = 0; at < CHAINS; at++)
        draw_chain(screen, at, elapsed > 1e-3 ? elapsed : 1e-3);
    /* Output that nobody reads is no fault of this program. */
    fflush(stdout);
    screen->drawn = true;
    screen->last_draw = now();
}

/* Looks at both chains: a number that changes while anything moves, and whether nothing is outstanding. */
static uint64_t progress(verifier *proof, bool *complete) {
    uint64_t sum = 0;
    size_t at;
    *complete = true;
    for (at = 0; at < CHAINS; at++) {
        const tally_view seen = tally_look(&proof->tallies[at]);
        sum += seen.finals + seen.duplicates + seen.sent;
        *complete = *complete && tally_is_complete(&seen);
    }
    return sum;
}

/* What the node says about a stall, while it is open. */
static void note_stall(display *screen, uint64_t patience_ns) {
    size_t at;
    screen->stalled = patience_ns / 1000000000;
    for (at = 0; at < CHAINS; at++) {
        const duo_health init = DUO_HEALTH_INIT;
        screen->health[at] = init;
        /* Without an answer the reason stays empty. */
        duo_node_health(screen->node, CHAIN_NUMBERS[at], &screen->health[at]);
    }
}

void display_until_final(display *screen, feed *all, uint64_t patience_ns) {
    const struct timespec tick = {0, TICK_NS};
    uint64_t moved = now(), before = 0;
    for (;;) {
        /* In this order: what is complete after the last record stays so. */
        const bool done = feed_is_done(all);
        bool complete;
        const uint64_t current = progress(screen->proof, &complete);
        screen->finished = now();
        if ((done && complete) || feed_has_failed(all) || verifier_has_failed(screen->proof)) {
            draw(screen);
            return;
        }
        if (screen->finished - screen->last_draw >= REFRESH_NS)
            draw(screen);
        /* While nothing is outstanding, it is the input that everybody waits for. */
        if (current != before || complete) {
            before = current;
            moved = now();
        } else if (now() - moved > patience_ns) {
            draw(screen);
            note_stall(screen, patience_ns);
            return;
        }
        nanosleep(&tick, NULL);
    }
}

static void table_row(const display *screen, size_t at, const duo_head *head) {
    const tally_view seen = tally_look(&screen->proof->tallies[at]);
    const double span = seconds(screen->finished - screen->started);
    printf("%-6s %8" PRIu64 " %7" PRIu64 " %13" PRIu64 " %11" PRIu64 " %8.0f %10s %10s %9" PRIu64 "\n",
           CHAIN_NAMES[at], head->height, head->final_height, seen.finals, seen.duplicates,
           (double)seen.finals / span, millis(seen.p50), millis(seen.p99), head->restarts);
}

static void print_stall(const display *screen) {
    size_t at;
    if (screen->stalled == 0)
        return;
    printf("  nothing became final for %" PRIu64 " s\n", screen->stalled);
    for (at = 0; at < CHAINS; at++)
        if (screen->health[at].reason[0] != '\0')
            printf("  %s: %s\n", CHAIN_NAMES[at], screen->health[at].reason);
}

bool display_table(const display *screen, const duo_head heads[CHAINS], uint64_t sent) {
    tally *tallies = screen->proof->tallies;
    const bool sound = screen->stalled == 0 && tally_is_sound(&tallies[0]) && tally_is_sound(&tallies[1]);
    size_t at;
    printf("\nchain    blocks   final  transactions  duplicates     tx/s        p50        p99  restarts\n");
    for (at = 0; at < CHAINS; at++)
        table_row(screen, at, &heads[at]);
    if (sound) {
        printf("verified: %" PRIu64 " sent, %" PRIu64 " final on alpha, %" PRIu64
               " final on delta, none lost, none twice, in order, digests equal\n",
               sent, tallies[0].finals, tallies[1].finals);
    } else {
        printf("FAILED:\n");
        print_stall(screen);
        for (at = 0; at < CHAINS; at++)
            tally_print_faults(&tallies[at], CHAIN_NAMES[at]);
    }
    fflush(stdout);
    return sound;
}
