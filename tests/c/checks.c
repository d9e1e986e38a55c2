#include "checks.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static long passed = 0;

void check_at(int holds, const char *what, const char *file, int line) {
    if (!holds) {
        fprintf(stderr, "%s:%d: %s\n", file, line, what);
        exit(1);
    }
    __atomic_add_fetch(&passed, 1, __ATOMIC_RELAXED);
}

void is_at(tokenstore_status status, tokenstore_status expected, const char *what, const char *file, int line) {
    if (status != expected) fprintf(stderr, "%s came\n", tokenstore_status_name(status));
    check_at(status == expected, what, file, line);
}

long checks_passed(void) { return __atomic_load_n(&passed, __ATOMIC_RELAXED); }

tokenstore_bytes text(const char *text) {
    tokenstore_bytes bytes = {(const uint8_t *)text, strlen(text)};
    return bytes;
}

int is_text(tokenstore_bytes bytes, const char *text) {
    return bytes.len == strlen(text) && (bytes.len == 0 || memcmp(bytes.data, text, bytes.len) == 0);
}

int holds_only(const void *memory, size_t len, uint8_t byte) {
    for (size_t n = 0; n < len; n++) {
        if (((const uint8_t *)memory)[n] != byte) return 0;
    }
    return 1;
}

tokenstore_clock *noon(void) {
    tokenstore_clock *clock;
    IS(tokenstore_clock_new(NOON_MS, &clock, NULL), TOKENSTORE_OK);
    return clock;
}

tokenstore_store *in_memory(const tokenstore_clock *clock) {
    tokenstore_options options = {0};
    tokenstore_store *store;
    options.struct_size = sizeof options;
    options.clock = clock;
    IS(tokenstore_open_in_memory(&options, &store, NULL), TOKENSTORE_OK);
    return store;
}

uint32_t declare(const tokenstore_store *store, const char *name, const char *prefix, uint32_t flags) {
    tokenstore_policy policy = {0};
    uint32_t type = 0;
    policy.struct_size = sizeof policy;
    policy.name = text(name);
    policy.prefix = text(prefix);
    policy.flags = flags;
    IS(tokenstore_type_declare(store, &policy, &type, NULL), TOKENSTORE_OK);
    CHECK(type >= 1);
    return type;
}

tokenstore_new_token new_token(uint32_t type, const char *owner) {
    tokenstore_new_token token = {0};
    token.struct_size = sizeof token;
    token.type = type;
    token.owner = text(owner);
    return token;
}

made make(const tokenstore_store *store, const tokenstore_new_token *token) {
    made made;
    tokenstore_created created;
    IS(tokenstore_token_create(store, token, made.value, sizeof made.value, &made.len, &created, NULL), TOKENSTORE_OK);
    memcpy(made.id, created.id, 16);
    made.revision = created.revision;
    return made;
}

tokenstore_target target_of(const made *made) {
    tokenstore_target target = {0};
    target.struct_size = sizeof target;
    memcpy(target.id, made->id, 16);
    return target;
}

tokenstore_query query_of(uint32_t type) {
    tokenstore_query query = {0};
    query.struct_size = sizeof query;
    query.type = type;
    query.flags = type == 0 ? TOKENSTORE_ANY_TYPE : 0;
    return query;
}

tokenstore_status judge(const tokenstore_store *store, const made *made, uint32_t type) {
    tokenstore_query query = query_of(type);
    tokenstore_verdict verdict;
    tokenstore_status status = tokenstore_verify(store, made->value, made->len, &query, &verdict);
    CHECK(verdict.status == status && verdict.allowed == (status == TOKENSTORE_OK ? 1u : 0u));
    return status;
}

tokenstore_verdict verdict_of(const tokenstore_store *store, const made *made, tokenstore_status expected) {
    tokenstore_query query = query_of(0);
    tokenstore_verdict verdict;
    IS(tokenstore_verify(store, made->value, made->len, &query, &verdict), expected);
    return verdict;
}

tokenstore_token read_back(const tokenstore_store *store, const made *made) {
    static __thread union {
        uint8_t bytes[100000];
        uint64_t aligned;
    } buffer;
    tokenstore_token token = {0};
    size_t needed = 0;
    token.struct_size = sizeof token;
    IS(tokenstore_token_get(store, made->id, &token, buffer.bytes, sizeof buffer.bytes, &needed, NULL), TOKENSTORE_OK);
    return token;
}

uint64_t token_count(const tokenstore_store *store) {
    tokenstore_stats stats = {0};
    stats.struct_size = sizeof stats;
    IS(tokenstore_get_stats(store, &stats, NULL), TOKENSTORE_OK);
    return stats.tokens;
}

const char *path_in(const char *folder, const char *name) {
    static char path[4096];
    CHECK(snprintf(path, sizeof path, "%s/%s", folder, name) < (int)sizeof path);
    return path;
}

void copy_file(const char *from, const char *to, long flip) {
    FILE *source = fopen(from, "rb"), *copy = fopen(to, "wb");
    CHECK(source != NULL && copy != NULL);
    long len = 0;
    for (int byte; (byte = getc(source)) != EOF; len++) putc(len == flip ? byte ^ 0x10 : byte, copy);
    CHECK(fclose(source) == 0 && fclose(copy) == 0);
}

tokenstore_store *open_copy(const char *path, const char *folder, const tokenstore_options *options) {
    char copy[4096];
    tokenstore_store *store = NULL;
    strcpy(copy, path_in(folder, "copy.store"));
    remove(copy);
    copy_file(path, copy, -1);
    IS(tokenstore_open(copy, options, &store, NULL), TOKENSTORE_OK);
    remove(copy);
    return store;
}
