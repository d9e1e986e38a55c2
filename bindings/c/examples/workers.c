/* A service of several processes that have one store open: what one revokes, the very next verify of every other
 * refuses. Takes the path of a store, which is made. */
#define _POSIX_C_SOURCE 200809L
#include <tokenstore.h>

#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static tokenstore_bytes text(const char *text) {
    tokenstore_bytes bytes;
    bytes.data = (const uint8_t *)text;
    bytes.len = strlen(text);
    return bytes;
}

static int failed(const char *what, const tokenstore_error *error) {
    fprintf(stderr, "%s: %s: %s\n", what, tokenstore_status_name(error->status), (const char *)error->message);
    return 1;
}

/* Opened before the workers are forked, each of which goes on with an opening of its own from its first call on. A
 * worker may as well open the store by itself. */
static tokenstore_status make_shared(const char *path, tokenstore_store **store, tokenstore_error *error) {
    tokenstore_options options = {.struct_size = sizeof options};
    options.flags = TOKENSTORE_SHARED;
    return tokenstore_create(path, &options, store, error);
}

/* What a token is worth in this process now. */
static void judge(const tokenstore_store *store, const char *who, const uint8_t *value, size_t len) {
    tokenstore_query query = {.struct_size = sizeof query};
    tokenstore_verdict verdict;
    query.flags = TOKENSTORE_ANY_TYPE;
    tokenstore_status status = tokenstore_verify(store, value, len, &query, &verdict);
    printf("%s: %s\n", who, tokenstore_status_name(status));
    fflush(stdout);
}

/* The same for an event loop, which must not wait: TOKENSTORE_STALE if another process changed the store since the last
 * answer. Then a thread that may wait asks again, without the flag. */
static tokenstore_status judge_at_once(const tokenstore_store *store, const uint8_t *value, size_t len) {
    tokenstore_query query = {.struct_size = sizeof query};
    tokenstore_verdict verdict;
    query.flags = TOKENSTORE_ANY_TYPE | TOKENSTORE_NO_WAIT;
    return tokenstore_verify(store, value, len, &query, &verdict);
}

/* A worker accepts a token, and then revokes it. Its exit status. */
static int work(tokenstore_store *store, const uint8_t *value, size_t len) {
    tokenstore_error error;
    judge(store, "a worker", value, len);
    if (tokenstore_value_revoke(store, value, len, NULL, 0, NULL, 0, NULL, &error) != TOKENSTORE_OK) {
        return failed("revoke", &error);
    }
    judge(store, "a worker that revoked it", value, len);
    return tokenstore_close(store, &error) == TOKENSTORE_OK ? 0 : failed("close", &error);
}

int main(int argc, char **argv) {
    tokenstore_store *store = NULL;
    tokenstore_error error;
    if (argc != 2) {
        fprintf(stderr, "usage: workers STORE\n");
        return 2;
    }
    if (make_shared(argv[1], &store, &error) != TOKENSTORE_OK) return failed(argv[1], &error);

    tokenstore_policy policy = {.struct_size = sizeof policy};
    tokenstore_new_token token = {.struct_size = sizeof token};
    tokenstore_created created;
    uint8_t value[TOKENSTORE_VALUE_BYTES];
    size_t len = 0;
    policy.name = policy.prefix = text("key");
    token.owner = text("acme");
    if (tokenstore_type_declare(store, &policy, &token.type, &error) != TOKENSTORE_OK) return failed("key", &error);
    if (tokenstore_token_create(store, &token, value, sizeof value, &len, &created, &error) != TOKENSTORE_OK) {
        return failed("create", &error);
    }
    judge(store, "the parent", value, len);

    pid_t worker = fork();
    if (worker == 0) _exit(work(store, value, len));
    int status = 1;
    if (worker < 0 || waitpid(worker, &status, 0) != worker || status != 0) return 1;

    printf("the parent, at once: %s\n", tokenstore_status_name(judge_at_once(store, value, len)));
    judge(store, "the parent", value, len);
    printf("the parent, at once: %s\n", tokenstore_status_name(judge_at_once(store, value, len)));
    tokenstore_memzero(value, sizeof value);
    return tokenstore_close(store, &error) == TOKENSTORE_OK ? 0 : failed("close", &error);
}
