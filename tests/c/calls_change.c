/* Changing tokens, and ending them. */
#include "calls.h"

#include <stdlib.h>
#include <string.h>

typedef tokenstore_status plain_change(const tokenstore_store *, const tokenstore_target *, tokenstore_change *,
                                       tokenstore_error *);

/* Makes a change that does something, again, which does nothing, and again with nowhere to say so. */
static void twice(const tokenstore_store *store, const made *made, plain_change *run) {
    tokenstore_target target = target_of(made);
    tokenstore_change change;
    memset(&change, 7, sizeof change);
    uint64_t before = read_back(store, made).revision;
    IS(run(store, &target, &change, NULL), TOKENSTORE_OK);
    CHECK(change.changed == 1 && change.revision > before && change.reserved == 0);
    CHECK(read_back(store, made).revision == change.revision);
    before = change.revision;
    IS(run(store, &target, &change, NULL), TOKENSTORE_OK);
    CHECK(change.changed == 0 && change.revision == before);
    IS(run(store, &target, NULL, NULL), TOKENSTORE_OK);
}

static void edit_is(const tokenstore_store *store, const tokenstore_target *target, const tokenstore_edit *edit,
                    tokenstore_status expected) {
    tokenstore_change change;
    tokenstore_error error;
    memset(&change, 7, sizeof change);
    IS(tokenstore_token_edit(store, target, edit, &change, &error), expected);
    if (expected == TOKENSTORE_OK) CHECK(change.changed == 1 && change.revision > 0);
    else CHECK(holds_only(&change, sizeof change, 0) && error.status == expected && error.message[0] != 0);
}

static void grant_is(const tokenstore_store *store, const made *made, const char *project, tokenstore_status expected,
                     uint32_t changed) {
    tokenstore_target target = target_of(made);
    tokenstore_change change;
    memset(&change, 7, sizeof change);
    IS(tokenstore_token_grant(store, &target, (const uint8_t *)project, strlen(project), &change, NULL), expected);
    CHECK(change.changed == changed);
}

static void ungrant_is(const tokenstore_store *store, const made *made, const char *project, tokenstore_status expected,
                       uint32_t changed) {
    tokenstore_target target = target_of(made);
    tokenstore_change change;
    memset(&change, 7, sizeof change);
    IS(tokenstore_token_ungrant(store, &target, (const uint8_t *)project, strlen(project), &change, NULL), expected);
    CHECK(change.changed == changed);
}

