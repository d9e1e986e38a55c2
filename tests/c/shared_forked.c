/* A shared store goes on in a child that was forked: its first call opens the file anew for the child, and from then on
 * both hear each other's changes in their very next verify. What a child closes, or never used, is none of its
 * parent's.
 *
 * shared_forked FOLDER [quick] [alone]: makes its files in the folder. "quick" does less; "alone" forks while no other
 * thread of the parent is in the middle of a call, for tools under which such a child could not go on. */
#define _POSIX_C_SOURCE 200809L
#include "every_call.h"
#include "truths.h"
#include "orders.h"
#include "working_calls.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static char path[4096];
static tokenstore_store *store, *memory;
static uint32_t type;
static int is_quick = 0, is_alone = 0, children = 0;

/* ---- A parent that is busy while it forks ---- */

static int stop = 0;
static long changes_beside = 0;
static made busy_token;
static pthread_t busy_thread;

static void *keep_busy(void *unused) {
    tokenstore_target target = target_of(&busy_token);
    (void)unused;
    while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
        IS(tokenstore_token_disable(store, &target, NULL, NULL), TOKENSTORE_OK);
        IS(judge(store, &busy_token, type), TOKENSTORE_DISABLED);
        IS(tokenstore_token_enable(store, &target, NULL, NULL), TOKENSTORE_OK);
        IS(judge(store, &busy_token, type), TOKENSTORE_OK);
        changes_beside += 2;
        /* The place to write is the children's, too. */
        sleep_us(500);
    }
    return NULL;
}

static void begin_to_be_busy(void) {
    if (is_alone) return;
    stop = 0;
    CHECK(pthread_create(&busy_thread, NULL, keep_busy, NULL) == 0);
}

static void stop_to_be_busy(void) {
    if (is_alone) return;
    __atomic_store_n(&stop, 1, __ATOMIC_RELAXED);
    CHECK(pthread_join(busy_thread, NULL) == 0);
}

/* Runs it in a child, and sees that it ends well. */
static void in_child(void (*body)(int line, void *with), void *with) {
    process child = start(body, with);
    ends_well(&child);
    children++;
}

static void closes(void) {
    tokenstore_error error;
    IS(tokenstore_close(store, &error), TOKENSTORE_OK);
    IS(tokenstore_close(store, &error), TOKENSTORE_CLOSED);
    CHECK(error.status == TOKENSTORE_CLOSED && error.message[0] != 0);
    every_verify(store, TOKENSTORE_CLOSED);
    every_read(store, TOKENSTORE_CLOSED);
    every_change(store, TOKENSTORE_CLOSED);
}

/* ---- What a child does with the handle that it inherited ---- */

/* A call that is the child's first, and what it says of the token afterwards. */
typedef struct first_call {
    int number;
    tokenstore_status after;
    things things;
} first_call;

static void makes_a_call(int line, void *with) {
    first_call *first = with;
    (void)line;
    first->after = working_call(store, first->number, &first->things);
    IS(judge(store, &first->things.token, type), first->after);
    IS(tokenstore_list_close(first->things.list), TOKENSTORE_OK);
    IS(tokenstore_list_close(first->things.list), TOKENSTORE_CLOSED);
    closes();
}

static void every_call_works_as_the_first_of_a_child(void) {
    static first_call first, in_parent;
    for (int n = 0; n < working_call_count(); n += is_quick ? 5 : 1) {
        make_things(store, &first.things);
        make_things(store, &in_parent.things);
        first.number = n;
        in_child(makes_a_call, &first);
        /* The parent hears what the child did, and makes the same call on things of its own. */
        tokenstore_status after = working_call(store, n, &in_parent.things);
        IS(judge(store, &first.things.token, type), after);
        IS(judge(store, &in_parent.things.token, type), after);
        IS(tokenstore_list_close(first.things.list), TOKENSTORE_OK);
        IS(tokenstore_list_close(in_parent.things.list), TOKENSTORE_OK);
    }
}

static void does_nothing(int line, void *with) { (void)line, (void)with; }

static void closes_only(int line, void *with) {
    (void)line, (void)with;
    closes();
}

