/* Judging values, one and many, and whose they are. */
#include "calls.h"

#include <stdlib.h>
#include <string.h>

typedef tokenstore_status plain_change(const tokenstore_store *, const tokenstore_target *, tokenstore_change *,
                                       tokenstore_error *);

static void change(const tokenstore_store *store, const made *made, plain_change *run) {
    tokenstore_target target = target_of(made);
    IS(run(store, &target, NULL, NULL), TOKENSTORE_OK);
}

/* A verify whose verdict was something else before. */
static tokenstore_verdict judged(const tokenstore_store *store, const void *value, size_t len, const tokenstore_query *query,
                                 tokenstore_status expected) {
    tokenstore_verdict verdict;
    tokenstore_query before;
    memset(&verdict, 0x55, sizeof verdict);
    if (query != NULL) before = *query;
    IS(tokenstore_verify(store, value, len, query, &verdict), expected);
    CHECK(verdict.status == expected && verdict.allowed == (expected == TOKENSTORE_OK ? 1u : 0u));
    CHECK(query == NULL || memcmp(&before, query, sizeof before) == 0);
    int named = expected == TOKENSTORE_OK || (expected >= TOKENSTORE_REVOKED && expected <= TOKENSTORE_MUST_CONSUME);
    size_t head = offsetof(tokenstore_verdict, id);
    CHECK(holds_only((const char *)&verdict + head, sizeof verdict - head, 0) == !named);
    return verdict;
}

