// What a scenario is played in: a store, a clock that stands until it is moved, and the names that the lines use.
#pragma once

#include <memory>
#include <new>

#include "args.hpp"

namespace cases {

namespace ts = tokenstore;

/// A token that a line named, by one of its values.
struct known_token {
    ts::token_id id;
    std::string value;
    /// Whether the line gave a token its next value: answers call the token by its first name.
    bool later_name = false;
    /// Where the last verify said that its owner is.
    std::optional<ts::owner_ref> owner = {};
};

class world {
public:
    explicit world(std::filesystem::path folder) : folder_(std::move(folder)) {
        std::filesystem::create_directories(folder_);
    }
    world(const world &) = delete;
    world &operator=(const world &) = delete;
    ~world() {
        store_.reset();
        std::error_code ignored;
        std::filesystem::remove_all(folder_, ignored);
    }

    const ts::manual_clock &clock() const { return clock_; }

    /// The store, which is one in memory unless a line said otherwise.
    ts::store &store() {
        if (!store_.has_value()) {
            store_ = ts::store::in_memory(options());
        }
        return *store_;
    }

    ts::options options() const {
        ts::options made;
        made.clock(clock_);
        if (!key_.empty()) {
            made.key(key_);
        }
        if (max_events_.has_value()) {
            made.max_events(*max_events_);
        }
        return made;
    }

    /// `key=` a letter, which stands for 32 of it, or `none`.
    static std::string key(const std::string &word) {
        if (word != "none" && word.size() != 1) {
            throw mistake("a key is one letter or `none`, not `" + word + "`");
        }
        return word == "none" ? std::string() : std::string(32, word[0]);
    }

    /// `[key=] [max_events=]`; what is not given stays.
    void settings(arguments &args) {
        if (const auto word = args.word("key")) {
            key_ = key(*word);
        }
        if (const auto events = args.number<std::uint64_t>("max_events")) {
            max_events_ = events;
        }
    }
    void forget_settings() {
        key_.clear();
        max_events_.reset();
    }
    void put_key(std::string key) { key_ = std::move(key); }

    bool has_store() const { return store_.has_value(); }
    void put_store(ts::store store) { store_ = std::move(store); }

    /// Where the store's file is, or would be.
    std::string path() {
        has_file_ = true;
        return (folder_ / "tokens.store").string();
    }
    std::string path_of_nothing() const { return (folder_ / "nothing.store").string(); }
    void must_have_file() const {
        if (!has_file_) {
            throw mistake("this needs `store file` in the first line");
        }
    }

    void declared(const std::string &name, ts::type_id type) { types_[name] = type; }

    /// The type of this name, or `number:N` for a number that this store has not given to any.
    ts::type_id type(const std::string &name) const {
        const auto found = types_.find(name);
        if (found != types_.end()) {
            return found->second;
        }
        if (name.rfind("number:", 0) != 0) {
            throw mistake("no line declared the type `" + name + "`");
        }
        return static_cast<ts::type_id>(number<std::uint16_t>(name.substr(7)));
    }

    std::string type_name(ts::type_id type) const {
        for (const auto &[name, known] : types_) {
            if (known == type) {
                return name;
            }
        }
        return "number:" + std::to_string(static_cast<std::uint32_t>(type));
    }

    known_token &known(const std::string &name) {
        const auto found = tokens_.find(name);
        return found != tokens_.end() ? found->second : throw mistake("no line made a token `" + name + "`");
    }

    /// No word stands for two things.
    void must_be_free(const std::string &name) const {
        for (const auto &[kind, taken] : {std::pair("token", tokens_.count(name)), {"family", families_.count(name)}}) {
            if (taken != 0) {
                throw mistake("there is a " + std::string(kind) + " `" + name + "` already");
            }
        }
    }

    void name_token(const std::string &name, ts::token_id id, std::string_view value) {
        must_be_free(name);
        tokens_[name] = {id, std::string(value)};
    }

    /// A name for the value that a token was just given. Its other names stay for the values before.
    void name_next_value(const std::string &name, ts::token_id id, std::string_view value) {
        name_token(name, id, value);
        tokens_[name].later_name = true;
    }

    void name_family(const std::string &name, ts::token_id id) {
        must_be_free(name);
        families_[name] = id;
    }

    /// The first name of a token or a family.
    std::string name_of(ts::token_id id) const {
        for (const auto &[name, known] : tokens_) {
            if (known.id == id && !known.later_name) {
                return name;
            }
        }
        for (const auto &[name, family] : families_) {
            if (family == id) {
                return name;
            }
        }
        return "?";
    }
    std::string name_or_none(const std::optional<ts::token_id> &id) const {
        return id.has_value() ? name_of(*id) : "none";
    }

    /// How many of the tokens that lines named the store still has.
    std::size_t tokens_left() {
        std::size_t left = 0;
        for (const auto &[name, known] : tokens_) {
            std::error_code code;
            static_cast<void>(store().get(known.id, code));
            left += !known.later_name && !code ? 1 : 0;
        }
        return left;
    }

    /// `TOKEN` or `FAMILY`, or `id:UUID` for any id.
    ts::token_id subject(const std::string &word) {
        if (word.rfind("id:", 0) != 0) {
            const auto family = families_.find(word);
            return family != families_.end() ? family->second : known(word).id;
        }
        const auto id = ts::token_id::parse(std::string_view(word).substr(3));
        return id.has_value() ? *id : throw mistake("`" + word + "` is no UUID");
    }

private:
    std::filesystem::path folder_;
    bool has_file_ = false;
    ts::manual_clock clock_ = ts::manual_clock::create(time_at(0));
    std::string key_;
    std::optional<std::uint64_t> max_events_;
    std::optional<ts::store> store_;
    std::map<std::string, ts::type_id> types_;
    std::map<std::string, known_token> tokens_;
    std::map<std::string, ts::token_id> families_;
};

} // namespace cases
