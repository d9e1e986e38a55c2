// What a service does with a store, as issue_and_verify.c does it, through tokenstore.hpp.
#include <tokenstore.hpp>

#include <chrono>
#include <cstdio>
#include <string>

namespace {

// What a service answers to a request with this Authorization header: 401 and 403 are refusals, 503 is trouble.
int http_status(const tokenstore::store &store, tokenstore::type_id type, const std::string &header,
                const std::string &project) {
    const auto query = tokenstore::query::of_type(type).project(project).header();
    const tokenstore::verdict verdict = store.verify(header, query);
    if (verdict) {
        if (const auto owner = store.owner(verdict.owner())) {
            std::printf("%s: %s\n", project.c_str(), owner->c_str());
            return 200;
        }
    }
    std::printf("%s: %s\n", project.c_str(), std::string(tokenstore::name(verdict.status())).c_str());
    if (verdict.is_trouble()) return 503;
    return verdict.status() == tokenstore::errc::no_grant ? 403 : 401;
}

tokenstore::store open_or_create(const char *path) {
    std::error_code code;
    tokenstore::store store = tokenstore::store::create(path, {}, code);
    if (code == tokenstore::errc::already_exists) return tokenstore::store::open(path);
    if (code) throw std::system_error(code, path);
    return store;
}

void serve(const char *path) {
    tokenstore::store store = open_or_create(path);
    const auto server = store.declare(tokenstore::policy("server", "srv").shared_names());

    // Issue. The value is shown once: the store has a hash of it, and nobody else has it.
    auto token = tokenstore::new_token(server, "acme");
    token.name("deploy").expires_in(std::chrono::hours(90 * 24)).projects({"A-1"});
    tokenstore::created created = store.create(token);
    std::string header = "Bearer ";
    header += created.value.reveal();
    created.value.wipe();

    // Requests.
    std::printf("%d\n", http_status(store, server, header, "A-1"));
    std::printf("%d\n", http_status(store, server, header, "B-2"));

    // Revoke. It is on the disk when the call returns, and refused from then on.
    store.revoke(tokenstore::target(created.id).by("admin").reason("the laptop was lost"));
    std::printf("%d\n", http_status(store, server, header, "A-1"));

    tokenstore::wipe(header.data(), header.size());
    store.close();
}

} // namespace

int main(int argc, char **argv) {
    if (argc != 2) {
        std::fprintf(stderr, "usage: issue_and_verify STORE\n");
        return 2;
    }
    try {
        serve(argv[1]);
    } catch (const std::exception &error) {
        std::fprintf(stderr, "%s: %s\n", argv[1], error.what());
        return 1;
    }
}
