/* Configuration: keys, texts, files and the table. */
#include "check.h"

static void values_are_set_and_read(void) {
    duo_config *config = NULL;
    char value[16];
    size_t len = 0;
    OK(duo_config_create(&config));
    set(config, "queue.lanes", "3");
    OK(duo_config_get(config, "queue.lanes", value, sizeof value, &len));
    CHECK(len == 1 && strcmp(value, "3") == 0);
    OK(duo_config_get(config, "storage.backend", NULL, 0, &len));
    CHECK(len == strlen("fjall"));
    memset(value, 'x', sizeof value);
    GIVES(DUO_ERR_TOO_LARGE, duo_config_get(config, "storage.backend", value, 5, &len));
    CHECK(len == 5 && value[0] == 'x');
    OK(duo_config_get(config, "storage.backend", value, 6, &len));
    CHECK(strcmp(value, "fjall") == 0);
    GIVES(DUO_ERR_TOO_LARGE, duo_config_get(config, "storage.backend", value, 1, &len));
    OK(duo_config_destroy(config));
}

static void faults_name_the_key(void) {
    duo_config *config = NULL;
    size_t len = 0;
    OK(duo_config_create(&config));
    GIVES(DUO_ERR_CONFIG, duo_config_set(config, "queue.lane", "4", 1));
    CHECK(last_says("queue.lanes"));
    GIVES(DUO_ERR_CONFIG, duo_config_set(config, "queue.lanes", "0", 1));
    GIVES(DUO_ERR_CONFIG, duo_config_get(config, "no.such.key", NULL, 0, &len));
    GIVES(DUO_ERR_CONFIG, duo_config_load_toml(config, "queue.lanes = ", 14));
    GIVES(DUO_ERR_CONFIG, duo_config_load_file(config, "no/such/file.toml"));
    GIVES(DUO_ERR_CONFIG, duo_config_validate(config)); /* no data_dir */
    OK(duo_config_load_toml(config, "[storage]\nbackend = 'memory'\n", 29));
    OK(duo_config_validate(config));
    OK(duo_config_destroy(config));
}

static void a_file_is_read(void) {
    duo_config *config = NULL;
    char path[] = "duochain-config-XXXXXX", value[8];
    size_t len = 0;
    int fd = mkstemp(path);
    FILE *file = fdopen(fd, "w");
    CHECK(file != NULL && fputs("queue.lanes = 7\n", file) >= 0 && fclose(file) == 0);
    OK(duo_config_create(&config));
    OK(duo_config_load_file(config, path));
    CHECK(remove(path) == 0);
    OK(duo_config_get(config, "queue.lanes", value, sizeof value, &len));
    CHECK(strcmp(value, "7") == 0);
    OK(duo_config_destroy(config));
}

static void the_table_is_listed(void) {
    duo_config *config = NULL;
    size_t count = duo_config_key_count(), len = 0;
    char value[64];
    CHECK(count > 10);
    OK(duo_config_create(&config));
    for (size_t at = 0; at < count; at++) {
        duo_config_key key = DUO_CONFIG_KEY_INIT;
        OK(duo_config_key_info(at, &key));
        OK(duo_config_get(config, key.name, value, sizeof value, &len));
        CHECK(strcmp(value, key.default_value) == 0);
        CHECK(*key.kind && *key.range && *key.meaning && *key.consequence && key.unit != NULL);
    }
    duo_config_key beyond = DUO_CONFIG_KEY_INIT;
    GIVES(DUO_NOT_FOUND, duo_config_key_info(count, &beyond));
    GIVES(DUO_NOT_FOUND, duo_config_key_info(SIZE_MAX, &beyond));
    CHECK(beyond.name == NULL);
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_config_key_info(0, NULL));
    OK(duo_config_destroy(config));
}

static void null_and_nonsense_are_refused(void) {
    duo_config *config = NULL;
    size_t len = 0;
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_config_create(NULL));
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_config_set(NULL, "queue.lanes", "1", 1));
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_config_get(NULL, "queue.lanes", NULL, 0, &len));
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_config_load_file(NULL, "x"));
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_config_load_toml(NULL, "", 0));
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_config_validate(NULL));
    OK(duo_config_destroy(NULL));
    OK(duo_config_create(&config));
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_config_set(config, NULL, "1", 1));
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_config_set(config, "queue.lanes", NULL, 1));
    GIVES(DUO_ERR_TOO_LARGE, duo_config_set(config, "queue.lanes", "1", SIZE_MAX));
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_config_set(config, "\xff", "1", 1));
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_config_set(config, "queue.lanes", "\xff", 1));
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_config_get(config, NULL, NULL, 0, &len));
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_config_get(config, "queue.lanes", NULL, 0, NULL));
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_config_get(config, "queue.lanes", NULL, 8, &len));
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_config_load_file(config, NULL));
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_config_load_toml(config, NULL, 5));
    GIVES(DUO_ERR_TOO_LARGE, duo_config_load_toml(config, "x", SIZE_MAX / 2));
    OK(duo_config_destroy(config));
    GIVES(DUO_ERR_BAD_HANDLE, duo_config_destroy(config));
    GIVES(DUO_ERR_BAD_HANDLE, duo_config_validate(config));
}

int main(void) {
    values_are_set_and_read();
    faults_name_the_key();
    a_file_is_read();
    the_table_is_listed();
    null_and_nonsense_are_refused();
    return 0;
}