static void does_not_wait(int line, void *with) {
    const made *token = with;
    tokenstore_query query = query_of(type);
    tokenstore_verdict verdict;
    (void)line;
    query.flags |= TOKENSTORE_NO_WAIT;
    for (int again = 0; again < 2; again++) {
        memset(&verdict, 0x55, sizeof verdict);
        IS(tokenstore_verify(store, token->value, token->len, &query, &verdict), TOKENSTORE_STALE);
        CHECK(verdict.status == TOKENSTORE_STALE);
        verdict.status = TOKENSTORE_OK;
        CHECK(holds_only(&verdict, sizeof verdict, 0));
    }
    IS(judge(store, token, type), TOKENSTORE_OK);
    if (!is_alone) return; /* the parent is busy, and its changes make everything stale again */
    IS(tokenstore_verify(store, token->value, token->len, &query, &verdict), TOKENSTORE_OK);
    CHECK(verdict.allowed == 1);
}

/* The number that stands for an owner is of the process that got it. */
static void knows_no_number_of_its_parents(int line, void *with) {
    const tokenstore_verdict *verdict = with;
    uint8_t owner[255];
    size_t len = 7;
    (void)line;
    for (int again = 0; again < 2; again++) {
        IS(tokenstore_owner(store, verdict->owner, owner, sizeof owner, &len, NULL), TOKENSTORE_NOT_FOUND);
        CHECK(len == 0);
        IS(tokenstore_flush(store, NULL), TOKENSTORE_OK);
    }
}

/* Nobody else has the file as its own while this process has it. */
static void finds_it_locked(int line, void *with) {
    tokenstore_store *other;
    (void)line, (void)with;
    IS(tokenstore_open(path, NULL, &other, NULL), TOKENSTORE_LOCKED);
    other = open_shared(path);
    tokenstore_status status = judge(other, &busy_token, 0);
    CHECK(status == TOKENSTORE_OK || status == TOKENSTORE_DISABLED);
    IS(tokenstore_close(other, NULL), TOKENSTORE_OK);
}

/* What is in memory alone is its process's, as ever. */
static void has_no_store_of_memory(int line, void *with) {
    (void)line, (void)with;
    every_verify(memory, TOKENSTORE_FORKED);
    every_read(memory, TOKENSTORE_FORKED);
    every_change(memory, TOKENSTORE_FORKED);
    IS(tokenstore_close(memory, NULL), TOKENSTORE_FORKED);
}

static void *judges(void *with) {
    for (int n = 0; n < 20; n++) IS(judge(store, with, type), TOKENSTORE_OK);
    return NULL;
}

/* Four threads make the first call together. */
static void has_threads(int line, void *with) {
    pthread_t threads[4];
    (void)line;
    for (int n = 0; n < 4; n++) CHECK(pthread_create(&threads[n], NULL, judges, with) == 0);
    for (int n = 0; n < 4; n++) CHECK(pthread_join(threads[n], NULL) == 0);
    IS(tokenstore_close(store, NULL), TOKENSTORE_OK);
}

/* A child of a child, before the first call in between and after it. */
static void forks_again(int line, void *with) {
    const made *token = with;
    (void)line;
    in_child(closes_only, NULL);
    in_child(has_threads, with);
    IS(judge(store, token, type), TOKENSTORE_OK);
    in_child(closes_only, NULL);
    in_child(has_threads, with);
    IS(judge(store, token, type), TOKENSTORE_OK);
    IS(tokenstore_close(store, NULL), TOKENSTORE_OK);
}

/* A process that goes on when the one that forked it is gone. */
static void is_left_alone(int line, void *with) {
    pid_t parent = getpid(), child = fork();
    CHECK(child >= 0);
    if (child > 0) _exit(0);
    while (getppid() == parent) sleep_us(1000);
    IS(judge(store, with, type), TOKENSTORE_OK);
    tokenstore_new_token new = new_token(type, "acme");
    made made = make(store, &new);
    say(line, &made, sizeof made);
    IS(tokenstore_close(store, NULL), TOKENSTORE_OK);
}

