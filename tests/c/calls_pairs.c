/* Types of families, and pairs made. */
#include "calls.h"
#include "pairs.h"

#include <stdio.h>
#include <string.h>

void families(void) {
    tokenstore_store *store = in_memory(NULL);
    tokenstore_policy policy, read = {0};
    uint32_t type = 77;
    uint8_t buffer[280];
    size_t needed;
    read.struct_size = sizeof read;
    /* A grace that is not given is 30 seconds, and one that there is not reads so. */
    static const struct {
        const char *name;
        uint64_t given, is;
    } graces[] = {
        {"a", 0, 30000}, {"b", 1, 1}, {"c", 86400000, 86400000}, {"d", TOKENSTORE_NO_GRACE, TOKENSTORE_NO_GRACE}};
    for (size_t n = 0; n < sizeof graces / sizeof *graces; n++) {
        policy = family_policy(graces[n].name, (uint32_t)n % 3, graces[n].given);
        type = declare_families(store, &policy);
        CHECK(declare_families(store, &policy) == type);
        IS(tokenstore_type_get(store, type, &read, buffer, sizeof buffer, &needed, NULL), TOKENSTORE_OK);
        CHECK(read.grace_ms == graces[n].is && read.old_access == n % 3 && read.flags == policy.flags);
        CHECK(read.access_lifetime_ms == 60000 && read.refresh_lifetime_ms == 600000);
        CHECK(read.family_lifetime_ms == 900000 && read.uses == 0 && read.default_lifetime_ms == 0);
    }
    /* Another policy is a conflict in each of its members. */
    for (int member = 0; member < 5; member++) {
        policy = family_policy("a", TOKENSTORE_ACCESS_ENDS_NOW, 0);
        if (member == 0) policy.old_access = TOKENSTORE_ACCESS_LIVES_ON;
        if (member == 1) policy.access_lifetime_ms++;
        if (member == 2) policy.refresh_lifetime_ms++;
        if (member == 3) policy.family_lifetime_ms++;
        if (member == 4) policy.grace_ms = 30001;
        IS(tokenstore_type_declare(store, &policy, &type, NULL), TOKENSTORE_TYPE_CONFLICT);
    }
    policy = family_policy("e", 3, 0);
    IS(tokenstore_type_declare(store, &policy, &type, NULL), TOKENSTORE_INVALID_ARGUMENT);
    policy = family_policy("e", 0, 86400001);
    IS(tokenstore_type_declare(store, &policy, &type, NULL), TOKENSTORE_INVALID_ARGUMENT);
    for (int member = 0; member < 3; member++) {
        policy = family_policy("e", 0, 0);
        *(member == 0 ? &policy.access_lifetime_ms
                      : member == 1 ? &policy.refresh_lifetime_ms : &policy.family_lifetime_ms) = 0;
        IS(tokenstore_type_declare(store, &policy, &type, NULL), TOKENSTORE_INVALID_ARGUMENT);
    }
    /* Without the flag none of them may be said. */
    for (int member = 0; member < 5; member++) {
        policy = family_policy("e", member == 0 ? TOKENSTORE_ACCESS_LIVES_ON : 0, member == 1 ? 5 : 0);
        policy.flags = 0;
        if (member != 2) policy.access_lifetime_ms = 0;
        if (member != 3) policy.refresh_lifetime_ms = 0;
        if (member != 4) policy.family_lifetime_ms = 0;
        IS(tokenstore_type_declare(store, &policy, &type, NULL), TOKENSTORE_INVALID_ARGUMENT);
        CHECK(type == 0);
    }
    IS(tokenstore_close(store, NULL), TOKENSTORE_OK);
}

