/* Types, and making tokens. */
#include "calls.h"

#include <stdlib.h>
#include <string.h>

static tokenstore_status declared(const tokenstore_store *store, const char *name, const char *prefix, uint64_t lifetime) {
    tokenstore_policy policy = {0};
    uint32_t type = 77;
    tokenstore_error error;
    policy.struct_size = sizeof policy;
    policy.name = text(name);
    policy.prefix = text(prefix);
    policy.default_lifetime_ms = lifetime;
    tokenstore_status status = tokenstore_type_declare(store, &policy, &type, &error);
    CHECK((type == 0) == (status != TOKENSTORE_OK));
    return status;
}

void types(void) {
    tokenstore_store *store = in_memory(NULL);
    uint32_t type = 77;
    IS(tokenstore_type_find(store, (const uint8_t *)"server", 6, &type, NULL), TOKENSTORE_NOT_FOUND);
    CHECK(type == 0);
    CHECK(declare(store, "server", "srv", 0) == 1);
    CHECK(declare(store, "server", "srv", 0) == 1);
    CHECK(declare(store, "device", "dev", TOKENSTORE_TYPE_SHARED_NAMES) == 2);
    IS(declared(store, "server", "srv", 5000), TOKENSTORE_TYPE_CONFLICT);
    IS(declared(store, "server", "other", 0), TOKENSTORE_TYPE_CONFLICT);
    IS(declared(store, "other", "dev", 0), TOKENSTORE_TYPE_CONFLICT);
    IS(declared(store, "", "p", 0), TOKENSTORE_INVALID_ARGUMENT);
    IS(declared(store, "a\nb", "p", 0), TOKENSTORE_INVALID_ARGUMENT);
    IS(declared(store, "\xff", "p", 0), TOKENSTORE_INVALID_ARGUMENT);
    IS(declared(store, "p", "", 0), TOKENSTORE_INVALID_ARGUMENT);
    IS(declared(store, "p", "P", 0), TOKENSTORE_INVALID_ARGUMENT);
    IS(declared(store, "p", "abcdefghijklmnopq", 0), TOKENSTORE_INVALID_ARGUMENT);
    IS(tokenstore_type_find(store, (const uint8_t *)"device", 6, &type, NULL), TOKENSTORE_OK);
    CHECK(type == 2);

    /* The longest policy, read back whole. */
    char name[256] = {0};
    tokenstore_policy policy = {0}, read = {0};
    memset(name, 'n', 255);
    policy.struct_size = read.struct_size = sizeof policy;
    policy.name = text(name);
    policy.prefix = text("abcdefghijklmnop");
    policy.default_lifetime_ms = 60000;
    policy.max_lifetime_ms = 120000;
    policy.flags = TOKENSTORE_TYPE_BY_NAME_ONLY | TOKENSTORE_TYPE_EXTERNAL;
    IS(tokenstore_type_declare(store, &policy, &type, NULL), TOKENSTORE_OK);
    CHECK(type == 3);
    uint8_t buffer[272];
    size_t needed = 0;
    tokenstore_error error;
    tokenstore_policy before = read;
    IS(tokenstore_type_get(store, 3, &read, NULL, 0, &needed, &error), TOKENSTORE_BUFFER_TOO_SMALL);
    CHECK(needed >= 271 && memcmp(&read, &before, sizeof read) == 0);
    IS(tokenstore_type_get(store, 3, &read, buffer, 270, &needed, &error), TOKENSTORE_BUFFER_TOO_SMALL);
    CHECK(needed >= 271 && memcmp(&read, &before, sizeof read) == 0);
    IS(tokenstore_type_get(store, 3, &read, buffer, sizeof buffer, &needed, NULL), TOKENSTORE_OK);
    CHECK(is_text(read.name, name) && is_text(read.prefix, "abcdefghijklmnop") && read.struct_size == sizeof read);
    CHECK(read.default_lifetime_ms == 60000 && read.max_lifetime_ms == 120000 && read.reserved == 0);
    CHECK(read.flags == policy.flags && read.name.data >= buffer && read.name.data < buffer + sizeof buffer);
    IS(tokenstore_type_get(store, 2, &read, buffer, sizeof buffer, &needed, NULL), TOKENSTORE_OK);
    CHECK(is_text(read.name, "device") && read.flags == TOKENSTORE_TYPE_SHARED_NAMES && read.default_lifetime_ms == 0);
    static const uint32_t none[] = {0, 4, 65535, 65536, UINT32_MAX};
    for (size_t n = 0; n < sizeof none / sizeof *none; n++) {
        needed = 77;
        IS(tokenstore_type_get(store, none[n], &read, buffer, sizeof buffer, &needed, NULL), TOKENSTORE_NOT_FOUND);
        CHECK(needed == 0);
    }
    policy.flags = 8;
    IS(tokenstore_type_declare(store, &policy, &type, NULL), TOKENSTORE_INVALID_ARGUMENT);
    policy.flags = 0;
    policy.reserved = 1;
    IS(tokenstore_type_declare(store, &policy, &type, NULL), TOKENSTORE_INVALID_ARGUMENT);
    /* A maximum needs a default that is no longer. */
    policy.reserved = 0;
    policy.name = policy.prefix = text("m");
    policy.default_lifetime_ms = 0;
    IS(tokenstore_type_declare(store, &policy, &type, NULL), TOKENSTORE_INVALID_ARGUMENT);
    IS(tokenstore_close(store, NULL), TOKENSTORE_OK);
}

