/* A program that knows the installed header and library only: opens a node in memory, submits one
 * transaction, waits until it is final. */
#include <duochain.h>
#include <stdio.h>
#include <string.h>

static int report(const char *what, duo_status status) {
    char message[512];
    duo_last_error_message(message, sizeof message);
    fprintf(stderr, "%s: %s (%s)\n", what, duo_status_name(status), message);
    return 1;
}

int main(void) {
    static const char transaction[] = "pay 7 to ada";
    duo_config *config = NULL;
    duo_node *node = NULL;
    duo_completion done;
    uint64_t op = 0, features = 0;
    size_t n = 0;
    duo_status status;

    if (duo_abi_version() != DUO_ABI_VERSION) {
        fprintf(stderr, "header and library differ\n");
        return 1;
    }
    if (duo_features(&features) != DUO_OK || features != (DUO_FEATURE_ROCKSDB | DUO_FEATURE_TLS)) {
        fprintf(stderr, "built with other features than are shipped: %s\n", duo_build_info());
        return 1;
    }
    if ((status = duo_config_create(&config)) != DUO_OK) return report("config", status);
    if ((status = duo_config_set(config, "storage.backend", "memory", 6)) != DUO_OK) return report("set", status);
    if ((status = duo_config_set(config, "time.scale", "1000", 4)) != DUO_OK) return report("set", status);
    if ((status = duo_node_open(config, &node)) != DUO_OK) return report("open", status);
    status = duo_node_submit(node, DUO_CHAIN_DELTA, 0, transaction, strlen(transaction), &op);
    if (status != DUO_OK) return report("submit", status);
    status = duo_node_poll_completions(node, &done, 1, INT64_C(60000000000), &n);
    if (status != DUO_OK || n != 1 || done.op != op) return report("completion", status);
    printf("final at height %llu\n", (unsigned long long)done.height);
    if ((status = duo_node_destroy(node)) != DUO_OK) return report("destroy", status);
    return duo_config_destroy(config) == DUO_OK ? 0 : 1;
}
