// Every call of tokenstore.hpp, in both its forms: what it answers when all is well and when it is refused. Here are
// those about stores, clocks and values; calls_tokens.cpp has those about types and tokens, calls_sessions.cpp those
// about tickets, pairs and rotation. Argument: a scratch folder. Prints the number of checks.
#include <cstring>
#include <new>
#include <ostream>
#include <unordered_set>

#include "calls.hpp"

namespace ts = tokenstore;
using std::chrono::milliseconds;
using ts::errc;

// What must not be possible, and what may not throw.
static_assert(!std::is_copy_constructible_v<ts::store> && !std::is_copy_assignable_v<ts::store>);
static_assert(!std::is_copy_constructible_v<ts::manual_clock> && !std::is_copy_assignable_v<ts::manual_clock>);
static_assert(!std::is_copy_constructible_v<ts::token_list> && !std::is_copy_assignable_v<ts::token_list>);
static_assert(!std::is_copy_constructible_v<ts::secret_value> && !std::is_copy_assignable_v<ts::secret_value>);
static_assert(!std::is_copy_constructible_v<ts::created> && !std::is_copy_constructible_v<ts::creation>);
static_assert(!std::is_copy_constructible_v<ts::token_pair> && !std::is_copy_constructible_v<ts::refreshed>);
static_assert(std::is_nothrow_move_constructible_v<ts::refreshed> && std::is_nothrow_move_assignable_v<ts::refreshed>);
static_assert(!std::is_convertible_v<ts::refreshed, bool> && !std::is_convertible_v<ts::consumed, bool>);
static_assert(std::is_nothrow_move_constructible_v<ts::store> && std::is_nothrow_move_assignable_v<ts::store>);
static_assert(std::is_nothrow_move_constructible_v<ts::created> && std::is_nothrow_move_assignable_v<ts::created>);
static_assert(!std::is_default_constructible_v<ts::query> && !std::is_default_constructible_v<ts::store>);
static_assert(!std::is_convertible_v<ts::verdict, bool> && std::is_constructible_v<bool, ts::verdict>);
static_assert(!std::is_convertible_v<ts::secret_value, std::string_view>);
static_assert(std::is_error_code_enum_v<errc> && std::is_base_of_v<std::system_error, ts::error>);
static_assert(std::is_trivially_copyable_v<ts::verdict> && std::is_nothrow_copy_constructible_v<ts::query>);

template <class Shown, class = void> constexpr bool is_streamable = false;
template <class Shown>
constexpr bool
    is_streamable<Shown, std::void_t<decltype(std::declval<std::ostream &>() << std::declval<const Shown &>())>> = true;
static_assert(is_streamable<int> && !is_streamable<ts::secret_value> && !is_streamable<ts::created>);
static_assert(!is_streamable<ts::token_pair> && !is_streamable<ts::refreshed>);

template <class Value, class = void> constexpr bool is_revealed = false;
template <class Value> constexpr bool is_revealed<Value, std::void_t<decltype(std::declval<Value>().reveal())>> = true;
static_assert(is_revealed<const ts::secret_value &> && !is_revealed<ts::secret_value>, "a view of what is gone");

using store_ref = const ts::store &;
static_assert(noexcept(std::declval<store_ref>().verify("", ts::query::any_type().project("p").binding("b").header())));
static_assert(noexcept(ts::options().shared()) && noexcept(ts::query::any_type().no_wait()));
static_assert(noexcept(std::declval<store_ref>().revoke(ts::token_id(), std::declval<std::error_code &>())));

