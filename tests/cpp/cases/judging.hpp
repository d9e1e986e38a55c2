// Operations that judge values, and what else is done with a value.
#pragma once

#include "world.hpp"

namespace cases {

/// A value as it is presented.
struct presented {
    std::string value;
    /// The token whose own value it is, unchanged.
    std::optional<std::string> of;
};

inline std::string mutated(world &world, arguments &args, std::string value) {
    const auto place = [&](std::size_t at) {
        return at < value.size() ? at : throw mistake("the value has no byte " + std::to_string(at));
    };
    if (const auto at = args.number<std::size_t>("flip")) {
        value[place(*at)] = static_cast<char>(value[place(*at)] ^ 1);
    }
    if (const auto from = args.number<std::size_t>("case")) {
        std::size_t at = place(*from);
        while (at < value.size() && !(is_alphanumeric(value[at]) && value[at] > '9')) {
            ++at;
        }
        if (at == value.size()) {
            throw mistake("no letter from there on");
        }
        value[at] = static_cast<char>(value[at] ^ 0x20);
    }
    if (const auto word = args.word("put")) {
        const std::size_t colon = word->find(':');
        if (colon == std::string::npos) {
            throw mistake("`put` is PLACE:TEXT");
        }
        value.replace(place(number<std::size_t>(word->substr(0, colon))), 1, decode(word->substr(colon + 1)));
    }
    if (const auto bytes = args.number<std::size_t>("truncate")) {
        value.resize(value.size() - std::min(value.size(), *bytes));
    }
    if (const auto text = args.bytes("prepend")) value.insert(0, *text);
    if (const auto text = args.bytes("append")) value += *text;
    if (const auto token = args.word("append_value")) value += world.known(*token).value;
    return value;
}

/// `TOKEN` or `value=`, and changes to it.
inline presented present(world &world, arguments &args) {
    const auto of = args.next_if_any();
    const auto given = args.bytes("value");
    if (of.has_value() == given.has_value()) {
        throw mistake("either a token or `value=`");
    }
    const std::string original = of.has_value() ? world.known(*of).value : *given;
    presented made{mutated(world, args, original), of};
    if (made.value != original) {
        made.of.reset();
    }
    return made;
}

/// `type=NAME|any [project=] [binding=]`, and the strings that a query looks at.
struct asked {
    asked(world &world, arguments &args)
        : type(args.required("type")), project(args.bytes("project")), binding(args.bytes("binding")),
          query(type == "any" ? ts::query::any_type() : ts::query::of_type(world.type(type))) {
        if (project.has_value()) query.project(*project);
        if (binding.has_value()) query.binding(*binding);
    }
    asked(const asked &) = delete;
    asked &operator=(const asked &) = delete;

