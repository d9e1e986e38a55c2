#include "orders.h"
#include "pairs.h"
#include "processes.h"

#include <string.h>

static long verifies = 0;

long verifies_made(void) { return verifies; }

static tokenstore_target aimed_at(const order *order) {
    tokenstore_target target = target_of(&order->token);
    target.by = text("somebody");
    return target;
}

/* Of every three looks one is a batch, and one does not wait: it says that it is behind, or the truth. */
static void look(const tokenstore_store *store, const order *order) {
    tokenstore_query query = query_of(order->type);
    tokenstore_verdict verdict;
    tokenstore_status status = TOKENSTORE_STALE;
    if (order->project[0] != 0) {
        query.flags |= TOKENSTORE_CHECK_PROJECT;
        query.project = (const uint8_t *)order->project;
        query.project_len = strlen(order->project);
    }
    if (verifies % 3 == 1) {
        tokenstore_query at_once = query;
        at_once.flags |= TOKENSTORE_NO_WAIT;
        status = tokenstore_verify(store, order->token.value, order->token.len, &at_once, &verdict);
        CHECK(verdict.status == status && verdict.allowed == (status == TOKENSTORE_OK ? 1u : 0u));
    }
    if (status == TOKENSTORE_STALE && verifies % 3 == 2) {
        status = tokenstore_verify_many(store, order->token.value, order->token.len, NULL, 1, &query, &verdict);
        CHECK(status == (verdict.allowed == 1 ? TOKENSTORE_OK : TOKENSTORE_SOME_REFUSED));
        status = verdict.status;
    } else if (status == TOKENSTORE_STALE) {
        status = tokenstore_verify(store, order->token.value, order->token.len, &query, &verdict);
    }
    verifies++;
    IS(status, order->expected);
    CHECK(verdict.status == status && verdict.allowed == (status == TOKENSTORE_OK ? 1u : 0u));
    if (status == TOKENSTORE_UNKNOWN) return;
    CHECK(memcmp(verdict.id, order->token.id, 16) == 0 && verdict.app_word == order->app_word);
    /* What reads the file knows it, too. */
    tokenstore_token token = read_back(store, &order->token);
    int is_state = status == TOKENSTORE_REVOKED || status == TOKENSTORE_DISABLED || status == TOKENSTORE_USED;
    CHECK(token.state == status || (!is_state && token.state == TOKENSTORE_OK));
    CHECK(token.app_word == order->app_word && is_text(token.owner, order->owner));
}

static tokenstore_status create(const tokenstore_store *store, const order *order, reply *reply) {
    tokenstore_new_token token = new_token(order->type, order->owner);
    tokenstore_created created;
    tokenstore_bytes projects[2] = {text(order->project), text("B-2")};
    token.name = text(order->name);
    token.app_word = order->app_word;
    token.projects = projects;
    token.project_count = order->project[0] != 0 ? 2 : 0;
    made *made = &reply->token;
    tokenstore_status status =
        order->act == CREATE
            ? tokenstore_token_create(store, &token, made->value, sizeof made->value, &made->len, &created, NULL)
            : tokenstore_token_create_if_absent(store, &token, made->value, sizeof made->value, &made->len, &created,
                                                NULL);
    memcpy(made->id, created.id, 16);
    made->revision = created.revision;
    reply->outcome = created.outcome;
    return status;
}

static tokenstore_status rotate(const tokenstore_store *store, const order *order, reply *reply) {
    tokenstore_target target = aimed_at(order);
    tokenstore_created created;
    made *made = &reply->token;
    tokenstore_status status =
        tokenstore_token_rotate(store, &target, 0, made->value, sizeof made->value, &made->len, &created, NULL);
    memcpy(made->id, created.id, 16);
    made->revision = created.revision;
    return status;
}

static tokenstore_status consume(const tokenstore_store *store, const order *order, reply *reply) {
    tokenstore_query query = query_of(order->type);
    tokenstore_verdict verdict;
    tokenstore_status status = tokenstore_consume(store, order->token.value, order->token.len, &query, &verdict, NULL,
                                                  0, NULL, &reply->uses_left, NULL);
    CHECK(verdict.status == status && memcmp(verdict.id, order->token.id, 16) == 0);
    return status;
}

static void tell_pair(const place *place, reply *reply) {
    reply->token = access_of(place);
    reply->refresh = refresh_of(place);
    memcpy(reply->family, place->pair.family, 16);
    reply->outcome = place->pair.outcome;
}

static tokenstore_status issue_pair(const tokenstore_store *store, const order *order, reply *reply) {
    static place place;
    tokenstore_new_pair new = new_pair(order->type, order->refresh_type);
    new.owner = text(order->owner);
    new.app_word = order->app_word;
    issue(store, &new, NULL, &place, 64, TOKENSTORE_OK);
    tell_pair(&place, reply);
    return TOKENSTORE_OK;
}

