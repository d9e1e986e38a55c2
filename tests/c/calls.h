/* The checks of the calls, by subject: each sentence of the header's comments has its check. */
#ifndef CALLS_H
#define CALLS_H

#include "checks.h"

/* Stores in files are made in the folder. */
void versions_and_statuses(void);
void clocks(void);
void making_and_opening(const char *folder);
void closing_and_keys(const char *folder);
void types(void);
void creating(const char *folder);
void creating_many(void);
void verifying(void);
void verifying_many(void);
void changing(void);
void revoking(void);
void reading(void);
void listing(void);
void structs_and_errors(void);

#endif
