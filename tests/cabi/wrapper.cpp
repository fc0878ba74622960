// The C++ wrapper: owners, moves, exceptions, and the values behind them.
#include "check.hpp"

#include <memory>
#include <thread>
#include <type_traits>

static duo::Config fast_config() {
    duo::Config config;
    config.set("storage.backend", "memory").set("time.scale", "1000").set("queue.cells", "64");
    return config;
}

static void owners_move_and_end_once() {
    static_assert(!std::is_copy_constructible_v<duo::Queue> && std::is_nothrow_move_constructible_v<duo::Queue>);
    static_assert(!std::is_copy_constructible_v<duo::Node> && std::is_nothrow_move_assignable_v<duo::Node>);
    duo::Queue first;
    duo_queue *handle = first.get();
    duo::Queue second(std::move(first));
    CHECK(!first && second.get() == handle);
    CHECK(thrown([&] { first.size(); }) == DUO_ERR_INVALID_ARGUMENT);
    first = std::move(second);
    CHECK(first.size() == 0);
    first.reset();
    CHECK(!first);
    CHECK(duo_queue_close(handle) == DUO_ERR_BAD_HANDLE);
}

static void errors_carry_status_and_message() {
    duo::Config config;
    CHECK(thrown([&] { config.set("queue.lane", "1"); }) == DUO_ERR_CONFIG);
    CHECK(thrown([&] { config.load_toml("= 1"); }) == DUO_ERR_CONFIG);
    CHECK(thrown([&] { config.load_file("no/such/file"); }) == DUO_ERR_CONFIG);
    CHECK(thrown([&] { config.validate(); }) == DUO_ERR_CONFIG);
    CHECK(config.get_value("storage.backend") == "fjall");
    try {
        duo::Node node(config);
        CHECK(false);
    } catch (const std::runtime_error &error) {
        CHECK(std::string(error.what()).find("data_dir") != std::string::npos);
    }
}

static void queues_carry_bytes_of_any_size() {
    duo::Queue queue;
    duo::Item item;
    CHECK(queue.dequeue(item) == DUO_AGAIN);
    CHECK(queue.enqueue("small", 0, 1));
    CHECK(queue.enqueue(std::string(5000, 'x'), 0, 2));
    CHECK(queue.emplace(3, [](void *data, std::size_t size) { std::memcpy(data, "abc", size); }));
    CHECK(queue.enqueue_batch({{"one", 3}, {"two", 3}}) == 2);
    CHECK(queue.size() == 5);
    CHECK(queue.dequeue(item) == DUO_OK && item.bytes == "small" && item.tag == 1);
    CHECK(queue.dequeue(item) == DUO_OK && item.bytes.size() == 5000 && item.tag == 2);
    CHECK(queue.dequeue(item) == DUO_OK && item.bytes == "abc");
    struct Refused {};
    try {
        queue.emplace(3, [](void *, std::size_t) { throw Refused(); });
        CHECK(false);
    } catch (const Refused &) {
    }
    duo::Stage stage(queue);
    CHECK(stage.enqueue("staged") && stage.size() == 0 && stage.flush());
    queue.close();
    CHECK(thrown([&] { stage.enqueue("late"); }) == DUO_ERR_CLOSED);
    CHECK(thrown([&] { queue.enqueue("late"); }) == DUO_ERR_CLOSED);
    CHECK(queue.dequeue_wait(item, duo::forever) == DUO_OK && item.bytes == "one");
    CHECK(queue.dequeue(item) == DUO_OK);
    CHECK(queue.dequeue(item) == DUO_OK && item.bytes == "staged" && queue.dequeue(item) == DUO_END);
    CHECK(queue.lane_stats(0).dequeued == 6);
}

