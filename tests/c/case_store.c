/* The store itself, its clock, its key and its types. */
#include "case_ops.h"

#include <string.h>

answer *op_clock(world *world, args *args, const char *name) {
    const char *ms = next_word(args, "a number of milliseconds");
    finish(args);
    /* The store is made before the clock moves, also where no line says so. */
    store_of(world);
    tokenstore_status status = strcmp(name, "advance") == 0
                                   ? tokenstore_clock_advance(world->clock, number(ms, UINT64_MAX))
                                   : tokenstore_clock_set(world->clock, time_at(signed_number(ms)));
    if (status != TOKENSTORE_OK) mistake("the clock was not moved: %s", tokenstore_status_name(status));
    return NULL;
}

/* A letter is the key of 32 such letters; `none` is no key. */
static const uint8_t *key_of(const char *word) {
    if (strcmp(word, "none") == 0) return NULL;
    if (strlen(word) != 1) mistake("a key is one letter or `none`, not `%s`", word);
    uint8_t *key = keep(32);
    memset(key, word[0], 32);
    return key;
}

/* `[key=] [max_events=]`; whether C can say it: 0 events are the default there. */
static int take_settings(world *world, args *args) {
    const char *key = take(args, "key");
    int sayable = 1;
    if (key != NULL) world->key = key_of(key);
    if (take_number(args, "max_events", UINT64_MAX, &world->max_events)) sayable = world->max_events != 0;
    finish(args);
    return sayable;
}

static answer *opened(world *world, tokenstore_status status, const tokenstore_error *error, tokenstore_store *store) {
    if ((store != NULL) != (status == TOKENSTORE_OK)) mistake("a store was handed out with an error, or none without");
    if (status == TOKENSTORE_OK) world->store = store;
    return of_status(status, error);
}

/* In C, 0 events are the default: such a store opens, and its log keeps more than none. */
static answer *no_events_at_all(void) {
    tokenstore_options options = {0};
    tokenstore_policy policy = {0};
    tokenstore_stats stats = {0};
    tokenstore_store *spare;
    uint32_t type;
    options.struct_size = sizeof options;
    policy.struct_size = sizeof policy;
    stats.struct_size = sizeof stats;
    policy.name = policy.prefix = bytes_of("spare");
    if (tokenstore_open_in_memory(&options, &spare, NULL) != TOKENSTORE_OK ||
        tokenstore_type_declare(spare, &policy, &type, NULL) != TOKENSTORE_OK ||
        tokenstore_get_stats(spare, &stats, NULL) != TOKENSTORE_OK || stats.first_event != 1) {
        mistake("max_events of 0 are not the default");
    }
    tokenstore_close(spare, NULL);
    return unsayable("INVALID_ARGUMENT");
}

answer *op_store(world *world, args *args, const char *name) {
    (void)name;
    const char *where = next_word(args, "`memory` or `file`");
    tokenstore_store *store = NULL;
    tokenstore_error error;
    tokenstore_status status;
    world->key = NULL;
    world->max_events = 0;
    int sayable = take_settings(world, args), in_file = strcmp(where, "file") == 0;
    if (!in_file && strcmp(where, "memory") != 0) mistake("a store is in memory or in a file, not in `%s`", where);
    if (world->store != NULL) mistake("a store is made once, in the first line of a scenario");
    world->has_file |= in_file;
    if (!sayable) return no_events_at_all();
    tokenstore_options options = options_of(world);
    if (in_file) status = tokenstore_create(world->path, &options, &store, &error);
    else status = tokenstore_open_in_memory(&options, &store, &error);
    return opened(world, status, &error, store);
}

static void must_have_file(const world *world) {
    if (!world->has_file) mistake("this needs `store file` in the first line");
}

/* A second handle, which is let go again if there is one. */
static answer *another(tokenstore_status status, const tokenstore_error *error, tokenstore_store *store) {
    if ((store != NULL) != (status == TOKENSTORE_OK)) mistake("a store was handed out with an error, or none without");
    tokenstore_close(store, NULL);
    return of_status(status, error);
}

answer *op_create_again(world *world, args *args, const char *name) {
    (void)name;
    finish(args);
    must_have_file(world);
    tokenstore_options options = options_of(world);
    tokenstore_store *store = NULL;
    tokenstore_error error;
    tokenstore_status status = tokenstore_create(world->path, &options, &store, &error);
    return another(status, &error, store);
}

answer *op_open_again(world *world, args *args, const char *name) {
    (void)name;
    finish(args);
    must_have_file(world);
    tokenstore_options options = options_of(world);
    tokenstore_store *store = NULL;
    tokenstore_error error;
    tokenstore_status status = tokenstore_open(world->path, &options, &store, &error);
    return another(status, &error, store);
}