void changing(void) {
    tokenstore_clock *clock = noon();
    tokenstore_store *store = in_memory(clock);
    uint32_t type = declare(store, "server", "srv", 0);
    tokenstore_new_token token = new_token(type, "acme");
    made made = make(store, &token);
    token.name = text("taken");
    make(store, &token);
    tokenstore_target target = target_of(&made);
    tokenstore_bytes projects[2];
    projects[0] = text("B-2");
    projects[1] = text("A-1");

    /* Several things in one step, and nothing of what is not named. */
    tokenstore_edit edit = {0};
    edit.struct_size = sizeof edit;
    edit.fields = TOKENSTORE_EDIT_NAME | TOKENSTORE_EDIT_GRANTS | TOKENSTORE_EDIT_EXPIRES_IN;
    edit.fields |= TOKENSTORE_EDIT_APP_DATA | TOKENSTORE_EDIT_APP_WORD;
    edit.name = text("renamed");
    edit.projects = projects;
    edit.project_count = 2;
    edit.expires_ms = 1000;
    edit.app_data = text("data");
    edit.app_word = 9;
    edit_is(store, &target, &edit, TOKENSTORE_OK);
    tokenstore_token read = read_back(store, &made);
    CHECK(is_text(read.name, "renamed") && read.project_count == 2 && is_text(read.projects[0], "A-1"));
    CHECK(read.expires_ms == NOON_MS + 1000 && is_text(read.app_data, "data") && read.app_word == 9);
    tokenstore_change change;
    IS(tokenstore_token_edit(store, &target, &edit, &change, NULL), TOKENSTORE_OK);
    CHECK(change.changed == 0 && change.revision == read.revision);
    IS(tokenstore_token_edit(store, &target, &edit, NULL, NULL), TOKENSTORE_OK);
    IS(tokenstore_token_grant(store, &target, projects[0].data, 3, NULL, NULL), TOKENSTORE_OK);
    IS(tokenstore_token_ungrant(store, &target, (const uint8_t *)"Z", 1, NULL, NULL), TOKENSTORE_OK);
    CHECK(read_back(store, &made).revision == read.revision);
    edit = (tokenstore_edit){0};
    edit.struct_size = sizeof edit;
    edit.fields = TOKENSTORE_EDIT_NAME | TOKENSTORE_EDIT_GRANTS;
    edit.flags = TOKENSTORE_ALL_PROJECTS;
    edit_is(store, &target, &edit, TOKENSTORE_OK);
    read = read_back(store, &made);
    CHECK(read.name.len == 0 && read.flags == TOKENSTORE_HAS_ALL_PROJECTS && read.app_word == 9);
    CHECK(read.expires_ms == NOON_MS + 1000 && is_text(read.app_data, "data"));
    edit.fields = TOKENSTORE_EDIT_EXPIRES_AT;
    edit.flags = 0;
    edit.expires_ms = TOKENSTORE_NEVER;
    edit_is(store, &target, &edit, TOKENSTORE_OK);
    CHECK(read_back(store, &made).expires_ms == TOKENSTORE_NEVER);

    /* What is given and not named, and what is no edit. */
    edit.fields = 0;
    edit_is(store, &target, &edit, TOKENSTORE_INVALID_ARGUMENT);
    edit.expires_ms = 0;
    edit.name = text("x");
    edit_is(store, &target, &edit, TOKENSTORE_INVALID_ARGUMENT);
    edit.name.len = 0;
    edit.app_data = text("x");
    edit_is(store, &target, &edit, TOKENSTORE_INVALID_ARGUMENT);
    edit.app_data.len = 0;
    edit.app_word = 1;
    edit_is(store, &target, &edit, TOKENSTORE_INVALID_ARGUMENT);
    edit.app_word = 0;
    edit.projects = projects;
    edit.project_count = 1;
    edit_is(store, &target, &edit, TOKENSTORE_INVALID_ARGUMENT);
    edit.project_count = 0;
    edit.fields = 64;
    edit_is(store, &target, &edit, TOKENSTORE_INVALID_ARGUMENT);
    edit.fields = TOKENSTORE_EDIT_GRANTS;
    edit.flags = 2;
    edit_is(store, &target, &edit, TOKENSTORE_INVALID_ARGUMENT);
    edit.fields = TOKENSTORE_EDIT_EXPIRES_AT | TOKENSTORE_EDIT_EXPIRES_IN;
    edit.flags = 0;
    edit.expires_ms = 5;
    edit_is(store, &target, &edit, TOKENSTORE_INVALID_ARGUMENT);

    /* The order of the checks: all fail at first, and the front one is put right each time. */
    edit = (tokenstore_edit){0};
    edit.struct_size = sizeof edit;
    edit.fields = TOKENSTORE_EDIT_NAME;
    edit.name = text("taken");
    target.flags = TOKENSTORE_CHECK_OWNER | TOKENSTORE_CHECK_REVISION;
    target.owner = text("zeta");
    target.revision = 999;
    struct made revoked, expired;
    token.name.len = 0;
    revoked = make(store, &token);
    token.flags = TOKENSTORE_EXPIRES_IN;
    token.expires_ms = 5000;
    expired = make(store, &token);
    tokenstore_target of_revoked = target_of(&revoked);
    IS(tokenstore_token_revoke(store, &of_revoked, NULL, NULL), TOKENSTORE_OK);
    IS(tokenstore_clock_advance(clock, 5000), TOKENSTORE_OK);
    const struct {
        const struct made *made;
        tokenstore_status expected;
    } ended[] = {{&revoked, TOKENSTORE_REVOKED}, {&expired, TOKENSTORE_EXPIRED}, {&made, TOKENSTORE_REVISION_CONFLICT}};
    for (size_t n = 0; n < 3; n++) {
        memcpy(target.id, ended[n].made->id, 16);
        target.owner = text("zeta");
        edit_is(store, &target, &edit, TOKENSTORE_NOT_FOUND);
        target.owner = text("acme");
        edit_is(store, &target, &edit, ended[n].expected);
    }
    target.revision = read_back(store, &made).revision;
    edit_is(store, &target, &edit, TOKENSTORE_NAME_TAKEN);
    CHECK(read_back(store, &made).name.len == 0 && read_back(store, &made).revision == target.revision);
    edit.name = text("free");
    edit_is(store, &target, &edit, TOKENSTORE_OK);
    memset(target.id, 9, 16);
    edit_is(store, &target, &edit, TOKENSTORE_NOT_FOUND);

    /* A check that is meant and not asked for is no check left out. */
    target = target_of(&made);
    target.revision = 5;
    edit_is(store, &target, &edit, TOKENSTORE_INVALID_ARGUMENT);
    target.revision = 0;
    target.owner = text("acme");
    edit_is(store, &target, &edit, TOKENSTORE_INVALID_ARGUMENT);
    target.owner.len = 0;
    target.flags = 4;
    edit_is(store, &target, &edit, TOKENSTORE_INVALID_ARGUMENT);
    target.flags = 0;
    target.reserved = 1;
    edit_is(store, &target, &edit, TOKENSTORE_INVALID_ARGUMENT);
    target.reserved = 0;
    target.reason = text("\xff");
    edit_is(store, &target, &edit, TOKENSTORE_INVALID_ARGUMENT);

    /* Grants, one by one and all. The token has all projects by now. */
    char longest[66] = {0};
    grant_is(store, &made, "P", TOKENSTORE_OK, 0);
    ungrant_is(store, &made, "P", TOKENSTORE_GRANT_IS_ALL, 0);
    twice(store, &made, tokenstore_token_revoke_grants);
    read = read_back(store, &made);
    CHECK(read.flags == TOKENSTORE_HAS_NO_PROJECTS && read.state == TOKENSTORE_OK && is_text(read.name, "free"));
    IS(judge(store, &made, type), TOKENSTORE_OK);
    grant_is(store, &made, "P", TOKENSTORE_OK, 1);
    grant_is(store, &made, "P", TOKENSTORE_OK, 0);
    ungrant_is(store, &made, "Q", TOKENSTORE_OK, 0);
    ungrant_is(store, &made, "P", TOKENSTORE_OK, 1);
    grant_is(store, &made, "", TOKENSTORE_INVALID_ARGUMENT, 0);
    ungrant_is(store, &made, "", TOKENSTORE_INVALID_ARGUMENT, 0);
    memset(longest, 'p', 65);
    grant_is(store, &made, longest, TOKENSTORE_INVALID_ARGUMENT, 0);
    ungrant_is(store, &made, longest, TOKENSTORE_INVALID_ARGUMENT, 0);
    longest[64] = 0;
    grant_is(store, &made, longest, TOKENSTORE_OK, 1);
    twice(store, &made, tokenstore_token_grant_all);
    read = read_back(store, &made);
    CHECK(read.flags == TOKENSTORE_HAS_ALL_PROJECTS && read.project_count == 0);

    tokenstore_bytes *many = calloc(1000, sizeof *many);
    char(*names)[8] = calloc(1000, sizeof *names);
    CHECK(many != NULL && names != NULL);
    for (size_t n = 0; n < 1000; n++) {
        names[n][0] = 'p', names[n][1] = (char)('0' + n / 100), names[n][2] = (char)('0' + n / 10 % 10);
        names[n][3] = (char)('0' + n % 10);
        many[n] = text(names[n]);
    }
    token = new_token(type, "acme");
    token.projects = many;
    token.project_count = 1000;
    struct made full = make(store, &token);
    grant_is(store, &full, "one-more", TOKENSTORE_LIMIT_REACHED, 0);
    grant_is(store, &full, "p777", TOKENSTORE_OK, 0);
    CHECK(read_back(store, &full).project_count == 1000);
    free(many);
    free(names);

    /* A token that is off keeps its name. */
    twice(store, &made, tokenstore_token_disable);
    IS(judge(store, &made, type), TOKENSTORE_DISABLED);
    read = read_back(store, &made);
    CHECK(read.state == TOKENSTORE_DISABLED && (read.flags & TOKENSTORE_IS_DISABLED) != 0);
    token = new_token(type, "acme");
    token.name = text("free");
    uint8_t value[TOKENSTORE_VALUE_BYTES];
    size_t len;
    tokenstore_created created;
    IS(tokenstore_token_create(store, &token, value, sizeof value, &len, &created, NULL), TOKENSTORE_NAME_TAKEN);
    twice(store, &made, tokenstore_token_enable);
    IS(judge(store, &made, type), TOKENSTORE_OK);
    IS(tokenstore_close(store, NULL), TOKENSTORE_OK);
    IS(tokenstore_clock_close(clock), TOKENSTORE_OK);
}