/* A creation that is refused leaves nothing behind. */
static void refused(const tokenstore_store *store, const tokenstore_new_token *token, tokenstore_status expected) {
    uint8_t value[TOKENSTORE_VALUE_BYTES];
    size_t len = 99;
    tokenstore_created created;
    tokenstore_error error;
    uint64_t before = token_count(store);
    memset(value, 7, sizeof value);
    memset(&created, 7, sizeof created);
    IS(tokenstore_token_create(store, token, value, sizeof value, &len, &created, &error), expected);
    CHECK(len == 0 && holds_only(value, sizeof value, 0) && holds_only(&created, sizeof created, 0));
    CHECK(error.status == expected && error.message[0] != 0 && token_count(store) == before);
}

void creating(const char *folder) {
    (void)folder;
    tokenstore_clock *clock = noon();
    tokenstore_store *store = in_memory(clock);
    uint32_t server = declare(store, "server", "srv", TOKENSTORE_TYPE_EXTERNAL);
    uint32_t device = declare(store, "device", "dev", 0);
    uint32_t shared = declare(store, "shared", "shr", TOKENSTORE_TYPE_SHARED_NAMES);
    tokenstore_new_token token = new_token(server, "acme");
    uint8_t value[TOKENSTORE_VALUE_BYTES + 8];
    size_t len = 99;
    tokenstore_created created;

    /* The room is checked before anything is made. */
    for (size_t room = 0; room < TOKENSTORE_VALUE_BYTES; room += 21) {
        len = 99;
        IS(tokenstore_token_create(store, &token, value, room, &len, &created, NULL), TOKENSTORE_BUFFER_TOO_SMALL);
        CHECK(len == 0 && holds_only(&created, sizeof created, 0));
    }
    IS(tokenstore_token_create(store, &token, NULL, 64, &len, &created, NULL), TOKENSTORE_BUFFER_TOO_SMALL);
    IS(tokenstore_token_create(store, &token, value, 64, NULL, &created, NULL), TOKENSTORE_INVALID_ARGUMENT);
    IS(tokenstore_token_create(store, &token, value, 64, &len, NULL, NULL), TOKENSTORE_INVALID_ARGUMENT);
    CHECK(token_count(store) == 0);

    memset(value, 7, sizeof value);
    IS(tokenstore_token_create(store, &token, value, 64, &len, &created, NULL), TOKENSTORE_OK);
    CHECK(len == 40 && memcmp(value, "srv_", 4) == 0 && holds_only(value + 64, 8, 7));
    for (size_t n = 0; n < len; n++) CHECK(value[n] > ' ' && value[n] < 127);
    CHECK(created.outcome == TOKENSTORE_CREATED && created.revision > 0 && created.reserved == 0);
    CHECK(!holds_only(created.id, 16, 0));
    tokenstore_memzero(value, sizeof value);
    CHECK(holds_only(value, sizeof value, 0));

    token.type = 0;
    refused(store, &token, TOKENSTORE_NOT_FOUND);
    token.type = 99;
    refused(store, &token, TOKENSTORE_NOT_FOUND);
    token = new_token(server, "");
    refused(store, &token, TOKENSTORE_INVALID_ARGUMENT);
    token = new_token(server, "acme");
    token.name = text("a\tb");
    refused(store, &token, TOKENSTORE_INVALID_ARGUMENT);
    token.name = text("\xc3\x28");
    refused(store, &token, TOKENSTORE_INVALID_ARGUMENT);
    token.name = text("");
    token.flags = 8;
    refused(store, &token, TOKENSTORE_INVALID_ARGUMENT);
    token.flags = TOKENSTORE_EXPIRES_AT | TOKENSTORE_EXPIRES_IN;
    refused(store, &token, TOKENSTORE_INVALID_ARGUMENT);
    token.flags = TOKENSTORE_EXPIRES_AT;
    token.expires_ms = NOON_MS;
    refused(store, &token, TOKENSTORE_INVALID_ARGUMENT);
    token.expires_ms = -1;
    refused(store, &token, TOKENSTORE_INVALID_ARGUMENT);
    token.flags = TOKENSTORE_EXPIRES_IN;
    refused(store, &token, TOKENSTORE_INVALID_ARGUMENT);
    token.flags = 0;
    token.expires_ms = 5;
    refused(store, &token, TOKENSTORE_INVALID_ARGUMENT);
    token.expires_ms = 0;
    tokenstore_bytes *many = calloc(1001, sizeof *many);
    CHECK(many != NULL);
    for (size_t n = 0; n < 1001; n++) many[n] = text("P");
    token.projects = many;
    token.project_count = 1001;
    refused(store, &token, TOKENSTORE_LIMIT_REACHED);
    token.project_count = 1;
    token.flags = TOKENSTORE_ALL_PROJECTS;
    refused(store, &token, TOKENSTORE_INVALID_ARGUMENT);
    token.flags = 0;
    token.projects = NULL;
    refused(store, &token, TOKENSTORE_INVALID_ARGUMENT);
    free(many);

    /* Everything that a token can have, read back. */
    tokenstore_bytes projects[2];
    projects[0] = text("B-2");
    projects[1] = text("A-1");
    token = new_token(server, "acme");
    token.name = text("J\xc3\xbcrgen");
    token.flags = TOKENSTORE_EXPIRES_AT;
    token.expires_ms = NOON_MS + 5000;
    token.projects = projects;
    token.project_count = 2;
    token.binding = text("client-7");
    token.app_data = text("data");
    token.app_word = UINT64_MAX;
    token.by = text("ann");
    made all = make(store, &token);
    tokenstore_token read = read_back(store, &all);
    CHECK(is_text(read.name, "J\xc3\xbcrgen") && is_text(read.owner, "acme") && is_text(read.app_data, "data"));
    CHECK(read.expires_ms == NOON_MS + 5000 && read.created_ms == NOON_MS && read.app_word == UINT64_MAX);
    CHECK(read.project_count == 2 && is_text(read.projects[0], "A-1") && is_text(read.projects[1], "B-2"));
    CHECK(read.flags == TOKENSTORE_IS_BOUND && read.state == TOKENSTORE_OK && read.type == server);
    CHECK(read.last_used_ms == TOKENSTORE_NEVER && read.revoked_ms == TOKENSTORE_NEVER && read.reason.len == 0);
    CHECK(read.revision == all.revision && read.reserved == 0 && memcmp(read.id, all.id, 16) == 0);
    token.name.len = 0;
    token.flags = TOKENSTORE_EXPIRES_AT | TOKENSTORE_ALL_PROJECTS;
    token.expires_ms = TOKENSTORE_NEVER;
    token.project_count = 0;
    all = make(store, &token);
    read = read_back(store, &all);
    CHECK(read.expires_ms == TOKENSTORE_NEVER && read.name.len == 0 && read.project_count == 0);
    CHECK(read.flags == (TOKENSTORE_IS_BOUND | TOKENSTORE_HAS_ALL_PROJECTS));

    /* One that is there is found by its name, and keeps its value to itself. */
    tokenstore_new_token named = new_token(server, "acme");
    named.name = text("deploy");
    IS(tokenstore_token_create_if_absent(store, &named, value, 64, &len, &created, NULL), TOKENSTORE_OK);
    CHECK(created.outcome == TOKENSTORE_CREATED && len == 40 && created.revision > 0);
    uint8_t id[16];
    memcpy(id, created.id, 16);
    memset(value, 7, sizeof value);
    IS(tokenstore_token_create_if_absent(store, &named, value, 64, &len, &created, NULL), TOKENSTORE_OK);
    CHECK(created.outcome == TOKENSTORE_EXISTING && len == 0 && created.revision == 0);
    CHECK(memcmp(created.id, id, 16) == 0 && holds_only(value, 64, 0));
    named.type = device;
    IS(tokenstore_token_create_if_absent(store, &named, value, 64, &len, &created, NULL), TOKENSTORE_NAME_TAKEN);
    CHECK(len == 0 && holds_only(&created, sizeof created, 0));
    refused(store, &named, TOKENSTORE_NAME_TAKEN);
    named.type = shared;
    IS(tokenstore_token_create_if_absent(store, &named, value, 64, &len, &created, NULL), TOKENSTORE_INVALID_ARGUMENT);
    named.type = server;
    named.name.len = 0;
    IS(tokenstore_token_create_if_absent(store, &named, value, 64, &len, &created, NULL), TOKENSTORE_INVALID_ARGUMENT);
    IS(tokenstore_token_create_if_absent(store, &named, value, 63, &len, &created, NULL), TOKENSTORE_BUFFER_TOO_SMALL);

    /* Values made elsewhere. */
    uint8_t *own = malloc(8193);
    CHECK(own != NULL);
    memset(own, 'x', 8193);
    token = new_token(server, "acme");
    const struct {
        size_t len;
        tokenstore_status expected;
    } lens[] = {{0, TOKENSTORE_INVALID_ARGUMENT},    {15, TOKENSTORE_INVALID_ARGUMENT}, {16, TOKENSTORE_OK},
                {16, TOKENSTORE_VALUE_EXISTS},       {17, TOKENSTORE_OK},               {8192, TOKENSTORE_OK},
                {8193, TOKENSTORE_INVALID_ARGUMENT}, {SIZE_MAX, TOKENSTORE_INVALID_ARGUMENT}};
    for (size_t n = 0; n < sizeof lens / sizeof *lens; n++) {
        memset(&created, 7, sizeof created);
        IS(tokenstore_token_create_from_value(store, &token, own, lens[n].len, &created, NULL), lens[n].expected);
        CHECK(created.outcome == (lens[n].expected == TOKENSTORE_OK ? TOKENSTORE_CREATED : 0));
    }
    IS(tokenstore_token_create_from_value(store, &token, NULL, 16, &created, NULL), TOKENSTORE_INVALID_ARGUMENT);
    tokenstore_query query = query_of(server);
    tokenstore_verdict verdict;
    IS(tokenstore_verify(store, own, 8192, &query, &verdict), TOKENSTORE_OK);
    IS(tokenstore_verify(store, own, 18, &query, &verdict), TOKENSTORE_UNKNOWN);
    token.type = device;
    IS(tokenstore_token_create_from_value(store, &token, own, 20, &created, NULL), TOKENSTORE_INVALID_ARGUMENT);
    free(own);
    IS(tokenstore_close(store, NULL), TOKENSTORE_OK);
    IS(tokenstore_clock_close(clock), TOKENSTORE_OK);
}

