// The main job: feed transactions into both chains, watch them become final, and prove that what came out is
// what went in.
//
// run [--input PATH|-] [--count N] [--seed S] [--producers P] [--scale N] [--data-dir DIR] [--backend B]
//
// Exit status 0: all final, as sent. 1: not so. 2: could not be tried.

#include "display.hpp"
#include "fault.hpp"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <system_error>

namespace {

using namespace std::chrono_literals;

// Alpha's blocks are five times as far apart as Delta's.
constexpr std::uint64_t alpha_delta_ratio = 5;

// A data directory, removed at the end when it was made for this run.
class Directory {
public:
    explicit Directory(const std::optional<std::string> &named) : path_(named ? *named : make()), remove_(!named) {}
    Directory(const Directory &) = delete;
    Directory &operator=(const Directory &) = delete;
    ~Directory() {
        // Left-overs in the temporary directory are all that a failure here means.
        std::error_code ignored;
        if (remove_) {
            std::filesystem::remove_all(path_, ignored);
        }
    }

    const std::string &path() const { return path_; }

private:
    static std::string make() {
        const char *named = std::getenv("TMPDIR");
        const std::string parent = named != nullptr && *named != '\0' ? named : P_tmpdir;
        std::string path = parent + "/duochain-run-XXXXXX";
        if (::mkdtemp(path.data()) == nullptr) {
            throw Fault("cannot create a folder in " + parent + ": " + std::generic_category().message(errno));
        }
        return path;
    }

    std::string path_;
    bool remove_;
};

duochain::Config configure(const Options &options, const Directory &directory) {
    duochain::Config config;
    config.set("data_dir", directory.path());
    config.set("storage.backend", options.backend);
    config.set("time.scale", std::to_string(options.scale));
    return config;
}

// Several finality times without any progress mean that something is lost.
std::chrono::seconds patience(const duochain::Config &config, const Options &options) {
    const std::uint64_t interval_ms = std::stoull(config.get_value("delta.block_interval_ms")) * alpha_delta_ratio;
    return std::max(30s, std::chrono::seconds(interval_ms * 12 / options.scale / 1000));
}

bool run(const Options &options) {
    Records records(options);
    const Directory directory(options.data_dir);
    const duochain::Config config = configure(options, directory);
    duochain::Node node(config);
    Verifier verifier(node, options.producers);
    Display display(node, verifier, options);
    Feed feed(node, verifier, records, options.producers);
    display.until_final(feed, patience(config, options));
    const std::uint64_t sent = feed.stop();
    verifier.stop();
    const std::array<duo_head, 2> heads = {node.head(chains[0].chain), node.head(chains[1].chain)};
    if (!node.close(30s)) {
        throw Fault("the node did not stop in time");
    }
    return display.table(heads, sent);
}

} // namespace

int main(int argc, char **argv) {
    // A reader of the output that goes away must not leave the directory behind.
    std::signal(SIGPIPE, SIG_IGN);
    try {
        duochain::check_abi();
        return run(Options::parse({argv + 1, argv + argc})) ? 0 : 1;
    } catch (...) {
        std::fprintf(stderr, "run: %s\n", current_fault().c_str());
        return 2;
    }
}
