// The replicated log: one machine's part of it.
#ifndef DUOCHAIN_LOG_HPP
#define DUOCHAIN_LOG_HPP

#include "core.hpp"

#include <algorithm>
#include <chrono>
#include <optional>
#include <string>
#include <vector>

namespace duochain {

// A member and where the others find it.
struct LogMember {
    std::uint64_t node = 0;
    std::string address;
    std::uint32_t parts = DUO_REPLOG_VOTER; // DUO_REPLOG_VOTER, _OUTGOING, _LEARNER and _DEMOTED bits
};

// PEM files for TLS between the nodes; see docs/operations.md.
struct LogTls {
    std::string certificate; // this node's
    std::string key;         // of the certificate, without a password
    std::string authority;   // who signed the certificates of all nodes
};

// A committed entry with its bytes.
struct LogEntry {
    duo_replog_entry place{};
    std::string bytes;
    std::string id; // DUO_REPLOG_ID_BYTES that it is known by beside its session; empty: none
};

// A state that a host gave, as of all entries up to `index`.
struct LogSnapshot {
    std::uint64_t index = 0;
    std::string state;
};

// One machine's part of a replicated log; see docs/replication.md. Nothing of an append is in the log when it throws
// NOT_LEADER (Error::leader says who leads), CONFLICT, TOO_LARGE or INVALID_ARGUMENT, or returns DUO_AGAIN. After
// DUO_OK and DUO_PARTIAL (asked for DUO_REPLOG_WAIT_ALL: a voter may lack it) it is committed, as the receipt says.
// After DUO_TIMEOUT, and when it throws CLOSED or POISONED, nobody knows.
class ReplicatedLog : public detail::Owner<duo_replog, duo_replog_destroy> {
public:
    explicit ReplicatedLog(const duo_replog_options &options)
        : Owner(detail::made<duo_replog>(duo_replog_open, &options)) {}
    // With the members, the directory and the address to listen on as strings. Members of a running cluster that are
    // not plain voters are refused: the first members are voters all of them.
    ReplicatedLog(const std::string &dir, const std::string &listen, const std::vector<LogMember> &members,
                  duo_replog_options options)
        : ReplicatedLog(filled(options, dir, listen, listed(members))) {}
    // The same with TLS.
    ReplicatedLog(const std::string &dir, const std::string &listen, const std::vector<LogMember> &members,
                  const duo_replog_options &options, const LogTls &tls)
        : ReplicatedLog(dir, listen, members, secured(options, tls)) {}

