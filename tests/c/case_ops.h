/* The operations, each named as in a scenario. */
#ifndef CASE_OPS_H
#define CASE_OPS_H

#include "case_world.h"

/* Plays a line: NULL is an operation that answers nothing. */
answer *play_operation(world *world, pieces words);

/* An operation; it is told its name, for those that have several. */
typedef answer *operation(world *world, args *args, const char *name);

operation op_clock, op_store, op_create_again, op_open_again, op_open_elsewhere, op_reopen, op_close, op_flush;
operation op_change_key, op_type, op_find_type, op_types, op_stats;
operation op_create, op_create_many, op_create_if_absent, op_create_from_value;
operation op_verify, op_authorization, op_verify_many, op_consume, op_owner, op_value, op_revoke_value;
operation op_issue_pair, op_refresh, op_revoke_family;
operation op_plain_change, op_edit, op_grant, op_ungrant, op_rotate, op_remove_project, op_revoke_owner, op_prune;
operation op_get, op_list, op_events, op_event;

/* A value as it is presented: `of` is the token whose own value it is, unchanged, or NULL. */
typedef struct presented {
    tokenstore_bytes value;
    const char *of;
} presented;

presented take_presented(world *world, args *args);
/* `TOKEN [if_owner=] [if_revision=] [by=] [reason=]`. */
tokenstore_target take_target(world *world, args *args);
/* What a creation that failed may not leave. */
void check_refused(const tokenstore_created *created, const uint8_t *value, size_t value_len);
/* `projects=all`, `projects=none`, or a list; 0 if it is not there. */
int take_grants(args *args, int *all, const tokenstore_bytes **projects, size_t *count);

#endif
