// The C++ wrapper of the replicated log.
#include "check.hpp"
#include "replog.h"

#include <map>
#include <sstream>

static const duo::Nanos patience{PATIENCE_NS};

static duo::ReplicatedLog open_log(const cluster &c, int at) {
    char dir[96];
    const duo_replog_options options = options_of(&c, at, dir, sizeof dir);
    const std::vector<duo::LogMember> members = {{1, c.address[0]}, {2, c.address[1]}, {3, c.address[2]}};
    return duo::ReplicatedLog(dir, c.address[at], members, options);
}

// Appends as a client does; gives who took it.
static std::size_t append(std::vector<duo::ReplicatedLog> &logs, const char *text, duo_replog_receipt &receipt) {
    std::size_t at = 0;
    for (;;) {
        try {
            if (logs[at] && logs[at].append(text, patience, receipt) == DUO_OK) {
                return at;
            }
            at = (at + 1) % logs.size();
        } catch (const duo::Error &error) {
            // Leaders come and go: a conflict says that it never will be in the log.
            CHECK(error.status() == DUO_ERR_NOT_LEADER || error.status() == DUO_ERR_CONFLICT);
            const bool known = error.leader() > 0 && logs[error.leader() - 1];
            at = known ? error.leader() - 1 : (at + 1) % logs.size();
        }
        pause_briefly();
    }
}

static std::vector<std::string> texts(const duo::ReplicatedLog &log, std::uint64_t last) {
    std::vector<std::string> out;
    for (std::uint64_t from = 1; from <= last;) {
        for (duo::LogEntry &entry : log.read(from, patience)) {
            from = entry.place.index + 1;
            out.push_back(std::move(entry.bytes));
        }
    }
    return out;
}

// Without a majority nothing can be committed. What somebody is told who waits for an entry at a leader that is
// closed: DUO_ERR_NOT_LEADER where it had stepped down before that, on a machine that stood still.
static duo_status told_without_a_majority(const cluster &c, std::vector<duo::ReplicatedLog> &logs) {
    for (std::size_t at = 0; at < logs.size(); at++) {
        logs[at].reset();
        logs[at] = open_log(c, static_cast<int>(at));
    }
    duo_replog_receipt receipt{};
    const std::size_t leader = append(logs, "last", receipt);
    for (std::size_t at = 0; at < logs.size(); at++) {
        if (at != leader) {
            logs[at].reset();
        }
    }
    std::optional<std::uint64_t> left;
    const duo_status refused = thrown([&] { left = logs[leader].submit({"left"}); });
    if (refused != DUO_OK) {
        return refused;
    }
    CHECK(left);
    const duo_status closed = logs[leader].close(duo::Nanos{1000000});
    const duo_status told = thrown([&] { logs[leader].await(*left, patience, receipt); });
    CHECK(told == DUO_ERR_NOT_LEADER || closed == DUO_TIMEOUT);
    CHECK(logs[leader].close() == DUO_OK);
    return told;
}

static void closing_says_whether_something_was_left(const cluster &c, std::vector<duo::ReplicatedLog> &logs) {
    duo_status told = DUO_ERR_NOT_LEADER;
    while (told == DUO_ERR_NOT_LEADER) {
        told = told_without_a_majority(c, logs);
    }
    CHECK(told == DUO_ERR_CLOSED);
}

static void a_learner_is_no_first_member(const cluster &c) {
    char dir[96];
    const duo_replog_options options = options_of(&c, 0, dir, sizeof dir);
    const std::vector<duo::LogMember> members = {{1, c.address[0]}, {2, c.address[1], DUO_REPLOG_LEARNER}};
    CHECK(thrown([&] { duo::ReplicatedLog(dir, c.address[0], members, options); }) == DUO_ERR_INVALID_ARGUMENT);
}

static void a_directory_keeps_the_kind_of_log_that_it_was_begun_with(const cluster &c) {
    std::uint64_t features = 0;
    CHECK(duo_features(&features) == DUO_OK);
    const bool has_rocksdb = (features & DUO_FEATURE_ROCKSDB) != 0;
    char dir[96];
    duo_replog_options options = options_of(&c, 0, dir, sizeof dir);
    std::strcat(dir, "-alone");
    const auto open = [&](std::uint32_t kept) {
        options.log_backend = kept;
        return duo::ReplicatedLog(dir, c.address[0], {{1, c.address[0]}}, options);
    };
    const std::uint32_t kept = has_rocksdb ? DUO_LOG_BACKEND_ROCKSDB : DUO_LOG_BACKEND_SEGMENTS;
    for (std::size_t times = 1; times <= 2; times++) {
        std::vector<duo::ReplicatedLog> logs;
        logs.push_back(open(kept));
        duo_replog_receipt receipt{};
        append(logs, "kept", receipt);
        CHECK(texts(logs[0], receipt.index) == std::vector<std::string>(times, "kept"));
    }
    CHECK(thrown([&] { open(DUO_LOG_BACKEND_ROCKSDB - kept); }) ==
          (has_rocksdb ? DUO_ERR_CONFIG : DUO_ERR_UNSUPPORTED));
}