    // Waits until it is committed, or what `options` say.
    duo_status append(Bytes entry, Nanos timeout, duo_replog_receipt &receipt,
                      const duo_replog_append_options &options = DUO_REPLOG_APPEND_OPTIONS_INIT) {
        return check(duo_replog_append(get(), entry.data, entry.size, &options, timeout.count(), &receipt));
    }
    // All or none; the entries have the indexes up to that of `receipt`.
    duo_status append_batch(const std::vector<duo_iovec> &entries, Nanos timeout, duo_replog_receipt &receipt,
                            const duo_replog_append_options &options = DUO_REPLOG_APPEND_OPTIONS_INIT) {
        return check(
            duo_replog_append_batch(get(), entries.data(), entries.size(), &options, timeout.count(), &receipt));
    }
    // As append_batch without waiting: a number for `await` and `forget`; nothing when too much waits (DUO_AGAIN).
    std::optional<std::uint64_t>
    submit(const std::vector<Bytes> &entries,
           const duo_replog_append_options &options = DUO_REPLOG_APPEND_OPTIONS_INIT) {
        std::string flat;
        std::vector<std::uint32_t> lens;
        for (const Bytes &entry : entries) {
            if (entry.size > UINT32_MAX) {
                throw Error(DUO_ERR_TOO_LARGE, "an entry of " + std::to_string(entry.size) + " bytes");
            }
            flat.append(entry.text());
            lens.push_back(static_cast<std::uint32_t>(entry.size));
        }
        return op([&](std::uint64_t *op) {
            return duo_replog_submit(get(), flat.data(), lens.data(), lens.size(), &options, op);
        });
    }
    // As read_index and change without waiting; the receipt has the index of the read, or the place of the change.
    std::optional<std::uint64_t> submit_read() const {
        return op([&](std::uint64_t *op) { return duo_replog_submit_read(get(), op); });
    }
    std::optional<std::uint64_t> submit_change(const std::vector<duo_replog_change_t> &changes) {
        return op([&](std::uint64_t *op) {
            return duo_replog_submit_change(get(), changes.data(), changes.size(), op);
        });
    }
    // As `snapshot` without waiting; the receipt has the index of the newest snapshot then.
    std::optional<std::uint64_t> submit_snapshot(std::uint64_t index, Bytes state) {
        return op([&](std::uint64_t *op) {
            return duo_replog_submit_snapshot(get(), index, state.data, state.size, op);
        });
    }
    // The same for a state of any length, handed over by write_snapshot and ended by end_snapshot before it is awaited.
    // Other snapshots wait for it: whoever cannot go on with it forgets it.
    std::optional<std::uint64_t> begin_snapshot(std::uint64_t index) {
        return op([&](std::uint64_t *op) { return duo_replog_snapshot_begin(get(), index, op); });
    }
    // DUO_TIMEOUT: there was no room, and nothing of the piece was taken. DUO_NOT_FOUND: as `snapshot`.
    duo_status write_snapshot(std::uint64_t op, Bytes piece, Nanos timeout) {
        return check(duo_replog_snapshot_write(get(), op, piece.data, piece.size, timeout.count()));
    }
    void end_snapshot(std::uint64_t op) { check(duo_replog_snapshot_end(get(), op)); }
    // The answer to what was submitted. After DUO_TIMEOUT ask again; after anything else `op` is gone.
    duo_status await(std::uint64_t op, Nanos timeout, duo_replog_receipt &receipt) const {
        return check(duo_replog_await(get(), op, timeout.count(), &receipt));
    }
    // Nobody will ask for the answer.
    void forget(std::uint64_t op) const { check(duo_replog_forget(get(), op)); }
    // Up to `max` committed entries from `from` on; none when none came in time. Ask next from the last one's index + 1.
    // Throws NOT_FOUND where read_snapshot has what is at `from`: begin with that, and go on behind its index.
    std::vector<LogEntry> read(std::uint64_t from, Nanos timeout, std::size_t max = 1024) const {
        std::vector<duo_replog_entry> places(max);
        std::string ids(max * DUO_REPLOG_ID_BYTES, '\0');
        std::string buffer(1 << 16, '\0');
        std::size_t n = 0;
        for (;;) {
            std::size_t len = 0;
            const duo_status status = duo_replog_read_ids(get(), from, places.data(), &ids[0], max, &buffer[0],
                                                          buffer.size(), timeout.count(), &n, &len);
            if (status != DUO_ERR_TOO_LARGE || len <= buffer.size()) {
                if (check(status) == DUO_NOT_FOUND) {
                    throw Error(DUO_NOT_FOUND, "the node no longer shows this entry: begin with read_snapshot()");
                }
                break;
            }
            buffer.resize(len);
        }
        std::vector<LogEntry> entries(n);
        for (std::size_t at = 0; at < n; at++) {
            std::string id = ids.substr(at * DUO_REPLOG_ID_BYTES, DUO_REPLOG_ID_BYTES);
            if (id.find_first_not_of('\0') == std::string::npos) {
                id.clear();
            }
            entries[at] = {places[at], buffer.substr(places[at].offset, places[at].len), std::move(id)};
        }
        return entries;
    }
    // Gives the host's state as of all entries up to `index`, for a snapshot: the log may be cut before it then. DUO_OK
    // once it is on disk; DUO_TIMEOUT while it is being written; DUO_AGAIN while another one waits for that;
    // DUO_NOT_FOUND when what it would go on from is no longer there, as it throws CORRUPTION when that is damaged:
    // give a state of a later entry then.
    duo_status snapshot(std::uint64_t index, Bytes state, Nanos timeout) {
        return check(duo_replog_snapshot(get(), index, state.data, state.size, timeout.count()));
    }
    // As `snapshot` for a state of any length: `next` gives its pieces as Bytes, an empty one at its end, and each stays
    // until it is asked for the next one. What it throws gives the snapshot up, and so does DUO_TIMEOUT before its end.
    template <class Next> duo_status give_snapshot(std::uint64_t index, Next next, Nanos timeout) {
        const auto begin = std::chrono::steady_clock::now();
        const auto left = [&] {
            const Nanos spent = std::chrono::steady_clock::now() - begin;
            return timeout < Nanos::zero() ? timeout : std::max(timeout - spent, Nanos::zero());
        };
        std::uint64_t op = 0;
        duo_status status = check(duo_replog_snapshot_begin(get(), index, &op));
        if (status != DUO_OK) {
            return status;
        }
        const Request request{get(), op};
        for (Bytes rest = next(); rest.size > 0; rest = next()) {
            while (rest.size > 0) {
                const Bytes piece(rest.data, std::min(rest.size, piece_bytes));
                status = write_snapshot(op, piece, left());
                if (status != DUO_OK) {
                    return status;
                }
                rest = Bytes(static_cast<const char *>(rest.data) + piece.size, rest.size - piece.size);
            }
        }
        end_snapshot(op);
        duo_replog_receipt receipt{};
        return await(op, left(), receipt);
    }
    // The newest snapshot; nothing where there is none. It begins again where another thread reads a newer one.
    std::optional<LogSnapshot> read_snapshot() const {
        for (;;) {
            LogSnapshot found;
            try {
                const auto index = copy_snapshot([&](Bytes piece) { found.state.append(piece.text()); });
                found.index = index.value_or(0);
                return index ? std::optional<LogSnapshot>(std::move(found)) : std::nullopt;
            } catch (const Error &error) {
                if (error.status() != DUO_ERR_CONFLICT) {
                    throw;
                }
            }
        }
    }
    // Gives the state in the newest snapshot to `write` in pieces, as Bytes; says which entry is the last in it, nothing
    // where there is none. Throws CONFLICT where another thread begins to read a newer one: begin again.
    template <class Write> std::optional<std::uint64_t> copy_snapshot(Write write) const {
        std::vector<char> piece(1 << 18);
        duo_replog_snapshot_t about{};
        std::uint64_t done = 0;
        std::size_t len = 0;
        do {
            const duo_status status =
                duo_replog_snapshot_read(get(), about.index, done, piece.data(), piece.size(), &len, &about);
            if (check(status) == DUO_NOT_FOUND) {
                if (done > 0) {
                    throw Error(DUO_ERR_CONFLICT, "the snapshot is no longer there");
                }
                return std::nullopt;
            }
            try {
                if (len > 0) {
                    write(Bytes(piece.data(), len));
                }
            } catch (...) {
                // Nobody reads the rest.
                duo_replog_snapshot_read(get(), about.index, UINT64_MAX, piece.data(), 1, &len, &about);
                throw;
            }
            done += len;
        } while (len > 0);
        return about.index;
    }
    // Everything acknowledged before is at or before it, and can be read here; nothing when the answer got lost.
    std::optional<std::uint64_t> read_index(Nanos timeout) const {
        std::uint64_t index = 0;
        const duo_status status = check(duo_replog_read_index(get(), timeout.count(), &index));
        return status == DUO_OK ? std::optional<std::uint64_t>(index) : std::nullopt;
    }
    duo_replog_status_t status() const {
        duo_replog_status_t status = DUO_REPLOG_STATUS_INIT;
        check(duo_replog_status(get(), &status));
        return status;
    }
    // The status once its `changes` is another than `seen`, with 0 at once: role, term, leader or members have changed.
    // Nothing while they have not. Asked again with the number that came, it misses no change.
    std::optional<duo_replog_status_t> wait_status(std::uint64_t seen, Nanos timeout) const {
        duo_replog_status_t status = DUO_REPLOG_STATUS_INIT;
        const bool changed = check(duo_replog_wait_status(get(), seen, timeout.count(), &status)) == DUO_OK;
        return changed ? std::optional<duo_replog_status_t>(status) : std::nullopt;
    }
    std::vector<LogMember> members() const {
        duo_replog_member_t members[DUO_REPLOG_MEMBERS_MAX];
        std::size_t n = 0;
        check(duo_replog_members(get(), members, DUO_REPLOG_MEMBERS_MAX, &n));
        std::vector<LogMember> out;
        for (std::size_t at = 0; at < n; at++) {
            out.push_back({members[at].node, members[at].address, members[at].parts});
        }
        return out;
    }
    // What a leader knows of the others.
    std::vector<duo_replog_peer> peers() const {
        std::vector<duo_replog_peer> peers(DUO_REPLOG_MEMBERS_MAX);
        std::size_t n = 0;
        check(duo_replog_peers(get(), peers.data(), peers.size(), &n));
        peers.resize(n);
        return peers;
    }
    // DUO_OK once committed; DUO_AGAIN while another change is under way; DUO_TIMEOUT when nobody knows.
    duo_status change(const std::vector<duo_replog_change_t> &changes, Nanos timeout) {
        return check(duo_replog_change(get(), changes.data(), changes.size(), timeout.count()));
    }
    // To whoever is furthest, or to `to`.
    duo_status transfer(Nanos timeout, std::uint64_t to = 0) {
        return check(duo_replog_transfer(get(), to, timeout.count()));
    }
    // Reads the files of TLS again, for connections to come. After an Error the old ones stay, and the log goes on.
    void reload_tls() { check(duo_replog_reload_tls(get())); }
    std::string json() const {
        return *detail::sized<std::string>(
            [&](char *buf, std::size_t cap, std::size_t *len) { return duo_replog_json(get(), buf, cap, len); }, 256);
    }
    // In Prometheus's text format.
    std::string prometheus() const {
        return *detail::sized<std::string>(
            [&](char *buf, std::size_t cap, std::size_t *len) { return duo_replog_prometheus(get(), buf, cap, len); },
            256);
    }
    // Ends this node's part. DUO_TIMEOUT: something was left to do. What is committed can still be read, but for
    // a log in RocksDB.
    duo_status close(Nanos timeout = Nanos::zero()) { return check(duo_replog_close(get(), timeout.count())); }

private:
    static constexpr std::size_t piece_bytes = 1 << 20;

