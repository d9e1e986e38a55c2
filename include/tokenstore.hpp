/* tokenstore for C++17: one header above tokenstore.h, which it includes and adds nothing to that takes time.
 *
 * Bytes and text go in as std::string_view, NULs and all; nothing keeps a view after the call, but the builders (query,
 * new_token, new_pair, pair_values, edit, filter, policy, options, target, note) hold the views that they were given,
 * and not what is viewed: that must live until the call for which they were built. What comes out owns its strings.
 *
 * Every call has two forms, as those of std::filesystem have. The first throws tokenstore::error. The second takes a
 * std::error_code as its last parameter, sets it to what went wrong or to errc::ok, and answers an empty result if it
 * failed; it is noexcept where nothing is allocated. Without exceptions (-fno-exceptions) the second form alone is
 * there. store::verify has one form, never throws, and says everything in its verdict. A value that store::consume or
 * store::refresh refuses is no failure: what they answer says so, and cannot be ignored.
 *
 * One object may be used by several threads at once through const member functions, but for being closed, moved or
 * destroyed. A token_list belongs to one thread at a time.
 */

#ifndef TOKENSTORE_HPP
#define TOKENSTORE_HPP

#if !defined(__cplusplus) || __cplusplus < 201703L
#error "tokenstore.hpp needs C++17 or later"
#endif

#include "tokenstore.h"

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <type_traits>
#include <utility>
#include <vector>

#if defined(__cpp_exceptions)
#define TOKENSTORE_THROWING_FORM(...) __VA_ARGS__
#else
#define TOKENSTORE_THROWING_FORM(...)
#endif

namespace tokenstore {

// ---------------------------------------------------------------------------------------------------------- Errors

/// What a call answers, under the names of the C header: 0 is success, 1 to 99 are answers that a caller expects, from
/// 100 on it is trouble. Converts to std::error_code.
enum class errc : tokenstore_status {
    ok = TOKENSTORE_OK,
    malformed = TOKENSTORE_MALFORMED,
    unknown = TOKENSTORE_UNKNOWN,
    revoked = TOKENSTORE_REVOKED,
    superseded = TOKENSTORE_SUPERSEDED,
    used = TOKENSTORE_USED,
    expired = TOKENSTORE_EXPIRED,
    disabled = TOKENSTORE_DISABLED,
    wrong_type = TOKENSTORE_WRONG_TYPE,
    wrong_binding = TOKENSTORE_WRONG_BINDING,
    no_grant = TOKENSTORE_NO_GRANT,
    must_refresh = TOKENSTORE_MUST_REFRESH,
    must_consume = TOKENSTORE_MUST_CONSUME,
    some_refused = TOKENSTORE_SOME_REFUSED,
    stale = TOKENSTORE_STALE,
    reused = TOKENSTORE_REUSED,
    not_counted = TOKENSTORE_NOT_COUNTED,
    not_found = TOKENSTORE_NOT_FOUND,
    name_taken = TOKENSTORE_NAME_TAKEN,
    value_exists = TOKENSTORE_VALUE_EXISTS,
    type_conflict = TOKENSTORE_TYPE_CONFLICT,
    revision_conflict = TOKENSTORE_REVISION_CONFLICT,
    grant_is_all = TOKENSTORE_GRANT_IS_ALL,
    limit_reached = TOKENSTORE_LIMIT_REACHED,
    end = TOKENSTORE_END,
    invalid_argument = TOKENSTORE_INVALID_ARGUMENT,
    buffer_too_small = TOKENSTORE_BUFFER_TOO_SMALL,
    already_exists = TOKENSTORE_ALREADY_EXISTS,
    io = TOKENSTORE_IO,
    corrupt = TOKENSTORE_CORRUPT,
    rolled_back = TOKENSTORE_ROLLED_BACK,
    wrong_key = TOKENSTORE_WRONG_KEY,
    unsupported = TOKENSTORE_UNSUPPORTED,
    locked = TOKENSTORE_LOCKED,
    busy = TOKENSTORE_BUSY,
    closed = TOKENSTORE_CLOSED,
    forked = TOKENSTORE_FORKED,
    commit_unknown = TOKENSTORE_COMMIT_UNKNOWN,
    poisoned = TOKENSTORE_POISONED,
    panic = TOKENSTORE_PANIC
};

/// The name of a status, such as "NAME_TAKEN"; "?" for a number that is none. The text stays.
[[nodiscard]] inline std::string_view name(errc status) noexcept {
    return tokenstore_status_name(static_cast<tokenstore_status>(status));
}

namespace detail {

class category final : public std::error_category {
public:
    const char *name() const noexcept override { return "tokenstore"; }
    std::string message(int status) const override { return tokenstore_status_name(status); }
};

} // namespace detail

/// The category of this library's error codes, named "tokenstore"; messages are the names of the statuses.
[[nodiscard]] inline const std::error_category &error_category() noexcept {
    static const detail::category category;
    return category;
}

/// The error code of a status.
[[nodiscard]] inline std::error_code make_error_code(errc status) noexcept {
    return {static_cast<int>(status), error_category()};
}

} // namespace tokenstore

template <> struct std::is_error_code_enum<tokenstore::errc> : std::true_type {};

namespace tokenstore {

/// What a throwing call throws: code() is the status, what() the library's line of text and the status's name. It never
/// holds a token's value or a key.
class error : public std::system_error {
public:
    /// An error with its status, what the operating system said (or 0), and a line of text.
    error(errc status, int os_error, const char *text)
        : std::system_error(make_error_code(status), text), os_error_(os_error) {}

    /// The status.
    [[nodiscard]] errc status() const noexcept { return static_cast<errc>(code().value()); }

    /// The operating system's error number, or 0.
    [[nodiscard]] int os_error() const noexcept { return os_error_; }

private:
    int os_error_;
};

namespace detail {

using handle = ::tokenstore_store;

/// What became of one call.
class outcome {
public:
    outcome() noexcept {
        raw_.status = TOKENSTORE_OK;
        raw_.os_error = 0;
        raw_.message[0] = 0;
    }

    /// Where a call lays its error.
    tokenstore_error *out() noexcept { return &raw_; }

    /// Notes what a call returned; whether that is success.
    bool is_ok(tokenstore_status status) noexcept {
        raw_.status = status;
        return status == TOKENSTORE_OK;
    }

    /// The same for a call that has one more answer that is no failure.
    bool is_ok(tokenstore_status status, tokenstore_status expected) noexcept {
        raw_.status = status == expected ? TOKENSTORE_OK : status;
        return status == TOKENSTORE_OK;
    }

    /// The same for a call that judges a value: a refusal is no failure.
    bool is_judged(tokenstore_status status) noexcept {
        return is_ok(status, status > TOKENSTORE_OK && status < TOKENSTORE_NOT_FOUND ? status : TOKENSTORE_OK);
    }

    /// Whether a builder can be used. One that was given what the C structs cannot say is refused here, lest it be
    /// taken for one that was given nothing.
    bool accepts(const char *mistake) noexcept {
        mistake_ = mistake;
        return mistake == nullptr || is_ok(TOKENSTORE_INVALID_ARGUMENT);
    }

    bool refuse(errc status, const char *text) noexcept {
        mistake_ = text;
        return is_ok(static_cast<tokenstore_status>(status));
    }

    errc status() const noexcept { return static_cast<errc>(raw_.status); }
    int os_error() const noexcept { return raw_.os_error; }
    const char *text() const noexcept {
        return mistake_ != nullptr ? mistake_ : reinterpret_cast<const char *>(raw_.message);
    }

private:
    tokenstore_error raw_;
    const char *mistake_ = nullptr;
};

/// Runs the form of a call that sets a code.
template <class Run> auto or_code(std::error_code &code, Run run) noexcept(noexcept(run(std::declval<outcome &>()))) {
    outcome came;
    if constexpr (std::is_void_v<decltype(run(came))>) {
        run(came);
        code = make_error_code(came.status());
    } else {
        auto result = run(came);
        code = make_error_code(came.status());
        return result;
    }
}

#if defined(__cpp_exceptions)
inline void raise(const outcome &came) {
    if (came.status() != errc::ok) {
        throw error(came.status(), came.os_error(), came.text());
    }
}

/// Runs the form of a call that throws.
template <class Run> auto or_throw(Run run) {
    outcome came;
    if constexpr (std::is_void_v<decltype(run(came))>) {
        run(came);
        raise(came);
    } else {
        auto result = run(came);
        raise(came);
        return result;
    }
}
#endif

inline const std::uint8_t *data(std::string_view view) noexcept {
    return reinterpret_cast<const std::uint8_t *>(view.data());
}

inline tokenstore_bytes bytes(std::string_view view) noexcept { return {data(view), view.size()}; }

/// Projects as C takes them: views of what the caller has.
class project_views {
public:
    template <class Range> void set(const Range &projects) {
        views_.clear();
        for (const auto &project : projects) {
            views_.push_back(bytes(std::string_view(project)));
        }
    }
    void clear() noexcept { views_.clear(); }
    template <class Raw> Raw laid_into(Raw raw) const noexcept {
        raw.projects = views_.data();
        raw.project_count = views_.size();
        return raw;
    }

private:
    std::vector<tokenstore_bytes> views_;
};

inline std::string string(const tokenstore_bytes &bytes) {
    return bytes.len == 0 ? std::string() : std::string(reinterpret_cast<const char *>(bytes.data), bytes.len);
}

/// A C struct of zeros that knows its size.
template <class Raw> Raw sized() noexcept {
    Raw raw{};
    raw.struct_size = sizeof raw;
    return raw;
}

/// Bytes that hold values, wiped at their end.
class wiped_bytes {
public:
    explicit wiped_bytes(std::size_t count) : bytes_(count) {}
    wiped_bytes(const wiped_bytes &) = delete;
    wiped_bytes &operator=(const wiped_bytes &) = delete;
    ~wiped_bytes() { tokenstore_memzero(bytes_.data(), bytes_.size()); }
    std::uint8_t *data() noexcept { return bytes_.data(); }

private:
    std::vector<std::uint8_t> bytes_;
};

/// Reads a struct whose strings are laid into a buffer, with a larger one if need be.
template <class Raw, class Call, class Take> tokenstore_status read(Call call, Take take) {
    std::array<std::uint8_t, 2048> small;
    std::vector<std::uint8_t> large;
    std::uint8_t *buffer = small.data();
    std::size_t capacity = small.size();
    std::size_t needed = 0;
    Raw raw = sized<Raw>();
    tokenstore_status status = call(&raw, buffer, capacity, &needed);
    while (status == TOKENSTORE_BUFFER_TOO_SMALL && needed > capacity) {
        large.resize(needed);
        buffer = large.data();
        capacity = large.size();
        status = call(&raw, buffer, capacity, &needed);
    }
    if (status == TOKENSTORE_OK) {
        take(raw);
    }
    return status;
}

} // namespace detail

// ---------------------------------------------------------------------------------------------------- Small things

/// A length of time, in milliseconds.
using milliseconds = std::chrono::milliseconds;

/// A moment, in milliseconds since the Unix epoch. "Never" is no moment: it is std::nullopt where a time is read, and
/// has a function of its own where one is given.
using time_point = std::chrono::time_point<std::chrono::system_clock, milliseconds>;

/// The number of a declared type, from 1 on, which stays for the life of the file.
enum class type_id : std::uint32_t {};

/// Where a verdict's owner is to be found, for store::owner.
enum class owner_ref : std::uint64_t {};

namespace detail {

inline time_point moment(std::int64_t ms) noexcept { return time_point(milliseconds(ms)); }

inline std::optional<time_point> moment_or_never(std::int64_t ms) noexcept {
    return ms == TOKENSTORE_NEVER ? std::nullopt : std::optional<time_point>(moment(ms));
}

/// An expiry for C, which refuses times so late. What overflowed must not come out as "never".
inline std::int64_t expiry(time_point at) noexcept {
    const std::int64_t ms = at.time_since_epoch().count();
    return ms == TOKENSTORE_NEVER ? ms - 1 : ms;
}

} // namespace detail

/// The id of a token or of a family: 16 bytes, ordered as they were made.
struct token_id {
    /// The bytes.
    std::array<std::uint8_t, 16> bytes{};

    /// The id as a UUID, such as "018f3a5e-7c1d-7a2b-9c3d-4e5f60718293".
    [[nodiscard]] std::string to_string() const {
        constexpr char digits[] = "0123456789abcdef";
        std::string text;
        for (std::size_t n = 0; n < bytes.size(); ++n) {
            if (n == 4 || n == 6 || n == 8 || n == 10) {
                text += '-';
            }
            text += digits[bytes[n] >> 4];
            text += digits[bytes[n] & 15];
        }
        return text;
    }

    /// The id that is written so, in small or capital letters; std::nullopt if the text is no UUID with its four lines.
    [[nodiscard]] static std::optional<token_id> parse(std::string_view uuid) noexcept {
        token_id id;
        if (uuid.size() != 36) {
            return std::nullopt;
        }
        std::size_t digits = 0;
        for (std::size_t n = 0; n < uuid.size(); ++n) {
            const char c = uuid[n];
            if (n == 8 || n == 13 || n == 18 || n == 23) {
                if (c != '-') {
                    return std::nullopt;
                }
                continue;
            }
            unsigned digit = 0;
            if (c >= '0' && c <= '9') {
                digit = static_cast<unsigned>(c - '0');
            } else if (c >= 'a' && c <= 'f') {
                digit = static_cast<unsigned>(c - 'a') + 10;
            } else if (c >= 'A' && c <= 'F') {
                digit = static_cast<unsigned>(c - 'A') + 10;
            } else {
                return std::nullopt;
            }
            std::uint8_t &byte = id.bytes[digits / 2];
            byte = static_cast<std::uint8_t>(byte << 4 | digit);
            ++digits;
        }
        return id;
    }

