/* Changing tokens. */
#include "case_ops.h"

#include <string.h>

tokenstore_target take_target(world *world, args *args) {
    tokenstore_target target = {0};
    target.struct_size = sizeof target;
    subject(world, next_word(args, "a token"), target.id);
    if (take_bytes(args, "if_owner", &target.owner)) target.flags |= TOKENSTORE_CHECK_OWNER;
    if (take_number(args, "if_revision", UINT64_MAX, &target.revision)) target.flags |= TOKENSTORE_CHECK_REVISION;
    take_text(args, "by", &target.by);
    take_text(args, "reason", &target.reason);
    return target;
}

/* The answer to a change; what it says of the token must be so when the token is read. */
static answer *changed(world *world, const uint8_t id[16], tokenstore_status status, const tokenstore_error *error,
                       const tokenstore_change *change) {
    answer *made = of_change(status, error, change);
    if (status == TOKENSTORE_OK) {
        tokenstore_token token;
        tokenstore_status read = read_token(world, id, &token);
        int is_gone = read == TOKENSTORE_NOT_FOUND, is_there = read == TOKENSTORE_OK;
        if (change->revision == 0 ? !is_gone : !is_there || token.revision != change->revision) {
            mistake("the token is not at the revision that the change says");
        }
    }
    return made;
}

/* The changes that need nothing but a target. */
answer *op_plain_change(world *world, args *args, const char *name) {
    typedef tokenstore_status plain(const tokenstore_store *, const tokenstore_target *, tokenstore_change *,
                                    tokenstore_error *);
    static const struct {
        const char *name;
        plain *run;
    } changes[] = {
        {"grant_all", tokenstore_token_grant_all}, {"revoke_grants", tokenstore_token_revoke_grants},
        {"disable", tokenstore_token_disable},     {"enable", tokenstore_token_enable},
        {"revoke", tokenstore_token_revoke},       {"delete", tokenstore_token_delete},
    };
    tokenstore_target target = take_target(world, args);
    tokenstore_change change = {0, 0, 0};
    tokenstore_error error;
    finish(args);
    for (size_t n = 0; n < sizeof changes / sizeof *changes; n++) {
        if (strcmp(changes[n].name, name) != 0) continue;
        tokenstore_status status = changes[n].run(store_of(world), &target, &change, &error);
        return changed(world, target.id, status, &error, &change);
    }
    mistake("there is no change `%s`", name);
}

answer *op_edit(world *world, args *args, const char *name) {
    (void)name;
    tokenstore_target target = take_target(world, args);
    tokenstore_edit edit = {0};
    tokenstore_change change = {0, 0, 0};
    tokenstore_error error;
    uint64_t lifetime = 0;
    int all = 0;
    edit.struct_size = sizeof edit;
    const char *word = take(args, "name");
    if (word != NULL) edit.fields |= TOKENSTORE_EDIT_NAME;
    if (word != NULL && strcmp(word, "none") != 0) edit.name = decode_utf8(word);
    if (word != NULL && *word == 0) mistake("an edit takes a name away by `none`; in C an empty one is the same");
    const char *expires = take(args, "expires");
    if (expires != NULL) {
        edit.fields |= TOKENSTORE_EDIT_EXPIRES_AT;
        edit.expires_ms = strcmp(expires, "never") == 0 ? TOKENSTORE_NEVER : time_at(signed_number(expires));
    }
    if (take_number(args, "lifetime", INT64_MAX, &lifetime)) {
        if (expires != NULL) mistake("either `expires` or `lifetime`");
        edit.fields |= TOKENSTORE_EDIT_EXPIRES_IN;
        edit.expires_ms = (int64_t)lifetime;
    }
    if (take_grants(args, &all, &edit.projects, &edit.project_count)) edit.fields |= TOKENSTORE_EDIT_GRANTS;
    if (all) edit.flags |= TOKENSTORE_ALL_PROJECTS;
    if (take_bytes(args, "data", &edit.app_data)) edit.fields |= TOKENSTORE_EDIT_APP_DATA;
    if (take_number(args, "word", UINT64_MAX, &edit.app_word)) edit.fields |= TOKENSTORE_EDIT_APP_WORD;
    finish(args);
    tokenstore_status status = tokenstore_token_edit(store_of(world), &target, &edit, &change, &error);
    return changed(world, target.id, status, &error, &change);
}

answer *op_grant(world *world, args *args, const char *name) {
    (void)name;
    tokenstore_target target = take_target(world, args);
    tokenstore_bytes project = decode(take_required(args, "project"));
    tokenstore_change change = {0, 0, 0};
    tokenstore_error error;
    finish(args);
    tokenstore_status status =
        tokenstore_token_grant(store_of(world), &target, project.data, project.len, &change, &error);
    return changed(world, target.id, status, &error, &change);
}

