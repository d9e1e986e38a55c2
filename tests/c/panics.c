/* A panic inside the library is an answer, never the end of the process. After one in a change nothing more is changed;
 * what was acknowledged is verified on, and every thread that waits gets an answer.
 *
 * panics FOLDER [quick]: makes its file in the folder. The library says on the standard error what failed inside. */
#define _POSIX_C_SOURCE 200809L
#include "every_call.h"
#include "pairs.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* In no header: builds for tests have them. */
tokenstore_status tokenstore_testing_panic(const tokenstore_store *store, tokenstore_error *error);
tokenstore_status tokenstore_testing_open_panicking(uint64_t syncs, tokenstore_store **store, tokenstore_error *error);

enum { THREADS = 8 };

/* What is spent or used after a panic is refused, and is as good as before when the file is opened again. */
static void nothing_is_spent_after_a_panic(const char *folder) {
    shop shop;
    place first, next;
    open_shop(&shop, folder, TOKENSTORE_ACCESS_ENDS_NOW, 0);
    tokenstore_policy policy = {0};
    policy.struct_size = sizeof policy;
    policy.name = policy.prefix = text("coupon");
    policy.uses = 1;
    tokenstore_new_token token = new_token(declare_families(shop.store, &policy), "acme");
    tokenstore_new_pair new = new_pair(shop.access, shop.refresh);
    tokenstore_query query = query_of(token.type);
    tokenstore_verdict verdict;
    made coupon = make(shop.store, &token);
    issue(shop.store, &new, NULL, &first, 64, TOKENSTORE_OK);
    IS(tokenstore_testing_panic(shop.store, NULL), TOKENSTORE_PANIC);
    IS(tokenstore_consume(shop.store, coupon.value, coupon.len, &query, &verdict, NULL, 0, NULL, NULL, NULL),
       TOKENSTORE_POISONED);
    CHECK(verdict.allowed == 0 && verdict.status == TOKENSTORE_POISONED && holds_only(verdict.id, 16, 0));
    refresh(shop.store, &first, &next, 0, TOKENSTORE_POISONED);
    access_is(shop.store, &first, TOKENSTORE_OK);
    tokenstore_close(shop.store, NULL);
    IS(tokenstore_open(shop.path, &shop.options, &shop.store, NULL), TOKENSTORE_OK);
    IS(tokenstore_consume(shop.store, coupon.value, coupon.len, &query, &verdict, NULL, 0, NULL, NULL, NULL),
       TOKENSTORE_OK);
    refresh(shop.store, &first, &next, TOKENSTORE_ROTATED, TOKENSTORE_OK);
    close_shop(&shop);
}

static void panics_in_a_call(const char *path) {
    tokenstore_store *store;
    tokenstore_error error;
    IS(tokenstore_create(path, NULL, &store, NULL), TOKENSTORE_OK);
    uint32_t type = declare(store, "server", "srv", TOKENSTORE_TYPE_EXTERNAL);
    tokenstore_new_token token = new_token(type, "acme");
    made before = make(store, &token), revoked = make(store, &token), ended = make(store, &token);
    tokenstore_target target = target_of(&revoked);
    IS(tokenstore_token_revoke(store, &target, NULL, NULL), TOKENSTORE_OK);
    IS(tokenstore_testing_panic(store, &error), TOKENSTORE_PANIC);
    CHECK(error.status == TOKENSTORE_PANIC && error.message[0] != 0);
    every_change(store, TOKENSTORE_POISONED);
    IS(tokenstore_testing_panic(store, NULL), TOKENSTORE_PANIC);
    /* Verifying goes on, which reads memory alone; the file is not touched any more. */
    IS(judge(store, &before, type), TOKENSTORE_OK);
    IS(judge(store, &revoked, type), TOKENSTORE_REVOKED);
    tokenstore_stats stats = {0};
    uint32_t found = 0;
    stats.struct_size = sizeof stats;
    IS(tokenstore_type_find(store, (const uint8_t *)"server", 6, &found, NULL), TOKENSTORE_OK);
    CHECK(found == type);
    IS(tokenstore_get_stats(store, &stats, &error), TOKENSTORE_POISONED);
    /* What is revoked now is not on the disk. */
    target = target_of(&ended);
    IS(tokenstore_token_revoke(store, &target, NULL, NULL), TOKENSTORE_POISONED);
    IS(tokenstore_value_revoke(store, revoked.value, revoked.len, NULL, 0, NULL, 0, NULL, NULL), TOKENSTORE_POISONED);
    IS(tokenstore_testing_panic(NULL, &error), TOKENSTORE_INVALID_ARGUMENT);
    /* The handle is closed whatever is returned, and the file is whole. */
    tokenstore_status closed = tokenstore_close(store, &error);
    CHECK(closed == TOKENSTORE_OK || closed == TOKENSTORE_POISONED);
    IS(tokenstore_close(store, NULL), TOKENSTORE_CLOSED);
    IS(tokenstore_testing_panic(store, NULL), TOKENSTORE_CLOSED);
    IS(tokenstore_open(path, NULL, &store, NULL), TOKENSTORE_OK);
    IS(judge(store, &before, type), TOKENSTORE_OK);
    IS(judge(store, &revoked, type), TOKENSTORE_REVOKED);
    IS(judge(store, &ended, type), TOKENSTORE_OK);
    make(store, &token);
    IS(tokenstore_close(store, NULL), TOKENSTORE_OK);
    CHECK(remove(path) == 0);
}