void verifying(void) {
    tokenstore_clock *clock = noon();
    tokenstore_store *store = in_memory(clock);
    uint32_t server = declare(store, "server", "srv", TOKENSTORE_TYPE_EXTERNAL);
    uint32_t device = declare(store, "device", "dev", 0);
    uint32_t hidden = declare(store, "hidden", "hid", TOKENSTORE_TYPE_BY_NAME_ONLY);
    tokenstore_bytes project = text("A-1");
    tokenstore_new_token token = new_token(server, "acme");
    token.projects = &project;
    token.project_count = 1;
    token.binding = text("client-7");
    token.app_word = 7;
    token.flags = TOKENSTORE_EXPIRES_IN;
    token.expires_ms = 1000;
    made made = make(store, &token);
    tokenstore_query query = query_of(server);
    query.flags = TOKENSTORE_CHECK_PROJECT | TOKENSTORE_CHECK_BINDING;
    query.project = (const uint8_t *)"A-1";
    query.project_len = 3;
    query.binding = (const uint8_t *)"client-7";
    query.binding_len = 8;
    tokenstore_verdict verdict = judged(store, made.value, made.len, &query, TOKENSTORE_OK);
    CHECK(verdict.app_word == 7 && verdict.expires_ms == NOON_MS + 1000 && verdict.revision == made.revision);
    CHECK(verdict.type == server && verdict.flags == 0 && memcmp(verdict.id, made.id, 16) == 0);

    /* The order of the checks: everything is wrong at first, and put right from the front. */
    query.type = device;
    query.project = (const uint8_t *)"C-3";
    query.binding_len = 7;
    tokenstore_query wrong = query;
    judged(store, "srv_x", 5, &wrong, TOKENSTORE_MALFORMED);
    judged(store, "a-value-that-nobody-has", 23, &wrong, TOKENSTORE_UNKNOWN);
    change(store, &made, tokenstore_token_disable);
    judged(store, made.value, made.len, &wrong, TOKENSTORE_DISABLED);
    change(store, &made, tokenstore_token_enable);
    judged(store, made.value, made.len, &wrong, TOKENSTORE_WRONG_TYPE);
    wrong.type = server;
    judged(store, made.value, made.len, &wrong, TOKENSTORE_WRONG_BINDING);
    wrong.flags = TOKENSTORE_CHECK_PROJECT;
    wrong.binding = NULL;
    wrong.binding_len = 0;
    judged(store, made.value, made.len, &wrong, TOKENSTORE_WRONG_BINDING);
    wrong.flags = query.flags;
    wrong.binding = query.binding;
    wrong.binding_len = 8;
    verdict = judged(store, made.value, made.len, &wrong, TOKENSTORE_NO_GRANT);
    CHECK(verdict.app_word == 7 && verdict.type == server);
    wrong.project_len = 3;
    wrong.project = (const uint8_t *)"A-1";
    judged(store, made.value, made.len, &wrong, TOKENSTORE_OK);
    change(store, &made, tokenstore_token_disable);
    IS(tokenstore_clock_advance(clock, 999), TOKENSTORE_OK);
    judged(store, made.value, made.len, &query, TOKENSTORE_DISABLED);
    IS(tokenstore_clock_advance(clock, 1), TOKENSTORE_OK);
    judged(store, made.value, made.len, &query, TOKENSTORE_EXPIRED);
    change(store, &made, tokenstore_token_revoke);
    judged(store, made.value, made.len, &query, TOKENSTORE_REVOKED);
    change(store, &made, tokenstore_token_delete);
    judged(store, made.value, made.len, &query, TOKENSTORE_UNKNOWN);

    /* Any type is any but those accepted by name only. */
    token = new_token(hidden, "acme");
    struct made of_hidden = make(store, &token);
    token = new_token(server, "acme");
    token.flags = TOKENSTORE_ALL_PROJECTS;
    made = make(store, &token);
    query = query_of(0);
    verdict = judged(store, made.value, made.len, &query, TOKENSTORE_OK);
    CHECK(verdict.flags == TOKENSTORE_HAS_ALL_PROJECTS && verdict.expires_ms == TOKENSTORE_NEVER);
    verdict = judged(store, of_hidden.value, of_hidden.len, &query, TOKENSTORE_WRONG_TYPE);
    CHECK(verdict.type == hidden && verdict.flags == TOKENSTORE_HAS_NO_PROJECTS);
    query = query_of(hidden);
    judged(store, of_hidden.value, of_hidden.len, &query, TOKENSTORE_OK);

    /* Nobody else changes this store, so that nothing is stale. */
    query.flags = TOKENSTORE_NO_WAIT;
    judged(store, of_hidden.value, of_hidden.len, &query, TOKENSTORE_OK);
    judged(store, made.value, made.len, &query, TOKENSTORE_WRONG_TYPE);
    judged(store, "x", 1, &query, TOKENSTORE_MALFORMED);

    /* Every byte counts, but for those of a header. */
    static const struct {
        const char *before, *after;
        tokenstore_status bare, header;
    } shown[] = {
        {"", "", TOKENSTORE_OK, TOKENSTORE_OK},
        {"Bearer ", "", TOKENSTORE_UNKNOWN, TOKENSTORE_OK},
        {"bearer ", "", TOKENSTORE_UNKNOWN, TOKENSTORE_OK},
        {"Token ", "", TOKENSTORE_UNKNOWN, TOKENSTORE_OK},
        {"Bearer    ", "", TOKENSTORE_UNKNOWN, TOKENSTORE_OK},
        {"Basic ", "", TOKENSTORE_UNKNOWN, TOKENSTORE_MALFORMED},
        {"Bearer", "", TOKENSTORE_UNKNOWN, TOKENSTORE_UNKNOWN},
        {"", "\n", TOKENSTORE_UNKNOWN, TOKENSTORE_UNKNOWN},
        {" ", "x", TOKENSTORE_UNKNOWN, TOKENSTORE_UNKNOWN},
    };
    for (size_t n = 0; n < sizeof shown / sizeof *shown; n++) {
        char header[128];
        size_t head = strlen(shown[n].before), tail = strlen(shown[n].after);
        memcpy(header, shown[n].before, head);
        memcpy(header + head, made.value, made.len);
        memcpy(header + head + made.len, shown[n].after, tail);
        query = query_of(server);
        tokenstore_status bare = tokenstore_verify(store, (uint8_t *)header, head + made.len + tail, &query, &verdict);
        CHECK((bare == TOKENSTORE_OK) == (shown[n].bare == TOKENSTORE_OK));
        query.flags = TOKENSTORE_HEADER;
        tokenstore_status whole = tokenstore_verify(store, (uint8_t *)header, head + made.len + tail, &query, &verdict);
        CHECK((whole == TOKENSTORE_OK) == (shown[n].header == TOKENSTORE_OK));
        CHECK(bare < TOKENSTORE_INVALID_ARGUMENT && whole < TOKENSTORE_INVALID_ARGUMENT);
    }
    query = query_of(server);
    judged(store, made.value, made.len - 1, &query, TOKENSTORE_MALFORMED);
    judged(store, NULL, 0, &query, TOKENSTORE_MALFORMED);

    /* What is no question. */
    judged(store, NULL, 1, &query, TOKENSTORE_INVALID_ARGUMENT);
    judged(store, NULL, SIZE_MAX, &query, TOKENSTORE_INVALID_ARGUMENT);
    judged(store, made.value, SIZE_MAX, &query, TOKENSTORE_INVALID_ARGUMENT);
    judged(store, made.value, made.len, NULL, TOKENSTORE_INVALID_ARGUMENT);
    judged(NULL, made.value, made.len, &query, TOKENSTORE_INVALID_ARGUMENT);
    IS(tokenstore_verify(store, made.value, made.len, &query, NULL), TOKENSTORE_INVALID_ARGUMENT);
    tokenstore_query bad = query;
    bad.type = 0;
    judged(store, made.value, made.len, &bad, TOKENSTORE_INVALID_ARGUMENT);
    bad = query;
    bad.flags = TOKENSTORE_ANY_TYPE;
    judged(store, made.value, made.len, &bad, TOKENSTORE_INVALID_ARGUMENT);
    bad.flags = 32;
    judged(store, made.value, made.len, &bad, TOKENSTORE_INVALID_ARGUMENT);
    bad = query;
    bad.project = (const uint8_t *)"A-1";
    bad.project_len = 3;
    judged(store, made.value, made.len, &bad, TOKENSTORE_INVALID_ARGUMENT);
    bad.flags = TOKENSTORE_CHECK_PROJECT;
    judged(store, made.value, made.len, &bad, TOKENSTORE_OK);
    bad.project_len = 0;
    judged(store, made.value, made.len, &bad, TOKENSTORE_INVALID_ARGUMENT);
    bad = query;
    bad.binding_len = 3;
    judged(store, made.value, made.len, &bad, TOKENSTORE_INVALID_ARGUMENT);
    bad.flags = TOKENSTORE_CHECK_BINDING;
    judged(store, made.value, made.len, &bad, TOKENSTORE_INVALID_ARGUMENT);

    /* Owners, by what a verdict refers to. */
    char longest[256] = {0};
    memset(longest, 'o', 255);
    token = new_token(server, longest);
    struct made owned = make(store, &token);
    verdict = judged(store, owned.value, owned.len, &query, TOKENSTORE_OK);
    uint8_t owner[256];
    size_t len = 0;
    tokenstore_error error;
    IS(tokenstore_owner(store, verdict.owner, owner, 255, &len, NULL), TOKENSTORE_OK);
    CHECK(len == 255 && memcmp(owner, longest, 255) == 0);
    memset(owner, 7, sizeof owner);
    IS(tokenstore_owner(store, verdict.owner, owner, 254, &len, &error), TOKENSTORE_BUFFER_TOO_SMALL);
    CHECK(len == 255 && holds_only(owner, sizeof owner, 7) && error.status == TOKENSTORE_BUFFER_TOO_SMALL);
    IS(tokenstore_owner(store, verdict.owner, NULL, 0, &len, NULL), TOKENSTORE_BUFFER_TOO_SMALL);
    CHECK(len == 255);
    IS(tokenstore_owner(store, verdict.owner, owner, 255, NULL, NULL), TOKENSTORE_INVALID_ARGUMENT);
    change(store, &owned, tokenstore_token_revoke);
    IS(tokenstore_owner(store, verdict.owner, owner, 255, &len, NULL), TOKENSTORE_OK);
    change(store, &owned, tokenstore_token_delete);
    IS(tokenstore_owner(store, verdict.owner, owner, 255, &len, NULL), TOKENSTORE_NOT_FOUND);
    CHECK(len == 0);
    IS(tokenstore_owner(store, UINT64_MAX, owner, 255, &len, NULL), TOKENSTORE_NOT_FOUND);
    IS(tokenstore_close(store, NULL), TOKENSTORE_OK);
    IS(tokenstore_clock_close(clock), TOKENSTORE_OK);
}

