// Command line.
#ifndef OPTIONS_HPP
#define OPTIONS_HPP

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

// What the user asked for.
struct Options {
    std::optional<std::string> input;    // a file, "-" for standard input; generated without
    std::uint64_t count = 20'000;        // transactions to generate
    std::uint64_t seed = 1;              // of the generator
    std::uint64_t producers = 4;         // threads that submit
    std::uint64_t scale = 100;           // how many times faster than real time
    std::optional<std::string> data_dir; // without: a fresh one, removed afterwards
    std::string backend = "fjall";       // the state store

    // Reads the arguments after the program's name; throws Fault.
    static Options parse(const std::vector<std::string> &arguments);

private:
    void set(const std::string &flag, const std::string &value);
};

#endif
