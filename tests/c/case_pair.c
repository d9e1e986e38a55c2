/* Families: pairs issued and refreshed, and the end of the line. */
#include "case_ops.h"

#include <string.h>

/* Values of the caller's own for a pair, and whether C can say them: an empty one is made there. */
typedef struct own_values {
    tokenstore_pair_values values;
    int sayable;
} own_values;

/* `access_value=` or `access_value_of=`; the same of `refresh`. */
static void take_own(world *world, args *args, const char *key, tokenstore_bytes *value, int *sayable) {
    const char *of = take(args, format("%s_of", key));
    int given = take_bytes(args, key, value);
    if (given && of != NULL) mistake("either `%s` or `%s_of`", key, key);
    if (of != NULL) *value = token_named(world, of)->value;
    *sayable = *sayable && (!given || value->len > 0);
}

static own_values take_own_values(world *world, args *args) {
    own_values own = {{0}, 1};
    own.values.struct_size = sizeof own.values;
    take_own(world, args, "access_value", &own.values.access, &own.sayable);
    take_own(world, args, "refresh_value", &own.values.refresh, &own.sayable);
    return own;
}

/* The longest value of the caller's own, and room for more than that. */
enum { LONGEST = 8192, ROOM = LONGEST + 64 };

/* Where a pair goes. What a call leaves of it must be all or nothing. */
static tokenstore_pair place_for_pair(void) {
    tokenstore_pair pair;
    memset(&pair, 0x55, sizeof pair);
    pair.struct_size = sizeof pair;
    pair.access_capacity = pair.refresh_capacity = ROOM;
    pair.access = keep(ROOM);
    pair.refresh = keep(ROOM);
    memset(pair.access, 0x55, ROOM);
    memset(pair.refresh, 0x55, ROOM);
    return pair;
}

static void check_no_pair(const tokenstore_pair *pair) {
    const size_t head = offsetof(tokenstore_pair, access_len);
    if (!is_zero((const char *)pair + head, sizeof *pair - head)) mistake("a pair that was not made says something");
    if (!is_zero(pair->access, LONGEST) || !is_zero(pair->refresh, LONGEST)) {
        mistake("a buffer of a value is not wiped");
    }
}

static tokenstore_bytes access_of(const tokenstore_pair *pair) {
    tokenstore_bytes value = {pair->access, pair->access_len};
    return value;
}

static tokenstore_bytes refresh_of(const tokenstore_pair *pair) {
    tokenstore_bytes value = {pair->refresh, pair->refresh_len};
    return value;
}

static void name_members(world *world, const tokenstore_pair *pair, const char *access, const char *refresh) {
    name_token(world, access, pair->access_id, access_of(pair), pair->revision);
    name_token(world, refresh, pair->refresh_id, refresh_of(pair), pair->revision);
}

static answer *pair_answer(const world *world, const char *result, const tokenstore_pair *pair) {
    if (pair->reserved != 0) mistake("what is reserved is not 0");
    answer *made = answered(result);
    field(made, "family", name_of(world, pair->family));
    field(made, "access", name_of(world, pair->access_id));
    field(made, "refresh", name_of(world, pair->refresh_id));
    field_time(made, "access_expires", pair->access_expires_ms, "never");
    field_time(made, "refresh_expires", pair->refresh_expires_ms, "never");
    field_number(made, "revision", pair->revision);
    return made;
}

answer *op_issue_pair(world *world, args *args, const char *name) {
    (void)name;
    const char *called = next_word(args, "a name for the family");
    const char *access = take_required(args, "access"), *refresh = take_required(args, "refresh");
    tokenstore_new_pair new = {0};
    int all = 0;
    new.struct_size = sizeof new;
    new.access_type = type_number(world, take_required(args, "access_type"));
    new.refresh_type = type_number(world, take_required(args, "refresh_type"));
    new.owner = decode(take_required(args, "owner"));
    new.binding = decode(take_required(args, "client"));
    const char *people = take(args, "name");
    if (people != NULL && strcmp(people, "none") != 0) new.name = decode_utf8(people);
    take_grants(args, &all, &new.projects, &new.project_count);
    if (all) new.flags |= TOKENSTORE_ALL_PROJECTS;
    if (take_flag(args, "bind_access", 0)) new.flags |= TOKENSTORE_BIND_ACCESS;
    take_bytes(args, "data", &new.app_data);
    take_number(args, "word", UINT64_MAX, &new.app_word);
    take_text(args, "by", &new.by);
    own_values own = take_own_values(world, args);
    finish(args);
    must_be_free(world, called);
    must_be_free(world, access);
    must_be_free(world, refresh);
    if (!own.sayable || (people != NULL && *people == 0)) return unsayable("INVALID_ARGUMENT");
    tokenstore_pair pair = place_for_pair();
    tokenstore_error error;
    /* Without values of its own there is no struct of them, either. */
    int given = own.values.access.len > 0 || own.values.refresh.len > 0;
    tokenstore_status status =
        tokenstore_pair_issue(store_of(world), &new, given ? &own.values : NULL, &pair, &error);
    answer *made = of_status(status, &error);
    if (status != TOKENSTORE_OK) {
        check_no_pair(&pair);
        return made;
    }
    if (pair.outcome != TOKENSTORE_ISSUED) mistake("a family's first pair has another outcome");
    name_family(world, called, pair.family);
    name_members(world, &pair, access, refresh);
    return pair_answer(world, "CREATED", &pair);
}

answer *op_refresh(world *world, args *args, const char *name) {
    (void)name;
    presented presented = take_presented(world, args);
    tokenstore_bytes client = decode(take_required(args, "client")), by = {NULL, 0};
    const char *access = take(args, "access"), *refresh = take(args, "refresh");
    if ((access == NULL) != (refresh == NULL)) mistake("`access` and `refresh` stand together");
    own_values own = take_own_values(world, args);
    take_text(args, "by", &by);
    finish(args);
    if (access != NULL) must_be_free(world, access);
    if (refresh != NULL) must_be_free(world, refresh);
    if (!own.sayable) return unsayable("INVALID_ARGUMENT");
    tokenstore_pair pair = place_for_pair();
    tokenstore_error error;
    int given = own.values.access.len > 0 || own.values.refresh.len > 0;
    tokenstore_status status = tokenstore_pair_refresh(store_of(world), presented.value.data, presented.value.len,
                                                       client.data, client.len, given ? &own.values : NULL, by.data,
                                                       by.len, &pair, &error);
    answer *made = of_status(status, &error);
    if (status != TOKENSTORE_OK) {
        check_no_pair(&pair);
        return made;
    }
    if (pair.outcome == TOKENSTORE_ROTATED) {
        if (access == NULL) mistake("a pair was made, and the line has no names for it");
        name_members(world, &pair, access, refresh);
        return pair_answer(world, "ROTATED", &pair);
    }
    if (pair.outcome != TOKENSTORE_REPLAYED) mistake("a refresh has another outcome");
    if (!same_bytes(token_named(world, name_of(world, pair.access_id))->value, access_of(&pair)) ||
        !same_bytes(token_named(world, name_of(world, pair.refresh_id))->value, refresh_of(&pair))) {
        mistake("a pair that is handed out again has other values than before");
    }
    return pair_answer(world, "REPLAYED", &pair);
}

answer *op_revoke_family(world *world, args *args, const char *name) {
    (void)name;
    tokenstore_target target = take_target(world, args);
    tokenstore_change change = {0, 0, 0};
    tokenstore_error error;
    finish(args);
    tokenstore_status status = tokenstore_family_revoke(store_of(world), &target, &change, &error);
    return of_change(status, &error, &change);
}
