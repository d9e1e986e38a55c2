/* What hangs on a token, and the end of many tokens at once. */
#include "calls.h"

#include <stdio.h>
#include <string.h>

void children(void) {
    tokenstore_clock *clock = noon();
    tokenstore_store *store = in_memory(clock);
    tokenstore_new_token token = new_token(declare(store, "server", "srv", 0), "acme");
    token.flags = TOKENSTORE_EXPIRES_IN;
    token.expires_ms = 5000;
    made chain[6];
    tokenstore_created created;
    chain[0] = make(store, &token);
    CHECK(holds_only(read_back(store, &chain[0]).parent, 16, 0));

    /* It expires no later, and a chain is four deep. */
    token.flags = 0;
    token.expires_ms = 0;
    for (int n = 1; n <= 5; n++) {
        memcpy(token.parent, chain[n - 1].id, 16);
        if (n == 5) {
            IS(tokenstore_token_create(store, &token, chain[5].value, sizeof chain[5].value, &chain[5].len, &created,
                                       NULL),
               TOKENSTORE_LIMIT_REACHED);
            continue;
        }
        chain[n] = make(store, &token);
        tokenstore_token read = read_back(store, &chain[n]);
        CHECK(memcmp(read.parent, chain[n - 1].id, 16) == 0 && read.expires_ms == NOON_MS + 5000);
        CHECK(holds_only(read.family, 16, 0));
    }

    /* It dies when that one is revoked, or deleted, whose end is not its own. */
    tokenstore_target target = target_of(&chain[3]);
    IS(tokenstore_token_delete(store, &target, NULL, NULL), TOKENSTORE_OK);
    verdict_of(store, &chain[4], TOKENSTORE_REVOKED);
    verdict_of(store, &chain[2], TOKENSTORE_OK);
    target = target_of(&chain[0]);
    IS(tokenstore_token_revoke(store, &target, NULL, NULL), TOKENSTORE_OK);
    for (int n = 0; n < 3; n++) verdict_of(store, &chain[n], TOKENSTORE_REVOKED);
    tokenstore_token read = read_back(store, &chain[1]);
    CHECK(read.state == TOKENSTORE_REVOKED && read.revoked_ms == TOKENSTORE_NEVER && read.reason.len == 0);
    CHECK(read_back(store, &chain[0]).revoked_ms == NOON_MS);
    IS(tokenstore_token_create(store, &token, chain[5].value, sizeof chain[5].value, &chain[5].len, &created, NULL),
       TOKENSTORE_REVOKED);
    memset(token.parent, 9, 16);
    IS(tokenstore_token_create(store, &token, chain[5].value, sizeof chain[5].value, &chain[5].len, &created, NULL),
       TOKENSTORE_NOT_FOUND);
    IS(tokenstore_close(store, NULL), TOKENSTORE_OK);
    IS(tokenstore_clock_close(clock), TOKENSTORE_OK);
}

static tokenstore_status end_owner(const tokenstore_store *store, const char *owner, uint32_t type,
                                   tokenstore_change *change) {
    tokenstore_bytes whose = text(owner), by = text("admin"), reason = text("left");
    memset(change, 0x55, sizeof *change);
    tokenstore_status status = tokenstore_owner_revoke(store, whose.data, whose.len, type, by.data, by.len,
                                                       reason.data, reason.len, change, NULL);
    if (status != TOKENSTORE_OK) CHECK(holds_only(change, sizeof *change, 0));
    return status;
}