static void buffers_go_back_by_themselves() {
    duo::Pool pool(std::vector<duo_pool_class>{{64, 2}});
    {
        duo::Buffer first = pool.acquire(10);
        duo::Buffer second = std::move(first);
        CHECK(first.data() == nullptr && second.size() == 10 && second.capacity() >= 10);
        CHECK(pool.stats().in_use == 1);
        CHECK(thrown([&] { pool.reset(); }) == DUO_ERR_BUSY);
        second = pool.acquire(20);
        CHECK(pool.stats().in_use == 1);
    }
    CHECK(pool.stats().in_use == 0);
    pool.trim();
    pool.reset();
}

static void pools_are_taken_from_in_batches_and_follow_demand() {
    duo_pool_class shape = {64, 64};
    const std::size_t initial = 8;
    duo_pool_options options = DUO_POOL_OPTIONS_INIT;
    options.classes = &shape;
    options.class_count = 1;
    options.initial = &initial;
    options.leak_tracking = DUO_LEAK_TRACKING_ON;
    duo::Pool pool(options);
    CHECK(pool.warm_up(64, 64) == 64 && pool.warm_up(64, 64) == 0);
    CHECK(thrown([&] { pool.warm_up(65, 1); }) == DUO_ERR_TOO_LARGE);
    {
        std::vector<duo::Buffer> most = pool.acquire_batch(10, 60), rest = pool.acquire_batch(10, 60);
        CHECK(most.size() == 60 && rest.size() == 4 && rest[3].size() == 10);
        CHECK(thrown([&] { pool.acquire_batch(10, 1); }) == DUO_ERR_NO_MEMORY);
        std::vector<duo::Buffer> mixed = std::move(rest);
        duo::Pool other(std::vector<duo_pool_class>{{64, 2}});
        mixed.push_back(other.acquire(1));
        mixed.emplace_back();
        pool.release_batch(std::move(mixed));
        CHECK(pool.stats().in_use == 60 && other.stats().in_use == 0);
    }
    CHECK(pool.stats().in_use == 0);
    duo::Buffer named = pool.acquire(7, "wrapper.cpp:1");
    const auto held = pool.held();
    CHECK(held.size() == 1 && held[0].len == 7 && std::string(held[0].site) == "wrapper.cpp:1");
    CHECK(pool.held(1h).empty() && pool.held(0s, 0).empty());
    const auto classes = pool.class_stats();
    CHECK(classes.size() == 1 && classes[0].buffer_bytes == 64 && classes[0].initial == 8);
    CHECK(classes[0].in_use == 1 && classes[0].acquired == 65);
    CHECK(pool.maintain(0s).evicted_slabs == 0);
    pool.maintain();
}

static void a_batch_gives_back_what_lies_behind_a_buffer_that_went_back_before() {
    duo_pool_class shape = {64, 8};
    duo_pool_options options = DUO_POOL_OPTIONS_INIT;
    options.classes = &shape;
    options.class_count = 1;
    options.leak_tracking = DUO_LEAK_TRACKING_ON;
    duo::Pool pool(options);
    std::vector<duo::Buffer> buffers;
    for (std::size_t len = 1; len <= 5; len++) {
        buffers.push_back(pool.acquire(len));
    }
    for (const duo_held &held : pool.held()) {
        if (held.len == 3) {
            duo_buf third{};
            third.handle = held.handle;
            CHECK(duo_pool_release(pool.get(), &third) == DUO_OK);
        }
    }
    CHECK(pool.stats().in_use == 4);
    pool.release_batch(std::move(buffers));
    CHECK(pool.stats().in_use == 0);
}

static std::uint64_t initial_of(const duo::Pool &pool) {
    std::uint64_t initial = 0;
    for (const auto &stats : pool.class_stats()) {
        initial += stats.initial;
    }
    return initial;
}

static void managed_pools_have_the_sizes_of_the_configuration() {
    duo::Pool usual(duo::PoolKind::consensus_message);
    CHECK(initial_of(usual) == 10000);
    duo::Config config;
    config.set("pool.log_entry.initial", "777");
    duo::Pool small(duo::PoolKind::log_entry, DUO_POOL_KEEP_ADDRESSES, &config);
    CHECK(initial_of(small) == 777);
    CHECK(thrown([&] { duo::Pool(static_cast<duo::PoolKind>(9), 0, &config); }) == DUO_ERR_INVALID_ARGUMENT);
    CHECK(thrown([&] { duo::Pool(duo::PoolKind::log_entry, 2); }) == DUO_ERR_INVALID_ARGUMENT);
}

