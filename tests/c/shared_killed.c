/* Processes that share a store are killed and stopped in the middle of changes. The others go on: what was acknowledged
 * is there, what was refused stays refused, nobody waits longer than the bound for changes, and the file is whole.
 *
 * shared_killed FOLDER [quick]: makes its file in the folder. */
#define _POSIX_C_SOURCE 200809L
#include "processes.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
    MOST_ENTRIES = 20000,
    SURVIVORS = 3,
    /* How long a change may wait, in ms: of those that go on, and of the one that looks at stopped ones. */
    BOUND_MS = 5000,
    SHORT_BOUND_MS = 300,
    /* What a machine with other work may take besides. */
    SLACK_MS = 2000
};

/* A token of a process that will be killed. Its state is written before and after the call that changes it, so that it
 * says what was acknowledged. */
enum { LIVE = 1, REVOKING, REVOKED };
typedef struct entry {
    made made;
    int state;
} entry;

/* What all processes know. */
typedef struct diary {
    entry entries[MOST_ENTRIES];
    int count, stop;
    long survivors_tokens, survivors_verifies, longest_ms;
} diary;

static char path[4096];
static diary *known;
static uint32_t type;
static int kills = 0, stops = 0, busy = 0;

static int count_now(void) { return __atomic_load_n(&known->count, __ATOMIC_SEQ_CST); }
static int state_of(const entry *entry) { return __atomic_load_n(&entry->state, __ATOMIC_SEQ_CST); }
static void set_state(entry *entry, int state) { __atomic_store_n(&entry->state, state, __ATOMIC_SEQ_CST); }

/* Every call answers within the bound. */
static void takes_no_longer(watch watch, int64_t bound_ms) {
    long took = (long)ms_since(watch), longest = __atomic_load_n(&known->longest_ms, __ATOMIC_RELAXED);
    if (took > bound_ms + SLACK_MS) fprintf(stderr, "it took %ld ms\n", took);
    CHECK(took <= bound_ms + SLACK_MS);
    while (took > longest && !__atomic_compare_exchange_n(&known->longest_ms, &longest, took, 0, __ATOMIC_RELAXED,
                                                          __ATOMIC_RELAXED)) {
        continue;
    }
}

/* ---- Those that are killed ---- */

/* Makes tokens, and revokes every second one, for as long as it lives. */
static void changes_for_ever(const tokenstore_store *store) {
    tokenstore_new_token new = new_token(type, "victim");
    for (int n = count_now(); n < MOST_ENTRIES; n++) {
        entry *entry = &known->entries[n];
        takes_another_minute();
        entry->made = make(store, &new);
        set_state(entry, LIVE);
        __atomic_store_n(&known->count, n + 1, __ATOMIC_SEQ_CST);
        if (n % 2 == 0) continue;
        tokenstore_target target = target_of(&entry->made);
        set_state(entry, REVOKING);
        IS(tokenstore_token_revoke(store, &target, NULL, NULL), TOKENSTORE_OK);
        set_state(entry, REVOKED);
    }
    CHECK(0 && "there are more entries than there is room for");
}

static void opens_and_changes(int line, void *with) {
    (void)line, (void)with;
    changes_for_ever(open_shared(path));
}

/* The same by the handle that its parent had. */
static void inherits_and_changes(int line, void *with) {
    (void)line;
    changes_for_ever(with);
}

/* ---- Those that go on ---- */

/* A token that may be changed at this moment. */
static void looks_at(const tokenstore_store *store, const entry *entry) {
    int before = state_of(entry);
    watch watch = started();
    tokenstore_status status = judge(store, &entry->made, type);
    takes_no_longer(watch, BOUND_MS);
    int after = state_of(entry);
    CHECK(status == TOKENSTORE_OK || status == TOKENSTORE_REVOKED);
    if (before == REVOKED) IS(status, TOKENSTORE_REVOKED);
    if (after == LIVE) IS(status, TOKENSTORE_OK);
    __atomic_add_fetch(&known->survivors_verifies, 1, __ATOMIC_RELAXED);
}

