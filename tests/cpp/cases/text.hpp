// How bytes are written in a scenario: repetition, then percent-encoding. And what a value's text says of itself.
#pragma once

#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace cases {

/// A line that cannot be played, or an answer that breaks what must hold of every answer.
struct mistake : std::runtime_error {
    using std::runtime_error::runtime_error;
};

inline std::vector<std::string> split(std::string_view text, char at) {
    std::vector<std::string> parts(1);
    for (const char c : text) {
        if (c == at) {
            parts.emplace_back();
        } else {
            parts.back() += c;
        }
    }
    return parts;
}

inline std::string replaced(std::string_view text, char what, std::string_view with) {
    std::string out;
    for (const char c : text) {
        if (c == what) {
            out += with;
        } else {
            out += c;
        }
    }
    return out;
}

/// A whole number from `least` to `most`, written in digits.
template <class Number> Number number(const std::string &text) {
    const bool negative = !text.empty() && text[0] == '-';
    const std::size_t from = negative || (!text.empty() && text[0] == '+') ? 1 : 0;
    std::uint64_t sum = 0;
    bool fits = text.size() > from;
    for (std::size_t n = from; n < text.size() && fits; ++n) {
        const std::uint64_t digit = static_cast<std::uint64_t>(text[n]) - '0';
        fits = digit <= 9 && sum <= (UINT64_MAX - digit) / 10;
        sum = sum * 10 + digit;
    }
    const auto made = static_cast<Number>(negative ? 0 - sum : sum);
    const bool is_negative = made < Number{};
    if (!fits || static_cast<std::uint64_t>(made) != (negative ? 0 - sum : sum) ||
        is_negative != (negative && sum != 0)) {
        throw mistake("`" + text + "` is no number that fits");
    }
    return made;
}

/// Writes out every `{TEXT*COUNT}`: TEXT, COUNT times, with `$` in it as the number of the turn, from 1 on.
inline std::string expand(const std::string &word) {
    std::string out;
    std::size_t at = 0;
    for (std::size_t open; (open = word.find('{', at)) != std::string::npos;) {
        const std::size_t close = word.find('}', open);
        if (close == std::string::npos) {
            throw mistake("`" + word + "` has a { without a }");
        }
        out.append(word, at, open - at);
        const std::string inside = word.substr(open + 1, close - open - 1);
        const std::size_t star = inside.rfind('*');
        if (star != std::string::npos) {
            const auto count = number<std::uint32_t>(inside.substr(star + 1));
            const std::string text = inside.substr(0, star);
            for (std::uint32_t turn = 1; turn <= count; ++turn) {
                out += replaced(text, '$', std::to_string(turn));
            }
        } else if (inside.empty()) {
            out += "{}"; // the place of the value in a header
        } else {
            throw mistake("`{" + inside + "}` has no count");
        }
        at = close + 1;
    }
    return out.append(word, at, std::string::npos);
}

inline int hex_digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    return -1;
}

/// The bytes of a text in which `%XX` stands for the byte with that number.
inline std::string decode(std::string_view text) {
    std::string out;
    for (std::size_t n = 0; n < text.size(); ++n) {
        if (text[n] != '%') {
            out += text[n];
            continue;
        }
        const int high = n + 2 < text.size() ? hex_digit(text[n + 1]) : -1;
        const int low = n + 2 < text.size() ? hex_digit(text[n + 2]) : -1;
        if (high < 0 || low < 0) {
            throw mistake("`" + std::string(text) + "` has a % without two hexadecimal digits");
        }
        out += static_cast<char>(high * 16 + low);
        n += 2;
    }
    return out;
}

inline bool is_alphanumeric(char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/// The one way in which an answer writes these bytes.
inline std::string encode(std::string_view bytes) {
    constexpr char digits[] = "0123456789ABCDEF";
    bool is_special = false;
    for (const std::string_view word : {"none", "all", "never", "any", "yes", "no"}) {
        is_special = is_special || word == bytes;
    }
    std::string out;
    for (std::size_t n = 0; n < bytes.size(); ++n) {
        const bool plain = is_alphanumeric(bytes[n]) ||
                           (bytes[n] != '\0' && std::string_view("-._~:/@+").find(bytes[n]) != std::string_view::npos);
        if (plain && !(is_special && n == 0)) {
            out += bytes[n];
        } else {
            const auto byte = static_cast<unsigned char>(bytes[n]);
            out += '%';
            out += digits[byte >> 4];
            out += digits[byte & 15];
        }
    }
    return out;
}

/// A list with commas, or `none`.
inline std::string list(const std::vector<std::string> &items) {
    std::string out;
    for (const std::string &item : items) {
        out += (out.empty() ? "" : ",") + item;
    }
    return items.empty() ? "none" : out;
}

/// The prefix of a value that is `<prefix>_<30 base62><6 check characters>`, read by the rules of the documents.
inline std::optional<std::string> native_prefix(std::string_view value) {
    constexpr std::string_view base62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    if (value.size() < 37) {
        return std::nullopt;
    }
    const std::string_view text = value.substr(0, value.size() - 6);
    if (text[text.size() - 31] != '_') {
        return std::nullopt;
    }
    for (const char c : text.substr(text.size() - 30)) {
        if (!is_alphanumeric(c)) {
            return std::nullopt;
        }
    }
    std::uint64_t read = 0;
    for (const char c : value.substr(value.size() - 6)) {
        const std::size_t digit = base62.find(c);
        if (digit == std::string_view::npos) {
            return std::nullopt;
        }
        read = read * 62 + digit;
    }
    std::uint32_t crc = ~std::uint32_t{0}; // CRC-32/ISO-HDLC, a bit at a time
    for (const char c : text) {
        crc ^= static_cast<unsigned char>(c);
        for (int bit = 0; bit < 8; ++bit) {
            crc = (crc >> 1) ^ ((crc & 1) != 0 ? 0xedb88320U : 0U);
        }
    }
    if (read != static_cast<std::uint32_t>(~crc)) {
        return std::nullopt;
    }
    return std::string(text.substr(0, text.size() - 31));
}

} // namespace cases
