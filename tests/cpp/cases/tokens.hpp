// Operations that change tokens, and those that read what the store has.
#pragma once

#include "judging.hpp"
#include "making.hpp"

namespace cases {

/// `TOKEN|FAMILY [if_owner=] [if_revision=] [by=] [reason=]`, and the strings that a target looks at.
struct aimed {
    aimed(world &world, arguments &args)
        : owner(args.bytes("if_owner")), by(args.bytes("by")), reason(args.bytes("reason")),
          id(world.subject(args.next("a token"))), target(id) {
        if (owner.has_value()) target.if_owner(*owner);
        if (const auto revision = args.number<std::uint64_t>("if_revision")) target.if_revision(*revision);
        if (by.has_value()) target.by(*by);
        if (reason.has_value()) target.reason(*reason);
    }
    aimed(const aimed &) = delete;
    aimed &operator=(const aimed &) = delete;

    std::optional<std::string> owner, by, reason;
    ts::token_id id;
    ts::target target;
};

inline answer changed(const ts::change &change) {
    return answer{change.changed ? "CHANGED" : "UNCHANGED"}.field("revision", change.revision);
}

/// `edit TOKEN [name=] [expires=|lifetime=] [projects=] [data=] [word=] ...`.
inline answer edit(world &world, arguments &args) {
    const aimed aimed(world, args);
    ts::edit edit;
    texts texts;
    if (const auto name = args.word("name")) {
        texts.name = *name == "none" ? std::nullopt : std::optional<std::string>(decode(*name));
        texts.name.has_value() ? edit.name(*texts.name) : edit.no_name();
    }
    fields(edit, texts, args);
    args.finish();
    return changed(world.store().edit(aimed.target, edit));
}

/// The changes that need nothing but a target.
using plain_change = ts::change (ts::store::*)(const ts::target &) const;
inline answer plain(world &world, arguments &args, plain_change run) {
    const aimed aimed(world, args);
    args.finish();
    return changed((world.store().*run)(aimed.target));
}

/// The changes that need a project.
using project_change = ts::change (ts::store::*)(const ts::target &, std::string_view) const;
inline answer with_project(world &world, arguments &args, project_change run) {
    const aimed aimed(world, args);
    const std::string project = decode(args.required("project"));
    args.finish();
    return changed((world.store().*run)(aimed.target, project));
}

/// `rotate TOKEN to=NAME grace=MS ...`: NAME is a word for the new value, TOKEN stays one for the value before.
inline answer rotate(world &world, arguments &args) {
    const aimed aimed(world, args);
    const std::string name = args.required("to");
    const auto grace = lifetime(args.required("grace"));
    args.finish();
    const ts::token_id id = aimed.id;
    const ts::created made = world.store().rotate(aimed.target, grace);
    if (made.id != id || made.existed) {
        throw mistake("the new value is another token's");
    }
    world.name_next_value(name, id, made.value.reveal());
    return answer{"CHANGED"}.field("revision", made.revision);
}

inline answer revoke_value(world &world, arguments &args) {
    const presented shown = present(world, args);
    const std::string by = args.bytes("by").value_or("");
    const std::string reason = args.bytes("reason").value_or("");
    args.finish();
    return changed(world.store().revoke_value(shown.value, {by, reason}));
}

inline answer remove_project(world &world, arguments &args) {
    const std::string project = decode(args.required("project"));
    const std::string by = args.bytes("by").value_or("");
    const std::string reason = args.bytes("reason").value_or("");
    args.finish();
    const std::uint64_t removed = world.store().remove_project(project, {by, reason});
    return answer{removed > 0 ? "CHANGED" : "UNCHANGED"}.field("tokens", removed);
}

/// `revoke_owner owner= [type=] [by=] [reason=]`.
inline answer revoke_owner(world &world, arguments &args) {
    const std::string owner = decode(args.required("owner"));
    const auto type = args.word("type");
    const std::string by = args.bytes("by").value_or("");
    const std::string reason = args.bytes("reason").value_or("");
    args.finish();
    const ts::note note{by, reason};
    return changed(type.has_value() ? world.store().revoke_owner(owner, world.type(*type), note)
                                    : world.store().revoke_owner(owner, note));
}

/// `prune before=TIME limit=N`: the field `tokens` is how many were taken out.
inline answer prune(world &world, arguments &args) {
    const ts::time_point before = time_at(number<std::int64_t>(args.required("before")));
    const auto limit = number<std::uint64_t>(args.required("limit"));
    args.finish();
    const std::size_t held = world.tokens_left();
    const std::uint64_t pruned = world.store().prune(before, limit);
    if (held - world.tokens_left() != pruned) {
        throw mistake(std::to_string(pruned) + " are said to be taken out, and others are gone");
    }
    return answer{"OK"}.field("tokens", pruned);
}

inline constexpr std::pair<const char *, ts::token_state> states[] = {
    {"ACTIVE", ts::token_state::active},   {"DISABLED", ts::token_state::disabled},
    {"EXPIRED", ts::token_state::expired}, {"REVOKED", ts::token_state::revoked},
    {"USED", ts::token_state::used},       {"SUPERSEDED", ts::token_state::superseded}};

inline ts::token_state state_of(const std::string &word) {
    for (const auto &[name, state] : states) {
        if (word == name) {
            return state;
        }
    }
    throw mistake("there is no state `" + word + "`");
}

inline std::string state_name(ts::token_state state) {
    for (const auto &[name, known] : states) {
        if (known == state) {
            return name;
        }
    }
    return "?";
}

/// `get TOKEN [if_owner=] [if_revision=]`.
inline answer get(world &world, arguments &args) {
    const aimed aimed(world, args);
    args.finish();
    const ts::token token = world.store().get(aimed.target);
    std::vector<std::string> projects;
    for (const std::string &project : token.projects) {
        projects.push_back(encode(project));
    }
    if (token.no_projects != (projects.empty() && !token.all_projects)) {
        throw mistake("no_projects is not what the projects are");
    }
    return answer{"OK"}
        .field("state", state_name(token.state))
        .field("name", token.name.has_value() ? encode(*token.name) : "none")
        .field("owner", encode(token.owner))
        .field("type", world.type_name(token.type))
        .field("created", ms_of(token.created))
        .field("expires", ms_or(token.expires, "never"))
        .field("last_used", ms_or(token.last_used, "never"))
        .field("projects", token.all_projects ? "all" : list(projects))
        .field("bound", token.bound ? "yes" : "no")
        .field("disabled", token.disabled ? "yes" : "no")
        .field("revoked", ms_or(token.revoked, "no"))
        .field("reason", token.revoked.has_value() ? encode(token.reason) : "none")
        .field("word", token.app_word)
        .field("data", encode(token.app_data))
        .field("revision", token.revision)
        .field("uses_left", token.uses_left.has_value() ? std::to_string(*token.uses_left) : "none")
        .field("parent", world.name_or_none(token.parent))
        .field("family", world.name_or_none(token.family))
        .field("refreshes", token.refreshes ? "yes" : "no")
        .field("old_until", ms_or(token.old_value_until, "no"))
        .field("old_used", ms_or(token.old_value_used, "never"));
}

/// `list [owner=] [type=] [states=] [dead=yes] [name_prefix=] [project=] [expires_before=] [unused_since=] [after=]
/// [limit=]`.
inline answer list_tokens(world &world, arguments &args) {
    ts::filter filter;
    const auto owner = args.bytes("owner"), prefix = args.bytes("name_prefix"), project = args.bytes("project");
    if (owner.has_value()) filter.owner(*owner);
    if (const auto type = args.word("type")) filter.of_type(world.type(*type));
    if (const auto words = args.word("states")) {
        for (const std::string &word : split(*words, ',')) {
            filter.state(state_of(word));
        }
    }
    if (args.flag("dead").value_or(false)) filter.with_dead();
    if (prefix.has_value()) filter.name_prefix(*prefix);
    if (project.has_value()) filter.project(*project);
    if (const auto ms = args.number<std::int64_t>("expires_before")) filter.expires_before(time_at(*ms));
    if (const auto ms = args.number<std::int64_t>("unused_since")) filter.unused_since(time_at(*ms));
    if (const auto after = args.word("after")) filter.after(world.subject(*after));
    const auto limit = args.number<std::size_t>("limit");
    args.finish();
    const ts::token_page page = world.store().page(filter, limit.value_or(1000));
    std::vector<std::string> names, ranged;
    for (const ts::token &token : page.tokens) {
        names.push_back(world.name_of(token.id));
    }
    // The range shows the same, and goes on where the page ends.
    for (const ts::token &token : world.store().list(filter)) {
        if (ranged.size() == names.size()) {
            break;
        }
        ranged.push_back(world.name_of(token.id));
    }
    if (names != ranged) {
        throw mistake("the page shows " + list(names) + ", and the range " + list(ranged));
    }
    return answer{"OK"}
        .field("tokens", list(names))
        .field("next", page.next.has_value() ? world.name_of(*page.next) : "no");
}

/// What an event happened to: a token, a family or a type, by its name in the scenario; `none` is all of the store.
inline std::string about(const world &world, const ts::event &event) {
    if (event.id.has_value() && event.type.has_value()) {
        return "?";
    }
    return event.type.has_value() ? world.type_name(*event.type) : world.name_or_none(event.id);
}

/// `events [after=] [limit=]`: their kinds, with what each happened to.
inline answer events(world &world, arguments &args) {
    const auto after = args.number<std::uint64_t>("after").value_or(0);
    const auto limit = args.number<std::size_t>("limit").value_or(1000);
    args.finish();
    std::vector<std::string> entries;
    std::string first = "none";
    std::uint64_t before = 0;
    for (const ts::event &event : world.store().events(after, limit)) {
        if (entries.empty()) {
            first = std::to_string(event.sequence);
        } else if (event.sequence != before + 1) {
            throw mistake("the numbers of the events do not ascend by one");
        }
        before = event.sequence;
        entries.push_back(std::string(ts::name(event.kind)) + ":" + about(world, event));
    }
    return answer{"OK"}.field("first", first).field("list", list(entries));
}

/// `event NUMBER`: one event, whole.
inline answer event(world &world, arguments &args) {
    const auto sequence = number<std::uint64_t>(args.next("an event's number"));
    args.finish();
    const auto event = world.store().next_event(sequence == 0 ? 0 : sequence - 1);
    if (!event.has_value() || event->sequence != sequence) {
        return {"NONE"};
    }
    return answer{"OK"}
        .field("kind", std::string(ts::name(event->kind)))
        .field("of", about(world, *event))
        .field("at", ms_of(event->at))
        .field("by", encode(event->by))
        .field("reason", encode(event->reason))
        .field("owner", event->owner.empty() ? "none" : encode(event->owner))
        .field("count", event->count.has_value() ? std::to_string(*event->count) : "none")
        .field("age", event->age.has_value() ? std::to_string(event->age->count()) : "none");
}

inline answer stats(world &world, arguments &args) {
    args.finish();
    const ts::store_stats stats = world.store().stats();
    return answer{"OK"}
        .field("tokens", stats.tokens)
        .field("types", stats.types)
        .field("sequence", stats.sequence)
        .field("first_event", stats.first_event);
}

} // namespace cases
