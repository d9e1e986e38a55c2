#include "case_world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* How many types a store can have. */
#define MOST_TYPES 1000

void begin_world(world *world, const char *folder) {
    memset(world, 0, sizeof *world);
    world->path = format("%s/tokens.store", folder);
    world->nowhere = format("%s/nothing.store", folder);
    world->types = keep(MOST_TYPES * sizeof *world->types);
    if (tokenstore_clock_new(START_MS, &world->clock, NULL) != TOKENSTORE_OK) {
        /* No line is played that could be blamed. */
        fprintf(stderr, "no clock could be made\n");
        exit(2);
    }
}

void end_world(world *world) {
    tokenstore_close(world->store, NULL);
    tokenstore_clock_close(world->clock);
    if (world->path != NULL) unlink(world->path);
}

tokenstore_options options_of(const world *world) {
    tokenstore_options options = {0};
    options.struct_size = sizeof options;
    options.clock = world->clock;
    options.key = world->key;
    options.max_events = world->max_events;
    return options;
}

tokenstore_store *store_of(world *world) {
    if (world->store == NULL) {
        tokenstore_options options = options_of(world);
        tokenstore_status status = tokenstore_open_in_memory(&options, &world->store, NULL);
        if (status != TOKENSTORE_OK) mistake("no store could be made: %s", tokenstore_status_name(status));
    }
    return world->store;
}

uint32_t type_number(const world *world, const char *name) {
    for (size_t n = 0; n < world->type_count; n++) {
        if (strcmp(world->types[n].name, name) == 0) return world->types[n].number;
    }
    if (strncmp(name, "number:", 7) != 0) mistake("no line declared the type `%s`", name);
    return (uint32_t)number(name + 7, UINT16_MAX);
}

const char *type_name(const world *world, uint32_t number_of_type) {
    for (size_t n = 0; n < world->type_count; n++) {
        if (world->types[n].number == number_of_type) return world->types[n].name;
    }
    return format("number:%u", (unsigned)number_of_type);
}

void name_type(world *world, const char *name, uint32_t number_of_type) {
    for (size_t n = 0; n < world->type_count; n++) {
        if (strcmp(world->types[n].name, name) != 0) continue;
        if (world->types[n].number != number_of_type) mistake("the type `%s` has another number", name);
        return;
    }
    if (world->type_count == MOST_TYPES) mistake("a store has more types than it may");
    known_type known = {name, number_of_type};
    world->types[world->type_count++] = known;
}

static known_token *found(const world *world, const char *name) {
    for (size_t n = 0; n < world->token_count; n++) {
        if (strcmp(world->tokens[n].name, name) == 0) return &world->tokens[n];
    }
    return NULL;
}

static const known_family *found_family(const world *world, const char *name) {
    for (size_t n = 0; n < world->family_count; n++) {
        if (strcmp(world->families[n].name, name) == 0) return &world->families[n];
    }
    return NULL;
}

known_token *token_named(world *world, const char *name) {
    known_token *known = found(world, name);
    if (known == NULL) mistake("no line made a token `%s`", name);
    return known;
}

const char *name_of(const world *world, const uint8_t id[16]) {
    for (size_t n = 0; n < world->token_count; n++) {
        if (memcmp(world->tokens[n].id, id, 16) == 0) return world->tokens[n].name;
    }
    for (size_t n = 0; n < world->family_count; n++) {
        if (memcmp(world->families[n].id, id, 16) == 0) return world->families[n].name;
    }
    return "?";
}

void must_be_free(const world *world, const char *name) {
    if (found(world, name) != NULL) mistake("there is a token `%s` already", name);
    if (found_family(world, name) != NULL) mistake("there is a family `%s` already", name);
}

/* A list of `count` things with room for one more. */
static void *with_room(void *list, size_t count, size_t *room, size_t size) {
    if (count < *room) return list;
    *room = 2 * *room + 16;
    void *larger = keep(*room * size);
    if (count > 0) memcpy(larger, list, count * size);
    return larger;
}

