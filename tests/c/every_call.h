/* Every call that takes a store, made on a handle that refuses all of them for one reason. */
#ifndef EVERY_CALL_H
#define EVERY_CALL_H

#include "checks.h"

/* Each call answers `expected`, and says so in its error. How many calls there were. */
int every_change(const tokenstore_store *store, tokenstore_status expected);
int every_read(const tokenstore_store *store, tokenstore_status expected);
int every_verify(const tokenstore_store *store, tokenstore_status expected);

/* How many of them left something else than zeros in their outputs. */
extern int outputs_left;

#endif
