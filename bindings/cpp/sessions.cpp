// Sign-in, refresh, sign-out, and a link that works once. Argument: a folder for its store.
#include "tokenstore.hpp"

#include <iostream>

namespace ts = tokenstore;
using namespace std::chrono_literals;

class service {
public:
    explicit service(const std::string &path)
        : store_(ts::store::create(path)), access_(store_.declare(ts::policy("access", "acc"))),
          refresh_(store_.declare(ts::policy("refresh", "ref").families(ts::family_policy(10min, 24h, 24h * 30)))),
          link_(store_.declare(ts::policy("link", "lnk").uses(1).default_lifetime(15s).in_memory())) {}

    ts::token_pair sign_in(std::string_view user, std::string_view client) const {
        return store_.issue_pair(ts::new_pair(access_, refresh_, user, client).all_projects());
    }

    /// Whoever lost the reply asks again, and gets the same pair. A value that is used again later is a stolen one: the
    /// session is over, and errc::reused says it.
    ts::refreshed refresh(std::string_view value, std::string_view client) const {
        return store_.refresh(value, client);
    }

    int answer(std::string_view value) const {
        const ts::verdict verdict = store_.verify(value, ts::query::of_type(access_));
        return verdict ? 200 : verdict.is_trouble() ? 503 : 401;
    }

    ts::created link(std::string_view user, std::string_view to) const {
        return store_.create(ts::new_token(link_, user).app_data(to));
    }

    /// Where a link leads: to exactly one who follows it, and not to whatever looks at it before.
    std::string follow(std::string_view value) const {
        const ts::consumed link = store_.consume(value, ts::query::of_type(link_));
        return link ? link.app_data : std::string(ts::name(link.verdict.status()));
    }

    void sign_out_everywhere(std::string_view user) const { store_.revoke_owner(user, {user, "signed out"}); }

private:
    ts::store store_;
    ts::type_id access_, refresh_, link_;
};

int main(int argc, char **argv) try {
    const service service(std::string(argc > 1 ? argv[1] : ".") + "/sessions.store");
    const ts::token_pair pair = service.sign_in("user-17", "phone");
    std::cout << "signed in: " << service.answer(pair.access.value.reveal()) << "\n";
    const ts::refreshed next = service.refresh(pair.refresh.value.reveal(), "phone");
    if (!next) {
        return 1;
    }
    std::cout << "refreshed: " << service.answer(next.pair->access.value.reveal()) << "\n"
              << "the old access value: " << service.answer(pair.access.value.reveal()) << "\n";
    const ts::refreshed again = service.refresh(pair.refresh.value.reveal(), "phone");
    const bool is_same = again && again.pair->refresh.value.reveal() == next.pair->refresh.value.reveal();
    std::cout << "the lost reply: " << (is_same ? "the same pair" : "another pair") << "\n";

    const ts::created link = service.link("user-17", "/inbox");
    std::cout << "the link: " << service.follow(link.value.reveal()) << "\n"
              << "the link again: " << service.follow(link.value.reveal()) << "\n";

    service.sign_out_everywhere("user-17");
    std::cout << "signed out everywhere: " << service.answer(next.pair->access.value.reveal()) << ", "
              << ts::name(service.refresh(next.pair->refresh.value.reveal(), "phone").status) << "\n";
} catch (const ts::error &error) {
    std::cerr << error.what() << "\n";
    return 1;
}