static void children_leave_their_parents_store_alone(void) {
    tokenstore_new_token new = new_token(type, "acme");
    for (int n = 0; n < (is_quick ? 1 : 5); n++) {
        made token = make(store, &new), of_orphan;
        in_child(does_nothing, NULL);
        in_child(closes_only, NULL);
        in_child(does_not_wait, &token);
        in_child(finds_it_locked, NULL);
        tokenstore_verdict verdict = verdict_of(store, &token, TOKENSTORE_OK);
        in_child(knows_no_number_of_its_parents, &verdict);
        in_child(has_no_store_of_memory, NULL);
        in_child(has_threads, &token);
        in_child(forks_again, &token);
        process orphan = start(is_left_alone, &token);
        hear(orphan.line, &of_orphan, sizeof of_orphan);
        IS(judge(store, &of_orphan, type), TOKENSTORE_OK);
        ends_well(&orphan);
        /* The parent's own is as it was. */
        tokenstore_target target = target_of(&token);
        IS(judge(store, &token, type), TOKENSTORE_OK);
        IS(tokenstore_token_revoke(store, &target, NULL, NULL), TOKENSTORE_OK);
        IS(judge(store, &token, type), TOKENSTORE_REVOKED);
    }
}

/* ---- A store with a key, and two of them ---- */

static tokenstore_store *keyed;
static made of_keyed;
static const uint8_t KEYS[3][32] = {{1}, {2}, {3}};

static void has_both(int line, void *with) {
    (void)line;
    IS(judge(keyed, &of_keyed, 0), TOKENSTORE_OK);
    IS(judge(store, with, type), TOKENSTORE_OK);
    IS(judge(keyed, with, 0), TOKENSTORE_UNKNOWN);
    IS(tokenstore_close(store, NULL), TOKENSTORE_OK);
    IS(judge(keyed, &of_keyed, 0), TOKENSTORE_OK);
    IS(tokenstore_close(keyed, NULL), TOKENSTORE_OK);
}

static void changes_the_key(int line, void *with) {
    (void)line;
    IS(tokenstore_change_key(keyed, with, NULL), TOKENSTORE_OK);
    IS(judge(keyed, &of_keyed, 0), TOKENSTORE_OK);
    IS(tokenstore_close(keyed, NULL), TOKENSTORE_OK);
}

static tokenstore_status opens_with(const char *file, const uint8_t *key) {
    tokenstore_options options = shared_options();
    tokenstore_store *opened;
    options.key = key;
    tokenstore_status status = tokenstore_open(file, &options, &opened, NULL);
    if (status == TOKENSTORE_OK) IS(judge(opened, &of_keyed, 0), TOKENSTORE_OK);
    IS(tokenstore_close(opened, NULL), TOKENSTORE_OK);
    return status;
}

/* A child opens its parent's file by the key that the file has now, whoever changed it. */
static void children_have_the_key(const char *file) {
    tokenstore_options options = shared_options();
    tokenstore_new_token new = new_token(type, "acme");
    made token = make(store, &new);
    options.key = KEYS[0];
    IS(tokenstore_create(file, &options, &keyed, NULL), TOKENSTORE_OK);
    new.type = declare(keyed, "server", "srv", 0);
    of_keyed = make(keyed, &new);
    in_child(has_both, &token);
    IS(tokenstore_change_key(keyed, KEYS[1], NULL), TOKENSTORE_OK);
    in_child(has_both, &token);
    in_child(changes_the_key, (void *)KEYS[2]);
    in_child(has_both, &token);
    for (int n = 0; n < 3; n++) IS(opens_with(file, KEYS[n]), n == 2 ? TOKENSTORE_OK : TOKENSTORE_WRONG_KEY);
    IS(judge(keyed, &of_keyed, 0), TOKENSTORE_OK);
    IS(tokenstore_close(keyed, NULL), TOKENSTORE_OK);
    CHECK(unlink(file) == 0);
}

static void is_told(int line, void *expected) {
    (void)line;
    IS(judge(keyed, &of_keyed, 0), *(const tokenstore_status *)expected);
}