void revoking(void) {
    tokenstore_clock *clock = noon();
    tokenstore_store *store = in_memory(clock);
    uint32_t type = declare(store, "server", "srv", 0);
    tokenstore_new_token token = new_token(type, "acme");
    made made = make(store, &token);
    tokenstore_target target = target_of(&made);
    tokenstore_change change;
    tokenstore_error error;

    /* The first time and reason of a revocation stay. */
    target.by = text("admin");
    target.reason = text("leaked");
    IS(tokenstore_token_revoke(store, &target, &change, NULL), TOKENSTORE_OK);
    CHECK(change.changed == 1);
    IS(judge(store, &made, type), TOKENSTORE_REVOKED);
    uint64_t revision = change.revision;
    IS(tokenstore_clock_advance(clock, 5000), TOKENSTORE_OK);
    target.reason = text("again");
    IS(tokenstore_token_revoke(store, &target, &change, NULL), TOKENSTORE_OK);
    CHECK(change.changed == 0 && change.revision == revision);
    tokenstore_token read = read_back(store, &made);
    CHECK(read.revoked_ms == NOON_MS && is_text(read.reason, "leaked") && read.state == TOKENSTORE_REVOKED);
    IS(tokenstore_token_enable(store, &target, &change, &error), TOKENSTORE_REVOKED);
    CHECK(change.changed == 0 && change.revision == 0 && error.status == TOKENSTORE_REVOKED);
    target.flags = TOKENSTORE_CHECK_OWNER;
    target.owner = text("zeta");
    IS(tokenstore_token_revoke(store, &target, &change, NULL), TOKENSTORE_NOT_FOUND);
    IS(tokenstore_token_delete(store, &target, &change, NULL), TOKENSTORE_NOT_FOUND);
    target.flags = TOKENSTORE_CHECK_REVISION;
    target.owner.len = 0;
    target.revision = revision + 1;
    IS(tokenstore_token_delete(store, &target, &change, NULL), TOKENSTORE_REVISION_CONFLICT);
    IS(judge(store, &made, type), TOKENSTORE_REVOKED);

    /* Nothing of a deleted token stays but its events. */
    target.revision = revision;
    IS(tokenstore_token_delete(store, &target, &change, NULL), TOKENSTORE_OK);
    CHECK(change.changed == 1 && change.revision == 0 && token_count(store) == 0);
    IS(judge(store, &made, type), TOKENSTORE_UNKNOWN);
    IS(tokenstore_token_delete(store, &target, &change, NULL), TOKENSTORE_NOT_FOUND);
    uint8_t buffer[520];
    size_t needed;
    static const uint32_t kinds[] = {1, 2, 10, 11};
    uint64_t after = 0;
    for (size_t n = 0; n < 4; n++) {
        tokenstore_event event = {0};
        event.struct_size = sizeof event;
        IS(tokenstore_event_next(store, after, &event, buffer, sizeof buffer, &needed, NULL), TOKENSTORE_OK);
        CHECK(event.kind == kinds[n] && event.sequence == after + 1);
        if (n == 0) CHECK(event.type == type && holds_only(event.id, 16, 0));
        else CHECK(event.type == 0 && memcmp(event.id, made.id, 16) == 0);
        after = event.sequence;
    }

    /* By the value; nobody's is a success that changes nothing. */
    made = make(store, &token);
    IS(tokenstore_value_revoke(store, made.value, made.len - 1, NULL, 0, NULL, 0, &change, NULL), TOKENSTORE_OK);
    CHECK(change.changed == 0 && change.revision == 0);
    IS(tokenstore_value_revoke(store, NULL, 0, NULL, 0, NULL, 0, NULL, NULL), TOKENSTORE_OK);
    IS(judge(store, &made, type), TOKENSTORE_OK);
    tokenstore_bytes by = text("scanner"), why = text("found");
    IS(tokenstore_value_revoke(store, made.value, made.len, by.data, by.len, why.data, why.len, &change, NULL),
       TOKENSTORE_OK);
    CHECK(change.changed == 1);
    IS(judge(store, &made, type), TOKENSTORE_REVOKED);
    CHECK(is_text(read_back(store, &made).reason, "found"));
    IS(tokenstore_value_revoke(store, made.value, made.len, NULL, 0, NULL, 0, &change, NULL), TOKENSTORE_OK);
    CHECK(change.changed == 0);
    IS(tokenstore_value_revoke(store, NULL, 5, NULL, 0, NULL, 0, &change, NULL), TOKENSTORE_INVALID_ARGUMENT);
    IS(tokenstore_value_revoke(store, made.value, made.len, NULL, 5, NULL, 0, &change, NULL),
       TOKENSTORE_INVALID_ARGUMENT);
    IS(tokenstore_value_revoke(store, made.value, made.len, NULL, 0, (const uint8_t *)"\xff", 1, &change, NULL),
       TOKENSTORE_INVALID_ARGUMENT);

    /* A project is taken from every live token that was granted it by name. */
    tokenstore_bytes project = text("A-1");
    token.projects = &project;
    token.project_count = 1;
    struct made first = make(store, &token), second = make(store, &token), dead = make(store, &token);
    token.project_count = 0;
    token.flags = TOKENSTORE_ALL_PROJECTS;
    struct made all = make(store, &token);
    target = target_of(&dead);
    IS(tokenstore_token_revoke(store, &target, NULL, NULL), TOKENSTORE_OK);
    uint64_t removed = 77;
    const uint8_t *name = project.data;
    IS(tokenstore_project_remove(store, name, 3, NULL, 0, NULL, 0, NULL, NULL), TOKENSTORE_INVALID_ARGUMENT);
    IS(tokenstore_project_remove(store, name, 0, NULL, 0, NULL, 0, &removed, NULL), TOKENSTORE_INVALID_ARGUMENT);
    CHECK(removed == 0 && read_back(store, &first).project_count == 1);
    IS(tokenstore_project_remove(store, name, 3, NULL, 0, (const uint8_t *)"gone", 4, &removed, NULL), TOKENSTORE_OK);
    CHECK(removed == 2);
    CHECK(read_back(store, &first).flags == TOKENSTORE_HAS_NO_PROJECTS && read_back(store, &second).project_count == 0);
    CHECK(read_back(store, &dead).project_count == 1 && read_back(store, &all).flags == TOKENSTORE_HAS_ALL_PROJECTS);
    IS(tokenstore_project_remove(store, name, 3, NULL, 0, NULL, 0, &removed, NULL), TOKENSTORE_OK);
    CHECK(removed == 0);
    IS(tokenstore_close(store, NULL), TOKENSTORE_OK);
    IS(tokenstore_clock_close(clock), TOKENSTORE_OK);
}