    /// Ids are compared byte for byte.
    friend bool operator==(const token_id &a, const token_id &b) noexcept { return a.bytes == b.bytes; }
    /// See operator==.
    friend bool operator!=(const token_id &a, const token_id &b) noexcept { return a.bytes != b.bytes; }
    /// A token made earlier has the smaller id.
    friend bool operator<(const token_id &a, const token_id &b) noexcept { return a.bytes < b.bytes; }
};

namespace detail {

inline token_id id_of(const std::uint8_t (&raw)[16]) noexcept {
    token_id id;
    for (std::size_t n = 0; n < 16; ++n) {
        id.bytes[n] = raw[n];
    }
    return id;
}

inline std::optional<token_id> id_if_any(const std::uint8_t (&raw)[16]) noexcept {
    const token_id id = id_of(raw);
    return id == token_id() ? std::nullopt : std::optional<token_id>(id);
}

inline void lay_id(const token_id &id, std::uint8_t (&raw)[16]) noexcept {
    for (std::size_t n = 0; n < 16; ++n) {
        raw[n] = id.bytes[n];
    }
}

} // namespace detail

/// Who acts, and why, for the events: at most 255 bytes of UTF-8 each; empty is not told.
struct note {
    /// Who.
    std::string_view by;
    /// Why.
    std::string_view reason;
};

/// The library's version as one number: major * 1000000 + minor * 1000 + patch. The header's is
/// TOKENSTORE_VERSION_NUMBER.
[[nodiscard]] inline std::uint32_t version_number() noexcept { return tokenstore_version_number(); }

/// The library's version as text, such as "0.1.0". The text stays.
[[nodiscard]] inline std::string_view version_text() noexcept { return tokenstore_version_text(); }

/// The library's ABI number.
[[nodiscard]] inline std::uint32_t abi() noexcept { return tokenstore_abi(); }

/// Whether the library that was found at run time is one that this program was built for: to be asked before all else
/// where anybody may put another library in its place.
[[nodiscard]] inline bool is_compatible() noexcept { return abi() == std::uint32_t{TOKENSTORE_ABI}; }

/// Overwrites memory of your own with zeros, which a compiler does not leave out: for copies that you made of a value.
inline void wipe(void *memory, std::size_t bytes) noexcept {
    tokenstore_memzero(static_cast<std::uint8_t *>(memory), bytes);
}

// ---------------------------------------------------------------------------------------------- Clocks and options

/// A clock that stands until it is moved: for tests. Move-only.
class manual_clock {
public:
    TOKENSTORE_THROWING_FORM(
        /// A clock that shows `now`. Throws error.
        [[nodiscard]] static manual_clock create(time_point now) {
            return detail::or_throw([&](detail::outcome &came) { return make(now, came); });
        })
    /// The same with a code.
    [[nodiscard]] static manual_clock create(time_point now, std::error_code &code) noexcept {
        return detail::or_code(code, [&](detail::outcome &came) noexcept { return make(now, came); });
    }

    manual_clock(manual_clock &&other) noexcept : clock_(std::exchange(other.clock_, nullptr)) {}
    manual_clock &operator=(manual_clock &&other) noexcept {
        std::swap(clock_, other.clock_);
        return *this;
    }
    /// Lets the clock go. Stores that use it keep it.
    ~manual_clock() { static_cast<void>(tokenstore_clock_close(clock_)); }

    TOKENSTORE_THROWING_FORM(
        /// Lets time pass; invalid_argument for less than none. Throws error.
        void advance(milliseconds by) const {
            detail::or_throw([&](detail::outcome &came) { pass(by, came); });
        })
    /// The same with a code.
    void advance(milliseconds by, std::error_code &code) const noexcept {
        detail::or_code(code, [&](detail::outcome &came) noexcept { pass(by, came); });
    }

    TOKENSTORE_THROWING_FORM(
        /// Sets the clock, forward or back, as an operator would: no time passes. Throws error.
        void set(time_point now) const {
            detail::or_throw([&](detail::outcome &came) { put(now, came); });
        })
    /// The same with a code.
    void set(time_point now, std::error_code &code) const noexcept {
        detail::or_code(code, [&](detail::outcome &came) noexcept { put(now, came); });
    }

    TOKENSTORE_THROWING_FORM(
        /// What the clock shows. Throws error.
        [[nodiscard]] time_point now() const {
            return detail::or_throw([&](detail::outcome &came) { return show(came); });
        })
    /// The same with a code.
    [[nodiscard]] time_point now(std::error_code &code) const noexcept {
        return detail::or_code(code, [&](detail::outcome &came) noexcept { return show(came); });
    }

    /// The C handle, which stays this object's; nullptr if it was moved from.
    [[nodiscard]] tokenstore_clock *handle() const noexcept { return clock_; }

private:
    manual_clock() noexcept = default;

    static manual_clock make(time_point now, detail::outcome &came) noexcept {
        manual_clock clock;
        came.is_ok(tokenstore_clock_new(now.time_since_epoch().count(), &clock.clock_, came.out()));
        return clock;
    }

    void pass(milliseconds by, detail::outcome &came) const noexcept {
        if (by < milliseconds::zero()) {
            came.refuse(errc::invalid_argument, "time does not pass backwards");
        } else {
            came.is_ok(tokenstore_clock_advance(clock_, static_cast<std::uint64_t>(by.count())));
        }
    }

    void put(time_point now, detail::outcome &came) const noexcept {
        came.is_ok(tokenstore_clock_set(clock_, now.time_since_epoch().count()));
    }

    time_point show(detail::outcome &came) const noexcept {
        std::int64_t now = 0;
        came.is_ok(tokenstore_clock_now(clock_, &now));
        return detail::moment(now);
    }

    tokenstore_clock *clock_ = nullptr;
};

/// How to make or open a store. What is not set has its default.
class options {
public:
    /// The store's key: 32 random bytes. Without one the file has no key; an empty one is invalid_argument.
    options &key(std::string_view bytes) noexcept {
        raw_.key = detail::data(bytes);
        mistake_ = bytes.size() == 32 ? mistake_ : "a key has 32 bytes";
        return *this;
    }
    /// Bytes of memory for the file's pages, from 1 MiB on; the default is 32 MiB.
    options &cache_bytes(std::uint64_t bytes) noexcept {
        raw_.cache_bytes = positive(bytes);
        return *this;
    }
    /// How precisely last uses are noted, from a second to a day; the default is a minute.
    options &use_resolution(milliseconds resolution) noexcept {
        raw_.use_resolution_ms = positive(resolution);
        return *this;
    }
    /// How many events the log keeps, at least one; the default is 65,536.
    options &max_events(std::uint64_t events) noexcept {
        raw_.max_events = positive(events);
        return *this;
    }
    /// How long a change waits for the place to write, more than none; the default is 5 seconds.
    options &busy_timeout(milliseconds timeout) noexcept {
        raw_.busy_timeout_ms = positive(timeout);
        return *this;
    }
    /// Several processes may have the store open, all of them so. Each verifies from its own memory, and what one
    /// changed, the very next verify of every other sees. A forked child goes on with an opening of its own. Types that
    /// are policy::in_memory are on the disk then, as all others. Not for file systems of a network.
    options &shared() noexcept {
        raw_.flags |= std::uint32_t{TOKENSTORE_SHARED};
        return *this;
    }
    /// A clock for tests in place of the system's. It may be destroyed while the store is open.
    options &clock(const manual_clock &clock) noexcept {
        raw_.clock = clock.handle();
        mistake_ = raw_.clock != nullptr ? mistake_ : "a clock was moved from";
        return *this;
    }

private:
    friend class store;

    std::uint64_t positive(std::uint64_t number) noexcept {
        mistake_ = number != 0 ? mistake_ : "an option is 0, which would be its default";
        return number;
    }
    std::uint64_t positive(milliseconds time) noexcept {
        return positive(time.count() > 0 ? static_cast<std::uint64_t>(time.count()) : 0);
    }

    tokenstore_options raw_ = detail::sized<tokenstore_options>();
    const char *mistake_ = nullptr;
};

// ------------------------------------------------------------------------------------------------------------ Types

/// What becomes of the access token before a refresh.
enum class old_access : std::uint32_t {
    /// It ends now.
    ends_now = TOKENSTORE_ACCESS_ENDS_NOW,
    /// It works for the grace more, if its own life lasts so long.
    ends_with_grace = TOKENSTORE_ACCESS_ENDS_WITH_GRACE,
    /// It is left alone.
    lives_on = TOKENSTORE_ACCESS_LIVES_ON
};

/// What holds for every family of a type of refresh values, for policy::families.
class family_policy {
public:
    /// How long access values, refresh values and families live, each more than nothing. No member lives longer than
    /// its family.
    family_policy(milliseconds access, milliseconds refresh, milliseconds family) noexcept
        : access_(access), refresh_(refresh), family_(family) {}
    /// How long the refresh value before the last refresh gets the same pair again, for whoever lost the reply: more
    /// than none, up to a day; the default is 30 seconds.
    family_policy &grace(milliseconds grace) noexcept {
        mistake_ = grace > milliseconds::zero() ? mistake_ : "a grace is longer than nothing";
        grace_ms_ = static_cast<std::uint64_t>(grace.count());
        return *this;
    }
    /// A used refresh value is never answered again.
    family_policy &no_grace() noexcept {
        grace_ms_ = TOKENSTORE_NO_GRACE;
        return *this;
    }
    /// What becomes of the access token before a refresh; it ends now, unless told otherwise.
    family_policy &old_access(tokenstore::old_access fate) noexcept {
        old_access_ = fate;
        return *this;
    }

private:
    friend class policy;

    milliseconds access_, refresh_, family_;
    std::uint64_t grace_ms_ = 0;
    tokenstore::old_access old_access_ = tokenstore::old_access::ends_now;
    const char *mistake_ = nullptr;
};

/// What holds for every token of a type, to be declared.
class policy {
public:
    /// A policy with all defaults. The name has 1 to 255 bytes of UTF-8 without control characters; the prefix, which
    /// values begin with, 1 to 16 of a-z, 0-9 and _.
    policy(std::string_view name, std::string_view prefix) noexcept {
        raw_.name = detail::bytes(name);
        raw_.prefix = detail::bytes(prefix);
    }
    /// How long a token lives whose creation does not say, more than none; the default is for ever.
    policy &default_lifetime(milliseconds lifetime) noexcept {
        raw_.default_lifetime_ms = positive(lifetime);
        return *this;
    }
    /// The longest life of a token, edits included, more than none; the default is no limit. It needs a default
    /// lifetime no longer than itself.
    policy &max_lifetime(milliseconds lifetime) noexcept {
        raw_.max_lifetime_ms = positive(lifetime);
        return *this;
    }
    /// Names need not be unique among an owner's live tokens.
    policy &shared_names() noexcept { return flag(TOKENSTORE_TYPE_SHARED_NAMES); }
    /// Only a query that names the type accepts its tokens.
    policy &by_name_only() noexcept { return flag(TOKENSTORE_TYPE_BY_NAME_ONLY); }
    /// Tokens may be made from values of the caller's own.
    policy &accepts_external() noexcept { return flag(TOKENSTORE_TYPE_EXTERNAL); }
    /// How often a token can be consumed, from 1 on. A type with a use count never verifies with errc::ok.
    policy &uses(std::uint32_t count) noexcept {
        raw_.uses = count;
        mistake_ = count != 0 ? mistake_ : "a use count is 1 or more";
        return *this;
    }
    /// Its tokens live in memory alone: tickets of some seconds. They have a use count and a default lifetime, no name
    /// and no parent, are in no list and no event, and are unknown after a close or a crash. In a store that is
    /// options::shared they are on the disk, listed and logged as all others, and taken out some minutes after their end.
    policy &in_memory() noexcept { return flag(TOKENSTORE_TYPE_VOLATILE); }
    /// It is a type of refresh values: its tokens are made by store::issue_pair and store::refresh alone.
    policy &families(const family_policy &families) noexcept {
        raw_.access_lifetime_ms = positive(families.access_);
        raw_.refresh_lifetime_ms = positive(families.refresh_);
        raw_.family_lifetime_ms = positive(families.family_);
        raw_.grace_ms = families.grace_ms_;
        raw_.old_access = static_cast<std::uint32_t>(families.old_access_);
        mistake_ = families.mistake_ != nullptr ? families.mistake_ : mistake_;
        return flag(TOKENSTORE_TYPE_FAMILIES);
    }

private:
    friend class store;

    policy &flag(std::uint32_t flag) noexcept {
        raw_.flags |= flag;
        return *this;
    }
    std::uint64_t positive(milliseconds lifetime) noexcept {
        mistake_ = lifetime > milliseconds::zero() ? mistake_ : "a lifetime is longer than nothing";
        return lifetime > milliseconds::zero() ? static_cast<std::uint64_t>(lifetime.count()) : 0;
    }

