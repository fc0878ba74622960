#include "options.hpp"

#include "fault.hpp"

#include <charconv>

namespace {

// Far more than any machine needs here.
constexpr std::uint64_t producers_max = 1'024;

constexpr const char *usage =
    "usage: run [--input PATH|-] [--count N] [--seed S] [--producers P] [--scale N] [--data-dir DIR] "
    "[--backend fjall|rocksdb|memory]";

// Digits only, behind a plus sign if need be.
std::uint64_t number(const std::string &flag, const std::string &text, std::uint64_t max) {
    std::uint64_t value = 0;
    const char *first = text.data(), *end = first + text.size();
    first += !text.empty() && text[0] == '+';
    const auto [rest, error] = std::from_chars(first, end, value);
    if (error != std::errc() || rest != end || value < 1 || value > max) {
        throw Fault(flag + " " + text + ": a number from 1 to " + std::to_string(max) + " is needed");
    }
    return value;
}

} // namespace

void Options::set(const std::string &flag, const std::string &value) {
    if (flag == "--input") {
        input = value;
    } else if (flag == "--count") {
        count = number(flag, value, 100'000'000);
    } else if (flag == "--seed") {
        seed = number(flag, value, UINT64_MAX);
    } else if (flag == "--producers") {
        producers = number(flag, value, producers_max);
    } else if (flag == "--scale") {
        scale = number(flag, value, 10'000);
    } else if (flag == "--data-dir") {
        data_dir = value;
    } else if (flag == "--backend") {
        backend = value;
    } else {
        throw Fault("unknown option " + flag + "\n" + usage);
    }
}

Options Options::parse(const std::vector<std::string> &arguments) {
    Options options;
    for (std::size_t at = 0; at < arguments.size(); at += 2) {
        if (at + 1 == arguments.size()) {
            throw Fault(arguments[at] + " needs a value\n" + usage);
        }
        options.set(arguments[at], arguments[at + 1]);
    }
    return options;
}
