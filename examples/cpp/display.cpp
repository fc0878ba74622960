#include "display.hpp"

#include <cinttypes>
#include <cstdio>
#include <unistd.h>

namespace {

using namespace std::chrono_literals;

// How often the lines are drawn, and how often anybody looks.
constexpr auto refresh = 500ms;
constexpr auto tick = 20ms;

double seconds(std::chrono::steady_clock::duration span) { return std::chrono::duration<double>(span).count(); }

std::string millis(double value) {
    char text[32];
    std::snprintf(text, sizeof text, "%.1f ms", value);
    return text;
}

} // namespace

Display::Display(const duochain::Node &node, Verifier &verifier, const Options &options)
    : node_(node), verifier_(verifier), terminal_(::isatty(STDOUT_FILENO) == 1), started_(Clock::now()),
      finished_(started_), last_draw_(started_) {
    const std::string source = options.input.value_or(std::to_string(options.count) + " generated");
    std::printf("transactions: %s, %" PRIu64 " producers, %s store, time scale 1/%" PRIu64 "\n", source.c_str(),
                options.producers, options.backend.c_str(), options.scale);
    std::fflush(stdout);
}

// Transactions that wait in all lanes of a chain.
std::uint64_t Display::queued(duochain::Chain chain) const {
    std::uint64_t depth = 0;
    duo_lane_stats_t stats = DUO_LANE_STATS_INIT;
    for (std::uint32_t lane = 0;
         duo_node_lane_stats(node_.get(), static_cast<std::uint32_t>(chain), lane, &stats) == DUO_OK; lane++) {
        depth += stats.depth;
    }
    return depth;
}

void Display::draw() {
    const double span = std::max(seconds(Clock::now() - last_draw_), 1e-3);
    if (terminal_ && drawn_) {
        std::fputs("\033[2A", stdout);
    }
    for (std::size_t at = 0; at < 2; at++) {
        const duo_head head = node_.head(chains[at].chain);
        const Tally::View seen = verifier_.tally(chains[at].chain).look();
        const double rate = static_cast<double>(seen.finals - std::exchange(last_[at], seen.finals)) / span;
        std::printf("%-6s height %6" PRIu64 "  final %6" PRIu64 "  drift %8s  queued %7" PRIu64
                    "  %9.0f tx/s  p50 %9s  p99 %9s%s\n",
                    chains[at].name, head.height, head.final_height,
                    millis(static_cast<double>(head.slot_drift_ns) / 1e6).c_str(), queued(chains[at].chain), rate,
                    millis(seen.p50).c_str(), millis(seen.p99).c_str(), terminal_ ? "\033[K" : "");
    }
    // Output that nobody reads is no fault of this program.
    std::fflush(stdout);
    drawn_ = true;
    last_draw_ = Clock::now();
}

// What the node says about a stall.
void Display::note_stall(std::chrono::seconds patience) {
    faults_.push_back("nothing became final for " + std::to_string(patience.count()) + " s");
    for (const NamedChain &chain : chains) {
        const duo_health health = node_.health(chain.chain);
        if (health.reason[0] != '\0') {
            faults_.push_back(std::string(chain.name) + ": " + health.reason);
        }
    }
}

void Display::until_final(const Feed &feed, std::chrono::seconds patience) {
    std::uint64_t before = 0;
    Clock::time_point moved = Clock::now();
    for (;; std::this_thread::sleep_for(tick)) {
        // In this order: what is complete after the last record stays so.
        const bool done = feed.is_done();
        const Tally::View alpha = verifier_.tally(duochain::Chain::alpha).look();
        const Tally::View delta = verifier_.tally(duochain::Chain::delta).look();
        const bool complete = alpha.is_complete() && delta.is_complete();
        const std::uint64_t progress =
            alpha.sent + alpha.finals + alpha.duplicates + delta.sent + delta.finals + delta.duplicates;
        finished_ = Clock::now();
        // While nothing is outstanding, it is the input that everybody waits for.
        if (std::exchange(before, progress) != progress || complete) {
            moved = finished_;
        }
        const bool stalled = finished_ - moved > patience;
        const bool ended = (done && complete) || feed.has_failed() || verifier_.has_failed() || stalled;
        if (ended || finished_ - last_draw_ >= refresh) {
            draw();
        }
        if (stalled) {
            note_stall(patience);
        }
        if (ended) {
            return;
        }
    }
}

bool Display::table(const std::array<duo_head, 2> &heads, std::uint64_t sent) {
    std::printf("\nchain    blocks   final  transactions  duplicates     tx/s        p50        p99  restarts\n");
    std::string finals;
    for (std::size_t at = 0; at < 2; at++) {
        const Tally &tally = verifier_.tally(chains[at].chain);
        const Tally::View seen = tally.look();
        std::printf("%-6s %8" PRIu64 " %7" PRIu64 " %13" PRIu64 " %11" PRIu64 " %8.0f %10s %10s %9" PRIu64 "\n",
                    chains[at].name, heads[at].height, heads[at].final_height, seen.finals, seen.duplicates,
                    static_cast<double>(seen.finals) / seconds(finished_ - started_), millis(seen.p50).c_str(),
                    millis(seen.p99).c_str(), heads[at].restarts);
        for (const std::string &fault : tally.verdict()) {
            faults_.push_back(std::string(chains[at].name) + ": " + fault);
        }
        finals += ", " + std::to_string(seen.finals) + " final on " + chains[at].name;
    }
    if (faults_.empty()) {
        std::printf("verified: %" PRIu64 " sent%s, none lost, none twice, in order, digests equal\n", sent,
                    finals.c_str());
    } else {
        std::printf("FAILED:\n");
    }
    for (const std::string &fault : faults_) {
        std::printf("  %s\n", fault.c_str());
    }
    std::fflush(stdout);
    return faults_.empty();
}