/* A batch that fails: no verdict allows anything, and each says why. */
static void batch_fails(const tokenstore_store *store, const uint8_t *values, size_t stride, const size_t *lens, size_t count,
                        const tokenstore_query *query) {
    tokenstore_verdict verdicts[3];
    memset(verdicts, 0x55, sizeof verdicts);
    IS(tokenstore_verify_many(store, values, stride, lens, count, query, verdicts), TOKENSTORE_INVALID_ARGUMENT);
    for (size_t n = 0; n < count; n++) {
        CHECK(verdicts[n].allowed == 0 && verdicts[n].status == TOKENSTORE_INVALID_ARGUMENT);
        CHECK(holds_only(verdicts[n].id, 16, 0) && verdicts[n].owner == 0 && verdicts[n].app_word == 0);
    }
    for (size_t n = count; n < 3; n++) CHECK(holds_only(&verdicts[n], sizeof verdicts[n], 0x55));
}

void verifying_many(void) {
    tokenstore_store *store = in_memory(NULL);
    uint32_t type = declare(store, "server", "srv", TOKENSTORE_TYPE_EXTERNAL);
    tokenstore_new_token token = new_token(type, "acme");
    token.app_word = 1;
    made one = make(store, &token);
    token.app_word = 2;
    made two = make(store, &token);
    tokenstore_created created;
    token.app_word = 3;
    IS(tokenstore_token_create_from_value(store, &token, (const uint8_t *)"a-value-of-our-own", 18, &created, NULL),
       TOKENSTORE_OK);
    tokenstore_query query = query_of(type);
    tokenstore_verdict verdicts[3];

    /* Without lengths, each is as long as the stride. */
    uint8_t values[3 * 48];
    memset(values, 'x', sizeof values);
    memcpy(values, one.value, 40);
    memcpy(values + 80, two.value, 40);
    IS(tokenstore_verify_many(store, values, 40, NULL, 3, &query, verdicts), TOKENSTORE_SOME_REFUSED);
    CHECK(verdicts[0].app_word == 1 && verdicts[1].status == TOKENSTORE_UNKNOWN && verdicts[2].app_word == 2);
    CHECK(verdicts[0].allowed == 1 && verdicts[1].allowed == 0 && verdicts[2].allowed == 1);
    IS(tokenstore_verify_many(store, values, 40, NULL, 1, &query, verdicts), TOKENSTORE_OK);
    IS(tokenstore_verify_many(store, values, 80, NULL, 1, &query, verdicts), TOKENSTORE_SOME_REFUSED);

    /* With lengths, each has its own, no longer than the stride. */
    size_t lens[3] = {40, 18, 40};
    memcpy(values, one.value, 40);
    memcpy(values + 48, "a-value-of-our-own", 18);
    memcpy(values + 96, two.value, 40);
    IS(tokenstore_verify_many(store, values, 48, lens, 3, &query, verdicts), TOKENSTORE_OK);
    CHECK(verdicts[0].app_word == 1 && verdicts[1].app_word == 3 && verdicts[2].app_word == 2);
    lens[1] = 17;
    IS(tokenstore_verify_many(store, values, 48, lens, 3, &query, verdicts), TOKENSTORE_SOME_REFUSED);
    CHECK(verdicts[0].allowed == 1 && verdicts[1].status == TOKENSTORE_UNKNOWN && verdicts[2].allowed == 1);
    lens[1] = 0;
    IS(tokenstore_verify_many(store, values, 48, lens, 3, &query, verdicts), TOKENSTORE_SOME_REFUSED);
    CHECK(verdicts[1].status == TOKENSTORE_MALFORMED);
    IS(tokenstore_verify_many(store, values, 0, NULL, 2, &query, verdicts), TOKENSTORE_SOME_REFUSED);
    CHECK(verdicts[0].status == TOKENSTORE_MALFORMED && verdicts[1].status == TOKENSTORE_MALFORMED);
    IS(tokenstore_verify_many(store, NULL, 0, NULL, 2, &query, verdicts), TOKENSTORE_SOME_REFUSED);
    IS(tokenstore_verify_many(store, NULL, 0, NULL, 0, &query, NULL), TOKENSTORE_OK);

    /* Whole header values, too. */
    memcpy(values, "Bearer ", 7);
    memcpy(values + 7, one.value, 40);
    memcpy(values + 48, two.value, 40);
    lens[0] = 47;
    lens[1] = 40;
    query.flags = TOKENSTORE_HEADER | TOKENSTORE_NO_WAIT;
    IS(tokenstore_verify_many(store, values, 48, lens, 2, &query, verdicts), TOKENSTORE_OK);
    CHECK(verdicts[0].app_word == 1 && verdicts[1].app_word == 2);
    query.flags = 0;
    IS(tokenstore_verify_many(store, values, 48, lens, 2, &query, verdicts), TOKENSTORE_SOME_REFUSED);

    lens[1] = 49;
    batch_fails(store, values, 48, lens, 2, &query);
    batch_fails(store, values, SIZE_MAX, NULL, 2, &query);
    batch_fails(store, values, SIZE_MAX / 2 + 1, NULL, 1, &query);
    batch_fails(store, NULL, 48, NULL, 2, &query);
    batch_fails(store, values, 48, NULL, 2, NULL);
    batch_fails(NULL, values, 48, NULL, 2, &query);
    query.flags = 32;
    batch_fails(store, values, 48, NULL, 2, &query);
    query.flags = TOKENSTORE_CHECK_PROJECT;
    batch_fails(store, values, 48, NULL, 2, &query);
    query.flags = 0;
    IS(tokenstore_verify_many(store, values, 48, NULL, 2, &query, NULL), TOKENSTORE_INVALID_ARGUMENT);
    IS(tokenstore_verify_many(store, values, 48, NULL, SIZE_MAX, &query, verdicts), TOKENSTORE_INVALID_ARGUMENT);

    /* More than a handful, one in three of which is refused. */
    enum { MANY = 1000 };
    tokenstore_verdict *all = malloc(MANY * sizeof *all);
    uint8_t *wide = malloc(MANY * 40);
    CHECK(all != NULL && wide != NULL);
    for (size_t n = 0; n < MANY; n++) {
        memcpy(wide + n * 40, two.value, 40);
        if (n % 3 == 2) wide[n * 40 + 39] ^= 1;
    }
    IS(tokenstore_verify_many(store, wide, 40, NULL, MANY, &query, all), TOKENSTORE_SOME_REFUSED);
    for (size_t n = 0; n < MANY; n++) CHECK(all[n].allowed == (n % 3 == 2 ? 0u : 1u));
    free(all);
    free(wide);
    IS(tokenstore_close(store, NULL), TOKENSTORE_OK);
}
