// Checks for the C++ programs: a failed one names its line and ends the program.
#pragma once

#include <atomic>
#include <cstdio>
#include <cstdlib>

#include "tokenstore.hpp"

inline std::atomic<int> checks{0};

inline void check(bool holds, const char *what, int line) {
    ++checks;
    if (!holds) {
        std::fprintf(stderr, "line %d: %s\n", line, what);
        std::_Exit(1); // and no destructor runs beside other threads
    }
}
#define CHECK(...) check(static_cast<bool>(__VA_ARGS__), #__VA_ARGS__, __LINE__)

/// The form of a call with a code, from a `code` that says otherwise before.
#define CODE_IS(expected, ...)                                                                                         \
    do {                                                                                                               \
        code = std::make_error_code(std::errc::not_a_socket);                                                          \
        static_cast<void>(__VA_ARGS__);                                                                                \
        if (code != (expected)) std::fprintf(stderr, "%s: %s\n", #__VA_ARGS__, code.message().c_str());                \
        check(code == (expected), #__VA_ARGS__ " is " #expected, __LINE__);                                            \
    } while (false)

#if defined(__cpp_exceptions)
/// The form of a call that throws.
#define THROWS(expected, ...)                                                                                          \
    do {                                                                                                               \
        tokenstore::errc thrown = tokenstore::errc::ok;                                                                \
        try {                                                                                                          \
            static_cast<void>(__VA_ARGS__);                                                                            \
        } catch (const tokenstore::error &error) {                                                                     \
            thrown = error.status();                                                                                   \
        }                                                                                                              \
        check(thrown == (expected), #__VA_ARGS__ " throws " #expected, __LINE__);                                      \
    } while (false)
#endif
