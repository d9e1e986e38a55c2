/* How scenarios write text and bytes, and the memory that reading them takes. */
#ifndef CASE_TEXT_H
#define CASE_TEXT_H

#include "tokenstore.h"

#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>

/* Memory that stays until forget_all. Each piece is one of its own, so that a tool sees what reaches beyond it. */
void *keep(size_t bytes);
void forget_all(void);
char *copy_of(const char *text, size_t len);
char *format(const char *form, ...) __attribute__((format(printf, 1, 2)));

/* Ends a line that cannot be played, with the reason in `mistake_text`; goes on where `after_mistake` was set. */
void mistake(const char *form, ...) __attribute__((format(printf, 1, 2), noreturn));
extern jmp_buf after_mistake;
extern const char *mistake_text;

/* Words or other pieces of a text. */
typedef struct pieces {
    char **at;
    size_t count;
} pieces;

/* A text, cut at each of one character. */
pieces split(const char *text, char at);
/* Every `$` replaced. */
char *with_turn(const char *text, const char *turn);
/* Every `{TEXT*N}` written out; `{}` stays. */
char *expand(const char *word);
/* `%XX` as bytes. */
tokenstore_bytes decode(const char *text);
/* The same, which must be UTF-8. */
tokenstore_bytes decode_utf8(const char *text);
/* The one way in which an answer writes these bytes. */
char *encode(tokenstore_bytes bytes);
/* A list with one more item; NULL is one without any. */
char *listed(char *list, const char *item);
/* A number from 0 to `most`. */
uint64_t number(const char *word, uint64_t most);
/* A number that may be negative. */
int64_t signed_number(const char *word);
/* The 16 bytes of a UUID. */
void uuid_bytes(const char *text, uint8_t id[16]);
/* Whether a value is `<prefix>_<30 letters and digits><6 check characters>`, by the documents alone; the prefix. */
int is_native(tokenstore_bytes value, tokenstore_bytes *prefix);

tokenstore_bytes bytes_of(const char *text);
int same_bytes(tokenstore_bytes one, tokenstore_bytes other);

#endif
