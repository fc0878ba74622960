/* What a node tells: heads, states of transactions, health, metrics. */
#include "check.h"

static duo_completion finalize(duo_node *node, uint32_t chain, const char *text) {
    duo_completion done;
    uint64_t op = 0;
    size_t n = 0;
    OK(duo_node_submit(node, chain, 0, text, strlen(text), &op));
    OK(duo_node_poll_completions(node, &done, 1, PATIENCE_NS, &n));
    CHECK(n == 1 && done.op == op && done.status == DUO_OK);
    return done;
}

static void heads_and_transactions_agree(duo_node *node) {
    duo_completion done = finalize(node, DUO_CHAIN_DELTA, "seen");
    duo_tx_status status = DUO_TX_STATUS_INIT;
    duo_head head = DUO_HEAD_INIT;
    uint8_t unknown[DUO_HASH_BYTES] = {1};
    OK(duo_node_tx_status(node, DUO_CHAIN_DELTA, done.tx, &status));
    CHECK(status.state == DUO_TX_FINAL && status.height == done.height && status.index == done.index);
    CHECK(status.struct_size == sizeof status);
    OK(duo_node_tx_status(node, DUO_CHAIN_ALPHA, done.tx, &status));
    CHECK(status.state == DUO_TX_UNKNOWN && status.height == 0);
    OK(duo_node_tx_status(node, DUO_CHAIN_DELTA, unknown, &status));
    CHECK(status.state == DUO_TX_UNKNOWN);
    OK(duo_node_head(node, DUO_CHAIN_DELTA, &head));
    CHECK(head.final_height >= done.height && head.height >= head.final_height);
    CHECK(head.final_transactions >= 1 && head.time_unix_ns > 0 && head.restarts == 0);
}

static void health_and_metrics_are_told(duo_node *node) {
    duo_health health = DUO_HEALTH_INIT;
    duo_lane_stats_t lane = DUO_LANE_STATS_INIT;
    duo_metric metrics[256];
    size_t count = 0, len = 0;
    char *text;
    OK(duo_node_health(node, DUO_CHAIN_ALPHA, &health));
    CHECK(health.chain == DUO_CHAIN_ALPHA && health.state >= DUO_HEALTH_HEALTHY);
    CHECK(health.node_state >= health.state && health.node_state <= DUO_HEALTH_STALLED);
    OK(duo_node_metrics(node, NULL, 0, &count));
    CHECK(count > 10 && count <= 256);
    GIVES(DUO_ERR_TOO_LARGE, duo_node_metrics(node, metrics, count - 1, &len));
    CHECK(len == count);
    OK(duo_node_metrics(node, metrics, 256, &count));
    for (size_t at = 0; at < count; at++) {
        CHECK(metrics[at].name[0] != 0 && metrics[at].help[0] != 0 && metrics[at].chain <= 2);
        CHECK(metrics[at].kind == DUO_METRIC_COUNTER || metrics[at].kind == DUO_METRIC_GAUGE);
    }
    OK(duo_node_metrics_text(node, NULL, 0, &len));
    text = (char *)malloc(len + 512);
    CHECK(text != NULL);
    OK(duo_node_metrics_text(node, text, len + 512, &len));
    CHECK(strlen(text) == len && strstr(text, metrics[0].name) != NULL);
    free(text);
    OK(duo_node_lane_stats(node, DUO_CHAIN_DELTA, 0, &lane));
    CHECK(lane.accepted == 1 && lane.dequeued == 1);
    GIVES(DUO_NOT_FOUND, duo_node_lane_stats(node, DUO_CHAIN_DELTA, 99, &lane));
}

static void null_and_nonsense_are_refused(duo_node *node) {
    duo_tx_status status = DUO_TX_STATUS_INIT;
    duo_head head = DUO_HEAD_INIT;
    duo_health health = DUO_HEALTH_INIT;
    duo_lane_stats_t lane = DUO_LANE_STATS_INIT;
    uint8_t id[DUO_HASH_BYTES] = {0};
    size_t n = 0;
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_node_tx_status(node, DUO_CHAIN_DELTA, NULL, &status));
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_node_tx_status(node, DUO_CHAIN_DELTA, id, NULL));
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_node_tx_status(node, 0, id, &status));
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_node_head(node, 3, &head));
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_node_head(node, DUO_CHAIN_ALPHA, NULL));
    head.struct_size = 1000000;
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_node_head(node, DUO_CHAIN_ALPHA, &head));
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_node_health(node, 0, &health));
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_node_health(node, DUO_CHAIN_ALPHA, NULL));
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_node_metrics(node, NULL, 3, &n));
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_node_metrics(node, NULL, 0, NULL));
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_node_metrics_text(node, NULL, 5, &n));
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_node_lane_stats(node, 0, 0, &lane));
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_node_lane_stats(node, DUO_CHAIN_ALPHA, 0, NULL));
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_node_head(NULL, DUO_CHAIN_ALPHA, &head));
}

static void a_closed_node_still_tells_its_heads(duo_node *node) {
    duo_head head = DUO_HEAD_INIT;
    duo_health health = DUO_HEALTH_INIT;
    uint8_t id[DUO_HASH_BYTES] = {0};
    duo_tx_status status = DUO_TX_STATUS_INIT;
    OK(duo_node_close(node, PATIENCE_NS));
    OK(duo_node_head(node, DUO_CHAIN_DELTA, &head));
    CHECK(head.height > 0);
    OK(duo_node_health(node, DUO_CHAIN_DELTA, &health));
    CHECK(health.state == DUO_HEALTH_STALLED && health.reason[0] != 0);
    GIVES(DUO_ERR_CLOSED, duo_node_tx_status(node, DUO_CHAIN_DELTA, id, &status));
}

int main(void) {
    duo_node *node = fast_node();
    heads_and_transactions_agree(node);
    health_and_metrics_are_told(node);
    null_and_nonsense_are_refused(node);
    a_closed_node_still_tells_its_heads(node);
    OK(duo_node_destroy(node));
    return 0;
}
