/* Replicated logs: what a host is told that asks for too much, or without a majority, and voters that change in one step. */
#include "replog.h"

static uint64_t commit_of(duo_replog *log) {
    duo_replog_status_t status = DUO_REPLOG_STATUS_INIT;
    OK(duo_replog_status(log, &status));
    return status.commit;
}

/* A leader whose followers are closed, and the index of the last entry that is committed. */
static int left_alone(cluster *c, uint64_t *last) {
    int leader = append_anywhere(c, "with a majority", last);
    close_node(c, (leader + 1) % NODES);
    close_node(c, (leader + 2) % NODES);
    *last = commit_of(c->log[leader]);
    return leader;
}

static void joined(cluster *c, int leader) {
    open_node(c, (leader + 1) % NODES);
    open_node(c, (leader + 2) % NODES);
}

static void an_append_without_a_majority_is_not_done(cluster *c) {
    duo_replog_receipt receipt = {7, 7, 7, 7};
    uint64_t last = 0;
    int leader = left_alone(c, &last);
    duo_status status = duo_replog_append(c->log[leader], "alone", 5, NULL, 20000000, &receipt);
    /* Where the machine stood still, it leads no longer. */
    CHECK(status == DUO_TIMEOUT || status == DUO_ERR_NOT_LEADER);
    CHECK(receipt.index == 7 && commit_of(c->log[leader]) == last);
    joined(c, leader);
}

/* Entries that nobody can commit until one is not taken; by then it may lead no longer. */
static duo_status fill(cluster *c) {
    static char large[60 << 10];
    const uint32_t lens[1] = {sizeof large};
    duo_status status = DUO_OK;
    uint64_t last = 0, op = 0;
    int taken = 0, leader = left_alone(c, &last);
    while ((status = duo_replog_submit(c->log[leader], large, lens, 1, NULL, &op)) == DUO_OK) {
        taken++;
        CHECK(taken < 1000); /* far fewer than answers that may be waited for */
    }
    CHECK(status == DUO_ERR_NOT_LEADER || taken > 100);
    /* What was taken is given up with the node. */
    close_node(c, leader);
    open_node(c, leader);
    joined(c, leader);
    return status;
}

static void a_log_that_is_full_says_to_ask_again(cluster *c) {
    duo_status status = DUO_ERR_NOT_LEADER;
    while (status == DUO_ERR_NOT_LEADER) {
        status = fill(c);
    }
    CHECK(status == DUO_AGAIN);
}

/* Asks whoever leads until the change is made. */
static void changed(cluster *c, const duo_replog_change_t *parts, size_t count) {
    duo_status status = DUO_AGAIN;
    while (status != DUO_OK) {
        uint64_t index = 0;
        int leader = append_anywhere(c, "who leads?", &index);
        status = duo_replog_change(c->log[leader], parts, count, PATIENCE_NS);
        CHECK(status == DUO_OK || status == DUO_AGAIN || status == DUO_ERR_NOT_LEADER);
        pause_briefly();
    }
}

static void one_voter_takes_the_place_of_another_in_one_step(cluster *c) {
    const uint64_t comes = NODES + 1;
    duo_replog_change_t parts[2] = {{0, NULL, 0, 0}, {0, NULL, 0, 0}};
    duo_replog_member_t members[NODES_MAX];
    uint64_t last = 0;
    size_t n = 0;
    int leader = append_anywhere(c, "three voters", &last), goes = (leader + 1) % NODES;
    open_node(c, NODES);
    parts[0].node = comes;
    parts[0].what = DUO_REPLOG_ADD;
    parts[0].address = c->address[NODES];
    changed(c, parts, 1);
    parts[0].what = DUO_REPLOG_PROMOTE;
    parts[0].address = NULL;
    parts[1].node = (uint64_t)goes + 1;
    parts[1].what = DUO_REPLOG_REMOVE;
    changed(c, parts, 2);
    leader = append_anywhere(c, "three voters still", &last);
    OK(duo_replog_members(c->log[leader], members, NODES_MAX, &n));
    CHECK(n == NODES && members[NODES - 1].node == comes);
    for (size_t i = 0; i < n; i++) {
        CHECK(members[i].parts == DUO_REPLOG_VOTER && members[i].node != (uint64_t)goes + 1);
    }
}

int main(void) {
    cluster c;
    start_cluster(&c);
    an_append_without_a_majority_is_not_done(&c);
    a_log_that_is_full_says_to_ask_again(&c);
    one_voter_takes_the_place_of_another_in_one_step(&c);
    end_cluster(&c);
    return 0;
}
