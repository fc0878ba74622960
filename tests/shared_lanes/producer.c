/* The C producer that is killed: puts in records as record.rs describes them, and says what is committed. */
#include "duochain.h"

#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void put(unsigned char *at, uint64_t word) {
    for (int byte = 0; byte < 8; byte++) {
        at[byte] = (unsigned char)(word >> (8 * byte));
    }
}

static size_t make(unsigned char *bytes, uint64_t number, uint64_t sequence) {
    size_t len = 16 + (size_t)(sequence * 37 % 700);
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    put(bytes, number);
    put(bytes + 8, sequence);
    memset(bytes + 16, (int)(sequence & 0xff), len - 16);
    for (size_t at = 0; at < len; at++) {
        hash = (hash ^ bytes[at]) * UINT64_C(0x100000001b3);
    }
    put(bytes + len, hash);
    return len + 8;
}

static duo_status put_in(duo_lane_producer *producer, const unsigned char *bytes, size_t len, uint64_t sequence) {
    duo_claim claim;
    duo_status status;
    if (sequence % 2 == 0) {
        return duo_lane_enqueue(producer, 0, bytes, len, sequence);
    }
    status = duo_lane_claim(producer, 0, len, &claim);
    if (status != DUO_OK) {
        return status;
    }
    memcpy(claim.data, bytes, len);
    while ((status = duo_lane_commit(producer, &claim, sequence)) == DUO_AGAIN) {
        sched_yield();
    }
    return status;
}

int main(void) {
    const char *path = getenv("DUOCHAIN_SHARED_PATH");
    const char *number = getenv("DUOCHAIN_SHARED_NUMBER");
    duo_lane_producer *producer = NULL;
    unsigned char bytes[1024];
    char line[64];
    if (path == NULL || number == NULL || duo_lane_attach(path, &producer) != DUO_OK) {
        duo_last_error_message((char *)bytes, sizeof bytes);
        fprintf(stderr, "%s\n", (char *)bytes);
        return 1;
    }
    for (uint64_t sequence = 0;; sequence++) {
        size_t len = make(bytes, strtoull(number, NULL, 10), sequence);
        duo_status status;
        while ((status = put_in(producer, bytes, len, sequence)) == DUO_AGAIN) {
            sched_yield();
        }
        if (status != DUO_OK) {
            return 1;
        }
        len = (size_t)snprintf(line, sizeof line, "c %llu end\n", (unsigned long long)sequence);
        if (write(1, line, len) != (ssize_t)len) {
            return 1;
        }
    }
}
