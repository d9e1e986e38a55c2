/* Refreshes, and the end of a family. */
#include "calls.h"
#include "pairs.h"

#include <stdio.h>
#include <string.h>

void refreshing(const char *folder) {
    shop shop;
    place first, second, third, other;
    open_shop(&shop, folder, TOKENSTORE_ACCESS_ENDS_NOW, 5000);
    tokenstore_store *store = shop.store;
    tokenstore_new_pair new = new_pair(shop.access, shop.refresh);
    issue(store, &new, NULL, &first, 64, TOKENSTORE_OK);

    /* One is rotated, and the others get the same pair, also after a crash. */
    IS(tokenstore_clock_advance(shop.clock, 1000), TOKENSTORE_OK);
    refresh(store, &first, &second, TOKENSTORE_ROTATED, TOKENSTORE_OK);
    CHECK(second.pair.access_expires_ms == NOON_MS + 61000 && second.pair.refresh_expires_ms == NOON_MS + 601000);
    CHECK(memcmp(second.pair.family, first.pair.family, 16) == 0 && second.pair.revision > first.pair.revision);
    access_is(store, &first, TOKENSTORE_SUPERSEDED);
    access_is(store, &second, TOKENSTORE_OK);
    for (int again = 0; again < 3; again++) {
        refresh(store, &first, &other, TOKENSTORE_REPLAYED, TOKENSTORE_OK);
        CHECK(is_same_pair(&second, &other));
    }
    tokenstore_store *copy = open_copy(shop.path, folder, &shop.options);
    refresh(copy, &first, &other, TOKENSTORE_REPLAYED, TOKENSTORE_OK);
    CHECK(is_same_pair(&second, &other));
    IS(tokenstore_close(copy, NULL), TOKENSTORE_OK);

    /* What is refused changes nothing. */
    tokenstore_stats stats = {0};
    stats.struct_size = sizeof stats;
    IS(tokenstore_get_stats(store, &stats, NULL), TOKENSTORE_OK);
    uint64_t sequence = stats.sequence;
    made access = access_of(&second);
    refresh_with(store, (const uint8_t *)"srv_x", 0, NULL, &other, 64, TOKENSTORE_MALFORMED);
    refresh_with(store, (const uint8_t *)"a-value-that-nobody-has", 23, NULL, &other, 64, TOKENSTORE_UNKNOWN);
    refresh_with(store, access.value, access.len, NULL, &other, 64, TOKENSTORE_WRONG_TYPE);
    tokenstore_error error;
    clear(&other, 64);
    IS(tokenstore_pair_refresh(store, second.refresh, second.pair.refresh_len, (const uint8_t *)"client-8", 8, NULL,
                               NULL, 0, &other.pair, &error),
       TOKENSTORE_WRONG_BINDING);
    check_left(&other, 64, TOKENSTORE_WRONG_BINDING, &error);
    IS(tokenstore_pair_refresh(store, second.refresh, second.pair.refresh_len, NULL, 0, NULL, NULL, 0, &other.pair,
                               NULL),
       TOKENSTORE_INVALID_ARGUMENT);
    IS(tokenstore_get_stats(store, &stats, NULL), TOKENSTORE_OK);
    CHECK(stats.sequence == sequence);

    /* The order: disabled before the binding, the family's end before that, and the value's own after it. */
    tokenstore_target target = target_of(&access);
    IS(tokenstore_token_disable(store, &target, NULL, NULL), TOKENSTORE_OK);
    refresh(store, &second, &other, 0, TOKENSTORE_DISABLED);
    IS(tokenstore_token_enable(store, &target, NULL, NULL), TOKENSTORE_OK);
    IS(tokenstore_clock_advance(shop.clock, 4999), TOKENSTORE_OK);
    refresh(store, &first, &other, TOKENSTORE_REPLAYED, TOKENSTORE_OK);

    /* Values of the caller's own for the next pair; whoever cannot hold the ones of a replay is told what they need. */
    tokenstore_pair_values own = {0};
    uint8_t jwt[1000];
    memset(jwt, 'j', sizeof jwt);
    own.struct_size = sizeof own;
    own.access.data = jwt;
    own.access.len = sizeof jwt;
    refresh_with(store, second.refresh, second.pair.refresh_len, &own, &third, 64, TOKENSTORE_BUFFER_TOO_SMALL);
    refresh_with(store, second.refresh, second.pair.refresh_len, &own, &third, 1000, TOKENSTORE_OK);
    CHECK(third.pair.outcome == TOKENSTORE_ROTATED && third.pair.access_len == 1000);
    refresh_with(store, second.refresh, second.pair.refresh_len, NULL, &other, 999, TOKENSTORE_BUFFER_TOO_SMALL);
    CHECK(other.pair.access_len == 1000 && other.pair.refresh_len == third.pair.refresh_len && other.pair.outcome == 0);
    CHECK(holds_only(other.pair.family, 16, 0) && other.pair.revision == 0);
    refresh_with(store, second.refresh, second.pair.refresh_len, NULL, &other, 1000, TOKENSTORE_OK);
    CHECK(other.pair.outcome == TOKENSTORE_REPLAYED && is_same_pair(&third, &other));

    /* Two generations back is a theft, and the family is revoked; the event says how far and how long ago. */
    IS(tokenstore_clock_advance(shop.clock, 70), TOKENSTORE_OK);
    IS(tokenstore_get_stats(store, &stats, NULL), TOKENSTORE_OK);
    tokenstore_bytes client = text("client-7"), by = text("phone");
    clear(&other, 64);
    memset(&error, 0x55, sizeof error);
    IS(tokenstore_pair_refresh(store, first.refresh, first.pair.refresh_len, client.data, client.len, NULL, by.data,
                               by.len, &other.pair, &error),
       TOKENSTORE_REUSED);
    check_left(&other, 64, TOKENSTORE_REUSED, &error);
    refresh_with(store, third.refresh, third.pair.refresh_len, NULL, &other, 64, TOKENSTORE_REVOKED);
    access_is(store, &second, TOKENSTORE_REVOKED);
    tokenstore_event event = {0};
    uint8_t buffer[776];
    size_t needed;
    event.struct_size = sizeof event;
    IS(tokenstore_event_next(store, stats.sequence, &event, buffer, sizeof buffer, &needed, NULL), TOKENSTORE_OK);
    CHECK(event.kind == 17 && memcmp(event.id, first.pair.family, 16) == 0 && is_text(event.by, "phone"));
    CHECK(event.count == 2 && event.age_ms == 70 && event.owner.len == 0 && event.type == 0);

    /* Later than the grace is a theft, too. */
    issue(store, &new, NULL, &first, 64, TOKENSTORE_OK);
    refresh(store, &first, &second, TOKENSTORE_ROTATED, TOKENSTORE_OK);
    IS(tokenstore_clock_advance(shop.clock, 5000), TOKENSTORE_OK);
    refresh(store, &first, &other, 0, TOKENSTORE_REUSED);
    copy = open_copy(shop.path, folder, &shop.options);
    access_is(copy, &second, TOKENSTORE_REVOKED);
    IS(tokenstore_close(copy, NULL), TOKENSTORE_OK);

    /* A value's own time is over, and then its family's. */
    issue(store, &new, NULL, &first, 64, TOKENSTORE_OK);
    IS(tokenstore_clock_advance(shop.clock, 600000), TOKENSTORE_OK);
    refresh(store, &first, &other, 0, TOKENSTORE_EXPIRED);
    clear(&other, 64);
    IS(tokenstore_pair_refresh(store, first.refresh, first.pair.refresh_len, (const uint8_t *)"x", 1, NULL, NULL, 0,
                               &other.pair, NULL),
       TOKENSTORE_WRONG_BINDING);
    IS(tokenstore_clock_advance(shop.clock, 300000), TOKENSTORE_OK);
    IS(tokenstore_pair_refresh(store, first.refresh, first.pair.refresh_len, (const uint8_t *)"x", 1, NULL, NULL, 0,
                               &other.pair, NULL),
       TOKENSTORE_EXPIRED);
    close_shop(&shop);
}