    tokenstore_policy raw_ = detail::sized<tokenstore_policy>();
    const char *mistake_ = nullptr;
};

/// What holds for every family of a declared type.
struct declared_families {
    /// How long access values live.
    milliseconds access_lifetime{};
    /// How long refresh values live.
    milliseconds refresh_lifetime{};
    /// How long families live.
    milliseconds family_lifetime{};
    /// How long the refresh value before the last refresh gets the same pair again; std::nullopt is not at all.
    std::optional<milliseconds> grace;
    /// What becomes of the access token before a refresh.
    tokenstore::old_access old_access = tokenstore::old_access::ends_now;
};

/// A declared type.
struct declared_type {
    /// Its number.
    type_id number{};
    /// Its name.
    std::string name;
    /// What its values begin with, before an underscore.
    std::string prefix;
    /// How long a token lives whose creation does not say; std::nullopt is for ever.
    std::optional<milliseconds> default_lifetime;
    /// The longest life of a token; std::nullopt is no limit.
    std::optional<milliseconds> max_lifetime;
    /// Whether names are unique among an owner's live tokens.
    bool unique_names = true;
    /// Whether only a query that names the type accepts its tokens.
    bool by_name_only = false;
    /// Whether tokens may be made from values of the caller's own.
    bool accepts_external = false;
    /// How often a token can be consumed; std::nullopt is a type that is verified and not consumed.
    std::optional<std::uint32_t> uses;
    /// Whether its tokens live in memory alone.
    bool in_memory = false;
    /// What holds for its families, if it is a type of refresh values.
    std::optional<declared_families> families;
};

// ----------------------------------------------------------------------------------------------------------- Making

/// A token to be made.
class new_token {
public:
    /// A token of a type for an owner of 1 to 255 bytes, that reaches no project and lives as long as its type says.
    new_token(type_id type, std::string_view owner) noexcept {
        raw_.type = static_cast<std::uint32_t>(type);
        raw_.owner = detail::bytes(owner);
    }
    /// Its name, 1 to 255 bytes of UTF-8 without control characters; an empty one is invalid_argument.
    new_token &name(std::string_view name) noexcept {
        raw_.name = given(name, "a name is empty");
        return *this;
    }
    /// When it expires, up to the year 9999.
    new_token &expires_at(time_point at) noexcept { return expiry(TOKENSTORE_EXPIRES_AT, detail::expiry(at)); }
    /// How long it lives from now on.
    new_token &expires_in(milliseconds lifetime) noexcept { return expiry(TOKENSTORE_EXPIRES_IN, lifetime.count()); }
    /// It never expires, whatever its type's default is.
    new_token &never_expires() noexcept { return expiry(TOKENSTORE_EXPIRES_AT, TOKENSTORE_NEVER); }
    /// The projects it reaches, each 1 to 64 bytes, at most 1,000: any range of strings or string views.
    template <class Range> new_token &projects(const Range &projects) {
        projects_.set(projects);
        raw_.flags &= ~std::uint32_t{TOKENSTORE_ALL_PROJECTS};
        return *this;
    }
    /// See the other one.
    new_token &projects(std::initializer_list<std::string_view> list) {
        return projects<std::initializer_list<std::string_view>>(list);
    }
    /// It reaches all projects, those to come included.
    new_token &all_projects() noexcept {
        projects_.clear();
        raw_.flags |= std::uint32_t{TOKENSTORE_ALL_PROJECTS};
        return *this;
    }
    /// What a presenter must also show, 1 to 255 bytes; an empty one is invalid_argument.
    new_token &binding(std::string_view binding) noexcept {
        raw_.binding = given(binding, "a binding is empty");
        return *this;
    }
    /// Up to 4,096 bytes of your own.
    new_token &app_data(std::string_view bytes) noexcept {
        raw_.app_data = detail::bytes(bytes);
        return *this;
    }
    /// A number of your own, handed back by every verify.
    new_token &app_word(std::uint64_t word) noexcept {
        raw_.app_word = word;
        return *this;
    }
    /// The token it hangs on: it expires no later, and dies when that one is revoked or deleted. A chain of tokens is
    /// at most four below its first, or errc::limit_reached. The id of zeros is invalid_argument.
    new_token &parent(token_id parent) noexcept {
        detail::lay_id(parent, raw_.parent);
        mistake_ = parent != token_id() ? mistake_ : "a parent's id is zeros";
        return *this;
    }
    /// Who makes it, for the events: at most 255 bytes of UTF-8.
    new_token &by(std::string_view actor) noexcept {
        raw_.by = detail::bytes(actor);
        return *this;
    }

private:
    friend class store;

    tokenstore_bytes given(std::string_view view, const char *mistake) noexcept {
        mistake_ = view.empty() ? mistake : mistake_;
        return detail::bytes(view);
    }
    new_token &expiry(std::uint32_t flag, std::int64_t ms) noexcept {
        raw_.flags &= ~std::uint32_t{TOKENSTORE_EXPIRES_AT | TOKENSTORE_EXPIRES_IN};
        raw_.flags |= flag;
        raw_.expires_ms = ms;
        return *this;
    }
    tokenstore_new_token raw() const noexcept { return projects_.laid_into(raw_); }

    tokenstore_new_token raw_ = detail::sized<tokenstore_new_token>();
    detail::project_views projects_;
    const char *mistake_ = nullptr;
};

/// A value that was made: what a client presents. It is shown by reveal() alone, cannot be copied or printed, and is
/// wiped when it is destroyed or moved from.
class secret_value {
public:
    secret_value() noexcept = default;
    secret_value(secret_value &&other) noexcept { take(other); }
    secret_value &operator=(secret_value &&other) noexcept {
        if (this != &other) {
            take(other);
        }
        return *this;
    }
    ~secret_value() { wipe(); }

    /// The value's bytes, without a NUL behind them; empty if there is none. They live as long as this object. A value
    /// that the library made is ASCII.
    [[nodiscard]] std::string_view reveal() const & noexcept {
        return {reinterpret_cast<const char *>(is_long() ? long_.data() : short_.data()), length_};
    }
    /// A view of what is gone at the end of the line.
    std::string_view reveal() const && = delete;

    /// Whether there is no value: it was moved from, wiped, or is not known to the store.
    [[nodiscard]] bool empty() const noexcept { return length_ == 0; }

    /// Overwrites the value now.
    void wipe() noexcept {
        tokenstore_memzero(short_.data(), short_.size());
        tokenstore_memzero(long_.data(), long_.size());
        length_ = 0;
    }

private:
    friend class store;

    void take(secret_value &other) noexcept {
        wipe();
        short_ = other.short_;
        long_.swap(other.long_);
        length_ = other.length_;
        other.wipe();
    }

    bool is_long() const noexcept { return length_ > short_.size(); }

    /// After this a value of so many bytes is put without getting memory.
    void make_room(std::size_t length) {
        if (length > short_.size()) {
            long_.resize(length);
        }
    }

    void put(const std::uint8_t *bytes, std::size_t length) {
        make_room(length);
        std::uint8_t *place = length > short_.size() ? long_.data() : short_.data();
        for (std::size_t n = 0; n < length; ++n) {
            place[n] = bytes[n];
        }
        length_ = length;
    }

    /// A value that the library made lies here.
    std::array<std::uint8_t, TOKENSTORE_VALUE_BYTES> short_{};
    /// A longer one, which is a value of the caller's own, lies here.
    std::vector<std::uint8_t> long_;
    std::size_t length_ = 0;
};

/// A token that was made, or found.
struct created {
    /// Its id.
    token_id id;
    /// Its revision; 0 if it was there.
    std::uint64_t revision = 0;
    /// Whether it was there already: of create_if_absent alone.
    bool existed = false;
    /// Its value, to be handed on once; empty if it was there, and for a value made elsewhere.
    secret_value value;
};

/// What became of one token of create_many.
struct creation {
    /// errc::ok if it was made, otherwise why not.
    errc status = errc::some_refused;
    /// The token, if it was made.
    created token;

    /// Whether it was made.
    explicit operator bool() const noexcept { return status == errc::ok; }
};

// ----------------------------------------------------------------------------------------------------------- Pairs

/// A family to be made, with its first pair: an access value, which verifies, and a refresh value, which gets the next
/// pair.
class new_pair {
public:
    /// A family for an owner of 1 to 255 bytes. The type of refresh values is one with policy::families. The binding, 1
    /// to 255 bytes, is what whoever refreshes must show: the client's id, in the form that you always use.
    new_pair(type_id access, type_id refresh, std::string_view owner, std::string_view binding) noexcept {
        raw_.access_type = static_cast<std::uint32_t>(access);
        raw_.refresh_type = static_cast<std::uint32_t>(refresh);
        raw_.owner = detail::bytes(owner);
        raw_.binding = detail::bytes(binding);
    }
    /// A name for people, 1 to 255 bytes of UTF-8 without control characters, which need not be unique; an empty one is
    /// invalid_argument.
    new_pair &name(std::string_view name) noexcept {
        mistake_ = name.empty() ? "a name is empty" : mistake_;
        raw_.name = detail::bytes(name);
        return *this;
    }
    /// The projects that access values reach, each 1 to 64 bytes, at most 1,000: any range of strings or string views.
    template <class Range> new_pair &projects(const Range &projects) {
        projects_.set(projects);
        raw_.flags &= ~std::uint32_t{TOKENSTORE_ALL_PROJECTS};
        return *this;
    }
    /// See the other one.
    new_pair &projects(std::initializer_list<std::string_view> list) {
        return projects<std::initializer_list<std::string_view>>(list);
    }
    /// Access values reach all projects, those to come included.
    new_pair &all_projects() noexcept {
        projects_.clear();
        raw_.flags |= std::uint32_t{TOKENSTORE_ALL_PROJECTS};
        return *this;
    }
    /// Whoever presents an access value must show the binding, too.
    new_pair &bind_access() noexcept {
        raw_.flags |= std::uint32_t{TOKENSTORE_BIND_ACCESS};
        return *this;
    }
    /// Up to 4,096 bytes of your own.
    new_pair &app_data(std::string_view bytes) noexcept {
        raw_.app_data = detail::bytes(bytes);
        return *this;
    }
    /// A number of your own, handed back by every verify.
    new_pair &app_word(std::uint64_t word) noexcept {
        raw_.app_word = word;
        return *this;
    }
    /// Who makes it, for the events: at most 255 bytes of UTF-8.
    new_pair &by(std::string_view actor) noexcept {
        raw_.by = detail::bytes(actor);
        return *this;
    }

private:
    friend class store;

    tokenstore_new_pair raw() const noexcept { return projects_.laid_into(raw_); }

    tokenstore_new_pair raw_ = detail::sized<tokenstore_new_pair>();
    detail::project_views projects_;
    const char *mistake_ = nullptr;
};

/// Values of your own for a pair, such as a JWT: 16 to 8,192 bytes each, of types with policy::accepts_external. What
/// is not given is made; an empty value is invalid_argument.
class pair_values {
public:
    /// The access value.
    pair_values &access(std::string_view value) noexcept {
        raw_.access = given(value);
        return *this;
    }
    /// The refresh value.
    pair_values &refresh(std::string_view value) noexcept {
        raw_.refresh = given(value);
        return *this;
    }

private:
    friend class store;

    tokenstore_bytes given(std::string_view value) noexcept {
        mistake_ = value.empty() ? "a value is empty" : mistake_;
        return detail::bytes(value);
    }

    tokenstore_pair_values raw_ = detail::sized<tokenstore_pair_values>();
    const char *mistake_ = nullptr;
};

/// One value of a pair.
struct pair_member {
    /// Its token.
    token_id id;
    /// The value, to be handed on.
    secret_value value;
    /// When it expires.
    time_point expires;
};

/// How a pair came to be handed out.
enum class pair_outcome : std::uint32_t {
    /// It is a family's first.
    issued = TOKENSTORE_ISSUED,
    /// It is the next of its family.
    rotated = TOKENSTORE_ROTATED,
    /// The refresh value got it before, and gets it again, byte for byte.
    replayed = TOKENSTORE_REPLAYED
};

/// A family's pair, with its values.
struct token_pair {
    /// The family, for store::revoke_family.
    token_id family;
    /// What verifies.
    pair_member access;
    /// What gets the next pair.
    pair_member refresh;
    /// The store's number of the change that made it.
    std::uint64_t revision = 0;
    /// How it came to be handed out.
    pair_outcome outcome{};
};

/// What a refresh did. It is true only if there is a pair.
struct [[nodiscard]] refreshed {
    /// errc::ok if there is a pair; otherwise why the value is refused, or what went wrong. With errc::reused the value
    /// was used before and its grace is over, and its family is revoked now, access values included.
    errc status = errc::unknown;
    /// The pair; std::nullopt unless the status is errc::ok.
    std::optional<token_pair> pair;

    /// Whether there is a pair.
    explicit operator bool() const noexcept { return pair.has_value(); }
    /// Whether the value was good, and is used now. Of all refreshes of one value exactly one says so.
    [[nodiscard]] bool rotated() const noexcept { return is(pair_outcome::rotated); }
    /// Whether the value was used a moment ago, and the pair is the one that it got then.
    [[nodiscard]] bool replayed() const noexcept { return is(pair_outcome::replayed); }
    /// Whether there is no pair.
    [[nodiscard]] bool refused() const noexcept { return !pair.has_value(); }

private:
    bool is(pair_outcome outcome) const noexcept { return pair.has_value() && pair->outcome == outcome; }
};

// ---------------------------------------------------------------------------------------------------------- Judging

/// What a verify asks for besides the value. Make it once and use it again.
class query {
public:
    /// Accepts tokens of one type.
    [[nodiscard]] static query of_type(type_id type) noexcept {
        query made;
        made.raw_.type = static_cast<std::uint32_t>(type);
        return made;
    }
    /// Accepts tokens of any type but those that are accepted by name only.
    [[nodiscard]] static query any_type() noexcept {
        query made;
        made.raw_.flags = TOKENSTORE_ANY_TYPE;
        return made;
    }
    /// The token must reach this project of 1 to 64 bytes. An empty one is no project: trouble, and no check left out.
    query &project(std::string_view project) noexcept {
        raw_.flags |= std::uint32_t{TOKENSTORE_CHECK_PROJECT};
        raw_.project = detail::data(project);
        raw_.project_len = project.size();
        return *this;
    }
    /// The token must be bound to this binding of 1 to 255 bytes.
    query &binding(std::string_view binding) noexcept {
        raw_.flags |= std::uint32_t{TOKENSTORE_CHECK_BINDING};
        raw_.binding = detail::data(binding);
        raw_.binding_len = binding.size();
        return *this;
    }
    /// What is verified is a whole Authorization header value, bare or after Bearer or Token and spaces.
    query &header() noexcept {
        raw_.flags |= std::uint32_t{TOKENSTORE_HEADER};
        return *this;
    }
    /// Answers errc::stale instead of waiting: ask again without this. Only a verify in a store that is
    /// options::shared waits, and only the first one after another process's change, or after a fork.
    query &no_wait() noexcept {
        raw_.flags |= std::uint32_t{TOKENSTORE_NO_WAIT};
        return *this;
    }

private:
    friend class store;

