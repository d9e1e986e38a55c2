// A service that issues tokens with project grants, and judges what clients present. Argument: a folder for its store.
#include "tokenstore.hpp"

#include <iostream>

namespace ts = tokenstore;

/// The part of a request that matters here.
struct request {
    std::string authorization;
    std::string project;
};

class service {
public:
    explicit service(const std::string &path)
        : store_(ts::store::create(path)),
          deploy_(store_.declare(ts::policy("deploy", "dep").default_lifetime(std::chrono::hours(24 * 90)))) {}

    /// What a client is shown, once. Nothing but its hash is kept.
    ts::created issue(std::string_view owner, std::string_view name, const std::vector<std::string> &projects) {
        return store_.create(ts::new_token(deploy_, owner).name(name).projects(projects).by("console"));
    }

    /// The HTTP status for a request. It reads memory alone, so call it for every request.
    int answer(const request &request) const {
        const auto verdict =
            store_.verify(request.authorization, ts::query::of_type(deploy_).project(request.project).header());
        if (verdict) return 200;
        if (verdict.is_trouble()) return 503;
        return verdict.status() == ts::errc::no_grant ? 403 : 401;
    }

    /// From when this returns the token is refused, and the revocation is on the disk.
    void revoke(ts::token_id id, std::string_view why) { store_.revoke(ts::target(id).by("console").reason(why)); }

    const ts::store &store() const { return store_; }

private:
    ts::store store_;
    ts::type_id deploy_;
};

int main(int argc, char **argv) try {
    service service(std::string(argc > 1 ? argv[1] : ".") + "/example.store");
    const ts::created ci = service.issue("acme", "ci", {"A-1", "B-2"});
    const std::string header = "Bearer " + std::string(ci.value.reveal());
    std::cout << "A-1: " << service.answer({header, "A-1"}) << "\n"
              << "C-3: " << service.answer({header, "C-3"}) << "\n"
              << "a guess: " << service.answer({"Bearer dep_guess", "A-1"}) << "\n";
    service.revoke(ci.id, "seen in a log");
    std::cout << "revoked: " << service.answer({header, "A-1"}) << "\n";
    for (const ts::token &token : service.store().list(ts::filter().owner("acme").with_dead())) {
        std::cout << token.name.value_or("-") << ": " << token.reason << "\n";
    }
} catch (const ts::error &error) {
    std::cerr << error.what() << "\n";
    return 1;
}
