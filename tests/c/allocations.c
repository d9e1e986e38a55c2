/* A verify allocates nothing, in a store that is shared as in one that is not. The program has the allocator's
 * functions itself, in front of the C library's, and counts who comes by while a verify of every kind of answer runs;
 * that it counts is shown by a creation.
 *
 * allocations FOLDER [quick]: makes its file in the folder. For the GNU C library, and for no tool that has an
 * allocator of its own. */
#include "checks.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

void *__libc_malloc(size_t len);
void *__libc_calloc(size_t count, size_t len);
void *__libc_realloc(void *memory, size_t len);
void *__libc_memalign(size_t alignment, size_t len);
void __libc_free(void *memory);

static long calls = 0;
static int counting = 0;

static void count(void) { calls += counting; }

void *malloc(size_t len) {
    count();
    return __libc_malloc(len);
}

void *calloc(size_t number, size_t len) {
    count();
    return __libc_calloc(number, len);
}

void *realloc(void *memory, size_t len) {
    count();
    return __libc_realloc(memory, len);
}

void *aligned_alloc(size_t alignment, size_t len) {
    count();
    return __libc_memalign(alignment, len);
}

void *memalign(size_t alignment, size_t len);
void *memalign(size_t alignment, size_t len) {
    count();
    return __libc_memalign(alignment, len);
}

int posix_memalign(void **memory, size_t alignment, size_t len);
int posix_memalign(void **memory, size_t alignment, size_t len) {
    count();
    void *made = __libc_memalign(alignment, len);
    if (made == NULL) return ENOMEM;
    *memory = made;
    return 0;
}

void free(void *memory) {
    count();
    __libc_free(memory);
}

/* A question with its answer. */
typedef struct question {
    const tokenstore_store *store;
    const uint8_t *value;
    size_t len;
    tokenstore_query query;
    tokenstore_status answer;
} question;

enum { QUESTIONS = 23, BATCH = 16 };
static question questions[QUESTIONS];
static int asked = 0;

static question *ask(const tokenstore_store *store, const made *made, uint32_t type, tokenstore_status answer) {
    question *question = &questions[asked++];
    CHECK(asked <= QUESTIONS);
    question->store = store;
    question->value = made->value;
    question->len = made->len;
    question->query = query_of(type);
    question->answer = answer;
    return question;
}

static uint32_t declare_policy(const tokenstore_store *store, tokenstore_policy policy, const char *name) {
    uint32_t type = 0;
    policy.struct_size = sizeof policy;
    policy.name = policy.prefix = text(name);
    IS(tokenstore_type_declare(store, &policy, &type, NULL), TOKENSTORE_OK);
    return type;
}

/* Gives a token another value; `made` keeps the one before. */
static void rotate(const tokenstore_store *store, const made *made, uint64_t grace_ms) {
    tokenstore_target target = target_of(made);
    tokenstore_created created;
    uint8_t value[TOKENSTORE_VALUE_BYTES];
    size_t len;
    IS(tokenstore_token_rotate(store, &target, grace_ms, value, sizeof value, &len, &created, NULL), TOKENSTORE_OK);
}

