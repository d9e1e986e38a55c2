/* Eight threads verify, create and revoke on one handle at the same time. Each answer is known beforehand: a token is
 * accepted from when its creation returned until its revocation began, and refused by every thread from when the
 * revocation returned.
 *
 * threads FOLDER [quick]: makes its file in the folder. */
#include "checks.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

enum { THREADS = 8, TOKENS = 64 };

/* A place in which a token lives. Its state is written before and after the call that changes it. */
enum { EMPTY, LIVE, REVOKING, REVOKED };
typedef struct place {
    made made;
    int state;
} place;

static const tokenstore_store *store;
static uint32_t type;
static place places[TOKENS];
static int rounds;
static long verifies = 0, creations = 0, revocations = 0;

static int state_of(const place *place) { return __atomic_load_n(&place->state, __ATOMIC_SEQ_CST); }
static void set_state(place *place, int state) { __atomic_store_n(&place->state, state, __ATOMIC_SEQ_CST); }

/* Verifies what is in a place, by itself or in a batch, and holds the answer against its state before and after. */
static void look_at(const place *place, unsigned turn) {
    int before = state_of(place);
    if (before == EMPTY) return;
    tokenstore_query query = query_of(turn % 2 == 0 ? type : 0);
    tokenstore_verdict verdict;
    if (turn % 3 == 0) {
        tokenstore_status many = tokenstore_verify_many(store, place->made.value, place->made.len, NULL, 1, &query,
                                                        &verdict);
        CHECK(many == (verdict.allowed == 1 ? TOKENSTORE_OK : TOKENSTORE_SOME_REFUSED));
    } else {
        tokenstore_status single = tokenstore_verify(store, place->made.value, place->made.len, &query, &verdict);
        CHECK(single == verdict.status);
    }
    int after = state_of(place);
    CHECK(verdict.status == TOKENSTORE_OK || verdict.status == TOKENSTORE_REVOKED);
    CHECK(memcmp(verdict.id, place->made.id, 16) == 0 && verdict.type == type);
    if (before == REVOKED) CHECK(verdict.status == TOKENSTORE_REVOKED);
    if (after == LIVE) CHECK(verdict.status == TOKENSTORE_OK && verdict.allowed == 1);
    __atomic_add_fetch(&verifies, 1, __ATOMIC_RELAXED);
}

static void *work(void *number) {
    unsigned self = (unsigned)(size_t)number, random = self * 2654435761u + 1;
    tokenstore_new_token token = new_token(type, "acme");
    for (int round = 0; round < rounds; round++) {
        /* Each thread makes and revokes in places of its own, and looks into those of all. */
        for (unsigned n = self; n < TOKENS; n += THREADS) {
            place *own = &places[n];
            if (own->state == EMPTY && round <= 2 * rounds / 3) {
                token.app_word = n;
                own->made = make(store, &token);
                set_state(own, LIVE);
                __atomic_add_fetch(&creations, 1, __ATOMIC_RELAXED);
            } else if (own->state == LIVE && (n / THREADS + (unsigned)round) % 4 == 0) {
                tokenstore_target target = target_of(&own->made);
                tokenstore_change change;
                set_state(own, REVOKING);
                if (round % 2 == 0) {
                    IS(tokenstore_token_revoke(store, &target, &change, NULL), TOKENSTORE_OK);
                } else {
                    IS(tokenstore_value_revoke(store, own->made.value, own->made.len, NULL, 0, NULL, 0, &change,
                                               NULL), TOKENSTORE_OK);
                }
                CHECK(change.changed == 1);
                set_state(own, REVOKED);
                __atomic_add_fetch(&revocations, 1, __ATOMIC_RELAXED);
            }
            for (int look = 0; look < 200; look++) {
                random = random * 1664525u + 1013904223u;
                look_at(&places[random >> 16 & (TOKENS - 1)], random >> 8);
            }
        }
    }
    return NULL;
}

int main(int argc, char **argv) {
    if (argc < 2) return 2;
    rounds = argc > 2 && strcmp(argv[2], "quick") == 0 ? 4 : 12;
    tokenstore_store *opened;
    IS(tokenstore_create(path_in(argv[1], "threads.store"), NULL, &opened, NULL), TOKENSTORE_OK);
    store = opened;
    type = declare(store, "server", "srv", 0);
    pthread_t threads[THREADS];
    for (size_t n = 0; n < THREADS; n++) CHECK(pthread_create(&threads[n], NULL, work, (void *)n) == 0);
    for (size_t n = 0; n < THREADS; n++) CHECK(pthread_join(threads[n], NULL) == 0);
    CHECK(verifies > 1000 && creations == TOKENS && revocations >= THREADS);
    /* The file says the same as the threads did. */
    for (int reopened = 0; reopened < 2; reopened++) {
        CHECK(token_count(store) == TOKENS);
        for (size_t n = 0; n < TOKENS; n++) {
            IS(judge(store, &places[n].made, type), places[n].state == REVOKED ? TOKENSTORE_REVOKED : TOKENSTORE_OK);
            CHECK(read_back(store, &places[n].made).app_word == n);
        }
        IS(tokenstore_close(opened, NULL), TOKENSTORE_OK);
        IS(tokenstore_open(path_in(argv[1], "threads.store"), NULL, &opened, NULL), TOKENSTORE_OK);
        store = opened;
    }
    IS(tokenstore_close(opened, NULL), TOKENSTORE_OK);
    CHECK(remove(path_in(argv[1], "threads.store")) == 0);
    printf("C threads: %d threads, %ld verifies, %ld creations, %ld revocations, all answered as they must\n", THREADS,
           verifies, creations, revocations);
    return 0;
}
