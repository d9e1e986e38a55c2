/* Workers that were forked first and open one store, each by itself: every one hears what another changed in its very
 * next verify. Also what a verify says that does not wait, who may have a file open beside whom, and the options.
 *
 * shared_workers FOLDER [quick]: makes its files in the folder. */
#define _POSIX_C_SOURCE 200809L
#include "orders.h"
#include "truths.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char path[4096];

/* ---- Options ---- */

static void refuses(const tokenstore_options *options) {
    tokenstore_store *store = (tokenstore_store *)&store;
    tokenstore_error error;
    tokenstore_status (*const calls[])(const char *, const tokenstore_options *, tokenstore_store **,
                                       tokenstore_error *) = {tokenstore_create, tokenstore_open};
    for (int n = 0; n < 2; n++) {
        IS(calls[n](path, options, &store, &error), TOKENSTORE_INVALID_ARGUMENT);
        CHECK(store == NULL && error.status == TOKENSTORE_INVALID_ARGUMENT && error.message[0] != 0);
    }
    IS(tokenstore_open_in_memory(options, &store, &error), TOKENSTORE_INVALID_ARGUMENT);
    CHECK(store == NULL && access(path, F_OK) != 0);
}

static void unknown_flags_are_refused(void) {
    for (int bit = 0; bit < 32; bit++) {
        tokenstore_options options = shared_options();
        options.reserved = UINT32_C(1) << bit;
        refuses(&options);
        options.reserved = 0;
        options.flags |= UINT32_C(1) << bit;
        if (options.flags == TOKENSTORE_SHARED) continue;
        refuses(&options);
        options.flags &= ~(uint32_t)TOKENSTORE_SHARED;
        refuses(&options);
    }
}

/* ---- Who may have a file open beside whom ---- */

/* An attempt of another process to open the file. */
typedef struct attempt {
    const tokenstore_options *options;
    tokenstore_status expected;
    tokenstore_error error;
} attempt;

static void tries_to_open(int line, void *with) {
    attempt *attempt = with;
    tokenstore_store *store = (tokenstore_store *)&store;
    memset(&attempt->error, 0, sizeof attempt->error);
    IS(tokenstore_open(path, attempt->options, &store, &attempt->error), attempt->expected);
    CHECK((store != NULL) == (attempt->expected == TOKENSTORE_OK));
    CHECK(attempt->error.status == attempt->expected);
    IS(tokenstore_close(store, NULL), TOKENSTORE_OK);
    say(line, attempt, sizeof *attempt);
}

/* What another process is told that opens the file; NULL are options of an exclusive store. */
static tokenstore_error another_opens(const tokenstore_options *options, tokenstore_status expected) {
    attempt attempt;
    memset(&attempt, 0, sizeof attempt);
    attempt.options = options;
    attempt.expected = expected;
    process other = start(tries_to_open, &attempt);
    hear(other.line, &attempt, sizeof attempt);
    ends_well(&other);
    return attempt.error;
}

/* Whether a text has a number as a word of its own. */
static int has_number(const char *text, long number) {
    for (const char *at = text; *at != 0; at++) {
        if (!isdigit((unsigned char)*at) || (at > text && isdigit((unsigned char)at[-1]))) continue;
        if (strtol(at, NULL, 10) == number) return 1;
    }
    return 0;
}

/* The text for people names the file and one of those who have it. */
static void names_file_and_holder(const tokenstore_error *error, const pid_t *holders, int count) {
    const char *text = (const char *)error->message;
    int named = 0;
    for (int n = 0; n < count; n++) named += has_number(text, (long)holders[n]);
    if (strstr(text, "shared_workers.store") == NULL || named == 0) fprintf(stderr, "it says: %s\n", text);
    CHECK(strstr(text, "shared_workers.store") != NULL && named >= 1);
}

/* Who was compiled before there were flags has a store for itself, whatever lies behind what it knows. */
static void the_first_size_is_exclusive(void) {
    tokenstore_options first = shared_options(), shared = shared_options();
    tokenstore_store *store;
    pid_t self = getpid();
    first.struct_size = 56;
    first.reserved = 0x55555555;
    for (int opens = 0; opens < 2; opens++) {
        if (opens) IS(tokenstore_open(path, &first, &store, NULL), TOKENSTORE_OK);
        else IS(tokenstore_create(path, &first, &store, NULL), TOKENSTORE_OK);
        tokenstore_error error = another_opens(&shared, TOKENSTORE_LOCKED);
        names_file_and_holder(&error, &self, 1);
        error = another_opens(NULL, TOKENSTORE_LOCKED);
        names_file_and_holder(&error, &self, 1);
        IS(tokenstore_close(store, NULL), TOKENSTORE_OK);
    }
    another_opens(&shared, TOKENSTORE_OK);
    another_opens(NULL, TOKENSTORE_OK);
    CHECK(unlink(path) == 0);
}

