/* Pools: memory comes ahead of demand and goes when idle; who has a buffer is known. */
#include "check.h"

#define SECOND INT64_C(1000000000)

static duo_pool *made(const duo_pool_class *classes, size_t count, const size_t *initial, uint32_t warm_up) {
    duo_pool_options options = DUO_POOL_OPTIONS_INIT;
    duo_pool *pool = NULL;
    options.classes = classes;
    options.class_count = count;
    options.initial = initial;
    options.warm_up = warm_up;
    options.leak_tracking = DUO_LEAK_TRACKING_ON;
    OK(duo_pool_create(&options, &pool));
    return pool;
}

static duo_pool *sized(size_t initial) {
    static const duo_pool_class size = {1024, 2048};
    return made(&size, 1, &initial, 0);
}

static duo_pool_stats_t figures(const duo_pool *pool) {
    duo_pool_stats_t stats = DUO_POOL_STATS_INIT;
    OK(duo_pool_stats(pool, &stats));
    return stats;
}

static void use_up(const duo_pool *pool) {
    static duo_buf bufs[2048];
    size_t n = 0;
    OK(duo_pool_acquire_batch(pool, 1, bufs, 2048, &n));
    OK(duo_pool_release_batch(pool, bufs, n, &n));
    CHECK(n == 2048);
}

static void idle_memory_goes_back_down_to_the_initial_size(void) {
    duo_pool *pool = sized(512);
    duo_pool_maintenance_t done = DUO_POOL_MAINTENANCE_INIT;
    uint64_t evicted = 0;
    use_up(pool);
    for (int64_t second = 0; second <= 60; second += 5) {
        OK(duo_pool_maintain(pool, second * SECOND, &done));
        evicted += done.evicted_slabs;
    }
    CHECK(evicted == 6 && done.evicted_bytes == 6 * (256 << 10));
    CHECK(figures(pool).resident_buffers == 512 && figures(pool).evictions == 6 && figures(pool).slabs == 2);
    use_up(pool);
    OK(duo_pool_destroy(pool));
}

static void memory_comes_before_it_is_needed(void) {
    duo_pool *pool = sized(0);
    duo_pool_maintenance_t done = DUO_POOL_MAINTENANCE_INIT;
    duo_buf bufs[250];
    size_t n = 0;
    uint64_t committed = 7;
    OK(duo_pool_warm_up(pool, 1024, 100, &committed));
    CHECK(committed == 256); /* a slab */
    OK(duo_pool_warm_up(pool, 1024, 256, &committed));
    CHECK(committed == 0);
    OK(duo_pool_warm_up(pool, 1, 0, NULL));
    CHECK(figures(pool).in_use_high == 0 && figures(pool).acquired == 0);
    OK(duo_pool_acquire_batch(pool, 1, bufs, 250, &n));
    OK(duo_pool_maintain(pool, DUO_NOW, &done));
    CHECK(done.grown_buffers == 256 && figures(pool).resident_buffers == 512);
    OK(duo_pool_maintain(pool, DUO_NOW, NULL));
    OK(duo_pool_release_batch(pool, bufs, n, &n));
    OK(duo_pool_destroy(pool));
}

static void who_has_a_buffer_is_listed(void) {
    duo_pool *pool = sized(0);
    duo_held held[3];
    duo_buf first, second;
    size_t n = 7;
    OK(duo_pool_held(pool, 0, held, 3, &n));
    CHECK(n == 0);
    OK(duo_pool_acquire_at(pool, 10, "vote.c:12", &first));
    OK(duo_pool_acquire(pool, 20, &second));
    OK(duo_pool_held(pool, 0, held, 3, &n));
    CHECK(n == 2 && held[0].handle == first.handle && held[1].handle == second.handle);
    CHECK(held[0].len == 10 && held[0].age_ns >= held[1].age_ns && held[1].age_ns >= 0);
    CHECK(strcmp(held[0].site, "vote.c:12") == 0 && strcmp(held[1].site, "duo_pool_acquire") == 0);
    GIVES(DUO_PARTIAL, duo_pool_held(pool, 0, held, 1, &n));
    CHECK(n == 1 && held[0].handle == first.handle);
    OK(duo_pool_held(pool, 3600 * SECOND, held, 3, &n));
    CHECK(n == 0);
    GIVES(DUO_ERR_BUSY, duo_pool_destroy(pool));
    CHECK(last_says("vote.c:12"));
    OK(duo_pool_release(pool, &first));
    OK(duo_pool_held(pool, 0, held, 3, &n));
    CHECK(n == 1 && held[0].handle == second.handle);
    OK(duo_pool_release(pool, &second));
    OK(duo_pool_destroy(pool));
}

