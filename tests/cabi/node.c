/* Nodes: submissions in every form end in exactly one completion. */
#include "check.h"

#include <poll.h>

/* Polls until `count` completions came; all must be final. */
static void await(duo_node *node, size_t count, duo_completion *last) {
    duo_completion done[16];
    size_t n = 0;
    while (count > 0) {
        OK(duo_node_poll_completions(node, done, 16, PATIENCE_NS, &n));
        CHECK(n > 0 && n <= count);
        for (size_t at = 0; at < n; at++) {
            CHECK(done[at].status == DUO_OK && done[at].height > 0 && done[at].op > 0);
            CHECK(done[at].finalized_ns >= done[at].submitted_ns);
        }
        *last = done[n - 1];
        count -= n;
    }
}

static void a_submission_becomes_final(void) {
    duo_node *node = fast_node();
    duo_completion done;
    uint64_t op = 0;
    uint8_t id[DUO_HASH_BYTES];
    OK(duo_node_submit(node, DUO_CHAIN_ALPHA, 0, "record", 6, &op));
    await(node, 1, &done);
    OK(duo_tx_id(DUO_CHAIN_ALPHA, "record", 6, id));
    CHECK(done.op == op && done.chain == DUO_CHAIN_ALPHA && memcmp(done.tx, id, sizeof id) == 0);
    OK(duo_node_submit_wait(node, DUO_CHAIN_DELTA, 3, "later", 5, PATIENCE_NS, &op));
    await(node, 1, &done);
    CHECK(done.op == op && done.chain == DUO_CHAIN_DELTA);
    OK(duo_node_submit_detached(node, DUO_CHAIN_DELTA, 0, "quiet", 5));
    OK(duo_node_close(node, PATIENCE_NS));
    OK(duo_node_close(node, 0));
    OK(duo_node_destroy(node));
}

static void batches_and_flat_batches_number_their_items(void) {
    duo_node *node = fast_node();
    char texts[20][8];
    duo_iovec items[20];
    uint32_t lens[20];
    uint64_t ops[20];
    duo_completion done;
    size_t accepted = 0;
    for (unsigned at = 0; at < 20; at++) {
        lens[at] = (uint32_t)snprintf(texts[at], sizeof texts[at], "tx-%02u", at);
        items[at].data = texts[at];
        items[at].len = lens[at];
    }
    OK(duo_node_submit_batch(node, DUO_CHAIN_DELTA, 0, items, 20, ops, &accepted));
    CHECK(accepted == 20);
    for (size_t at = 1; at < 20; at++) {
        CHECK(ops[at] > ops[at - 1]); /* in order; each chain numbers its own */
    }
    await(node, 20, &done);
    OK(duo_node_submit_flat(node, DUO_CHAIN_ALPHA, 1, texts, sizeof texts[0], lens, 20, ops, &accepted));
    CHECK(accepted == 20);
    await(node, 20, &done);
    OK(duo_node_submit_batch(node, DUO_CHAIN_DELTA, 0, NULL, 0, NULL, &accepted));
    CHECK(accepted == 0);
    OK(duo_node_destroy(node));
}

static void a_claim_is_submitted_once(void) {
    duo_node *node = fast_node();
    duo_claim claim, other;
    duo_completion done;
    uint64_t op = 0;
    OK(duo_node_claim(node, DUO_CHAIN_DELTA, 2, 5, &claim));
    CHECK(claim.chain == DUO_CHAIN_DELTA && claim.lane == 2 && claim.len == 5);
    memcpy(claim.data, "place", 5);
    OK(duo_node_commit(node, &claim, &op));
    GIVES(DUO_ERR_BAD_HANDLE, duo_node_commit(node, &claim, &op));
    await(node, 1, &done);
    CHECK(done.op == op);
    OK(duo_node_claim(node, DUO_CHAIN_ALPHA, 0, 9, &other));
    OK(duo_node_abort(node, &other));
    GIVES(DUO_ERR_BAD_HANDLE, duo_node_abort(node, &other));
    other.chain = 7;
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_node_abort(node, &other));
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_node_abort(node, NULL));
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_node_commit(node, &other, NULL));
    OK(duo_node_destroy(node));
}

static void the_descriptor_says_when_to_poll(void) {
    duo_node *node = fast_node();
    duo_completion done;
    uint64_t op = 0;
    size_t n = 0;
    int32_t fd = -1;
    OK(duo_node_completion_fd(node, &fd));
    CHECK(fd >= 0);
    OK(duo_node_submit(node, DUO_CHAIN_DELTA, 0, "ping", 4, &op));
    do {
        struct pollfd ready = {fd, POLLIN, 0};
        CHECK(poll(&ready, 1, 120000) == 1);
    } while (duo_node_poll_completions(node, &done, 1, 0, &n) == DUO_TIMEOUT);
    CHECK(n == 1 && done.op == op);
    OK(duo_node_destroy(node));
}

