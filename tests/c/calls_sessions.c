/* Use counts, tickets that live in memory alone, and other values for tokens. */
#include "calls.h"

#include <stdio.h>
#include <string.h>

static uint32_t declare_counted(const tokenstore_store *store, const char *name, uint32_t uses, uint32_t flags,
                                uint64_t default_ms) {
    tokenstore_policy policy = {0}, read = {0};
    uint32_t type = 0;
    uint8_t buffer[280];
    size_t needed;
    policy.struct_size = read.struct_size = sizeof policy;
    policy.name = policy.prefix = text(name);
    policy.uses = uses;
    policy.flags = flags;
    policy.default_lifetime_ms = default_ms;
    IS(tokenstore_type_declare(store, &policy, &type, NULL), TOKENSTORE_OK);
    IS(tokenstore_type_get(store, type, &read, buffer, sizeof buffer, &needed, NULL), TOKENSTORE_OK);
    CHECK(read.uses == uses && read.flags == flags && read.default_lifetime_ms == default_ms);
    CHECK(read.grace_ms == 0 && read.old_access == 0 && read.access_lifetime_ms == 0 && read.family_lifetime_ms == 0);
    return type;
}

/* What a consume left. Its outputs were something else before. */
typedef struct consumed {
    tokenstore_verdict verdict;
    uint8_t data[TOKENSTORE_APP_DATA_BYTES];
    size_t data_len;
    uint32_t uses_left;
} consumed;

static consumed consume(const tokenstore_store *store, const made *made, const tokenstore_query *query,
                        tokenstore_status expected) {
    consumed left;
    tokenstore_error error;
    memset(&left, 0x55, sizeof left);
    memset(&error, 0x55, sizeof error);
    IS(tokenstore_consume(store, made->value, made->len, query, &left.verdict, left.data, sizeof left.data,
                          &left.data_len, &left.uses_left, &error),
       expected);
    CHECK(left.verdict.status == expected && left.verdict.allowed == (expected == TOKENSTORE_OK ? 1u : 0u));
    if (expected == TOKENSTORE_OK) {
        CHECK(holds_only(&error, sizeof error, 0x55) && memcmp(left.verdict.id, made->id, 16) == 0);
    } else {
        CHECK(error.status == expected && error.message[0] != 0 && left.data_len == 0 && left.uses_left == 0);
    }
    return left;
}

