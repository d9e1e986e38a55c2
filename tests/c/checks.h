/* What the programs of these tests have in common: checks that are counted, and the smallest ways to get a store, a
 * type and a token. */
#ifndef CHECKS_H
#define CHECKS_H

#include "tokenstore.h"

#include <stddef.h>
#include <stdint.h>

/* A check that fails ends the program with the place and the words of it. Threads may check at the same time. */
void check_at(int holds, const char *what, const char *file, int line);
void is_at(tokenstore_status status, tokenstore_status expected, const char *what, const char *file, int line);
long checks_passed(void);

#define CHECK(what) check_at((what) != 0, #what, __FILE__, __LINE__)
#define IS(call, expected) is_at((call), (expected), #call " is " #expected, __FILE__, __LINE__)

/* 2026-11-24 12:00 UTC, which the clocks of these tests show at first. */
#define NOON_MS INT64_C(1795521600000)

/* A token that was made. */
typedef struct made {
    uint8_t value[TOKENSTORE_VALUE_BYTES];
    size_t len;
    uint8_t id[16];
    uint64_t revision;
} made;

tokenstore_bytes text(const char *text);
int is_text(tokenstore_bytes bytes, const char *text);
/* Whether memory holds one byte alone, all over. */
int holds_only(const void *memory, size_t len, uint8_t byte);

tokenstore_clock *noon(void);
tokenstore_store *in_memory(const tokenstore_clock *clock);
uint32_t declare(const tokenstore_store *store, const char *name, const char *prefix, uint32_t flags);
tokenstore_new_token new_token(uint32_t type, const char *owner);
made make(const tokenstore_store *store, const tokenstore_new_token *token);
tokenstore_target target_of(const made *made);
tokenstore_query query_of(uint32_t type);
/* What a verify says to a token's value. */
tokenstore_status judge(const tokenstore_store *store, const made *made, uint32_t type);
/* The verdict on a token's value for any type, which must be this. */
tokenstore_verdict verdict_of(const tokenstore_store *store, const made *made, tokenstore_status expected);
/* A token as it is read; what it points to stays until the next call of the same thread. */
tokenstore_token read_back(const tokenstore_store *store, const made *made);
uint64_t token_count(const tokenstore_store *store);

/* `folder/name`, which stays until the next call. */
const char *path_in(const char *folder, const char *name);
/* Copies a file, with one byte turned over if `flip` lies in it. */
void copy_file(const char *from, const char *to, long flip);
/* Opens a copy of a store's file as it is on the disk now. */
tokenstore_store *open_copy(const char *path, const char *folder, const tokenstore_options *options);

#endif
