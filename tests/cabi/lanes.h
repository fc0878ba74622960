/* A queue with small shared lanes: two lanes of four cells, two seats of 1024 bytes. */
#ifndef LANES_H
#define LANES_H

#include "check.h"

typedef struct {
    duo_queue *queue;
    duo_lane *lane;
    char path[256];
} opened;

static inline opened open_small(void) {
    opened it;
    duo_queue_options options = DUO_QUEUE_OPTIONS_INIT;
    duo_lane_options shape = DUO_LANE_OPTIONS_INIT;
    const size_t lanes[2] = {16, 16};
    size_t len = 0;
    options.lane_cells = lanes;
    options.lane_count = 2;
    options.transaction_bytes_max = 4096;
    shape.lane_cells = 4;
    shape.seats = 2;
    shape.part_bytes = 1024;
    OK(duo_queue_create(&options, &it.queue));
    OK(duo_queue_lane_open(it.queue, &shape, &it.lane));
    OK(duo_lane_path(it.lane, it.path, sizeof it.path, &len));
    CHECK(strlen(it.path) == len);
    return it;
}

static inline void shut(opened it) {
    OK(duo_lane_close(it.lane));
    OK(duo_queue_destroy(it.queue));
}

#endif
