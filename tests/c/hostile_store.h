/* What the calls of tests/hostile.rs act on: a store with some tokens and a family, closed handles, and arguments that
 * are right. */
#ifndef HOSTILE_STORE_H
#define HOSTILE_STORE_H

#include "hostile_memory.h"

#include <sys/stat.h>

/* What the clock shows; the first moment that is no expiry; the calendar's beginning and end. */
#define NOW_MS INT64_C(1795521600000)
#define EXPIRY_END INT64_C(17592186044415)
#define YEAR_0 INT64_C(-62167219200000)
#define YEAR_10000 INT64_C(253402300800000)

/* The longest value, and a buffer that has room for more than that. */
#define LONGEST_VALUE 8192
#define PAIR_ROOM (LONGEST_VALUE + 64)

#define BINDING "a device"
#define KEY "0123456789abcdef0123456789abcdef"

static const char *folder;
/* Whether the store lies in a file that several processes may have open, and not in memory. */
static int is_shared = 0;

/* The store that calls act on, with a token to act on and one that must stay as it is. */
static tokenstore_store *store_now = NULL;
static uint32_t type_now, coupon_type, refresh_type;
/* A token with a use count, and a family with its refresh value, which calls of their own act on. */
static uint8_t coupon_value[TOKENSTORE_VALUE_BYTES], refresh_value[TOKENSTORE_VALUE_BYTES];
static size_t coupon_len, refresh_len;
static tokenstore_pair family;
static uint8_t control_value[TOKENSTORE_VALUE_BYTES], subject_value[TOKENSTORE_VALUE_BYTES];
static size_t control_len, subject_len;
static tokenstore_created subject;
static uint64_t control_owner;
static tokenstore_stats before;

static tokenstore_store *closed_store = NULL;
static tokenstore_clock *closed_clock = NULL, *clock_now = NULL;
static tokenstore_list *closed_list = NULL, *orphaned_list = NULL, *open_list = NULL;

static tokenstore_store *memory_store(void) {
    tokenstore_store *store = NULL;
    tokenstore_options options = {sizeof options};
    options.clock = clock_now;
    SURE(tokenstore_open_in_memory(&options, &store, NULL) == TOKENSTORE_OK);
    return store;
}

static tokenstore_created make(uint32_t type, const char *name, uint8_t *value, size_t *value_len) {
    tokenstore_created created;
    tokenstore_new_token token = {sizeof token};
    const tokenstore_bytes *projects = strings(3, 5);
    token.type = type;
    token.owner = text("acme");
    token.name = text(name);
    token.app_data = text("data");
    token.binding = text(BINDING);
    token.by = text("tester");
    token.projects = projects;
    token.project_count = 3;
    SURE(tokenstore_token_create(store_now, &token, value, 64, value_len, &created, NULL) == TOKENSTORE_OK);
    return created;
}

static const tokenstore_query *good_tokenstore_query(void);

static tokenstore_stats figures(void) {
    tokenstore_stats stats = {sizeof stats};
    SURE(tokenstore_get_stats(store_now, &stats, NULL) == TOKENSTORE_OK);
    return stats;
}

static const tokenstore_new_pair *good_tokenstore_new_pair(void);
static const tokenstore_policy *good_tokenstore_policy(void);

static void make_family(void) {
    memset(&family, 0, sizeof family);
    family.struct_size = sizeof family;
    family.access = block(family.access_capacity = TOKENSTORE_VALUE_BYTES, 1, 0);
    family.refresh = refresh_value;
    family.refresh_capacity = sizeof refresh_value;
    SURE(tokenstore_pair_issue(store_now, good_tokenstore_new_pair(), NULL, &family, NULL) == TOKENSTORE_OK);
    refresh_len = family.refresh_len;
}

static const char *file_named(const char *name) {
    const size_t len = strlen(folder) + 1 + strlen(name) + 1;
    char *path = block(len, 1, 0);
    snprintf(path, len, "%s/%s", folder, name);
    return path;
}

static tokenstore_store *shared_store(void) {
    tokenstore_store *store = NULL;
    tokenstore_options options = {sizeof options};
    options.clock = clock_now;
    options.flags = TOKENSTORE_SHARED;
    unlink(file_named("shared.store"));
    SURE(tokenstore_create(file_named("shared.store"), &options, &store, NULL) == TOKENSTORE_OK);
    return store;
}

