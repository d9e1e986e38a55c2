/* What a process is told to do with a store, and what it says of it. */
#ifndef ORDERS_H
#define ORDERS_H

#include "checks.h"

enum act {
    LOOK, /* verifies, and reads the token back: both must say what is expected */
    CREATE,
    CREATE_IF_ABSENT,
    REVOKE,
    REVOKE_VALUE,
    DISABLE,
    ENABLE,
    GRANT,
    UNGRANT,
    GRANT_ALL,
    REVOKE_GRANTS,
    EDIT,
    ROTATE,
    DELETE,
    CONSUME,
    ISSUE,
    REFRESH,
    REVOKE_FAMILY,
    REVOKE_OWNER,
    REMOVE_PROJECT,
    DECLARE,
    FIND,
    LEAVE /* closes the store and ends */
};

typedef struct order {
    enum act act;
    /* What a verify must say, or a change. */
    tokenstore_status expected;
    made token;
    uint32_t type, refresh_type;
    /* What an edit sets, and a verify must hand back where the status says who it is. */
    uint64_t app_word;
    char owner[24], name[24];
    /* Asked for by a look if it is not empty. */
    char project[24];
} order;

typedef struct reply {
    tokenstore_status status;
    /* What was made: a token, or a pair's two with their family. */
    made token, refresh;
    uint8_t family[16];
    uint32_t outcome, uses_left, type;
    /* Of who leaves: how many there are. */
    uint64_t tokens;
} reply;

/* Does it and says what came. What must not come ends the process. */
reply obey(const tokenstore_store *store, const order *order);
/* Obeys what comes through a line until it is told to leave. */
void obey_all(tokenstore_store *store, int line);
/* How many verifies a process made for its orders. */
long verifies_made(void);

#endif