    std::string type;
    std::optional<std::string> project, binding;
    ts::query query;
};

/// A verdict as an answer. What must hold of every verdict is checked here.
inline answer judged(world &world, const presented &shown, const ts::verdict &verdict) {
    const ts::errc status = verdict.status();
    if (verdict.allowed() != (status == ts::errc::ok) || static_cast<bool>(verdict) != verdict.allowed()) {
        throw mistake("allowed() does not say what the status says");
    }
    answer made{std::string(ts::name(status))};
    const bool named = status != ts::errc::malformed && status != ts::errc::unknown && !verdict.is_trouble();
    if (verdict.has_identity() != named) {
        throw mistake(made.result + ", but the identity is there or not");
    }
    if (!named) {
        const bool zeros = verdict.id() == ts::token_id() && static_cast<std::uint64_t>(verdict.owner()) == 0 &&
                           static_cast<std::uint32_t>(verdict.type()) == 0 && verdict.app_word() == 0 &&
                           verdict.revision() == 0 && !verdict.all_projects() && !verdict.no_projects();
        return zeros ? made : throw mistake(made.result + " tells something");
    }
    const std::string token = world.name_of(verdict.id());
    if (shown.of.has_value() && world.known(*shown.of).id != verdict.id()) {
        throw mistake("the value is another token's: " + token + "'s");
    }
    if (verdict.all_projects() && verdict.no_projects()) {
        throw mistake("all projects and none at once");
    }
    if (token != "?") {
        world.known(token).owner = verdict.owner();
    }
    const auto owner = world.store().owner(verdict.owner());
    return made.field("token", token)
        .field("owner", owner.has_value() ? encode(*owner) : "none")
        .field("type", world.type_name(verdict.type()))
        .field("expires", ms_or(verdict.expires(), "never"))
        .field("word", verdict.app_word())
        .field("revision", verdict.revision())
        .field("projects", verdict.all_projects()  ? "all"
                           : verdict.no_projects() ? "none"
                                                   : "some")
        .field("old_value", verdict.old_value() ? "yes" : "no");
}

inline answer verify(world &world, arguments &args) {
    const presented shown = present(world, args);
    const asked asked(world, args);
    args.finish();
    return judged(world, shown, world.store().verify(shown.value, asked.query));
}

/// `consume TOKEN|value= type= ...`.
inline answer consume(world &world, arguments &args) {
    const presented shown = present(world, args);
    const asked asked(world, args);
    args.finish();
    const ts::consumed consumed = world.store().consume(shown.value, asked.query);
    answer made = judged(world, shown, consumed.verdict);
    if (static_cast<bool>(consumed) != consumed.verdict.allowed()) {
        throw mistake("what was consumed is not what the verdict says");
    }
    if (consumed) {
        return made.field("data", encode(consumed.app_data)).field("uses_left", consumed.uses_left);
    }
    return consumed.app_data.empty() && consumed.uses_left == 0 ? made
                                                                : throw mistake(made.result + ", but something came");
}

/// `authorization TOKEN|value= as=HEADER type= ...`: `{}` in the header is where the value stands.
inline answer authorization(world &world, arguments &args) {
    const std::string header = args.required("as");
    const std::size_t place = header.find("{}");
    presented shown;
    std::string whole = decode(header.substr(0, place));
    if (place != std::string::npos) {
        shown = present(world, args);
        whole += shown.value + decode(header.substr(place + 2));
    }
    asked asked(world, args);
    args.finish();
    return judged(world, shown, world.store().verify(whole, asked.query.header()));
}

/// `verify_many TOKEN,TOKEN,... [raw=TEXT,TEXT,...] type= ...`: the answers in this order, and how many are OK.
inline answer verify_many(world &world, arguments &args) {
    std::vector<presented> shown;
    if (const auto names = args.next_if_any()) {
        for (const std::string &name : split(*names, ',')) {
            shown.push_back({world.known(name).value, name});
        }
    }
    if (const auto raw = args.word("raw")) {
        for (const std::string &text : split(*raw, ',')) {
            shown.push_back({decode(text), std::nullopt});
        }
    }
    const asked asked(world, args);
    args.finish();
    std::vector<std::string_view> values;
    for (const presented &one : shown) {
        values.push_back(one.value);
    }
    const std::vector<ts::verdict> verdicts = world.store().verify_many(values, asked.query);
    std::vector<std::string> results;
    std::uint64_t allowed = 0;
    for (std::size_t n = 0; n < verdicts.size(); ++n) {
        if (verdicts[n].is_trouble()) {
            for (const ts::verdict &verdict : verdicts) {
                if (verdict.status() != verdicts[n].status() || verdict.allowed()) {
                    throw mistake("the call failed for some values alone");
                }
            }
            return judged(world, shown[n], verdicts[n]);
        }
        results.push_back(judged(world, shown[n], verdicts[n]).result);
        allowed += verdicts[n].allowed() ? 1 : 0;
    }
    return answer{list(results)}.field("allowed", allowed);
}

/// `value TOKEN`: the shape of a value, read without the store.
inline answer value(world &world, arguments &args) {
    const std::string &value = world.known(args.next("a token")).value;
    args.finish();
    const auto prefix = native_prefix(value);
    answer made{prefix.has_value() ? "NATIVE" : "OTHER"};
    if (prefix.has_value()) {
        made.field("prefix", encode(*prefix));
    }
    return made.field("length", value.size());
}

/// `owner TOKEN`: the owner's bytes, found by what the last verify of the token's value said.
inline answer owner(world &world, arguments &args) {
    const auto where = world.known(args.next("a token")).owner;
    args.finish();
    if (!where.has_value()) {
        throw mistake("no verify told this token's owner yet");
    }
    const auto owner = world.store().owner(*where);
    return owner.has_value() ? answer{"OK"}.field("owner", encode(*owner)) : answer{"NONE"};
}

} // namespace cases