answer *op_open_elsewhere(world *world, args *args, const char *name) {
    (void)name;
    finish(args);
    tokenstore_store *store = NULL;
    tokenstore_error error;
    tokenstore_status status = tokenstore_open(world->nowhere, NULL, &store, &error);
    return another(status, &error, store);
}

answer *op_reopen(world *world, args *args, const char *name) {
    (void)name;
    int sayable = take_settings(world, args);
    must_have_file(world);
    tokenstore_store *store = NULL;
    tokenstore_error error;
    tokenstore_status status = tokenstore_close(store_of(world), &error);
    if (status != TOKENSTORE_OK && status != TOKENSTORE_CLOSED) return of_status(status, &error);
    if (!sayable) return no_events_at_all();
    tokenstore_options options = options_of(world);
    status = tokenstore_open(world->path, &options, &store, &error);
    return opened(world, status, &error, store);
}

answer *op_close(world *world, args *args, const char *name) {
    (void)name;
    finish(args);
    tokenstore_error error;
    tokenstore_status status = tokenstore_close(store_of(world), &error);
    return of_status(status, &error);
}

answer *op_flush(world *world, args *args, const char *name) {
    (void)name;
    finish(args);
    tokenstore_error error;
    tokenstore_status status = tokenstore_flush(store_of(world), &error);
    return of_status(status, &error);
}

answer *op_change_key(world *world, args *args, const char *name) {
    (void)name;
    const uint8_t *key = key_of(take_required(args, "key"));
    finish(args);
    tokenstore_error error;
    tokenstore_status status = tokenstore_change_key(store_of(world), key, &error);
    if (status == TOKENSTORE_OK) world->key = key;
    return of_status(status, &error);
}

/* A type's policy, and what it points to. */
static tokenstore_status read_policy(world *world, uint32_t type, tokenstore_policy *policy) {
    tokenstore_error error;
    size_t needed = 0;
    memset(policy, 0, sizeof *policy);
    policy->struct_size = sizeof *policy;
    tokenstore_status status = tokenstore_type_get(store_of(world), type, policy, NULL, 0, &needed, &error);
    of_status(status, &error);
    if (status != TOKENSTORE_BUFFER_TOO_SMALL) return status;
    return tokenstore_type_get(store_of(world), type, policy, keep(needed), needed, &needed, NULL);
}

/* A lifetime of 0 is none in C: for ever, or no limit. */
static answer *no_lifetime_at_all(tokenstore_policy policy) {
    tokenstore_store *spare;
    uint32_t type;
    tokenstore_policy read = {0};
    uint8_t buffer[272];
    size_t needed;
    read.struct_size = sizeof read;
    if (tokenstore_open_in_memory(NULL, &spare, NULL) != TOKENSTORE_OK ||
        tokenstore_type_declare(spare, &policy, &type, NULL) != TOKENSTORE_OK ||
        tokenstore_type_get(spare, type, &read, buffer, sizeof buffer, &needed, NULL) != TOKENSTORE_OK ||
        read.default_lifetime_ms != policy.default_lifetime_ms || read.max_lifetime_ms != policy.max_lifetime_ms) {
        mistake("a lifetime of 0 is not the default");
    }
    tokenstore_close(spare, NULL);
    return unsayable("INVALID_ARGUMENT");
}

/* `access= refresh= family= [grace=MS|none] [old_access=now|grace|on]`, of a type of refresh values. */
static void take_families(args *args, tokenstore_policy *policy) {
    int access = take_number(args, "access", UINT64_MAX, &policy->access_lifetime_ms);
    int refresh = take_number(args, "refresh", UINT64_MAX, &policy->refresh_lifetime_ms);
    int family = take_number(args, "family", UINT64_MAX, &policy->family_lifetime_ms);
    if (access != refresh || access != family) mistake("`access`, `refresh` and `family` stand together");
    if (!access) return;
    policy->flags |= TOKENSTORE_TYPE_FAMILIES;
    const char *grace = take(args, "grace"), *old = take(args, "old_access");
    if (grace != NULL) {
        int none = strcmp(grace, "none") == 0;
        policy->grace_ms = none ? TOKENSTORE_NO_GRACE : number(grace, UINT64_MAX - 1);
        if (policy->grace_ms == 0) mistake("no grace is `grace=none`");
    }
    if (old == NULL || strcmp(old, "now") == 0) policy->old_access = TOKENSTORE_ACCESS_ENDS_NOW;
    else if (strcmp(old, "grace") == 0) policy->old_access = TOKENSTORE_ACCESS_ENDS_WITH_GRACE;
    else if (strcmp(old, "on") == 0) policy->old_access = TOKENSTORE_ACCESS_LIVES_ON;
    else mistake("`old_access` is now, grace or on, not `%s`", old);
}

