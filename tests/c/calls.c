/* Every call of the C interface, on a real file: what it answers when all is well, when it is refused, and when it is
 * given nothing. Prints the number of checks. */
#include "tokenstore.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int checks = 0;

static void check(int holds, const char *what, int line) {
    checks++;
    if (!holds) {
        fprintf(stderr, "line %d: %s\n", line, what);
        exit(1);
    }
}
#define CHECK(what) check((what) != 0, #what, __LINE__)
#define IS(call, expected)                                                                                   \
    do {                                                                                                     \
        tokenstore_status is = (call);                                                                       \
        if (is != (expected)) fprintf(stderr, "%s: %s\n", #call, tokenstore_status_name(is));                \
        check(is == (expected), #call " is " #expected, __LINE__);                                           \
    } while (0)

static tokenstore_bytes text(const char *text) {
    tokenstore_bytes bytes;
    bytes.data = (const uint8_t *)text;
    bytes.len = strlen(text);
    return bytes;
}

static uint32_t declare(tokenstore *store, const char *name, const char *prefix, uint32_t flags) {
    tokenstore_policy policy = {sizeof policy};
    uint32_t type = 77;
    policy.name = text(name);
    policy.prefix = text(prefix);
    policy.flags = flags;
    IS(tokenstore_type_declare(store, &policy, &type, NULL), TOKENSTORE_OK);
    CHECK(type >= 1);
    return type;
}

static tokenstore_target target(const uint8_t id[16]) {
    tokenstore_target target = {sizeof target};
    memcpy(target.id, id, 16);
    return target;
}

static void versions(void) {
    CHECK(tokenstore_version_number() == TOKENSTORE_VERSION_NUMBER);
    CHECK(tokenstore_abi() == TOKENSTORE_ABI);
    CHECK(TOKENSTORE_VERSION_NUMBER == TOKENSTORE_VERSION_MAJOR * 1000000 + TOKENSTORE_VERSION_MINOR * 1000 +
                                           TOKENSTORE_VERSION_PATCH);
    char composed[32];
    snprintf(composed, sizeof composed, "%d.%d.%d", TOKENSTORE_VERSION_MAJOR, TOKENSTORE_VERSION_MINOR,
             TOKENSTORE_VERSION_PATCH);
    CHECK(strcmp(composed, tokenstore_version_text()) == 0);
    CHECK(strcmp(tokenstore_status_name(TOKENSTORE_NAME_TAKEN), "NAME_TAKEN") == 0);
    CHECK(strcmp(tokenstore_status_name(9999), "?") == 0);
}

static void life(const char *path) {
    static const uint8_t key[32] = {1, 2, 3};
    tokenstore_clock *clock = NULL;
    tokenstore *store = NULL, *second = NULL;
    tokenstore_error error;
    tokenstore_options options = {sizeof options};
    const int64_t noon = 1795521600000;
    IS(tokenstore_clock_new(noon, &clock, NULL), TOKENSTORE_OK);
    options.key = key;
    options.clock = clock;
    IS(tokenstore_open(path, &options, &store, &error), TOKENSTORE_IO);
    CHECK(store == NULL && error.status == TOKENSTORE_IO && error.os_error == 2 && error.message[0] != 0);
    IS(tokenstore_create(path, &options, &store, &error), TOKENSTORE_OK);
    IS(tokenstore_create(path, &options, &second, NULL), TOKENSTORE_ALREADY_EXISTS);
    IS(tokenstore_open(path, &options, &second, NULL), TOKENSTORE_LOCKED);
    CHECK(second == NULL);

    uint32_t server = declare(store, "server", "srv", TOKENSTORE_TYPE_EXTERNAL);
    uint32_t device = declare(store, "device", "dev", 0), found = 0;
    IS(tokenstore_type_find(store, (const uint8_t *)"device", 6, &found, NULL), TOKENSTORE_OK);
    CHECK(found == device);
    IS(tokenstore_type_find(store, (const uint8_t *)"nobody", 6, &found, NULL), TOKENSTORE_NOT_FOUND);
    CHECK(found == 0);

    tokenstore_bytes projects[2];
    projects[0] = text("A-1");
    projects[1] = text("B-2");
    tokenstore_new_token new_token = {sizeof new_token};
    new_token.type = server;
    new_token.owner = text("acme");
    new_token.name = text("deploy");
    new_token.projects = projects;
    new_token.project_count = 2;
    new_token.app_word = 7;
    uint8_t value[TOKENSTORE_VALUE_BYTES], buffer[512];
    size_t value_len = 99, needed = 0;
    tokenstore_created created;
    IS(tokenstore_token_create(store, &new_token, value, 63, &value_len, &created, NULL), TOKENSTORE_BUFFER_TOO_SMALL);
    CHECK(value_len == 0);
    IS(tokenstore_token_create(store, &new_token, value, sizeof value, &value_len, &created, &error), TOKENSTORE_OK);
    CHECK(value_len == 40 && memcmp(value, "srv_", 4) == 0 && created.outcome == TOKENSTORE_CREATED);

    tokenstore_query query = {sizeof query};
    tokenstore_verdict verdict;
    query.type = server;
    query.flags = TOKENSTORE_CHECK_PROJECT;
    query.project = (const uint8_t *)"A-1";
    query.project_len = 3;
    IS(tokenstore_verify(store, value, value_len, &query, &verdict), TOKENSTORE_OK);
    CHECK(verdict.allowed == 1 && verdict.app_word == 7 && memcmp(verdict.id, created.id, 16) == 0);
    CHECK(verdict.expires_ms == TOKENSTORE_NEVER && verdict.type == server && verdict.flags == 0);
    uint8_t owner[255];
    size_t owner_len = 0;
    IS(tokenstore_owner(store, verdict.owner, owner, sizeof owner, &owner_len, NULL), TOKENSTORE_OK);
    CHECK(owner_len == 4 && memcmp(owner, "acme", 4) == 0);
    IS(tokenstore_owner(store, verdict.owner, owner, 3, &owner_len, NULL), TOKENSTORE_BUFFER_TOO_SMALL);
    CHECK(owner_len == 4);
    query.project = (const uint8_t *)"C-3";
    IS(tokenstore_verify(store, value, value_len, &query, &verdict), TOKENSTORE_NO_GRANT);
    CHECK(verdict.allowed == 0 && verdict.status == TOKENSTORE_NO_GRANT && verdict.app_word == 7);
    query.flags = 0;
    IS(tokenstore_verify(store, value, value_len, &query, &verdict), TOKENSTORE_INVALID_ARGUMENT);
    CHECK(verdict.allowed == 0);
    query.project = NULL;
    query.project_len = 0;
    query.type = device;
    IS(tokenstore_verify(store, value, value_len, &query, &verdict), TOKENSTORE_WRONG_TYPE);
    query.type = 0;
    IS(tokenstore_verify(store, value, value_len, &query, &verdict), TOKENSTORE_INVALID_ARGUMENT);
    query.flags = TOKENSTORE_ANY_TYPE;
    IS(tokenstore_verify(store, value, value_len, &query, &verdict), TOKENSTORE_OK);
    IS(tokenstore_verify(store, value, value_len - 1, &query, &verdict), TOKENSTORE_MALFORMED);
    query.flags = TOKENSTORE_ANY_TYPE | TOKENSTORE_HEADER;
    memcpy(buffer, "Bearer ", 7);
    memcpy(buffer + 7, value, value_len);
    IS(tokenstore_verify(store, buffer, 7 + value_len, &query, &verdict), TOKENSTORE_OK);
    query.flags = TOKENSTORE_ANY_TYPE;

    uint8_t many[3 * 40];
    tokenstore_verdict verdicts[3];
    memcpy(many, value, 40);
    memset(many + 40, 'x', 40);
    memcpy(many + 80, value, 40);
    IS(tokenstore_verify_many(store, many, 40, NULL, 3, &query, verdicts), TOKENSTORE_SOME_REFUSED);
    CHECK(verdicts[0].allowed == 1 && verdicts[1].status == TOKENSTORE_UNKNOWN && verdicts[2].allowed == 1);
    IS(tokenstore_verify_many(store, many, 40, NULL, 1, &query, verdicts), TOKENSTORE_OK);

    size_t lens[2] = {16, 15};
    IS(tokenstore_token_create_from_value(store, &new_token, many + 40, 30, &created, NULL), TOKENSTORE_NAME_TAKEN);
    new_token.name.len = 0;
    IS(tokenstore_token_create_from_value(store, &new_token, many + 40, 15, &created, NULL), TOKENSTORE_INVALID_ARGUMENT);
    IS(tokenstore_token_create_from_value(store, &new_token, many + 40, 16, &created, NULL), TOKENSTORE_OK);
    IS(tokenstore_token_create_from_value(store, &new_token, many + 40, 16, &created, NULL), TOKENSTORE_VALUE_EXISTS);
    CHECK(created.outcome == 0);
    IS(tokenstore_verify_many(store, many + 40, 20, lens, 2, &query, verdicts), TOKENSTORE_SOME_REFUSED);
    CHECK(verdicts[0].allowed == 1 && verdicts[1].status == TOKENSTORE_MALFORMED);

    IS(tokenstore_verify(store, value, value_len, &query, &verdict), TOKENSTORE_OK);
    tokenstore_target one = target(verdict.id);
    tokenstore_change change;
    tokenstore_edit edit = {sizeof edit};
    edit.fields = TOKENSTORE_EDIT_NAME | TOKENSTORE_EDIT_GRANTS | TOKENSTORE_EDIT_EXPIRES_IN;
    edit.name = text("renamed");
    edit.flags = TOKENSTORE_ALL_PROJECTS;
    edit.expires_ms = 1000;
    one.flags = TOKENSTORE_CHECK_REVISION;
    one.revision = 999;
    IS(tokenstore_token_edit(store, &one, &edit, &change, NULL), TOKENSTORE_REVISION_CONFLICT);
    one.revision = verdict.revision;
    IS(tokenstore_token_edit(store, &one, &edit, &change, NULL), TOKENSTORE_OK);
    CHECK(change.changed == 1 && change.revision > verdict.revision);
    one = target(verdict.id);
    one.owner = text("zeta");
    IS(tokenstore_token_grant(store, &one, (const uint8_t *)"P", 1, &change, NULL), TOKENSTORE_INVALID_ARGUMENT);
    one.flags = TOKENSTORE_CHECK_OWNER;
    IS(tokenstore_token_grant(store, &one, (const uint8_t *)"P", 1, &change, NULL), TOKENSTORE_NOT_FOUND);
    one = target(verdict.id);
    IS(tokenstore_token_grant(store, &one, (const uint8_t *)"P", 1, &change, NULL), TOKENSTORE_OK);
    CHECK(change.changed == 0);
    IS(tokenstore_token_ungrant(store, &one, (const uint8_t *)"P", 1, &change, NULL), TOKENSTORE_GRANT_IS_ALL);
    IS(tokenstore_token_revoke_grants(store, &one, NULL, NULL), TOKENSTORE_OK);
    IS(tokenstore_token_grant_all(store, &one, NULL, NULL), TOKENSTORE_OK);
    IS(tokenstore_token_disable(store, &one, NULL, NULL), TOKENSTORE_OK);
    IS(tokenstore_verify(store, value, value_len, &query, &verdict), TOKENSTORE_DISABLED);
    IS(tokenstore_token_enable(store, &one, NULL, NULL), TOKENSTORE_OK);

    tokenstore_token token = {sizeof token};
    IS(tokenstore_token_get(store, one.id, &token, buffer, 3, &needed, NULL), TOKENSTORE_BUFFER_TOO_SMALL);
    CHECK(needed > 3 && token.revision == 0);
    IS(tokenstore_token_get(store, one.id, &token, buffer, sizeof buffer, &needed, NULL), TOKENSTORE_OK);
    CHECK(token.struct_size == sizeof token && token.name.len == 7 && memcmp(token.name.data, "renamed", 7) == 0);
    CHECK(token.owner.len == 4 && token.created_ms == noon && token.expires_ms == noon + 1000);
    CHECK(token.state == TOKENSTORE_OK && token.flags == TOKENSTORE_HAS_ALL_PROJECTS && token.project_count == 0);

    tokenstore_list *list = NULL;
    int tokens = 0;
    IS(tokenstore_list_open(store, NULL, &list, NULL), TOKENSTORE_OK);
    while (tokenstore_list_next(list, &token, buffer, sizeof buffer, &needed, NULL) == TOKENSTORE_OK) {
        tokens++;
        if (token.project_count == 2) {
            CHECK(token.projects[0].len == 3 && memcmp(token.projects[1].data, "B-2", 3) == 0);
        }
    }
    CHECK(tokens == 2);
    IS(tokenstore_list_next(list, &token, buffer, sizeof buffer, &needed, NULL), TOKENSTORE_END);
    IS(tokenstore_list_close(list), TOKENSTORE_OK);
    IS(tokenstore_list_close(list), TOKENSTORE_CLOSED);

    uint64_t removed = 0;
    IS(tokenstore_project_remove(store, (const uint8_t *)"A-1", 3, NULL, 0, NULL, 0, &removed, NULL), TOKENSTORE_OK);
    CHECK(removed == 1);
    IS(tokenstore_clock_advance(clock, 999), TOKENSTORE_OK);
    IS(tokenstore_verify(store, value, value_len, &query, &verdict), TOKENSTORE_OK);
    IS(tokenstore_clock_advance(clock, 1), TOKENSTORE_OK);
    IS(tokenstore_verify(store, value, value_len, &query, &verdict), TOKENSTORE_EXPIRED);
    one.reason = text("leaked");
    IS(tokenstore_token_revoke(store, &one, &change, NULL), TOKENSTORE_OK);
    IS(tokenstore_verify(store, value, value_len, &query, &verdict), TOKENSTORE_REVOKED);
    IS(tokenstore_token_enable(store, &one, &change, &error), TOKENSTORE_REVOKED);
    CHECK(change.changed == 0 && error.status == TOKENSTORE_REVOKED);
    IS(tokenstore_value_revoke(store, many + 40, 16, NULL, 0, NULL, 0, &change, NULL), TOKENSTORE_OK);
    CHECK(change.changed == 1);
    IS(tokenstore_value_revoke(store, many + 40, 20, NULL, 0, NULL, 0, &change, NULL), TOKENSTORE_OK);
    CHECK(change.changed == 0);

    tokenstore_event event = {sizeof event};
    uint64_t events = 0;
    while (tokenstore_event_next(store, events, &event, buffer, sizeof buffer, &needed, NULL) == TOKENSTORE_OK) {
        CHECK(event.sequence == ++events);
    }
    tokenstore_stats stats = {sizeof stats};
    IS(tokenstore_get_stats(store, &stats, NULL), TOKENSTORE_OK);
    CHECK(stats.tokens == 2 && stats.types == 2 && stats.sequence == events);
    IS(tokenstore_token_delete(store, &one, NULL, NULL), TOKENSTORE_OK);
    IS(tokenstore_verify(store, value, value_len, &query, &verdict), TOKENSTORE_UNKNOWN);
    IS(tokenstore_change_key(store, NULL, NULL), TOKENSTORE_OK);
    IS(tokenstore_flush(store, NULL), TOKENSTORE_OK);
    IS(tokenstore_close(store, NULL), TOKENSTORE_OK);
    IS(tokenstore_close(store, NULL), TOKENSTORE_CLOSED);
    IS(tokenstore_verify(store, value, value_len, &query, &verdict), TOKENSTORE_CLOSED);
    CHECK(verdict.allowed == 0 && verdict.status == TOKENSTORE_CLOSED);
    IS(tokenstore_flush(store, NULL), TOKENSTORE_CLOSED);
    IS(tokenstore_open(path, &options, &store, NULL), TOKENSTORE_WRONG_KEY);
    options.key = NULL;
    IS(tokenstore_open(path, &options, &store, NULL), TOKENSTORE_OK);
    IS(tokenstore_close(store, NULL), TOKENSTORE_OK);
    IS(tokenstore_clock_close(clock), TOKENSTORE_OK);
    IS(tokenstore_clock_close(clock), TOKENSTORE_CLOSED);
    tokenstore_memzero(value, sizeof value);
    CHECK(value[0] == 0 && value[39] == 0);
}

static void nothing(void) {
    tokenstore *store = NULL;
    tokenstore_options options = {0};
    IS(tokenstore_create(NULL, NULL, &store, NULL), TOKENSTORE_INVALID_ARGUMENT);
    IS(tokenstore_open("", NULL, &store, NULL), TOKENSTORE_INVALID_ARGUMENT);
    IS(tokenstore_open_in_memory(&options, &store, NULL), TOKENSTORE_INVALID_ARGUMENT);
    IS(tokenstore_open_in_memory(NULL, NULL, NULL), TOKENSTORE_INVALID_ARGUMENT);
    IS(tokenstore_open_in_memory(NULL, &store, NULL), TOKENSTORE_OK);
    IS(tokenstore_verify(NULL, NULL, 0, NULL, NULL), TOKENSTORE_INVALID_ARGUMENT);
    tokenstore_verdict verdict;
    IS(tokenstore_verify(store, NULL, SIZE_MAX, NULL, &verdict), TOKENSTORE_INVALID_ARGUMENT);
    IS(tokenstore_verify(store, (const uint8_t *)"x", SIZE_MAX, NULL, &verdict), TOKENSTORE_INVALID_ARGUMENT);
    IS(tokenstore_token_create(store, NULL, NULL, 0, NULL, NULL, NULL), TOKENSTORE_INVALID_ARGUMENT);
    IS(tokenstore_token_get(store, NULL, NULL, NULL, 0, NULL, NULL), TOKENSTORE_INVALID_ARGUMENT);
    IS(tokenstore_list_next(NULL, NULL, NULL, 0, NULL, NULL), TOKENSTORE_INVALID_ARGUMENT);
    /* A struct from the future is taken only if what this library does not know of it is zeros. */
    struct {
        tokenstore_query query;
        uint64_t later;
    } larger = {{sizeof larger}, 0};
    larger.query.flags = TOKENSTORE_ANY_TYPE;
    IS(tokenstore_verify(store, (const uint8_t *)"x", 1, &larger.query, &verdict), TOKENSTORE_MALFORMED);
    larger.later = 1;
    IS(tokenstore_verify(store, (const uint8_t *)"x", 1, &larger.query, &verdict), TOKENSTORE_INVALID_ARGUMENT);
    IS(tokenstore_close(store, NULL), TOKENSTORE_OK);
    IS(tokenstore_close(NULL, NULL), TOKENSTORE_OK);
}

int main(int argc, char **argv) {
    if (argc != 2) return 2;
    versions();
    life(argv[1]);
    nothing();
    printf("C calls: %d checks passed\n", checks);
    return 0;
}
