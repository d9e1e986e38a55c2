#include "truths.h"
#include "orders.h"

#include <stdio.h>
#include <string.h>

/* Who plays a round: the team, and who of it makes the change. */
typedef struct turn {
    const team *team;
    int actor, number;
} turn;

static uint32_t server, coupon, ticket, access_type, refresh_type;
static long looks = 0;

static uint32_t declare_counted(const tokenstore_store *store, const char *name, uint32_t uses, uint32_t flags) {
    tokenstore_policy policy = {0};
    uint32_t type;
    policy.struct_size = sizeof policy;
    policy.name = policy.prefix = text(name);
    policy.uses = uses;
    policy.flags = flags;
    policy.default_lifetime_ms = 3600000;
    IS(tokenstore_type_declare(store, &policy, &type, NULL), TOKENSTORE_OK);
    return type;
}

void declare_kinds(const tokenstore_store *store) {
    tokenstore_policy families = {0};
    server = declare(store, "service", "svc", 0);
    coupon = declare_counted(store, "card", 3, 0);
    ticket = declare_counted(store, "ticket", 1, TOKENSTORE_TYPE_VOLATILE);
    access_type = declare(store, "session", "ses", 0);
    families.struct_size = sizeof families;
    families.name = families.prefix = text("renewal");
    families.flags = TOKENSTORE_TYPE_FAMILIES;
    families.access_lifetime_ms = families.refresh_lifetime_ms = families.family_lifetime_ms = 3600000;
    IS(tokenstore_type_declare(store, &families, &refresh_type, NULL), TOKENSTORE_OK);
}

/* ---- Who does what ---- */

static int size_of(const team *team) { return team->worker_count + (team->own != NULL); }

static void tell(const team *team, int who, const order *order) {
    if (who < team->worker_count) say(team->workers[who].line, order, sizeof *order);
}

static reply answer(const team *team, int who, const order *order) {
    reply reply;
    if (who == team->worker_count) return obey(team->own, order);
    hear(team->workers[who].line, &reply, sizeof reply);
    return reply;
}

/* One process does it, the one so many places after the one whose turn it is. */
static reply one_does(const turn *turn, int after, const order *order) {
    int who = (turn->actor + after) % size_of(turn->team);
    tell(turn->team, who, order);
    return answer(turn->team, who, order);
}

/* All do it at once. */
static void all_do(const turn *turn, const order *order, reply *replies) {
    for (int who = 0; who < size_of(turn->team); who++) tell(turn->team, who, order);
    for (int who = size_of(turn->team) - 1; who >= 0; who--) replies[who] = answer(turn->team, who, order);
}

static void all_see(const turn *turn, const order *of, tokenstore_status expected) {
    reply replies[MOST_WORKERS + 1];
    order order = *of;
    order.act = LOOK;
    order.expected = expected;
    all_do(turn, &order, replies);
    looks += size_of(turn->team);
}

/* The process whose turn it is makes a change, which succeeds. */
static reply changes(const turn *turn, order *order, enum act act) {
    order->act = act;
    order->expected = TOKENSTORE_OK;
    return one_does(turn, 0, order);
}

/* A token that another process made, and that all accept. */
static order a_token(const turn *turn, uint32_t type, const char *project) {
    order order;
    memset(&order, 0, sizeof order);
    order.type = type;
    order.app_word = (uint64_t)turn->number;
    order.act = CREATE;
    snprintf(order.owner, sizeof order.owner, "user-%d", turn->number);
    snprintf(order.project, sizeof order.project, "%s", project);
    order.token = one_does(turn, 1, &order).token;
    all_see(turn, &order, type == coupon || type == ticket ? TOKENSTORE_MUST_CONSUME : TOKENSTORE_OK);
    return order;
}

/* ---- The changes ---- */

static void revoked(const turn *turn) {
    order order = a_token(turn, server, "");
    changes(turn, &order, REVOKE);
    all_see(turn, &order, TOKENSTORE_REVOKED);
}

static void revoked_by_value(const turn *turn) {
    order order = a_token(turn, server, "");
    changes(turn, &order, REVOKE_VALUE);
    all_see(turn, &order, TOKENSTORE_REVOKED);
}

