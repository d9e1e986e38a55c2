/* Reading what the store has. */
#include "case_ops.h"

#include <string.h>

static const struct {
    const char *name;
    tokenstore_status status;
} STATES[] = {
    {"ACTIVE", TOKENSTORE_OK},     {"DISABLED", TOKENSTORE_DISABLED},     {"EXPIRED", TOKENSTORE_EXPIRED},
    {"REVOKED", TOKENSTORE_REVOKED}, {"SUPERSEDED", TOKENSTORE_SUPERSEDED}, {"USED", TOKENSTORE_USED},
};

static const char *state_name(tokenstore_status status) {
    for (size_t n = 0; n < sizeof STATES / sizeof *STATES; n++) {
        if (STATES[n].status == status) return STATES[n].name;
    }
    mistake("a token's state is none: %d", (int)status);
}

static uint32_t state_bit(const char *name) {
    for (size_t n = 0; n < sizeof STATES / sizeof *STATES; n++) {
        if (strcmp(STATES[n].name, name) == 0) return UINT32_C(1) << STATES[n].status;
    }
    mistake("there is no state `%s`", name);
}

static answer *token_answer(const world *world, const tokenstore_token *token) {
    const uint32_t all = TOKENSTORE_HAS_ALL_PROJECTS, none = TOKENSTORE_HAS_NO_PROJECTS;
    uint32_t reach = token->flags & (all | none), expected = token->project_count == 0 ? none : 0;
    if (reach != all && reach != expected) mistake("a token's flags say other than its projects");
    if (reach == all && token->project_count != 0) mistake("a token has all projects and some");
    if (token->reserved != 0 || token->reserved_2 != 0) mistake("what is reserved is not 0");
    int counted = (token->flags & TOKENSTORE_IS_COUNTED) != 0;
    if (!counted && token->uses_left != 0) mistake("uses are left of a token without a use count");
    if (token->old_value_until_ms == TOKENSTORE_NEVER && token->old_value_used_ms != TOKENSTORE_NEVER) {
        mistake("a value that there never was has been used");
    }
    char *projects = NULL;
    for (size_t n = 0; n < token->project_count; n++) projects = listed(projects, encode(token->projects[n]));
    int revoked = token->revoked_ms != TOKENSTORE_NEVER;
    answer *made = answered("OK");
    field(made, "state", state_name(token->state));
    field(made, "name", token->name.len == 0 ? "none" : encode(token->name));
    field(made, "owner", encode(token->owner));
    field(made, "type", type_name(world, token->type));
    field_time(made, "created", token->created_ms, "never");
    field_time(made, "expires", token->expires_ms, "never");
    field_time(made, "last_used", token->last_used_ms, "never");
    field(made, "projects", reach == all ? "all" : projects == NULL ? "none" : projects);
    field(made, "bound", (token->flags & TOKENSTORE_IS_BOUND) != 0 ? "yes" : "no");
    field(made, "disabled", (token->flags & TOKENSTORE_IS_DISABLED) != 0 ? "yes" : "no");
    field_time(made, "revoked", token->revoked_ms, "no");
    field(made, "reason", revoked ? encode(token->reason) : "none");
    field_number(made, "word", token->app_word);
    field(made, "data", encode(token->app_data));
    field_number(made, "revision", token->revision);
    field(made, "uses_left", counted ? format("%u", (unsigned)token->uses_left) : "none");
    field(made, "parent", is_zero(token->parent, 16) ? "none" : name_of(world, token->parent));
    field(made, "family", is_zero(token->family, 16) ? "none" : name_of(world, token->family));
    field(made, "refreshes", (token->flags & TOKENSTORE_REFRESHES) != 0 ? "yes" : "no");
    field_time(made, "old_until", token->old_value_until_ms, "no");
    field_time(made, "old_used", token->old_value_used_ms, "never");
    return made;
}

/* In C a read has no conditions: its caller looks at what was read. */
answer *op_get(world *world, args *args, const char *name) {
    (void)name;
    tokenstore_target target = take_target(world, args);
    tokenstore_token token;
    finish(args);
    tokenstore_status status = read_token(world, target.id, &token);
    if (status != TOKENSTORE_OK) return answered(tokenstore_status_name(status));
    if (memcmp(token.id, target.id, 16) != 0) mistake("another token was read");
    if ((target.flags & TOKENSTORE_CHECK_OWNER) != 0 && !same_bytes(target.owner, token.owner)) {
        return unsayable("NOT_FOUND");
    }
    if ((target.flags & TOKENSTORE_CHECK_REVISION) != 0 && target.revision != token.revision) {
        return unsayable("REVISION_CONFLICT");
    }
    return token_answer(world, &token);
}

