#define _POSIX_C_SOURCE 200809L
#include "working_calls.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Numbers what is made, in each process by itself. */
static int things_made = 0;

void make_things(const tokenstore_store *store, things *things) {
    static char owner[16];
    tokenstore_policy counted = {0}, families = family_policy("refresh", TOKENSTORE_ACCESS_ENDS_NOW, 0);
    snprintf(owner, sizeof owner, "owner-%d", things_made);
    snprintf(things->project, sizeof things->project, "A-%d", things_made++);
    counted.struct_size = sizeof counted;
    counted.name = counted.prefix = text("coupon");
    counted.uses = 2;
    things->server = declare(store, "server", "srv", TOKENSTORE_TYPE_EXTERNAL);
    IS(tokenstore_type_declare(store, &counted, &things->coupon_type, NULL), TOKENSTORE_OK);
    things->refresh = declare_families(store, &families);
    tokenstore_new_token token = new_token(things->server, owner), coupon = new_token(things->coupon_type, owner);
    tokenstore_bytes project = text(things->project);
    token.projects = &project;
    token.project_count = 1;
    token.name = text("deploy");
    things->token = make(store, &token);
    things->coupon = make(store, &coupon);
    tokenstore_new_pair pair = new_pair(things->server, things->refresh);
    pair.owner = text(owner);
    issue(store, &pair, NULL, &things->pair, 64, TOKENSTORE_OK);
    tokenstore_filter filter = {0};
    filter.struct_size = sizeof filter;
    filter.flags = TOKENSTORE_CHECK_OWNER;
    filter.owner = text(owner);
    IS(tokenstore_list_open(store, &filter, &things->list, NULL), TOKENSTORE_OK);
}

/* ---- Verifying ---- */

static void verify(const tokenstore_store *store, things *things) {
    tokenstore_query query = query_of(things->server);
    tokenstore_verdict verdict;
    IS(tokenstore_verify(store, things->token.value, things->token.len, &query, &verdict), TOKENSTORE_OK);
    CHECK(verdict.allowed == 1 && memcmp(verdict.id, things->token.id, 16) == 0);
}

static void verify_many(const tokenstore_store *store, things *things) {
    tokenstore_query query = query_of(things->server);
    tokenstore_verdict verdicts[1];
    IS(tokenstore_verify_many(store, things->token.value, things->token.len, NULL, 1, &query, verdicts), TOKENSTORE_OK);
    CHECK(verdicts[0].allowed == 1 && memcmp(verdicts[0].id, things->token.id, 16) == 0);
}

/* A number that stands for an owner is a handle's own, so that it is asked for after a verify. */
static void owner(const tokenstore_store *store, things *things) {
    uint8_t buffer[255];
    size_t len;
    tokenstore_verdict verdict = verdict_of(store, &things->token, TOKENSTORE_OK);
    IS(tokenstore_owner(store, verdict.owner, buffer, sizeof buffer, &len, NULL), TOKENSTORE_OK);
    CHECK(len >= 7 && memcmp(buffer, "owner-", 6) == 0);
}

static void consume(const tokenstore_store *store, things *things) {
    tokenstore_query query = query_of(things->coupon_type);
    tokenstore_verdict verdict;
    uint32_t left = 7;
    IS(tokenstore_consume(store, things->coupon.value, things->coupon.len, &query, &verdict, NULL, 0, NULL, &left,
                          NULL), TOKENSTORE_OK);
    CHECK(left == 1);
}

/* ---- Making ---- */

static tokenstore_new_token another(things *things) {
    static char name[32];
    snprintf(name, sizeof name, "name-%ld-%d", (long)getpid(), things_made++);
    tokenstore_new_token token = new_token(things->server, "somebody else");
    token.name = text(name);
    return token;
}

static void token_create(const tokenstore_store *store, things *things) {
    tokenstore_new_token token = another(things);
    tokenstore_created created;
    made made;
    IS(tokenstore_token_create(store, &token, made.value, sizeof made.value, &made.len, &created, NULL), TOKENSTORE_OK);
    IS(judge(store, &made, things->server), TOKENSTORE_OK);
}

static void token_create_if_absent(const tokenstore_store *store, things *things) {
    tokenstore_new_token token = another(things);
    tokenstore_created created;
    uint8_t value[TOKENSTORE_VALUE_BYTES];
    size_t len;
    IS(tokenstore_token_create_if_absent(store, &token, value, sizeof value, &len, &created, NULL), TOKENSTORE_OK);
    CHECK(created.outcome == TOKENSTORE_CREATED && len > 0);
}

