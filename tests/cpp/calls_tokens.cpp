// Every call of tokenstore.hpp about types and tokens: see calls.cpp.
#include "calls.hpp"

namespace ts = tokenstore;
using std::chrono::milliseconds;
using ts::errc;

namespace {

void types() {
    const ts::store store = ts::store::in_memory();
    const ts::policy policy = ts::policy("device", "dev")
                                  .default_lifetime(milliseconds(1000))
                                  .max_lifetime(milliseconds(5000))
                                  .shared_names()
                                  .by_name_only()
                                  .accepts_external();
    const ts::type_id server = store.declare(ts::policy("server", "srv"));
    CODE_IS(errc::ok, CHECK(store.declare(policy, code) == ts::type_id{2}));
    THROWS(errc::type_conflict, store.declare(ts::policy("device", "dev")));
    CODE_IS(errc::type_conflict, CHECK(store.declare(ts::policy("device", "dev"), code) == ts::type_id{}));
    THROWS(errc::invalid_argument, store.declare(ts::policy("x", "x").default_lifetime(milliseconds(0))));
    THROWS(errc::invalid_argument,
           store.declare(ts::policy("x", "x").default_lifetime(milliseconds(1)).max_lifetime(milliseconds(-1))));
    CHECK(store.find_type("server") == server && !store.find_type("nobody").has_value());
    CODE_IS(errc::ok, CHECK(!store.find_type("nobody", code).has_value()));
    const ts::declared_type device = store.type(ts::type_id{2});
    CHECK(device.name == "device" && device.prefix == "dev" && device.number == ts::type_id{2});
    CHECK(device.default_lifetime == milliseconds(1000) && device.max_lifetime == milliseconds(5000));
    CHECK(!device.unique_names && device.by_name_only && device.accepts_external);
    const ts::declared_type plain = store.type(server);
    CHECK(plain.unique_names && !plain.by_name_only && !plain.accepts_external && !plain.default_lifetime.has_value());
    THROWS(errc::not_found, store.type(ts::type_id{3}));
    CODE_IS(errc::not_found, store.type(ts::type_id{0}, code));
    CHECK(store.types().size() == 2 && store.types()[1].name == "device");
    CODE_IS(errc::ok, store.types(code));
}

void making() {
    const ts::manual_clock clock = ts::manual_clock::create(noon);
    const ts::store store = ts::store::in_memory(ts::options().clock(clock));
    const ts::type_id server = store.declare(ts::policy("server", "srv").accepts_external());
    const std::string owner("ac\0me", 5), data("\0\n", 2);
    const std::vector<std::string> projects = {"A-1", "B-2"};
    ts::new_token full = ts::new_token(server, owner)
                             .name("deploy")
                             .projects(projects)
                             .binding("b")
                             .app_data(data)
                             .app_word(7)
                             .by("ann")
                             .expires_at(noon + milliseconds(9000));
    const ts::created made = store.create(full);
    CHECK(made.revision == 2 && !made.existed && made.id != ts::token_id());
    const ts::token read = store.get(made.id);
    CHECK(read.owner == owner && read.name == "deploy" && read.projects == projects && read.bound &&
          read.app_data == data);
    CHECK(read.app_word == 7 && read.created == noon && read.expires == noon + milliseconds(9000) &&
          read.type == server);
    CHECK(!read.last_used.has_value() && !read.revoked.has_value() && read.state == ts::token_state::active);
    THROWS(errc::name_taken, store.create(full));
    ts::created refused;
    CODE_IS(errc::name_taken, refused = store.create(full, code));
    CHECK(refused.value.empty() && refused.id == ts::token_id() && refused.revision == 0);
    THROWS(errc::not_found, store.create(ts::new_token(ts::type_id{9}, "acme")));

    // What is given and empty is not taken for what was not given.
    THROWS(errc::invalid_argument, store.create(ts::new_token(server, "acme").name("")));
    CODE_IS(errc::invalid_argument, store.create(ts::new_token(server, "acme").binding(""), code));
    // Nor is a time that overflowed for "never".
    THROWS(errc::invalid_argument, store.create(ts::new_token(server, "acme").expires_at(ts::time_point::max())));
    CODE_IS(errc::invalid_argument, store.create(ts::new_token(server, "acme").expires_in(milliseconds(0)), code));
    const ts::created bare = store.create(
        ts::new_token(server, "acme").all_projects().expires_in(milliseconds(1)).never_expires().projects({"C-3"}));
    CHECK(!store.get(bare.id).expires.has_value() && store.get(bare.id).projects == std::vector<std::string>{"C-3"});
    CODE_IS(errc::ok,
            CHECK(store.get(store.create(ts::new_token(server, "acme").projects({"C-3"}).all_projects(), code).id)
                      .all_projects));

    const ts::new_token ci = ts::new_token(server, "acme").name("ci");
    const ts::created first = store.create_if_absent(ci);
    const ts::created second = store.create_if_absent(ci);
    CHECK(!first.existed && !first.value.empty() && second.existed && second.value.empty() && second.id == first.id);
    CODE_IS(errc::ok, CHECK(store.create_if_absent(ci, code).existed));
    CODE_IS(errc::invalid_argument, store.create_if_absent(ts::new_token(server, "acme"), code));

    const ts::created outside = store.create_from_value(ts::new_token(server, "acme"), "made somewhere else");
    CHECK(outside.value.empty() && store.verify("made somewhere else", ts::query::any_type()).id() == outside.id);
    THROWS(errc::value_exists, store.create_from_value(ts::new_token(server, "acme"), "made somewhere else"));
    CODE_IS(errc::invalid_argument, store.create_from_value(ts::new_token(server, "acme"), "short", code));

    const std::vector<ts::creation> many =
        store.create_many({ts::new_token(server, "acme").name("m1"), ts::new_token(server, "acme").name(""),
                           ts::new_token(server, "acme").name("ci"), ts::new_token(server, "acme")});
    CHECK(many.size() == 4 && many[0] && many[1].status == errc::invalid_argument &&
          many[2].status == errc::name_taken && many[3]);
    CHECK(store.verify(many[0].token.value.reveal(), ts::query::any_type()).id() == many[0].token.id);
    CHECK(store.verify(many[3].token.value.reveal(), ts::query::any_type()).id() == many[3].token.id &&
          many[2].token.value.empty());
    CODE_IS(errc::ok, CHECK(store.create_many({}, code).empty()));
}

/// One token that C refuses, whatever is wrong with it, keeps no other from being made.
void each_of_many_by_itself() {
    const ts::store store = ts::store::in_memory();
    const ts::type_id server = store.declare(ts::policy("server", "srv"));
    const auto good = [&] {
        return ts::new_token(server, "acme");
    };
    const std::string long_data(4097, 'd'), no_text = "\xff\xfe";
    const std::vector<std::string> no_projects = {""}, too_many(1001, "p");
    const std::vector<std::pair<ts::new_token, errc>> wrong = {
        {ts::new_token(ts::type_id{70000}, "acme"), errc::not_found},
        {ts::new_token(ts::type_id{}, "acme"), errc::not_found},
        {ts::new_token(server, ""), errc::invalid_argument},
        {good().by(no_text), errc::invalid_argument},
        {good().name(no_text), errc::invalid_argument},
        {good().name(""), errc::invalid_argument},
        {good().binding(""), errc::invalid_argument},
        {good().app_data(long_data), errc::invalid_argument},
        {good().projects(no_projects), errc::invalid_argument},
        {good().expires_in(milliseconds(0)), errc::invalid_argument},
        {good().expires_at(ts::time_point::min()), errc::invalid_argument},
        {good().expires_at(ts::time_point::max()), errc::invalid_argument},
    };
    std::vector<ts::new_token> tokens = {good()};
    for (const auto &[token, status] : wrong) {
        tokens.push_back(token);
        tokens.push_back(good());
        CODE_IS(status, store.create(token, code));
    }
    const std::vector<ts::creation> many = store.create_many(tokens);
    CHECK(many.size() == 2 * wrong.size() + 1 && store.stats().tokens == wrong.size() + 1);
    for (std::size_t n = 0; n < many.size(); ++n) {
        const ts::creation &one = many[n];
        const errc expected = n % 2 == 0 ? errc::ok : wrong[n / 2].second;
        CHECK(one.status == expected && bool(one) == (n % 2 == 0) && one.token.value.empty() == !one);
        CHECK((one.token.id == ts::token_id()) == !one);
        CHECK(!one || store.verify(one.token.value.reveal(), ts::query::of_type(server)).id() == one.token.id);
    }
    CHECK(store.create_many({good().name("")}).at(0).status == errc::invalid_argument);
}

void judging() {
    const ts::store store = ts::store::in_memory();
    const ts::type_id server = store.declare(ts::policy("server", "srv")),
                      other = store.declare(ts::policy("other", "oth"));
    const ts::created made = store.create(ts::new_token(server, "acme").projects({"A-1"}).binding("b").app_word(7));
    const std::string_view value = made.value.reveal();
    const ts::query query = ts::query::of_type(server).project("A-1").binding("b");
    const ts::verdict verdict = store.verify(value, query);
    CHECK(verdict && verdict.allowed() && verdict.status() == errc::ok && !verdict.code() && !verdict.is_trouble());
    CHECK(verdict.has_identity() && verdict.id() == made.id && verdict.type() == server && verdict.app_word() == 7);
    CHECK(verdict.revision() == made.revision && !verdict.expires().has_value() && !verdict.all_projects() &&
          !verdict.no_projects() && !verdict.old_value());
    CHECK(store.owner(verdict.owner()) == "acme");
    CODE_IS(errc::ok, CHECK(!store.owner(ts::owner_ref{~std::uint64_t{0}}, code).has_value()));
    CHECK(store.verify(value, ts::query::of_type(other).binding("b")).code() == errc::wrong_type);
    CHECK(store.verify(value, ts::query::of_type(server)).status() == errc::wrong_binding);
    CHECK(store.verify(value, ts::query::any_type().binding("b").project("B-2")).status() == errc::no_grant);
    CHECK(store.verify(value, ts::query::any_type().binding("b").no_wait()));
    CHECK(store.verify("Bearer " + std::string(value), ts::query::any_type().binding("b").header()));
    const ts::verdict refused = store.verify(value.substr(1), query);
    CHECK(!refused && refused.status() == errc::malformed && !refused.has_identity() && !refused.is_trouble());
    CHECK(refused.id() == ts::token_id() && refused.expires() == ts::time_point());
    CHECK(store.verify({}, query).status() == errc::malformed && !ts::verdict() &&
          ts::verdict().status() == errc::unknown);
    for (const ts::query &wrong :
         {ts::query::of_type(ts::type_id{}), ts::query::any_type().project({}), ts::query::any_type().binding("")}) {
        CHECK(store.verify(value, wrong).is_trouble() && store.verify(value, wrong).status() == errc::invalid_argument);
        CHECK(store.verify_many({value}, wrong).at(0).status() == errc::invalid_argument);
    }

    const std::string long_one(100000, 'x'), padded = "Bearer " + std::string(5000, ' ') + std::string(value);
    const std::vector<ts::verdict> many = store.verify_many({value, "", long_one, value, "srv_"}, query);
    CHECK(many.size() == 5 && many[0] && !many[1] && many[2].status() == errc::malformed && many[3] && !many[4]);
    CHECK(store.verify_many({padded, value}, ts::query::any_type().binding("b").header()).at(0));
    CHECK(store.verify_many({}, query).empty());
    const std::string twice = std::string(value) + std::string(value);
    std::array<ts::verdict, 2> verdicts;
    CHECK(store.verify_many(twice, 40, nullptr, query, verdicts.data(), 2) == errc::ok && verdicts[1]);
    const std::array<std::size_t, 2> lengths = {40, 39};
    CHECK(store.verify_many(twice, 40, lengths.data(), query, verdicts.data(), 2) == errc::some_refused &&
          !verdicts[1]);
    CHECK(store.verify_many(value, 40, nullptr, query, verdicts.data(), 2) == errc::invalid_argument && !verdicts[0]);
    CHECK(store.verify_many(twice, 40, nullptr, query, nullptr, 0) == errc::ok);
    CHECK(store.verify_many(twice, 40, nullptr, query, nullptr, 1) == errc::invalid_argument);
}

void changing() {
    const ts::manual_clock clock = ts::manual_clock::create(noon);
    const ts::store store = ts::store::in_memory(ts::options().clock(clock));
    const ts::type_id server = store.declare(ts::policy("server", "srv"));
    const ts::created made = store.create(ts::new_token(server, "acme").name("deploy"));
    const ts::target one = made.id, nobody = ts::token_id();
    const ts::target of_zeta = ts::target(made.id).if_owner("zeta"), stale = ts::target(made.id).if_revision(99);
    ts::change change = store.edit(
        ts::target(made.id).if_owner("acme").if_revision(2),
        ts::edit().name("renamed").app_word(9).app_data("d").expires_in(milliseconds(5000)).projects({"A-1"}));
    CHECK(change.changed && change.revision == 3);
    ts::token token = store.get(one);
    CHECK(token.name == "renamed" && token.app_word == 9 && token.app_data == "d" &&
          token.expires == noon + milliseconds(5000));
    CODE_IS(errc::ok, CHECK(!store.edit(one, ts::edit(), code).changed));
    CODE_IS(errc::ok,
            store.edit(one, ts::edit().no_name().app_data("").expires_at(noon).never_expires().projects({}), code));
    token = store.get(one);
    CHECK(!token.name.has_value() && token.app_data.empty() && !token.expires.has_value() && token.no_projects &&
          token.app_word == 9);
    THROWS(errc::invalid_argument, store.edit(one, ts::edit().name("")));
    THROWS(errc::revision_conflict, store.edit(stale, ts::edit().app_word(1)));
    CODE_IS(errc::not_found, store.edit(of_zeta, ts::edit().app_word(1), code));
    store.edit(one, ts::edit().projects({"A-1"}).all_projects());
    CHECK(store.get(one).all_projects && store.revoke_grants(one).changed);
    CHECK(store.get(ts::target(made.id).if_owner("acme")).id == made.id);
    THROWS(errc::not_found, store.get(of_zeta));
    CODE_IS(errc::revision_conflict, CHECK(store.get(stale, code).owner.empty()));
    CODE_IS(errc::not_found, store.get(nobody, code));

    CHECK(store.grant(one, "A-1").changed && !store.grant(one, "A-1").changed);
    CODE_IS(errc::ok, store.grant(one, "B-2", code));
    THROWS(errc::invalid_argument, store.grant(one, ""));
    CHECK(store.ungrant(one, "A-1").changed);
    CODE_IS(errc::ok, CHECK(!store.ungrant(one, "A-1", code).changed));
    CHECK(store.remove_project("B-2", {"admin", "gone"}) == 1);
    CODE_IS(errc::ok, CHECK(store.remove_project("B-2", {}, code) == 0));
    THROWS(errc::invalid_argument, store.remove_project(""));
    CHECK(store.grant_all(one).changed);
    THROWS(errc::grant_is_all, store.ungrant(one, "A-1"));
    CODE_IS(errc::ok, store.grant_all(one, code));
    CODE_IS(errc::ok, store.revoke_grants(one, code));
    CHECK(store.disable(one).changed &&
          store.verify(made.value.reveal(), ts::query::any_type()).status() == errc::disabled);
    CODE_IS(errc::ok, store.disable(one, code));
    CHECK(store.enable(one).changed);
    CODE_IS(errc::ok, store.enable(one, code));
    THROWS(errc::not_found, store.revoke(nobody));
    CHECK(store.revoke(ts::target(made.id).by("bob").reason("leaked")).changed);
    CODE_IS(errc::ok, CHECK(!store.revoke(one, code).changed));
    CHECK(store.get(one).reason == "leaked" && store.get(one).revoked == noon &&
          store.get(one).state == ts::token_state::revoked);
    using coded = ts::change (ts::store::*)(const ts::target &, std::error_code &) const noexcept;
    for (const coded call : std::initializer_list<coded>{&ts::store::grant_all, &ts::store::revoke_grants,
                                                         &ts::store::disable, &ts::store::enable}) {
        CODE_IS(errc::revoked, (store.*call)(one, code));
    }
    const ts::created again = store.create(ts::new_token(server, "acme"));
    CHECK(store.revoke_value(again.value.reveal(), {"scanner", "found"}).changed &&
          !store.revoke_value("nobody's").changed);
    CODE_IS(errc::invalid_argument, store.revoke_value("x", {"", "\n"}, code));
    CHECK(store.remove(one).revision == 0);
    CODE_IS(errc::not_found, store.remove(one, code));
}

void reading() {
    const ts::store store = ts::store::in_memory(ts::options().max_events(4));
    const ts::type_id server = store.declare(ts::policy("server", "srv"));
    std::vector<std::string> projects;
    for (int n = 0; n < 1000; ++n) {
        projects.push_back("a-project-whose-name-is-long-" +
                           std::to_string(1000 + n)); // more than a small buffer holds
    }
    const ts::created big =
        store.create(ts::new_token(server, "acme").projects(projects).app_data(std::string(4096, 'd')));
    const ts::created small =
        store.create(ts::new_token(server, "zeta").name("deploy").expires_in(milliseconds(100000)));
    CHECK(store.get(big.id).projects == projects && store.get(big.id).app_data.size() == 4096);
    std::vector<ts::token_id> ids;
    for (const ts::token &token : store.list()) {
        ids.push_back(token.id);
    }
    CHECK(ids == std::vector<ts::token_id>{big.id, small.id});
    const auto only = [&](const ts::filter &filter) {
        const ts::token_page page = store.page(filter);
        CHECK(!page.next.has_value());
        return page.tokens.size() == 1 ? page.tokens[0].id : ts::token_id();
    };
    const ts::time_point later(
        std::chrono::duration_cast<milliseconds>(std::chrono::system_clock::now().time_since_epoch()) +
        std::chrono::hours(1));
    CHECK(only(ts::filter().owner("zeta")) == small.id && only(ts::filter().name_prefix("dep")) == small.id);
    CHECK(only(ts::filter().project(projects[999])) == big.id && only(ts::filter().expires_before(later)) == small.id);
    CHECK(only(ts::filter().after(big.id)) == small.id &&
          store.page(ts::filter().unused_since(later)).tokens.size() == 2);
    CHECK(store.page(ts::filter().of_type(ts::type_id{9})).tokens.empty());
    store.revoke(small.id);
    CHECK(only({}) == big.id && only(ts::filter().state(ts::token_state::revoked)) == small.id);
    CHECK(store.page(ts::filter().with_dead()).tokens.size() == 2);
    CHECK(store.page(ts::filter().with_dead(), 1).next == big.id);
    CODE_IS(errc::ok,
            CHECK(store.page(ts::filter().state(ts::token_state::active).state(ts::token_state::revoked), 2, code)
                      .tokens.size() == 2));
    THROWS(errc::invalid_argument, store.page({}, 0));
    CODE_IS(errc::invalid_argument, store.page({}, 1001, code));
    for (const std::uint32_t size : {1u, 2u, 999u, 1000u}) {
        ts::token_list pages = store.list(ts::filter().with_dead().page_size(size));
        CHECK(pages.next()->id == big.id && pages.next()->id == small.id && !pages.next().has_value());
        CHECK(store.page(ts::filter().with_dead().page_size(size), 1).next == big.id);
        CHECK(store.page(ts::filter().with_dead().page_size(size), 1000).tokens.size() == 2);
    }
    for (const std::uint32_t size : {0u, 1001u, ~0u}) {
        THROWS(errc::invalid_argument, store.list(ts::filter().page_size(size)));
        CODE_IS(errc::invalid_argument, store.page(ts::filter().page_size(size), 1, code));
    }
    // The years 0 and 9999, and what lies outside them.
    for (const std::int64_t ms : {std::int64_t{-62167219200000}, std::int64_t{253402300799999}}) {
        const ts::time_point last{milliseconds(ms)}, outside{milliseconds(ms < 0 ? ms - 1 : ms + 1)};
        CODE_IS(errc::ok, store.list(ts::filter().expires_before(last).unused_since(last), code));
        CODE_IS(errc::invalid_argument, store.list(ts::filter().expires_before(outside), code));
        CODE_IS(errc::invalid_argument, store.list(ts::filter().unused_since(outside), code));
    }
    THROWS(errc::invalid_argument, store.list(ts::filter().unused_since(ts::time_point::max())));
    THROWS(errc::invalid_argument, store.list(ts::filter().expires_before(ts::time_point::min())));
    THROWS(errc::invalid_argument, store.list(ts::filter().owner("")));
    CODE_IS(errc::invalid_argument, store.list(ts::filter().project(""), code));

    const ts::store_stats stats = store.stats();
    CHECK(stats.tokens == 2 && stats.types == 1 && stats.sequence == 4 && stats.first_event == 1 &&
          stats.index_bytes > 0);
    CODE_IS(errc::ok, store.stats(code));
    store.disable(ts::target(big.id).by("ann").reason("a while"));
    std::uint64_t expected = 2; // the oldest is gone
    for (const ts::event &event : store.events()) {
        CHECK(event.sequence == expected++ && event.id.has_value() && !event.type.has_value());
    }
    CHECK(expected == 6);
    const auto last = store.next_event(4);
    CHECK(last.has_value() && last->kind == ts::event_kind::disabled && last->by == "ann" &&
          last->reason == "a while" && last->id == big.id);
    CODE_IS(errc::ok, CHECK(!store.next_event(5, code).has_value()));
    CHECK(store.events(0, 2).size() == 2 && store.events(0, 2)[0].sequence == 2);
    CODE_IS(errc::invalid_argument, CHECK(store.events(0, 0, code).empty()));
    THROWS(errc::invalid_argument, store.events(0, 1001));
}

void closed_while_read() {
    ts::store store = ts::store::in_memory();
    static_cast<void>(store.create(ts::new_token(store.declare(ts::policy("server", "srv")), "acme")));
    ts::token_list list = store.list();
    store.close();
    THROWS(errc::closed, list.begin());
    THROWS(errc::closed, list.next());
    THROWS(errc::closed, store.events().begin());
    CODE_IS(errc::closed, store.list({}, code));
    CODE_IS(errc::closed, CHECK(store.types(code).empty()));
    CODE_IS(errc::closed, store.create_many({ts::new_token(ts::type_id{1}, "acme")}, code));
    THROWS(errc::closed, store.find_type("server"));
    CODE_IS(errc::closed, store.owner(ts::owner_ref{0}, code));
    CHECK(store.verify_many({"x", "y"}, ts::query::any_type()).at(1).status() == errc::closed);
}

} // namespace

void calls_about_tokens() {
    types();
    making();
    each_of_many_by_itself();
    judging();
    changing();
    reading();
    closed_while_read();
}
