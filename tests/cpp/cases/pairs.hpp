// Operations that issue and refresh pairs.
#pragma once

#include "judging.hpp"
#include "making.hpp"

namespace cases {

/// `[access_value=|access_value_of=] [refresh_value=|refresh_value_of=]`: values of the caller's own.
struct own_values {
    own_values(world &world, arguments &args)
        : access(read(world, args, "access_value")), refresh(read(world, args, "refresh_value")) {
        if (access.has_value()) values.access(*access);
        if (refresh.has_value()) values.refresh(*refresh);
    }
    own_values(const own_values &) = delete;
    own_values &operator=(const own_values &) = delete;

    static std::optional<std::string> read(world &world, arguments &args, const std::string &key) {
        const auto value = args.bytes(key);
        const auto of = args.word(key + "_of");
        if (value.has_value() && of.has_value()) {
            throw mistake("either `" + key + "` or `" + key + "_of`");
        }
        return of.has_value() ? std::optional<std::string>(world.known(*of).value) : value;
    }

    std::optional<std::string> access, refresh;
    ts::pair_values values;
};

/// A pair as an answer.
inline answer handed_out(const world &world, const char *result, const ts::token_pair &pair) {
    return answer{result}
        .field("family", world.name_of(pair.family))
        .field("access", world.name_of(pair.access.id))
        .field("refresh", world.name_of(pair.refresh.id))
        .field("access_expires", ms_of(pair.access.expires))
        .field("refresh_expires", ms_of(pair.refresh.expires))
        .field("revision", pair.revision);
}

/// The words for the tokens of a pair.
struct member_names {
    std::string access, refresh;

    void must_be_free(const world &world) const {
        world.must_be_free(access);
        world.must_be_free(refresh);
    }
    void give(world &world, const ts::token_pair &pair) const {
        world.name_token(access, pair.access.id, pair.access.value.reveal());
        world.name_token(refresh, pair.refresh.id, pair.refresh.value.reveal());
    }
};

/// `issue_pair FAMILY access=TOKEN refresh=TOKEN access_type= refresh_type= owner= client= [name=] [projects=]
/// [bind_access=yes] [data=] [word=] [by=] [VALUES]`.
inline answer issue_pair(world &world, arguments &args) {
    const std::string family = args.next("a name for the family");
    const member_names names{args.required("access"), args.required("refresh")};
    const ts::type_id access = world.type(args.required("access_type"));
    const ts::type_id refresh = world.type(args.required("refresh_type"));
    const std::string owner = decode(args.required("owner")), client = decode(args.required("client"));
    ts::new_pair wanted(access, refresh, owner, client);
    texts texts;
    if (const auto name = args.word("name"); name.has_value() && *name != "none") {
        texts.name = decode(*name);
        wanted.name(*texts.name);
    }
    contents(wanted, texts, args);
    if (args.flag("bind_access").value_or(false)) wanted.bind_access();
    if ((texts.by = args.bytes("by")).has_value()) wanted.by(*texts.by);
    const own_values own(world, args);
    args.finish();
    world.must_be_free(family);
    names.must_be_free(world);
    const ts::token_pair pair = world.store().issue_pair(wanted, own.values);
    if (pair.outcome != ts::pair_outcome::issued) {
        throw mistake("a first pair is said to be a later one");
    }
    world.name_family(family, pair.family);
    names.give(world, pair);
    return handed_out(world, "CREATED", pair);
}

/// `refresh TOKEN|value= client= [access=TOKEN refresh=TOKEN] [by=] [VALUES]`.
inline answer refresh(world &world, arguments &args) {
    const presented shown = present(world, args);
    const std::string client = decode(args.required("client"));
    const auto access = args.word("access"), refresh = args.word("refresh");
    if (access.has_value() != refresh.has_value()) {
        throw mistake("`access` and `refresh` stand together");
    }
    const own_values own(world, args);
    const std::string by = args.bytes("by").value_or("");
    args.finish();
    const member_names names{access.value_or(""), refresh.value_or("")};
    names.must_be_free(world);
    const ts::refreshed refreshed = world.store().refresh(shown.value, client, own.values, by);
    const bool has_pair = refreshed.status == ts::errc::ok;
    if (has_pair != static_cast<bool>(refreshed) || has_pair == refreshed.refused() ||
        has_pair != (refreshed.rotated() != refreshed.replayed())) {
        throw mistake("what was refreshed is not what the status says");
    }
    if (refreshed.refused()) {
        return {std::string(ts::name(refreshed.status))};
    }
    const ts::token_pair &pair = *refreshed.pair;
    if (refreshed.rotated()) {
        if (!access.has_value()) {
            throw mistake("a pair was made, and the line has no names for it");
        }
        names.give(world, pair);
        return handed_out(world, "ROTATED", pair);
    }
    for (const ts::pair_member *member : {&pair.access, &pair.refresh}) {
        const std::string name = world.name_of(member->id);
        if (world.known(name).value != member->value.reveal()) {
            throw mistake("another value than the one that " + name + " was made with");
        }
    }
    return handed_out(world, "REPLAYED", pair);
}

} // namespace cases
