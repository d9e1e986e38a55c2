/* The library is loaded, used by threads, and let go while they live. It stays, because what it left with the threads
 * is called when they end; and what was opened before works on.
 *
 * unloaded FOLDER [quick]: makes its file in the folder. Not linked with the library: it finds it by its name. */
#define _POSIX_C_SOURCE 200809L
#include "tokenstore.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { THREADS = 8 };

static long checks = 0;

static void check(int holds, const char *what, int line) {
    if (!holds) {
        fprintf(stderr, "unloaded.c:%d: %s\n", line, what);
        exit(1);
    }
    __atomic_add_fetch(&checks, 1, __ATOMIC_RELAXED);
}
#define CHECK(what) check((what) != 0, #what, __LINE__)

/* The calls that are used here, by pointers. */
static struct {
    tokenstore_status (*create)(const char *, const tokenstore_options *, tokenstore_store **, tokenstore_error *);
    tokenstore_status (*close)(tokenstore_store *, tokenstore_error *);
    tokenstore_status (*declare)(const tokenstore_store *, const tokenstore_policy *, uint32_t *, tokenstore_error *);
    tokenstore_status (*make)(const tokenstore_store *, const tokenstore_new_token *, uint8_t *, size_t, size_t *,
                              tokenstore_created *, tokenstore_error *);
    tokenstore_status (*verify)(const tokenstore_store *, const uint8_t *, size_t, const tokenstore_query *,
                                tokenstore_verdict *);
} api;

/* A function's pointer, in the one way that C allows. */
static void find(void *library, const char *name, void *pointer) {
    void *found = dlsym(library, name);
    CHECK(found != NULL);
    memcpy(pointer, &found, sizeof found);
}

static void *load(void) {
    void *library = dlopen("libtokenstore.so.0", RTLD_NOW | RTLD_LOCAL);
    if (library == NULL) fprintf(stderr, "%s\n", dlerror());
    CHECK(library != NULL);
    find(library, "tokenstore_create", &api.create);
    find(library, "tokenstore_close", &api.close);
    find(library, "tokenstore_type_declare", &api.declare);
    find(library, "tokenstore_token_create", &api.make);
    find(library, "tokenstore_verify", &api.verify);
    return library;
}

static tokenstore_store *store;
static uint32_t type;
static pthread_barrier_t used, unloaded;

static void use(void) {
    tokenstore_new_token token = {0};
    tokenstore_query query = {0};
    tokenstore_created created;
    tokenstore_verdict verdict;
    uint8_t value[TOKENSTORE_VALUE_BYTES];
    size_t len;
    token.struct_size = sizeof token;
    token.type = type;
    token.owner.data = (const uint8_t *)"acme";
    token.owner.len = 4;
    query.struct_size = sizeof query;
    query.type = type;
    CHECK(api.make(store, &token, value, sizeof value, &len, &created, NULL) == TOKENSTORE_OK);
    CHECK(api.verify(store, value, len, &query, &verdict) == TOKENSTORE_OK);
}

static void *work(void *number) {
    use();
    pthread_barrier_wait(&used);
    pthread_barrier_wait(&unloaded);
    /* Every other thread calls once more; all end, and what the library left with them is run. */
    if ((size_t)number % 2 == 0) use();
    return NULL;
}

int main(int argc, char **argv) {
    if (argc < 2) return 2;
    int rounds = argc > 2 && strcmp(argv[2], "quick") == 0 ? 1 : 5;
    CHECK(dlopen("libtokenstore.so.0", RTLD_NOW | RTLD_NOLOAD) == NULL);
    char path[4096];
    CHECK(snprintf(path, sizeof path, "%s/unloaded.store", argv[1]) < (int)sizeof path);
    tokenstore_policy policy = {0};
    policy.struct_size = sizeof policy;
    policy.name.data = policy.prefix.data = (const uint8_t *)"srv";
    policy.name.len = policy.prefix.len = 3;
    for (int round = 0; round < rounds; round++) {
        void *library = load();
        CHECK(api.create(path, NULL, &store, NULL) == TOKENSTORE_OK);
        CHECK(api.declare(store, &policy, &type, NULL) == TOKENSTORE_OK);
        pthread_t threads[THREADS];
        CHECK(pthread_barrier_init(&used, NULL, THREADS + 1) == 0 &&
              pthread_barrier_init(&unloaded, NULL, THREADS + 1) == 0);
        for (size_t n = 0; n < THREADS; n++) CHECK(pthread_create(&threads[n], NULL, work, (void *)n) == 0);
        pthread_barrier_wait(&used);
        CHECK(dlclose(library) == 0);
        void *still = dlopen("libtokenstore.so.0", RTLD_NOW | RTLD_NOLOAD);
        CHECK(still != NULL);
        CHECK(dlclose(still) == 0);
        pthread_barrier_wait(&unloaded);
        for (size_t n = 0; n < THREADS; n++) CHECK(pthread_join(threads[n], NULL) == 0);
        pthread_barrier_destroy(&used);
        pthread_barrier_destroy(&unloaded);
        use();
        CHECK(api.close(store, NULL) == TOKENSTORE_OK);
        CHECK(remove(path) == 0);
    }
    printf("C after dlclose: %d times %d threads ended, %ld checks passed\n", rounds, THREADS, checks);
    return 0;
}
