/* Eight threads spend and refresh the same values at the same moment: of each use exactly one wins, of each refresh
 * value exactly one gets a new pair and all others the same one, byte for byte, and the file says what the threads were
 * told.
 *
 * winners FOLDER [quick]: makes its file in the folder. */
#define _POSIX_C_SOURCE 200809L
#include "pairs.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

enum { THREADS = 8, USES = 3, MOST_ROUNDS = 40 };

/* What is fought for in a round, and who got it. */
typedef struct round {
    made coupon, ticket;
    place pair;
    /* How many were told that so many uses are left. */
    int told[USES];
    int used, ticket_winners, ticket_losers, rotated, replayed;
    place next[THREADS];
} round;

static shop shop_now;
static uint32_t coupon, ticket;
static round rounds[MOST_ROUNDS];
static int round_count;
static pthread_barrier_t barrier;

static void count(int *what) { __atomic_add_fetch(what, 1, __ATOMIC_RELAXED); }

static void fight_for_coupon(round *round) {
    tokenstore_query query = query_of(coupon);
    tokenstore_verdict verdict;
    uint8_t data[TOKENSTORE_APP_DATA_BYTES];
    uint32_t left = 77;
    size_t len = 77;
    tokenstore_status status =
        tokenstore_consume(shop_now.store, round->coupon.value, round->coupon.len, &query, &verdict, data, sizeof data,
                           &len, &left, NULL);
    CHECK(status == verdict.status && verdict.allowed == (status == TOKENSTORE_OK ? 1u : 0u));
    CHECK(memcmp(verdict.id, round->coupon.id, 16) == 0);
    if (status == TOKENSTORE_OK) {
        CHECK(left < USES && len == 6 && memcmp(data, "/inbox", 6) == 0);
        count(&round->told[left]);
    } else {
        IS(status, TOKENSTORE_USED);
        CHECK(left == 0 && len == 0);
        count(&round->used);
    }
}

static void fight_for_ticket(round *round) {
    tokenstore_query query = query_of(0);
    tokenstore_verdict verdict;
    tokenstore_status status = tokenstore_consume(shop_now.store, round->ticket.value, round->ticket.len, &query,
                                                  &verdict, NULL, 0, NULL, NULL, NULL);
    CHECK(status == TOKENSTORE_OK || status == TOKENSTORE_USED);
    count(status == TOKENSTORE_OK ? &round->ticket_winners : &round->ticket_losers);
}

static void fight_for_pair(round *round, place *next) {
    refresh_with(shop_now.store, round->pair.refresh, round->pair.pair.refresh_len, NULL, next, 64, TOKENSTORE_OK);
    CHECK(next->pair.outcome == TOKENSTORE_ROTATED || next->pair.outcome == TOKENSTORE_REPLAYED);
    count(next->pair.outcome == TOKENSTORE_ROTATED ? &round->rotated : &round->replayed);
}

static void *fight(void *number) {
    size_t self = (size_t)number;
    for (int n = 0; n < round_count; n++) {
        round *round = &rounds[n];
        pthread_barrier_wait(&barrier);
        /* Each begins with another of the three. */
        for (size_t turn = self; turn < self + 3; turn++) {
            if (turn % 3 == 0) fight_for_coupon(round);
            else if (turn % 3 == 1) fight_for_ticket(round);
            else fight_for_pair(round, &round->next[self]);
        }
    }
    return NULL;
}

static void one_won(const round *round) {
    for (int left = 0; left < USES; left++) CHECK(round->told[left] == 1);
    CHECK(round->used == THREADS - USES && round->ticket_winners == 1 && round->ticket_losers == THREADS - 1);
    CHECK(round->rotated == 1 && round->replayed == THREADS - 1);
    for (int n = 1; n < THREADS; n++) CHECK(is_same_pair(&round->next[0], &round->next[n]));
}

static uint32_t declare_counted(const char *name, uint32_t uses, uint32_t flags) {
    tokenstore_policy policy = {0};
    uint32_t type;
    policy.struct_size = sizeof policy;
    policy.name = policy.prefix = text(name);
    policy.uses = uses;
    policy.flags = flags;
    policy.default_lifetime_ms = 60000;
    IS(tokenstore_type_declare(shop_now.store, &policy, &type, NULL), TOKENSTORE_OK);
    return type;
}

int main(int argc, char **argv) {
    if (argc < 2) return 2;
    round_count = argc > 2 && strcmp(argv[2], "quick") == 0 ? 3 : MOST_ROUNDS;
    open_shop(&shop_now, argv[1], TOKENSTORE_ACCESS_ENDS_NOW, 0);
    coupon = declare_counted("coupon", USES, 0);
    ticket = declare_counted("ticket", 1, TOKENSTORE_TYPE_VOLATILE);
    tokenstore_new_token of_coupon = new_token(coupon, "acme"), of_ticket = new_token(ticket, "acme");
    tokenstore_new_pair new = new_pair(shop_now.access, shop_now.refresh);
    of_coupon.app_data = text("/inbox");
    for (int n = 0; n < round_count; n++) {
        rounds[n].coupon = make(shop_now.store, &of_coupon);
        rounds[n].ticket = make(shop_now.store, &of_ticket);
        issue(shop_now.store, &new, NULL, &rounds[n].pair, 64, TOKENSTORE_OK);
    }
    pthread_t threads[THREADS];
    CHECK(pthread_barrier_init(&barrier, NULL, THREADS) == 0);
    for (size_t n = 0; n < THREADS; n++) CHECK(pthread_create(&threads[n], NULL, fight, (void *)n) == 0);
    for (size_t n = 0; n < THREADS; n++) CHECK(pthread_join(threads[n], NULL) == 0);
    CHECK(pthread_barrier_destroy(&barrier) == 0);

    IS(tokenstore_close(shop_now.store, NULL), TOKENSTORE_OK);
    IS(tokenstore_open(shop_now.path, &shop_now.options, &shop_now.store, NULL), TOKENSTORE_OK);
    for (int n = 0; n < round_count; n++) {
        place again;
        one_won(&rounds[n]);
        verdict_of(shop_now.store, &rounds[n].coupon, TOKENSTORE_USED);
        access_is(shop_now.store, &rounds[n].next[0], TOKENSTORE_OK);
        refresh(shop_now.store, &rounds[n].pair, &again, TOKENSTORE_REPLAYED, TOKENSTORE_OK);
        CHECK(is_same_pair(&again, &rounds[n].next[0]));
    }
    close_shop(&shop_now);
    printf("C winners: %d threads, %d rounds, one winner of each use and of each refresh\n", THREADS, round_count);
    return 0;
}
