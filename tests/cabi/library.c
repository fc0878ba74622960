/* Versions, statuses, the last error and ids. */
#include "check.h"

static void versions_agree_with_the_header(void) {
    uint32_t found = 0;
    CHECK(duo_abi_version() == DUO_ABI_VERSION);
    OK(duo_check_abi(DUO_ABI_VERSION, &found));
    CHECK(found == DUO_ABI_VERSION);
    OK(duo_check_abi(DUO_ABI_VERSION, NULL));
    GIVES(DUO_ERR_ABI_MISMATCH, duo_check_abi(DUO_ABI_VERSION + 1, &found));
    GIVES(DUO_ERR_ABI_MISMATCH, duo_check_abi(UINT32_MAX, NULL));
    CHECK(strncmp(duo_version_string(), "0.1.", 4) == 0);
    CHECK(strstr(duo_build_info(), duo_version_string()) != NULL);
}

static void starting_is_optional_and_repeatable(void) {
    duo_init_options options = DUO_INIT_OPTIONS_INIT;
    OK(duo_init(NULL));
    options.header_abi = DUO_ABI_VERSION;
    OK(duo_init(&options));
    options.header_abi = 0x00990000;
    GIVES(DUO_ERR_ABI_MISMATCH, duo_init(&options));
    options.header_abi = 0;
    options.flags = 1;
    GIVES(DUO_ERR_UNSUPPORTED, duo_init(&options));
    options.flags = 0;
    options.struct_size = 3;
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_init(&options));
}

static void structs_of_other_versions_are_met(void) {
    struct {
        duo_init_options known;
        uint64_t later;
    } newer;
    memset(&newer, 0, sizeof newer);
    newer.known.struct_size = sizeof newer;
    OK(duo_init(&newer.known));
    newer.later = 1;
    GIVES(DUO_ERR_UNSUPPORTED, duo_init(&newer.known));

    struct {
        uint32_t struct_size, flags;
    } older = {sizeof older, 0};
    OK(duo_init((const duo_init_options *)(const void *)&older));
}

static void statuses_have_names_meanings_and_classes(void) {
    CHECK(strcmp(duo_status_name(DUO_OK), "OK") == 0);
    CHECK(strcmp(duo_status_name(DUO_ERR_TOO_LARGE), "TOO_LARGE") == 0);
    CHECK(strcmp(duo_status_name(12345), "UNKNOWN") == 0);
    CHECK(strstr(duo_status_meaning(DUO_AGAIN), "try again") != NULL);
    CHECK(strlen(duo_status_meaning(INT32_MIN)) > 0);
    CHECK(duo_status_class(DUO_OK) == DUO_CLASS_OK);
    CHECK(duo_status_class(DUO_AGAIN) == DUO_CLASS_RETRYABLE);
    CHECK(duo_status_class(DUO_ERR_BAD_HANDLE) == DUO_CLASS_CALLER);
    CHECK(duo_status_class(DUO_ERR_PANIC) == DUO_CLASS_FATAL);
    CHECK(duo_status_class(12345) == DUO_CLASS_FATAL);
}

static void *sees_no_error_of_another_thread(void *argument) {
    duo_error_info info = DUO_ERROR_INFO_INIT;
    OK(duo_last_error(&info));
    CHECK(info.status == DUO_OK && info.message_bytes == 0);
    return argument;
}

static void the_last_error_is_per_thread_and_survives_success(void) {
    duo_error_info info = DUO_ERROR_INFO_INIT;
    char small[8];
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_features(NULL));
    OK(duo_init(NULL));
    OK(duo_last_error(&info));
    CHECK(info.status == DUO_ERR_INVALID_ARGUMENT && info.status_class == DUO_CLASS_CALLER);
    CHECK(duo_last_error_message(NULL, 0) == info.message_bytes);
    CHECK(duo_last_error_message(small, sizeof small) == info.message_bytes);
    CHECK(strlen(small) == 7 && strncmp(small, "bits is", 7) == 0);
    CHECK(duo_last_error_message(NULL, 100) == info.message_bytes);
    finish(start(sees_no_error_of_another_thread, NULL));
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_last_error(NULL));
}

static void features_are_bits(void) {
    uint64_t bits = ~UINT64_C(0);
    OK(duo_features(&bits));
    CHECK((bits & ~(uint64_t)(DUO_FEATURE_ROCKSDB | DUO_FEATURE_FAULTS | DUO_FEATURE_TLS)) == 0);
#ifdef DUO_FAULTS
    CHECK(bits & DUO_FEATURE_FAULTS);
#else
    CHECK(!(bits & DUO_FEATURE_FAULTS));
#endif
    CHECK((strstr(duo_build_info(), " tls") != NULL) == ((bits & DUO_FEATURE_TLS) != 0));
}

static void ids_depend_on_the_chain(void) {
    uint8_t alpha[DUO_HASH_BYTES], delta[DUO_HASH_BYTES], again[DUO_HASH_BYTES];
    OK(duo_tx_id(DUO_CHAIN_ALPHA, "pay", 3, alpha));
    OK(duo_tx_id(DUO_CHAIN_DELTA, "pay", 3, delta));
    OK(duo_tx_id(DUO_CHAIN_ALPHA, "pay", 3, again));
    CHECK(memcmp(alpha, delta, sizeof alpha) != 0);
    CHECK(memcmp(alpha, again, sizeof alpha) == 0);
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_tx_id(3, "pay", 3, alpha));
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_tx_id(DUO_CHAIN_ALPHA, NULL, 3, alpha));
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_tx_id(DUO_CHAIN_ALPHA, "pay", 3, NULL));
    GIVES(DUO_ERR_INVALID_TX, duo_tx_id(DUO_CHAIN_ALPHA, "", 0, alpha));
    GIVES(DUO_ERR_TOO_LARGE, duo_tx_id(DUO_CHAIN_ALPHA, "pay", SIZE_MAX, alpha));
}

static void shutting_down_closes_what_is_open(void) {
    duo_queue *queue = NULL;
    duo_node *node = fast_node();
    uint64_t op = 0;
    OK(duo_queue_create(NULL, &queue));
    OK(duo_shutdown(PATIENCE_NS));
    OK(duo_shutdown(0));
    GIVES(DUO_ERR_CLOSED, duo_queue_enqueue(queue, 0, "a", 1, 0));
    GIVES(DUO_ERR_CLOSED, duo_node_submit(node, DUO_CHAIN_DELTA, 0, "a", 1, &op));
    OK(duo_queue_destroy(queue));
    OK(duo_node_destroy(node));
}

int main(void) {
    versions_agree_with_the_header();
    starting_is_optional_and_repeatable();
    structs_of_other_versions_are_met();
    statuses_have_names_meanings_and_classes();
    the_last_error_is_per_thread_and_survives_success();
    features_are_bits();
    ids_depend_on_the_chain();
    shutting_down_closes_what_is_open();
    return 0;
}
