// The contender in C++, through tokenstore.hpp.
#include "child.h"
#include "tokenstore.hpp"

#include <array>
#include <exception>

namespace {

using tokenstore::query;
using tokenstore::store;

void *open_store(const char *path, std::uint32_t *type) {
    const auto how = tokenstore::options().use_resolution(tokenstore::milliseconds(USE_RESOLUTION_MS));
    auto *opened = new store(store::open(path, how));
    *type = static_cast<std::uint32_t>(opened->find_type(TYPE_NAME).value());
    return opened;
}

void close_store(void *opened) {
    static_cast<store *>(opened)->close();
    delete static_cast<store *>(opened);
}

std::string_view view(const values &asked, std::size_t first, std::size_t count) {
    return {reinterpret_cast<const char *>(asked.bytes) + first * asked.width, count * asked.width};
}

std::size_t each(const void *opened, const query &query, const values &asked) {
    const store &store = *static_cast<const tokenstore::store *>(opened);
    std::size_t right = 0;
    for (std::size_t i = 0; i < asked.count; ++i) {
        const tokenstore::verdict verdict = store.verify(view(asked, i, 1), query);
        right += verdict.allowed() && verdict.app_word() == asked.numbers[i];
    }
    return right;
}

std::size_t single(void *opened, std::uint32_t type, values asked) {
    return each(opened, query::of_type(tokenstore::type_id(type)), asked);
}

std::size_t project(void *opened, std::uint32_t type, values asked) {
    return each(opened, query::of_type(tokenstore::type_id(type)).project(PROJECT), asked);
}

std::size_t batch(void *opened, std::uint32_t type, values asked) {
    const store &store = *static_cast<const tokenstore::store *>(opened);
    const query query = query::of_type(tokenstore::type_id(type));
    std::array<tokenstore::verdict, BATCH> verdicts;
    std::size_t right = 0;
    for (std::size_t first = 0; first < asked.count; first += BATCH) {
        const std::size_t count = asked.count - first < BATCH ? asked.count - first : BATCH;
        const auto answer =
            store.verify_many(view(asked, first, count), asked.width, nullptr, query, verdicts.data(), count);
        if (answer != tokenstore::errc::ok) continue;
        for (std::size_t i = 0; i < count; ++i) right += verdicts[i].app_word() == asked.numbers[first + i];
    }
    return right;
}

} // namespace

int main(int argc, char **argv) try {
    const contender in_cpp = {open_store, close_store, single, project, batch};
    return child(argc, argv, &in_cpp);
} catch (const std::exception &error) {
    give_up("C++", error.what());
}
