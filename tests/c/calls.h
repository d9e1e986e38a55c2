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
void consuming(const char *folder);
void tickets(const char *folder);
void rotating(const char *folder);
void children(void);
void ending_many(const char *folder);
void families(void);
void issuing(const char *folder);
void refreshing(const char *folder);
void ending_families(const char *folder);
void reading(void);
void listing(void);
void structs_and_errors(void);

#endif
