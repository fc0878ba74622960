// What all of duochain.hpp stands on: errors, bytes, owners of handles.
#ifndef DUOCHAIN_CORE_HPP
#define DUOCHAIN_CORE_HPP

#include "../duochain.h"

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace duochain {

using Nanos = std::chrono::nanoseconds;
using Id = std::array<std::uint8_t, DUO_HASH_BYTES>;

// Without limit.
inline constexpr Nanos forever{DUO_WAIT_FOREVER};

enum class Chain : std::uint32_t { alpha = DUO_CHAIN_ALPHA, delta = DUO_CHAIN_DELTA };

// A negative status with its message.
class Error : public std::runtime_error {
public:
    Error(duo_status status, const std::string &message, std::uint64_t detail = 0)
        : std::runtime_error(std::string(duo_status_name(status)) + ": " + message), status_(status), detail_(detail) {}

    duo_status status() const noexcept { return status_; }
    // For NOT_LEADER: the node that leads; 0 when nobody is known to.
    std::uint64_t leader() const noexcept { return status_ == DUO_ERR_NOT_LEADER ? detail_ : 0; }
    // The same call may succeed later.
    bool retryable() const noexcept { return duo_status_class(status_) == DUO_CLASS_RETRYABLE; }
    // The object is beyond repair.
    bool fatal() const noexcept { return duo_status_class(status_) == DUO_CLASS_FATAL; }

private:
    duo_status status_;
    std::uint64_t detail_;
};

// Throws negative statuses, returns the others.
inline duo_status check(duo_status status) {
    if (status < 0) {
        char message[DUO_MESSAGE_BYTES_MAX + 1];
        duo_last_error_message(message, sizeof message);
        duo_error_info last = DUO_ERROR_INFO_INIT;
        duo_last_error(&last);
        throw Error(status, message, last.detail);
    }
    return status;
}

// Bytes that somebody else owns.
struct Bytes {
    const void *data = nullptr;
    std::size_t size = 0;

    Bytes() = default;
    Bytes(const void *first, std::size_t count) : data(first), size(count) {}
    Bytes(std::string_view text) : data(text.data()), size(text.size()) {}
    Bytes(const std::string &text) : data(text.data()), size(text.size()) {}
    Bytes(const char *text) : data(text), size(std::strlen(text)) {}
    Bytes(const std::vector<std::uint8_t> &bytes) : data(bytes.data()), size(bytes.size()) {}

    std::string_view text() const { return {static_cast<const char *>(data), size}; }
};

// The header that this was compiled with fits the library that is loaded.
inline void check_abi() { check(duo_check_abi(DUO_ABI_VERSION, nullptr)); }

inline Id tx_id(Chain chain, Bytes tx) {
    Id id{};
    check(duo_tx_id(static_cast<std::uint32_t>(chain), tx.data, tx.size, id.data()));
    return id;
}

namespace detail {

// Owns one handle.
template <class T, duo_status (*Destroy)(T *)> class Owner {
public:
    Owner() = default;
    explicit Owner(T *handle) noexcept : handle_(handle) {}
    Owner(Owner &&other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
    Owner &operator=(Owner &&other) noexcept {
        if (this != &other) {
            drop();
            handle_ = std::exchange(other.handle_, nullptr);
        }
        return *this;
    }
    Owner(const Owner &) = delete;
    Owner &operator=(const Owner &) = delete;
    ~Owner() { drop(); }

    // The C handle; still owned here.
    T *get() const noexcept { return handle_; }
    explicit operator bool() const noexcept { return handle_ != nullptr; }
    // Gives the handle up without destroying it.
    T *release() noexcept { return std::exchange(handle_, nullptr); }
    // Destroys now, and throws what the destructor would hide. On an error the handle stays owned.
    void reset() {
        check(Destroy(handle_));
        handle_ = nullptr;
    }

private:
    void drop() noexcept {
        if (handle_ != nullptr) {
            Destroy(std::exchange(handle_, nullptr));
        }
    }

    T *handle_ = nullptr;
};

// Calls a function whose last argument is the place for a new handle.
template <class T, class Make, class... In> T *made(Make make, In... in) {
    T *handle = nullptr;
    check(make(in..., &handle));
    return handle;
}

// Calls a function that fills a buffer of unknown size until the buffer is large enough.
template <class Container, class Call> std::optional<Container> sized(Call call, std::size_t extra) {
    Container out;
    std::size_t size = 0;
    if (check(call(nullptr, 0, &size)) == DUO_NOT_FOUND) {
        return std::nullopt;
    }
    for (;;) {
        out.resize(size + extra);
        const duo_status status = call(out.data(), out.size(), &size);
        if (status == DUO_ERR_TOO_LARGE) {
            continue; // it grew meanwhile; size says to what
        }
        if (check(status) == DUO_NOT_FOUND) {
            return std::nullopt;
        }
        out.resize(size);
        return out;
    }
}

} // namespace detail

} // namespace duochain

#endif