answer *op_ungrant(world *world, args *args, const char *name) {
    (void)name;
    tokenstore_target target = take_target(world, args);
    tokenstore_bytes project = decode(take_required(args, "project"));
    tokenstore_change change = {0, 0, 0};
    tokenstore_error error;
    finish(args);
    tokenstore_status status =
        tokenstore_token_ungrant(store_of(world), &target, project.data, project.len, &change, &error);
    return changed(world, target.id, status, &error, &change);
}

answer *op_rotate(world *world, args *args, const char *name) {
    (void)name;
    tokenstore_target target = take_target(world, args);
    const char *called = take_required(args, "to");
    uint64_t grace_ms = number(take_required(args, "grace"), UINT64_MAX);
    finish(args);
    must_be_free(world, called);
    tokenstore_created created = {{0}, 0, 0, 0};
    tokenstore_error error;
    uint8_t bytes[TOKENSTORE_VALUE_BYTES] = {0};
    tokenstore_bytes value = {bytes, 0};
    tokenstore_status status = tokenstore_token_rotate(store_of(world), &target, grace_ms, bytes, sizeof bytes,
                                                       &value.len, &created, &error);
    answer *made = of_status(status, &error);
    if (status != TOKENSTORE_OK) {
        check_refused(&created, bytes, value.len);
        return made;
    }
    if (memcmp(created.id, target.id, 16) != 0) mistake("the new value is another token's");
    if (created.outcome != TOKENSTORE_CREATED || created.reserved != 0) mistake("a rotation has another outcome");
    name_token(world, called, created.id, value, created.revision);
    made->result = "CHANGED";
    field_number(made, "revision", created.revision);
    return made;
}

answer *op_remove_project(world *world, args *args, const char *name) {
    (void)name;
    tokenstore_bytes project = decode(take_required(args, "project")), by = {NULL, 0}, reason = {NULL, 0};
    tokenstore_error error;
    uint64_t removed = 0;
    take_text(args, "by", &by);
    take_text(args, "reason", &reason);
    finish(args);
    tokenstore_status status = tokenstore_project_remove(store_of(world), project.data, project.len, by.data, by.len,
                                                         reason.data, reason.len, &removed, &error);
    answer *made = of_status(status, &error);
    if (status != TOKENSTORE_OK) {
        if (removed != 0) mistake("a removal that failed says that it did something");
        return made;
    }
    made->result = removed > 0 ? "CHANGED" : "UNCHANGED";
    field_number(made, "tokens", removed);
    return made;
}

answer *op_revoke_owner(world *world, args *args, const char *name) {
    (void)name;
    tokenstore_bytes owner = decode(take_required(args, "owner")), by = {NULL, 0}, reason = {NULL, 0};
    const char *type = take(args, "type");
    uint32_t number_of_type = type == NULL ? 0 : type_number(world, type);
    tokenstore_change change = {0, 0, 0};
    tokenstore_error error;
    take_text(args, "by", &by);
    take_text(args, "reason", &reason);
    finish(args);
    tokenstore_status status = tokenstore_owner_revoke(store_of(world), owner.data, owner.len, number_of_type, by.data,
                                                       by.len, reason.data, reason.len, &change, &error);
    return of_change(status, &error, &change);
}

answer *op_prune(world *world, args *args, const char *name) {
    (void)name;
    int64_t before = time_at(signed_number(take_required(args, "before")));
    uint64_t limit = number(take_required(args, "limit"), UINT64_MAX), removed = 77;
    tokenstore_error error;
    finish(args);
    tokenstore_status status = tokenstore_prune(store_of(world), before, limit, &removed, &error);
    answer *made = of_status(status, &error);
    if (status == TOKENSTORE_OK) field_number(made, "tokens", removed);
    else if (removed != 0) mistake("a prune that failed says that it did something");
    return made;
}

answer *op_revoke_value(world *world, args *args, const char *name) {
    (void)name;
    presented presented = take_presented(world, args);
    tokenstore_bytes by = {NULL, 0}, reason = {NULL, 0};
    tokenstore_change change = {0, 0, 0};
    tokenstore_error error;
    take_text(args, "by", &by);
    take_text(args, "reason", &reason);
    finish(args);
    tokenstore_bytes value = presented.value;
    tokenstore_status status = tokenstore_value_revoke(store_of(world), value.data, value.len, by.data, by.len,
                                                       reason.data, reason.len, &change, &error);
    return of_change(status, &error, &change);
}