static void a_snapshot_is_given_and_taken(duo::ReplicatedLog &log, std::uint64_t last) {
    CHECK(!log.read_snapshot());
    CHECK(thrown([&] { log.snapshot(last + 1, "x", patience); }) == DUO_ERR_INVALID_ARGUMENT);
    const std::string state((1 << 18) + 5, 's');
    CHECK(log.snapshot(last, state, patience) == DUO_OK && log.status().snapshot == last);
    CHECK(log.read_snapshot()->index == last && log.read_snapshot()->state == state);
    duo_replog_receipt receipt{};
    CHECK(log.await(*log.submit_snapshot(last, "as much of the log"), patience, receipt) == DUO_OK);
    CHECK(receipt.index == last && log.read_snapshot()->state == state);
    const auto op = log.begin_snapshot(last);
    CHECK(log.write_snapshot(*op, "as much, too", patience) == DUO_OK);
    log.end_snapshot(*op);
    CHECK(log.await(*op, patience, receipt) == DUO_OK && receipt.index == last);
}

static void a_state_goes_in_and_out_in_pieces(duo::ReplicatedLog &log, std::uint64_t last) {
    int pieces = 0;
    const std::string piece((1 << 20) + 7, 'p');
    const auto broken = [&]() -> duo::Bytes {
        if (pieces++ > 0) {
            throw std::logic_error("the host's");
        }
        return piece;
    };
    for (int times = 0; times < 5; times++, pieces = 0) {
        try {
            log.give_snapshot(last, broken, patience);
            CHECK(false);
        } catch (const std::logic_error &) {
            CHECK(log.status().snapshot < last);
        }
    }
    const auto next = [&] { return pieces++ < 3 ? duo::Bytes(piece) : duo::Bytes(); };
    CHECK(log.give_snapshot(last, next, duo::forever) == DUO_OK && log.status().snapshot == last);
    std::string state;
    const auto full = [](duo::Bytes) { throw duo::Error(DUO_ERR_IO, "the host's"); };
    CHECK(thrown([&] { log.copy_snapshot(full); }) == DUO_ERR_IO);
    CHECK(log.copy_snapshot([&](duo::Bytes bytes) { state += bytes.text(); }) == last);
    CHECK(state == piece + piece + piece && log.read_snapshot()->state == state);
}

static void an_entry_is_read_with_its_id_and_once(duo::ReplicatedLog &log) {
    const std::string ids = std::string(DUO_REPLOG_ID_BYTES, 'i') + std::string(DUO_REPLOG_ID_BYTES, '\0');
    duo_replog_append_options options = DUO_REPLOG_APPEND_OPTIONS_INIT;
    options.ids = ids.data();
    options.ids_len = ids.size();
    duo_replog_receipt first{}, again{};
    CHECK(log.append_batch({{"named", 5}, {"plain", 5}}, patience, first, options) == DUO_OK);
    const auto batch = log.submit({"named", "plain"}, options);
    CHECK(log.await(*batch, patience, again) == DUO_OK && first.repeated == 0 && again.repeated == 1);
    std::vector<duo::LogEntry> entries;
    while (entries.size() < 3) {
        entries = log.read(first.index - 1, patience);
    }
    CHECK(entries[0].bytes == "named" && entries[0].id == std::string(DUO_REPLOG_ID_BYTES, 'i'));
    CHECK(entries[1].bytes == "plain" && entries[1].id.empty());
    CHECK(entries[2].place.index == again.index && entries[2].id.empty());
    options.ids_len = DUO_REPLOG_ID_BYTES + 1;
    CHECK(thrown([&] { log.append("named", patience, again, options); }) == DUO_ERR_INVALID_ARGUMENT);
}

