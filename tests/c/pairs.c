#include "pairs.h"

#include <stdio.h>
#include <string.h>

void clear(place *place, size_t room) {
    memset(place, 0x55, sizeof *place);
    place->pair.struct_size = sizeof place->pair;
    place->pair.access = place->access;
    place->pair.access_capacity = room;
    place->pair.refresh = place->refresh;
    place->pair.refresh_capacity = room;
}

void check_left(const place *place, size_t room, tokenstore_status status, const tokenstore_error *error) {
    const size_t head = offsetof(tokenstore_pair, access_len);
    CHECK(place->pair.struct_size == sizeof place->pair && place->pair.access == place->access);
    CHECK(place->pair.access_capacity == room && place->pair.refresh_capacity == room && place->pair.reserved == 0);
    CHECK(place->pair.refresh == place->refresh);
    if (status == TOKENSTORE_OK) {
        CHECK(place->pair.access_len > 0 && place->pair.refresh_len > 0 && place->pair.revision > 0);
        CHECK(holds_only(error, sizeof *error, 0x55));
        return;
    }
    CHECK(error->status == status && error->message[0] != 0);
    CHECK(holds_only(place->access, room, 0) && holds_only(place->refresh, room, 0));
    if (status == TOKENSTORE_BUFFER_TOO_SMALL) return;
    CHECK(holds_only((const char *)&place->pair + head, sizeof place->pair - head, 0));
}

void issue(const tokenstore_store *store, const tokenstore_new_pair *new, const tokenstore_pair_values *values,
                  place *place, size_t room, tokenstore_status expected) {
    tokenstore_error error;
    clear(place, room);
    memset(&error, 0x55, sizeof error);
    IS(tokenstore_pair_issue(store, new, values, &place->pair, &error), expected);
    check_left(place, room, expected, &error);
    if (expected == TOKENSTORE_OK) CHECK(place->pair.outcome == TOKENSTORE_ISSUED);
}

void refresh_with(const tokenstore_store *store, const uint8_t *value, size_t len,
                         const tokenstore_pair_values *values, place *next, size_t room, tokenstore_status expected) {
    tokenstore_error error;
    tokenstore_bytes client = text("client-7");
    clear(next, room);
    memset(&error, 0x55, sizeof error);
    IS(tokenstore_pair_refresh(store, value, len, client.data, client.len, values, NULL, 0, &next->pair, &error),
       expected);
    check_left(next, room, expected, &error);
}

void refresh(const tokenstore_store *store, const place *used, place *next, uint32_t outcome,
                    tokenstore_status expected) {
    refresh_with(store, used->refresh, used->pair.refresh_len, NULL, next, 64, expected);
    if (expected == TOKENSTORE_OK) CHECK(next->pair.outcome == outcome);
}

int is_same_pair(const place *one, const place *other) {
    return one->pair.access_len == other->pair.access_len && one->pair.refresh_len == other->pair.refresh_len &&
           memcmp(one->access, other->access, one->pair.access_len) == 0 &&
           memcmp(one->refresh, other->refresh, one->pair.refresh_len) == 0 &&
           memcmp(one->pair.access_id, other->pair.access_id, 16) == 0 &&
           memcmp(one->pair.refresh_id, other->pair.refresh_id, 16) == 0 &&
           memcmp(one->pair.family, other->pair.family, 16) == 0 && one->pair.revision == other->pair.revision &&
           one->pair.access_expires_ms == other->pair.access_expires_ms &&
           one->pair.refresh_expires_ms == other->pair.refresh_expires_ms;
}

made access_of(const place *place) {
    made made = {{0}, place->pair.access_len, {0}, place->pair.revision};
    CHECK(made.len <= sizeof made.value);
    memcpy(made.value, place->access, made.len);
    memcpy(made.id, place->pair.access_id, 16);
    return made;
}

made refresh_of(const place *place) {
    made made = {{0}, place->pair.refresh_len, {0}, place->pair.revision};
    CHECK(made.len <= sizeof made.value);
    memcpy(made.value, place->refresh, made.len);
    memcpy(made.id, place->pair.refresh_id, 16);
    return made;
}

void access_is(const tokenstore_store *store, const place *place, tokenstore_status expected) {
    made made = access_of(place);
    IS(judge(store, &made, 0), expected);
}

tokenstore_policy family_policy(const char *name, uint32_t old_access, uint64_t grace_ms) {
    tokenstore_policy policy = {0};
    policy.struct_size = sizeof policy;
    policy.name = policy.prefix = text(name);
    policy.flags = TOKENSTORE_TYPE_FAMILIES | TOKENSTORE_TYPE_EXTERNAL;
    policy.old_access = old_access;
    policy.access_lifetime_ms = 60000;
    policy.refresh_lifetime_ms = 600000;
    policy.family_lifetime_ms = 900000;
    policy.grace_ms = grace_ms;
    return policy;
}

uint32_t declare_families(const tokenstore_store *store, const tokenstore_policy *policy) {
    uint32_t type = 0;
    IS(tokenstore_type_declare(store, policy, &type, NULL), TOKENSTORE_OK);
    return type;
}

tokenstore_new_pair new_pair(uint32_t access, uint32_t refresh) {
    tokenstore_new_pair new = {0};
    new.struct_size = sizeof new;
    new.access_type = access;
    new.refresh_type = refresh;
    new.owner = text("acme");
    new.binding = text("client-7");
    return new;
}

void open_shop(shop *shop, const char *folder, uint32_t old_access, uint64_t grace_ms) {
    memset(shop, 0, sizeof *shop);
    strcpy(shop->path, path_in(folder, "families.store"));
    shop->clock = noon();
    shop->options.struct_size = sizeof shop->options;
    shop->options.clock = shop->clock;
    IS(tokenstore_create(shop->path, &shop->options, &shop->store, NULL), TOKENSTORE_OK);
    shop->access = declare(shop->store, "access", "acc", TOKENSTORE_TYPE_EXTERNAL);
    tokenstore_policy policy = family_policy("refresh", old_access, grace_ms);
    shop->refresh = declare_families(shop->store, &policy);
}

void close_shop(shop *shop) {
    IS(tokenstore_close(shop->store, NULL), TOKENSTORE_OK);
    IS(tokenstore_clock_close(shop->clock), TOKENSTORE_OK);
    CHECK(remove(shop->path) == 0);
}
