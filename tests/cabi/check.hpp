// What the C++ programs have in common.
#ifndef CHECK_HPP
#define CHECK_HPP

#include "duochain.hpp"
#include "in_time.h"

#include <cstdio>
#include <cstdlib>

using namespace std::chrono_literals;
namespace duo = duochain;

#ifndef CHECK /* a C++ program may include check.h and check.hpp */
#define CHECK(condition)                                                                       \
    do {                                                                                       \
        if (!(condition)) {                                                                    \
            std::fprintf(stderr, "%s:%d: %s does not hold\n", __FILE__, __LINE__, #condition); \
            std::exit(1);                                                                      \
        }                                                                                      \
    } while (0)
#endif

template <class Call> duo_status thrown(Call call) {
    try {
        call();
    } catch (const duo::Error &error) {
        CHECK(std::string(error.what()).find(duo_status_name(error.status())) == 0);
        return error.status();
    }
    return DUO_OK;
}

#endif