static void a_node_runs_and_proves() {
    duo::Node node(fast_config());
    duo::Subscription sub = node.subscribe();
    const auto op = node.submit(duo::Chain::delta, "pay");
    CHECK(op.has_value());
    const auto done = node.poll_completions(8, 120s);
    CHECK(done.size() == 1 && done[0].op == *op && done[0].status == DUO_OK);
    const duo::Id id = duo::tx_id(duo::Chain::delta, "pay");
    CHECK(node.tx_status(duo::Chain::delta, id).state == DUO_TX_FINAL);
    CHECK(node.head(duo::Chain::delta).final_height >= done[0].height);
    CHECK(node.health(duo::Chain::alpha).chain == DUO_CHAIN_ALPHA);
    const auto block = node.block(duo::Chain::delta, done[0].height);
    CHECK(block && duo::block_header(*block).height == done[0].height);
    CHECK(duo::block_transactions(*block).at(done[0].index).text() == "pay");
    CHECK(!node.block(duo::Chain::delta, UINT64_MAX));
    const auto proof = node.proof(duo::Chain::delta, id);
    CHECK(proof && duo::verify_proof(*proof, "pay").height == done[0].height);
    CHECK(thrown([&] { duo::verify_proof(*proof, "steal"); }) == DUO_ERR_CONFLICT);
    CHECK(!node.proof(duo::Chain::alpha, id));
    CHECK(node.metrics_text().find("# EOF") != std::string::npos);
    CHECK(node.submit_batch(duo::Chain::alpha, {{"a", 1}, {"b", 1}}).size() == 2);
    CHECK(node.submit_wait(duo::Chain::alpha, "c", 1s).has_value());
    CHECK(node.completion_fd() >= 0 && sub.event_fd() >= 0);
    CHECK(sub.wait(120s));
    const auto events = sub.poll(4);
    CHECK(!events.empty());
    sub.seek(duo::Chain::delta, 1);
    CHECK(sub.lag(duo::Chain::delta) > 0 && sub.dropped(duo::Chain::delta) == 0);
    CHECK(thrown([&] { sub.ack(duo::Chain::delta, 1); }) == DUO_ERR_INVALID_ARGUMENT);
    CHECK(node.close());
    CHECK(thrown([&] { node.submit(duo::Chain::delta, "late"); }) == DUO_ERR_CLOSED);
    CHECK(thrown([&] { sub.wait(0s); }) == DUO_ERR_CLOSED);
}

static void a_waiting_thread_ends_when_the_owner_does() {
    auto queue = std::make_unique<duo::Queue>();
    duo_queue *handle = queue->get();
    std::thread waiter([handle] {
        char buf[4];
        duo_item item;
        const duo_status status = duo_queue_dequeue_wait(handle, buf, sizeof buf, DUO_WAIT_FOREVER, &item);
        CHECK(status == DUO_END || status == DUO_ERR_BAD_HANDLE);
    });
    queue.reset();
    waiter.join();
}

// Static objects end after main, when the library's own thread state is gone.
static std::optional<duo::Node> left_open;

int main() {
    duo::check_abi();
    owners_move_and_end_once();
    errors_carry_status_and_message();
    queues_carry_bytes_of_any_size();
    buffers_go_back_by_themselves();
    pools_are_taken_from_in_batches_and_follow_demand();
    a_batch_gives_back_what_lies_behind_a_buffer_that_went_back_before();
    managed_pools_have_the_sizes_of_the_configuration();
    a_node_runs_and_proves();
    a_waiting_thread_ends_when_the_owner_does();
    left_open.emplace(fast_config());
    return 0;
}
