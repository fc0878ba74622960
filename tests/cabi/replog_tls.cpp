// The C++ wrapper of the replicated log, with TLS.
#include "check.hpp"
#include "replog.h"

static const duo::Nanos patience{PATIENCE_NS};

static duo::ReplicatedLog open_log(const cluster &c, int at, const duo::LogTls &tls) {
    char dir[96];
    const duo_replog_options options = options_of(&c, at, dir, sizeof dir);
    const std::vector<duo::LogMember> members = {{1, c.address[0]}, {2, c.address[1]}};
    return duo::ReplicatedLog(dir, c.address[at], members, options, tls);
}

static duo::LogTls files_of(const std::string &who) {
    return {"tls/" + who + ".pem", "tls/" + who + ".key", "tls/authority.pem"};
}

static void two_nodes_agree_over_tls(const cluster &c) {
    CHECK(thrown([&] { open_log(c, 0, files_of("node-2")); }) == DUO_ERR_CONFIG);
    duo::LogTls none = files_of("node-1");
    none.authority.clear();
    CHECK(thrown([&] { open_log(c, 0, none); }) == DUO_ERR_CONFIG);
    std::vector<duo::ReplicatedLog> logs;
    logs.push_back(open_log(c, 0, files_of("node-1")));
    logs.push_back(open_log(c, 1, files_of("node-2")));
    duo_replog_receipt receipt{};
    for (std::size_t at = 0; receipt.index == 0; at = 1 - at) {
        // Whoever leads takes it. Leaders come and go: a conflict says that it never will be in the log.
        const duo_status status = thrown([&] { logs[at].append("secret", patience, receipt); });
        CHECK(status == DUO_OK || status == DUO_ERR_NOT_LEADER || status == DUO_ERR_CONFLICT);
        pause_briefly();
    }
    for (duo::ReplicatedLog &log : logs) {
        log.reload_tls();
        CHECK(log.read(receipt.index, patience).at(0).bytes == "secret");
    }
}

int main() {
    cluster c;
    std::memset(&c, 0, sizeof c);
    std::strcpy(c.dir, "replog-XXXXXX");
    CHECK(mkdtemp(c.dir) != nullptr);
    find_places(&c);
    std::uint64_t features = 0;
    CHECK(duo_features(&features) == DUO_OK);
    if ((features & DUO_FEATURE_TLS) != 0) {
        two_nodes_agree_over_tls(c);
    } else {
        CHECK(thrown([&] { open_log(c, 0, files_of("node-1")); }) == DUO_ERR_UNSUPPORTED);
    }
    end_cluster(&c);
    return 0;
}