/* What a refresh makes of the access token before it. */
static void old_access_is(const char *folder, uint32_t old_access, tokenstore_status at_once, tokenstore_status later) {
    shop shop;
    place first, second;
    open_shop(&shop, folder, old_access, 5000);
    tokenstore_new_pair new = new_pair(shop.access, shop.refresh);
    issue(shop.store, &new, NULL, &first, 64, TOKENSTORE_OK);
    refresh(shop.store, &first, &second, TOKENSTORE_ROTATED, TOKENSTORE_OK);
    access_is(shop.store, &first, at_once);
    IS(tokenstore_clock_advance(shop.clock, 4999), TOKENSTORE_OK);
    access_is(shop.store, &first, at_once);
    IS(tokenstore_clock_advance(shop.clock, 1), TOKENSTORE_OK);
    access_is(shop.store, &first, later);
    access_is(shop.store, &second, TOKENSTORE_OK);
    close_shop(&shop);
}

void ending_families(const char *folder) {
    old_access_is(folder, TOKENSTORE_ACCESS_ENDS_NOW, TOKENSTORE_SUPERSEDED, TOKENSTORE_SUPERSEDED);
    old_access_is(folder, TOKENSTORE_ACCESS_ENDS_WITH_GRACE, TOKENSTORE_OK, TOKENSTORE_SUPERSEDED);
    old_access_is(folder, TOKENSTORE_ACCESS_LIVES_ON, TOKENSTORE_OK, TOKENSTORE_OK);

    /* A family of many, by its id, and nothing of it verifies or refreshes any more, here and on the disk. */
    enum { MANY = 20 };
    shop shop;
    static place pairs[MANY];
    place other;
    open_shop(&shop, folder, TOKENSTORE_ACCESS_LIVES_ON, TOKENSTORE_NO_GRACE);
    tokenstore_store *store = shop.store;
    tokenstore_new_pair new = new_pair(shop.access, shop.refresh);
    issue(store, &new, NULL, &pairs[0], 64, TOKENSTORE_OK);
    for (int n = 1; n < MANY; n++) {
        refresh(store, &pairs[n - 1], &pairs[n], TOKENSTORE_ROTATED, TOKENSTORE_OK);
    }
    for (int n = 0; n < MANY; n++) access_is(store, &pairs[n], TOKENSTORE_OK);
    tokenstore_target target = {0};
    tokenstore_change change;
    target.struct_size = sizeof target;
    memcpy(target.id, pairs[0].pair.access_id, 16);
    memset(&change, 0x55, sizeof change);
    IS(tokenstore_family_revoke(store, &target, &change, NULL), TOKENSTORE_NOT_FOUND);
    CHECK(holds_only(&change, sizeof change, 0));
    memcpy(target.id, pairs[0].pair.family, 16);
    target.flags = TOKENSTORE_CHECK_OWNER;
    target.owner = text("zeta");
    IS(tokenstore_family_revoke(store, &target, &change, NULL), TOKENSTORE_NOT_FOUND);
    target.owner = text("acme");
    IS(tokenstore_family_revoke(store, &target, &change, NULL), TOKENSTORE_OK);
    CHECK(change.changed == 1 && change.revision > pairs[MANY - 1].pair.revision && change.reserved == 0);
    uint64_t revision = change.revision;
    IS(tokenstore_family_revoke(store, &target, &change, NULL), TOKENSTORE_OK);
    CHECK(change.changed == 0 && change.revision == revision);
    IS(tokenstore_family_revoke(store, &target, NULL, NULL), TOKENSTORE_OK);
    tokenstore_store *copy = open_copy(shop.path, folder, &shop.options);
    for (int n = 0; n < MANY; n++) {
        access_is(store, &pairs[n], TOKENSTORE_REVOKED);
        access_is(copy, &pairs[n], TOKENSTORE_REVOKED);
        refresh(store, &pairs[n], &other, 0, TOKENSTORE_REVOKED);
        refresh(copy, &pairs[n], &other, 0, TOKENSTORE_REVOKED);
    }
    IS(tokenstore_close(copy, NULL), TOKENSTORE_OK);

    /* A refresh value gets no other value; used or expired, it stays while its family lives, and access values go. */
    issue(store, &new, NULL, &pairs[0], 64, TOKENSTORE_OK);
    refresh(store, &pairs[0], &pairs[1], TOKENSTORE_ROTATED, TOKENSTORE_OK);
    tokenstore_created created;
    uint8_t value[TOKENSTORE_VALUE_BYTES];
    uint64_t removed;
    size_t len;
    target = (tokenstore_target){0};
    target.struct_size = sizeof target;
    memcpy(target.id, pairs[1].pair.refresh_id, 16);
    IS(tokenstore_token_rotate(store, &target, 0, value, sizeof value, &len, &created, NULL),
       TOKENSTORE_INVALID_ARGUMENT);
    IS(tokenstore_clock_advance(shop.clock, 1000), TOKENSTORE_OK);
    IS(tokenstore_prune(store, NOON_MS + 1000, 10000, &removed, NULL), TOKENSTORE_OK);
    CHECK(removed >= 2 * MANY);
    refresh(store, &pairs[0], &other, 0, TOKENSTORE_REUSED);
    access_is(store, &pairs[1], TOKENSTORE_REVOKED);
    issue(store, &new, NULL, &pairs[2], 64, TOKENSTORE_OK);
    IS(tokenstore_clock_advance(shop.clock, 700000), TOKENSTORE_OK);
    IS(tokenstore_prune(store, NOON_MS + 701000, 10000, &removed, NULL), TOKENSTORE_OK);
    access_is(store, &pairs[2], TOKENSTORE_UNKNOWN);
    refresh(store, &pairs[2], &other, 0, TOKENSTORE_EXPIRED);
    close_shop(&shop);
}