/* A new store, as every row finds it. */
static void fresh(void) {
    tokenstore_policy policy = {sizeof policy};
    tokenstore_verdict verdict;
    SURE(tokenstore_close(store_now, NULL) == TOKENSTORE_OK);
    store_now = is_shared ? shared_store() : memory_store();
    policy.name = text("server");
    policy.prefix = text("srv");
    policy.flags = TOKENSTORE_TYPE_EXTERNAL;
    SURE(tokenstore_type_declare(store_now, &policy, &type_now, NULL) == TOKENSTORE_OK);
    policy.name = text("coupon");
    policy.prefix = text("cou");
    policy.uses = 2;
    SURE(tokenstore_type_declare(store_now, &policy, &coupon_type, NULL) == TOKENSTORE_OK);
    policy = *good_tokenstore_policy();
    policy.name = text("refresh");
    policy.prefix = text("ref");
    policy.flags = TOKENSTORE_TYPE_FAMILIES | TOKENSTORE_TYPE_EXTERNAL;
    SURE(tokenstore_type_declare(store_now, &policy, &refresh_type, NULL) == TOKENSTORE_OK);
    make_family();
    make(coupon_type, "coupon", coupon_value, &coupon_len);
    make(type_now, "control", control_value, &control_len);
    subject = make(type_now, "subject", subject_value, &subject_len);
    SURE(tokenstore_verify(store_now, control_value, control_len, good_tokenstore_query(), &verdict) == TOKENSTORE_OK);
    control_owner = verdict.owner;
    before = figures();
    free_blocks();
}

/* Handles and files in every state that a row gives to a call. */
static void make_everything(void) {
    tokenstore_store *store = NULL;
    tokenstore_options options = {sizeof options};
    const char *left[] = {"made.store", "there.store", "pipe", "empty"};
    SURE(tokenstore_clock_new(NOW_MS, &clock_now, NULL) == TOKENSTORE_OK);

    SURE(tokenstore_clock_new(0, &closed_clock, NULL) == TOKENSTORE_OK);
    SURE(tokenstore_clock_close(closed_clock) == TOKENSTORE_OK);
    closed_store = memory_store();
    SURE(tokenstore_list_open(closed_store, NULL, &closed_list, NULL) == TOKENSTORE_OK);
    SURE(tokenstore_list_close(closed_list) == TOKENSTORE_OK);
    SURE(tokenstore_list_open(closed_store, NULL, &orphaned_list, NULL) == TOKENSTORE_OK);
    SURE(tokenstore_close(closed_store, NULL) == TOKENSTORE_OK);

    options.key = (const uint8_t *)KEY;
    options.clock = clock_now;
    for (size_t n = 0; n < sizeof left / sizeof left[0]; n++) unlink(file_named(left[n]));
    SURE(mkfifo(file_named("pipe"), 0600) == 0);
    SURE(fclose(fopen(file_named("empty"), "w")) == 0);
    SURE(tokenstore_create(file_named("there.store"), &options, &store, NULL) == TOKENSTORE_OK);
    SURE(tokenstore_close(store, NULL) == TOKENSTORE_OK);
    fresh();
    SURE(tokenstore_list_open(store_now, NULL, &open_list, NULL) == TOKENSTORE_OK);
}

/* ---- Arguments that are right: every member is used ---- */

/* A handle that may be closed. It is closed with the row, if the row did not. */
static tokenstore_store *spare_store = NULL;
static tokenstore_list *spare_list = NULL;
static tokenstore_clock *spare_clock = NULL;

static tokenstore_store *good_tokenstore_store(int closes) {
    if (!closes) return store_now;
    return spare_store = memory_store();
}

/* A store in a file: only there is a key. */
static tokenstore_store *spare_file_store(void) {
    tokenstore_options options = {sizeof options};
    options.key = (const uint8_t *)KEY;
    options.clock = clock_now;
    options.flags = is_shared ? TOKENSTORE_SHARED : 0;
    SURE(tokenstore_create(file_named("made.store"), &options, &spare_store, NULL) == TOKENSTORE_OK);
    return spare_store;
}

static tokenstore_list *good_tokenstore_list(int closes) {
    (void)closes;
    SURE(tokenstore_list_open(store_now, NULL, &spare_list, NULL) == TOKENSTORE_OK);
    return spare_list;
}

static tokenstore_clock *good_tokenstore_clock(int closes) {
    (void)closes;
    SURE(tokenstore_clock_new(0, &spare_clock, NULL) == TOKENSTORE_OK);
    return spare_clock;
}

#define NEW(type, name) \
    type *name = block(sizeof *name, sizeof(void *), 0); \
    name->struct_size = sizeof *name

static const tokenstore_target *good_tokenstore_target(void) {
    NEW(tokenstore_target, target);
    memcpy(target->id, subject.id, sizeof target->id);
    target->flags = TOKENSTORE_CHECK_REVISION | TOKENSTORE_CHECK_OWNER;
    target->revision = subject.revision;
    target->owner = text("acme");
    target->by = text("tester");
    target->reason = text("because");
    return target;
}