    query() noexcept = default;

    tokenstore_query raw_ = detail::sized<tokenstore_query>();
};

/// The answer of a verify. It is true only if the value is accepted.
class verdict {
public:
    /// A verdict of nothing: errc::unknown.
    verdict() noexcept { raw_.status = TOKENSTORE_UNKNOWN; }

    /// Whether the value is accepted.
    [[nodiscard]] bool allowed() const noexcept { return raw_.allowed == 1; }
    /// See allowed().
    explicit operator bool() const noexcept { return allowed(); }
    /// The answer: errc::ok, why the value is refused, or trouble; with query::no_wait also errc::stale.
    [[nodiscard]] errc status() const noexcept { return static_cast<errc>(raw_.status); }
    /// The answer as an error code.
    [[nodiscard]] std::error_code code() const noexcept { return make_error_code(status()); }
    /// Whether nothing could be judged, from 100 on: a service answers 503 to it, and not 401. errc::stale is none, and
    /// no refusal either.
    [[nodiscard]] bool is_trouble() const noexcept { return raw_.status >= 100; }

    /// Whether it says who presented the value: of errc::ok, of the refusals from errc::revoked to errc::must_consume,
    /// and of errc::not_counted. What follows is zeros otherwise.
    [[nodiscard]] bool has_identity() const noexcept {
        return allowed() || (raw_.status >= TOKENSTORE_REVOKED && raw_.status <= TOKENSTORE_MUST_CONSUME) ||
               raw_.status == TOKENSTORE_NOT_COUNTED;
    }
    /// The token.
    [[nodiscard]] token_id id() const noexcept { return detail::id_of(raw_.id); }
    /// Its owner, for store::owner.
    [[nodiscard]] owner_ref owner() const noexcept { return static_cast<owner_ref>(raw_.owner); }
    /// Its type.
    [[nodiscard]] type_id type() const noexcept { return static_cast<type_id>(raw_.type); }
    /// Your number.
    [[nodiscard]] std::uint64_t app_word() const noexcept { return raw_.app_word; }
    /// When it expires; std::nullopt is never. Without an identity it is the epoch.
    [[nodiscard]] std::optional<time_point> expires() const noexcept {
        return detail::moment_or_never(raw_.expires_ms);
    }
    /// The store's number of the token's last change.
    [[nodiscard]] std::uint64_t revision() const noexcept { return raw_.revision; }
    /// Whether it reaches no project at all.
    [[nodiscard]] bool no_projects() const noexcept { return has(TOKENSTORE_HAS_NO_PROJECTS); }
    /// Whether it reaches all projects, those to come included.
    [[nodiscard]] bool all_projects() const noexcept { return has(TOKENSTORE_HAS_ALL_PROJECTS); }
    /// Whether the value was replaced by a newer one and still works for a while.
    [[nodiscard]] bool old_value() const noexcept { return has(TOKENSTORE_OLD_VALUE); }

private:
    friend class store;

    bool has(std::uint32_t flag) const noexcept { return (raw_.flags & flag) != 0; }

    tokenstore_verdict raw_{};
};

// An array of verdicts is one of C's.
static_assert(sizeof(verdict) == sizeof(tokenstore_verdict) && std::is_standard_layout_v<verdict>);

/// What a consume did. It is true only if a use was spent.
struct [[nodiscard]] consumed {
    /// The answer: errc::ok if a use was spent, errc::used to the losers of the last one, errc::not_counted for a token
    /// without a use count, and otherwise what a verify answers.
    tokenstore::verdict verdict;
    /// The token's app_data, if a use was spent.
    std::string app_data;
    /// How many uses are left, if one was spent.
    std::uint32_t uses_left = 0;

    /// Whether a use was spent.
    explicit operator bool() const noexcept { return verdict.allowed(); }
};

// --------------------------------------------------------------------------------------------------------- Changing

/// A token or a family to act on, with what must hold of it, and who acts why.
class target {
public:
    /// The one with this id, whatever holds of it.
    target(token_id id) noexcept { detail::lay_id(id, raw_.id); }
    /// It must have this revision; another one is errc::revision_conflict.
    target &if_revision(std::uint64_t revision) noexcept {
        raw_.flags |= std::uint32_t{TOKENSTORE_CHECK_REVISION};
        raw_.revision = revision;
        return *this;
    }
    /// It must have this owner; another one is errc::not_found.
    target &if_owner(std::string_view owner) noexcept {
        raw_.flags |= std::uint32_t{TOKENSTORE_CHECK_OWNER};
        raw_.owner = detail::bytes(owner);
        return *this;
    }
    /// Who acts, for the events: at most 255 bytes of UTF-8.
    target &by(std::string_view actor) noexcept {
        raw_.by = detail::bytes(actor);
        return *this;
    }
    /// Why, for the events, and with a revocation for the token: at most 255 bytes of UTF-8.
    target &reason(std::string_view text) noexcept {
        raw_.reason = detail::bytes(text);
        return *this;
    }

private:
    friend class store;

    tokenstore_target raw_ = detail::sized<tokenstore_target>();
};

/// Changes to a token, made in one step. What is not named stays as it is.
class edit {
public:
    /// The name, 1 to 255 bytes; an empty one is invalid_argument.
    edit &name(std::string_view name) noexcept {
        mistake_ = name.empty() ? "a name is empty" : mistake_;
        return put_name(name);
    }
    /// Takes the name away.
    edit &no_name() noexcept { return put_name({}); }
    /// When it expires, up to the year 9999.
    edit &expires_at(time_point at) noexcept { return expiry(TOKENSTORE_EDIT_EXPIRES_AT, detail::expiry(at)); }
    /// How long it lives from now on.
    edit &expires_in(milliseconds lifetime) noexcept { return expiry(TOKENSTORE_EDIT_EXPIRES_IN, lifetime.count()); }
    /// It never expires.
    edit &never_expires() noexcept { return expiry(TOKENSTORE_EDIT_EXPIRES_AT, TOKENSTORE_NEVER); }
    /// The projects that it reaches, in place of all that it did: any range of strings or string views.
    template <class Range> edit &projects(const Range &projects) {
        projects_.set(projects);
        raw_.flags = 0;
        return field(TOKENSTORE_EDIT_GRANTS);
    }
    /// See the other one; an empty list takes all projects away.
    edit &projects(std::initializer_list<std::string_view> list) {
        return projects<std::initializer_list<std::string_view>>(list);
    }
    /// It reaches all projects, those to come included.
    edit &all_projects() noexcept {
        projects_.clear();
        raw_.flags = TOKENSTORE_ALL_PROJECTS;
        return field(TOKENSTORE_EDIT_GRANTS);
    }
    /// Your bytes, up to 4,096; empty takes them away.
    edit &app_data(std::string_view bytes) noexcept {
        raw_.app_data = detail::bytes(bytes);
        return field(TOKENSTORE_EDIT_APP_DATA);
    }
    /// Your number.
    edit &app_word(std::uint64_t word) noexcept {
        raw_.app_word = word;
        return field(TOKENSTORE_EDIT_APP_WORD);
    }

private:
    friend class store;

    edit &field(std::uint32_t field) noexcept {
        raw_.fields |= field;
        return *this;
    }
    edit &put_name(std::string_view name) noexcept {
        raw_.name = detail::bytes(name);
        return field(TOKENSTORE_EDIT_NAME);
    }
    edit &expiry(std::uint32_t how, std::int64_t ms) noexcept {
        raw_.fields &= ~std::uint32_t{TOKENSTORE_EDIT_EXPIRES_AT | TOKENSTORE_EDIT_EXPIRES_IN};
        raw_.expires_ms = ms;
        return field(how);
    }
    tokenstore_edit raw() const noexcept { return projects_.laid_into(raw_); }

    tokenstore_edit raw_ = detail::sized<tokenstore_edit>();
    detail::project_views projects_;
    const char *mistake_ = nullptr;
};

/// What a change did.
struct change {
    /// The token's revision now; 0 if it is gone.
    std::uint64_t revision = 0;
    /// Whether anything was changed: not if everything was so already.
    bool changed = false;
};

// ---------------------------------------------------------------------------------------------------------- Reading

/// What a token is now: the first that fits, from the most final on.
enum class token_state : tokenstore_status {
    active = TOKENSTORE_OK,
    revoked = TOKENSTORE_REVOKED,
    superseded = TOKENSTORE_SUPERSEDED,
    used = TOKENSTORE_USED,
    expired = TOKENSTORE_EXPIRED,
    disabled = TOKENSTORE_DISABLED
};

/// A token as the store keeps it. Its value is not here, nor any hash of it.
struct token {
    /// Its id.
    token_id id;
    /// Its type.
    type_id type{};
    /// What it is now.
    token_state state = token_state::active;
    /// Whether it reaches no project at all.
    bool no_projects = false;
    /// Whether it reaches all projects, those to come included.
    bool all_projects = false;
    /// Whether a presenter must show a binding.
    bool bound = false;
    /// Whether it is switched off, in whatever state it is.
    bool disabled = false;
    /// Whether its value refreshes.
    bool refreshes = false;
    /// When it was made.
    time_point created;
    /// When it expires; std::nullopt is never.
    std::optional<time_point> expires;
    /// When it was last accepted, to within the store's resolution; std::nullopt is never.
    std::optional<time_point> last_used;
    /// When it was revoked itself; std::nullopt is not at all.
    std::optional<time_point> revoked;
    /// Your number.
    std::uint64_t app_word = 0;
    /// The store's number of its last change.
    std::uint64_t revision = 0;
    /// Its owner.
    std::string owner;
    /// Its name; std::nullopt is none.
    std::optional<std::string> name;
    /// Why it was revoked; may be empty.
    std::string reason;
    /// Your bytes.
    std::string app_data;
    /// The projects that it is granted one by one, ascending.
    std::vector<std::string> projects;
    /// How often it can still be consumed; std::nullopt if it has no use count.
    std::optional<std::uint32_t> uses_left;
    /// The token it hangs on.
    std::optional<token_id> parent;
    /// The family it is a member of.
    std::optional<token_id> family;
    /// Until when the value before its last rotation works, or worked; std::nullopt if it was not rotated.
    std::optional<time_point> old_value_until;
    /// When that value was last accepted since the rotation, to within the store's resolution; std::nullopt is never.
    std::optional<time_point> old_value_used;
};

/// Which tokens to list: every live token of everybody, unless told otherwise.
class filter {
public:
    /// Only those of this owner.
    filter &owner(std::string_view owner) noexcept {
        raw_.owner = detail::bytes(owner);
        return flag(TOKENSTORE_CHECK_OWNER);
    }
    /// Only those of this type.
    filter &of_type(type_id type) noexcept {
        raw_.type = static_cast<std::uint32_t>(type);
        return flag(TOKENSTORE_LIST_TYPE);
    }
    /// The dead ones too: revoked, used and expired.
    filter &with_dead() noexcept { return flag(TOKENSTORE_LIST_DEAD); }
    /// Only those in this state, be it a dead one. Called again it adds another state.
    filter &state(token_state state) noexcept {
        raw_.states |= std::uint32_t{1} << static_cast<tokenstore_status>(state);
        return flag(TOKENSTORE_LIST_STATES);
    }
    /// Only those whose names begin so, byte for byte; empty is any name, and none.
    filter &name_prefix(std::string_view prefix) noexcept {
        raw_.name_prefix = detail::bytes(prefix);
        return *this;
    }
    /// Only those that reach this project, by name or because they reach all.
    filter &project(std::string_view project) noexcept {
        raw_.project = detail::bytes(project);
        return flag(TOKENSTORE_LIST_PROJECT);
    }
    /// Only those that expire before this time of the years 0 to 9999.
    filter &expires_before(time_point time) noexcept {
        raw_.expires_before_ms = time.time_since_epoch().count();
        return flag(TOKENSTORE_LIST_EXPIRES_BEFORE);
    }
    /// Only those not used at or after this time of the years 0 to 9999; one never used counts from its creation.
    filter &unused_since(time_point time) noexcept {
        raw_.unused_since_ms = time.time_since_epoch().count();
        return flag(TOKENSTORE_LIST_UNUSED_SINCE);
    }
    /// Goes on behind this id; the id of zeros is the beginning.
    filter &after(token_id id) noexcept {
        detail::lay_id(id, raw_.after);
        return *this;
    }
    /// How many tokens are read from the file at a time, 1 to 1,000: all of them are what they are at one moment. The
    /// default is 1,000.
    filter &page_size(std::uint32_t tokens) noexcept {
        raw_.page_size = tokens;
        mistake_ = tokens != 0 ? mistake_ : "a page has 1 to 1,000 places";
        return *this;
    }

private:
    friend class store;

    filter &flag(std::uint32_t flag) noexcept {
        raw_.flags |= flag;
        return *this;
    }