static void switched(const turn *turn) {
    order order = a_token(turn, server, "");
    changes(turn, &order, DISABLE);
    all_see(turn, &order, TOKENSTORE_DISABLED);
    order.act = ENABLE;
    one_does(turn, 2, &order);
    all_see(turn, &order, TOKENSTORE_OK);
}

static void granted(const turn *turn) {
    order order = a_token(turn, server, "A-1");
    changes(turn, &order, UNGRANT);
    all_see(turn, &order, TOKENSTORE_NO_GRANT);
    order.act = GRANT;
    one_does(turn, 2, &order);
    all_see(turn, &order, TOKENSTORE_OK);
    changes(turn, &order, REVOKE_GRANTS);
    all_see(turn, &order, TOKENSTORE_NO_GRANT);
    changes(turn, &order, GRANT_ALL);
    all_see(turn, &order, TOKENSTORE_OK);
}

static void taken_from_all(const turn *turn) {
    char project[16];
    snprintf(project, sizeof project, "P-%d", turn->number);
    order order = a_token(turn, server, project);
    changes(turn, &order, REMOVE_PROJECT);
    all_see(turn, &order, TOKENSTORE_NO_GRANT);
}

static void edited(const turn *turn) {
    order order = a_token(turn, server, "");
    order.app_word = 1000000 + (uint64_t)turn->number;
    changes(turn, &order, EDIT);
    all_see(turn, &order, TOKENSTORE_OK);
}

static void rotated(const turn *turn) {
    order old = a_token(turn, server, ""), new = old;
    new.token = changes(turn, &old, ROTATE).token;
    all_see(turn, &old, TOKENSTORE_SUPERSEDED);
    all_see(turn, &new, TOKENSTORE_OK);
}

static void deleted(const turn *turn) {
    order order = a_token(turn, server, "");
    changes(turn, &order, DELETE);
    all_see(turn, &order, TOKENSTORE_UNKNOWN);
}

static void owner_revoked(const turn *turn) {
    order one = a_token(turn, server, ""), other = one, stranger = one;
    other.act = CREATE;
    stranger.act = CREATE;
    snprintf(stranger.owner, sizeof stranger.owner, "another-%d", turn->number);
    other.token = one_does(turn, 2, &other).token;
    stranger.token = one_does(turn, 3, &stranger).token;
    all_see(turn, &other, TOKENSTORE_OK);
    changes(turn, &one, REVOKE_OWNER);
    all_see(turn, &one, TOKENSTORE_REVOKED);
    all_see(turn, &other, TOKENSTORE_REVOKED);
    all_see(turn, &stranger, TOKENSTORE_OK);
    /* What is made afterwards is good. */
    other.act = CREATE;
    other.token = one_does(turn, 1, &other).token;
    all_see(turn, &other, TOKENSTORE_OK);
}

/* Of all processes that spend a use at once exactly one wins it. */
static void consumed(const turn *turn, uint32_t type, int uses) {
    order order = a_token(turn, type, "");
    reply replies[MOST_WORKERS + 1];
    int told[4] = {0}, used = 0, size = size_of(turn->team);
    order.act = CONSUME;
    CHECK(size > uses);
    all_do(turn, &order, replies);
    for (int who = 0; who < size; who++) {
        if (replies[who].status == TOKENSTORE_OK) {
            CHECK(replies[who].uses_left < (uint32_t)uses);
            told[replies[who].uses_left]++;
        } else {
            IS(replies[who].status, TOKENSTORE_USED);
            used++;
        }
    }
    for (int left = 0; left < uses; left++) CHECK(told[left] == 1);
    CHECK(used == size - uses);
    all_see(turn, &order, TOKENSTORE_USED);
}

static void coupon_consumed(const turn *turn) { consumed(turn, coupon, 3); }
static void ticket_consumed(const turn *turn) { consumed(turn, ticket, 1); }