void consuming(const char *folder) {
    tokenstore_clock *clock = noon();
    tokenstore_store *store = in_memory(clock);
    uint32_t coupon = declare_counted(store, "coupon", 3, 0, 0);
    uint32_t server = declare(store, "server", "srv", TOKENSTORE_TYPE_EXTERNAL);
    tokenstore_bytes project = text("A-1");
    tokenstore_new_token token = new_token(coupon, "acme");
    token.projects = &project;
    token.project_count = 1;
    token.binding = text("client-7");
    token.app_data = text("/inbox");
    token.app_word = 7;
    token.flags = TOKENSTORE_EXPIRES_IN;
    token.expires_ms = 1000;
    made made = make(store, &token);
    tokenstore_query query = query_of(coupon);
    query.flags = TOKENSTORE_CHECK_PROJECT | TOKENSTORE_CHECK_BINDING;
    query.project = project.data;
    query.project_len = project.len;
    query.binding = token.binding.data;
    query.binding_len = token.binding.len;
    IS(judge(store, &made, coupon), TOKENSTORE_WRONG_BINDING);

    /* A refusal is the one of a verify, and spends nothing. */
    tokenstore_target target = target_of(&made);
    tokenstore_query wrong = query;
    consume(store, &made, NULL, TOKENSTORE_INVALID_ARGUMENT);
    wrong.type = server;
    consume(store, &made, &wrong, TOKENSTORE_WRONG_TYPE);
    wrong.type = coupon;
    wrong.binding_len--;
    consume(store, &made, &wrong, TOKENSTORE_WRONG_BINDING);
    wrong.binding_len++;
    wrong.project_len--;
    CHECK(memcmp(consume(store, &made, &wrong, TOKENSTORE_NO_GRANT).verdict.id, made.id, 16) == 0);
    IS(tokenstore_token_disable(store, &target, NULL, NULL), TOKENSTORE_OK);
    consume(store, &made, &query, TOKENSTORE_DISABLED);
    IS(tokenstore_token_enable(store, &target, NULL, NULL), TOKENSTORE_OK);
    struct made nobody = made;
    nobody.value[nobody.len - 1] ^= 1;
    consume(store, &nobody, &query, TOKENSTORE_MALFORMED);
    memcpy(nobody.value, "a-value-that-nobody-has", nobody.len = 23);
    consume(store, &nobody, &query, TOKENSTORE_UNKNOWN);
    consume(NULL, &made, &query, TOKENSTORE_INVALID_ARGUMENT);
    tokenstore_token read = read_back(store, &made);
    CHECK(read.uses_left == 3 && read.flags == (TOKENSTORE_IS_COUNTED | TOKENSTORE_IS_BOUND) && read.reserved_2 == 0);

    /* A buffer that is no place for the longest app_data, which is nowhere but with 0. Nothing is spent. */
    uint8_t data[TOKENSTORE_APP_DATA_BYTES];
    tokenstore_verdict verdict;
    for (size_t room = 0; room < sizeof data; room += sizeof data - 1) {
        IS(tokenstore_consume(store, made.value, made.len, &query, &verdict, data, room, NULL, NULL, NULL),
           TOKENSTORE_BUFFER_TOO_SMALL);
        CHECK(verdict.allowed == 0 && verdict.status == TOKENSTORE_BUFFER_TOO_SMALL);
    }
    IS(tokenstore_consume(store, made.value, made.len, &query, &verdict, NULL, 1, NULL, NULL, NULL),
       TOKENSTORE_BUFFER_TOO_SMALL);
    IS(tokenstore_consume(store, made.value, made.len, &query, NULL, NULL, 0, NULL, NULL, NULL),
       TOKENSTORE_INVALID_ARGUMENT);
    CHECK(read_back(store, &made).uses_left == 3);

    /* A verify never spends a use, whatever it is asked. */
    for (int again = 0; again < 3; again++) {
        IS(tokenstore_verify(store, made.value, made.len, &query, &verdict), TOKENSTORE_MUST_CONSUME);
    }
    consumed left = consume(store, &made, &query, TOKENSTORE_OK);
    CHECK(left.uses_left == 2 && left.data_len == 6 && memcmp(left.data, "/inbox", 6) == 0);
    CHECK(left.verdict.app_word == 7 && left.verdict.type == coupon && left.verdict.expires_ms == NOON_MS + 1000);
    IS(tokenstore_consume(store, made.value, made.len, &query, &verdict, NULL, 0, NULL, NULL, NULL), TOKENSTORE_OK);
    CHECK(verdict.allowed == 1 && read_back(store, &made).uses_left == 1);
    CHECK(consume(store, &made, &query, TOKENSTORE_OK).uses_left == 0);
    consume(store, &made, &query, TOKENSTORE_USED);
    IS(tokenstore_verify(store, made.value, made.len, &query, &verdict), TOKENSTORE_USED);
    read = read_back(store, &made);
    CHECK(read.state == TOKENSTORE_USED && read.uses_left == 0 && (read.flags & TOKENSTORE_IS_COUNTED) != 0);
    IS(tokenstore_clock_advance(clock, 1000), TOKENSTORE_OK);
    consume(store, &made, &query, TOKENSTORE_USED);
    IS(tokenstore_token_revoke(store, &target, NULL, NULL), TOKENSTORE_OK);
    consume(store, &made, &query, TOKENSTORE_REVOKED);

    /* What has an end ends, and what has no use count cannot be spent. A whole header is asked for as of a verify. */
    made = make(store, &token);
    IS(tokenstore_clock_advance(clock, 1000), TOKENSTORE_OK);
    consume(store, &made, &query, TOKENSTORE_EXPIRED);
    token = new_token(server, "acme");
    made = make(store, &token);
    query = query_of(server);
    consume(store, &made, &query, TOKENSTORE_NOT_COUNTED);
    query.type = coupon;
    consume(store, &made, &query, TOKENSTORE_WRONG_TYPE);
    IS(judge(store, &made, server), TOKENSTORE_OK);
    CHECK(read_back(store, &made).flags == TOKENSTORE_HAS_NO_PROJECTS);
    token = new_token(coupon, "acme");
    made = make(store, &token);
    struct made header = made;
    memcpy(header.value, "Bearer ", 7);
    memcpy(header.value + 7, made.value, made.len);
    header.len += 7;
    query = query_of(coupon);
    consume(store, &header, &query, TOKENSTORE_UNKNOWN);
    query.flags = TOKENSTORE_HEADER;
    CHECK(consume(store, &header, &query, TOKENSTORE_OK).uses_left == 2);
    IS(tokenstore_close(store, NULL), TOKENSTORE_OK);
    consume(store, &made, &query, TOKENSTORE_CLOSED);

    /* The use is on the disk when the call returned. */
    char path[4096];
    strcpy(path, path_in(folder, "consumed.store"));
    IS(tokenstore_create(path, NULL, &store, NULL), TOKENSTORE_OK);
    token.type = declare_counted(store, "coupon", 1, 0, 0);
    made = make(store, &token);
    query = query_of(token.type);
    consume(store, &made, &query, TOKENSTORE_OK);
    tokenstore_store *copy = open_copy(path, folder, NULL);
    consume(copy, &made, &query, TOKENSTORE_USED);
    IS(tokenstore_close(copy, NULL), TOKENSTORE_OK);
    IS(tokenstore_close(store, NULL), TOKENSTORE_OK);
    CHECK(remove(path) == 0);
    IS(tokenstore_clock_close(clock), TOKENSTORE_OK);
}