static void aim_at_family(tokenstore_target *target) {
    memcpy(target->id, family.family, sizeof target->id);
    target->revision = family.revision;
}

static const tokenstore_edit *good_tokenstore_edit(void) {
    NEW(tokenstore_edit, edit);
    edit->fields = TOKENSTORE_EDIT_NAME | TOKENSTORE_EDIT_EXPIRES_IN | TOKENSTORE_EDIT_GRANTS |
                   TOKENSTORE_EDIT_APP_DATA | TOKENSTORE_EDIT_APP_WORD;
    edit->name = text("renamed");
    edit->expires_ms = 1000;
    edit->projects = strings(2, 5);
    edit->project_count = 2;
    edit->app_data = text("data");
    edit->app_word = 7;
    return edit;
}

static const tokenstore_new_token *good_tokenstore_new_token(void) {
    NEW(tokenstore_new_token, token);
    token->type = type_now;
    token->flags = TOKENSTORE_EXPIRES_IN;
    token->owner = text("acme");
    token->name = text("made");
    token->expires_ms = 1000;
    token->projects = strings(2, 5);
    token->project_count = 2;
    token->binding = text(BINDING);
    token->app_data = text("data");
    token->app_word = 7;
    token->by = text("tester");
    memcpy(token->parent, subject.id, sizeof token->parent);
    return token;
}

static const tokenstore_new_pair *good_tokenstore_new_pair(void) {
    NEW(tokenstore_new_pair, pair);
    pair->access_type = type_now;
    pair->refresh_type = refresh_type;
    pair->flags = TOKENSTORE_BIND_ACCESS;
    pair->owner = text("acme");
    pair->binding = text(BINDING);
    pair->name = text("made");
    pair->projects = strings(2, 5);
    pair->project_count = 2;
    pair->app_data = text("data");
    pair->app_word = 7;
    pair->by = text("tester");
    return pair;
}

static const tokenstore_pair_values *good_tokenstore_pair_values(void) {
    NEW(tokenstore_pair_values, values);
    values->access = text("an access value of their own");
    values->refresh = text("a refresh value of their own");
    return values;
}

static const tokenstore_options *good_tokenstore_options(void) {
    NEW(tokenstore_options, options);
    options->key = copy(KEY, 32);
    options->cache_bytes = 1 << 20;
    options->use_resolution_ms = 1000;
    options->max_events = 10;
    options->busy_timeout_ms = 100;
    options->clock = clock_now;
    return options;
}

static const tokenstore_filter *good_tokenstore_filter(void) {
    NEW(tokenstore_filter, filter);
    filter->flags = TOKENSTORE_LIST_TYPE | TOKENSTORE_LIST_DEAD | TOKENSTORE_LIST_PROJECT | TOKENSTORE_CHECK_OWNER |
                    TOKENSTORE_LIST_EXPIRES_BEFORE | TOKENSTORE_LIST_UNUSED_SINCE | TOKENSTORE_LIST_STATES;
    filter->type = type_now;
    filter->owner = text("acme");
    filter->name_prefix = text("sub");
    filter->project = text("00000");
    filter->expires_before_ms = 1895521600000;
    filter->unused_since_ms = 1895521600000;
    filter->states = 1U << TOKENSTORE_OK | 1U << TOKENSTORE_REVOKED;
    return filter;
}

static const tokenstore_policy *good_tokenstore_policy(void) {
    NEW(tokenstore_policy, policy);
    policy->name = text("device");
    policy->prefix = text("dev");
    policy->default_lifetime_ms = 1000;
    policy->max_lifetime_ms = 2000;
    policy->flags = TOKENSTORE_TYPE_BY_NAME_ONLY | TOKENSTORE_TYPE_FAMILIES;
    policy->old_access = TOKENSTORE_ACCESS_LIVES_ON;
    policy->access_lifetime_ms = 1000;
    policy->refresh_lifetime_ms = 2000;
    policy->family_lifetime_ms = 3000;
    policy->grace_ms = 100;
    return policy;
}

static const tokenstore_query *good_tokenstore_query(void) {
    NEW(tokenstore_query, query);
    query->type = type_now;
    query->flags = TOKENSTORE_CHECK_PROJECT | TOKENSTORE_CHECK_BINDING;
    query->project = copy("00000", 5);
    query->project_len = 5;
    query->binding = copy(BINDING, sizeof BINDING - 1);
    query->binding_len = sizeof BINDING - 1;
    return query;
}

static const size_t *one_length(size_t len) {
    size_t *lens = block(sizeof *lens, sizeof *lens, 0);
    *lens = len;
    return lens;
}

#endif
