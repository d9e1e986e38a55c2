// The arguments of a line, and its answer. Whatever is not taken is a mistake, so that a misspelt key fails.
#pragma once

#include <deque>
#include <limits>
#include <map>

#include "scenario.hpp"
#include "tokenstore.hpp"

namespace cases {

/// What a clock shows at the start of a scenario: 2026-01-01 00:00:00 UTC. Every time is in milliseconds after it.
inline constexpr std::int64_t start_ms = 1767225600000;

inline tokenstore::time_point time_at(std::int64_t ms) {
    return tokenstore::time_point(tokenstore::milliseconds(start_ms + ms));
}

inline std::string ms_of(tokenstore::time_point time) {
    return std::to_string(time.time_since_epoch().count() - start_ms);
}

inline std::string ms_or(const std::optional<tokenstore::time_point> &time, const char *none) {
    return time.has_value() ? ms_of(*time) : none;
}

/// A length of time, of which the library has 63 bits and a line 64.
inline tokenstore::milliseconds lifetime(const std::string &text) {
    const auto most = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
    return tokenstore::milliseconds(static_cast<std::int64_t>(std::min(number<std::uint64_t>(text), most)));
}

/// What follows an operation's name.
class arguments {
public:
    explicit arguments(const std::vector<std::string> &words) {
        for (std::size_t n = 1; n < words.size(); ++n) {
            const std::string word = expand(words[n]);
            const std::size_t equals = word.find('=');
            if (equals == std::string::npos) {
                plain_.push_back(word);
            } else if (!named_.emplace(word.substr(0, equals), word.substr(equals + 1)).second) {
                throw mistake("`" + word.substr(0, equals) + "` is given twice");
            }
        }
    }

    /// The next word without a key, if there is one.
    std::optional<std::string> next_if_any() {
        if (plain_.empty()) {
            return std::nullopt;
        }
        std::string word = plain_.front();
        plain_.pop_front();
        return word;
    }

    std::string next(const char *what) {
        auto word = next_if_any();
        return word.has_value() ? *word : throw mistake(std::string(what) + " is missing");
    }

    /// The value of a key as it is written.
    std::optional<std::string> word(const std::string &key) {
        const auto found = named_.extract(key);
        return found.empty() ? std::nullopt : std::optional<std::string>(found.mapped());
    }

    std::string required(const std::string &key) {
        auto found = word(key);
        return found.has_value() ? *found : throw mistake("`" + key + "=` is missing");
    }

    std::optional<std::string> bytes(const std::string &key) {
        const auto found = word(key);
        return found.has_value() ? std::optional<std::string>(decode(*found)) : std::nullopt;
    }

    template <class Number> std::optional<Number> number(const std::string &key) {
        const auto found = word(key);
        return found.has_value() ? std::optional<Number>(cases::number<Number>(*found)) : std::nullopt;
    }

    std::optional<bool> flag(const std::string &key) {
        const auto found = word(key);
        if (found.has_value() && *found != "yes" && *found != "no") {
            throw mistake("`" + key + "` is yes or no, not `" + *found + "`");
        }
        return found.has_value() ? std::optional<bool>(*found == "yes") : std::nullopt;
    }

    /// Every word and every key must have been taken.
    void finish() const {
        if (!plain_.empty()) {
            throw mistake("this operation knows no `" + plain_.front() + "`");
        }
        if (!named_.empty()) {
            throw mistake("this operation knows no `" + named_.begin()->first + "`");
        }
    }

private:
    std::deque<std::string> plain_;
    std::map<std::string, std::string> named_;
};

/// What an operation answered: a name in capitals, and fields.
struct answer {
    std::string result;
    std::map<std::string, std::string> fields = {};

    answer &field(const std::string &name, std::string value) {
        fields[name] = std::move(value);
        return *this;
    }
    answer &field(const std::string &name, std::uint64_t value) { return field(name, std::to_string(value)); }

    std::string to_string() const {
        constexpr std::size_t longest_shown = 120;
        std::string out = result;
        for (const auto &[name, value] : fields) {
            out += " " + name + "=" + value.substr(0, longest_shown) + (value.size() > longest_shown ? "..." : "");
        }
        return out;
    }

    /// What is wrong with it, if anything is.
    std::optional<std::string> difference(const turn &expected) const {
        bool same = result == expected.result;
        for (const auto &[name, value] : expected.fields) {
            const auto found = fields.find(name);
            same = same && found != fields.end() && found->second == expand(value);
            if (found == fields.end() && result == expected.result) {
                return "there is no field `" + name + "` in " + to_string();
            }
        }
        if (same) {
            return std::nullopt;
        }
        std::string wanted = expected.result;
        for (const auto &[name, value] : expected.fields) {
            wanted += " " + name + "=" + value;
        }
        return "expected " + wanted + "; " + to_string() + " came";
    }
};

} // namespace cases