static void an_exclusive_open_is_refused_beside(const team *team) {
    tokenstore_store *store = (tokenstore_store *)&store;
    tokenstore_options shared = shared_options();
    tokenstore_error error;
    pid_t holders[MOST_WORKERS + 1];
    int count = 0;
    while (count < team->worker_count) holders[count] = team->workers[count].id, count++;
    if (team->own != NULL) holders[count++] = getpid();
    IS(tokenstore_open(path, NULL, &store, &error), TOKENSTORE_LOCKED);
    CHECK(store == NULL && error.status == TOKENSTORE_LOCKED);
    if (team->own != NULL) CHECK(strstr((const char *)error.message, "this process") != NULL);
    else names_file_and_holder(&error, holders, count);
    IS(tokenstore_create(path, &shared, &store, &error), TOKENSTORE_ALREADY_EXISTS);
    CHECK(store == NULL);
    another_opens(&shared, TOKENSTORE_OK);
    error = another_opens(NULL, TOKENSTORE_LOCKED);
    names_file_and_holder(&error, holders, count);
}

/* ---- A verify that does not wait ---- */

/* Another process, which does what it is told. */
static void opens_and_obeys(int line, void *with) {
    (void)with;
    obey_all(open_shared(path), line);
}

static reply is_told(const process *other, const order *order) {
    reply reply;
    say(other->line, order, sizeof *order);
    hear(other->line, &reply, sizeof reply);
    return reply;
}

static void at_once(const tokenstore_store *store, const made *token, tokenstore_status expected) {
    tokenstore_query query = query_of(0);
    tokenstore_verdict verdicts[2];
    query.flags |= TOKENSTORE_NO_WAIT;
    for (int many = 0; many < 2; many++) {
        memset(verdicts, 0x55, sizeof verdicts);
        if (many) {
            tokenstore_status status =
                tokenstore_verify_many(store, token->value, token->len, NULL, 1, &query, verdicts);
            CHECK(status == expected || (status == TOKENSTORE_SOME_REFUSED && expected == TOKENSTORE_REVOKED));
        } else {
            IS(tokenstore_verify(store, token->value, token->len, &query, verdicts), expected);
        }
        IS(verdicts[0].status, expected);
        CHECK(verdicts[0].allowed == (expected == TOKENSTORE_OK ? 1u : 0u));
        if (expected == TOKENSTORE_STALE) {
            verdicts[0].status = TOKENSTORE_OK;
            CHECK(holds_only(&verdicts[0], sizeof verdicts[0], 0));
        }
    }
}

static void who_does_not_wait_hears_that_it_is_behind(tokenstore_store *store, int rounds) {
    process other = start(opens_and_obeys, NULL);
    order order = {0};
    order.type = declare(store, "server", "srv", 0);
    snprintf(order.owner, sizeof order.owner, "acme");
    tokenstore_new_token new = new_token(order.type, "acme");
    for (int n = 0; n < rounds; n++) {
        order.act = CREATE;
        order.token = is_told(&other, &order).token;
        at_once(store, &order.token, TOKENSTORE_STALE);
        at_once(store, &order.token, TOKENSTORE_STALE);
        IS(judge(store, &order.token, order.type), TOKENSTORE_OK);
        at_once(store, &order.token, TOKENSTORE_OK);
        order.act = REVOKE;
        is_told(&other, &order);
        at_once(store, &order.token, TOKENSTORE_STALE);
        IS(judge(store, &order.token, 0), TOKENSTORE_REVOKED);
        at_once(store, &order.token, TOKENSTORE_REVOKED);
        /* A change of one's own, or a read, is up to date, too. */
        made own = make(store, &new);
        at_once(store, &own, TOKENSTORE_OK);
    }
    order.act = LEAVE;
    is_told(&other, &order);
    ends_well(&other);
}

/* ---- Types in memory alone ---- */

static tokenstore_status spends(const tokenstore_store *store, const made *token) {
    tokenstore_query query = query_of(0);
    tokenstore_verdict verdict;
    tokenstore_status status =
        tokenstore_consume(store, token->value, token->len, &query, &verdict, NULL, 0, NULL, NULL, NULL);
    CHECK(verdict.status == status);
    return status;
}

/* They are on the disk in a store that several have, listed and logged: a ticket outlives the process that made it, and a
 * use, too. */
