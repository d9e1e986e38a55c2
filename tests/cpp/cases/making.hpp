// Operations on the store itself, its clock, its key and its types, and those that make tokens.
#pragma once

#include "world.hpp"

namespace cases {

/// `advance MS` lets time pass; `clock TIME` sets the wall clock alone.
inline void move_clock(world &world, arguments &args, bool passes) {
    const std::string ms = args.next("a number of milliseconds");
    args.finish();
    world.store(); // it is made before the clock moves, also where no line says so
    if (passes) {
        world.clock().advance(lifetime(ms));
    } else {
        world.clock().set(time_at(number<std::int64_t>(ms)));
    }
}

/// `store memory|file [key=] [max_events=]`.
inline answer make_store(world &world, arguments &args) {
    const std::string place = args.next("`memory` or `file`");
    world.forget_settings();
    world.settings(args);
    args.finish();
    if (world.has_store()) {
        throw mistake("a store is made once, in the first line of a scenario");
    }
    if (place != "memory" && place != "file") {
        throw mistake("a store is in memory or in a file, not in `" + place + "`");
    }
    world.put_store(place == "memory" ? ts::store::in_memory(world.options())
                                      : ts::store::create(world.path(), world.options()));
    return {"OK"};
}

/// `reopen [key=] [max_events=]`: closes the store if it is open, and opens it.
inline answer reopen(world &world, arguments &args) {
    world.settings(args);
    args.finish();
    world.must_have_file();
    std::error_code closed;
    world.store().close(closed);
    if (closed && closed != ts::errc::closed) {
        throw ts::error(static_cast<ts::errc>(closed.value()), 0, "closing");
    }
    world.put_store(ts::store::open(world.path(), world.options()));
    return {"OK"};
}

inline answer change_key(world &world, arguments &args) {
    const std::string key = world::key(args.required("key"));
    args.finish();
    if (key.empty()) {
        world.store().remove_key();
    } else {
        world.store().change_key(key);
    }
    world.put_key(key);
    return {"OK"};
}

/// `access= refresh= family= [grace=MS|none] [old_access=now|grace|on]`, of a type of refresh values.
inline std::optional<ts::family_policy> families(arguments &args) {
    const auto access = args.word("access"), refresh = args.word("refresh"), family = args.word("family");
    if (!access.has_value() && !refresh.has_value() && !family.has_value()) {
        return std::nullopt;
    }
    if (!access.has_value() || !refresh.has_value() || !family.has_value()) {
        throw mistake("`access`, `refresh` and `family` stand together");
    }
    ts::family_policy policy(lifetime(*access), lifetime(*refresh), lifetime(*family));
    if (const auto grace = args.word("grace")) {
        *grace == "none" ? policy.no_grace() : policy.grace(lifetime(*grace));
    }
    if (const auto fate = args.word("old_access")) {
        const std::map<std::string, ts::old_access> fates = {{"now", ts::old_access::ends_now},
                                                             {"grace", ts::old_access::ends_with_grace},
                                                             {"on", ts::old_access::lives_on}};
        const auto found = fates.find(*fate);
        policy.old_access(found != fates.end()
                              ? found->second
                              : throw mistake("`old_access` is now, grace or on, not `" + *fate + "`"));
    }
    return policy;
}

/// `type NAME prefix= [default=] [max=] [unique_names=] [by_name_only=] [external=] [uses=] [volatile=] [FAMILIES]`.
inline answer declare(world &world, arguments &args) {
    std::string name;
    if (const auto word = args.next_if_any()) {
        name = *word;
    } else {
        name = decode(args.required("name"));
    }
    const std::string prefix = decode(args.required("prefix"));
    ts::policy policy(name, prefix);
    if (const auto ms = args.word("default")) policy.default_lifetime(lifetime(*ms));
    if (const auto ms = args.word("max")) policy.max_lifetime(lifetime(*ms));
    if (!args.flag("unique_names").value_or(true)) policy.shared_names();
    if (args.flag("by_name_only").value_or(false)) policy.by_name_only();
    if (args.flag("external").value_or(false)) policy.accepts_external();
    if (const auto uses = args.number<std::uint32_t>("uses")) policy.uses(*uses);
    if (args.flag("volatile").value_or(false)) policy.in_memory();
    if (const auto refreshing = families(args)) policy.families(*refreshing);
    args.finish();
    const ts::type_id type = world.store().declare(policy);
    world.declared(name, type);
    return answer{"OK"}.field("number", static_cast<std::uint32_t>(type));
}

inline answer find_type(world &world, arguments &args) {
    const std::string name = args.next("a type's name");
    args.finish();
    const auto type = world.store().find_type(name);
    if (!type.has_value()) {
        return {"NONE"};
    }
    return answer{"OK"}
        .field("number", static_cast<std::uint32_t>(*type))
        .field("prefix", world.store().type(*type).prefix);
}

inline answer types(world &world, arguments &args) {
    args.finish();
    std::vector<std::string> names;
    for (const ts::declared_type &type : world.store().types()) {
        names.push_back(encode(type.name));
    }
    return answer{"OK"}.field("list", list(names));
}

/// The strings that a token or a pair to be made, or an edit, looks at.
struct texts {
    std::optional<std::string> owner, name, binding, data, by;
    std::vector<std::string> projects;
};

/// `[projects=all|none|LIST] [data=] [word=]` of a new token, a new pair and an edit alike.
template <class Builder> void contents(Builder &builder, texts &texts, arguments &args) {
    if (const auto projects = args.word("projects")) {
        if (*projects == "all") {
            builder.all_projects();
        } else {
            for (const std::string &project :
                 *projects == "none" ? std::vector<std::string>() : split(*projects, ',')) {
                texts.projects.push_back(decode(project));
            }
            builder.projects(texts.projects);
        }
    }
    if ((texts.data = args.bytes("data")).has_value()) builder.app_data(*texts.data);
    if (const auto word = args.number<std::uint64_t>("word")) builder.app_word(*word);
}

/// `[expires=TIME|never] [lifetime=]` and the contents of a new token and of an edit alike.
template <class Builder> void fields(Builder &builder, texts &texts, arguments &args) {
    const auto expires = args.word("expires");
    const auto lives = args.word("lifetime");
    if (expires.has_value() && lives.has_value()) {
        throw mistake("either `expires` or `lifetime`");
    }
    if (expires == "never") {
        builder.never_expires();
    } else if (expires.has_value()) {
        builder.expires_at(time_at(number<std::int64_t>(*expires)));
    } else if (lives.has_value()) {
        builder.expires_in(lifetime(*lives));
    }
    contents(builder, texts, args);
}

/// `type= owner= ...`, all but the name.
inline ts::new_token wanted(world &world, texts &texts, arguments &args) {
    const ts::type_id type = world.type(args.required("type"));
    texts.owner = decode(args.required("owner"));
    ts::new_token token(type, *texts.owner);
    fields(token, texts, args);
    if ((texts.binding = args.bytes("binding")).has_value()) token.binding(*texts.binding);
    if (const auto parent = args.word("parent")) token.parent(world.subject(*parent));
    if ((texts.by = args.bytes("by")).has_value()) token.by(*texts.by);
    return token;
}

inline ts::new_token wanted_with_name(world &world, texts &texts, arguments &args) {
    const auto name = args.word("name");
    ts::new_token token = wanted(world, texts, args);
    args.finish();
    if (name.has_value() && *name != "none") {
        texts.name = decode(*name);
        token.name(*texts.name);
    }
    return token;
}

inline answer create(world &world, arguments &args) {
    const std::string name = args.next("a name for the token");
    texts texts;
    const ts::created made = world.store().create(wanted_with_name(world, texts, args));
    world.name_token(name, made.id, made.value.reveal());
    return answer{"CREATED"}.field("revision", made.revision);
}

/// `create_many TOKEN,TOKEN,... [names=NAME,NAME,...] type= owner= ...`: alike but for their names.
inline answer create_many(world &world, arguments &args) {
    const std::vector<std::string> tokens = split(args.next("names for the tokens"), ',');
    const auto word = args.bytes("names");
    const std::vector<std::string> names = word.has_value() ? split(*word, ',') : std::vector<std::string>();
    texts texts;
    const ts::new_token token = wanted(world, texts, args);
    args.finish();
    std::vector<ts::new_token> wanted(tokens.size(), token);
    for (std::size_t n = 0; n < names.size() && n < wanted.size(); ++n) {
        wanted[n].name(names[n]);
    }
    std::vector<std::string> results;
    std::error_code code;
    const std::vector<ts::creation> made = world.store().create_many(wanted, code);
    for (std::size_t n = 0; n < tokens.size(); ++n) {
        // What refuses the call refuses each token.
        const auto status = code ? static_cast<ts::errc>(code.value()) : made.at(n).status;
        if (status == ts::errc::ok) {
            world.name_token(tokens[n], made[n].token.id, made[n].token.value.reveal());
        }
        results.push_back(status == ts::errc::ok ? "CREATED" : std::string(ts::name(status)));
    }
    return {list(results)};
}

/// `create_if_absent TOKEN type= owner= name= ...`; EXISTING gives TOKEN to nobody.
inline answer create_if_absent(world &world, arguments &args) {
    const std::string name = args.next("a name for the token");
    texts texts;
    const ts::created made = world.store().create_if_absent(wanted_with_name(world, texts, args));
    if (made.existed) {
        if (!made.value.empty()) {
            throw mistake("a token that was there has a value");
        }
        return answer{"EXISTING"}.field("token", world.name_of(made.id));
    }
    world.name_token(name, made.id, made.value.reveal());
    return answer{"CREATED"}.field("revision", made.revision);
}

/// `create_from_value TOKEN value=|value_of= type= owner= ...`.
inline answer create_from_value(world &world, arguments &args) {
    const std::string name = args.next("a name for the token");
    const auto of = args.word("value_of");
    const std::string value = of.has_value() ? world.known(*of).value : decode(args.required("value"));
    texts texts;
    const ts::created made = world.store().create_from_value(wanted_with_name(world, texts, args), value);
    world.name_token(name, made.id, value);
    return answer{"CREATED"}.field("revision", made.revision);
}

} // namespace cases