/* Whether a type is read back as it was declared. */
static int is_as_declared(const tokenstore_policy *read, const tokenstore_policy *declared) {
    /* A grace that is not given is the default one. */
    int is_default = (declared->flags & TOKENSTORE_TYPE_FAMILIES) != 0 && declared->grace_ms == 0;
    return same_bytes(read->name, declared->name) && same_bytes(read->prefix, declared->prefix) &&
           read->flags == declared->flags && read->reserved == 0 &&
           read->default_lifetime_ms == declared->default_lifetime_ms &&
           read->max_lifetime_ms == declared->max_lifetime_ms && read->uses == declared->uses &&
           read->old_access == declared->old_access && read->access_lifetime_ms == declared->access_lifetime_ms &&
           read->refresh_lifetime_ms == declared->refresh_lifetime_ms &&
           read->family_lifetime_ms == declared->family_lifetime_ms &&
           read->grace_ms == (is_default ? 30000 : declared->grace_ms);
}

answer *op_type(world *world, args *args, const char *name) {
    (void)name;
    tokenstore_policy policy = {0}, read;
    tokenstore_error error;
    uint32_t type = 77;
    policy.struct_size = sizeof policy;
    /* A name that is no word stands in `name=`. */
    const char *word = next_word(args, NULL);
    if (word != NULL) policy.name = bytes_of(word);
    else policy.name = decode_utf8(take_required(args, "name"));
    policy.prefix = decode_utf8(take_required(args, "prefix"));
    int has_default = take_number(args, "default", UINT64_MAX, &policy.default_lifetime_ms);
    int has_max = take_number(args, "max", UINT64_MAX, &policy.max_lifetime_ms);
    if (!take_flag(args, "unique_names", 1)) policy.flags |= TOKENSTORE_TYPE_SHARED_NAMES;
    if (take_flag(args, "by_name_only", 0)) policy.flags |= TOKENSTORE_TYPE_BY_NAME_ONLY;
    if (take_flag(args, "external", 0)) policy.flags |= TOKENSTORE_TYPE_EXTERNAL;
    if (take_flag(args, "volatile", 0)) policy.flags |= TOKENSTORE_TYPE_VOLATILE;
    uint64_t uses = 0;
    if (take_number(args, "uses", UINT32_MAX, &uses) && uses == 0) mistake("`uses` is from 1 on");
    policy.uses = (uint32_t)uses;
    take_families(args, &policy);
    finish(args);
    if ((has_default && policy.default_lifetime_ms == 0) || (has_max && policy.max_lifetime_ms == 0)) {
        return no_lifetime_at_all(policy);
    }
    tokenstore_status status = tokenstore_type_declare(store_of(world), &policy, &type, &error);
    answer *made = of_status(status, &error);
    if (status != TOKENSTORE_OK) return made;
    if (read_policy(world, type, &read) != TOKENSTORE_OK || !is_as_declared(&read, &policy)) {
        mistake("a declared type is read back as another");
    }
    name_type(world, copy_of((const char *)policy.name.data, policy.name.len), type);
    field_number(made, "number", type);
    return made;
}

answer *op_find_type(world *world, args *args, const char *name) {
    (void)name;
    tokenstore_bytes wanted = bytes_of(next_word(args, "a type's name"));
    finish(args);
    tokenstore_policy policy;
    tokenstore_error error;
    uint32_t type = 77;
    tokenstore_status status = tokenstore_type_find(store_of(world), wanted.data, wanted.len, &type, &error);
    answer *made = of_status(status, &error);
    if (status == TOKENSTORE_NOT_FOUND) {
        if (type != 0) mistake("a type that is not found has a number");
        return answered("NONE");
    }
    if (status != TOKENSTORE_OK) return made;
    if (read_policy(world, type, &policy) != TOKENSTORE_OK) mistake("a type that was found cannot be read");
    field_number(made, "number", type);
    field(made, "prefix", encode(policy.prefix));
    return made;
}

/* In C, types are read by their numbers, which begin with 1. */
answer *op_types(world *world, args *args, const char *name) {
    (void)name;
    finish(args);
    tokenstore_policy policy;
    tokenstore_status status;
    char *list = NULL;
    uint32_t type = 1;
    while ((status = read_policy(world, type, &policy)) == TOKENSTORE_OK) {
        list = listed(list, encode(policy.name));
        type++;
    }
    if (status != TOKENSTORE_NOT_FOUND) return answered(tokenstore_status_name(status));
    answer *made = answered("OK");
    field(made, "list", list == NULL ? "none" : list);
    return made;
}

answer *op_stats(world *world, args *args, const char *name) {
    (void)name;
    finish(args);
    tokenstore_stats stats = {0};
    tokenstore_error error;
    stats.struct_size = sizeof stats;
    tokenstore_status status = tokenstore_get_stats(store_of(world), &stats, &error);
    answer *made = of_status(status, &error);
    if (status != TOKENSTORE_OK) return made;
    field_number(made, "tokens", stats.tokens);
    field_number(made, "types", stats.types);
    field_number(made, "sequence", stats.sequence);
    field_number(made, "first_event", stats.first_event);
    return made;
}