static tokenstore_filter take_filter(world *world, args *args) {
    tokenstore_filter filter = {0};
    const char *word;
    filter.struct_size = sizeof filter;
    if (take_bytes(args, "owner", &filter.owner)) filter.flags |= TOKENSTORE_CHECK_OWNER;
    if ((word = take(args, "type")) != NULL) {
        filter.flags |= TOKENSTORE_LIST_TYPE;
        filter.type = type_number(world, word);
    }
    if ((word = take(args, "states")) != NULL) {
        pieces states = split(word, ',');
        filter.flags |= TOKENSTORE_LIST_STATES;
        for (size_t n = 0; n < states.count; n++) filter.states |= state_bit(states.at[n]);
    }
    if (take_flag(args, "dead", 0)) filter.flags |= TOKENSTORE_LIST_DEAD;
    take_text(args, "name_prefix", &filter.name_prefix);
    if (take_bytes(args, "project", &filter.project)) filter.flags |= TOKENSTORE_LIST_PROJECT;
    if ((word = take(args, "expires_before")) != NULL) {
        filter.flags |= TOKENSTORE_LIST_EXPIRES_BEFORE;
        filter.expires_before_ms = time_at(signed_number(word));
    }
    if ((word = take(args, "unused_since")) != NULL) {
        filter.flags |= TOKENSTORE_LIST_UNUSED_SINCE;
        filter.unused_since_ms = time_at(signed_number(word));
    }
    if ((word = take(args, "after")) != NULL) subject(world, word, filter.after);
    return filter;
}

/* The next token of a list, first with too little room, which must leave the list where it is. */
static tokenstore_status next_of(tokenstore_list *list, tokenstore_token *token) {
    tokenstore_error error;
    size_t needed = 0;
    memset(token, 0, sizeof *token);
    token->struct_size = sizeof *token;
    tokenstore_status status = tokenstore_list_next(list, token, NULL, 0, &needed, &error);
    of_status(status, &error);
    if (status != TOKENSTORE_BUFFER_TOO_SMALL) return status;
    return tokenstore_list_next(list, token, keep(needed), needed, &needed, &error);
}

/* In C a list has no pages: one of `limit` tokens is so many reads, and `next` is its last if another is behind it. */
answer *op_list(world *world, args *args, const char *name) {
    (void)name;
    tokenstore_filter filter = take_filter(world, args);
    uint64_t limit = 1000;
    take_number(args, "limit", SIZE_MAX, &limit);
    finish(args);
    tokenstore_list *list = NULL;
    tokenstore_error error;
    tokenstore_status status = tokenstore_list_open(store_of(world), &filter, &list, &error);
    answer *made = of_status(status, &error);
    if ((list != NULL) != (status == TOKENSTORE_OK)) mistake("a list was handed out with an error, or none without");
    if (status != TOKENSTORE_OK) return made;
    if (limit == 0 || limit > 1000) {
        tokenstore_list_close(list);
        return unsayable("INVALID_ARGUMENT");
    }
    char *tokens = NULL;
    const char *next = "no", *last = "no";
    uint8_t before[16] = {0};
    tokenstore_token token;
    for (uint64_t n = 0; (status = next_of(list, &token)) == TOKENSTORE_OK; n++) {
        if (memcmp(before, token.id, 16) >= 0) mistake("a list does not ascend");
        memcpy(before, token.id, 16);
        if (n == limit) {
            next = last;
            break;
        }
        last = name_of(world, token.id);
        tokens = listed(tokens, last);
    }
    if (status == TOKENSTORE_END && next_of(list, &token) != TOKENSTORE_END) mistake("a list went on after its end");
    if (tokenstore_list_close(list) != TOKENSTORE_OK) mistake("a list was not closed");
    if (status != TOKENSTORE_OK && status != TOKENSTORE_END) return answered(tokenstore_status_name(status));
    field(made, "tokens", tokens == NULL ? "none" : tokens);
    field(made, "next", next);
    return made;
}

