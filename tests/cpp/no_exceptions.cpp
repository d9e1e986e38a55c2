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

namespace {

void sessions(const ts::store &store, ts::type_id access) {
    std::error_code code;
    ts::type_id refresh{}, coupon{};
    const std::chrono::hours hour(1);
    CODE_IS(errc::ok, refresh = store.declare(
                          ts::policy("refresh", "ref").families(ts::family_policy(hour, hour, hour).no_grace()), code));
    CODE_IS(errc::ok, coupon = store.declare(ts::policy("coupon", "cou").uses(1), code));
    const ts::token_pair pair = store.issue_pair({access, refresh, "zeta", "client"}, {}, code);
    CHECK(!code && store.verify(pair.access.value.reveal(), ts::query::of_type(access)));
    ts::refreshed next;
    CODE_IS(errc::ok, next = store.refresh(pair.refresh.value.reveal(), "client", {}, {}, code));
    CHECK(next.rotated() && store.verify(next.pair->access.value.reveal(), ts::query::of_type(access)));
    CODE_IS(errc::ok, next = store.refresh(pair.refresh.value.reveal(), "client", {}, {}, code));
    CHECK(!next && next.status == errc::reused);
    const ts::created link = store.create(ts::new_token(coupon, "zeta").app_data("/inbox"), code);
    ts::consumed spent;
    CODE_IS(errc::ok, spent = store.consume(link.value.reveal(), ts::query::of_type(coupon), code));
    CHECK(spent && spent.app_data == "/inbox");
    CODE_IS(errc::ok, CHECK(store.revoke_owner("zeta", {}, code).changed));
    const std::chrono::system_clock::time_point tomorrow = std::chrono::system_clock::now() + 24 * hour;
    CODE_IS(errc::ok, store.prune(std::chrono::time_point_cast<ts::milliseconds>(tomorrow), 1000, code));
}

} // namespace

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
    sessions(store, server);
    CODE_IS(errc::ok, CHECK(store.revoke(made.id, code).changed));
    CHECK(store.verify(made.value.reveal(), ts::query::any_type()).status() == errc::revoked);
    CODE_IS(errc::ok, store.close(code));
    CODE_IS(errc::closed, store.close(code));
    std::printf("C++ without exceptions: %d checks passed\n", checks.load());
    return 0;
}
