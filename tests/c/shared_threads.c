/* Three processes of four threads each make, switch, rotate, revoke and verify at the same time, and none waits for its
 * turn. Each answer is known beforehand: what a thread says of a token before and after each change is in memory that
 * all processes have in common.
 *
 * shared_threads FOLDER [quick]: makes its file in the folder. */
#include "processes.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

enum { PROCESSES = 3, THREADS = 4, OWNERS = PROCESSES * THREADS, PLACES = 8 * OWNERS };

/* What is true of a token; CHANGING is while a call is under way that changes it. */
enum { EMPTY, LIVE, DISABLED, REVOKED, CHANGING };

/* A place for one token after the other, which one thread of one process changes. The turn counts its changes: of what
 * was looked at while it went on nothing can be said. */
typedef struct place {
    made now, before;
    int state, turn, has_before;
} place;

typedef struct world {
    place places[PLACES];
    long verifies, changes;
} world;

static world *all;
static char path[4096];
static const tokenstore_store *store;
static uint32_t type;
static int rounds;

static int load(const int *what) { return __atomic_load_n(what, __ATOMIC_SEQ_CST); }
static void put(int *what, int value) { __atomic_store_n(what, value, __ATOMIC_SEQ_CST); }

/* Verifies what is in a place, and holds the answer against what was true before and after. */
static void look_at(const place *place, unsigned random) {
    int turn = load(&place->turn), state = load(&place->state);
    if (state == EMPTY || state == CHANGING) return;
    made now = place->now, before = place->before;
    int has_before = place->has_before;
    /* Of what was copied while it changed nothing can be said. */
    __atomic_thread_fence(__ATOMIC_ACQUIRE);
    if (load(&place->turn) != turn) return;
    tokenstore_query query = query_of(random % 2 == 0 ? type : 0);
    tokenstore_verdict verdict, old;
    if (random % 5 == 0) query.flags |= TOKENSTORE_NO_WAIT;
    tokenstore_status status = tokenstore_verify(store, now.value, now.len, &query, &verdict);
    if (has_before && status != TOKENSTORE_STALE) {
        query.flags &= ~(uint32_t)TOKENSTORE_NO_WAIT;
        tokenstore_status refused = tokenstore_verify(store, before.value, before.len, &query, &old);
        CHECK(refused == TOKENSTORE_SUPERSEDED || refused == TOKENSTORE_REVOKED);
    }
    __atomic_add_fetch(&all->verifies, 1, __ATOMIC_RELAXED);
    CHECK(verdict.status == status && verdict.allowed == (status == TOKENSTORE_OK ? 1u : 0u));
    if (status == TOKENSTORE_STALE) {
        CHECK((query.flags & TOKENSTORE_NO_WAIT) != 0);
        return;
    }
    /* What is revoked stays so; all else can have changed meanwhile. */
    if (state == REVOKED) IS(status, TOKENSTORE_REVOKED);
    if (load(&place->turn) != turn) return;
    CHECK(memcmp(verdict.id, now.id, 16) == 0);
    IS(status, state == LIVE ? TOKENSTORE_OK : state == DISABLED ? TOKENSTORE_DISABLED : TOKENSTORE_REVOKED);
}

static void begin(place *place) {
    put(&place->state, CHANGING);
    put(&place->turn, place->turn + 1);
}

static void end(place *place, int state) {
    put(&place->state, state);
    put(&place->turn, place->turn + 1);
    __atomic_add_fetch(&all->changes, 1, __ATOMIC_RELAXED);
}

static void rotate(place *place) {
    tokenstore_target target = target_of(&place->now);
    tokenstore_created created;
    made next = place->now;
    IS(tokenstore_token_rotate(store, &target, 0, next.value, sizeof next.value, &next.len, &created, NULL),
       TOKENSTORE_OK);
    place->before = place->now;
    place->now = next;
    place->has_before = 1;
}

/* The next change to a place: a token is made, switched off and on, rotated, revoked, and makes room for another. */
static void change(place *place) {
    tokenstore_new_token token = new_token(type, "acme");
    tokenstore_target target = target_of(&place->now);
    int state = place->state;
    begin(place);
    if (state == EMPTY || state == REVOKED) {
        place->has_before = 0;
        place->now = make(store, &token);
        end(place, LIVE);
    } else if (state == DISABLED) {
        IS(tokenstore_token_enable(store, &target, NULL, NULL), TOKENSTORE_OK);
        rotate(place);
        end(place, LIVE);
    } else if (place->has_before) {
        IS(tokenstore_token_revoke(store, &target, NULL, NULL), TOKENSTORE_OK);
        end(place, REVOKED);
    } else {
        IS(tokenstore_token_disable(store, &target, NULL, NULL), TOKENSTORE_OK);
        end(place, DISABLED);
    }
}

static void *work(void *number) {
    unsigned self = (unsigned)(size_t)number, random = self * 2654435761u + 1;
    for (int round = 0; round < rounds; round++) {
        takes_another_minute();
        for (unsigned n = self; n < PLACES; n += OWNERS) {
            change(&all->places[n]);
            look_at(&all->places[n], random);
            for (int look = 0; look < 50; look++) {
                random = random * 1664525u + 1013904223u;
                look_at(&all->places[(random >> 8) % PLACES], random >> 16);
            }
        }
    }
    return NULL;
}

static void works(int line, void *number) {
    pthread_t threads[THREADS];
    tokenstore_store *own = open_shared(path);
    size_t first = THREADS * *(const size_t *)number;
    (void)line;
    store = own;
    for (size_t n = 0; n < THREADS; n++) CHECK(pthread_create(&threads[n], NULL, work, (void *)(first + n)) == 0);
    for (size_t n = 0; n < THREADS; n++) CHECK(pthread_join(threads[n], NULL) == 0);
    IS(tokenstore_close(own, NULL), TOKENSTORE_OK);
}

int main(int argc, char **argv) {
    if (argc < 2) return 2;
    process processes[PROCESSES];
    tokenstore_store *own;
    rounds = argc > 2 && strcmp(argv[2], "quick") == 0 ? 2 : 40;
    strcpy(path, path_in(argv[1], "shared_threads.store"));
    all = shared_memory(sizeof *all);
    own = make_shared(path);
    type = declare(own, "server", "srv", 0);
    for (size_t n = 0; n < PROCESSES; n++) processes[n] = start(works, &n);
    for (size_t n = 0; n < PROCESSES; n++) ends_well(&processes[n]);
    /* Who looks at the end alone sees the end, and so does who has only the file. */
    for (int reopened = 0; reopened < 2; reopened++) {
        store = own;
        for (unsigned n = 0; n < PLACES; n++) look_at(&all->places[n], 1);
        IS(tokenstore_close(own, NULL), TOKENSTORE_OK);
        IS(tokenstore_open(path, NULL, &own, NULL), TOKENSTORE_OK);
    }
    IS(tokenstore_close(own, NULL), TOKENSTORE_OK);
    CHECK(all->changes == (long)rounds * PLACES && remove(path) == 0);
    printf("C shared threads: %d processes of %d threads, %ld changes, %ld verifies, 0 stale\n", PROCESSES, THREADS,
           all->changes, all->verifies);
    return 0;
}