/* Of tokens that count, refresh, were replaced, or ended with their owner or parent. None of them expires. */
static void ask_sessions(const tokenstore_store *store, uint32_t server) {
    const uint64_t year_ms = UINT64_C(365) * 86400000;
    static made coupons[2], ticket, old, superseded, owned, parent, child, access, refresh;
    tokenstore_policy policy = {0};
    policy.uses = 1;
    uint32_t coupon = declare_policy(store, policy, "coupon");
    policy.flags = TOKENSTORE_TYPE_VOLATILE;
    policy.default_lifetime_ms = year_ms;
    uint32_t volatile_type = declare_policy(store, policy, "ticket");
    policy = (tokenstore_policy){0};
    policy.flags = TOKENSTORE_TYPE_FAMILIES;
    policy.access_lifetime_ms = policy.refresh_lifetime_ms = policy.family_lifetime_ms = year_ms;
    uint32_t families = declare_policy(store, policy, "refresh");

    tokenstore_new_token token = new_token(coupon, "acme");
    for (int n = 0; n < 2; n++) coupons[n] = make(store, &token);
    tokenstore_query query = query_of(coupon);
    tokenstore_verdict verdict;
    IS(tokenstore_consume(store, coupons[1].value, coupons[1].len, &query, &verdict, NULL, 0, NULL, NULL, NULL),
       TOKENSTORE_OK);
    token.type = volatile_type;
    ticket = make(store, &token);
    token.type = server;
    old = make(store, &token);
    superseded = make(store, &token);
    rotate(store, &old, year_ms);
    rotate(store, &superseded, 0);
    parent = make(store, &token);
    memcpy(token.parent, parent.id, 16);
    child = make(store, &token);
    tokenstore_target target = target_of(&parent);
    IS(tokenstore_token_revoke(store, &target, NULL, NULL), TOKENSTORE_OK);
    token = new_token(server, "zeta");
    owned = make(store, &token);
    IS(tokenstore_owner_revoke(store, (const uint8_t *)"zeta", 4, 0, NULL, 0, NULL, 0, NULL, NULL), TOKENSTORE_OK);
    tokenstore_new_pair new = {0};
    tokenstore_pair pair = {0};
    new.struct_size = sizeof new;
    new.access_type = server;
    new.refresh_type = families;
    new.owner = text("acme");
    new.binding = text("client-7");
    pair.struct_size = sizeof pair;
    pair.access = access.value;
    pair.refresh = refresh.value;
    pair.access_capacity = pair.refresh_capacity = TOKENSTORE_VALUE_BYTES;
    IS(tokenstore_pair_issue(store, &new, NULL, &pair, NULL), TOKENSTORE_OK);
    access.len = pair.access_len;
    refresh.len = pair.refresh_len;

    ask(store, &coupons[0], coupon, TOKENSTORE_MUST_CONSUME);
    ask(store, &coupons[1], coupon, TOKENSTORE_USED);
    ask(store, &ticket, volatile_type, TOKENSTORE_MUST_CONSUME);
    ask(store, &old, server, TOKENSTORE_OK);
    ask(store, &superseded, server, TOKENSTORE_SUPERSEDED);
    ask(store, &child, server, TOKENSTORE_REVOKED);
    ask(store, &owned, server, TOKENSTORE_REVOKED);
    ask(store, &access, server, TOKENSTORE_OK);
    tokenstore_query *bound = &ask(store, &refresh, families, TOKENSTORE_MUST_REFRESH)->query;
    bound->flags = TOKENSTORE_CHECK_BINDING;
    bound->binding = (const uint8_t *)"client-7";
    bound->binding_len = 8;
}

/* Asks all questions so many times, each alone and in batches; how many verifies there were. */
static long verify_all(int rounds, tokenstore_clock *clock) {
    static uint8_t values[BATCH * 256];
    static size_t lens[BATCH];
    static tokenstore_verdict verdicts[BATCH];
    long verifies = 0;
    for (int round = 0; round < rounds; round++) {
        for (int n = 0; n < QUESTIONS; n++) {
            const question *question = &questions[n];
            for (int copy = 0; copy < BATCH; copy++) {
                memcpy(values + copy * 256, question->value, question->len);
                lens[copy] = question->len;
            }
            counting = 1;
            tokenstore_status single = tokenstore_verify(question->store, question->value, question->len,
                                                         &question->query, &verdicts[0]);
            tokenstore_status many = tokenstore_verify_many(question->store, values, 256, lens, BATCH,
                                                            &question->query, verdicts);
            counting = 0;
            CHECK(single == question->answer);
            int is_refusal = single != TOKENSTORE_OK && single < TOKENSTORE_INVALID_ARGUMENT;
            CHECK(many == (is_refusal ? TOKENSTORE_SOME_REFUSED : single));
            for (int copy = 0; copy < BATCH; copy++) CHECK(verdicts[copy].status == single);
            verifies += 1 + BATCH;
        }
        /* Time goes on, so that uses are noted anew. */
        IS(tokenstore_clock_advance(clock, 7000), TOKENSTORE_OK);
    }
    return verifies;
}

