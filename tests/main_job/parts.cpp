// Parts of examples/cpp on their own:
//   parts generated SEED COUNT    transactions, one behind the other
//   parts sha256                  digest of standard input
#include "../../examples/cpp/generator.hpp"
#include "../../examples/cpp/sha256.hpp"

#include <cstdio>
#include <cstdlib>
#include <string>

static int generated(std::uint64_t seed, std::uint64_t count) {
    Generator generator(seed);
    for (; count > 0; count--) {
        const Record record = generator.transaction();
        if (std::fwrite(record.data(), 1, record.size(), stdout) != record.size()) {
            return 1;
        }
    }
    return 0;
}

static int digest_of_input() {
    std::vector<std::uint8_t> bytes(100'000);
    bytes.resize(std::fread(bytes.data(), 1, bytes.size(), stdin));
    for (const std::uint8_t byte : sha256(bytes.data(), bytes.size())) {
        std::printf("%02x", static_cast<unsigned>(byte));
    }
    return 0;
}

int main(int argc, char **argv) {
    const std::string job = argc > 1 ? argv[1] : "";
    if (argc == 4 && job == "generated") {
        return generated(std::strtoull(argv[2], nullptr, 10), std::strtoull(argv[3], nullptr, 10));
    }
    return argc == 2 && job == "sha256" ? digest_of_input() : 2;
}
