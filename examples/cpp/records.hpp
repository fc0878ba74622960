// Records: a 4-byte little-endian length and that many bytes, from a file, a pipe or the generator.
#ifndef RECORDS_HPP
#define RECORDS_HPP

#include "generator.hpp"
#include "options.hpp"

// Owns a file descriptor.
class Descriptor {
public:
    explicit Descriptor(int number = -1) noexcept : number_(number) {}
    Descriptor(const Descriptor &) = delete;
    Descriptor &operator=(const Descriptor &) = delete;
    ~Descriptor();

    int get() const noexcept { return number_; }

private:
    int number_;
};

// One thread reads; another may stop it.
class Records {
public:
    // Throws Fault when the input cannot be opened.
    explicit Records(const Options &options);

    // The next one; nothing at the end or when stopped. Throws Fault with the place of what is wrong.
    std::optional<Record> next();
    // Ends a `next` that waits for input, and all later ones.
    void stop();

private:
    std::optional<Record> read();
    bool fill();
    std::size_t take(std::uint8_t *out, std::size_t size);
    [[noreturn]] void refuse(const std::string &what) const;

    Generator generator_;
    std::uint64_t left_;
    std::string name_; // of the input; empty: generated
    Descriptor input_;
    Descriptor stop_;          // readable once nobody waits for more
    bool stopped_ = false;     // it is, and that was seen
    std::uint64_t number_ = 0; // of the next record
    std::uint64_t offset_ = 0; // where it begins
    std::vector<std::uint8_t> buffer_;
    std::size_t first_ = 0; // of the buffer: not taken yet
    std::size_t end_ = 0;
};

#endif