static void token_create_from_value(const tokenstore_store *store, things *things) {
    tokenstore_new_token token = another(things);
    tokenstore_created created;
    char value[48];
    int len = snprintf(value, sizeof value, "a-value-of-our-own-%ld-%d", (long)getpid(), things_made++);
    IS(tokenstore_token_create_from_value(store, &token, (uint8_t *)value, (size_t)len, &created, NULL), TOKENSTORE_OK);
}

static void token_create_many(const tokenstore_store *store, things *things) {
    tokenstore_new_token token = another(things);
    tokenstore_created created;
    tokenstore_status status;
    uint8_t value[TOKENSTORE_VALUE_BYTES];
    size_t len;
    IS(tokenstore_token_create_many(store, &token, 1, value, &len, &created, &status, NULL), TOKENSTORE_OK);
    IS(status, TOKENSTORE_OK);
}

static void type_declare(const tokenstore_store *store, things *things) {
    char name[16];
    (void)things;
    snprintf(name, sizeof name, "type_%d", things_made++);
    declare(store, name, name, 0);
    tokenstore_policy same = {0};
    uint32_t type = 0;
    same.struct_size = sizeof same;
    same.name = same.prefix = text(name);
    IS(tokenstore_type_declare(store, &same, &type, NULL), TOKENSTORE_OK);
    CHECK(type > things->refresh);
}

static void pair_issue(const tokenstore_store *store, things *things) {
    static place place;
    tokenstore_new_pair pair = new_pair(things->server, things->refresh);
    tokenstore_error error;
    clear(&place, 64);
    IS(tokenstore_pair_issue(store, &pair, NULL, &place.pair, &error), TOKENSTORE_OK);
    access_is(store, &place, TOKENSTORE_OK);
}

static void pair_refresh(const tokenstore_store *store, things *things) {
    static place place;
    tokenstore_bytes client = text("client-7");
    clear(&place, 64);
    IS(tokenstore_pair_refresh(store, things->pair.refresh, things->pair.pair.refresh_len, client.data, client.len,
                               NULL, NULL, 0, &place.pair, NULL), TOKENSTORE_OK);
    CHECK(place.pair.outcome == TOKENSTORE_ROTATED);
    access_is(store, &things->pair, TOKENSTORE_SUPERSEDED);
}

/* ---- Changing ---- */

#define CHANGES(call)                                                     \
    do {                                                                  \
        tokenstore_target target = target_of(&things->token);             \
        tokenstore_change change = {0};                                   \
        IS(call, TOKENSTORE_OK);                                          \
        CHECK(change.changed == 1);                                       \
    } while (0)

static void token_edit(const tokenstore_store *store, things *things) {
    tokenstore_edit edit = {0};
    edit.struct_size = sizeof edit;
    edit.fields = TOKENSTORE_EDIT_APP_WORD;
    edit.app_word = 7;
    CHANGES(tokenstore_token_edit(store, &target, &edit, &change, NULL));
    CHECK(verdict_of(store, &things->token, TOKENSTORE_OK).app_word == 7);
}