    tokenstore_filter raw_ = detail::sized<tokenstore_filter>();
    const char *mistake_ = nullptr;
};

namespace detail {

inline token token_of(const tokenstore_token &raw) {
    const auto has = [&](std::uint32_t flag) {
        return (raw.flags & flag) != 0;
    };
    token made;
    made.id = id_of(raw.id);
    made.type = static_cast<type_id>(raw.type);
    made.state = static_cast<token_state>(raw.state);
    made.no_projects = has(TOKENSTORE_HAS_NO_PROJECTS);
    made.all_projects = has(TOKENSTORE_HAS_ALL_PROJECTS);
    made.bound = has(TOKENSTORE_IS_BOUND);
    made.disabled = has(TOKENSTORE_IS_DISABLED);
    made.refreshes = has(TOKENSTORE_REFRESHES);
    made.created = moment(raw.created_ms);
    made.expires = moment_or_never(raw.expires_ms);
    made.last_used = moment_or_never(raw.last_used_ms);
    made.revoked = moment_or_never(raw.revoked_ms);
    made.app_word = raw.app_word;
    made.revision = raw.revision;
    made.owner = string(raw.owner);
    made.name = raw.name.len == 0 ? std::nullopt : std::optional<std::string>(string(raw.name));
    made.reason = string(raw.reason);
    made.app_data = string(raw.app_data);
    made.projects.reserve(raw.project_count);
    for (std::size_t n = 0; n < raw.project_count; ++n) {
        made.projects.push_back(string(raw.projects[n]));
    }
    made.uses_left = has(TOKENSTORE_IS_COUNTED) ? std::optional<std::uint32_t>(raw.uses_left) : std::nullopt;
    made.parent = id_if_any(raw.parent);
    made.family = id_if_any(raw.family);
    made.old_value_until = moment_or_never(raw.old_value_until_ms);
    made.old_value_used = moment_or_never(raw.old_value_used_ms);
    return made;
}

/// An input iterator over what a source's step() puts into its place.
template <class Source, class Item> class cursor {
public:
    using iterator_category = std::input_iterator_tag;
    using value_type = Item;
    using difference_type = std::ptrdiff_t;
    using pointer = const Item *;
    using reference = const Item &;

    cursor() noexcept = default;
    explicit cursor(Source *source) : source_(source) { ++*this; }
    const Item &operator*() const noexcept { return *source_->place_; }
    const Item *operator->() const noexcept { return &*source_->place_; }
    cursor &operator++() {
        if (!source_->step()) {
            source_ = nullptr;
        }
        return *this;
    }
    void operator++(int) { ++*this; }
    friend bool operator==(const cursor &a, const cursor &b) noexcept { return a.source_ == b.source_; }
    friend bool operator!=(const cursor &a, const cursor &b) noexcept { return a.source_ != b.source_; }

private:
    Source *source_ = nullptr;
};

} // namespace detail

/// A list of tokens under way, ascending by id: an input range, or read by next(). It reads page by page and holds
/// nothing in between: each page is what it is when it is read. Move-only, but not while it is iterated over.
class token_list {
public:
    token_list(token_list &&other) noexcept : list_(std::exchange(other.list_, nullptr)) {}
    token_list &operator=(token_list &&other) noexcept {
        std::swap(list_, other.list_);
        return *this;
    }
    ~token_list() { static_cast<void>(tokenstore_list_close(list_)); }

    TOKENSTORE_THROWING_FORM(
        /// The next token; std::nullopt behind the last, again and again. Throws error, and the same one with every
        /// further call.
        [[nodiscard]] std::optional<token> next() {
            return detail::or_throw([&](detail::outcome &came) { return read(came); });
        })
    /// The same with a code.
    [[nodiscard]] std::optional<token> next(std::error_code &code) {
        return detail::or_code(code, [&](detail::outcome &came) { return read(came); });
    }

    TOKENSTORE_THROWING_FORM(
        /// An input iterator that reads by next() as it moves.
        using iterator = detail::cursor<token_list, token>;
        /// Reads the next token. Throws error, as moving the iterator does.
        [[nodiscard]] iterator begin() { return iterator(this); }
        /// Behind the last.
        [[nodiscard]] iterator end() noexcept { return iterator(); })

private:
    friend class store;
    template <class, class> friend class detail::cursor;

    token_list() noexcept = default;

    std::optional<token> read(detail::outcome &came) {
        std::optional<token> found;
        const tokenstore_status status = detail::read<tokenstore_token>(
            [&](tokenstore_token *raw, std::uint8_t *buffer, std::size_t capacity, std::size_t *needed) {
                return tokenstore_list_next(list_, raw, buffer, capacity, needed, came.out());
            },
            [&](const tokenstore_token &raw) { found = detail::token_of(raw); });
        came.is_ok(status, TOKENSTORE_END);
        return found;
    }

    TOKENSTORE_THROWING_FORM(
        bool step() {
            place_ = next();
            return place_.has_value();
        })

    tokenstore_list *list_ = nullptr;
    std::optional<token> place_;
};

/// Some tokens of a list.
struct token_page {
    /// The tokens, ascending by id.
    std::vector<token> tokens;
    /// Where the next page begins, for filter::after; std::nullopt after the last.
    std::optional<token_id> next;
};

/// What happened.
enum class event_kind : std::uint32_t {
    type_declared = 1,
    created = 2,
    edited = 3,
    granted = 4,
    ungranted = 5,
    granted_all = 6,
    grants_revoked = 7,
    disabled = 8,
    enabled = 9,
    revoked = 10,
    deleted = 11,
    consumed = 12,
    rotated = 13,
    pair_issued = 14,
    refreshed = 15,
    replayed = 16,
    reused = 17,
    family_revoked = 18,
    owner_revoked = 19,
    pruned = 20
};

/// The name of a kind, such as "grants_revoked"; "?" for one of a later version.
[[nodiscard]] inline std::string_view name(event_kind kind) noexcept {
    constexpr std::array<std::string_view, 21> names = {
        "?", "type_declared", "created", "edited", "granted",
        "ungranted", "granted_all", "grants_revoked", "disabled", "enabled",
        "revoked", "deleted", "consumed", "rotated", "pair_issued",
        "refreshed", "replayed", "reused", "family_revoked", "owner_revoked",
        "pruned"};
    const auto number = static_cast<std::size_t>(kind);
    return number < names.size() ? names[number] : names[0];
}

/// One change to the store.
struct event {
    /// The number of the change. Numbers ascend by one.
    std::uint64_t sequence = 0;
    /// When.
    time_point at;
    /// What happened.
    event_kind kind{};
    /// The type, if it happened to one: of an owner_revoked the type whose tokens alone were revoked.
    std::optional<type_id> type;
    /// The token or the family, if it happened to one.
    std::optional<token_id> id;
    /// Who did it; may be empty.
    std::string by;
    /// Why; may be empty.
    std::string reason;
    /// Of an owner_revoked: whose.
    std::string owner;
    /// Of a reused: how many generations the value lay behind the good one. Of a pruned: how many tokens.
    std::optional<std::uint64_t> count;
    /// Of a reused: how long ago the family was refreshed last: for a value just behind the good one, since when it was
    /// used.
    std::optional<milliseconds> age;
};

/// Figures of a store.
struct store_stats {
    /// How many tokens it holds, dead ones included.
    std::uint64_t tokens = 0;
    /// How many types are declared.
    std::uint64_t types = 0;
    /// The number of the last change.
    std::uint64_t sequence = 0;
    /// The oldest event that is kept.
    std::uint64_t first_event = 0;
    /// How many bytes of the file's pages are in use.
    std::uint64_t file_bytes = 0;
    /// How many bytes of memory the index takes.
    std::uint64_t index_bytes = 0;
};

class event_range;

// -------------------------------------------------------------------------------------------------------- The store

/// An open store. Move-only; the destructor closes it and tells nobody what that said, so call close() to know. Every
/// call on one that is closed answers errc::closed, on one that was moved from errc::invalid_argument.
class store {
public:
    TOKENSTORE_THROWING_FORM(
        /// Makes a new store at `path` and opens it; errc::already_exists if anything is there. The file is readable
        /// and writable by its owner alone, and is on the disk when this returns. Throws error.
        [[nodiscard]] static store create(const std::string &path, const options &how = {}) {
            return detail::or_throw([&](detail::outcome &came) { return at(tokenstore_create, path, how, came); });
        })
    /// The same with a code; the store is false if it failed.
    [[nodiscard]] static store create(const std::string &path, const options &how, std::error_code &code) noexcept {
        return detail::or_code(code,
                               [&](detail::outcome &came) noexcept { return at(tokenstore_create, path, how, came); });
    }

    TOKENSTORE_THROWING_FORM(
        /// Opens the store at `path`, after checking every page and row of it. It never makes a file. errc::wrong_key,
        /// errc::locked if it is open elsewhere and not options::shared here and there, errc::busy if another process
        /// opens it for too long, errc::corrupt, errc::rolled_back, errc::unsupported, errc::io. Throws error.
        [[nodiscard]] static store open(const std::string &path, const options &how = {}) {
            return detail::or_throw([&](detail::outcome &came) { return at(tokenstore_open, path, how, came); });
        })
    /// The same with a code; the store is false if it failed.
    [[nodiscard]] static store open(const std::string &path, const options &how, std::error_code &code) noexcept {
        return detail::or_code(code,
                               [&](detail::outcome &came) noexcept { return at(tokenstore_open, path, how, came); });
    }

    TOKENSTORE_THROWING_FORM(
        /// Makes a store in memory, for tests: everything works, and nothing stays. It has no key. Throws error.
        [[nodiscard]] static store in_memory(const options &how = {}) {
            return detail::or_throw([&](detail::outcome &came) { return nowhere(how, came); });
        })
    /// The same with a code; the store is false if it failed.
    [[nodiscard]] static store in_memory(const options &how, std::error_code &code) noexcept {
        return detail::or_code(code, [&](detail::outcome &came) noexcept { return nowhere(how, came); });
    }

    store(store &&other) noexcept : store_(std::exchange(other.store_, nullptr)) {}
    store &operator=(store &&other) noexcept {
        if (this != &other) {
            static_cast<void>(tokenstore_close(store_, nullptr));
            store_ = std::exchange(other.store_, nullptr);
        }
        return *this;
    }
    ~store() { static_cast<void>(tokenstore_close(store_, nullptr)); }

    /// Whether there is a store, open or closed: not after a failed opening, and not if it was moved from.
    explicit operator bool() const noexcept { return store_ != nullptr; }

    /// The C handle, which stays this object's.
    [[nodiscard]] detail::handle *handle() const noexcept { return store_; }

    TOKENSTORE_THROWING_FORM(
        /// Closes the store: last uses are written, and the file is let go whatever is answered. errc::closed the
        /// second time, errc::forked in a child process unless the store is options::shared; in a child nothing of the
        /// parent's is let go. No other call may be under way. Throws error.
        void close() {
            detail::or_throw([&](detail::outcome &came) { came.is_ok(tokenstore_close(store_, came.out())); });
        })
    /// The same with a code.
    void close(std::error_code &code) noexcept {
        detail::or_code(code,
                        [&](detail::outcome &came) noexcept { came.is_ok(tokenstore_close(store_, came.out())); });
    }

    TOKENSTORE_THROWING_FORM(
        /// Writes last uses and the mark of the clock to the disk now. Throws error.
        void flush() const {
            detail::or_throw([&](detail::outcome &came) { came.is_ok(tokenstore_flush(store_, came.out())); });
        })
    /// The same with a code.
    void flush(std::error_code &code) const noexcept {
        detail::or_code(code,
                        [&](detail::outcome &came) noexcept { came.is_ok(tokenstore_flush(store_, came.out())); });
    }

    TOKENSTORE_THROWING_FORM(
        /// Puts the file under another key of 32 bytes. When it returns, the file opens with that key alone. Throws
        /// error.
        void change_key(std::string_view key) const {
            detail::or_throw([&](detail::outcome &came) { put_key(key, came); });
        })
    /// The same with a code.
    void change_key(std::string_view key, std::error_code &code) const noexcept {
        detail::or_code(code, [&](detail::outcome &came) noexcept { put_key(key, came); });
    }

    TOKENSTORE_THROWING_FORM(
        /// Puts the file under no key. Throws error.
        void remove_key() const {
            detail::or_throw(
                [&](detail::outcome &came) { came.is_ok(tokenstore_change_key(store_, nullptr, came.out())); });
        })
    /// The same with a code.
    void remove_key(std::error_code &code) const noexcept {
        detail::or_code(code, [&](detail::outcome &came) noexcept {
            came.is_ok(tokenstore_change_key(store_, nullptr, came.out()));
        });
    }

    TOKENSTORE_THROWING_FORM(
        /// Declares a type, or finds it if it is declared alike; its number. errc::type_conflict if the name has
        /// another policy or the prefix is another type's. Throws error.
        type_id declare(const policy &policy) const {
            return detail::or_throw([&](detail::outcome &came) { return declared(policy, came); });
        })
    /// The same with a code; 0 if it failed.
    type_id declare(const policy &policy, std::error_code &code) const noexcept {
        return detail::or_code(code, [&](detail::outcome &came) noexcept { return declared(policy, came); });
    }

    TOKENSTORE_THROWING_FORM(
        /// The number of the type of this name; std::nullopt if it is not declared. Throws error.
        [[nodiscard]] std::optional<type_id> find_type(std::string_view name) const {
            return detail::or_throw([&](detail::outcome &came) { return found_type(name, came); });
        })
    /// The same with a code.
    [[nodiscard]] std::optional<type_id> find_type(std::string_view name, std::error_code &code) const noexcept {
        return detail::or_code(code, [&](detail::outcome &came) noexcept { return found_type(name, came); });
    }

    TOKENSTORE_THROWING_FORM(
        /// The type of this number; errc::not_found if it is not declared. Throws error.
        [[nodiscard]] declared_type type(type_id number) const {
            return detail::or_throw([&](detail::outcome &came) { return type_of(number, came); });
        })
    /// The same with a code.
    [[nodiscard]] declared_type type(type_id number, std::error_code &code) const {
        return detail::or_code(code, [&](detail::outcome &came) { return type_of(number, came); });
    }

