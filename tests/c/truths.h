/* Processes that have one store open change it by turns, and every one of them must hear the truth in its very next
 * verify. */
#ifndef TRUTHS_H
#define TRUTHS_H

#include "processes.h"

enum { MOST_WORKERS = 8 };

typedef struct team {
    process workers[MOST_WORKERS];
    int worker_count;
    /* A handle of the conductor's own; NULL if it only tells the workers what to do. */
    const tokenstore_store *own;
} team;

/* The types by which they play; any process may have declared them. */
void declare_kinds(const tokenstore_store *store);
/* Plays so many rounds, each a change by one process of which all others hear. How many verifies there were. */
long play_rounds(const team *team, int rounds);
/* How many different changes there are. In so many rounds each is made, and in so many for each process by all. */
int change_count(void);
/* Tells all workers to close their store and end, and sees that they do. How many tokens there are to each of them. */
uint64_t dismiss(team *team);

#endif