static void token_grant(const tokenstore_store *store, things *things) {
    CHANGES(tokenstore_token_grant(store, &target, (const uint8_t *)"B-2", 3, &change, NULL));
}
static void token_ungrant(const tokenstore_store *store, things *things) {
    tokenstore_bytes project = text(things->project);
    CHANGES(tokenstore_token_ungrant(store, &target, project.data, project.len, &change, NULL));
}
static void token_grant_all(const tokenstore_store *store, things *things) {
    CHANGES(tokenstore_token_grant_all(store, &target, &change, NULL));
}
static void token_revoke_grants(const tokenstore_store *store, things *things) {
    CHANGES(tokenstore_token_revoke_grants(store, &target, &change, NULL));
}
static void token_disable(const tokenstore_store *store, things *things) {
    CHANGES(tokenstore_token_disable(store, &target, &change, NULL));
}
/* It was not switched off. */
static void token_enable(const tokenstore_store *store, things *things) {
    tokenstore_target target = target_of(&things->token);
    tokenstore_change change = {0};
    IS(tokenstore_token_enable(store, &target, &change, NULL), TOKENSTORE_OK);
    CHECK(change.changed == 0);
}
static void token_revoke(const tokenstore_store *store, things *things) {
    CHANGES(tokenstore_token_revoke(store, &target, &change, NULL));
}
static void token_delete(const tokenstore_store *store, things *things) {
    CHANGES(tokenstore_token_delete(store, &target, &change, NULL));
}
static void value_revoke(const tokenstore_store *store, things *things) {
    tokenstore_change change = {0};
    IS(tokenstore_value_revoke(store, things->token.value, things->token.len, NULL, 0, NULL, 0, &change, NULL),
       TOKENSTORE_OK);
    CHECK(change.changed == 1);
}
static void project_remove(const tokenstore_store *store, things *things) {
    tokenstore_bytes project = text(things->project);
    uint64_t removed = 0;
    IS(tokenstore_project_remove(store, project.data, project.len, NULL, 0, NULL, 0, &removed, NULL), TOKENSTORE_OK);
    CHECK(removed == 1 && verdict_of(store, &things->token, TOKENSTORE_OK).flags == TOKENSTORE_HAS_NO_PROJECTS);
}
static void family_revoke(const tokenstore_store *store, things *things) {
    tokenstore_target target = target_of(&things->token);
    tokenstore_change change = {0};
    memcpy(target.id, things->pair.pair.family, 16);
    IS(tokenstore_family_revoke(store, &target, &change, NULL), TOKENSTORE_OK);
    CHECK(change.changed == 1);
    access_is(store, &things->pair, TOKENSTORE_REVOKED);
}
static void owner_revoke(const tokenstore_store *store, things *things) {
    tokenstore_change change = {0};
    tokenstore_bytes owner = read_back(store, &things->token).owner;
    IS(tokenstore_owner_revoke(store, owner.data, owner.len, 0, NULL, 0, NULL, 0, &change, NULL), TOKENSTORE_OK);
    CHECK(change.changed == 1);
    access_is(store, &things->pair, TOKENSTORE_REVOKED);
}
static void token_rotate(const tokenstore_store *store, things *things) {
    tokenstore_target target = target_of(&things->token);
    tokenstore_created created;
    made made = things->token;
    IS(tokenstore_token_rotate(store, &target, 0, made.value, sizeof made.value, &made.len, &created, NULL),
       TOKENSTORE_OK);
    IS(judge(store, &made, things->server), TOKENSTORE_OK);
}
static void prune(const tokenstore_store *store, things *things) {
    uint64_t removed = 7;
    (void)things;
    IS(tokenstore_prune(store, 0, 1, &removed, NULL), TOKENSTORE_OK);
    CHECK(removed == 0);
}
static void flush(const tokenstore_store *store, things *things) {
    (void)things;
    IS(tokenstore_flush(store, NULL), TOKENSTORE_OK);
}
/* It had none before. */
static void change_key(const tokenstore_store *store, things *things) {
    (void)things;
    IS(tokenstore_change_key(store, NULL, NULL), TOKENSTORE_OK);
}

/* ---- Reading ---- */

static void type_find(const tokenstore_store *store, things *things) {
    uint32_t type = 0;
    IS(tokenstore_type_find(store, (const uint8_t *)"server", 6, &type, NULL), TOKENSTORE_OK);
    CHECK(type == things->server);
}
static void type_get(const tokenstore_store *store, things *things) {
    tokenstore_policy policy = {0};
    uint8_t buffer[280];
    size_t needed;
    policy.struct_size = sizeof policy;
    IS(tokenstore_type_get(store, things->coupon_type, &policy, buffer, sizeof buffer, &needed, NULL), TOKENSTORE_OK);
    CHECK(policy.uses == 2 && is_text(policy.name, "coupon"));
}
static void token_get(const tokenstore_store *store, things *things) {
    tokenstore_token token = {0};
    uint8_t buffer[1024];
    size_t needed;
    token.struct_size = sizeof token;
    IS(tokenstore_token_get(store, things->token.id, &token, buffer, sizeof buffer, &needed, NULL), TOKENSTORE_OK);
    CHECK(token.state == TOKENSTORE_OK && is_text(token.name, "deploy"));
}