/* Of all that refresh at once exactly one gets a new pair, and the others get the same. */
static void family_used(const turn *turn) {
    order order = {0};
    reply replies[MOST_WORKERS + 1], first;
    int rotations = 0, size = size_of(turn->team);
    order.type = access_type;
    order.refresh_type = refresh_type;
    order.app_word = (uint64_t)turn->number;
    order.act = ISSUE;
    snprintf(order.owner, sizeof order.owner, "user-%d", turn->number);
    first = one_does(turn, 1, &order);
    order.token = first.token;
    all_see(turn, &order, TOKENSTORE_OK);
    order.act = REFRESH;
    order.token = first.refresh;
    all_do(turn, &order, replies);
    for (int who = 0; who < size; who++) {
        CHECK(replies[who].outcome == TOKENSTORE_ROTATED || replies[who].outcome == TOKENSTORE_REPLAYED);
        CHECK(memcmp(&replies[who].token, &replies[0].token, sizeof(made)) == 0);
        CHECK(memcmp(&replies[who].refresh, &replies[0].refresh, sizeof(made)) == 0);
        rotations += replies[who].outcome == TOKENSTORE_ROTATED;
    }
    CHECK(rotations == 1);
    order.token = first.token;
    all_see(turn, &order, TOKENSTORE_SUPERSEDED);
    order.token = replies[0].token;
    all_see(turn, &order, TOKENSTORE_OK);
    memcpy(order.token.id, first.family, 16);
    changes(turn, &order, REVOKE_FAMILY);
    order.token = replies[0].token;
    all_see(turn, &order, TOKENSTORE_REVOKED);
    order.act = REFRESH;
    order.token = replies[0].refresh;
    order.expected = TOKENSTORE_REVOKED;
    all_do(turn, &order, replies);
}

/* A name is one token's, whoever asks for it at once. */
static void named(const turn *turn) {
    order order = {0};
    reply replies[MOST_WORKERS + 1];
    int creations = 0, size = size_of(turn->team);
    order.type = server;
    order.act = CREATE_IF_ABSENT;
    order.app_word = (uint64_t)turn->number;
    snprintf(order.owner, sizeof order.owner, "user-%d", turn->number);
    snprintf(order.name, sizeof order.name, "deploy");
    all_do(turn, &order, replies);
    for (int who = 0; who < size; who++) {
        CHECK(memcmp(replies[who].token.id, replies[0].token.id, 16) == 0);
        if (replies[who].outcome == TOKENSTORE_EXISTING) continue;
        CHECK(replies[who].outcome == TOKENSTORE_CREATED);
        creations++;
        order.token = replies[who].token;
    }
    CHECK(creations == 1);
    all_see(turn, &order, TOKENSTORE_OK);
    order.act = CREATE;
    order.expected = TOKENSTORE_NAME_TAKEN;
    one_does(turn, 2, &order);
    order.expected = TOKENSTORE_OK;
}

/* A type that one process declares is known to all. */
static void declared(const turn *turn) {
    order order = {0};
    reply replies[MOST_WORKERS + 1];
    order.act = DECLARE;
    snprintf(order.name, sizeof order.name, "type_%d", turn->number);
    uint32_t type = one_does(turn, 0, &order).type;
    order.act = FIND;
    all_do(turn, &order, replies);
    for (int who = 0; who < size_of(turn->team); who++) CHECK(replies[who].type == type);
    a_token(turn, type, "");
}

static void (*const CHANGES[])(const turn *) = {
    revoked, revoked_by_value, switched,        granted,         taken_from_all, edited, rotated,
    deleted, owner_revoked,    coupon_consumed, ticket_consumed, family_used,    named,  declared,
};

int change_count(void) { return (int)(sizeof CHANGES / sizeof *CHANGES); }

long play_rounds(const team *team, int rounds) {
    static int number = 0;
    long before = looks;
    turn turn = {team, 0, 0};
    for (int n = 0; n < rounds; n++) {
        turn.number = number++;
        turn.actor = (n % change_count() + n / change_count()) % size_of(team);
        CHANGES[n % change_count()](&turn);
    }
    return looks - before;
}

uint64_t dismiss(team *team) {
    order leave = {0};
    reply reply;
    uint64_t tokens = 0;
    leave.act = LEAVE;
    for (int who = 0; who < team->worker_count; who++) {
        say(team->workers[who].line, &leave, sizeof leave);
        hear(team->workers[who].line, &reply, sizeof reply);
        CHECK(who == 0 || reply.tokens == tokens);
        tokens = reply.tokens;
        ends_well(&team->workers[who]);
    }
    team->worker_count = 0;
    return tokens;
}