void name_family(world *world, const char *name, const uint8_t id[16]) {
    must_be_free(world, name);
    world->families = with_room(world->families, world->family_count, &world->family_room, sizeof *world->families);
    known_family *known = &world->families[world->family_count++];
    known->name = name;
    memcpy(known->id, id, 16);
}

void name_token(world *world, const char *name, const uint8_t id[16], tokenstore_bytes value, uint64_t revision) {
    must_be_free(world, name);
    tokenstore_token token;
    tokenstore_status status = read_token(world, id, &token);
    if (status != TOKENSTORE_OK) mistake("a new token cannot be read: %s", tokenstore_status_name(status));
    if (token.revision != revision) mistake("a new token has another revision than its creation said");
    world->tokens = with_room(world->tokens, world->token_count, &world->token_room, sizeof *world->tokens);
    known_token *known = &world->tokens[world->token_count++];
    memset(known, 0, sizeof *known);
    known->name = name;
    memcpy(known->id, id, 16);
    known->value.data = (const uint8_t *)copy_of((const char *)value.data, value.len);
    known->value.len = value.len;
}

void subject(world *world, const char *word, uint8_t id[16]) {
    const known_family *family = found_family(world, word);
    if (strncmp(word, "id:", 3) == 0) uuid_bytes(word + 3, id);
    else memcpy(id, family != NULL ? family->id : token_named(world, word)->id, 16);
}

tokenstore_status read_token(world *world, const uint8_t id[16], tokenstore_token *token) {
    tokenstore_error error;
    size_t needed = 0;
    memset(token, 0, sizeof *token);
    token->struct_size = sizeof *token;
    /* First how much room it takes, then just so much of it. */
    tokenstore_status status = tokenstore_token_get(store_of(world), id, token, NULL, 0, &needed, &error);
    of_status(status, &error);
    if (status == TOKENSTORE_OK) mistake("a token was read without a buffer");
    if (!is_zero((char *)token + sizeof token->struct_size, sizeof *token - sizeof token->struct_size)) {
        mistake("a read that failed wrote a token");
    }
    if (status != TOKENSTORE_BUFFER_TOO_SMALL) return status;
    return tokenstore_token_get(store_of(world), id, token, keep(needed), needed, &needed, NULL);
}

args arguments(pieces words) {
    args args;
    memset(&args, 0, sizeof args);
    args.plain.at = keep(words.count * sizeof *args.plain.at);
    for (size_t n = 0; n < words.count; n++) {
        char *word = expand(words.at[n]), *equals = strchr(word, '=');
        if (equals == NULL) {
            args.plain.at[args.plain.count++] = word;
            continue;
        }
        *equals = 0;
        for (size_t other = 0; other < args.named_count; other++) {
            if (strcmp(args.named[other].key, word) == 0) mistake("`%s` is given twice", word);
        }
        if (args.named_count == sizeof args.named / sizeof *args.named) mistake("more keys than any operation has");
        args.named[args.named_count].key = word;
        args.named[args.named_count++].value = equals + 1;
    }
    return args;
}

char *next_word(args *args, const char *what) {
    if (args->next < args->plain.count) return args->plain.at[args->next++];
    if (what != NULL) mistake("%s is missing", what);
    return NULL;
}

char *take(args *args, const char *key) {
    for (size_t n = 0; n < args->named_count; n++) {
        if (strcmp(args->named[n].key, key) != 0) continue;
        char *value = args->named[n].value;
        args->named[n] = args->named[--args->named_count];
        return value;
    }
    return NULL;
}

char *take_required(args *args, const char *key) {
    char *value = take(args, key);
    if (value == NULL) mistake("`%s=` is missing", key);
    return value;
}

int take_flag(args *args, const char *key, int otherwise) {
    const char *value = take(args, key);
    if (value == NULL) return otherwise;
    if (strcmp(value, "yes") != 0 && strcmp(value, "no") != 0) mistake("`%s` is yes or no, not `%s`", key, value);
    return strcmp(value, "yes") == 0;
}

int take_bytes(args *args, const char *key, tokenstore_bytes *bytes) {
    const char *value = take(args, key);
    if (value != NULL) *bytes = decode(value);
    return value != NULL;
}

int take_text(args *args, const char *key, tokenstore_bytes *text) {
    const char *value = take(args, key);
    if (value != NULL) *text = decode_utf8(value);
    return value != NULL;
}