static void tickets_outlive_who_made_them(void) {
    tokenstore_store *store = make_shared(path);
    tokenstore_policy policy = {0};
    uint32_t type;
    policy.struct_size = sizeof policy;
    policy.name = policy.prefix = text("ticket");
    policy.uses = 1;
    policy.flags = TOKENSTORE_TYPE_VOLATILE;
    policy.default_lifetime_ms = 3600000;
    IS(tokenstore_type_declare(store, &policy, &type, NULL), TOKENSTORE_OK);
    tokenstore_new_token new = new_token(type, "acme");
    made spent = make(store, &new), kept = make(store, &new);
    IS(spends(store, &spent), TOKENSTORE_OK);
    tokenstore_list *list;
    tokenstore_token token = {0};
    tokenstore_event event = {0};
    uint8_t buffer[1024];
    size_t needed;
    token.struct_size = sizeof token;
    event.struct_size = sizeof event;
    IS(tokenstore_list_open(store, NULL, &list, NULL), TOKENSTORE_OK);
    IS(tokenstore_list_next(list, &token, buffer, sizeof buffer, &needed, NULL), TOKENSTORE_OK);
    CHECK(memcmp(token.id, kept.id, 16) == 0);
    IS(tokenstore_list_next(list, &token, buffer, sizeof buffer, &needed, NULL), TOKENSTORE_END);
    IS(tokenstore_list_close(list), TOKENSTORE_OK);
    IS(tokenstore_event_next(store, kept.revision - 1, &event, buffer, sizeof buffer, &needed, NULL), TOKENSTORE_OK);
    CHECK(event.kind == 2 && memcmp(event.id, kept.id, 16) == 0);
    IS(tokenstore_event_next(store, event.sequence, &event, buffer, sizeof buffer, &needed, NULL), TOKENSTORE_OK);
    CHECK(event.kind == 12 && memcmp(event.id, spent.id, 16) == 0);
    IS(tokenstore_close(store, NULL), TOKENSTORE_OK);
    for (int opened = 0; opened < 2; opened++) {
        store = open_shared(path);
        IS(spends(store, &spent), TOKENSTORE_USED);
        IS(spends(store, &kept), opened == 0 ? TOKENSTORE_OK : TOKENSTORE_USED);
        IS(spends(store, &kept), TOKENSTORE_USED);
        IS(tokenstore_close(store, NULL), TOKENSTORE_OK);
    }
    CHECK(unlink(path) == 0);
}

/* ---- Workers ---- */

/* How the workers of a team open the store, and how they are told that it is there. */
static uint64_t max_events;

static tokenstore_store *open_as_told(void) {
    tokenstore_options options = shared_options();
    tokenstore_store *store;
    options.max_events = max_events;
    IS(tokenstore_open(path, &options, &store, NULL), TOKENSTORE_OK);
    return store;
}

static void waits_opens_and_obeys(int line, void *with) {
    char is_there;
    (void)with;
    hear(line, &is_there, 1);
    obey_all(open_as_told(), line);
}

/* Workers that have opened a new store, which the conductor has, too. */
static team opened_by_workers(tokenstore_store **store, uint64_t events) {
    team team = {.worker_count = 4};
    tokenstore_options options = shared_options();
    options.max_events = max_events = events;
    for (int n = 0; n < team.worker_count; n++) team.workers[n] = start(waits_opens_and_obeys, NULL);
    IS(tokenstore_create(path, &options, store, NULL), TOKENSTORE_OK);
    declare_kinds(*store);
    /* All at once: the first of them checks the file for all. */
    for (int n = 0; n < team.worker_count; n++) say(team.workers[n].line, "!", 1);
    team.own = *store;
    return team;
}

/* And whatever they did is there for who has it alone. */
static void all_is_in_the_file(uint64_t tokens) {
    tokenstore_store *store;
    IS(tokenstore_open(path, NULL, &store, NULL), TOKENSTORE_OK);
    CHECK(tokens > 0 && token_count(store) == tokens);
    IS(tokenstore_close(store, NULL), TOKENSTORE_OK);
    CHECK(unlink(path) == 0);
}

static long workers_hear_each_other(int rounds) {
    tokenstore_store *store;
    team team = opened_by_workers(&store, 0);
    long looks = play_rounds(&team, rounds);
    who_does_not_wait_hears_that_it_is_behind(store, rounds > 100 ? 20 : 1);
    an_exclusive_open_is_refused_beside(&team);
    /* They go on when the one that made the store has closed it. */
    IS(tokenstore_close(store, NULL), TOKENSTORE_OK);
    team.own = NULL;
    an_exclusive_open_is_refused_beside(&team);
    looks += play_rounds(&team, rounds);
    all_is_in_the_file(dismiss(&team));
    return looks;
}

/* A process that is further behind than the log of changes reaches has lost its way, and must not lose the truth. */
static long a_log_of_one_event_is_enough(int rounds) {
    tokenstore_store *store;
    team team = opened_by_workers(&store, 1);
    long looks = play_rounds(&team, rounds);
    uint64_t tokens = dismiss(&team);
    IS(tokenstore_close(store, NULL), TOKENSTORE_OK);
    all_is_in_the_file(tokens);
    return looks;
}

int main(int argc, char **argv) {
    if (argc < 2) return 2;
    strcpy(path, path_in(argv[1], "shared_workers.store"));
    unknown_flags_are_refused();
    the_first_size_is_exclusive();
    tickets_outlive_who_made_them();
    int is_quick = argc > 2 && strcmp(argv[2], "quick") == 0;
    long looks = workers_hear_each_other(is_quick ? change_count() : 400);
    looks += a_log_of_one_event_is_enough(is_quick ? change_count() : 200);
    printf("C shared workers: 4 workers, %ld verifies after another process's change, 0 stale, %ld checks passed\n", looks,
           checks_passed());
    return 0;
}