static void nothing_is_allocated(const char *folder, int rounds, uint32_t flags) {
    tokenstore_clock *clock = noon();
    tokenstore_options options = {0};
    tokenstore_store *store, *closed;
    options.struct_size = sizeof options;
    options.clock = clock;
    options.flags = flags;
    asked = 0;
    calls = 0;
    IS(tokenstore_create(path_in(folder, "allocations.store"), &options, &store, NULL), TOKENSTORE_OK);
    uint32_t server = declare(store, "server", "srv", TOKENSTORE_TYPE_EXTERNAL);
    uint32_t device = declare(store, "device", "dev", 0);
    closed = in_memory(clock);
    IS(tokenstore_close(closed, NULL), TOKENSTORE_OK);

    tokenstore_new_token token = new_token(server, "acme");
    made live = make(store, &token), revoked = make(store, &token), disabled = make(store, &token);
    tokenstore_bytes projects[3];
    projects[0] = text("A-1"), projects[1] = text("B-2"), projects[2] = text("C-3");
    token.projects = projects;
    token.project_count = 3;
    token.binding = text("client-7");
    made bound = make(store, &token);
    token = new_token(server, "acme");
    token.flags = TOKENSTORE_EXPIRES_IN;
    token.expires_ms = 1;
    made expired = make(store, &token);
    made unknown = live, malformed = live, header = live;
    memset(unknown.value, 'x', unknown.len);
    malformed.len = 3;
    memcpy(header.value, "Bearer ", 7);
    memcpy(header.value + 7, live.value, live.len);
    header.len += 7;
    tokenstore_target target = target_of(&revoked);
    IS(tokenstore_token_revoke(store, &target, NULL, NULL), TOKENSTORE_OK);
    target = target_of(&disabled);
    IS(tokenstore_token_disable(store, &target, NULL, NULL), TOKENSTORE_OK);
    IS(tokenstore_clock_advance(clock, 1), TOKENSTORE_OK);

    ask(store, &live, server, TOKENSTORE_OK);
    ask(store, &live, 0, TOKENSTORE_OK);
    ask(store, &header, server, TOKENSTORE_OK)->query.flags = TOKENSTORE_HEADER;
    ask(store, &malformed, server, TOKENSTORE_MALFORMED);
    ask(store, &unknown, server, TOKENSTORE_UNKNOWN);
    ask(store, &revoked, server, TOKENSTORE_REVOKED);
    ask(store, &expired, server, TOKENSTORE_EXPIRED);
    ask(store, &disabled, server, TOKENSTORE_DISABLED);
    ask(store, &live, device, TOKENSTORE_WRONG_TYPE);
    ask(store, &bound, server, TOKENSTORE_WRONG_BINDING);
    static const char *const reached[] = {"C-3", "D-4"};
    for (int n = 0; n < 2; n++) {
        tokenstore_query *query = &ask(store, &bound, server, n == 0 ? TOKENSTORE_OK : TOKENSTORE_NO_GRANT)->query;
        query->flags = TOKENSTORE_CHECK_PROJECT | TOKENSTORE_CHECK_BINDING;
        query->project = (const uint8_t *)reached[n];
        query->project_len = 3;
        query->binding = (const uint8_t *)"client-7";
        query->binding_len = 8;
    }
    ask(store, &live, server, TOKENSTORE_INVALID_ARGUMENT)->query.flags = 1u << 31;
    ask(closed, &live, server, TOKENSTORE_CLOSED);
    ask_sessions(store, server);
    CHECK(asked == QUESTIONS);

    long verifies = verify_all(rounds, clock);
    long counted = calls;
    if (counted != 0) fprintf(stderr, "%ld calls of the allocator in %ld verifies\n", counted, verifies);
    CHECK(counted == 0);
    token = new_token(server, "acme");
    counting = 1;
    made control = make(store, &token);
    counting = 0;
    CHECK(calls > 0);
    IS(judge(store, &control, server), TOKENSTORE_OK);
    IS(tokenstore_close(store, NULL), TOKENSTORE_OK);
    IS(tokenstore_clock_close(clock), TOKENSTORE_OK);
    CHECK(remove(path_in(folder, "allocations.store")) == 0);
    printf("C allocations%s: %ld in %ld verifies of %d kinds; %ld in one creation\n",
           flags == TOKENSTORE_SHARED ? " in a shared store" : "", counted, verifies, QUESTIONS, calls);
}

int main(int argc, char **argv) {
    if (argc < 2) return 2;
    int rounds = argc > 2 && strcmp(argv[2], "quick") == 0 ? 20 : 3600;
    nothing_is_allocated(argv[1], rounds, 0);
    nothing_is_allocated(argv[1], rounds, TOKENSTORE_SHARED);
    return 0;
}
