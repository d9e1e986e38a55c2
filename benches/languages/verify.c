/* The contender in C. */
#include "child.h"
#include "tokenstore.h"

#include <string.h>

static void *open_store(const char *path, uint32_t *type) {
    tokenstore_store *store = NULL;
    tokenstore_error error;
    tokenstore_options options = {.struct_size = sizeof options, .use_resolution_ms = USE_RESOLUTION_MS};
    if (tokenstore_open(path, &options, &store, &error) != TOKENSTORE_OK ||
        tokenstore_type_find(store, (const uint8_t *)TYPE_NAME, strlen(TYPE_NAME), type, &error) != TOKENSTORE_OK) {
        give_up(path, (const char *)error.message);
    }
    return store;
}

static void close_store(void *store) {
    tokenstore_error error;
    if (tokenstore_close(store, &error) != TOKENSTORE_OK) give_up("close", (const char *)error.message);
}

static size_t each(const tokenstore_store *store, const tokenstore_query *query, values asked) {
    size_t right = 0;
    for (size_t i = 0; i < asked.count; i++) {
        tokenstore_verdict verdict;
        tokenstore_status status =
            tokenstore_verify(store, asked.bytes + i * asked.width, asked.width, query, &verdict);
        right += status == TOKENSTORE_OK && verdict.app_word == asked.numbers[i];
    }
    return right;
}

static size_t single(void *store, uint32_t type, values asked) {
    tokenstore_query query = {.struct_size = sizeof query, .type = type};
    return each(store, &query, asked);
}

static size_t project(void *store, uint32_t type, values asked) {
    tokenstore_query query = {.struct_size = sizeof query, .type = type, .flags = TOKENSTORE_CHECK_PROJECT};
    query.project = (const uint8_t *)PROJECT;
    query.project_len = strlen(PROJECT);
    return each(store, &query, asked);
}

static size_t batch(void *store, uint32_t type, values asked) {
    tokenstore_query query = {.struct_size = sizeof query, .type = type};
    tokenstore_verdict verdicts[BATCH];
    size_t right = 0;
    for (size_t first = 0; first < asked.count; first += BATCH) {
        size_t count = asked.count - first < BATCH ? asked.count - first : BATCH;
        const uint8_t *bytes = asked.bytes + first * asked.width;
        if (tokenstore_verify_many(store, bytes, asked.width, NULL, count, &query, verdicts) != TOKENSTORE_OK) continue;
        for (size_t i = 0; i < count; i++) right += verdicts[i].app_word == asked.numbers[first + i];
    }
    return right;
}

int main(int argc, char **argv) {
    const contender in_c = {open_store, close_store, single, project, batch};
    return child(argc, argv, &in_c);
}