/* A thread that makes tokens until it is refused. */
typedef struct maker {
    const tokenstore_store *store;
    uint32_t type;
    made made[64];
    int count;
    tokenstore_status refusal;
} maker;

static void *make_until_refused(void *self) {
    maker *maker = self;
    tokenstore_new_token token = new_token(maker->type, "acme");
    maker->refusal = TOKENSTORE_OK;
    maker->count = 0;
    while (maker->count < 64 && maker->refusal == TOKENSTORE_OK) {
        made *made = &maker->made[maker->count];
        tokenstore_created created;
        maker->refusal = tokenstore_token_create(maker->store, &token, made->value, sizeof made->value, &made->len,
                                                 &created, NULL);
        if (maker->refusal == TOKENSTORE_OK) maker->count++;
        else CHECK(made->len == 0 && holds_only(made->value, sizeof made->value, 0) && created.outcome == 0);
    }
    return NULL;
}

static int is_trouble(tokenstore_status status) {
    return status == TOKENSTORE_PANIC || status == TOKENSTORE_POISONED || status == TOKENSTORE_COMMIT_UNKNOWN;
}

static int commits = 0, acknowledged = 0;

/* A commit that panics at one of its syncs, on the thread that commits for all. */
static void panics_in_a_commit(uint64_t syncs) {
    static maker makers[THREADS];
    tokenstore_store *store;
    tokenstore_policy policy = {0};
    uint32_t type = 0;
    policy.struct_size = sizeof policy;
    policy.name = policy.prefix = text("server");
    policy.flags = TOKENSTORE_TYPE_EXTERNAL;
    IS(tokenstore_testing_open_panicking(syncs, &store, NULL), TOKENSTORE_OK);
    tokenstore_status declared = tokenstore_type_declare(store, &policy, &type, NULL);
    if (declared == TOKENSTORE_OK) {
        pthread_t threads[THREADS];
        for (size_t n = 0; n < THREADS; n++) {
            makers[n].store = store;
            makers[n].type = type;
            CHECK(pthread_create(&threads[n], NULL, make_until_refused, &makers[n]) == 0);
        }
        int panics = 0;
        for (size_t n = 0; n < THREADS; n++) {
            CHECK(pthread_join(threads[n], NULL) == 0);
            CHECK(is_trouble(makers[n].refusal));
            panics += makers[n].refusal != TOKENSTORE_POISONED;
            acknowledged += makers[n].count;
        }
        CHECK(panics >= 1);
        commits++;
        for (size_t n = 0; n < THREADS; n++) {
            for (int made = 0; made < makers[n].count; made++)
                IS(judge(store, &makers[n].made[made], type), TOKENSTORE_OK);
        }
        every_change(store, TOKENSTORE_POISONED);
    } else {
        CHECK(is_trouble(declared) && type == 0);
        IS(tokenstore_type_declare(store, &policy, &type, NULL), TOKENSTORE_POISONED);
    }
    tokenstore_close(store, NULL);
    IS(tokenstore_close(store, NULL), TOKENSTORE_CLOSED);
    every_verify(store, TOKENSTORE_CLOSED);
}

int main(int argc, char **argv) {
    if (argc < 2) return 2;
    uint64_t most = argc > 2 && strcmp(argv[2], "quick") == 0 ? 8 : 24;
    /* Who waits for an answer that never comes is ended. */
    alarm(120);
    panics_in_a_call(path_in(argv[1], "panics.store"));
    nothing_is_spent_after_a_panic(argv[1]);
    for (uint64_t syncs = 1; syncs <= most; syncs++) panics_in_a_commit(syncs);
    CHECK(commits > 0 && acknowledged > 0);
    printf("C panics: 3 in calls, %d in commits that %d threads waited for, %d creations acknowledged before them, "
           "%ld checks passed\n",
           commits, THREADS, acknowledged, checks_passed());
    return 0;
}
