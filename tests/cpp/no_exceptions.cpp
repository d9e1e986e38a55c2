// A program that is compiled without exceptions and without run-time types: the forms with a code do everything.
#if defined(__cpp_exceptions) || defined(__cpp_rtti)
#error "compile this with -fno-exceptions -fno-rtti"
#endif

#include "check.hpp"

namespace ts = tokenstore;
using ts::errc;

// The throwing forms are not there to be called by mistake.
template <class Store, class = void> constexpr bool has_throwing_form = false;
template <class Store>
constexpr bool has_throwing_form<Store, std::void_t<decltype(std::declval<const Store &>().stats())>> = true;
static_assert(!has_throwing_form<ts::store>);

int main(int argc, char **argv) {
    if (argc != 2) {
        return 2;
    }
    std::error_code code;
    const std::string path = std::string(argv[1]) + "/no-exceptions.store";
    CODE_IS(errc::io, CHECK(!ts::store::open(path, {}, code)));
    ts::store store = ts::store::create(path, {}, code);
    CHECK(!code && store);
    ts::type_id server{};
    CODE_IS(errc::ok, server = store.declare(ts::policy("server", "srv"), code));
    CODE_IS(errc::ok, CHECK(store.find_type("server", code) == server));
    const ts::created made = store.create(ts::new_token(server, "acme").name("deploy").projects({"A-1"}), code);
    CHECK(!code && store.verify(made.value.reveal(), ts::query::of_type(server).project("A-1")));
    CODE_IS(errc::name_taken, store.create(ts::new_token(server, "acme").name("deploy"), code));
    CODE_IS(errc::ok, CHECK(store.get(made.id, code).name == "deploy"));
    std::vector<ts::creation> many;
    CODE_IS(errc::ok, many = store.create_many({ts::new_token(server, "acme"), ts::new_token(server, "")}, code));
    CHECK(many.size() == 2 && many[0] && many[1].status == errc::invalid_argument);
    ts::token_list list = store.list({}, code);
    int tokens = 0;
    for (auto token = list.next(code); token.has_value(); token = list.next(code)) {
        ++tokens;
    }
    CHECK(!code && tokens == 2);
    CODE_IS(errc::ok, CHECK(store.events(0, 1000, code).size() == 3));
    CODE_IS(errc::ok, CHECK(store.revoke(made.id, code).changed));
    CHECK(store.verify(made.value.reveal(), ts::query::any_type()).status() == errc::revoked);
    CODE_IS(errc::ok, store.close(code));
    CODE_IS(errc::closed, store.close(code));
    std::printf("C++ without exceptions: %d checks passed\n", checks.load());
    return 0;
}