static void *polls_until_the_end(void *argument) {
    duo_node *node = (duo_node *)argument;
    duo_completion done;
    size_t n = 0;
    duo_status status;
    do {
        status = duo_node_poll_completions(node, &done, 1, DUO_WAIT_FOREVER, &n);
    } while (status == DUO_OK);
    CHECK(status == DUO_END || status == DUO_ERR_BAD_HANDLE);
    return NULL;
}

static void closing_and_destroying_end_the_wait_of_others(void) {
    duo_node *node = fast_node();
    duo_completion done;
    uint64_t op = 0;
    size_t n = 7;
    pthread_t thread = start(polls_until_the_end, node);
    GIVES(DUO_TIMEOUT, duo_node_poll_completions(node, &done, 1, 1000, &n));
    CHECK(n == 0);
    OK(duo_node_close(node, PATIENCE_NS));
    finish(thread);
    GIVES(DUO_END, duo_node_poll_completions(node, &done, 1, DUO_WAIT_FOREVER, &n));
    GIVES(DUO_ERR_CLOSED, duo_node_submit(node, DUO_CHAIN_DELTA, 0, "x", 1, &op));
    GIVES(DUO_ERR_CLOSED, duo_node_submit_wait(node, DUO_CHAIN_DELTA, 0, "x", 1, -1, &op));
    OK(duo_node_destroy(node));

    node = fast_node();
    thread = start(polls_until_the_end, node);
    GIVES(DUO_TIMEOUT, duo_node_poll_completions(node, &done, 1, 1000, &n));
    OK(duo_node_destroy(node));
    finish(thread);
}

static void null_and_nonsense_are_refused(void) {
    duo_node *node = NULL;
    duo_config *config = NULL;
    duo_completion done;
    duo_claim claim;
    const duo_iovec bad = {NULL, 3};
    const uint32_t len = 3;
    uint64_t op = 0;
    size_t n = 0;
    OK(duo_config_create(&config));
    GIVES(DUO_ERR_CONFIG, duo_node_open(config, &node)); /* no data_dir */
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_node_open(NULL, &node));
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_node_open(config, NULL));
    OK(duo_config_destroy(config));
    GIVES(DUO_ERR_BAD_HANDLE, duo_node_open(config, &node));
    CHECK(node == NULL);
    node = fast_node();
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_node_submit(NULL, DUO_CHAIN_DELTA, 0, "x", 1, &op));
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_node_submit(node, 0, 0, "x", 1, &op));
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_node_submit(node, DUO_CHAIN_DELTA, 99, "x", 1, &op));
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_node_submit(node, DUO_CHAIN_DELTA, 0, NULL, 1, &op));
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_node_submit(node, DUO_CHAIN_DELTA, 0, "x", 1, NULL));
    GIVES(DUO_ERR_INVALID_TX, duo_node_submit(node, DUO_CHAIN_DELTA, 0, "", 0, &op));
    GIVES(DUO_ERR_TOO_LARGE, duo_node_submit(node, DUO_CHAIN_DELTA, 0, "x", SIZE_MAX, &op));
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_node_submit_wait(node, 9, 0, "x", 1, 0, &op));
    GIVES(DUO_ERR_INVALID_TX, duo_node_submit_detached(node, DUO_CHAIN_DELTA, 0, NULL, 0));
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_node_submit_batch(node, DUO_CHAIN_DELTA, 0, &bad, 1, &op, &n));
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_node_submit_batch(node, DUO_CHAIN_DELTA, 0, &bad, 1, NULL, &n));
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_node_submit_batch(node, DUO_CHAIN_DELTA, 0, NULL, 1, &op, &n));
    GIVES(DUO_ERR_TOO_LARGE, duo_node_submit_batch(node, DUO_CHAIN_DELTA, 0, &bad, SIZE_MAX, &op, &n));
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_node_submit_flat(node, DUO_CHAIN_DELTA, 0, NULL, 0, &len, 1, &op, &n));
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_node_submit_flat(node, DUO_CHAIN_DELTA, 0, "abc", 2, &len, 1, &op, &n));
    GIVES(DUO_ERR_TOO_LARGE, duo_node_claim(node, DUO_CHAIN_DELTA, 0, SIZE_MAX, &claim));
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_node_claim(node, DUO_CHAIN_DELTA, 0, 1, NULL));
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_node_poll_completions(node, NULL, 1, 0, &n));
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_node_poll_completions(node, &done, 1, 0, NULL));
    GIVES(DUO_ERR_TOO_LARGE, duo_node_poll_completions(node, &done, SIZE_MAX, 0, &n));
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_node_completion_fd(node, NULL));
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_node_close(NULL, 0));
    OK(duo_node_destroy(node));
    OK(duo_node_destroy(NULL));
    GIVES(DUO_ERR_BAD_HANDLE, duo_node_destroy(node));
    GIVES(DUO_ERR_BAD_HANDLE, duo_node_submit(node, DUO_CHAIN_DELTA, 0, "x", 1, &op));
}

int main(void) {
    a_submission_becomes_final();
    batches_and_flat_batches_number_their_items();
    a_claim_is_submitted_once();
    the_descriptor_says_when_to_poll();
    closing_and_destroying_end_the_wait_of_others();
    null_and_nonsense_are_refused();
    return 0;
}