    TOKENSTORE_THROWING_FORM(
        /// The declared types, in their order. Throws error.
        [[nodiscard]] std::vector<declared_type> types() const {
            return detail::or_throw([&](detail::outcome &came) { return all_types(came); });
        })
    /// The same with a code.
    [[nodiscard]] std::vector<declared_type> types(std::error_code &code) const {
        return detail::or_code(code, [&](detail::outcome &came) { return all_types(came); });
    }

    TOKENSTORE_THROWING_FORM(
        /// Makes a token, which is on the disk when this returns; its value is in what is returned, and nowhere else.
        /// errc::name_taken, errc::not_found for a type that is none. Throws error.
        [[nodiscard]] created create(const new_token &token) const {
            return detail::or_throw([&](detail::outcome &came) { return make(tokenstore_token_create, token, came); });
        })
    /// The same with a code.
    [[nodiscard]] created create(const new_token &token, std::error_code &code) const noexcept {
        return detail::or_code(
            code, [&](detail::outcome &came) noexcept { return make(tokenstore_token_create, token, came); });
    }

    TOKENSTORE_THROWING_FORM(
        /// Makes a token unless a live one of its type and owner has its name: that one is answered then, without a
        /// value. The token must have a name, and its type unique names. errc::name_taken if a token of another type
        /// holds the name. Throws error.
        [[nodiscard]] created create_if_absent(const new_token &token) const {
            return detail::or_throw(
                [&](detail::outcome &came) { return make(tokenstore_token_create_if_absent, token, came); });
        })
    /// The same with a code.
    [[nodiscard]] created create_if_absent(const new_token &token, std::error_code &code) const noexcept {
        return detail::or_code(
            code, [&](detail::outcome &came) noexcept { return make(tokenstore_token_create_if_absent, token, came); });
    }

    TOKENSTORE_THROWING_FORM(
        /// Makes a token whose value was made elsewhere: 16 to 8,192 bytes that nobody can guess. errc::value_exists if
        /// the store knows the value. Throws error.
        created create_from_value(const new_token &token, std::string_view value) const {
            return detail::or_throw([&](detail::outcome &came) { return make_from(token, value, came); });
        })
    /// The same with a code.
    created create_from_value(const new_token &token, std::string_view value, std::error_code &code) const noexcept {
        return detail::or_code(code, [&](detail::outcome &came) noexcept { return make_from(token, value, came); });
    }

    TOKENSTORE_THROWING_FORM(
        /// Makes tokens with few commits, each made or refused by itself: one answer a token, in their order. Throws
        /// error only if none could be tried, as with a store that was closed.
        [[nodiscard]] std::vector<creation> create_many(const std::vector<new_token> &tokens) const {
            return detail::or_throw([&](detail::outcome &came) { return make_many(tokens, came); });
        })
    /// The same with a code.
    [[nodiscard]] std::vector<creation> create_many(const std::vector<new_token> &tokens, std::error_code &code) const {
        return detail::or_code(code, [&](detail::outcome &came) { return make_many(tokens, came); });
    }

    /// Judges a value: reads memory alone, allocates nothing, waits for nobody. Every byte counts: nothing is trimmed,
    /// unless the query is for a header. Trouble is in the verdict, too. In a store that is options::shared the first
    /// one after another process's change, or after a fork, reads what it lacks before it answers, and is trouble if it
    /// cannot; see query::no_wait.
    [[nodiscard]] verdict verify(std::string_view value, const query &query) const noexcept {
        verdict judged;
        judged.raw_.status = tokenstore_verify(store_, detail::data(value), value.size(), &query.raw_, &judged.raw_);
        return judged;
    }

    /// Judges values by one query and one reading of the clock, at a fraction of the time each; one verdict a value. It
    /// copies the values to where they lie side by side, and wipes the copies. Those of more than 4,096 bytes are
    /// judged one by one.
    [[nodiscard]] std::vector<verdict> verify_many(const std::vector<std::string_view> &values,
                                                   const query &query) const {
        constexpr std::size_t longest_copied = 4096;
        std::vector<verdict> verdicts(values.size());
        std::vector<std::size_t> lengths(values.size());
        std::size_t stride = 1;
        for (std::size_t n = 0; n < values.size(); ++n) {
            lengths[n] = values[n].size() <= longest_copied ? values[n].size() : 0;
            stride = lengths[n] > stride ? lengths[n] : stride;
        }
        detail::wiped_bytes copies(values.size() * stride);
        for (std::size_t n = 0; n < values.size(); ++n) {
            std::char_traits<char>::copy(reinterpret_cast<char *>(copies.data()) + n * stride, values[n].data(),
                                         lengths[n]);
        }
        const std::string_view side_by_side(reinterpret_cast<const char *>(copies.data()), values.size() * stride);
        static_cast<void>(verify_many(side_by_side, stride, lengths.data(), query, verdicts.data(), values.size()));
        for (std::size_t n = 0; n < values.size(); ++n) {
            if (values[n].size() > longest_copied) {
                verdicts[n] = verify(values[n], query);
            }
        }
        return verdicts;
    }

    /// The same for `count` values that lie side by side, and nothing is copied or allocated: value `n` begins at `n *
    /// stride` and has `lengths[n]` bytes, or `stride` if `lengths` is nullptr. `verdicts` has `count` places. Answers
    /// errc::ok if all are allowed, errc::some_refused if not, or trouble, with which no verdict allows anything.
    [[nodiscard]] errc verify_many(std::string_view values, std::size_t stride, const std::size_t *lengths,
                                   const query &query, verdict *verdicts, std::size_t count) const noexcept {
        if (count == 0) {
            return errc::ok;
        }
        if (verdicts == nullptr) {
            return errc::invalid_argument;
        }
        if (stride != 0 && values.size() / stride < count) {
            for (std::size_t n = 0; n < count; ++n) {
                verdicts[n] = verdict();
                verdicts[n].raw_.status = TOKENSTORE_INVALID_ARGUMENT;
            }
            return errc::invalid_argument;
        }
        return static_cast<errc>(
            tokenstore_verify_many(store_, detail::data(values), stride, lengths, count, &query.raw_, &verdicts->raw_));
    }

    TOKENSTORE_THROWING_FORM(
        /// Spends a use of a value, if a verify would admit it: exactly one consume wins each use. A refusal spends
        /// nothing, and is no failure: the verdict says it. The use is on the disk when this returns, unless the type
        /// is policy::in_memory. Throws error, and there is no access then; with errc::commit_unknown the use may be
        /// gone.
        consumed consume(std::string_view value, const query &query) const {
            return detail::or_throw([&](detail::outcome &came) { return spend(value, query, came); });
        })
    /// The same with a code, which the verdict has, too.
    consumed consume(std::string_view value, const query &query, std::error_code &code) const {
        return detail::or_code(code, [&](detail::outcome &came) { return spend(value, query, came); });
    }

    TOKENSTORE_THROWING_FORM(
        /// Makes a family and its first pair, which is on the disk when this returns. errc::not_found if a type is not
        /// declared, errc::value_exists for a value of your own that the store knows. Throws error.
        [[nodiscard]] token_pair issue_pair(const new_pair &pair, const pair_values &own = {}) const {
            return detail::or_throw([&](detail::outcome &came) { return issue(pair, own, came); });
        })
    /// The same with a code.
    [[nodiscard]] token_pair issue_pair(const new_pair &pair, const pair_values &own, std::error_code &code) const {
        return detail::or_code(code, [&](detail::outcome &came) { return issue(pair, own, came); });
    }

    TOKENSTORE_THROWING_FORM(
        /// Uses a refresh value for the next pair; the binding is what the family was made with. Exactly one refresh of
        /// a value is rotated(); within the grace every other one is replayed(), with the same pair, also after a
        /// crash: whoever lost the reply asks again. A value that is used later than that, or two generations back, is
        /// errc::reused, and its family revoked. What is refused otherwise changes nothing. A refusal is no failure:
        /// the result says it. `own` are your own values for the next pair, `by` is for the events. Throws error.
        refreshed refresh(std::string_view value, std::string_view binding, const pair_values &own = {},
                          std::string_view by = {}) const {
            return detail::or_throw([&](detail::outcome &came) { return exchange(value, binding, own, by, came); });
        })
    /// The same with a code, which the result has, too.
    refreshed refresh(std::string_view value, std::string_view binding, const pair_values &own, std::string_view by,
                      std::error_code &code) const {
        return detail::or_code(code, [&](detail::outcome &came) { return exchange(value, binding, own, by, came); });
    }

    TOKENSTORE_THROWING_FORM(
        /// The owner whom a verdict refers to; std::nullopt if the owner's last token was deleted since. Throws error.
        [[nodiscard]] std::optional<std::string> owner(owner_ref owner) const {
            return detail::or_throw([&](detail::outcome &came) { return owner_of(owner, came); });
        })
    /// The same with a code.
    [[nodiscard]] std::optional<std::string> owner(owner_ref owner, std::error_code &code) const {
        return detail::or_code(code, [&](detail::outcome &came) { return owner_of(owner, came); });
    }

    TOKENSTORE_THROWING_FORM(
        /// Changes several things of a token in one step: no verify sees one without the others. The checks come in
        /// this order: errc::not_found; errc::revoked, errc::used, errc::expired; errc::revision_conflict;
        /// errc::name_taken. Throws error.
        change edit(const target &on, const tokenstore::edit &what) const {
            return detail::or_throw([&](detail::outcome &came) { return edited(on, what, came); });
        })
    /// The same with a code.
    change edit(const target &on, const tokenstore::edit &what, std::error_code &code) const noexcept {
        return detail::or_code(code, [&](detail::outcome &came) noexcept { return edited(on, what, came); });
    }

    TOKENSTORE_THROWING_FORM(
        /// Grants a project of 1 to 64 bytes. No change if the token reaches it already; errc::limit_reached at 1,000.
        /// Throws error.
        change grant(const target &on, std::string_view project) const {
            return detail::or_throw(
                [&](detail::outcome &came) { return act(tokenstore_token_grant, on, project, came); });
        })
    /// The same with a code.
    change grant(const target &on, std::string_view project, std::error_code &code) const noexcept {
        return detail::or_code(
            code, [&](detail::outcome &came) noexcept { return act(tokenstore_token_grant, on, project, came); });
    }

    TOKENSTORE_THROWING_FORM(
        /// Takes a project away. No change if the token does not reach it; errc::grant_is_all if it is granted all.
        /// Throws error.
        change ungrant(const target &on, std::string_view project) const {
            return detail::or_throw(
                [&](detail::outcome &came) { return act(tokenstore_token_ungrant, on, project, came); });
        })
    /// The same with a code.
    change ungrant(const target &on, std::string_view project, std::error_code &code) const noexcept {
        return detail::or_code(
            code, [&](detail::outcome &came) noexcept { return act(tokenstore_token_ungrant, on, project, came); });
    }

    TOKENSTORE_THROWING_FORM(
        /// Grants all projects, those to come included, in place of the ones granted one by one. Throws error.
        change grant_all(const target &on) const {
            return detail::or_throw([&](detail::outcome &came) { return act(tokenstore_token_grant_all, on, came); });
        })
    /// The same with a code.
    change grant_all(const target &on, std::error_code &code) const noexcept {
        return detail::or_code(
            code, [&](detail::outcome &came) noexcept { return act(tokenstore_token_grant_all, on, came); });
    }

    TOKENSTORE_THROWING_FORM(
        /// Takes all projects away. The token stays, and reaches nothing until it is granted something again. Throws
        /// error.
        change revoke_grants(const target &on) const {
            return detail::or_throw(
                [&](detail::outcome &came) { return act(tokenstore_token_revoke_grants, on, came); });
        })
    /// The same with a code.
    change revoke_grants(const target &on, std::error_code &code) const noexcept {
        return detail::or_code(
            code, [&](detail::outcome &came) noexcept { return act(tokenstore_token_revoke_grants, on, came); });
    }

    TOKENSTORE_THROWING_FORM(
        /// Switches a token off, until it is enabled. It keeps its name. Throws error.
        change disable(const target &on) const {
            return detail::or_throw([&](detail::outcome &came) { return act(tokenstore_token_disable, on, came); });
        })
    /// The same with a code.
    change disable(const target &on, std::error_code &code) const noexcept {
        return detail::or_code(code,
                               [&](detail::outcome &came) noexcept { return act(tokenstore_token_disable, on, came); });
    }

    TOKENSTORE_THROWING_FORM(
        /// Switches a token on again. Throws error.
        change enable(const target &on) const {
            return detail::or_throw([&](detail::outcome &came) { return act(tokenstore_token_enable, on, came); });
        })
    /// The same with a code.
    change enable(const target &on, std::error_code &code) const noexcept {
        return detail::or_code(code,
                               [&](detail::outcome &came) noexcept { return act(tokenstore_token_enable, on, came); });
    }

    TOKENSTORE_THROWING_FORM(
        /// Revokes a token for good. No verify that begins after this returned accepts it, whatever is answered but
        /// errc::not_found, errc::revision_conflict, errc::busy and a wrong argument; without an error the revocation
        /// is on the disk. A second one changes nothing: the first time and reason stay. Throws error.
        change revoke(const target &on) const {
            return detail::or_throw([&](detail::outcome &came) { return act(tokenstore_token_revoke, on, came); });
        })
    /// The same with a code.
    change revoke(const target &on, std::error_code &code) const noexcept {
        return detail::or_code(code,
                               [&](detail::outcome &came) noexcept { return act(tokenstore_token_revoke, on, came); });
    }

