/* What the contenders in C and C++ have in common: they are told what to verify, and say how long it took. */
#ifndef CHILD_H
#define CHILD_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* How many values a batch has, here and in rust.rs. */
#define BATCH ((size_t)256)

/* Values that lie one behind the other, and the number that each of their tokens has. */
typedef struct values {
    const uint8_t *bytes;
    size_t width;
    const uint64_t *numbers;
    size_t count;
} values;

/* A loop over values: how many were answered with their own token. */
typedef size_t loop(void *store, uint32_t type, values asked);

/* A contender: how it opens and closes a store, and its loops. */
typedef struct contender {
    void *(*open)(const char *path, uint32_t *type);
    void (*close)(void *store);
    loop *single;
    loop *project;
    loop *batch;
} contender;

/* Does what standard input says until it ends. */
int child(int argc, char **argv, const contender *contender);

/* Ends the program with a line that says why. */
void give_up(const char *what, const char *why);

/* The name of the type, the project that all tokens reach, and how precisely uses are noted: a day, so that noting them
 * is no part of what is measured. As prepared.rs and tokens.rs have them. */
#define TYPE_NAME "server"
#define PROJECT "A1B2C-D3E4F"
#define USE_RESOLUTION_MS 86400000

#ifdef __cplusplus
}
#endif

#endif