static void goes_on_changing(int line, void *with) {
    tokenstore_store *store = open_shared(path);
    tokenstore_new_token new = new_token(type, "survivor");
    unsigned random = (unsigned)getpid() * 2654435761u + 1;
    (void)with;
    say(line, "!", 1);
    while (!__atomic_load_n(&known->stop, __ATOMIC_RELAXED)) {
        takes_another_minute();
        watch watch = started();
        made own = make(store, &new);
        takes_no_longer(watch, BOUND_MS);
        __atomic_add_fetch(&known->survivors_tokens, 1, __ATOMIC_RELAXED);
        IS(judge(store, &own, type), TOKENSTORE_OK);
        tokenstore_target target = target_of(&own);
        watch = started();
        IS(tokenstore_token_revoke(store, &target, NULL, NULL), TOKENSTORE_OK);
        takes_no_longer(watch, BOUND_MS);
        IS(judge(store, &own, type), TOKENSTORE_REVOKED);
        int count = count_now();
        for (int n = 0; n < 20 && count > 0; n++) {
            random = random * 1664525u + 1013904223u;
            /* Mostly the last ones, which are in the making. */
            unsigned back = n % 2 == 0 ? (random >> 16) % 4 : (random >> 8) % (unsigned)count;
            looks_at(store, &known->entries[back < (unsigned)count ? (unsigned)count - 1 - back : 0]);
        }
    }
    IS(tokenstore_close(store, NULL), TOKENSTORE_OK);
}

/* ---- What must be so afterwards ---- */

/* What nobody changes any more is as it was acknowledged. What was under way when its process was killed is either, and
 * from now on one of both for everybody. */
static void all_is_as_acknowledged(const tokenstore_store *store) {
    int count = count_now();
    for (int n = 0; n < count; n++) {
        entry *entry = &known->entries[n];
        tokenstore_status status = judge(store, &entry->made, type);
        if (entry->state == REVOKING) {
            CHECK(status == TOKENSTORE_OK || status == TOKENSTORE_REVOKED);
            set_state(entry, status == TOKENSTORE_OK ? LIVE : REVOKED);
        }
        IS(status, entry->state == LIVE ? TOKENSTORE_OK : TOKENSTORE_REVOKED);
    }
}

static void waits_for_changes(int more) {
    int before = count_now();
    takes_another_minute();
    while (count_now() < before + more) sleep_us(200);
}

/* A change of the one that looks; whoever changes anything knows all that was changed before. */
static void changes_at_once(const tokenstore_store *store) {
    tokenstore_new_token new = new_token(type, "survivor");
    watch watch = started();
    make(store, &new);
    takes_no_longer(watch, BOUND_MS);
    __atomic_add_fetch(&known->survivors_tokens, 1, __ATOMIC_RELAXED);
}

static void kill_in_the_middle(tokenstore_store *store, unsigned *random) {
    *random = *random * 1664525u + 1013904223u;
    /* One that opened the file by itself, one that was forked with it, and one of these in its first moments. */
    process victim = start(kills % 3 == 0 ? opens_and_changes : inherits_and_changes, store);
    if (kills % 3 < 2) waits_for_changes(3);
    sleep_us((*random >> 8) % 8000);
    is_killed(&victim);
    kills++;
    changes_at_once(store);
    all_is_as_acknowledged(store);
}

/* Of a process that is stopped with the place to write nobody waits longer than the bound, and no answer is wrong. */
static void stop_in_the_middle(tokenstore_store *store, const tokenstore_store *impatient, unsigned *random) {
    process victim = start(opens_and_changes, NULL);
    tokenstore_new_token new = new_token(type, "survivor");
    made made;
    tokenstore_created created;
    tokenstore_error error;
    waits_for_changes(3);
    *random = *random * 1664525u + 1013904223u;
    sleep_us((*random >> 8) % 8000);
    is_stopped(&victim);
    stops++;
    int count = count_now();
    for (int n = count > 50 ? count - 50 : 0; n < count; n++) {
        const entry *entry = &known->entries[n];
        watch watch = started();
        tokenstore_status status = judge(impatient, &entry->made, type);
        takes_no_longer(watch, SHORT_BOUND_MS);
        CHECK(status != TOKENSTORE_OK || state_of(entry) != REVOKED);
        CHECK(status != TOKENSTORE_REVOKED || state_of(entry) != LIVE);
        CHECK(status == TOKENSTORE_OK || status == TOKENSTORE_REVOKED || status == TOKENSTORE_BUSY);
        if (status == TOKENSTORE_BUSY) break;
    }
    watch watch = started();
    tokenstore_status status =
        tokenstore_token_create(impatient, &new, made.value, sizeof made.value, &made.len, &created, &error);
    takes_no_longer(watch, SHORT_BOUND_MS);
    CHECK(status == TOKENSTORE_OK || status == TOKENSTORE_BUSY);
    if (status == TOKENSTORE_OK) __atomic_add_fetch(&known->survivors_tokens, 1, __ATOMIC_RELAXED);
    else CHECK(error.status == TOKENSTORE_BUSY && error.message[0] != 0);
    busy += status == TOKENSTORE_BUSY;
    goes_on(&victim);
    waits_for_changes(3);
    /* And one that never goes on. */
    is_stopped(&victim);
    is_killed(&victim);
    kills++;
    changes_at_once(store);
    all_is_as_acknowledged(store);
    all_is_as_acknowledged(impatient);
}