static const char *kind_name(uint32_t kind) {
    static const char *const kinds[] = {"type_declared", "created", "edited", "granted", "ungranted", "granted_all",
                                        "grants_revoked", "disabled", "enabled", "revoked", "deleted", "consumed",
                                        "rotated", "pair_issued", "refreshed", "replayed", "reused", "family_revoked",
                                        "owner_revoked", "pruned"};
    if (kind < 1 || kind > sizeof kinds / sizeof *kinds) mistake("an event's kind is none: %u", (unsigned)kind);
    return kinds[kind - 1];
}

/* Kinds of events that say more than the others. */
enum { REUSED = 17, OWNER_REVOKED = 19, PRUNED = 20 };

/* What an event happened to: a token, a family or a type, by its name in the scenario; `none` is all of the store. */
static const char *about(const world *world, const tokenstore_event *event) {
    int of_type = event->type != 0, of_id = !is_zero(event->id, 16);
    if (of_type && of_id) mistake("an event is of a type and of a token");
    int may_be_of_none = event->kind == OWNER_REVOKED || event->kind == PRUNED;
    if (!of_type && !of_id && !may_be_of_none) mistake("an event is of nothing");
    return of_type ? type_name(world, event->type) : of_id ? name_of(world, event->id) : "none";
}

/* What an event of another kind has no say in. */
static void check_silent(const tokenstore_event *event) {
    int counts = event->kind == REUSED || event->kind == PRUNED;
    if ((event->kind != OWNER_REVOKED && event->owner.len != 0) || (!counts && event->count != 0) ||
        (event->kind != REUSED && event->age_ms != 0)) {
        mistake("an event says what its kind says nothing of");
    }
}

/* The first event behind a number, and what it points to. */
static tokenstore_status event_after(world *world, uint64_t after, tokenstore_event *event) {
    tokenstore_error error;
    size_t needed = 0;
    memset(event, 0, sizeof *event);
    event->struct_size = sizeof *event;
    tokenstore_status status = tokenstore_event_next(store_of(world), after, event, NULL, 0, &needed, &error);
    of_status(status, &error);
    if (status != TOKENSTORE_BUFFER_TOO_SMALL) return status;
    return tokenstore_event_next(store_of(world), after, event, keep(needed), needed, &needed, NULL);
}

answer *op_events(world *world, args *args, const char *name) {
    (void)name;
    uint64_t after = 0, limit = 1000, first = 0;
    take_number(args, "after", UINT64_MAX, &after);
    take_number(args, "limit", SIZE_MAX, &limit);
    finish(args);
    if (limit == 0 || limit > 1000) return unsayable("INVALID_ARGUMENT");
    char *list = NULL;
    tokenstore_event event;
    tokenstore_status status = TOKENSTORE_OK;
    for (uint64_t n = 0; n < limit && (status = event_after(world, after, &event)) == TOKENSTORE_OK; n++) {
        if (n == 0) first = event.sequence;
        if (n > 0 && event.sequence != after + 1) mistake("the numbers of the events do not ascend by one");
        if (event.sequence <= after) mistake("an event lies behind the one that it is to follow");
        after = event.sequence;
        list = listed(list, format("%s:%s", kind_name(event.kind), about(world, &event)));
    }
    if (status != TOKENSTORE_OK && status != TOKENSTORE_END) return answered(tokenstore_status_name(status));
    answer *made = answered("OK");
    field(made, "first", list == NULL ? "none" : format("%llu", (unsigned long long)first));
    field(made, "list", list == NULL ? "none" : list);
    return made;
}

answer *op_event(world *world, args *args, const char *name) {
    (void)name;
    uint64_t sequence = number(next_word(args, "an event's number"), UINT64_MAX);
    tokenstore_event event;
    finish(args);
    tokenstore_status status = event_after(world, sequence > 0 ? sequence - 1 : 0, &event);
    if (status == TOKENSTORE_END || (status == TOKENSTORE_OK && event.sequence != sequence)) return answered("NONE");
    if (status != TOKENSTORE_OK) return answered(tokenstore_status_name(status));
    answer *made = answered("OK");
    field(made, "kind", kind_name(event.kind));
    field(made, "of", about(world, &event));
    field_time(made, "at", event.at_ms, "never");
    field(made, "by", encode(event.by));
    field(made, "reason", encode(event.reason));
    check_silent(&event);
    int counts = event.kind == REUSED || event.kind == PRUNED;
    field(made, "owner", event.kind == OWNER_REVOKED ? encode(event.owner) : "none");
    field(made, "count", counts ? format("%llu", (unsigned long long)event.count) : "none");
    field(made, "age", event.kind == REUSED ? format("%llu", (unsigned long long)event.age_ms) : "none");
    return made;
}
