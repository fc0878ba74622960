/* Replicated logs: requests whose answers are fetched later. */
#include "replog.h"

static void answers_are_fetched_when_they_suit(cluster *c, int leader) {
    const uint32_t lens[2] = {2, 3};
    duo_replog_receipt receipt = {0, 0, 0, 0};
    duo_replog *log = c->log[leader];
    uint64_t first = 0, second = 0, third = 0;
    duo_status status;
    OK(duo_replog_submit(log, "abcde", lens, 2, NULL, &first));
    OK(duo_replog_submit(log, "abcde", lens, 2, NULL, &second));
    OK(duo_replog_submit(log, "abcde", lens, 2, NULL, &third));
    CHECK(first != second && second != third);
    while ((status = duo_replog_await(log, second, 1000, &receipt)) == DUO_TIMEOUT) {
    }
    CHECK(status == DUO_OK && receipt.index > 2);
    const uint64_t index = receipt.index;
    OK(duo_replog_await(log, first, PATIENCE_NS, &receipt));
    CHECK(receipt.index == index - 2);
    OK(duo_replog_forget(log, third));
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_replog_await(log, third, 0, &receipt));
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_replog_await(log, first, 0, &receipt));
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_replog_forget(log, first));
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_replog_submit(log, "abcde", lens, 2, NULL, NULL));
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_replog_submit(log, "abcde", lens, 0, NULL, &first));
    GIVES(DUO_ERR_NOT_LEADER, duo_replog_submit(c->log[(leader + 1) % NODES], "abcde", lens, 2, NULL, &first));
    CHECK(leader_by_last_error() == (uint64_t)leader + 1);
}

static void as_many_answers_as_the_bound_can_wait(cluster *c, int leader) {
    const uint32_t lens[1] = {1};
    uint64_t op = 0;
    for (int at = 0; at < DUO_REPLOG_PENDING_MAX;) {
        duo_status status = duo_replog_submit(c->log[leader], "x", lens, 1, NULL, &op);
        if (status == DUO_OK) {
            at++;
        } else { /* too much waits for the disk */
            CHECK(status == DUO_AGAIN);
            pause_briefly();
        }
    }
    duo_replog_receipt receipt;
    OK(duo_replog_await(c->log[leader], op, PATIENCE_NS, &receipt)); /* all are committed, and one is fetched */
    OK(duo_replog_submit(c->log[leader], "x", lens, 1, NULL, &op));
    GIVES(DUO_AGAIN, duo_replog_submit(c->log[leader], "x", lens, 1, NULL, &op));
    OK(duo_replog_forget(c->log[leader], op));
    OK(duo_replog_submit(c->log[leader], "x", lens, 1, NULL, &op));
}

/* The answer of a request, waited for in slices that are too short for it. */
static duo_status in_slices(duo_replog *log, uint64_t op, duo_replog_receipt *receipt) {
    duo_status status;
    while ((status = duo_replog_await(log, op, 1000, receipt)) == DUO_TIMEOUT) {
    }
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_replog_await(log, op, 0, receipt));
    return status;
}

static void a_read_is_asked_once_and_waited_for_in_slices(cluster *c, int leader) {
    duo_replog_receipt receipt = {0, 0, 0, 0};
    uint64_t op = 0, index = 0;
    OK(duo_replog_append(c->log[leader], "before", 6, NULL, PATIENCE_NS, &receipt));
    index = receipt.index;
    for (int at = 0; at < NODES; at++) {
        OK(duo_replog_submit_read(c->log[at], &op));
        CHECK(in_slices(c->log[at], op, &receipt) == DUO_OK && receipt.index >= index);
    }
    OK(duo_replog_submit_read(c->log[leader], &op));
    OK(duo_replog_forget(c->log[leader], op));
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_replog_submit_read(c->log[leader], NULL));
}

static void a_change_is_asked_once_and_waited_for_in_slices(cluster *c, int leader) {
    duo_replog_change_t part = {NODES + 1, NULL, DUO_REPLOG_ADD, 0};
    duo_replog_member_t members[NODES_MAX];
    duo_replog_receipt receipt = {0, 0, 0, 0};
    uint64_t op = 0;
    size_t n = 0;
    part.address = c->address[NODES];
    OK(duo_replog_submit_change(c->log[leader], &part, 1, &op));
    CHECK(in_slices(c->log[leader], op, &receipt) == DUO_OK && receipt.index > 0);
    OK(duo_replog_members(c->log[leader], members, NODES_MAX, &n));
    CHECK(n == NODES + 1 && members[NODES].parts == DUO_REPLOG_LEARNER);
    /* That it cannot be done says the answer. */
    part.node = 99;
    part.what = DUO_REPLOG_REMOVE;
    OK(duo_replog_submit_change(c->log[leader], &part, 1, &op));
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_replog_await(c->log[leader], op, PATIENCE_NS, &receipt));
    CHECK(!last_says("waited for"));
    OK(duo_replog_submit_change(c->log[(leader + 1) % NODES], &part, 1, &op));
    GIVES(DUO_ERR_NOT_LEADER, duo_replog_await(c->log[(leader + 1) % NODES], op, PATIENCE_NS, &receipt));
    CHECK(leader_by_last_error() == (uint64_t)leader + 1);
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_replog_submit_change(c->log[leader], NULL, 1, &op));
}

/* A voter is away for good; the answer says what is committed, and it is the last one. */
static void the_answer_that_not_every_voter_may_have_it_is_final(cluster *c, int leader) {
    const uint32_t lens[1] = {3};
    const int away = (leader + 1) % NODES;
    duo_replog_append_options options = DUO_REPLOG_APPEND_OPTIONS_INIT;
    duo_replog_receipt receipt = {0, 0, 0, 0};
    duo_replog_entry entry;
    char buf[64];
    size_t n = 0, len = 0;
    uint64_t index = 0, op = 0;
    OK(duo_replog_append(c->log[leader], "before", 6, NULL, PATIENCE_NS, &receipt));
    index = receipt.index;
    close_node(c, away);
    options.wait = DUO_REPLOG_WAIT_ALL;
    OK(duo_replog_submit(c->log[leader], "all", lens, 1, &options, &op));
    OK(duo_replog_read(c->log[leader], index + 1, &entry, 1, buf, sizeof buf, PATIENCE_NS, &n, &len));
    GIVES(DUO_TIMEOUT, duo_replog_await(c->log[leader], op, 0, &receipt));
    OK(duo_replog_close(c->log[leader], PATIENCE_NS));
    CHECK(in_slices(c->log[leader], op, &receipt) == DUO_PARTIAL && receipt.index == index + 1);
    close_node(c, leader);
    open_node(c, leader);
    open_node(c, away);
}

int main(void) {
    cluster c;
    start_cluster(&c);
    int leader = leader_of_all(&c);
    answers_are_fetched_when_they_suit(&c, leader);
    a_read_is_asked_once_and_waited_for_in_slices(&c, leader);
    the_answer_that_not_every_voter_may_have_it_is_final(&c, leader);
    leader = leader_of_all(&c);
    a_change_is_asked_once_and_waited_for_in_slices(&c, leader);
    as_many_answers_as_the_bound_can_wait(&c, leader);
    end_cluster(&c);
    return 0;
}