void tickets(const char *folder) {
    char path[4096];
    tokenstore_store *store;
    strcpy(path, path_in(folder, "tickets.store"));
    IS(tokenstore_create(path, NULL, &store, NULL), TOKENSTORE_OK);
    uint32_t ticket = declare_counted(store, "ticket", 1, TOKENSTORE_TYPE_VOLATILE, 15000);
    uint32_t server = declare(store, "server", "srv", 0);

    /* A use count and a default lifetime. */
    tokenstore_policy policy = {0};
    uint32_t type = 77;
    policy.struct_size = sizeof policy;
    policy.name = policy.prefix = text("other");
    policy.flags = TOKENSTORE_TYPE_VOLATILE;
    policy.uses = 1;
    IS(tokenstore_type_declare(store, &policy, &type, NULL), TOKENSTORE_INVALID_ARGUMENT);
    policy.uses = 0;
    policy.default_lifetime_ms = 15000;
    IS(tokenstore_type_declare(store, &policy, &type, NULL), TOKENSTORE_INVALID_ARGUMENT);
    CHECK(type == 0);

    /* No name and no parent; in no list and no event. */
    tokenstore_new_token token = new_token(server, "acme");
    made parent = make(store, &token);
    token.type = ticket;
    token.app_data = text("/inbox");
    uint64_t before = token_count(store);
    made made = make(store, &token), left = make(store, &token), other;
    tokenstore_created created;
    token.name = text("named");
    IS(tokenstore_token_create(store, &token, other.value, sizeof other.value, &other.len, &created, NULL),
       TOKENSTORE_INVALID_ARGUMENT);
    token.name.len = 0;
    memcpy(token.parent, parent.id, 16);
    IS(tokenstore_token_create(store, &token, other.value, sizeof other.value, &other.len, &created, NULL),
       TOKENSTORE_INVALID_ARGUMENT);
    tokenstore_query query = query_of(ticket);
    consumed spent = consume(store, &made, &query, TOKENSTORE_OK);
    CHECK(spent.uses_left == 0 && spent.data_len == 6 && memcmp(spent.data, "/inbox", 6) == 0);
    consume(store, &made, &query, TOKENSTORE_USED);
    CHECK(read_back(store, &left).uses_left == 1 && token_count(store) == before);
    tokenstore_filter filter = {0};
    tokenstore_list *list;
    tokenstore_token read = {0};
    tokenstore_event event = {0};
    uint8_t buffer[776];
    size_t needed;
    filter.struct_size = sizeof filter;
    filter.flags = TOKENSTORE_LIST_TYPE | TOKENSTORE_LIST_DEAD;
    filter.type = ticket;
    read.struct_size = sizeof read;
    event.struct_size = sizeof event;
    IS(tokenstore_list_open(store, &filter, &list, NULL), TOKENSTORE_OK);
    IS(tokenstore_list_next(list, &read, buffer, sizeof buffer, &needed, NULL), TOKENSTORE_END);
    IS(tokenstore_list_close(list), TOKENSTORE_OK);
    /* Two types and the parent. */
    IS(tokenstore_event_next(store, 3, &event, buffer, sizeof buffer, &needed, NULL), TOKENSTORE_END);

    /* Unknown after a crash, and after a close. */
    tokenstore_store *copy = open_copy(path, folder, NULL);
    consume(copy, &left, &query, TOKENSTORE_UNKNOWN);
    IS(judge(copy, &parent, server), TOKENSTORE_OK);
    IS(tokenstore_close(copy, NULL), TOKENSTORE_OK);
    IS(tokenstore_close(store, NULL), TOKENSTORE_OK);
    IS(tokenstore_open(path, NULL, &store, NULL), TOKENSTORE_OK);
    consume(store, &left, &query, TOKENSTORE_UNKNOWN);
    consume(store, &made, &query, TOKENSTORE_UNKNOWN);
    IS(tokenstore_close(store, NULL), TOKENSTORE_OK);
    CHECK(remove(path) == 0);
}