static void a_pool_that_does_not_track_says_so(void) {
    static const duo_pool_class size = {64, 4};
    duo_pool_options options = DUO_POOL_OPTIONS_INIT;
    duo_pool *pool = NULL;
    duo_buf buf;
    duo_held held;
    size_t n = 7;
    options.classes = &size;
    options.class_count = 1;
    options.leak_tracking = DUO_LEAK_TRACKING_OFF;
    OK(duo_pool_create(&options, &pool));
    OK(duo_pool_acquire_at(pool, 1, "nobody.c:1", &buf));
    GIVES(DUO_ERR_UNSUPPORTED, duo_pool_held(pool, 0, &held, 1, &n));
    CHECK(n == 7);
    OK(duo_pool_release(pool, &buf));
    OK(duo_pool_destroy(pool));
}

static void managed_kinds_have_their_sizes(void) {
    static const struct {
        uint32_t kind;
        uint64_t initial, max;
    } rows[] = {
        {DUO_POOL_TRANSACTION_REQUEST, 5000, 50000},
        {DUO_POOL_BLOCK_PROPOSAL, 2000, 10000},
        {DUO_POOL_CONSENSUS_MESSAGE, 10000, 100000},
        {DUO_POOL_LOG_ENTRY, 20000, 100000},
    };
    for (size_t row = 0; row < sizeof rows / sizeof *rows; row++) {
        duo_pool *pool = NULL;
        duo_pool_class_stats_t figure = DUO_POOL_CLASS_STATS_INIT;
        uint64_t initial = 0, max = 0;
        uint32_t at = 0;
        OK(duo_pool_create_managed(NULL, rows[row].kind, 0, &pool));
        for (; duo_pool_class_stats(pool, at, &figure) == DUO_OK; at++) {
            initial += figure.initial;
            max += figure.count_max;
        }
        GIVES(DUO_NOT_FOUND, duo_pool_class_stats(pool, at, &figure));
        CHECK(at == 4 && initial == rows[row].initial && max == rows[row].max);
        OK(duo_pool_destroy(pool));
    }
}

static void a_configuration_shapes_a_managed_pool(void) {
    duo_config *config = NULL;
    duo_pool *pool = NULL;
    OK(duo_config_create(&config));
    set(config, "pool.log_entry.initial", "1000");
    set(config, "pool.warm_up", "on");
    OK(duo_pool_create_managed(config, DUO_POOL_LOG_ENTRY, 0, &pool));
    CHECK(figures(pool).resident_buffers >= 1000 && figures(pool).in_use_high == 0);
    OK(duo_pool_destroy(pool));
    set(config, "pool.log_entry.initial", "20001");
    set(config, "pool.log_entry.max", "20000");
    GIVES(DUO_ERR_CONFIG, duo_pool_create_managed(config, DUO_POOL_LOG_ENTRY, 0, &pool));
    GIVES(DUO_ERR_CONFIG, duo_config_set(config, "pool.log_entry.max", "9999", 4));
    GIVES(DUO_ERR_CONFIG, duo_config_set(config, "pool.log_entry.max", "100001", 6));
    OK(duo_config_destroy(config));
}

