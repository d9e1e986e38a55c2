// Every call of tokenstore.hpp about tickets, pairs, rotation and the ends of many tokens: see calls.cpp.
#include "calls.hpp"

namespace ts = tokenstore;
using std::chrono::milliseconds;
using ts::errc;

namespace {

/// A store whose clock stands, with the types that sessions need.
struct sessions {
    ts::manual_clock clock = ts::manual_clock::create(noon);
    ts::store store = ts::store::in_memory(ts::options().clock(clock));
    ts::type_id server = store.declare(ts::policy("server", "srv"));
    ts::type_id access = store.declare(ts::policy("access", "acc").accepts_external());
    ts::type_id refresh = store.declare(ts::policy("refresh", "ref").accepts_external().families(
        ts::family_policy(milliseconds(1000), milliseconds(60000), milliseconds(600000))));

    ts::new_pair wanted() const { return {access, refresh, "acme", "client"}; }
    ts::errc verify(const ts::secret_value &value) const {
        return store.verify(value.reveal(), ts::query::any_type()).status();
    }
};

void policies() {
    const ts::store store = ts::store::in_memory();
    const milliseconds day(86400000);
    const auto families = [] {
        return ts::family_policy(milliseconds(1), milliseconds(2), milliseconds(3));
    };
    const ts::type_id ticket =
        store.declare(ts::policy("ticket", "tkt").uses(3).default_lifetime(milliseconds(15000)).in_memory());
    CHECK(store.type(ticket).uses == 3u && store.type(ticket).in_memory && !store.type(ticket).families.has_value());
    const ts::declared_type plain = store.type(store.declare(ts::policy("refresh", "ref").families(families())));
    CHECK(!plain.uses.has_value() && !plain.in_memory && plain.families.has_value());
    CHECK(plain.families->access_lifetime == milliseconds(1) && plain.families->refresh_lifetime == milliseconds(2) &&
          plain.families->family_lifetime == milliseconds(3));
    CHECK(plain.families->grace == milliseconds(30000) && plain.families->old_access == ts::old_access::ends_now);
    const ts::declared_type strict =
        store.type(store.declare(ts::policy("strict", "str").families(families().no_grace())));
    CHECK(strict.families.has_value() && !strict.families->grace.has_value());
    for (const ts::old_access fate :
         {ts::old_access::ends_now, ts::old_access::ends_with_grace, ts::old_access::lives_on}) {
        const std::string name = "f" + std::to_string(static_cast<std::uint32_t>(fate));
        const ts::type_id type = store.declare(ts::policy(name, name).families(families().grace(day).old_access(fate)));
        CHECK(store.type(type).families->old_access == fate && store.type(type).families->grace == day);
    }
    CHECK(store.declare(ts::policy("strict", "str").families(families().no_grace())) == strict.number);
    THROWS(errc::type_conflict, store.declare(ts::policy("strict", "str").families(families())));
    // What is 0 is not taken for a default, nor what is less for what is more.
    const milliseconds one(1), none(0), less(-1);
    for (const ts::policy &wrong :
         {ts::policy("x", "x").uses(0), ts::policy("x", "x").in_memory(), ts::policy("x", "x").uses(1).in_memory(),
          ts::policy("x", "x").families(families().grace(none)), ts::policy("x", "x").families(families().grace(less)),
          ts::policy("x", "x").families(families().grace(day + one)),
          ts::policy("x", "x").families(families().old_access(static_cast<ts::old_access>(3))),
          ts::policy("x", "x").families(ts::family_policy(none, one, one)),
          ts::policy("x", "x").families(ts::family_policy(one, less, one)),
          ts::policy("x", "x").families(ts::family_policy(one, one, milliseconds::min()))}) {
        CODE_IS(errc::invalid_argument, store.declare(wrong, code));
    }
}

void tickets() {
    const ts::store store = ts::store::in_memory();
    const ts::type_id server = store.declare(ts::policy("server", "srv"));
    const ts::type_id ticket =
        store.declare(ts::policy("ticket", "tkt").uses(1).default_lifetime(milliseconds(15000)).in_memory());
    const ts::type_id coupon = store.declare(ts::policy("coupon", "cou").uses(2));
    const std::string data(4096, '\0');
    const ts::created made = store.create(ts::new_token(coupon, "acme").app_data(data).app_word(7).projects({"A-1"}));
    const std::string_view value = made.value.reveal();
    const ts::query query = ts::query::of_type(coupon);
    CHECK(store.get(made.id).uses_left == 2u && store.verify(value, query).status() == errc::must_consume);
    ts::consumed spent = store.consume(value, query);
    CHECK(spent && spent.verdict.allowed() && spent.uses_left == 1 && spent.app_data == data);
    CHECK(spent.verdict.id() == made.id && spent.verdict.app_word() == 7 && spent.verdict.type() == coupon);
    CODE_IS(errc::ok, CHECK(!store.consume(value, ts::query(query).project("B-2"), code))); // spends nothing
    CODE_IS(errc::ok, spent = store.consume("Bearer " + std::string(value), ts::query(query).header(), code));
    CHECK(spent && spent.uses_left == 0);
    CODE_IS(errc::ok, spent = store.consume(value, query, code));
    CHECK(!spent && spent.verdict.status() == errc::used && spent.verdict.has_identity() && spent.app_data.empty());
    CHECK(store.get(made.id).state == ts::token_state::used && store.get(made.id).uses_left == 0u);

    const ts::created plain = store.create(ts::new_token(server, "acme").app_data("d"));
    spent = store.consume(plain.value.reveal(), ts::query::any_type());
    CHECK(!spent && spent.verdict.status() == errc::not_counted && spent.verdict.id() == plain.id);
    CHECK(spent.verdict.has_identity() && spent.app_data.empty() && !store.get(plain.id).uses_left.has_value());
    spent = store.consume("tkt_nothing", ts::query::of_type(ticket));
    CHECK(!spent && spent.verdict.status() == errc::malformed && !spent.verdict.has_identity());
    THROWS(errc::invalid_argument, store.consume(value, ts::query::any_type().project("")));
    CODE_IS(errc::invalid_argument, spent = store.consume(value, ts::query::any_type().project(""), code));
    CHECK(!spent && spent.verdict.is_trouble() && spent.verdict.status() == errc::invalid_argument);

    const std::uint64_t before = store.stats().sequence;
    const ts::created once = store.create(ts::new_token(ticket, "acme").app_data("/inbox"));
    CHECK(store.consume(once.value.reveal(), ts::query::of_type(ticket)).app_data == "/inbox");
    CHECK(store.consume(once.value.reveal(), ts::query::of_type(ticket)).verdict.status() == errc::used);
    CHECK(!store.next_event(before).has_value()); // in no event
}

void pairs() {
    const sessions with;
    const ts::store &store = with.store;
    const ts::token_pair first = store.issue_pair(
        with.wanted().name("phone").projects({"A-1"}).bind_access().app_data("d").app_word(7).by("login"));
    CHECK(first.outcome == ts::pair_outcome::issued && first.revision == 4 && first.family != ts::token_id());
    CHECK(first.access.expires == noon + milliseconds(1000) && first.refresh.expires == noon + milliseconds(60000));
    const ts::token access = store.get(first.access.id), refresh = store.get(first.refresh.id);
    CHECK(access.family == first.family && refresh.family == first.family && !access.parent.has_value());
    CHECK(!access.refreshes && refresh.refreshes && access.bound && access.name == "phone" && access.app_word == 7 &&
          access.app_data == "d" && access.projects == std::vector<std::string>{"A-1"} && access.owner == "acme");
    const ts::query asked = ts::query::of_type(with.access).binding("client").project("A-1");
    CHECK(store.verify(first.access.value.reveal(), asked));
    CHECK(store.verify(first.refresh.value.reveal(), ts::query::of_type(with.refresh).binding("client")).status() ==
          errc::must_refresh);
    THROWS(errc::not_found, store.issue_pair({with.access, ts::type_id{9}, "acme", "client"}));
    THROWS(errc::invalid_argument, store.issue_pair({with.access, with.refresh, "acme", ""}));
    CODE_IS(errc::invalid_argument, store.issue_pair(with.wanted().name(""), {}, code));
    ts::token_pair none;
    CODE_IS(errc::invalid_argument, none = store.issue_pair(with.wanted().by("\n"), {}, code));
    CHECK(none.access.value.empty() && none.refresh.value.empty() && none.family == ts::token_id());
    CODE_IS(errc::ok, none = store.issue_pair(with.wanted().projects({"A-1"}).all_projects(), {}, code));
    CHECK(store.get(none.access.id).all_projects && !store.get(none.access.id).bound);

    const std::string_view used = first.refresh.value.reveal();
    ts::refreshed next = store.refresh(used, "client", {}, "phone");
    CHECK(next && next.rotated() && !next.replayed() && !next.refused() && next.status == errc::ok);
    CHECK(next.pair->outcome == ts::pair_outcome::rotated && next.pair->family == first.family);
    CHECK(next.pair->refresh.value.reveal() != used && next.pair->access.id != first.access.id);
    CHECK(store.verify(first.access.value.reveal(), asked).status() == errc::superseded);
    CHECK(store.verify(next.pair->access.value.reveal(), asked));
    ts::refreshed again;
    CODE_IS(errc::ok, again = store.refresh(used, "client", {}, {}, code));
    CHECK(again && again.replayed() && !again.rotated() && again.pair->outcome == ts::pair_outcome::replayed);
    CHECK(again.pair->access.value.reveal() == next.pair->access.value.reveal() &&
          again.pair->refresh.value.reveal() == next.pair->refresh.value.reveal() &&
          again.pair->revision == next.pair->revision && again.pair->access.expires == next.pair->access.expires);
    CODE_IS(errc::ok, again = store.refresh(used, "another client", {}, {}, code));
    CHECK(!again && again.refused() && again.status == errc::wrong_binding && !again.pair.has_value());
    CHECK(store.refresh(next.pair->access.value.reveal(), "client").status == errc::wrong_type);
    CHECK(store.refresh("ref_nothing", "client").status == errc::malformed && ts::refreshed().refused());
    THROWS(errc::invalid_argument, store.refresh(used, "client", {}, "\n"));
    CODE_IS(errc::invalid_argument, again = store.refresh(used, "client", {}, "\n", code));
    CHECK(!again && again.status == errc::invalid_argument);

    with.clock.advance(milliseconds(30000));
    again = store.refresh(used, "client");
    CHECK(again.status == errc::reused && again.refused());
    CHECK(store.verify(next.pair->access.value.reveal(), asked).status() == errc::revoked);
    const ts::event last = *store.next_event(store.stats().sequence - 1);
    CHECK(last.kind == ts::event_kind::reused && last.id == first.family && last.count == 1u &&
          last.age == milliseconds(30000) && last.owner.empty());
    CHECK(store.next_event(4 + 1)->kind == ts::event_kind::refreshed && store.next_event(4 + 1)->by == "phone");
    CHECK(!store.next_event(4 + 1)->count.has_value() && !store.next_event(4 + 1)->age.has_value());
}

/// Values of the caller's own, up to the longest, come back as they went in.
void pairs_of_own_values() {
    const sessions with;
    const ts::store &store = with.store;
    for (const std::size_t length : {std::size_t{16}, std::size_t{64}, std::size_t{65}, std::size_t{8192}}) {
        const auto own = [&](char letter) {
            return std::string(length - 2, letter) + std::string("\0", 1) + letter;
        };
        const std::string a1 = own('a'), r1 = own('b'), a2 = own('c'), r2 = own('d');
        const ts::token_pair first = store.issue_pair(with.wanted(), ts::pair_values().access(a1).refresh(r1));
        CHECK(first.access.value.reveal() == a1 && first.refresh.value.reveal() == r1);
        const ts::refreshed next = store.refresh(r1, "client", ts::pair_values().access(a2).refresh(r2));
        CHECK(next.rotated() && next.pair->access.value.reveal() == a2 && next.pair->refresh.value.reveal() == r2);
        // Whoever asks again need not know how long the values are, nor has a say in them.
        const ts::refreshed again = store.refresh(r1, "client", ts::pair_values().refresh(own('e')));
        CHECK(again.replayed() && again.pair->access.value.reveal() == a2 && again.pair->refresh.value.reveal() == r2);
        CHECK(with.verify(again.pair->access.value) == errc::ok);
        THROWS(errc::value_exists, store.issue_pair(with.wanted(), ts::pair_values().access(a2)));
        ts::refreshed refused;
        CODE_IS(errc::value_exists, refused = store.refresh(r2, "client", ts::pair_values().access(a2), {}, code));
        CHECK(refused.refused() && refused.status == errc::value_exists && !refused.pair.has_value());
    }
    const ts::token_pair half = store.issue_pair(with.wanted(), ts::pair_values().access("made elsewhere, too"));
    CHECK(half.access.value.reveal() == "made elsewhere, too" && half.refresh.value.reveal().rfind("ref_", 0) == 0);
    // What is given and empty is not taken for what was not given.
    THROWS(errc::invalid_argument, store.issue_pair(with.wanted(), ts::pair_values().access("")));
    CODE_IS(errc::invalid_argument,
            store.refresh(half.refresh.value.reveal(), "client", ts::pair_values().refresh(""), {}, code));
    CODE_IS(errc::invalid_argument, store.issue_pair(with.wanted(), ts::pair_values().access("short"), code));

    const std::string long_one(8192, 'l');
    ts::token_pair pair = store.issue_pair(with.wanted(), ts::pair_values().access(long_one));
    const auto *where = reinterpret_cast<const volatile char *>(pair.access.value.reveal().data());
    ts::secret_value moved = std::move(pair.access.value);
    CHECK(moved.reveal() == long_one && pair.access.value.empty() && pair.access.value.reveal().empty());
    CHECK(reinterpret_cast<const volatile char *>(moved.reveal().data()) == where); // and is nowhere else
    moved.wipe();
    CHECK(moved.empty() && where[0] == 0 && where[4096] == 0 && where[8191] == 0);
    moved = std::move(pair.refresh.value);
    CHECK(moved.reveal().size() == 40 && pair.refresh.value.empty());
}

void ends() {
    const sessions with;
    const ts::store &store = with.store;
    const ts::token_pair one = store.issue_pair(with.wanted()), two = store.issue_pair(with.wanted());
    THROWS(errc::not_found, store.revoke_family(one.access.id));
    THROWS(errc::not_found, store.revoke_family(ts::target(one.family).if_owner("zeta")));
    CHECK(store.revoke_family(ts::target(one.family).by("ann").reason("lost")).changed);
    CODE_IS(errc::ok, CHECK(!store.revoke_family(one.family, code).changed));
    CODE_IS(errc::not_found, store.revoke_family(ts::token_id(), code));
    CHECK(with.verify(one.access.value) == errc::revoked && with.verify(two.access.value) == errc::ok);
    CHECK(store.refresh(one.refresh.value.reveal(), "client").status == errc::revoked);

    const ts::created plain = store.create(ts::new_token(with.server, "acme"));
    CHECK(store.revoke_owner("acme", with.access, {"ann", "left"}).changed);
    CHECK(with.verify(two.access.value) == errc::revoked && with.verify(plain.value) == errc::ok);
    ts::event last = *store.next_event(store.stats().sequence - 1);
    CHECK(last.kind == ts::event_kind::owner_revoked && last.owner == "acme" && last.type == with.access &&
          last.by == "ann" && last.reason == "left" && !last.id.has_value() && !last.count.has_value());
    // No type is not all types.
    THROWS(errc::not_found, store.revoke_owner("acme", ts::type_id{}));
    CODE_IS(errc::not_found, store.revoke_owner("acme", ts::type_id{9}, {}, code));
    CODE_IS(errc::ok, store.revoke_owner("acme", with.refresh, {}, code));
    CHECK(with.verify(plain.value) == errc::ok);
    CHECK(store.revoke_owner("acme", {"bob", "all"}).changed && with.verify(plain.value) == errc::revoked);
    last = *store.next_event(store.stats().sequence - 1);
    CHECK(last.owner == "acme" && !last.type.has_value() && last.by == "bob");
    CODE_IS(errc::invalid_argument, store.revoke_owner("", {}, code));
    CHECK(with.verify(store.create(ts::new_token(with.server, "acme")).value) == errc::ok); // made afterwards

    const ts::created parent = store.create(ts::new_token(with.server, "zeta").expires_in(milliseconds(5000)));
    const ts::created child = store.create(ts::new_token(with.server, "zeta").parent(parent.id));
    CHECK(store.get(child.id).parent == parent.id && store.get(child.id).expires == noon + milliseconds(5000));
    CHECK(!store.get(parent.id).parent.has_value() && !store.get(parent.id).family.has_value());
    store.revoke(parent.id);
    CHECK(with.verify(child.value) == errc::revoked);
    THROWS(errc::invalid_argument, store.create(ts::new_token(with.server, "zeta").parent(ts::token_id())));
    CODE_IS(errc::not_found, store.create(ts::new_token(with.server, "zeta").parent(one.family), code));

    const std::uint64_t tokens = store.stats().tokens;
    CHECK(store.prune(noon, 1000) == 0);
    CODE_IS(errc::ok, CHECK(store.prune(noon + milliseconds(1), 1, code) == 1));
    CHECK(store.stats().tokens == tokens - 1);
    last = *store.next_event(store.stats().sequence - 1);
    CHECK(last.kind == ts::event_kind::pruned && last.count == 1u && !last.age.has_value() && !last.id.has_value());
    THROWS(errc::invalid_argument, store.prune(noon, 0));
    CODE_IS(errc::invalid_argument, store.prune(ts::time_point::max(), 1, code));
}

void rotation() {
    const sessions with;
    const ts::store &store = with.store;
    const ts::created first = store.create(ts::new_token(with.server, "acme").name("ci").app_data("d"));
    const ts::created second =
        store.rotate(ts::target(first.id).by("ann").if_revision(first.revision), milliseconds(1000));
    CHECK(second.id == first.id && second.revision == 5 && !second.existed && !second.value.empty());
    const ts::verdict old = store.verify(first.value.reveal(), ts::query::any_type());
    CHECK(old && old.old_value() && old.id() == first.id && old.expires() == noon + milliseconds(1000));
    CHECK(!store.verify(second.value.reveal(), ts::query::any_type()).old_value());
    ts::token token = store.get(first.id);
    CHECK(token.name == "ci" && token.app_data.empty() && token.old_value_until == noon + milliseconds(1000));
    with.clock.advance(milliseconds(1000));
    CHECK(with.verify(first.value) == errc::superseded && with.verify(second.value) == errc::ok);
    ts::created third;
    CODE_IS(errc::ok, third = store.rotate(first.id, milliseconds(0), code));
    CHECK(with.verify(second.value) == errc::superseded && with.verify(third.value) == errc::ok);
    CHECK(with.verify(first.value) == errc::unknown); // one is remembered
    THROWS(errc::invalid_argument, store.rotate(first.id, milliseconds(-1)));
    THROWS(errc::revision_conflict, store.rotate(ts::target(first.id).if_revision(1), milliseconds(0)));
    ts::created refused;
    CODE_IS(errc::not_found, refused = store.rotate(ts::token_id(), milliseconds(0), code));
    CHECK(refused.value.empty() && refused.id == ts::token_id());
    CHECK(with.verify(third.value) == errc::ok);
    CODE_IS(errc::invalid_argument, store.rotate(store.issue_pair(with.wanted()).refresh.id, milliseconds(0), code));
    CHECK(!store.get(store.create(ts::new_token(with.server, "acme")).id).old_value_until.has_value());

    const ts::created looked = store.create(ts::new_token(with.server, "acme"));
    static_cast<void>(store.rotate(looked.id, milliseconds(86400000)));
    CHECK(!store.get(looked.id).old_value_used.has_value());
    with.clock.advance(milliseconds(600000));
    CHECK(with.verify(looked.value) == errc::ok);
    const auto used = store.get(looked.id).old_value_used; // to within a minute
    CHECK(used.has_value() && *used > noon + milliseconds(601000 - 60000) && *used <= noon + milliseconds(601000));
}

void names_of_events() {
    // Each kind has a name of its own, and the last known one is the last.
    std::vector<std::string_view> names;
    for (std::uint32_t number = 1; ts::name(static_cast<ts::event_kind>(number)) != "?"; ++number) {
        for (const std::string_view other : names) {
            CHECK(ts::name(static_cast<ts::event_kind>(number)) != other);
        }
        names.push_back(ts::name(static_cast<ts::event_kind>(number)));
    }
    CHECK(names.size() == 20 && ts::name(ts::event_kind::pruned) == "pruned");
    CHECK(ts::name(ts::event_kind::pair_issued) == "pair_issued" && ts::name(ts::event_kind::rotated) == "rotated");
}

void closed() {
    sessions with;
    const ts::token_pair pair = with.store.issue_pair(with.wanted());
    with.store.close();
    ts::consumed spent;
    CODE_IS(errc::closed, spent = with.store.consume("x", ts::query::any_type(), code));
    CHECK(!spent && spent.verdict.is_trouble() && spent.verdict.status() == errc::closed);
    ts::refreshed refused;
    CODE_IS(errc::closed, refused = with.store.refresh(pair.refresh.value.reveal(), "client", {}, {}, code));
    CHECK(!refused && refused.status == errc::closed);
    THROWS(errc::closed, with.store.consume("x", ts::query::any_type()));
    THROWS(errc::closed, with.store.refresh(pair.refresh.value.reveal(), "client"));
    THROWS(errc::closed, with.store.issue_pair(with.wanted()));
    CODE_IS(errc::closed, with.store.revoke_family(pair.family, code));
    CODE_IS(errc::closed, with.store.revoke_owner("acme", {}, code));
    CODE_IS(errc::closed, with.store.rotate(pair.access.id, milliseconds(0), code));
    CODE_IS(errc::closed, CHECK(with.store.prune(noon, 1, code) == 0));
}

} // namespace

void calls_about_sessions() {
    policies();
    tickets();
    pairs();
    pairs_of_own_values();
    ends();
    rotation();
    names_of_events();
    closed();
}