/* What a caller of a later version has: a token struct with something at its end. */
typedef struct later_token {
    tokenstore_new_token token;
    uint64_t later[2];
} later_token;

#define MANY 5

void creating_many(void) {
    tokenstore_store *store = in_memory(NULL);
    uint32_t type = declare(store, "server", "srv", 0);
    tokenstore_new_token tokens[MANY];
    tokenstore_created created[MANY];
    tokenstore_status statuses[MANY];
    size_t lens[MANY];
    uint8_t values[MANY * TOKENSTORE_VALUE_BYTES];
    tokenstore_error error;
    static const char *const names[MANY] = {"a", "b", "a", "c\nd", "e"};
    static const tokenstore_status expected[MANY] = {TOKENSTORE_OK, TOKENSTORE_OK, TOKENSTORE_NAME_TAKEN,
                                                     TOKENSTORE_INVALID_ARGUMENT, TOKENSTORE_OK};
    for (size_t n = 0; n < MANY; n++) {
        tokens[n] = new_token(type, "acme");
        tokens[n].name = text(names[n]);
        tokens[n].app_word = n;
    }
    memset(created, 7, sizeof created), memset(statuses, 7, sizeof statuses), memset(lens, 7, sizeof lens);
    IS(tokenstore_token_create_many(store, tokens, MANY, values, lens, created, statuses, &error),
       TOKENSTORE_SOME_REFUSED);
    CHECK(error.status == TOKENSTORE_SOME_REFUSED && token_count(store) == 3);
    for (size_t n = 0; n < MANY; n++) {
        IS(statuses[n], expected[n]);
        tokenstore_query query = query_of(type);
        tokenstore_verdict verdict;
        const uint8_t *value = values + n * TOKENSTORE_VALUE_BYTES;
        if (expected[n] == TOKENSTORE_OK) {
            CHECK(lens[n] == 40 && created[n].outcome == TOKENSTORE_CREATED);
            IS(tokenstore_verify(store, value, lens[n], &query, &verdict), TOKENSTORE_OK);
            CHECK(verdict.app_word == n && memcmp(verdict.id, created[n].id, 16) == 0);
        } else {
            CHECK(lens[n] == 0 && holds_only(&created[n], sizeof created[n], 0));
        }
    }
    /* All of them, and none at all. */
    for (size_t n = 0; n < MANY; n++) tokens[n].name.len = 0;
    IS(tokenstore_token_create_many(store, tokens, MANY, values, lens, created, statuses, &error), TOKENSTORE_OK);
    for (size_t n = 0; n < MANY; n++) CHECK(statuses[n] == TOKENSTORE_OK && lens[n] == 40);
    CHECK(token_count(store) == 3 + MANY);
    IS(tokenstore_token_create_many(store, NULL, 0, NULL, NULL, NULL, NULL, NULL), TOKENSTORE_OK);

    /* An array of larger structs, as of a later version, that say nothing new; and one that does. */
    later_token larger[MANY];
    memset(larger, 0, sizeof larger);
    for (size_t n = 0; n < MANY; n++) {
        larger[n].token = tokens[n];
        larger[n].token.struct_size = sizeof larger[n];
        larger[n].token.app_word = 100 + n;
    }
    IS(tokenstore_token_create_many(store, &larger[0].token, MANY, values, lens, created, statuses, NULL),
       TOKENSTORE_OK);
    for (size_t n = 0; n < MANY; n++) {
        tokenstore_query query = query_of(type);
        tokenstore_verdict verdict;
        IS(tokenstore_verify(store, values + n * TOKENSTORE_VALUE_BYTES, lens[n], &query, &verdict), TOKENSTORE_OK);
        CHECK(verdict.app_word == 100 + n);
    }
    uint64_t before = token_count(store);
    larger[0].later[1] = 1;
    IS(tokenstore_token_create_many(store, &larger[0].token, MANY, values, lens, created, statuses, NULL),
       TOKENSTORE_SOME_REFUSED);
    CHECK(statuses[0] == TOKENSTORE_INVALID_ARGUMENT && lens[0] == 0 && token_count(store) == before + MANY - 1);
    before = token_count(store);

    /* Sizes that differ, and arrays that are not there. */
    tokens[3].struct_size += 8;
    IS(tokenstore_token_create_many(store, tokens, MANY, values, lens, created, statuses, NULL),
       TOKENSTORE_INVALID_ARGUMENT);
    tokens[3].struct_size -= 8;
    IS(tokenstore_token_create_many(store, NULL, MANY, values, lens, created, statuses, NULL),
       TOKENSTORE_INVALID_ARGUMENT);
    IS(tokenstore_token_create_many(store, tokens, MANY, NULL, lens, created, statuses, NULL),
       TOKENSTORE_INVALID_ARGUMENT);
    IS(tokenstore_token_create_many(store, tokens, MANY, values, NULL, created, statuses, NULL),
       TOKENSTORE_INVALID_ARGUMENT);
    IS(tokenstore_token_create_many(store, tokens, MANY, values, lens, NULL, statuses, NULL),
       TOKENSTORE_INVALID_ARGUMENT);
    IS(tokenstore_token_create_many(store, tokens, MANY, values, lens, created, NULL, NULL),
       TOKENSTORE_INVALID_ARGUMENT);
    IS(tokenstore_token_create_many(store, tokens, SIZE_MAX, values, lens, created, statuses, NULL),
       TOKENSTORE_INVALID_ARGUMENT);
    CHECK(token_count(store) == before);

    IS(tokenstore_close(store, NULL), TOKENSTORE_OK);
}