static void figures_are_samples_too(const duo::ReplicatedLog &log) {
    std::istringstream text(log.prometheus());
    std::map<std::string, double> samples;
    for (std::string line; std::getline(text, line);) {
        const std::size_t value = line.rfind(' ');
        CHECK(value != std::string::npos);
        if (line[0] != '#') {
            std::size_t read = 0;
            const double number = std::stod(line.substr(value + 1), &read);
            CHECK(read == line.size() - value - 1 && samples.emplace(line.substr(0, value), number).second);
        }
    }
    const std::string node = "{node=\"" + std::to_string(log.status().node) + "\"}";
    CHECK(samples.at("duochain_log_role" + node) == 3.0 && samples.at("duochain_log_commit_index" + node) >= 1.0);
}

static void a_change_is_waited_for(const duo::ReplicatedLog &log) {
    auto now = log.wait_status(0, duo::Nanos::zero());
    CHECK(now && now->changes > 0 && now->members == NODES);
    // An election may come in between.
    for (auto next = now; next; next = log.wait_status(now->changes, duo::Nanos{1000000})) {
        now = next;
    }
    CHECK(log.status().changes >= now->changes);
}

static void what_is_acknowledged_outlives_its_leader(cluster &c) {
    std::vector<duo::ReplicatedLog> logs;
    for (int at = 0; at < NODES; at++) {
        logs.push_back(open_log(c, at));
    }
    duo_replog_receipt receipt{};
    const std::size_t leader = append(logs, "first", receipt);
    CHECK(logs[leader].status().role == DUO_REPLOG_LEADER && logs[leader].peers().size() == NODES - 1);
    CHECK(logs[leader].members()[0].address == c.address[0]);
    CHECK(logs[leader].append_batch({{"second", 6}, {"third", 5}}, patience, receipt) == DUO_OK);
    CHECK(thrown([&] { logs[leader].append_batch({}, patience, receipt); }) == DUO_ERR_INVALID_ARGUMENT);
    CHECK(thrown([&] { logs[leader].change({{9, nullptr, DUO_REPLOG_REMOVE, 0}}, patience); }) ==
          DUO_ERR_INVALID_ARGUMENT);
    CHECK(*logs[leader].read_index(patience) >= receipt.index);
    CHECK(logs[leader].json().find("\"role\":\"leader\"") != std::string::npos);
    figures_are_samples_too(logs[leader]);
    a_change_is_waited_for(logs[leader]);
    const auto batch = logs[leader].submit({"fourth", "", "fifth"});
    CHECK(logs[leader].await(*batch, patience, receipt) == DUO_OK);
    CHECK(thrown([&] { logs[leader].forget(*batch); }) == DUO_ERR_INVALID_ARGUMENT);
    const auto read = logs[leader].submit_read();
    duo_replog_receipt answer{};
    CHECK(logs[leader].await(*read, patience, answer) == DUO_OK && answer.index >= receipt.index);
    const auto change = logs[leader].submit_change({{9, nullptr, DUO_REPLOG_REMOVE, 0}});
    CHECK(thrown([&] { logs[leader].await(*change, patience, answer); }) == DUO_ERR_INVALID_ARGUMENT);
    an_entry_is_read_with_its_id_and_once(logs[leader]);
    // The request, or a vote, gets lost where a connection is in the making, so it is repeated.
    while (logs[leader].status().role == DUO_REPLOG_LEADER) {
        const duo_status status = thrown([&] { logs[leader].transfer(patience); });
        CHECK(status == DUO_OK || status == DUO_ERR_NOT_LEADER);
        pause_briefly();
    }
    CHECK(logs[leader].close(patience) == DUO_OK);
    logs[leader].reset();
    CHECK(append(logs, "sixth", receipt) != leader);
    logs[leader] = open_log(c, static_cast<int>(leader));
    for (const duo::ReplicatedLog &log : logs) {
        CHECK(texts(log, receipt.index) ==
              std::vector<std::string>({"first", "second", "third", "fourth", "", "fifth", "named", "plain", "plain", "sixth"}));
        CHECK(log.read(receipt.index + 1, duo::Nanos::zero()).empty());
    }
    a_snapshot_is_given_and_taken(logs[0], receipt.index);
    append(logs, "seventh", receipt);
    while (logs[0].read(receipt.index, patience).empty()) {
    }
    a_state_goes_in_and_out_in_pieces(logs[0], receipt.index);
    closing_says_whether_something_was_left(c, logs);
}

int main() {
    cluster c;
    std::memset(&c, 0, sizeof c);
    std::strcpy(c.dir, "replog-XXXXXX");
    CHECK(mkdtemp(c.dir) != nullptr);
    find_places(&c);
    a_learner_is_no_first_member(c);
    a_directory_keeps_the_kind_of_log_that_it_was_begun_with(c);
    what_is_acknowledged_outlives_its_leader(c);
    end_cluster(&c);
    return 0;
}
