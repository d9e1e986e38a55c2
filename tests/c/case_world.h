/* What a scenario is played in, the arguments of a line, and its answer. */
#ifndef CASE_WORLD_H
#define CASE_WORLD_H

#include "case_text.h"

/* What the clock shows at the start of a scenario: 2026-01-01 00:00 UTC. Times of lines are in ms after it. */
#define START_MS INT64_C(1767225600000)

/* A token that a line named, by one of its values: the first of its names is what answers call it. */
typedef struct known_token {
    const char *name;
    uint8_t id[16];
    tokenstore_bytes value;
    /* Where the last verify said that its owner is. */
    uint64_t owner;
    int has_owner;
} known_token;

/* A family that a line named. */
typedef struct known_family {
    const char *name;
    uint8_t id[16];
} known_family;

/* A type that a line declared. */
typedef struct known_type {
    const char *name;
    uint32_t number;
} known_type;

typedef struct world {
    const char *path, *nowhere;
    int has_file;
    tokenstore_clock *clock;
    tokenstore_store *store;
    /* What is given when the store is made and opened. */
    const uint8_t *key;
    uint64_t max_events;
    known_token *tokens;
    size_t token_count, token_room;
    known_family *families;
    size_t family_count, family_room;
    known_type *types;
    size_t type_count;
} world;

void begin_world(world *world, const char *folder);
void end_world(world *world);
/* The store, which is one in memory unless a line said otherwise. */
tokenstore_store *store_of(world *world);
tokenstore_options options_of(const world *world);

uint32_t type_number(const world *world, const char *name);
const char *type_name(const world *world, uint32_t number);
void name_type(world *world, const char *name, uint32_t number);
known_token *token_named(world *world, const char *name);
/* The first name of a token or a family with this id; `?` if it has none. */
const char *name_of(const world *world, const uint8_t id[16]);
/* That no token and no family has the name yet. */
void must_be_free(const world *world, const char *name);
void name_token(world *world, const char *name, const uint8_t id[16], tokenstore_bytes value, uint64_t revision);
void name_family(world *world, const char *name, const uint8_t id[16]);
/* `TOKEN` or `FAMILY`, or `id:UUID` for any id. */
void subject(world *world, const char *word, uint8_t id[16]);
/* Reads a token whole, and what it points to. */
tokenstore_status read_token(world *world, const uint8_t id[16], tokenstore_token *token);

/* What follows an operation's name. Whatever is not taken is a mistake. */
typedef struct args {
    pieces plain;
    size_t next;
    struct {
        char *key, *value;
    } named[24];
    size_t named_count;
} args;

args arguments(pieces words);
/* The next word without a key; NULL if there is none and `what` is NULL. */
char *next_word(args *args, const char *what);
/* The value of a key as it is written; NULL if it is not there. */
char *take(args *args, const char *key);
char *take_required(args *args, const char *key);
int take_flag(args *args, const char *key, int otherwise);
/* The bytes of a key, and whether it is there. */
int take_bytes(args *args, const char *key, tokenstore_bytes *bytes);
int take_text(args *args, const char *key, tokenstore_bytes *text);
int take_number(args *args, const char *key, uint64_t most, uint64_t *number);
void finish(const args *args);

/* What an operation answered. */
typedef struct answer {
    const char *result;
    struct {
        const char *name, *value;
    } fields[24];
    size_t field_count;
    /* Whether the C interface has no way to say the line, so that the player answered itself. */
    int unsayable;
} answer;

answer *answered(const char *result);
/* OK or the status's name. What the call said of its failure must agree. */
answer *of_status(tokenstore_status status, const tokenstore_error *error);
/* CHANGED or UNCHANGED with the revision, or the status's name. */
answer *of_change(tokenstore_status status, const tokenstore_error *error, const tokenstore_change *change);
/* The answer to what C cannot say. */
answer *unsayable(const char *result);
void field(answer *answer, const char *name, const char *value);
void field_number(answer *answer, const char *name, uint64_t value);
/* A time, in ms after the start; `never` as it is called in the field. */
void field_time(answer *answer, const char *name, int64_t ms, const char *never);
char *answer_text(const answer *answer);
/* What differs from the expectation; NULL if nothing does. */
const char *difference(const answer *answer, pieces expected);

/* Zeroed memory, compared: what a failed call leaves of a struct. */
int is_zero(const void *memory, size_t len);
int64_t time_at(int64_t ms);

#endif
