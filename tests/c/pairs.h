/* Pairs: made and refreshed, each call with its outputs looked at. */
#ifndef PAIRS_H
#define PAIRS_H

#include "checks.h"

/* Where a pair goes. */
typedef struct place {
    tokenstore_pair pair;
    uint8_t access[8192], refresh[8192];
} place;

/* A store in a file with a type of each kind. */
typedef struct shop {
    char path[4096];
    tokenstore_clock *clock;
    tokenstore_options options;
    tokenstore_store *store;
    uint32_t access, refresh;
} shop;

/* A place whose buffers have so much room, and that is full of something else. */
void clear(place *place, size_t room);
/* What a call left: everything, or nothing but what was given. */
void check_left(const place *place, size_t room, tokenstore_status status, const tokenstore_error *error);
void issue(const tokenstore_store *store, const tokenstore_new_pair *new, const tokenstore_pair_values *values,
           place *place, size_t room, tokenstore_status expected);
/* Refreshes with a value, for client-7. */
void refresh_with(const tokenstore_store *store, const uint8_t *value, size_t len,
                  const tokenstore_pair_values *values, place *next, size_t room, tokenstore_status expected);
/* The same with the value of a pair, without values of its own; the outcome is asked for with OK alone. */
void refresh(const tokenstore_store *store, const place *used, place *next, uint32_t outcome,
             tokenstore_status expected);
int is_same_pair(const place *one, const place *other);
/* The two tokens of a pair, to be judged and read. */
made access_of(const place *place);
made refresh_of(const place *place);
void access_is(const tokenstore_store *store, const place *place, tokenstore_status expected);
/* A type of refresh values: a minute for access values, ten for refresh values, fifteen for families. */
tokenstore_policy family_policy(const char *name, uint32_t old_access, uint64_t grace_ms);
uint32_t declare_families(const tokenstore_store *store, const tokenstore_policy *policy);
/* A pair of acme's, for client-7. */
tokenstore_new_pair new_pair(uint32_t access, uint32_t refresh);
void open_shop(shop *shop, const char *folder, uint32_t old_access, uint64_t grace_ms);
void close_shop(shop *shop);

#endif
