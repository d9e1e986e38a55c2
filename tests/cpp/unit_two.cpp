// The other unit: see unit_one.cpp.
#include "tokenstore.h"

#include "tokenstore.hpp"

const std::error_category &category_of_unit_two();
tokenstore::verdict verify_in_unit_two(const tokenstore::store &store, std::string_view value);

const std::error_category &category_of_unit_two() { return tokenstore::error_category(); }

tokenstore::verdict verify_in_unit_two(const tokenstore::store &store, std::string_view value) {
    return store.verify(value, tokenstore::query::any_type());
}