    TOKENSTORE_THROWING_FORM(
        /// Revokes a family, the target's id being the family's, whatever its size: when this returned, nothing of it
        /// verifies or refreshes. Throws error.
        change revoke_family(const target &on) const {
            return detail::or_throw([&](detail::outcome &came) { return act(tokenstore_family_revoke, on, came); });
        })
    /// The same with a code.
    change revoke_family(const target &on, std::error_code &code) const noexcept {
        return detail::or_code(code,
                               [&](detail::outcome &came) noexcept { return act(tokenstore_family_revoke, on, came); });
    }

    TOKENSTORE_THROWING_FORM(
        /// Revokes all that an owner has so far, tokens and families. However much that is, it takes one change; what
        /// is made afterwards is good. Throws error.
        change revoke_owner(std::string_view owner, const note &note = {}) const {
            return detail::or_throw([&](detail::outcome &came) { return ended(owner, 0, note, came); });
        })
    /// The same with a code.
    change revoke_owner(std::string_view owner, const note &note, std::error_code &code) const noexcept {
        return detail::or_code(code, [&](detail::outcome &came) noexcept { return ended(owner, 0, note, came); });
    }

    TOKENSTORE_THROWING_FORM(
        /// Revokes all of one type that an owner has so far: tokens, and families that hold or issue that type.
        /// errc::not_found if the type is not declared. Throws error.
        change revoke_owner(std::string_view owner, type_id type, const note &note = {}) const {
            return detail::or_throw([&](detail::outcome &came) { return ended_of(owner, type, note, came); });
        })
    /// The same with a code.
    change revoke_owner(std::string_view owner, type_id type, const note &note, std::error_code &code) const noexcept {
        return detail::or_code(code, [&](detail::outcome &came) noexcept { return ended_of(owner, type, note, came); });
    }

    TOKENSTORE_THROWING_FORM(
        /// Gives a token another value, which is in what is returned, and nowhere else; id, name, grants and owner
        /// stay, app_data is cleared. The value before works for the grace more, up to its expiry, with
        /// verdict::old_value(); then it is errc::superseded. One value before is remembered: rotating again ends it at
        /// once. errc::invalid_argument for refresh values and tokens with a use count. Throws error.
        [[nodiscard]] created rotate(const target &on, milliseconds grace) const {
            return detail::or_throw([&](detail::outcome &came) { return renewed(on, grace, came); });
        })
    /// The same with a code.
    [[nodiscard]] created rotate(const target &on, milliseconds grace, std::error_code &code) const noexcept {
        return detail::or_code(code, [&](detail::outcome &came) noexcept { return renewed(on, grace, came); });
    }

    TOKENSTORE_THROWING_FORM(
        /// Takes out tokens that are dead since before a time, at most so many, 1 or more; how many it were. Nothing
        /// that it takes out turns a refusal into errc::ok. Refresh values stay while their family lives, and parents
        /// that are not revoked while anything hangs on them. Throws error.
        std::uint64_t prune(time_point dead_before, std::uint64_t at_most) const {
            return detail::or_throw([&](detail::outcome &came) { return taken_out(dead_before, at_most, came); });
        })
    /// The same with a code.
    std::uint64_t prune(time_point dead_before, std::uint64_t at_most, std::error_code &code) const noexcept {
        return detail::or_code(
            code, [&](detail::outcome &came) noexcept { return taken_out(dead_before, at_most, came); });
    }

    TOKENSTORE_THROWING_FORM(
        /// Deletes a token: nothing of it stays but its events, and its value is unknown from then on. Throws error.
        change remove(const target &on) const {
            return detail::or_throw([&](detail::outcome &came) { return act(tokenstore_token_delete, on, came); });
        })
    /// The same with a code.
    change remove(const target &on, std::error_code &code) const noexcept {
        return detail::or_code(code,
                               [&](detail::outcome &came) noexcept { return act(tokenstore_token_delete, on, came); });
    }

    TOKENSTORE_THROWING_FORM(
        /// Revokes the token with this value. A value that nobody has is a success that changes nothing (RFC 7009,
        /// section 2.2). Throws error.
        change revoke_value(std::string_view value, const note &note = {}) const {
            return detail::or_throw([&](detail::outcome &came) { return revoked(value, note, came); });
        })
    /// The same with a code.
    change revoke_value(std::string_view value, const note &note, std::error_code &code) const noexcept {
        return detail::or_code(code, [&](detail::outcome &came) noexcept { return revoked(value, note, came); });
    }

    TOKENSTORE_THROWING_FORM(
        /// Takes a project from every live token that was granted it by name, so that a project that comes to have the
        /// same id is granted to nobody; from how many. It goes in steps, each a commit; if one fails, calling again
        /// goes on. Throws error.
        std::uint64_t remove_project(std::string_view project, const note &note = {}) const {
            return detail::or_throw([&](detail::outcome &came) { return removed(project, note, came); });
        })
    /// The same with a code.
    std::uint64_t remove_project(std::string_view project, const note &note, std::error_code &code) const noexcept {
        return detail::or_code(code, [&](detail::outcome &came) noexcept { return removed(project, note, came); });
    }

    TOKENSTORE_THROWING_FORM(
        /// The token, if what the target says holds of it; errc::not_found, errc::revision_conflict. Throws error.
        [[nodiscard]] token get(const target &of) const {
            return detail::or_throw([&](detail::outcome &came) { return read(of, came); });
        })
    /// The same with a code.
    [[nodiscard]] token get(const target &of, std::error_code &code) const {
        return detail::or_code(code, [&](detail::outcome &came) { return read(of, came); });
    }

    TOKENSTORE_THROWING_FORM(
        /// Begins a list of tokens, ascending by id, which must not outlive the store. Throws error.
        [[nodiscard]] token_list list(const filter &which = {}) const {
            return detail::or_throw([&](detail::outcome &came) { return listed(which, came); });
        })
    /// The same with a code.
    [[nodiscard]] token_list list(const filter &which, std::error_code &code) const noexcept {
        return detail::or_code(code, [&](detail::outcome &came) noexcept { return listed(which, came); });
    }

    TOKENSTORE_THROWING_FORM(
        /// The first `limit` tokens of a list, 1 to 1,000, and where to go on. Throws error.
        [[nodiscard]] token_page page(const filter &which = {}, std::size_t limit = 1000) const {
            return detail::or_throw([&](detail::outcome &came) { return paged(which, limit, came); });
        })
    /// The same with a code.
    [[nodiscard]] token_page page(const filter &which, std::size_t limit, std::error_code &code) const {
        return detail::or_code(code, [&](detail::outcome &came) { return paged(which, limit, came); });
    }

    TOKENSTORE_THROWING_FORM(
        /// The first event behind the one numbered `after`; 0 is the beginning; std::nullopt if there is none. A gap
        /// behind `after` shows that the log has dropped events. Throws error.
        [[nodiscard]] std::optional<event> next_event(std::uint64_t after) const {
            return detail::or_throw([&](detail::outcome &came) { return following(after, came); });
        })
    /// The same with a code.
    [[nodiscard]] std::optional<event> next_event(std::uint64_t after, std::error_code &code) const {
        return detail::or_code(code, [&](detail::outcome &came) { return following(after, came); });
    }

    TOKENSTORE_THROWING_FORM(
        /// The events behind the one numbered `after`, as an input range that reads one after the other and must not
        /// outlive the store, nor be used while it is moved.
        [[nodiscard]] event_range events(std::uint64_t after = 0) const noexcept;
        /// At most `limit` of them, 1 to 1,000. Throws error.
        [[nodiscard]] std::vector<event> events(std::uint64_t after, std::size_t limit) const {
            return detail::or_throw([&](detail::outcome &came) { return logged(after, limit, came); });
        })
    /// The same with a code.
    [[nodiscard]] std::vector<event> events(std::uint64_t after, std::size_t limit, std::error_code &code) const {
        return detail::or_code(code, [&](detail::outcome &came) { return logged(after, limit, came); });
    }

    TOKENSTORE_THROWING_FORM(
        /// The store's figures. Throws error.
        [[nodiscard]] store_stats stats() const {
            return detail::or_throw([&](detail::outcome &came) { return counted(came); });
        })
    /// The same with a code.
    [[nodiscard]] store_stats stats(std::error_code &code) const noexcept {
        return detail::or_code(code, [&](detail::outcome &came) noexcept { return counted(came); });
    }

private:
    store() noexcept = default;

    template <class Call>
    static store at(Call call, const std::string &path, const options &how, detail::outcome &came) noexcept {
        store opened;
        if (path.find('\0') != std::string::npos) {
            came.refuse(errc::invalid_argument, "a path has a NUL in it");
        } else if (came.accepts(how.mistake_)) {
            came.is_ok(call(path.c_str(), &how.raw_, &opened.store_, came.out()));
        }
        return opened;
    }

    static store nowhere(const options &how, detail::outcome &came) noexcept {
        store opened;
        if (came.accepts(how.mistake_)) {
            came.is_ok(tokenstore_open_in_memory(&how.raw_, &opened.store_, came.out()));
        }
        return opened;
    }

    void put_key(std::string_view key, detail::outcome &came) const noexcept {
        if (key.size() != 32) {
            came.refuse(errc::invalid_argument, "a key has 32 bytes");
        } else {
            came.is_ok(tokenstore_change_key(store_, detail::data(key), came.out()));
        }
    }

    type_id declared(const policy &policy, detail::outcome &came) const noexcept {
        std::uint32_t number = 0;
        if (came.accepts(policy.mistake_)) {
            came.is_ok(tokenstore_type_declare(store_, &policy.raw_, &number, came.out()));
        }
        return static_cast<type_id>(number);
    }

    std::optional<type_id> found_type(std::string_view name, detail::outcome &came) const noexcept {
        std::uint32_t number = 0;
        const tokenstore_status status =
            tokenstore_type_find(store_, detail::data(name), name.size(), &number, came.out());
        if (!came.is_ok(status, TOKENSTORE_NOT_FOUND)) {
            return std::nullopt;
        }
        return static_cast<type_id>(number);
    }

    declared_type type_of(type_id number, detail::outcome &came) const {
        declared_type found;
        came.is_ok(detail::read<tokenstore_policy>(
            [&](tokenstore_policy *raw, std::uint8_t *buffer, std::size_t capacity, std::size_t *needed) {
                return tokenstore_type_get(store_, static_cast<std::uint32_t>(number), raw, buffer, capacity, needed,
                                           came.out());
            },
            [&](const tokenstore_policy &raw) {
                const auto lifetime = [](std::uint64_t ms) {
                    return ms == 0 ? std::nullopt
                                   : std::optional<milliseconds>(milliseconds(static_cast<std::int64_t>(ms)));
                };
                found.number = number;
                found.name = detail::string(raw.name);
                found.prefix = detail::string(raw.prefix);
                found.default_lifetime = lifetime(raw.default_lifetime_ms);
                found.max_lifetime = lifetime(raw.max_lifetime_ms);
                found.unique_names = (raw.flags & TOKENSTORE_TYPE_SHARED_NAMES) == 0;
                found.by_name_only = (raw.flags & TOKENSTORE_TYPE_BY_NAME_ONLY) != 0;
                found.accepts_external = (raw.flags & TOKENSTORE_TYPE_EXTERNAL) != 0;
                found.uses = raw.uses == 0 ? std::nullopt : std::optional<std::uint32_t>(raw.uses);
                found.in_memory = (raw.flags & TOKENSTORE_TYPE_VOLATILE) != 0;
                if ((raw.flags & TOKENSTORE_TYPE_FAMILIES) != 0) {
                    declared_families families;
                    families.access_lifetime = lifetime(raw.access_lifetime_ms).value_or(milliseconds());
                    families.refresh_lifetime = lifetime(raw.refresh_lifetime_ms).value_or(milliseconds());
                    families.family_lifetime = lifetime(raw.family_lifetime_ms).value_or(milliseconds());
                    families.grace = raw.grace_ms == TOKENSTORE_NO_GRACE ? std::nullopt : lifetime(raw.grace_ms);
                    families.old_access = static_cast<old_access>(raw.old_access);
                    found.families = families;
                }
            }));
        return found;
    }

    std::vector<declared_type> all_types(detail::outcome &came) const {
        const std::uint64_t count = counted(came).types;
        std::vector<declared_type> found;
        for (std::uint32_t number = 1; came.status() == errc::ok && number <= count; ++number) {
            found.push_back(type_of(static_cast<type_id>(number), came));
        }
        return found;
    }

    static created made(const tokenstore_created &raw) noexcept {
        created made;
        made.id = detail::id_of(raw.id);
        made.revision = raw.revision;
        made.existed = raw.outcome == TOKENSTORE_EXISTING;
        return made;
    }

    template <class Call> created make(Call call, const new_token &token, detail::outcome &came) const noexcept {
        secret_value value;
        tokenstore_created found{};
        if (came.accepts(token.mistake_)) {
            const tokenstore_new_token raw = token.raw();
            came.is_ok(
                call(store_, &raw, value.short_.data(), value.short_.size(), &value.length_, &found, came.out()));
        }
        created result = made(found);
        result.value = std::move(value);
        return result;
    }

    created make_from(const new_token &token, std::string_view value, detail::outcome &came) const noexcept {
        tokenstore_created found{};
        if (came.accepts(token.mistake_)) {
            const tokenstore_new_token raw = token.raw();
            came.is_ok(tokenstore_token_create_from_value(store_, &raw, detail::data(value), value.size(), &found,
                                                          came.out()));
        }
        return made(found);
    }

