/* Loaded before the system's library: each flush takes as much longer as DUOBENCH_SYNC_MICROS says, or with
 * DUOBENCH_SYNC_EVERY one of so many. */
#define _GNU_SOURCE
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

int fdatasync(int file) {
    static atomic_ulong flushes;
    const char *micros = getenv("DUOBENCH_SYNC_MICROS");
    const char *text = getenv("DUOBENCH_SYNC_EVERY");
    unsigned long every = text ? strtoul(text, NULL, 10) : 1;
    if (micros && every > 0 && atomic_fetch_add(&flushes, 1) % every == 0) {
        usleep((useconds_t)strtoul(micros, NULL, 10));
    }
    return (int)syscall(SYS_fdatasync, file);
}
