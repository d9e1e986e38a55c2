/* What the header says of calls that are refused: nothing is left in their outputs; in a batch each token is made or
 * refused by itself; every call answers CLOSED after a close; a verify has no answers but the named ones; and a
 * revocation ends a token whatever it returns but for what is named.
 *
 * refused FOLDER: writes nothing there. */
#include "every_call.h"

#include <stdio.h>
#include <string.h>

/* In no header: builds for tests have it. */
tokenstore_status tokenstore_testing_panic(const tokenstore_store *store, tokenstore_error *error);

static int broken = 0;

static void demand(int holds, const char *what) {
    if (holds) return;
    broken++;
    fprintf(stderr, "not so: %s\n", what);
}

static void each_token_of_a_batch_is_refused_by_itself(const tokenstore_store *store, uint32_t type) {
    enum { MANY = 5 };
    tokenstore_new_token tokens[MANY];
    tokenstore_created created[MANY];
    tokenstore_status statuses[MANY];
    size_t lens[MANY];
    uint8_t values[MANY * TOKENSTORE_VALUE_BYTES];
    for (size_t n = 0; n < MANY; n++) tokens[n] = new_token(type, "acme");
    /* For what only a call from C can get wrong, too. */
    tokens[1].flags = UINT32_C(1) << 31;
    tokens[2].type = 0;
    tokens[3].name = text("\xff");
    static const tokenstore_status expected[MANY] = {TOKENSTORE_OK, TOKENSTORE_INVALID_ARGUMENT, TOKENSTORE_NOT_FOUND,
                                                     TOKENSTORE_INVALID_ARGUMENT, TOKENSTORE_OK};
    memset(statuses, 0x55, sizeof statuses);
    tokenstore_status many = tokenstore_token_create_many(store, tokens, MANY, values, lens, created, statuses, NULL);
    demand(many == TOKENSTORE_SOME_REFUSED && memcmp(statuses, expected, sizeof expected) == 0,
           "tokenstore_token_create_many refuses each token by itself");
}

static void nothing_is_left_in_outputs(void) {
    tokenstore_store *closed = in_memory(NULL);
    IS(tokenstore_close(closed, NULL), TOKENSTORE_OK);
    every_read(closed, TOKENSTORE_CLOSED);
    every_change(closed, TOKENSTORE_CLOSED);
    every_read(NULL, TOKENSTORE_INVALID_ARGUMENT);
    every_change(NULL, TOKENSTORE_INVALID_ARGUMENT);
    demand(outputs_left == 0, "the outputs of a call that fails are NULL, 0 and zeros");
}

static void a_list_ends_with_its_store(void) {
    tokenstore_store *store = in_memory(NULL);
    tokenstore_new_token new = new_token(declare(store, "server", "srv", 0), "acme");
    tokenstore_list *list;
    tokenstore_token token = {0};
    uint8_t buffer[256];
    size_t needed;
    token.struct_size = sizeof token;
    make(store, &new);
    make(store, &new);
    IS(tokenstore_list_open(store, NULL, &list, NULL), TOKENSTORE_OK);
    IS(tokenstore_list_next(list, &token, buffer, sizeof buffer, &needed, NULL), TOKENSTORE_OK);
    IS(tokenstore_close(store, NULL), TOKENSTORE_OK);
    demand(tokenstore_list_next(list, &token, buffer, sizeof buffer, &needed, NULL) == TOKENSTORE_CLOSED,
           "a list that was read from goes on with CLOSED after its store's close");
    IS(tokenstore_list_close(list), TOKENSTORE_OK);
}

static void a_verify_has_the_answers_that_are_named(const tokenstore_store *store) {
    static const uint32_t none[] = {9, 65535, 65536, UINT32_MAX};
    for (size_t n = 0; n < sizeof none / sizeof *none; n++) {
        tokenstore_query query = query_of(none[n]);
        tokenstore_verdict verdict;
        tokenstore_status status = tokenstore_verify(store, (const uint8_t *)"x", 1, &query, &verdict);
        demand(status <= TOKENSTORE_MUST_CONSUME || status >= TOKENSTORE_INVALID_ARGUMENT,
               "a verify for a type that no store can have has an answer that is named");
    }
}

static void a_revocation_that_ends_nothing_says_so(tokenstore_store *store, uint32_t type) {
    tokenstore_new_token token = new_token(type, "acme");
    made made = make(store, &token);
    tokenstore_target target = target_of(&made);
    IS(tokenstore_testing_panic(store, NULL), TOKENSTORE_PANIC);
    tokenstore_status revoked = tokenstore_token_revoke(store, &target, NULL, NULL);
    demand(revoked == TOKENSTORE_POISONED || judge(store, &made, type) != TOKENSTORE_OK,
           "a revocation that leaves a token accepted answers POISONED");
}

int main(void) {
    tokenstore_store *store = in_memory(NULL);
    uint32_t type = declare(store, "server", "srv", 0);
    each_token_of_a_batch_is_refused_by_itself(store, type);
    nothing_is_left_in_outputs();
    a_list_ends_with_its_store();
    a_verify_has_the_answers_that_are_named(store);
    a_revocation_that_ends_nothing_says_so(store, type);
    tokenstore_close(store, NULL);
    if (broken > 0) return 1;
    printf("C refusals: %ld checks passed\n", checks_passed());
    return 0;
}
