/* Every call that takes a store, each made on a handle with which it works. */
#ifndef WORKING_CALLS_H
#define WORKING_CALLS_H

#include "pairs.h"

/* What one of the calls acts on. */
typedef struct things {
    uint32_t server, coupon_type, refresh;
    made token, coupon;
    /* What the token is granted, and no other one. */
    char project[16];
    place pair;
    /* A list that begins with the token's owner's first. */
    tokenstore_list *list;
} things;

/* Declares the types, and makes things that no call has touched yet. */
void make_things(const tokenstore_store *store, things *things);
int working_call_count(void);
const char *working_call_name(int number);
/* Makes the call with this number, which must succeed. What a verify of the token says afterwards. */
tokenstore_status working_call(const tokenstore_store *store, int number, things *things);

#endif