int take_number(args *args, const char *key, uint64_t most, uint64_t *taken) {
    const char *value = take(args, key);
    if (value != NULL) *taken = number(value, most);
    return value != NULL;
}

void finish(const args *args) {
    if (args->next < args->plain.count) mistake("this operation knows no `%s`", args->plain.at[args->next]);
    if (args->named_count > 0) mistake("this operation knows no `%s`", args->named[0].key);
}

answer *answered(const char *result) {
    answer *made = keep(sizeof *made);
    made->result = result;
    return made;
}

answer *of_status(tokenstore_status status, const tokenstore_error *error) {
    if (status != TOKENSTORE_OK && error != NULL) {
        if (error->status != status)
            mistake("%s, but the error says %s", tokenstore_status_name(status), tokenstore_status_name(error->status));
        if (error->message[0] == 0 || memchr(error->message, 0, sizeof error->message) == NULL) {
            mistake("%s has no message, or one without an end", tokenstore_status_name(status));
        }
    }
    return answered(tokenstore_status_name(status));
}

answer *of_change(tokenstore_status status, const tokenstore_error *error, const tokenstore_change *change) {
    answer *made = of_status(status, error);
    if (status != TOKENSTORE_OK) {
        if (!is_zero(change, sizeof *change)) mistake("a change that failed says that it did something");
        return made;
    }
    if (change->changed > 1 || change->reserved != 0) mistake("a change says neither 0 nor 1");
    made->result = change->changed == 1 ? "CHANGED" : "UNCHANGED";
    field_number(made, "revision", change->revision);
    return made;
}

answer *unsayable(const char *result) {
    answer *made = answered(result);
    made->unsayable = 1;
    return made;
}

void field(answer *answer, const char *name, const char *value) {
    if (answer->field_count == sizeof answer->fields / sizeof *answer->fields) mistake("an answer has too many fields");
    answer->fields[answer->field_count].name = name;
    answer->fields[answer->field_count++].value = value;
}

void field_number(answer *answer, const char *name, uint64_t value) {
    field(answer, name, format("%llu", (unsigned long long)value));
}

void field_time(answer *answer, const char *name, int64_t ms, const char *never) {
    field(answer, name, ms == TOKENSTORE_NEVER ? never : format("%lld", (long long)(ms - START_MS)));
}

char *answer_text(const answer *answer) {
    char *text = copy_of(answer->result, strlen(answer->result));
    for (size_t n = 0; n < answer->field_count; n++) {
        const char *value = answer->fields[n].value;
        text = format("%s %s=%.120s%s", text, answer->fields[n].name, value, strlen(value) > 120 ? "..." : "");
    }
    return text;
}

static const char *value_of(const answer *answer, const char *name) {
    for (size_t n = 0; n < answer->field_count; n++) {
        if (strcmp(answer->fields[n].name, name) == 0) return answer->fields[n].value;
    }
    return NULL;
}

const char *difference(const answer *answer, pieces expected) {
    int same = strcmp(answer->result, expected.at[0]) == 0;
    const char *unknown = NULL;
    for (size_t n = 1; n < expected.count; n++) {
        char *word = expected.at[n], *equals = strchr(word, '=');
        char *name = copy_of(word, (size_t)(equals - word));
        const char *came = value_of(answer, name);
        if (came == NULL) unknown = name;
        else if (strcmp(came, expand(equals + 1)) != 0) same = 0;
    }
    if (unknown != NULL && strcmp(answer->result, expected.at[0]) == 0) {
        return format("there is no field `%s` in %s", unknown, answer_text(answer));
    }
    return same && unknown == NULL ? NULL : answer_text(answer);
}

int is_zero(const void *memory, size_t len) {
    const uint8_t *bytes = memory;
    for (size_t n = 0; n < len; n++) {
        if (bytes[n] != 0) return 0;
    }
    return 1;
}

int64_t time_at(int64_t ms) {
    if (ms > TOKENSTORE_NEVER - 1 - START_MS) mistake("%lld is beyond any calendar", (long long)ms);
    return START_MS + ms;
}
