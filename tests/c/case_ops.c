#include "case_ops.h"

#include <string.h>

static const struct {
    const char *name;
    operation *run;
} OPERATIONS[] = {
    {"advance", op_clock},
    {"clock", op_clock},
    {"store", op_store},
    {"create_again", op_create_again},
    {"open_again", op_open_again},
    {"open_elsewhere", op_open_elsewhere},
    {"reopen", op_reopen},
    {"close", op_close},
    {"flush", op_flush},
    {"change_key", op_change_key},
    {"type", op_type},
    {"find_type", op_find_type},
    {"types", op_types},
    {"stats", op_stats},
    {"create", op_create},
    {"create_many", op_create_many},
    {"create_if_absent", op_create_if_absent},
    {"create_from_value", op_create_from_value},
    {"verify", op_verify},
    {"authorization", op_authorization},
    {"verify_many", op_verify_many},
    {"consume", op_consume},
    {"issue_pair", op_issue_pair},
    {"refresh", op_refresh},
    {"revoke_family", op_revoke_family},
    {"owner", op_owner},
    {"value", op_value},
    {"revoke_value", op_revoke_value},
    {"edit", op_edit},
    {"grant", op_grant},
    {"ungrant", op_ungrant},
    {"grant_all", op_plain_change},
    {"revoke_grants", op_plain_change},
    {"disable", op_plain_change},
    {"enable", op_plain_change},
    {"revoke", op_plain_change},
    {"delete", op_plain_change},
    {"rotate", op_rotate},
    {"remove_project", op_remove_project},
    {"revoke_owner", op_revoke_owner},
    {"prune", op_prune},
    {"get", op_get},
    {"list", op_list},
    {"events", op_events},
    {"event", op_event},
};

answer *play_operation(world *world, pieces words) {
    if (words.count == 0) mistake("a line has an operation");
    pieces rest = {words.at + 1, words.count - 1};
    args args = arguments(rest);
    for (size_t n = 0; n < sizeof OPERATIONS / sizeof *OPERATIONS; n++) {
        if (strcmp(OPERATIONS[n].name, words.at[0]) == 0) return OPERATIONS[n].run(world, &args, words.at[0]);
    }
    mistake("there is no operation `%s`", words.at[0]);
}