void issuing(const char *folder) {
    shop shop;
    place first, other;
    open_shop(&shop, folder, TOKENSTORE_ACCESS_ENDS_NOW, 0);
    tokenstore_store *store = shop.store;
    tokenstore_bytes project = text("A-1");
    tokenstore_new_pair new = new_pair(shop.access, shop.refresh);
    new.name = text("Laptop");
    new.projects = &project;
    new.project_count = 1;
    new.app_data = text("data");
    new.app_word = 7;
    new.by = text("web");
    issue(store, &new, NULL, &first, 64, TOKENSTORE_OK);
    CHECK(memcmp(first.access, "acc_", 4) == 0 && memcmp(first.refresh, "refresh_", 8) == 0);
    CHECK(first.pair.access_expires_ms == NOON_MS + 60000 && first.pair.refresh_expires_ms == NOON_MS + 600000);

    /* The access value verifies, the refresh value never does. */
    made access = access_of(&first), refresher = refresh_of(&first);
    IS(judge(store, &access, shop.access), TOKENSTORE_OK);
    IS(judge(store, &refresher, shop.refresh), TOKENSTORE_WRONG_BINDING);
    tokenstore_query query = query_of(shop.refresh);
    tokenstore_verdict verdict;
    query.flags = TOKENSTORE_CHECK_BINDING;
    query.binding = new.binding.data;
    query.binding_len = new.binding.len;
    IS(tokenstore_verify(store, refresher.value, refresher.len, &query, &verdict), TOKENSTORE_MUST_REFRESH);
    tokenstore_token read = read_back(store, &refresher);
    CHECK(read.flags == (TOKENSTORE_REFRESHES | TOKENSTORE_IS_BOUND) && read.app_word == 7);
    CHECK(is_text(read.name, "Laptop"));
    CHECK(memcmp(read.family, first.pair.family, 16) == 0 && holds_only(read.parent, 16, 0) && read.uses_left == 0);
    read = read_back(store, &access);
    CHECK(read.flags == 0 && is_text(read.app_data, "data") && is_text(read.owner, "acme"));
    CHECK(is_text(read.projects[0], "A-1") && memcmp(read.family, first.pair.family, 16) == 0);
    CHECK(read.revision == first.pair.revision && read.old_value_until_ms == TOKENSTORE_NEVER);

    /* The pair is on the disk, and the event has the family. */
    tokenstore_store *copy = open_copy(shop.path, folder, &shop.options);
    access_is(copy, &first, TOKENSTORE_OK);
    refresh(copy, &first, &other, TOKENSTORE_ROTATED, TOKENSTORE_OK);
    IS(tokenstore_close(copy, NULL), TOKENSTORE_OK);
    tokenstore_event event = {0};
    uint8_t buffer[776];
    size_t needed;
    event.struct_size = sizeof event;
    IS(tokenstore_event_next(store, first.pair.revision - 1, &event, buffer, sizeof buffer, &needed, NULL),
       TOKENSTORE_OK);
    CHECK(event.kind == 14 && event.type == 0 && memcmp(event.id, first.pair.family, 16) == 0);
    CHECK(is_text(event.by, "web"));

    /* Whoever presents the access value must show the binding, too; and it may reach all projects. */
    new.project_count = 0;
    new.projects = NULL;
    new.flags = TOKENSTORE_BIND_ACCESS | TOKENSTORE_ALL_PROJECTS;
    issue(store, &new, NULL, &other, 64, TOKENSTORE_OK);
    access_is(store, &other, TOKENSTORE_WRONG_BINDING);
    query.type = shop.access;
    IS(tokenstore_verify(store, other.access, other.pair.access_len, &query, &verdict), TOKENSTORE_OK);
    CHECK(verdict.flags == TOKENSTORE_HAS_ALL_PROJECTS);
    new.flags = 0;

    /* Types that are not declared, or no such types. */
    new.access_type = 9;
    issue(store, &new, NULL, &other, 64, TOKENSTORE_NOT_FOUND);
    new.access_type = shop.access;
    new.refresh_type = 9;
    issue(store, &new, NULL, &other, 64, TOKENSTORE_NOT_FOUND);
    new.refresh_type = shop.access;
    issue(store, &new, NULL, &other, 64, TOKENSTORE_INVALID_ARGUMENT);
    new.refresh_type = shop.refresh;
    new.binding.len = 0;
    issue(store, &new, NULL, &other, 64, TOKENSTORE_INVALID_ARGUMENT);
    new.binding = text("client-7");

    /* Values of the caller's own: one of them, or both; each needs its room. */
    tokenstore_pair_values own = {0};
    uint8_t jwt[1000];
    memset(jwt, 'j', sizeof jwt);
    own.struct_size = sizeof own;
    issue(store, &new, &own, &other, 64, TOKENSTORE_OK);
    CHECK(memcmp(other.access, "acc_", 4) == 0 && memcmp(other.refresh, "refresh_", 8) == 0);
    own.access.data = jwt;
    own.access.len = sizeof jwt;
    issue(store, &new, &own, &other, 999, TOKENSTORE_BUFFER_TOO_SMALL);
    issue(store, &new, &own, &other, 1000, TOKENSTORE_OK);
    CHECK(other.pair.access_len == 1000 && memcmp(other.access, jwt, 1000) == 0);
    CHECK(memcmp(other.refresh, "refresh_", 8) == 0);
    issue(store, &new, &own, &other, 1000, TOKENSTORE_VALUE_EXISTS);
    own.access = text("a-value-made-elsewhere");
    own.refresh = text("another-one-made-elsewhere");
    issue(store, &new, &own, &other, 63, TOKENSTORE_BUFFER_TOO_SMALL);
    issue(store, &new, &own, &other, 64, TOKENSTORE_OK);
    CHECK(other.pair.refresh_len == 26 && memcmp(other.refresh, "another-one-made-elsewhere", 26) == 0);
    own.access = text("fifteen letters");
    own.refresh.len = 0;
    issue(store, &new, &own, &other, 64, TOKENSTORE_INVALID_ARGUMENT);
    issue(store, NULL, NULL, &other, 64, TOKENSTORE_INVALID_ARGUMENT);
    IS(tokenstore_pair_issue(store, &new, NULL, NULL, NULL), TOKENSTORE_INVALID_ARGUMENT);
    close_shop(&shop);
}
