/* Loaded before the system's library: each flush takes as much longer as DUOBENCH_SYNC_MICROS says. */
#define _GNU_SOURCE
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

int fdatasync(int file) {
    const char *micros = getenv("DUOBENCH_SYNC_MICROS");
    if (micros) {
        usleep((useconds_t)strtoul(micros, NULL, 10));
    }
    return (int)syscall(SYS_fdatasync, file);
}