void ending_many(const char *folder) {
    enum { MANY = 200 };
    char path[4096];
    tokenstore_clock *clock = noon();
    tokenstore_options options = {0};
    tokenstore_store *store;
    strcpy(path, path_in(folder, "ended.store"));
    options.struct_size = sizeof options;
    options.clock = clock;
    IS(tokenstore_create(path, &options, &store, NULL), TOKENSTORE_OK);
    uint32_t server = declare(store, "server", "srv", 0), device = declare(store, "device", "dev", 0);
    tokenstore_new_token token = new_token(server, "acme");
    made first, of_device, of_zeta;
    for (int n = 0; n < MANY; n++) first = make(store, &token);
    token.type = device;
    of_device = make(store, &token);
    token.owner = text("zeta");
    of_zeta = make(store, &token);

    /* All of a type, by one change. */
    tokenstore_stats stats = {0};
    stats.struct_size = sizeof stats;
    IS(tokenstore_get_stats(store, &stats, NULL), TOKENSTORE_OK);
    tokenstore_change change;
    IS(end_owner(store, "acme", 9, &change), TOKENSTORE_NOT_FOUND);
    IS(end_owner(store, "", server, &change), TOKENSTORE_INVALID_ARGUMENT);
    IS(end_owner(store, "acme", server, &change), TOKENSTORE_OK);
    CHECK(change.changed == 1 && change.revision == stats.sequence + 1 && change.reserved == 0);
    verdict_of(store, &first, TOKENSTORE_REVOKED);
    verdict_of(store, &of_device, TOKENSTORE_OK);
    tokenstore_store *copy = open_copy(path, folder, &options);
    verdict_of(copy, &first, TOKENSTORE_REVOKED);
    verdict_of(copy, &of_device, TOKENSTORE_OK);
    IS(tokenstore_close(copy, NULL), TOKENSTORE_OK);

    /* All of them. What is made afterwards is good. */
    IS(tokenstore_owner_revoke(store, (const uint8_t *)"acme", 4, 0, NULL, 0, NULL, 0, NULL, NULL), TOKENSTORE_OK);
    verdict_of(store, &of_device, TOKENSTORE_REVOKED);
    verdict_of(store, &of_zeta, TOKENSTORE_OK);
    token.owner = text("acme");
    made later = make(store, &token);
    verdict_of(store, &later, TOKENSTORE_OK);

    /* The event says whose, of which type, who and why. */
    tokenstore_event event = {0};
    uint8_t buffer[776];
    size_t needed;
    event.struct_size = sizeof event;
    IS(tokenstore_event_next(store, stats.sequence, &event, buffer, sizeof buffer, &needed, NULL), TOKENSTORE_OK);
    CHECK(event.kind == 19 && event.type == server && holds_only(event.id, 16, 0) && is_text(event.owner, "acme"));
    CHECK(is_text(event.by, "admin") && is_text(event.reason, "left") && event.count == 0 && event.age_ms == 0);
    IS(tokenstore_event_next(store, event.sequence, &event, buffer, sizeof buffer, &needed, NULL), TOKENSTORE_OK);
    CHECK(event.kind == 19 && event.type == 0 && event.by.len == 0 && event.reason.len == 0);
    /* The longest event has room in 776 bytes. */
    char longest[255];
    const uint8_t *long_text = memset(longest, 'n', sizeof longest);
    IS(tokenstore_owner_revoke(store, long_text, 255, 0, long_text, 255, long_text, 255, &change, NULL), TOKENSTORE_OK);
    IS(tokenstore_event_next(store, change.revision - 1, &event, buffer, sizeof buffer, &needed, NULL), TOKENSTORE_OK);
    CHECK(needed <= sizeof buffer && event.owner.len == 255 && event.by.len == 255 && event.reason.len == 255);

    /* Only what is dead since before the time, at most so many, and no refusal becomes anything better. */
    uint64_t removed = 77, before = token_count(store);
    IS(tokenstore_prune(store, NOON_MS, 1000, &removed, NULL), TOKENSTORE_OK);
    CHECK(removed == 0 && token_count(store) == before);
    IS(tokenstore_clock_advance(clock, 1), TOKENSTORE_OK);
    IS(tokenstore_prune(store, NOON_MS + 1, 0, &removed, NULL), TOKENSTORE_INVALID_ARGUMENT);
    IS(tokenstore_prune(store, NOON_MS + 1, 1, NULL, NULL), TOKENSTORE_INVALID_ARGUMENT);
    IS(tokenstore_prune(store, NOON_MS + 1, MANY, &removed, NULL), TOKENSTORE_OK);
    CHECK(removed == MANY && token_count(store) == before - MANY);
    IS(tokenstore_prune(store, NOON_MS + 1, UINT64_MAX, &removed, NULL), TOKENSTORE_OK);
    CHECK(removed == 1 && token_count(store) == before - MANY - 1);
    verdict_of(store, &first, TOKENSTORE_UNKNOWN);
    verdict_of(store, &of_zeta, TOKENSTORE_OK);
    verdict_of(store, &later, TOKENSTORE_OK);
    IS(tokenstore_event_next(store, change.revision + 1, &event, buffer, sizeof buffer, &needed, NULL), TOKENSTORE_OK);
    CHECK(event.kind == 20 && event.count == 1 && event.type == 0 && holds_only(event.id, 16, 0));

    /* A parent that is not revoked stays while anything hangs on it. */
    token.flags = TOKENSTORE_EXPIRES_IN;
    token.expires_ms = 9000;
    made parent = make(store, &token);
    memcpy(token.parent, parent.id, 16);
    made child = make(store, &token);
    tokenstore_target target = target_of(&child), of_parent = target_of(&parent);
    IS(tokenstore_token_edit(store, &of_parent,
                             &(tokenstore_edit){.struct_size = sizeof(tokenstore_edit),
                                                .fields = TOKENSTORE_EDIT_EXPIRES_IN,
                                                .expires_ms = 1000},
                             NULL, NULL),
       TOKENSTORE_OK);
    IS(tokenstore_clock_advance(clock, 2000), TOKENSTORE_OK);
    verdict_of(store, &parent, TOKENSTORE_EXPIRED);
    verdict_of(store, &child, TOKENSTORE_OK);
    IS(tokenstore_prune(store, NOON_MS + 2001, 10, &removed, NULL), TOKENSTORE_OK);
    CHECK(removed == 0);
    verdict_of(store, &parent, TOKENSTORE_EXPIRED);
    IS(tokenstore_token_delete(store, &target, NULL, NULL), TOKENSTORE_OK);
    IS(tokenstore_prune(store, NOON_MS + 2001, 10, &removed, NULL), TOKENSTORE_OK);
    CHECK(removed == 1);
    verdict_of(store, &parent, TOKENSTORE_UNKNOWN);
    IS(tokenstore_close(store, NULL), TOKENSTORE_OK);
    CHECK(remove(path) == 0);
    IS(tokenstore_clock_close(clock), TOKENSTORE_OK);
}
