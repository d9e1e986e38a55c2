// Results that must not be ignored: with IGNORE_THEM this must not compile under -Werror, for the sake of each line.
#include "tokenstore.hpp"

int main() {
    const tokenstore::store store = tokenstore::store::in_memory();
    const tokenstore::query query = tokenstore::query::any_type();
    const tokenstore::new_token token(tokenstore::type_id{1}, "acme");
    const tokenstore::new_pair pair(tokenstore::type_id{1}, tokenstore::type_id{2}, "acme", "client");
    std::error_code code;
#if defined(IGNORE_THEM)
    store.verify("x", query);
    store.verify("x", query).allowed();
    store.verify_many({"x"}, query);
    store.verify_many("x", 1, nullptr, query, nullptr, 1);
    store.create(token);
    store.create(token, code);
    store.create_many({token});
    store.consume("x", query);
    store.consume("x", query, code);
    store.issue_pair(pair);
    store.refresh("x", "client");
    store.refresh("x", "client", {}, {}, code);
    store.rotate(tokenstore::token_id(), std::chrono::seconds(1));
    tokenstore::store::in_memory();
    tokenstore::store::in_memory({}, code);
#endif
    static_cast<void>(store.create(token, code));
    static_cast<void>(store.issue_pair(pair, {}, code));
    return store.verify("x", query).allowed() ? 1 : 0;
}
