// Shared lanes in C++: owners of both sides, what is put in, and what is refused.
#include "check.hpp"

#include <cstring>
#include <filesystem>
#include <thread>
#include <type_traits>
#include <unistd.h>

static_assert(!std::is_copy_constructible_v<duo::SharedLanes> && std::is_nothrow_move_constructible_v<duo::SharedLanes>);
static_assert(!std::is_copy_constructible_v<duo::SharedProducer> &&
              std::is_nothrow_move_assignable_v<duo::SharedProducer>);

static duo_lane_options small() {
    duo_lane_options shape = DUO_LANE_OPTIONS_INIT;
    shape.lane_cells = 4;
    shape.seats = 2;
    shape.part_bytes = 1024;
    return shape;
}

static duo::Queue two_lanes() {
    const std::size_t lanes[2] = {16, 16};
    duo_queue_options options = DUO_QUEUE_OPTIONS_INIT;
    options.lane_cells = lanes;
    options.lane_count = 2;
    return duo::Queue(options);
}

static void what_is_put_in_comes_out_of_the_queue() {
    duo::Queue queue;
    duo::SharedLanes lanes(queue, small());
    duo::SharedProducer by_path(lanes.path()), by_descriptor(lanes.mapping().fd);
    CHECK(std::memcmp(lanes.mapping().base, "DUOLANES", 8) == 0 && lanes.mapping().size > 4096);
    CHECK(by_path.enqueue("one", 0, 1));
    CHECK(by_descriptor.enqueue_wait("two", 0ns, 0, 2));
    CHECK(by_path.emplace(5, [](void *data, std::size_t size) { std::memcpy(data, "three", size); }, 0, 3));
    duo::Item item;
    for (const char *expected : {"one", "two", "three"}) {
        CHECK(queue.dequeue_wait(item, 120s) == DUO_OK && item.bytes == expected && item.lane == 0);
    }
    CHECK(item.tag == 3 && item.sequence == 2 && queue.dequeue(item) == DUO_AGAIN);
    const duo::SharedCounts counts = lanes.counts();
    CHECK(counts.accepted == 3 && counts.bytes == 11 && counts.corrupt == 0 && counts.seats_taken == 2);
    CHECK(thrown([&] { duo::SharedProducer third(lanes.path()); }) == DUO_ERR_BUSY);
    duo::SharedProducer moved(std::move(by_path));
    CHECK(!by_path && moved.enqueue("moved"));
    CHECK(thrown([&] { by_path.enqueue("from nothing"); }) == DUO_ERR_INVALID_ARGUMENT);
    by_descriptor.reset();
    CHECK(lanes.counts().seats_taken == 1);
}

static void a_batch_is_accepted_from_its_begin_and_a_refusal_is_told() {
    duo::Queue queue = two_lanes();
    duo::SharedLanes lanes(queue, small());
    duo::SharedProducer producer(lanes.path());
    CHECK(producer.enqueue_batch({{"a", 1}, {"b", 1}, {"c", 1}}, 1, 10) == 3);
    CHECK(producer.enqueue_batch({{"d", 1}, {"e", 1}}, 1, 13) == 1);
    CHECK(producer.enqueue_batch({{"e", 1}}, 1, 14) == 0 && producer.enqueue_batch({}) == 0);
    CHECK(producer.enqueue_batch({{"f", 1}, {"", 0}}) == 1);
    CHECK(thrown([&] { producer.enqueue_batch({{"", 0}}); }) == DUO_ERR_INVALID_TX);
    CHECK(!producer.enqueue("full", 1) && !producer.enqueue_wait("full", 3ms, 1));
    CHECK(!producer.emplace(4, [](void *data, std::size_t size) { std::memcpy(data, "full", size); }, 1));
    struct Refused {};
    try {
        producer.emplace(600, [](void *, std::size_t) { throw Refused(); });
        CHECK(false);
    } catch (const Refused &) {
    }
    CHECK(producer.emplace(600, [](void *data, std::size_t size) { std::memset(data, 'x', size); }));
    CHECK(thrown([&] { producer.enqueue(std::string(993, 'x')); }) == DUO_ERR_TOO_LARGE);
    CHECK(thrown([&] { producer.enqueue("x", 9); }) == DUO_ERR_INVALID_ARGUMENT);
}

static void a_put_that_waits_goes_on_when_there_is_room() {
    duo::Queue queue;
    duo::SharedLanes lanes(queue, small());
    constexpr std::uint64_t all = 200;
    std::thread puts_in([path = lanes.path()] {
        duo::SharedProducer producer(path);
        for (std::uint64_t tag = 0; tag < all; tag++) {
            CHECK(producer.enqueue_wait("x", duo::forever, 0, tag));
        }
    });
    duo::Item item;
    for (std::uint64_t tag = 0; tag < all; tag++) {
        CHECK(queue.dequeue_wait(item, 120s) == DUO_OK && item.tag == tag);
    }
    puts_in.join();
}

static void a_close_refuses_producers_and_keeps_what_they_committed() {
    duo::Queue queue;
    const auto folder = std::filesystem::temp_directory_path();
    const std::string file = (folder / ("duochain-cabi-" + std::to_string(::getpid()))).string();
    CHECK(thrown([&] { duo::SharedProducer producer(file); }) == DUO_NOT_FOUND);
    duo::SharedLanes lanes(queue, file, small());
    CHECK(lanes.path() == file);
    CHECK(thrown([&] { duo::SharedLanes again(queue, file); }) == DUO_ERR_IO);
    duo::SharedProducer producer(file);
    CHECK(producer.enqueue("committed"));
    lanes.close();
    CHECK(!lanes && thrown([&] { producer.enqueue_wait("late", duo::forever); }) == DUO_ERR_CLOSED);
    duo::Item item;
    CHECK(queue.dequeue_wait(item, 120s) == DUO_OK && item.bytes == "committed");
    duo_lane_options shape = DUO_LANE_OPTIONS_INIT;
    shape.lane_cells = 3;
    CHECK(thrown([&] { duo::SharedLanes odd(queue, shape); }) == DUO_ERR_CONFIG);
}

int main() {
    what_is_put_in_comes_out_of_the_queue();
    a_batch_is_accepted_from_its_begin_and_a_refusal_is_told();
    a_put_that_waits_goes_on_when_there_is_room();
    a_close_refuses_producers_and_keeps_what_they_committed();
    return 0;
}