/* Wherever it is itself by then, a child opens the file that its parent has, and no other one in its place. */
static void children_find_the_file(const char *folder) {
    char here[4096];
    tokenstore_status ok = TOKENSTORE_OK, io = TOKENSTORE_IO, revoked = TOKENSTORE_REVOKED;
    CHECK(getcwd(here, sizeof here) != NULL && chdir(folder) == 0);
    keyed = make_shared("here.store");
    tokenstore_new_token new = new_token(declare(keyed, "server", "srv", 0), "acme");
    of_keyed = make(keyed, &new);
    CHECK(chdir("/") == 0);
    in_child(is_told, &ok);
    CHECK(chdir(here) == 0 && chdir(folder) == 0 && rename("here.store", "there.store") == 0);
    in_child(is_told, &io);
    IS(tokenstore_close(make_shared("here.store"), NULL), TOKENSTORE_OK);
    in_child(is_told, &io);
    CHECK(unlink("here.store") == 0);
    /* Not even a copy from before a revocation, in which the token is good. */
    copy_file("there.store", "here.store", -1);
    tokenstore_target target = target_of(&of_keyed);
    IS(tokenstore_token_revoke(keyed, &target, NULL, NULL), TOKENSTORE_OK);
    in_child(is_told, &io);
    CHECK(unlink("here.store") == 0 && rename("there.store", "here.store") == 0);
    in_child(is_told, &revoked);
    IS(judge(keyed, &of_keyed, 0), TOKENSTORE_REVOKED);
    IS(tokenstore_close(keyed, NULL), TOKENSTORE_OK);
    CHECK(unlink("here.store") == 0 && chdir(here) == 0);
}

/* ---- Workers that were forked with the handle ---- */

static void works(int line, void *with) {
    (void)with;
    obey_all(store, line);
}

static team forked_workers(void) {
    team team = {.worker_count = 4, .own = store};
    for (int n = 0; n < team.worker_count; n++) team.workers[n] = start(works, NULL);
    children += team.worker_count;
    return team;
}

/* The file says the same to who has it alone. */
static void all_is_in_the_file(uint64_t tokens) {
    tokenstore_store *own;
    IS(tokenstore_open(path, NULL, &own, NULL), TOKENSTORE_OK);
    CHECK(tokens > 0 && token_count(own) == tokens);
    IS(judge(own, &busy_token, type), TOKENSTORE_OK);
    IS(tokenstore_close(own, NULL), TOKENSTORE_OK);
    CHECK(unlink(path) == 0);
}

int main(int argc, char **argv) {
    if (argc < 2) return 2;
    for (int n = 2; n < argc; n++) {
        is_quick |= strcmp(argv[n], "quick") == 0;
        is_alone |= strcmp(argv[n], "alone") == 0;
    }
    strcpy(path, path_in(argv[1], "shared_forked.store"));
    memory = in_memory(NULL);
    declare(memory, "server", "srv", TOKENSTORE_TYPE_EXTERNAL);
    store = make_shared(path);
    type = declare(store, "server", "srv", TOKENSTORE_TYPE_EXTERNAL);
    declare_kinds(store);
    tokenstore_new_token new = new_token(type, "acme");
    busy_token = make(store, &new);

    begin_to_be_busy();
    every_call_works_as_the_first_of_a_child();
    children_leave_their_parents_store_alone();
    char other[4096];
    strcpy(other, path_in(argv[1], "keyed.store"));
    children_have_the_key(other);
    children_find_the_file(argv[1]);
    team team = forked_workers();
    int once = 5 * change_count();
    long looks = play_rounds(&team, is_quick ? change_count() : once);
    stop_to_be_busy();
    looks += play_rounds(&team, is_quick ? 0 : 1000 - once);

    /* The children go on without the parent's handle, which alone is closed. */
    IS(tokenstore_close(store, NULL), TOKENSTORE_OK);
    IS(tokenstore_open(path, NULL, &store, NULL), TOKENSTORE_LOCKED);
    team.own = NULL;
    looks += play_rounds(&team, (is_quick ? 1 : 4) * change_count());
    all_is_in_the_file(dismiss(&team));
    IS(tokenstore_close(memory, NULL), TOKENSTORE_OK);
    printf("C shared across fork: %d children, %ld verifies after another process's change, 0 stale, %ld changes "
           "beside them, %ld checks passed in their parent\n",
           children, looks, changes_beside, checks_passed());
    return 0;
}
