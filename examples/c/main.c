/*
 * The main job: feed transactions into both chains, watch them become final, and prove that what came out is
 * what went in.
 *
 * run [--input PATH|-] [--count N] [--seed S] [--producers P] [--scale N] [--data-dir DIR] [--backend B]
 *
 * Exit status 0: all final, as sent. 1: not so. 2: could not be tried.
 */
#define _POSIX_C_SOURCE 200809L

#include "directory.h"
#include "display.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CLOSE_NS INT64_C(30000000000)
#define SECOND_NS UINT64_C(1000000000)
/* Alpha's blocks are five times as far apart as Delta's. */
#define ALPHA_DELTA_RATIO 5

typedef enum { PROVEN = 0, NOT_PROVEN = 1, NOT_TRIED = 2 } outcome;

static bool set(duo_config *config, const char *key, const char *value, fault *why) {
    return duo_config_set(config, key, value, strlen(value)) == DUO_OK || fault_library(why);
}

/* Several finality times without any progress mean that something is lost. */
static bool patience(const duo_config *config, const options *wanted, uint64_t *nanos, fault *why) {
    char text[32];
    size_t size;
    if (duo_config_get(config, "delta.block_interval_ms", text, sizeof text, &size) != DUO_OK)
        return fault_library(why);
    *nanos = strtoull(text, NULL, 10) * 1000000 * ALPHA_DELTA_RATIO * 12 / wanted->scale;
    if (*nanos < 30 * SECOND_NS)
        *nanos = 30 * SECOND_NS;
    return true;
}

static bool open_node(const options *wanted, const char *path, duo_node **node, uint64_t *patience_ns, fault *why) {
    duo_config *config = NULL;
    char scale[32];
    bool opened;
    snprintf(scale, sizeof scale, "%" PRIu64, wanted->scale);
    if (duo_config_create(&config) != DUO_OK)
        return fault_library(why);
    opened = set(config, "data_dir", path, why) && set(config, "storage.backend", wanted->backend, why) &&
             set(config, "time.scale", scale, why) && patience(config, wanted, patience_ns, why);
    if (opened && duo_node_open(config, node) != DUO_OK)
        opened = fault_library(why);
    duo_config_destroy(config);
    return opened;
}

static bool close_node(const duo_node *node, duo_head heads[CHAINS], fault *why) {
    duo_status status;
    size_t at;
    for (at = 0; at < CHAINS; at++)
        if (duo_node_head(node, CHAIN_NUMBERS[at], &heads[at]) != DUO_OK)
            return fault_library(why);
    status = duo_node_close(node, CLOSE_NS);
    if (status == DUO_TIMEOUT)
        return fault_set(why, "the node did not stop in time");
    return status == DUO_OK || fault_library(why);
}

/* From the first record to the verdict, on an open node. */
static outcome prove(const options *wanted, duo_node *node, records *from, uint64_t patience_ns, fault *why) {
    duo_head heads[CHAINS] = {DUO_HEAD_INIT, DUO_HEAD_INIT};
    verifier proof;
    display screen;
    feed all;
    uint64_t sent = 0;
    bool sound;
    outcome end = NOT_TRIED;
    if (!verifier_start(&proof, node, wanted->producers, why))
        return NOT_TRIED;
    display_start(&screen, node, &proof, wanted);
    if (!feed_start(&all, node, &proof, from, wanted->producers, why)) {
        verifier_stop(&proof, why);
        verifier_free(&proof);
        return NOT_TRIED;
    }
    display_until_final(&screen, &all, patience_ns);
    /* Each of them ends what it began, whatever the others say; the first reason counts. */
    sound = feed_stop(&all, &sent, why);
    sound = verifier_stop(&proof, why) && sound;
    sound = close_node(node, heads, why) && sound;
    if (sound)
        end = display_table(&screen, heads, sent) ? PROVEN : NOT_PROVEN;
    verifier_free(&proof);
    return end;
}

static outcome run(const options *wanted, records *from, fault *why) {
    directory place;
    duo_node *node = NULL;
    uint64_t patience_ns = 0;
    outcome end = NOT_TRIED;
    if (!directory_open(&place, wanted->data_dir, why))
        return NOT_TRIED;
    if (open_node(wanted, place.path, &node, &patience_ns, why)) {
        end = prove(wanted, node, from, patience_ns, why);
        if (duo_node_destroy(node) != DUO_OK && end == PROVEN) {
            fault_library(why);
            end = NOT_TRIED;
        }
    }
    directory_close(&place);
    return end;
}

int main(int argc, char **argv) {
    static records from; /* its buffer is large for a stack */
    options wanted;
    fault why = {""};
    outcome end = NOT_TRIED;
    /* A reader of the output that goes away must not leave the directory behind. */
    signal(SIGPIPE, SIG_IGN);
    if (duo_check_abi(DUO_ABI_VERSION, NULL) != DUO_OK)
        fault_library(&why);
    else if (options_parse(&wanted, argc, argv, &why) && records_open(&from, &wanted, &why)) {
        end = run(&wanted, &from, &why);
        records_close(&from);
    }
    if (end == NOT_TRIED)
        fprintf(stderr, "run: %s\n", why.text);
    return (int)end;
}
