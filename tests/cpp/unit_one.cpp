// One of two units of a program that both include the header: every inline thing must be the same one in both.
#include "tokenstore.hpp"
#include "tokenstore.hpp"

#include "tokenstore.h"

#include <cstdio>

/// From the other unit.
const std::error_category &category_of_unit_two();
tokenstore::verdict verify_in_unit_two(const tokenstore::store &store, std::string_view value);

int main(int argc, char **argv) {
    if (argc != 2) {
        return 2;
    }
    const tokenstore::store store = tokenstore::store::create(std::string(argv[1]) + "/units.store");
    const tokenstore::type_id server = store.declare(tokenstore::policy("server", "srv"));
    const tokenstore::created made = store.create(tokenstore::new_token(server, "acme"));
    const bool same = &tokenstore::error_category() == &category_of_unit_two();
    if (!same || !verify_in_unit_two(store, made.value.reveal())) {
        return 1;
    }
    std::puts("C++ units: one category, one store");
    return 0;
}
