#include "every_call.h"

#include <stdio.h>
#include <string.h>

int outputs_left = 0;

/* What a call was given to write to: full of something else before it, and nothing after it. */
static tokenstore_error error;

static void prepare(void *output, size_t len) {
    memset(output, 0x55, len);
    memset(&error, 0x55, sizeof error);
}

static void refused(const char *call, tokenstore_status status, tokenstore_status expected, const void *output,
                    size_t len) {
    if (status != expected) fprintf(stderr, "%s: %s came\n", call, tokenstore_status_name(status));
    CHECK(status == expected);
    CHECK(error.status == expected && error.message[0] != 0);
    if (holds_only(output, len, 0)) return;
    outputs_left++;
    fprintf(stderr, "%s left something in its outputs after %s\n", call, tokenstore_status_name(status));
}

/* One call: its outputs are prepared, it is made, and what it left is looked at. */
#define REFUSED(output, call)                                              \
    do {                                                                   \
        prepare(&(output), sizeof(output));                                \
        tokenstore_status status = (call);                                 \
        refused(#call, status, expected, &(output), sizeof(output));       \
        calls++;                                                           \
    } while (0)

/* A call that writes nothing but its error. */
static tokenstore_status without_output(uint8_t *none, tokenstore_status status) {
    *none = 0;
    return status;
}

static tokenstore_status of_batch(tokenstore_status whole, const tokenstore_status *of_token) {
    CHECK(whole != TOKENSTORE_SOME_REFUSED || error.status == TOKENSTORE_SOME_REFUSED);
    if (whole != TOKENSTORE_SOME_REFUSED) return whole;
    return error.status = *of_token;
}

/* Changes to use counts, families, values and owners. */
static int every_session(const tokenstore_store *store, tokenstore_status expected) {
    static const uint8_t value[] = "a-value-that-nobody-has";
    int calls = 0;
    tokenstore_query query = query_of(0);
    tokenstore_new_pair new = {0};
    tokenstore_target target = {0};
    struct {
        tokenstore_created created;
        uint8_t value[TOKENSTORE_VALUE_BYTES];
        size_t len;
    } made;
    struct {
        size_t len;
        uint32_t left, unused;
    } of_consume = {0, 0, 0};
    tokenstore_verdict verdict;
    tokenstore_change change;
    uint64_t removed;
    target.struct_size = sizeof target;
    memset(target.id, 9, 16);
    memset(&verdict, 0x55, sizeof verdict);
    prepare(&of_consume.len, sizeof of_consume.len);
    prepare(&of_consume.left, sizeof of_consume.left);
    if (expected != TOKENSTORE_POISONED) {
        /* Nobody's value is refused as by a verify, also where nothing can be changed. */
        refused("tokenstore_consume",
                tokenstore_consume(store, value, sizeof value, &query, &verdict, NULL, 0, &of_consume.len,
                                   &of_consume.left, &error),
                expected, &of_consume, sizeof of_consume);
        calls++;
        CHECK(verdict.status == expected && verdict.allowed == 0 && holds_only(verdict.id, 16, 0));
    }
    new.struct_size = sizeof new;
    new.access_type = new.refresh_type = 1;
    new.owner = new.binding = text("acme");
    struct {
        uint8_t access[TOKENSTORE_VALUE_BYTES], refresh[TOKENSTORE_VALUE_BYTES];
    } values;
    tokenstore_pair pair;
    const size_t head = offsetof(tokenstore_pair, access_len);
    for (int issues = 0; issues < 2; issues++) {
        memset(&pair, 0x55, sizeof pair);
        pair.struct_size = sizeof pair;
        pair.access = values.access;
        pair.refresh = values.refresh;
        pair.access_capacity = pair.refresh_capacity = TOKENSTORE_VALUE_BYTES;
        if (issues) {
            REFUSED(values, tokenstore_pair_issue(store, &new, NULL, &pair, &error));
        } else if (expected == TOKENSTORE_POISONED) {
            continue;
        } else {
            REFUSED(values,
                    tokenstore_pair_refresh(store, value, sizeof value, value, 1, NULL, NULL, 0, &pair, &error));
        }
        if (!holds_only((const char *)&pair + head, sizeof pair - head, 0)) {
            outputs_left++;
            fprintf(stderr, "a pair that was refused says something\n");
        }
    }
    REFUSED(change, tokenstore_family_revoke(store, &target, &change, &error));
    REFUSED(change, tokenstore_owner_revoke(store, value, 1, 0, NULL, 0, NULL, 0, &change, &error));
    REFUSED(made, tokenstore_token_rotate(store, &target, 0, made.value, sizeof made.value, &made.len, &made.created,
                                          &error));
    REFUSED(removed, tokenstore_prune(store, 0, 1, &removed, &error));
    return calls;
}

int every_change(const tokenstore_store *store, tokenstore_status expected) {
    static const uint8_t value[] = "a-value-that-nobody-has";
    int calls = 0;
    tokenstore_new_token token = new_token(1, "acme");
    tokenstore_target target = {0};
    tokenstore_edit edit = {0};
    tokenstore_policy policy = {0};
    struct {
        tokenstore_created created;
        uint8_t value[TOKENSTORE_VALUE_BYTES];
        size_t len;
    } made;
    struct {
        tokenstore_created created;
        size_t len;
    } of_many;
    uint8_t values[TOKENSTORE_VALUE_BYTES];
    tokenstore_created created;
    tokenstore_change change;
    tokenstore_status statuses[1];
    uint64_t removed;
    uint32_t type;
    uint8_t none[1];
    token.name = text("name");
    target.struct_size = sizeof target;
    memset(target.id, 9, 16);
    edit.struct_size = sizeof edit;
    edit.fields = TOKENSTORE_EDIT_APP_WORD;
    policy.struct_size = sizeof policy;
    policy.name = policy.prefix = text("unheard");
    REFUSED(type, tokenstore_type_declare(store, &policy, &type, &error));
    REFUSED(made,
            tokenstore_token_create(store, &token, made.value, sizeof made.value, &made.len, &made.created, &error));
    REFUSED(made,
            tokenstore_token_create_if_absent(store, &token, made.value, sizeof made.value, &made.len, &made.created,
                                              &error));
    REFUSED(created, tokenstore_token_create_from_value(store, &token, value, sizeof value, &created, &error));
    /* A batch may also say it of each token. */
    statuses[0] = TOKENSTORE_OK;
    REFUSED(of_many, of_batch(tokenstore_token_create_many(store, &token, 1, values, &of_many.len, &of_many.created,
                                                           statuses, &error),
                              statuses));
    REFUSED(change, tokenstore_token_edit(store, &target, &edit, &change, &error));
    REFUSED(change, tokenstore_token_grant(store, &target, value, 1, &change, &error));
    REFUSED(change, tokenstore_token_ungrant(store, &target, value, 1, &change, &error));
    REFUSED(change, tokenstore_token_grant_all(store, &target, &change, &error));
    REFUSED(change, tokenstore_token_revoke_grants(store, &target, &change, &error));
    REFUSED(change, tokenstore_token_disable(store, &target, &change, &error));
    REFUSED(change, tokenstore_token_enable(store, &target, &change, &error));
    REFUSED(change, tokenstore_token_revoke(store, &target, &change, &error));
    REFUSED(change, tokenstore_token_delete(store, &target, &change, &error));
    if (expected != TOKENSTORE_POISONED) {
        /* Nobody's value is a success that changes nothing, also where nothing can be changed. */
        REFUSED(change, tokenstore_value_revoke(store, value, sizeof value, NULL, 0, NULL, 0, &change, &error));
    }
    REFUSED(removed, tokenstore_project_remove(store, value, 1, NULL, 0, NULL, 0, &removed, &error));
    calls += every_session(store, expected);
    REFUSED(none, without_output(none, tokenstore_flush(store, &error)));
    REFUSED(none, without_output(none, tokenstore_change_key(store, NULL, &error)));
    return calls;
}

int every_read(const tokenstore_store *store, tokenstore_status expected) {
    static const uint8_t id[16] = {9};
    int calls = 0;
    uint32_t type;
    size_t needed;
    tokenstore_list *list;
    tokenstore_policy policy = {0};
    tokenstore_token token = {0};
    tokenstore_event event = {0};
    tokenstore_stats stats = {0};
    uint8_t buffer[64];
    policy.struct_size = sizeof policy;
    token.struct_size = sizeof token;
    event.struct_size = sizeof event;
    stats.struct_size = sizeof stats;
    REFUSED(type, tokenstore_type_find(store, id, 1, &type, &error));
    REFUSED(needed, tokenstore_type_get(store, 1, &policy, buffer, sizeof buffer, &needed, &error));
    REFUSED(needed, tokenstore_owner(store, 1, buffer, sizeof buffer, &needed, &error));
    REFUSED(needed, tokenstore_token_get(store, id, &token, buffer, sizeof buffer, &needed, &error));
    REFUSED(list, tokenstore_list_open(store, NULL, &list, &error));
    REFUSED(needed, tokenstore_event_next(store, 0, &event, buffer, sizeof buffer, &needed, &error));
    memset(&error, 0x55, sizeof error);
    IS(tokenstore_get_stats(store, &stats, &error), expected);
    CHECK(stats.sequence == 0 && stats.tokens == 0 && error.status == expected);
    CHECK(policy.name.len == 0 && token.revision == 0 && event.sequence == 0);
    return calls + 1;
}

int every_verify(const tokenstore_store *store, tokenstore_status expected) {
    static const uint8_t value[] = "a-value-that-nobody-has";
    tokenstore_query query = query_of(0);
    tokenstore_verdict verdicts[2];
    memset(verdicts, 0x55, sizeof verdicts);
    IS(tokenstore_verify(store, value, sizeof value, &query, &verdicts[0]), expected);
    CHECK(verdicts[0].allowed == 0 && verdicts[0].status == expected && holds_only(verdicts[0].id, 16, 0));
    memset(verdicts, 0x55, sizeof verdicts);
    IS(tokenstore_verify_many(store, value, 8, NULL, 2, &query, verdicts), expected);
    for (int n = 0; n < 2; n++) {
        CHECK(verdicts[n].allowed == 0 && verdicts[n].status == expected && holds_only(verdicts[n].id, 16, 0));
    }
    return 2;
}