static process begins_to_go_on(void) {
    char ready;
    process survivor = start(goes_on_changing, NULL);
    hear(survivor.line, &ready, 1);
    return survivor;
}

/* Nobody is left: whoever opens the file next finds all of it, whether others may come or not. */
static void kill_all(unsigned *random) {
    process all[3];
    tokenstore_store *store;
    all[0] = begins_to_go_on();
    all[1] = begins_to_go_on();
    all[2] = start(opens_and_changes, NULL);
    waits_for_changes(3);
    *random = *random * 1664525u + 1013904223u;
    sleep_us((*random >> 8) % 8000);
    for (int n = 0; n < 3; n++) is_killed(&all[n]);
    kills += 3;
    if (kills % 2 == 0) store = open_shared(path);
    else IS(tokenstore_open(path, NULL, &store, NULL), TOKENSTORE_OK);
    changes_at_once(store);
    all_is_as_acknowledged(store);
    IS(tokenstore_close(store, NULL), TOKENSTORE_OK);
}

int main(int argc, char **argv) {
    if (argc < 2) return 2;
    int rounds = argc > 2 && strcmp(argv[2], "quick") == 0 ? 3 : 20;
    unsigned random = (unsigned)getpid();
    process survivors[SURVIVORS];
    strcpy(path, path_in(argv[1], "shared_killed.store"));
    known = shared_memory(sizeof *known);
    tokenstore_store *store = make_shared(path), *impatient;
    type = declare(store, "server", "srv", 0);
    tokenstore_options options = shared_options();
    options.busy_timeout_ms = SHORT_BOUND_MS;
    IS(tokenstore_open(path, &options, &impatient, NULL), TOKENSTORE_OK);
    for (int n = 0; n < SURVIVORS; n++) survivors[n] = begins_to_go_on();
    for (int n = 0; n < rounds; n++) kill_in_the_middle(store, &random);
    for (int n = 0; n < rounds / 2; n++) stop_in_the_middle(store, impatient, &random);
    /* It has last uses to write, for which it waits no longer than for a change. */
    tokenstore_status closed = tokenstore_close(impatient, NULL);
    CHECK(closed == TOKENSTORE_OK || closed == TOKENSTORE_BUSY);

    __atomic_store_n(&known->stop, 1, __ATOMIC_RELAXED);
    for (int n = 0; n < SURVIVORS; n++) ends_well(&survivors[n]);
    all_is_as_acknowledged(store);
    IS(tokenstore_close(store, NULL), TOKENSTORE_OK);
    __atomic_store_n(&known->stop, 0, __ATOMIC_RELAXED);
    for (int n = 0; n < rounds / 2; n++) kill_all(&random);
    IS(tokenstore_open(path, NULL, &store, NULL), TOKENSTORE_OK);
    all_is_as_acknowledged(store);
    /* A creation of which nobody heard may be there. */
    long acknowledged = count_now() + known->survivors_tokens, found = (long)token_count(store);
    CHECK(found >= acknowledged && found <= acknowledged + kills);
    CHECK(known->survivors_tokens > SURVIVORS && known->survivors_verifies > SURVIVORS);
    IS(tokenstore_close(store, NULL), TOKENSTORE_OK);
    CHECK(unlink(path) == 0);
    printf("C shared and killed: %d kills, %d stops (%d times BUSY), %d tokens of the killed, %ld of those that went "
           "on, who verified %ld times and waited %ld ms at most\n",
           kills, stops, busy, count_now(), known->survivors_tokens, known->survivors_verifies, known->longest_ms);
    return 0;
}