static tokenstore_status rotate(const tokenstore_store *store, const made *token, uint64_t grace_ms, made *next) {
    tokenstore_target target = target_of(token);
    tokenstore_created created;
    tokenstore_error error;
    memset(&created, 0x55, sizeof created);
    memset(next, 0x55, sizeof *next);
    tokenstore_status status = tokenstore_token_rotate(store, &target, grace_ms, next->value, sizeof next->value,
                                                       &next->len, &created, &error);
    if (status == TOKENSTORE_OK) {
        CHECK(memcmp(created.id, token->id, 16) == 0 && created.outcome == TOKENSTORE_CREATED && created.reserved == 0);
        memcpy(next->id, created.id, 16);
        next->revision = created.revision;
        CHECK(created.revision == read_back(store, next).revision);
    } else {
        CHECK(holds_only(&created, sizeof created, 0) && next->len == 0 && error.status == status);
        CHECK(holds_only(next->value, sizeof next->value, 0));
    }
    return status;
}

void rotating(const char *folder) {
    char path[4096];
    tokenstore_clock *clock = noon();
    tokenstore_options options = {0};
    tokenstore_store *store;
    strcpy(path, path_in(folder, "rotated.store"));
    options.struct_size = sizeof options;
    options.clock = clock;
    IS(tokenstore_create(path, &options, &store, NULL), TOKENSTORE_OK);
    uint32_t type = declare(store, "server", "srv", 0), coupon = declare_counted(store, "coupon", 1, 0, 0);
    tokenstore_bytes project = text("A-1");
    tokenstore_new_token token = new_token(type, "acme");
    token.name = text("ci");
    token.projects = &project;
    token.project_count = 1;
    token.app_data = text("ciphertext");
    token.flags = TOKENSTORE_EXPIRES_IN;
    token.expires_ms = 100000;
    made first = make(store, &token), second, third, fourth, none;
    CHECK(read_back(store, &first).old_value_until_ms == TOKENSTORE_NEVER);
    CHECK(read_back(store, &first).old_value_used_ms == TOKENSTORE_NEVER);

    /* Another value on the disk; id, name, grants and owner stay, app_data is cleared. */
    IS(rotate(store, &first, 5000, &second), TOKENSTORE_OK);
    CHECK(second.len == 40 && memcmp(second.value, "srv_", 4) == 0 && second.revision > first.revision);
    CHECK(memcmp(first.value, second.value, 40) != 0);
    tokenstore_token read = read_back(store, &first);
    CHECK(is_text(read.name, "ci") && is_text(read.owner, "acme") && read.app_data.len == 0);
    CHECK(read.project_count == 1 && is_text(read.projects[0], "A-1") && read.expires_ms == NOON_MS + 100000);
    CHECK(read.old_value_until_ms == NOON_MS + 5000 && read.old_value_used_ms == TOKENSTORE_NEVER);
    CHECK(read.state == TOKENSTORE_OK && read.created_ms == NOON_MS);
    tokenstore_store *copy = open_copy(path, folder, &options);
    IS(judge(copy, &first, type), TOKENSTORE_OK);
    IS(judge(copy, &second, type), TOKENSTORE_OK);
    IS(tokenstore_close(copy, NULL), TOKENSTORE_OK);

    /* The value before works for the grace, and the verdict says so; then it is superseded. */
    tokenstore_verdict verdict = verdict_of(store, &first, TOKENSTORE_OK);
    CHECK(verdict.flags == TOKENSTORE_OLD_VALUE && verdict.expires_ms == NOON_MS + 5000);
    CHECK(read_back(store, &first).old_value_used_ms == NOON_MS);
    verdict = verdict_of(store, &second, TOKENSTORE_OK);
    CHECK(verdict.flags == 0 && verdict.expires_ms == NOON_MS + 100000 && memcmp(verdict.id, first.id, 16) == 0);
    IS(tokenstore_clock_advance(clock, 4999), TOKENSTORE_OK);
    verdict_of(store, &first, TOKENSTORE_OK);
    IS(tokenstore_clock_advance(clock, 1), TOKENSTORE_OK);
    verdict = verdict_of(store, &first, TOKENSTORE_SUPERSEDED);
    CHECK(verdict.allowed == 0 && memcmp(verdict.id, first.id, 16) == 0);
    CHECK(read_back(store, &first).old_value_until_ms == NOON_MS + 5000);

    /* One value before is remembered; a grace goes no further than the token's life. */
    IS(rotate(store, &first, UINT64_MAX, &none), TOKENSTORE_INVALID_ARGUMENT);
    IS(rotate(store, &first, UINT64_C(500) * 365 * 86400000, &third), TOKENSTORE_OK);
    verdict_of(store, &first, TOKENSTORE_UNKNOWN);
    CHECK(verdict_of(store, &second, TOKENSTORE_OK).expires_ms == NOON_MS + 100000);
    IS(rotate(store, &first, 0, &fourth), TOKENSTORE_OK);
    verdict_of(store, &second, TOKENSTORE_UNKNOWN);
    verdict_of(store, &third, TOKENSTORE_SUPERSEDED);
    verdict_of(store, &fourth, TOKENSTORE_OK);

    /* What cannot be rotated, and what cannot be written. */
    tokenstore_target target = target_of(&first);
    tokenstore_created created;
    uint8_t value[TOKENSTORE_VALUE_BYTES];
    size_t len = 77;
    memset(value, 0x55, sizeof value);
    IS(tokenstore_token_rotate(store, &target, 0, value, sizeof value - 1, &len, &created, NULL),
       TOKENSTORE_BUFFER_TOO_SMALL);
    CHECK(len == 0 && holds_only(value, sizeof value - 1, 0) && holds_only(&created, sizeof created, 0));
    IS(tokenstore_token_rotate(store, &target, 0, value, sizeof value, &len, NULL, NULL), TOKENSTORE_INVALID_ARGUMENT);
    IS(tokenstore_token_rotate(store, NULL, 0, value, sizeof value, &len, &created, NULL), TOKENSTORE_INVALID_ARGUMENT);
    target.flags = TOKENSTORE_CHECK_OWNER;
    target.owner = text("zeta");
    IS(tokenstore_token_rotate(store, &target, 0, value, sizeof value, &len, &created, NULL), TOKENSTORE_NOT_FOUND);
    target.flags = TOKENSTORE_CHECK_REVISION;
    target.owner.len = 0;
    target.revision = 1;
    IS(tokenstore_token_rotate(store, &target, 0, value, sizeof value, &len, &created, NULL),
       TOKENSTORE_REVISION_CONFLICT);
    verdict_of(store, &fourth, TOKENSTORE_OK);
    token = new_token(coupon, "acme");
    second = make(store, &token);
    IS(rotate(store, &second, 0, &none), TOKENSTORE_INVALID_ARGUMENT);
    target = target_of(&first);
    IS(tokenstore_token_revoke(store, &target, NULL, NULL), TOKENSTORE_OK);
    IS(rotate(store, &first, 0, &none), TOKENSTORE_REVOKED);
    IS(tokenstore_close(store, NULL), TOKENSTORE_OK);
    CHECK(remove(path) == 0);
    IS(tokenstore_clock_close(clock), TOKENSTORE_OK);
}
