#define _POSIX_C_SOURCE 200809L

#include "records.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

bool records_open(records *from, const options *wanted, fault *why) {
    memset(from, 0, sizeof *from);
    from->source.state = wanted->seed;
    from->left = wanted->count;
    from->input = -1;
    from->stop = eventfd(0, EFD_CLOEXEC);
    if (from->stop < 0)
        return fault_set(why, "eventfd: %s", strerror(errno));
    if (wanted->input == NULL)
        return true;
    if (strcmp(wanted->input, "-") == 0) {
        from->name = "standard input";
        from->input = STDIN_FILENO;
        return true;
    }
    from->name = wanted->input;
    from->input = open(wanted->input, O_RDONLY | O_CLOEXEC);
    if (from->input < 0) {
        fault_set(why, "INPUT %s: %s", wanted->input, strerror(errno));
        records_close(from);
        return false;
    }
    return true;
}

void records_close(records *from) {
    if (from->input > STDIN_FILENO)
        close(from->input);
    close(from->stop);
}

bool records_stop(records *from, fault *why) {
    const uint64_t one = 1;
    return write(from->stop, &one, sizeof one) == sizeof one || fault_set(why, "eventfd: %s", strerror(errno));
}

/* Waits for input and takes what is there: 0 at the end or when stopped, -1 with errno. */
static ssize_t fill(records *from) {
    struct pollfd ready[2];
    ssize_t got;
    ready[0].fd = from->input;
    ready[1].fd = from->stop;
    ready[0].events = ready[1].events = POLLIN;
    do {
        got = poll(ready, 2, -1);
        from->stopped = got > 0 && ready[1].revents != 0;
        if (from->stopped)
            return 0;
        if (got > 0)
            got = read(from->input, from->buffer, sizeof from->buffer);
    } while (got < 0 && errno == EINTR);
    from->first = 0;
    from->end = got > 0 ? (size_t)got : 0;
    return got;
}

/* Copies up to `size` bytes, fewer at the end: how many, or -1 with errno. */
static ssize_t take(records *from, uint8_t *out, size_t size) {
    size_t done = 0;
    while (done < size) {
        size_t part = from->end - from->first;
        if (part == 0) {
            const ssize_t got = fill(from);
            if (got <= 0)
                return got < 0 ? -1 : (ssize_t)done;
            continue;
        }
        if (part > size - done)
            part = size - done;
        memcpy(out + done, from->buffer + from->first, part);
        from->first += part;
        done += part;
    }
    return (ssize_t)done;
}

#define PLACE "INPUT %s: record %" PRIu64 " at offset %" PRIu64 ": "
#define PLACE_OF(from) (from)->name, (from)->number, (from)->offset

static bool unreadable(const records *from, fault *why) {
    return fault_set(why, PLACE "%s", PLACE_OF(from), strerror(errno));
}

/* The length of the next record; 0 at the end. */
static bool read_length(records *from, size_t *length, fault *why) {
    uint8_t prefix[4];
    const ssize_t got = take(from, prefix, sizeof prefix);
    *length = 0;
    if (got < 0)
        return unreadable(from, why);
    if (got == 0 || from->stopped)
        return true;
    if (got < 4)
        return fault_set(why, PLACE "ends inside its length, after %d of 4 bytes", PLACE_OF(from), (int)got);
    *length = (size_t)prefix[0] | (size_t)prefix[1] << 8 | (size_t)prefix[2] << 16 | (size_t)prefix[3] << 24;
    if (*length == 0 || *length > RECORD_BYTES_MAX)
        return fault_set(why, PLACE "states a length of %zu; 1 to %u are allowed", PLACE_OF(from), *length,
                         RECORD_BYTES_MAX);
    return true;
}

static bool read_bytes(records *from, record *out, fault *why) {
    const ssize_t got = take(from, out->bytes, out->size);
    if (got < 0)
        return unreadable(from, why);
    if ((size_t)got < out->size && !from->stopped)
        return fault_set(why, PLACE "ends after %d of %zu bytes", PLACE_OF(from), (int)got, out->size);
    from->number++;
    from->offset += 4 + (uint64_t)out->size;
    return true;
}

static record_outcome read_record(records *from, record *out, fault *why) {
    if (!read_length(from, &out->size, why))
        return RECORD_FAULT;
    if (out->size == 0)
        return RECORD_END;
    out->bytes = malloc(out->size);
    if (out->bytes == NULL) {
        fault_memory(why);
        return RECORD_FAULT;
    }
    if (read_bytes(from, out, why) && !from->stopped)
        return RECORD_READ;
    free(out->bytes);
    return from->stopped ? RECORD_END : RECORD_FAULT;
}

record_outcome records_next(records *from, record *out, fault *why) {
    if (from->input >= 0)
        return read_record(from, out, why);
    if (from->left == 0)
        return RECORD_END;
    from->left--;
    out->size = generator_size(&from->source);
    out->bytes = malloc(out->size);
    if (out->bytes == NULL) {
        fault_memory(why);
        return RECORD_FAULT;
    }
    generator_fill(&from->source, out->bytes, out->size);
    return RECORD_READ;
}