static void null_and_nonsense_are_refused(void) {
    static const duo_pool_class size = {64, 4};
    static const size_t much = 5;
    duo_pool_options options = DUO_POOL_OPTIONS_INIT;
    duo_pool *pool = sized(0), *other = NULL;
    duo_pool_class_stats_t stats = DUO_POOL_CLASS_STATS_INIT;
    duo_pool_maintenance_t done = DUO_POOL_MAINTENANCE_INIT;
    duo_buf buf;
    duo_held held;
    size_t n = 7;
    for (uint32_t kind = 0; kind < 7; kind += 5) {
        GIVES(DUO_ERR_INVALID_ARGUMENT, duo_pool_create_managed(NULL, kind, 0, &other));
    }
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_pool_create_managed(NULL, 1, 2, &other));
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_pool_create_managed(NULL, 1, 0, NULL));
    options.classes = &size;
    options.class_count = 1;
    options.huge_pages = 3;
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_pool_create(&options, &other));
    options.huge_pages = 0;
    options.leak_tracking = 3;
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_pool_create(&options, &other));
    options.leak_tracking = 0;
    options.reserved = 1;
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_pool_create(&options, &other));
    options.reserved = 0;
    options.initial = &much;
    GIVES(DUO_ERR_CONFIG, duo_pool_create(&options, &other));
    CHECK(other == NULL);
    GIVES(DUO_ERR_TOO_LARGE, duo_pool_warm_up(pool, 1025, 1, NULL));
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_pool_warm_up(NULL, 1, 1, NULL));
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_pool_maintain(NULL, 0, NULL));
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_pool_maintain(pool, -2, NULL));
    done.struct_size = 1;
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_pool_maintain(pool, 0, &done));
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_pool_acquire_at(pool, 1, NULL, &buf));
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_pool_acquire_at(pool, 1, "\xff", &buf));
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_pool_acquire_at(pool, 1, "x", NULL));
    GIVES(DUO_ERR_TOO_LARGE, duo_pool_acquire_at(pool, 1025, "x", &buf));
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_pool_held(pool, -1, &held, 1, &n));
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_pool_held(pool, 0, NULL, 1, &n));
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_pool_held(pool, 0, &held, 1, NULL));
    CHECK(n == 7 && figures(pool).in_use == 0);
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_pool_class_stats(pool, 0, NULL));
    stats.struct_size = 0;
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_pool_class_stats(pool, 0, &stats));
    OK(duo_pool_destroy(pool));
}

static void huge_pages_are_told_or_refused(void) {
    static const duo_pool_class size = {4096, 1024};
    static const size_t initial = 10;
    duo_pool_options options = DUO_POOL_OPTIONS_INIT;
    duo_pool *pool = NULL;
    duo_status status;
    options.classes = &size;
    options.class_count = 1;
    options.initial = &initial;
    options.warm_up = 1;
    options.huge_pages = DUO_HUGE_PAGES_TRY;
    OK(duo_pool_create(&options, &pool));
    CHECK(figures(pool).resident_buffers >= 10);
    status = figures(pool).huge_pages ? DUO_OK : DUO_ERR_UNSUPPORTED;
    OK(duo_pool_destroy(pool));
    options.huge_pages = DUO_HUGE_PAGES_REQUIRE;
    GIVES(status, duo_pool_create(&options, &pool));
    if (status == DUO_OK) {
        OK(duo_pool_destroy(pool));
    }
}

static void a_late_look_at_memory_that_went_does_not_crash(void) {
    static const duo_pool_class size = {65536, 8};
    duo_pool_options options = DUO_POOL_OPTIONS_INIT;
    duo_pool *pool = NULL;
    duo_buf bufs[8];
    size_t n = 0;
    options.flags = DUO_POOL_KEEP_ADDRESSES;
    options.classes = &size;
    options.class_count = 1;
    OK(duo_pool_create(&options, &pool));
    OK(duo_pool_acquire_batch(pool, 65536, bufs, 8, &n));
    for (n = 0; n < 8; n++) {
        memset(bufs[n].data, 7, bufs[n].cap);
    }
    OK(duo_pool_release_batch(pool, bufs, 8, &n));
    OK(duo_pool_trim(pool, 0, &n));
    CHECK(n == 8 * 65536 && *(volatile unsigned char *)bufs[3].data == 0);
    OK(duo_pool_destroy(pool));
    options.overflow_buffer_bytes_max = options.overflow_total_bytes_max = 1 << 20;
    GIVES(DUO_ERR_CONFIG, duo_pool_create(&options, &pool));
    options.flags = 2;
    GIVES(DUO_ERR_UNSUPPORTED, duo_pool_create(&options, &pool));
}

int main(void) {
    a_late_look_at_memory_that_went_does_not_crash();
    idle_memory_goes_back_down_to_the_initial_size();
    memory_comes_before_it_is_needed();
    who_has_a_buffer_is_listed();
    a_pool_that_does_not_track_says_so();
    managed_kinds_have_their_sizes();
    a_configuration_shapes_a_managed_pool();
    null_and_nonsense_are_refused();
    huge_pages_are_told_or_refused();
    return 0;
}