    // Forgotten at the end, unless its answer was fetched before.
    struct Request {
        const duo_replog *log;
        std::uint64_t op;
        ~Request() { duo_replog_forget(log, op); }
    };
    template <class Submit> static std::optional<std::uint64_t> op(Submit submit) {
        std::uint64_t op = 0;
        return check(submit(&op)) == DUO_OK ? std::optional<std::uint64_t>(op) : std::nullopt;
    }
    static std::vector<duo_replog_member> listed(const std::vector<LogMember> &members) {
        std::vector<duo_replog_member> out;
        for (const LogMember &member : members) {
            if (member.parts != DUO_REPLOG_VOTER) {
                throw Error(DUO_ERR_INVALID_ARGUMENT, "member " + std::to_string(member.node) + " is no plain voter");
            }
            out.push_back({member.node, member.address.c_str()});
        }
        return out;
    }
    static duo_replog_options secured(duo_replog_options options, const LogTls &tls) {
        options.tls_certificate = tls.certificate.c_str();
        options.tls_key = tls.key.c_str();
        options.tls_authority = tls.authority.c_str();
        return options;
    }
    static const duo_replog_options &filled(duo_replog_options &options, const std::string &dir,
                                            const std::string &listen, const std::vector<duo_replog_member> &members) {
        options.dir = dir.c_str();
        options.listen = listen.c_str();
        options.members = members.data();
        options.members_len = members.size();
        return options;
    }
};

} // namespace duochain

#endif