/* All that a list has, which begins with the token. */
static void read_list(tokenstore_list *list, const things *things, int least) {
    tokenstore_status status;
    int count = 0;
    do {
        tokenstore_token token = {0};
        uint8_t buffer[1024];
        size_t needed;
        token.struct_size = sizeof token;
        status = tokenstore_list_next(list, &token, buffer, sizeof buffer, &needed, NULL);
        CHECK(status == TOKENSTORE_OK || status == TOKENSTORE_END);
        if (count == 0 && things != NULL) CHECK(memcmp(token.id, things->token.id, 16) == 0);
        count += status == TOKENSTORE_OK;
    } while (status == TOKENSTORE_OK);
    CHECK(count >= least);
}
static void list_open(const tokenstore_store *store, things *things) {
    tokenstore_list *list;
    (void)things;
    IS(tokenstore_list_open(store, NULL, &list, NULL), TOKENSTORE_OK);
    read_list(list, NULL, 3);
    IS(tokenstore_list_close(list), TOKENSTORE_OK);
}
/* One that was opened before. */
static void list_next(const tokenstore_store *store, things *things) {
    (void)store;
    read_list(things->list, things, 3);
}
static void event_next(const tokenstore_store *store, things *things) {
    tokenstore_event event = {0};
    uint8_t buffer[776];
    size_t needed;
    event.struct_size = sizeof event;
    IS(tokenstore_event_next(store, things->token.revision - 1, &event, buffer, sizeof buffer, &needed, NULL),
       TOKENSTORE_OK);
    CHECK(event.sequence == things->token.revision && event.kind == 2 && memcmp(event.id, things->token.id, 16) == 0);
}
static void get_stats(const tokenstore_store *store, things *things) {
    tokenstore_stats stats = {0};
    stats.struct_size = sizeof stats;
    IS(tokenstore_get_stats(store, &stats, NULL), TOKENSTORE_OK);
    CHECK(stats.tokens >= 3 && stats.types >= 3 && stats.sequence >= things->pair.pair.revision);
}

/* ---- All of them ---- */

static const struct {
    const char *name;
    void (*call)(const tokenstore_store *, things *);
    /* What a verify of the token says afterwards. */
    tokenstore_status after;
} CALLS[] = {
    {"verify", verify, TOKENSTORE_OK},
    {"verify_many", verify_many, TOKENSTORE_OK},
    {"owner", owner, TOKENSTORE_OK},
    {"consume", consume, TOKENSTORE_OK},
    {"token_create", token_create, TOKENSTORE_OK},
    {"token_create_if_absent", token_create_if_absent, TOKENSTORE_OK},
    {"token_create_from_value", token_create_from_value, TOKENSTORE_OK},
    {"token_create_many", token_create_many, TOKENSTORE_OK},
    {"type_declare", type_declare, TOKENSTORE_OK},
    {"pair_issue", pair_issue, TOKENSTORE_OK},
    {"pair_refresh", pair_refresh, TOKENSTORE_OK},
    {"token_edit", token_edit, TOKENSTORE_OK},
    {"token_grant", token_grant, TOKENSTORE_OK},
    {"token_ungrant", token_ungrant, TOKENSTORE_OK},
    {"token_grant_all", token_grant_all, TOKENSTORE_OK},
    {"token_revoke_grants", token_revoke_grants, TOKENSTORE_OK},
    {"token_disable", token_disable, TOKENSTORE_DISABLED},
    {"token_enable", token_enable, TOKENSTORE_OK},
    {"token_revoke", token_revoke, TOKENSTORE_REVOKED},
    {"token_delete", token_delete, TOKENSTORE_UNKNOWN},
    {"value_revoke", value_revoke, TOKENSTORE_REVOKED},
    {"project_remove", project_remove, TOKENSTORE_OK},
    {"family_revoke", family_revoke, TOKENSTORE_OK},
    {"owner_revoke", owner_revoke, TOKENSTORE_REVOKED},
    {"token_rotate", token_rotate, TOKENSTORE_SUPERSEDED},
    {"prune", prune, TOKENSTORE_OK},
    {"flush", flush, TOKENSTORE_OK},
    {"change_key", change_key, TOKENSTORE_OK},
    {"type_find", type_find, TOKENSTORE_OK},
    {"type_get", type_get, TOKENSTORE_OK},
    {"token_get", token_get, TOKENSTORE_OK},
    {"list_open", list_open, TOKENSTORE_OK},
    {"list_next", list_next, TOKENSTORE_OK},
    {"event_next", event_next, TOKENSTORE_OK},
    {"get_stats", get_stats, TOKENSTORE_OK},
};

int working_call_count(void) { return (int)(sizeof CALLS / sizeof *CALLS); }
const char *working_call_name(int number) { return CALLS[number].name; }

tokenstore_status working_call(const tokenstore_store *store, int number, things *things) {
    CALLS[number].call(store, things);
    return CALLS[number].after;
}
