/*
 * Queues of C++ under the loads of the suite "queue". Usage: queue_peers QUEUE PRODUCERS CONSUMERS CELLS ITEMS
 * SEQUENCE_BITS SECONDS_MAX
 *
 * The same loops as in src/suites/queue/load.rs, which says what they do. Prints the number of items that came
 * through, the seconds that took, and 1 when time ran out before all were through.
 */
#include <boost/lockfree/queue.hpp>
#include <boost/version.hpp>
#include <concurrentqueue/concurrentqueue.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <thread>
#include <vector>

namespace {

constexpr std::size_t take_max = 64;
constexpr unsigned spins = 8;

struct load {
    unsigned producers, consumers;
    std::size_t cells;
    std::uint64_t items;
    unsigned sequence_bits;
    double seconds_max;
};

[[noreturn]] void fail(const char *what) {
    std::fprintf(stderr, "queue_peers: %s\n", what);
    std::exit(1);
}

/* Each thread has tokens of its own, the form that its author calls fast. It has no bound. */
struct moodycamel_side {
    moodycamel::ConcurrentQueue<std::uint32_t> queue;
    explicit moodycamel_side(const load &load) : queue(load.cells) {}

    struct in {
        moodycamel_side &side;
        moodycamel::ProducerToken token{side.queue};
        bool push(std::uint32_t item) { return side.queue.enqueue(token, item); }
    };
    struct out {
        moodycamel_side &side;
        moodycamel::ConsumerToken token{side.queue};
        std::size_t take(std::uint32_t *items) { return side.queue.try_dequeue_bulk(token, items, take_max); }
    };
};

struct boost_side {
    boost::lockfree::queue<std::uint32_t> queue;
    explicit boost_side(const load &load) : queue(load.cells) {}

    struct in {
        boost_side &side;
        bool push(std::uint32_t item) { return side.queue.bounded_push(item); }
    };
    struct out {
        boost_side &side;
        std::size_t take(std::uint32_t *items) {
            std::size_t count = 0;
            while (count < take_max && side.queue.pop(items[count]))
                count++;
            return count;
        }
    };
};

/* All threads begin together. */
class gate {
    std::mutex lock;
    std::condition_variable moved;
    bool open = false;

  public:
    void wait() {
        std::unique_lock<std::mutex> guard(lock);
        moved.wait(guard, [this] { return open; });
    }
    void release() {
        std::lock_guard<std::mutex> guard(lock);
        open = true;
        moved.notify_all();
    }
};

/* After a refusal: look again soon, then let others run. */
class patience {
    unsigned looks = 0;

  public:
    void lose() {
        if (looks++ < spins)
            __builtin_ia32_pause();
        else
            std::this_thread::yield();
    }
    void renew() { looks = 0; }
};

double now() {
    return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

template <typename Side> void run(const load &load) {
    Side side(load);
    gate begin;
    std::atomic<bool> over{false};
    alignas(64) std::atomic<std::uint64_t> taken{0};
    const std::uint64_t each = load.items / load.producers, all = each * load.producers;
    const std::uint32_t mask = (1u << load.sequence_bits) - 1;
    std::vector<std::thread> threads;
    std::atomic<unsigned> ready{0};
    double end = 0, deadline = 0;

    for (unsigned who = 0; who < load.producers; who++)
        threads.emplace_back([&, who] {
            typename Side::in in{side};
            patience patience;
            ready++;
            begin.wait();
            for (std::uint64_t n = 0; n < each;) {
                if (in.push(who << load.sequence_bits | (static_cast<std::uint32_t>(n) & mask))) {
                    n++;
                    patience.renew();
                } else if (over.load(std::memory_order_relaxed)) {
                    return;
                } else {
                    patience.lose();
                }
            }
        });
    for (unsigned n = 0; n < load.consumers; n++)
        threads.emplace_back([&] {
            typename Side::out out{side};
            patience patience;
            std::uint32_t items[take_max];
            std::vector<std::uint32_t> next(load.producers, 0);
            ready++;
            begin.wait();
            while (!over.load(std::memory_order_relaxed)) {
                std::size_t count = out.take(items);
                for (std::size_t i = 0; i < count; i++) {
                    std::uint32_t who = items[i] >> load.sequence_bits, sequence = items[i] & mask;
                    if (load.consumers == 1 && sequence != (next[who]++ & mask))
                        fail("an item was lost, doubled or overtaken");
                }
                if (count == 0) {
                    patience.lose();
                    if (now() > deadline)
                        over = true;
                    continue;
                }
                patience.renew();
                if (taken.fetch_add(count, std::memory_order_relaxed) + count == all) {
                    end = now();
                    over = true;
                }
            }
        });
    while (ready < threads.size())
        std::this_thread::yield();
    double begun = now();
    deadline = begun + load.seconds_max;
    begin.release();
    for (auto &thread : threads)
        thread.join();
    bool stalled = taken < all;
    std::printf("%llu %.9f %d\n", static_cast<unsigned long long>(taken.load()), (stalled ? now() : end) - begun, stalled);
}

} // namespace

int main(int count, char **words) {
    if (count == 2 && std::strcmp(words[1], "versions") == 0) {
        std::printf("%d.%d.%d\n", BOOST_VERSION / 100000, BOOST_VERSION / 100 % 1000, BOOST_VERSION % 100);
        return 0;
    }
    if (count != 8)
        fail("usage: queue_peers QUEUE PRODUCERS CONSUMERS CELLS ITEMS SEQUENCE_BITS SECONDS_MAX");
    auto number = [&](int word) { return static_cast<unsigned>(std::strtoul(words[word], nullptr, 10)); };
    load load{number(2), number(3), number(4), number(5), number(6), std::strtod(words[7], nullptr)};
    if (std::strcmp(words[1], "moodycamel") == 0)
        run<moodycamel_side>(load);
    else if (std::strcmp(words[1], "boost") == 0)
        run<boost_side>(load);
    else
        fail("no such queue");
}