    std::vector<creation> make_many(const std::vector<new_token> &tokens, detail::outcome &came) const {
        std::vector<tokenstore_new_token> raws;
        for (const new_token &token : tokens) {
            raws.push_back(token.raw());
            if (token.mistake_ != nullptr) {
                // What C cannot be told must not be made without it. Without an owner nothing is.
                raws.back().owner = {};
            }
        }
        detail::wiped_bytes values(raws.size() * TOKENSTORE_VALUE_BYTES);
        std::vector<std::size_t> lengths(raws.size());
        std::vector<tokenstore_created> founds(raws.size());
        std::vector<tokenstore_status> statuses(raws.size());
        const tokenstore_status status =
            tokenstore_token_create_many(store_, raws.data(), raws.size(), values.data(), lengths.data(), founds.data(),
                                         statuses.data(), came.out());
        came.is_ok(status, TOKENSTORE_SOME_REFUSED);
        if (came.status() != errc::ok) {
            return {};
        }
        std::vector<creation> results(raws.size());
        for (std::size_t n = 0; n < raws.size(); ++n) {
            results[n].status = static_cast<errc>(statuses[n]);
            results[n].token = made(founds[n]);
            results[n].token.value.put(values.data() + n * TOKENSTORE_VALUE_BYTES, lengths[n]);
        }
        return results;
    }

    consumed spend(std::string_view value, const query &query, detail::outcome &came) const {
        consumed result;
        // The memory is there before the use is spent.
        std::string app_data(TOKENSTORE_APP_DATA_BYTES, '\0');
        std::size_t length = 0;
        tokenstore_verdict &judged = result.verdict.raw_;
        judged.status = tokenstore_consume(store_, detail::data(value), value.size(), &query.raw_, &judged,
                                           reinterpret_cast<std::uint8_t *>(app_data.data()), app_data.size(), &length,
                                           &result.uses_left, came.out());
        came.is_judged(judged.status);
        app_data.resize(length);
        result.app_data = std::move(app_data);
        return result;
    }

    /// Runs a call that hands out a pair, which is not laid into `made` unless it succeeded.
    template <class Call>
    static tokenstore_status pair_from(Call call, const pair_values &own, token_pair &made, detail::outcome &came) {
        constexpr std::size_t longest = 8192;
        // Long enough for every value at the first time: asking again might come after the grace.
        detail::wiped_bytes values(2 * longest);
        made.access.value.make_room(own.raw_.access.len <= longest ? own.raw_.access.len : 0);
        made.refresh.value.make_room(own.raw_.refresh.len <= longest ? own.raw_.refresh.len : 0);
        tokenstore_pair raw = detail::sized<tokenstore_pair>();
        raw.access = values.data();
        raw.access_capacity = longest;
        raw.refresh = values.data() + longest;
        raw.refresh_capacity = longest;
        const tokenstore_status status =
            came.accepts(own.mistake_) ? call(&raw) : tokenstore_status{TOKENSTORE_INVALID_ARGUMENT};
        if (status == TOKENSTORE_OK) {
            made.family = detail::id_of(raw.family);
            made.access.id = detail::id_of(raw.access_id);
            made.access.value.put(raw.access, raw.access_len);
            made.access.expires = detail::moment(raw.access_expires_ms);
            made.refresh.id = detail::id_of(raw.refresh_id);
            made.refresh.value.put(raw.refresh, raw.refresh_len);
            made.refresh.expires = detail::moment(raw.refresh_expires_ms);
            made.revision = raw.revision;
            made.outcome = static_cast<pair_outcome>(raw.outcome);
        }
        return status;
    }

    token_pair issue(const new_pair &pair, const pair_values &own, detail::outcome &came) const {
        token_pair made;
        if (came.accepts(pair.mistake_)) {
            const tokenstore_new_pair given = pair.raw();
            came.is_ok(pair_from(
                [&](tokenstore_pair *raw) {
                    return tokenstore_pair_issue(store_, &given, &own.raw_, raw, came.out());
                },
                own, made, came));
        }
        return made;
    }

    refreshed exchange(std::string_view value, std::string_view binding, const pair_values &own, std::string_view by,
                       detail::outcome &came) const {
        refreshed result;
        token_pair made;
        const tokenstore_status status = pair_from(
            [&](tokenstore_pair *raw) {
                return tokenstore_pair_refresh(store_, detail::data(value), value.size(), detail::data(binding),
                                               binding.size(), &own.raw_, detail::data(by), by.size(), raw, came.out());
            },
            own, made, came);
        came.is_judged(status);
        result.status = static_cast<errc>(status);
        if (status == TOKENSTORE_OK) {
            result.pair = std::move(made);
        }
        return result;
    }

    std::optional<std::string> owner_of(owner_ref owner, detail::outcome &came) const {
        std::array<std::uint8_t, 255> buffer;
        std::size_t length = 0;
        const tokenstore_status status = tokenstore_owner(store_, static_cast<std::uint64_t>(owner), buffer.data(),
                                                          buffer.size(), &length, came.out());
        if (!came.is_ok(status, TOKENSTORE_NOT_FOUND)) {
            return std::nullopt;
        }
        return std::string(reinterpret_cast<const char *>(buffer.data()), length);
    }

    static change done(const tokenstore_change &raw) noexcept { return {raw.revision, raw.changed == 1}; }

    template <class Call> change act(Call call, const target &on, detail::outcome &came) const noexcept {
        tokenstore_change raw{};
        came.is_ok(call(store_, &on.raw_, &raw, came.out()));
        return done(raw);
    }

    template <class Call>
    change act(Call call, const target &on, std::string_view project, detail::outcome &came) const noexcept {
        tokenstore_change raw{};
        came.is_ok(call(store_, &on.raw_, detail::data(project), project.size(), &raw, came.out()));
        return done(raw);
    }

    change edited(const target &on, const tokenstore::edit &what, detail::outcome &came) const noexcept {
        tokenstore_change raw{};
        if (came.accepts(what.mistake_)) {
            const tokenstore_edit fields = what.raw();
            came.is_ok(tokenstore_token_edit(store_, &on.raw_, &fields, &raw, came.out()));
        }
        return done(raw);
    }

    change revoked(std::string_view value, const note &note, detail::outcome &came) const noexcept {
        tokenstore_change raw{};
        came.is_ok(tokenstore_value_revoke(store_, detail::data(value), value.size(), detail::data(note.by),
                                           note.by.size(), detail::data(note.reason), note.reason.size(), &raw,
                                           came.out()));
        return done(raw);
    }

    change ended(std::string_view owner, std::uint32_t type, const note &note, detail::outcome &came) const noexcept {
        tokenstore_change raw{};
        came.is_ok(tokenstore_owner_revoke(store_, detail::data(owner), owner.size(), type, detail::data(note.by),
                                           note.by.size(), detail::data(note.reason), note.reason.size(), &raw,
                                           came.out()));
        return done(raw);
    }

    change ended_of(std::string_view owner, type_id type, const note &note, detail::outcome &came) const noexcept {
        if (type == type_id{}) {
            // To C it would be all types.
            came.refuse(errc::not_found, "no such type");
            return {};
        }
        return ended(owner, static_cast<std::uint32_t>(type), note, came);
    }

    created renewed(const target &on, milliseconds grace, detail::outcome &came) const noexcept {
        secret_value value;
        tokenstore_created found{};
        if (grace < milliseconds::zero()) {
            came.refuse(errc::invalid_argument, "a grace is no less than nothing");
        } else {
            came.is_ok(tokenstore_token_rotate(store_, &on.raw_, static_cast<std::uint64_t>(grace.count()),
                                               value.short_.data(), value.short_.size(), &value.length_, &found,
                                               came.out()));
        }
        created result = made(found);
        result.value = std::move(value);
        return result;
    }

    std::uint64_t taken_out(time_point dead_before, std::uint64_t at_most, detail::outcome &came) const noexcept {
        std::uint64_t count = 0;
        came.is_ok(
            tokenstore_prune(store_, dead_before.time_since_epoch().count(), at_most, &count, came.out()));
        return count;
    }

    std::uint64_t removed(std::string_view project, const note &note, detail::outcome &came) const noexcept {
        std::uint64_t count = 0;
        came.is_ok(tokenstore_project_remove(store_, detail::data(project), project.size(), detail::data(note.by),
                                             note.by.size(), detail::data(note.reason), note.reason.size(), &count,
                                             came.out()));
        return count;
    }

    token read(const target &of, detail::outcome &came) const {
        token found;
        const tokenstore_status status = detail::read<tokenstore_token>(
            [&](tokenstore_token *raw, std::uint8_t *buffer, std::size_t capacity, std::size_t *needed) {
                return tokenstore_token_get(store_, of.raw_.id, raw, buffer, capacity, needed, came.out());
            },
            [&](const tokenstore_token &raw) { found = detail::token_of(raw); });
        if (!came.is_ok(status)) {
            return found;
        }
        if ((of.raw_.flags & TOKENSTORE_CHECK_OWNER) != 0 && found.owner != detail::string(of.raw_.owner)) {
            came.refuse(errc::not_found, "no such token");
            return {};
        }
        if ((of.raw_.flags & TOKENSTORE_CHECK_REVISION) != 0 && found.revision != of.raw_.revision) {
            came.refuse(errc::revision_conflict, "the token's revision is not the expected one");
            return {};
        }
        return found;
    }

    token_list listed(const filter &which, detail::outcome &came) const noexcept {
        token_list list;
        if (came.accepts(which.mistake_)) {
            came.is_ok(tokenstore_list_open(store_, &which.raw_, &list.list_, came.out()));
        }
        return list;
    }

    static bool is_page(std::size_t limit, detail::outcome &came) noexcept {
        return (limit >= 1 && limit <= 1000) || came.refuse(errc::invalid_argument, "a page has 1 to 1,000 places");
    }

    token_page paged(const filter &which, std::size_t limit, detail::outcome &came) const {
        token_page page;
        if (!is_page(limit, came)) {
            return page;
        }
        filter pages = which;
        if (pages.raw_.page_size == 0 && limit < 1000) {
            // One more tells whether there are more.
            pages.page_size(static_cast<std::uint32_t>(limit + 1));
        }
        token_list list = listed(pages, came);
        while (came.status() == errc::ok) {
            std::optional<token> next = list.read(came);
            if (!next.has_value()) {
                break;
            }
            if (page.tokens.size() == limit) {
                page.next = page.tokens.back().id;
                break;
            }
            page.tokens.push_back(*std::move(next));
        }
        return came.status() == errc::ok ? page : token_page();
    }

    std::optional<event> following(std::uint64_t after, detail::outcome &came) const {
        std::optional<event> found;
        const tokenstore_status status = detail::read<tokenstore_event>(
            [&](tokenstore_event *raw, std::uint8_t *buffer, std::size_t capacity, std::size_t *needed) {
                return tokenstore_event_next(store_, after, raw, buffer, capacity, needed, came.out());
            },
            [&](const tokenstore_event &raw) {
                event made;
                made.sequence = raw.sequence;
                made.at = detail::moment(raw.at_ms);
                made.kind = static_cast<event_kind>(raw.kind);
                made.type = raw.type == 0 ? std::nullopt : std::optional<type_id>(static_cast<type_id>(raw.type));
                made.id = detail::id_if_any(raw.id);
                made.by = detail::string(raw.by);
                made.reason = detail::string(raw.reason);
                made.owner = detail::string(raw.owner);
                if (made.kind == event_kind::reused || made.kind == event_kind::pruned) {
                    made.count = raw.count;
                }
                if (made.kind == event_kind::reused) {
                    made.age = milliseconds(static_cast<std::int64_t>(raw.age_ms));
                }
                found = std::move(made);
            });
        came.is_ok(status, TOKENSTORE_END);
        return found;
    }

    std::vector<event> logged(std::uint64_t after, std::size_t limit, detail::outcome &came) const {
        std::vector<event> found;
        if (!is_page(limit, came)) {
            return found;
        }
        while (found.size() < limit) {
            std::optional<event> next = following(after, came);
            if (!next.has_value()) {
                break;
            }
            after = next->sequence;
            found.push_back(*std::move(next));
        }
        return came.status() == errc::ok ? found : std::vector<event>();
    }

    store_stats counted(detail::outcome &came) const noexcept {
        tokenstore_stats raw = detail::sized<tokenstore_stats>();
        came.is_ok(tokenstore_get_stats(store_, &raw, came.out()));
        return {raw.tokens, raw.types, raw.sequence, raw.first_event, raw.file_bytes, raw.index_bytes};
    }

    detail::handle *store_ = nullptr;
};

#if defined(__cpp_exceptions)
/// The events of a store, as an input range: see store::events.
class event_range {
public:
    /// An input iterator that reads by store::next_event as it moves.
    using iterator = detail::cursor<event_range, event>;
    /// Reads the first event. Throws error, as moving the iterator does.
    [[nodiscard]] iterator begin() { return iterator(this); }
    /// Behind the last.
    [[nodiscard]] iterator end() noexcept { return iterator(); }

private:
    friend class store;
    template <class, class> friend class detail::cursor;

    event_range(const store &of, std::uint64_t after) noexcept : store_(&of), after_(after) {}

    bool step() {
        place_ = store_->next_event(after_);
        after_ = place_.has_value() ? place_->sequence : after_;
        return place_.has_value();
    }

    const store *store_;
    std::uint64_t after_;
    std::optional<event> place_;
};

inline event_range store::events(std::uint64_t after) const noexcept { return {*this, after}; }
#endif

} // namespace tokenstore

/// Ids can be keys of unordered containers.
template <> struct std::hash<tokenstore::token_id> {
    /// A hash of all bytes.
    [[nodiscard]] std::size_t operator()(const tokenstore::token_id &id) const noexcept {
        return std::hash<std::string_view>()(
            std::string_view(reinterpret_cast<const char *>(id.bytes.data()), id.bytes.size()));
    }
};

#undef TOKENSTORE_THROWING_FORM

#endif
