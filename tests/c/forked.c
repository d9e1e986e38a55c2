/* A store that is not shared belongs to the process that opened it. A child that was forked is told so by every call,
 * and by its close, which lets go of nothing: the parent goes on beside it, and its file is whole when it is opened
 * again.
 *
 * forked FOLDER [quick] [alone]: makes its files in the folder. "quick" does less; "alone" forks while no other thread
 * of the parent is in the middle of a call, for tools under which such a child could not go on. */
#define _POSIX_C_SOURCE 200809L
#include "every_call.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static int stop = 0;
static const tokenstore_store *busy_store;
static made busy_token;
static uint32_t type;

/* A thread that keeps the parent's locks busy while it forks. */
static void *keep_busy(void *unused) {
    (void)unused;
    while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
        tokenstore_target target = target_of(&busy_token);
        IS(tokenstore_token_disable(busy_store, &target, NULL, NULL), TOKENSTORE_OK);
        IS(tokenstore_token_enable(busy_store, &target, NULL, NULL), TOKENSTORE_OK);
    }
    return NULL;
}

/* What the child does; its exit status is 0 if all was as it must be. */
static void in_child(tokenstore_store *store, tokenstore_store *memory, tokenstore_list *list, const char *path, const char *own) {
    tokenstore_token token = {0};
    tokenstore_error error;
    uint8_t buffer[256];
    size_t needed;
    token.struct_size = sizeof token;
    tokenstore_store *handles[] = {store, memory};
    for (int n = 0; n < 2; n++) {
        every_verify(handles[n], TOKENSTORE_FORKED);
        every_read(handles[n], TOKENSTORE_FORKED);
        every_change(handles[n], TOKENSTORE_FORKED);
    }
    IS(tokenstore_list_next(list, &token, buffer, sizeof buffer, &needed, &error), TOKENSTORE_FORKED);
    for (int n = 0; n < 2; n++) {
        IS(tokenstore_close(handles[n], &error), TOKENSTORE_FORKED);
        CHECK(error.status == TOKENSTORE_FORKED);
        tokenstore_status again = tokenstore_close(handles[n], NULL);
        CHECK(again == TOKENSTORE_FORKED || again == TOKENSTORE_CLOSED);
    }
    IS(tokenstore_list_close(list), TOKENSTORE_OK);
    /* The parent still has its file, and the child can have one of its own. */
    tokenstore_options shared = {0};
    shared.struct_size = sizeof shared;
    shared.flags = TOKENSTORE_SHARED;
    IS(tokenstore_open(path, NULL, &store, &error), TOKENSTORE_LOCKED);
    IS(tokenstore_open(path, &shared, &store, &error), TOKENSTORE_LOCKED);
    IS(tokenstore_create(own, NULL, &store, NULL), TOKENSTORE_OK);
    uint32_t its = declare(store, "server", "srv", 0);
    tokenstore_new_token new = new_token(its, "acme");
    made made = make(store, &new);
    IS(judge(store, &made, its), TOKENSTORE_OK);
    IS(tokenstore_close(store, NULL), TOKENSTORE_OK);
    CHECK(unlink(own) == 0);
}

int main(int argc, char **argv) {
    if (argc < 2) return 2;
    int forks = 20, is_alone = 0;
    for (int n = 2; n < argc; n++) {
        if (strcmp(argv[n], "quick") == 0) forks = 2;
        if (strcmp(argv[n], "alone") == 0) is_alone = 1;
    }
    char path[4096], own[4096];
    tokenstore_store *store, *memory = in_memory(NULL);
    strcpy(path, path_in(argv[1], "forked.store"));
    strcpy(own, path_in(argv[1], "child.store"));
    IS(tokenstore_create(path, NULL, &store, NULL), TOKENSTORE_OK);
    type = declare(store, "server", "srv", TOKENSTORE_TYPE_EXTERNAL);
    declare(memory, "server", "srv", TOKENSTORE_TYPE_EXTERNAL);
    tokenstore_new_token new = new_token(type, "acme");
    busy_store = store;
    busy_token = make(store, &new);
    made tokens[20];
    pthread_t thread;
    if (!is_alone) CHECK(pthread_create(&thread, NULL, keep_busy, NULL) == 0);
    for (int n = 0; n < forks; n++) {
        tokenstore_list *list;
        IS(tokenstore_list_open(store, NULL, &list, NULL), TOKENSTORE_OK);
        fflush(stdout);
        pid_t child = fork();
        CHECK(child >= 0);
        if (child == 0) {
            alarm(60);
            in_child(store, memory, list, path, own);
            _exit(0);
        }
        /* The parent goes on while the child lives, and afterwards. */
        tokens[n] = make(store, &new);
        IS(judge(store, &tokens[n], type), TOKENSTORE_OK);
        int status = -1;
        alarm(60);
        CHECK(waitpid(child, &status, 0) == child);
        CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
        tokenstore_target target = target_of(&tokens[n]);
        if (n % 2 == 1) IS(tokenstore_token_revoke(store, &target, NULL, NULL), TOKENSTORE_OK);
        IS(judge(store, &tokens[n], type), n % 2 == 1 ? TOKENSTORE_REVOKED : TOKENSTORE_OK);
        IS(tokenstore_list_close(list), TOKENSTORE_OK);
    }
    __atomic_store_n(&stop, 1, __ATOMIC_RELAXED);
    if (!is_alone) CHECK(pthread_join(thread, NULL) == 0);
    IS(tokenstore_close(store, NULL), TOKENSTORE_OK);
    IS(tokenstore_close(memory, NULL), TOKENSTORE_OK);
    IS(tokenstore_open(path, NULL, &store, NULL), TOKENSTORE_OK);
    CHECK(token_count(store) == (uint64_t)forks + 1);
    for (int n = 0; n < forks; n++) IS(judge(store, &tokens[n], type), n % 2 == 1 ? TOKENSTORE_REVOKED : TOKENSTORE_OK);
    IS(judge(store, &busy_token, type), TOKENSTORE_OK);
    IS(tokenstore_close(store, NULL), TOKENSTORE_OK);
    CHECK(unlink(path) == 0);
    printf("C across fork: %d children, %ld checks passed in their parent\n", forks, checks_passed());
    return 0;
}
