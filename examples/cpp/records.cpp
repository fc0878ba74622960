#include "records.hpp"

#include "fault.hpp"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <system_error>
#include <unistd.h>

namespace {

// Largest record: the node's default for a transaction.
constexpr std::size_t record_bytes_max = 1 << 20;
constexpr std::size_t buffer_bytes = 1 << 16;

std::string reason() { return std::generic_category().message(errno); }

int open_input(const Options &options) {
    if (!options.input) {
        return -1;
    }
    // Of standard input a copy, so that one owner fits both.
    const int number = *options.input == "-" ? ::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3)
                                             : ::open(options.input->c_str(), O_RDONLY | O_CLOEXEC);
    if (number < 0) {
        throw Fault("INPUT " + *options.input + ": " + reason());
    }
    return number;
}

std::string name_of(const Options &options) {
    return options.input.value_or("") == "-" ? "standard input" : options.input.value_or("");
}

} // namespace

Descriptor::~Descriptor() {
    if (number_ >= 0) {
        ::close(number_);
    }
}

Records::Records(const Options &options)
    : generator_(options.seed), left_(options.count), name_(name_of(options)), input_(open_input(options)),
      stop_(::eventfd(0, EFD_CLOEXEC)), buffer_(buffer_bytes) {
    if (stop_.get() < 0) {
        throw Fault("eventfd: " + reason());
    }
}

void Records::stop() {
    const std::uint64_t one = 1;
    if (::write(stop_.get(), &one, sizeof one) != sizeof one) {
        throw Fault("eventfd: " + reason());
    }
}

void Records::refuse(const std::string &what) const {
    throw Fault("INPUT " + name_ + ": record " + std::to_string(number_) + " at offset " + std::to_string(offset_) +
                ": " + what);
}

// Waits for input and takes what is there; false at the end or when stopped.
bool Records::fill() {
    pollfd ready[2] = {{input_.get(), POLLIN, 0}, {stop_.get(), POLLIN, 0}};
    ssize_t got = 0;
    do {
        got = ::poll(ready, 2, -1);
        stopped_ = got > 0 && ready[1].revents != 0;
        if (stopped_) {
            return false;
        }
        if (got > 0) {
            got = ::read(input_.get(), buffer_.data(), buffer_.size());
        }
    } while (got < 0 && errno == EINTR);
    if (got < 0) {
        refuse(reason());
    }
    first_ = 0;
    end_ = static_cast<std::size_t>(got);
    return got > 0;
}

// Copies up to `size` bytes, fewer at the end: how many.
std::size_t Records::take(std::uint8_t *out, std::size_t size) {
    std::size_t done = 0;
    while (done < size && (first_ < end_ || fill())) {
        const std::size_t part = std::min(end_ - first_, size - done);
        std::memcpy(out + done, buffer_.data() + first_, part);
        first_ += part;
        done += part;
    }
    return done;
}

std::optional<Record> Records::read() {
    std::uint8_t prefix[4];
    const std::size_t got = take(prefix, sizeof prefix);
    if (got == 0 || stopped_) {
        return std::nullopt;
    }
    if (got < sizeof prefix) {
        refuse("ends inside its length, after " + std::to_string(got) + " of 4 bytes");
    }
    const std::size_t length = std::size_t{prefix[0]} | std::size_t{prefix[1]} << 8 | std::size_t{prefix[2]} << 16 |
                               std::size_t{prefix[3]} << 24;
    if (length == 0 || length > record_bytes_max) {
        refuse("states a length of " + std::to_string(length) + "; 1 to " + std::to_string(record_bytes_max) +
               " are allowed");
    }
    Record record(length);
    const std::size_t read = take(record.data(), length);
    if (stopped_) {
        return std::nullopt;
    }
    if (read < length) {
        refuse("ends after " + std::to_string(read) + " of " + std::to_string(length) + " bytes");
    }
    number_++;
    offset_ += sizeof prefix + length;
    return record;
}

std::optional<Record> Records::next() {
    if (input_.get() >= 0) {
        return read();
    }
    if (left_ == 0) {
        return std::nullopt;
    }
    left_--;
    return generator_.transaction();
}