namespace {

void versions_and_errors() {
    CHECK(ts::version_number() == TOKENSTORE_VERSION_NUMBER && ts::abi() == TOKENSTORE_ABI && ts::is_compatible());
    CHECK(ts::version_text() == std::to_string(TOKENSTORE_VERSION_MAJOR) + "." +
                                    std::to_string(TOKENSTORE_VERSION_MINOR) + "." +
                                    std::to_string(TOKENSTORE_VERSION_PATCH));
    const std::error_code taken = errc::name_taken;
    CHECK(taken.category() == ts::error_category() && std::string(taken.category().name()) == "tokenstore");
    CHECK(taken.value() == TOKENSTORE_NAME_TAKEN && taken.message() == "NAME_TAKEN" &&
          ts::name(errc::stale) == "STALE");
    CHECK(!std::error_code(errc::ok) && ts::name(static_cast<errc>(9999)) == "?");
    const ts::error error(errc::io, 5, "a line of text");
    CHECK(error.code() == errc::io && error.os_error() == 5 && std::string(error.what()) == "a line of text: IO");
    CHECK(ts::name(ts::event_kind::grants_revoked) == "grants_revoked" &&
          ts::name(static_cast<ts::event_kind>(99)) == "?");
}

void ids() {
    const std::string text = "018f3a5e-7c1d-7a2b-9c3d-4e5f60718293";
    const auto id = ts::token_id::parse(text);
    CHECK(id.has_value() && id->to_string() == text && id->bytes[0] == 1 && id->bytes[15] == 0x93);
    CHECK(ts::token_id::parse("018F3A5E-7C1D-7A2B-9C3D-4E5F60718293") == id && *id != ts::token_id() &&
          ts::token_id() < *id);
    for (const char *wrong : {"", "018f3a5e7c1d7a2b9c3d4e5f60718293", "018f3a5e-7c1d-7a2b-9c3d-4e5f6071829",
                              "018f3a5e-7c1d-7a2b-9c3d-4e5f6071829g", "018f3a5e-7c1d-7a2b-9c3d04e5f60718293"}) {
        CHECK(!ts::token_id::parse(wrong).has_value());
    }
    CHECK(std::unordered_set<ts::token_id>({*id, *id, ts::token_id()}).size() == 2);
}

void clocks() {
    ts::manual_clock clock = ts::manual_clock::create(noon);
    clock.advance(milliseconds(5));
    CHECK(clock.now() == noon + milliseconds(5));
    clock.set(noon);
    CODE_IS(errc::ok, clock.advance(milliseconds(1), code));
    CODE_IS(errc::ok, clock.set(noon, code));
    CODE_IS(errc::invalid_argument, clock.advance(milliseconds(-1), code));
    THROWS(errc::invalid_argument, clock.advance(milliseconds(-1)));
    const ts::manual_clock moved = std::move(clock);
    CODE_IS(errc::ok, CHECK(moved.now(code) == noon));
    THROWS(errc::invalid_argument, clock.now());
    CODE_IS(errc::invalid_argument, ts::store::in_memory(ts::options().clock(clock), code));
    CODE_IS(errc::ok, ts::manual_clock::create(noon, code));
}

void files(const std::string &folder) {
    const std::string path = folder + "/files.store", key(32, 'k'), other(32, 'o');
    try {
        static_cast<void>(ts::store::open(path));
        CHECK(false);
    } catch (const ts::error &error) {
        CHECK(error.status() == errc::io && error.os_error() == 2 && std::strlen(error.what()) > 4);
    }
    CODE_IS(errc::io, CHECK(!ts::store::open(path, {}, code)));
    {
        const ts::store store = ts::store::create(path, ts::options().key(key));
        THROWS(errc::already_exists, ts::store::create(path));
        CODE_IS(errc::already_exists, ts::store::create(path, {}, code));
        THROWS(errc::locked, ts::store::open(path, ts::options().key(key)));
        store.declare(ts::policy("kept", "kept"));
    } // the destructor closes: the file can be opened again
    THROWS(errc::wrong_key, ts::store::open(path));
    ts::store store = ts::store::open(path, ts::options().key(key));
    CHECK(store && store.handle() != nullptr && store.find_type("kept").has_value());
    store.change_key(other);
    CODE_IS(errc::ok, store.change_key(key, code));
    THROWS(errc::invalid_argument, store.change_key("short"));
    CODE_IS(errc::invalid_argument, store.change_key("", code)); // no key by mistake
    CODE_IS(errc::ok, store.remove_key(code));
    store.remove_key();
    store.flush();
    CODE_IS(errc::ok, store.flush(code));
    store.close();
    THROWS(errc::closed, store.close());
    CODE_IS(errc::closed, store.flush(code));
    CHECK(store.verify("x", ts::query::any_type()).status() == errc::closed);
    // A file name is not cut at a NUL, and what is 0 is not taken for a default.
    THROWS(errc::invalid_argument, ts::store::open(path + std::string(1, '\0') + ".old"));
    for (const ts::options &wrong :
         {ts::options().key(""), ts::options().key(std::string_view(key).substr(1)), ts::options().max_events(0),
          ts::options().cache_bytes(0), ts::options().busy_timeout(milliseconds(0)),
          ts::options().use_resolution(milliseconds(-1)), ts::options().cache_bytes(1)}) {
        CODE_IS(errc::invalid_argument, ts::store::open(path, wrong, code));
    }
    THROWS(errc::invalid_argument, ts::store::in_memory(ts::options().key(key)));
    CODE_IS(errc::ok, ts::store::open(path,
                                      ts::options()
                                          .cache_bytes(1 << 20)
                                          .use_resolution(milliseconds(1000))
                                          .max_events(5)
                                          .busy_timeout(milliseconds(1)),
                                      code));
}

void moves() {
    ts::store first = ts::store::in_memory();
    const auto *handle = first.handle();
    ts::store second = std::move(first);
    CHECK(!first && second.handle() == handle && second.stats().tokens == 0);
    CODE_IS(errc::invalid_argument, first.stats(code));
    CHECK(first.verify("x", ts::query::any_type()).status() == errc::invalid_argument);
    CHECK(first.stats(code).sequence == 0);
    ts::created nothing;
    CODE_IS(errc::invalid_argument, nothing = first.create(ts::new_token(ts::type_id{1}, "acme"), code));
    CHECK(nothing.value.empty() && nothing.id == ts::token_id());
    CODE_IS(errc::invalid_argument, CHECK(!first.list({}, code).next(code).has_value()));
    CODE_IS(errc::ok, first.close(code)); // nothing to close
    ts::store third = ts::store::in_memory();
    third = std::move(second); // closes what it had
    CHECK(third.handle() == handle && !second);
    ts::store &same = third;
    third = std::move(same);
    CHECK(third.stats().tokens == 0);

    const ts::type_id type = third.declare(ts::policy("server", "srv"));
    for (int n = 0; n < 3; ++n) {
        static_cast<void>(third.create(ts::new_token(type, "acme")));
    }
    ts::token_list list = third.list();
    CHECK(list.next().has_value());
    ts::token_list rest = std::move(list);
    CHECK(rest.next().has_value() && rest.next().has_value() && !rest.next().has_value() && !rest.next().has_value());
    CODE_IS(errc::invalid_argument, list.next(code));
}

/// The bytes of an object, as they lie there.
std::string bytes_of(const void *memory, std::size_t count) {
    const auto *bytes = static_cast<const volatile char *>(memory);
    std::string copy;
    for (std::size_t n = 0; n < count; ++n) {
        copy += bytes[n];
    }
    return copy;
}

void values_are_wiped() {
    const ts::store store = ts::store::in_memory();
    const ts::type_id type = store.declare(ts::policy("server", "srv"));
    ts::secret_value value = store.create(ts::new_token(type, "acme")).value;
    const std::string text(value.reveal());
    CHECK(text.size() == 40 && text.rfind("srv_", 0) == 0 && !value.empty());
    alignas(ts::secret_value) static unsigned char place[sizeof(ts::secret_value)];
    auto *placed = new (place) ts::secret_value(std::move(value));
    CHECK(placed->reveal() == text && value.empty() && value.reveal().empty());
    CHECK(bytes_of(&value, sizeof value).find(text.substr(4, 8)) == std::string::npos);
    CHECK(bytes_of(place, sizeof place).find(text.substr(4, 8)) != std::string::npos);
    placed->~secret_value();
    CHECK(bytes_of(place, sizeof place).find(text.substr(4, 8)) == std::string::npos);

    ts::secret_value one = store.create(ts::new_token(type, "acme")).value;
    ts::secret_value two = store.create(ts::new_token(type, "acme")).value;
    const std::string kept(two.reveal());
    one = std::move(two);
    CHECK(one.reveal() == kept && two.empty());
    ts::secret_value &same = one;
    one = std::move(same);
    CHECK(one.reveal() == kept);
    one.wipe();
    CHECK(one.empty() && bytes_of(&one, sizeof one).find(kept.substr(4, 8)) == std::string::npos);
    std::string copy = kept;
    ts::wipe(copy.data(), copy.size());
    CHECK(copy == std::string(kept.size(), '\0'));
}

} // namespace

int main(int argc, char **argv) {
    if (argc != 2) {
        return 2;
    }
    versions_and_errors();
    ids();
    clocks();
    files(argv[1]);
    moves();
    values_are_wiped();
    calls_about_tokens();
    calls_about_sessions();
    std::printf("C++ calls: %d checks passed\n", checks.load());
    return 0;
}
