/* Pools: buffers come, go once, and are counted. */
#include "check.h"

static duo_pool *small_pool(void) {
    static const duo_pool_class classes[] = {{64, 4}, {1024, 2}};
    duo_pool_options options = DUO_POOL_OPTIONS_INIT;
    duo_pool *pool = NULL;
    options.classes = classes;
    options.class_count = 2;
    OK(duo_pool_create(&options, &pool));
    return pool;
}

static void buffers_are_lent_and_taken_back_once(void) {
    duo_pool *pool = small_pool();
    duo_buf buf;
    OK(duo_pool_acquire(pool, 50, &buf));
    CHECK(buf.data != NULL && buf.len == 50 && buf.cap >= 50);
    memset(buf.data, 0xab, buf.cap);
    GIVES(DUO_ERR_BUSY, duo_pool_destroy(pool));
    OK(duo_pool_release(pool, &buf));
    GIVES(DUO_ERR_BAD_HANDLE, duo_pool_release(pool, &buf));
    buf.handle ^= 0x5555;
    GIVES(DUO_ERR_BAD_HANDLE, duo_pool_release(pool, &buf));
    OK(duo_pool_destroy(pool));
    GIVES(DUO_ERR_BAD_HANDLE, duo_pool_destroy(pool));
    GIVES(DUO_ERR_BAD_HANDLE, duo_pool_acquire(pool, 1, &buf));
}

static void batches_are_prefixes(void) {
    duo_pool *pool = small_pool();
    duo_buf bufs[16];
    size_t n = 0;
    GIVES(DUO_PARTIAL, duo_pool_acquire_batch(pool, 64, bufs, 16, &n));
    CHECK(n == 6); /* four of 64 bytes, then two of 1024 */
    n = 77;
    GIVES(DUO_ERR_NO_MEMORY, duo_pool_acquire_batch(pool, 64, &bufs[6], 1, &n));
    CHECK(n == 77);
    bufs[6] = bufs[0];
    GIVES(DUO_PARTIAL, duo_pool_release_batch(pool, bufs, 7, &n));
    CHECK(n == 6);
    GIVES(DUO_ERR_BAD_HANDLE, duo_pool_release_batch(pool, bufs, 6, &n));
    OK(duo_pool_acquire_batch(pool, 64, bufs, 2, &n));
    CHECK(n == 2);
    OK(duo_pool_release_batch(pool, bufs, 2, &n));
    OK(duo_pool_acquire_batch(pool, 64, NULL, 0, &n));
    CHECK(n == 0);
    OK(duo_pool_destroy(pool));
}

static void statistics_follow(void) {
    duo_pool *pool = small_pool();
    duo_pool_stats_t stats = DUO_POOL_STATS_INIT;
    duo_buf bufs[3];
    size_t n = 0;
    OK(duo_pool_acquire_batch(pool, 10, bufs, 3, &n));
    OK(duo_pool_stats(pool, &stats));
    CHECK(stats.in_use == 3 && stats.acquired == 3 && stats.released == 0);
    OK(duo_pool_release_batch(pool, bufs, 3, &n));
    GIVES(DUO_ERR_TOO_LARGE, duo_pool_acquire(pool, 4096, bufs));
    GIVES(DUO_ERR_TOO_LARGE, duo_pool_acquire(pool, SIZE_MAX, bufs));
    OK(duo_pool_trim(pool, 0, &n));
    OK(duo_pool_trim(pool, 0, NULL));
    OK(duo_pool_stats(pool, &stats));
    CHECK(stats.in_use == 0 && stats.in_use_high >= 3 && stats.released == 3 && stats.unmaps_refused == 0);
    OK(duo_pool_destroy(pool));
}

static void null_and_nonsense_are_refused(void) {
    duo_pool *pool = small_pool(), *other = NULL;
    duo_pool_options options = DUO_POOL_OPTIONS_INIT;
    duo_pool_stats_t stats = DUO_POOL_STATS_INIT;
    duo_buf buf;
    size_t n = 0;
    GIVES(DUO_ERR_CONFIG, duo_pool_create(&options, &other));
    GIVES(DUO_ERR_CONFIG, duo_pool_create(NULL, &other));
    options.class_count = SIZE_MAX;
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_pool_create(&options, &other));
    options.classes = (const duo_pool_class *)(uintptr_t)8;
    GIVES(DUO_ERR_TOO_LARGE, duo_pool_create(&options, &other));
    CHECK(other == NULL);
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_pool_acquire(NULL, 1, &buf));
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_pool_acquire(pool, 1, NULL));
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_pool_acquire_batch(pool, 1, NULL, 1, &n));
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_pool_acquire_batch(pool, 1, &buf, 1, NULL));
    GIVES(DUO_ERR_TOO_LARGE, duo_pool_acquire_batch(pool, 1, &buf, SIZE_MAX, &n));
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_pool_release(pool, NULL));
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_pool_release_batch(pool, NULL, 3, &n));
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_pool_stats(pool, NULL));
    stats.struct_size = 0;
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_pool_stats(pool, &stats));
    GIVES(DUO_ERR_INVALID_ARGUMENT, duo_pool_trim(NULL, 0, NULL));
    OK(duo_pool_destroy(pool));
    OK(duo_pool_destroy(NULL));
}

int main(void) {
    buffers_are_lent_and_taken_back_once();
    batches_are_prefixes();
    statistics_follow();
    null_and_nonsense_are_refused();
    return 0;
}