static tokenstore_status refresh_pair(const tokenstore_store *store, const order *order, reply *reply) {
    static place place;
    refresh_with(store, order->token.value, order->token.len, NULL, &place, 64, order->expected);
    if (order->expected == TOKENSTORE_OK) tell_pair(&place, reply);
    return order->expected;
}

static tokenstore_status edit(const tokenstore_store *store, const order *order) {
    tokenstore_target target = aimed_at(order);
    tokenstore_edit edit = {0};
    edit.struct_size = sizeof edit;
    edit.fields = TOKENSTORE_EDIT_APP_WORD;
    edit.app_word = order->app_word;
    return tokenstore_token_edit(store, &target, &edit, NULL, NULL);
}

static tokenstore_status remove_project(const tokenstore_store *store, const order *order) {
    uint64_t removed = 0;
    tokenstore_status status = tokenstore_project_remove(store, (const uint8_t *)order->project, strlen(order->project),
                                                         NULL, 0, NULL, 0, &removed, NULL);
    CHECK(removed == 1);
    return status;
}

static tokenstore_status find(const tokenstore_store *store, const order *order, reply *reply) {
    return tokenstore_type_find(store, (const uint8_t *)order->name, strlen(order->name), &reply->type, NULL);
}

/* A change to one token. */
static tokenstore_status change(const tokenstore_store *store, const order *order) {
    const uint8_t *project = (const uint8_t *)order->project;
    size_t len = strlen(order->project);
    tokenstore_target target = aimed_at(order);
    tokenstore_change change = {0};
    tokenstore_status status = TOKENSTORE_PANIC;
    switch (order->act) {
    case REVOKE: status = tokenstore_token_revoke(store, &target, &change, NULL); break;
    case DISABLE: status = tokenstore_token_disable(store, &target, &change, NULL); break;
    case ENABLE: status = tokenstore_token_enable(store, &target, &change, NULL); break;
    case GRANT: status = tokenstore_token_grant(store, &target, project, len, &change, NULL); break;
    case UNGRANT: status = tokenstore_token_ungrant(store, &target, project, len, &change, NULL); break;
    case GRANT_ALL: status = tokenstore_token_grant_all(store, &target, &change, NULL); break;
    case REVOKE_GRANTS: status = tokenstore_token_revoke_grants(store, &target, &change, NULL); break;
    case DELETE: status = tokenstore_token_delete(store, &target, &change, NULL); break;
    case REVOKE_FAMILY: status = tokenstore_family_revoke(store, &target, &change, NULL); break;
    case REVOKE_OWNER:
        status = tokenstore_owner_revoke(store, (const uint8_t *)order->owner, strlen(order->owner), 0, NULL, 0, NULL,
                                         0, &change, NULL);
        break;
    case REVOKE_VALUE:
        status = tokenstore_value_revoke(store, order->token.value, order->token.len, NULL, 0, NULL, 0, &change, NULL);
        break;
    default: CHECK(0 && "an act that is none");
    }
    CHECK(status != TOKENSTORE_OK || change.changed == 1);
    return status;
}

reply obey(const tokenstore_store *store, const order *order) {
    reply reply;
    memset(&reply, 0, sizeof reply);
    switch (order->act) {
    case LOOK:
        look(store, order);
        reply.status = order->expected;
        return reply;
    case CREATE:
    case CREATE_IF_ABSENT: reply.status = create(store, order, &reply); break;
    case EDIT: reply.status = edit(store, order); break;
    case ROTATE: reply.status = rotate(store, order, &reply); break;
    case CONSUME: reply.status = consume(store, order, &reply); return reply;
    case ISSUE: reply.status = issue_pair(store, order, &reply); break;
    case REFRESH: reply.status = refresh_pair(store, order, &reply); break;
    case REMOVE_PROJECT: reply.status = remove_project(store, order); break;
    case DECLARE:
        reply.type = declare(store, order->name, order->name, 0);
        return reply;
    case FIND: reply.status = find(store, order, &reply); break;
    default: reply.status = change(store, order);
    }
    IS(reply.status, order->expected);
    return reply;
}

void obey_all(tokenstore_store *store, int line) {
    for (;;) {
        order order;
        hear(line, &order, sizeof order);
        reply reply;
        memset(&reply, 0, sizeof reply);
        if (order.act == LEAVE) {
            reply.tokens = token_count(store);
            IS(tokenstore_close(store, NULL), TOKENSTORE_OK);
        } else {
            reply = obey(store, &order);
        }
        say(line, &reply, sizeof reply);
        if (order.act == LEAVE) return;
    }
}
