/* Versions, clocks, and stores in files: made, opened, closed, under keys. */
#define _POSIX_C_SOURCE 200809L
#include "calls.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void versions_and_statuses(void) {
    CHECK(tokenstore_version_number() == TOKENSTORE_VERSION_NUMBER);
    CHECK(tokenstore_abi() == TOKENSTORE_ABI);
    CHECK(TOKENSTORE_VERSION_NUMBER ==
          TOKENSTORE_VERSION_MAJOR * 1000000 + TOKENSTORE_VERSION_MINOR * 1000 + TOKENSTORE_VERSION_PATCH);
    char composed[32];
    snprintf(composed, sizeof composed, "%d.%d.%d", TOKENSTORE_VERSION_MAJOR, TOKENSTORE_VERSION_MINOR,
             TOKENSTORE_VERSION_PATCH);
    CHECK(strcmp(composed, tokenstore_version_text()) == 0);
    CHECK(tokenstore_version_text() == tokenstore_version_text());
#define NAMED(status) CHECK(strcmp(tokenstore_status_name(TOKENSTORE_##status), #status) == 0)
    NAMED(OK), NAMED(MALFORMED), NAMED(UNKNOWN), NAMED(REVOKED), NAMED(SUPERSEDED), NAMED(USED), NAMED(EXPIRED);
    NAMED(DISABLED), NAMED(WRONG_TYPE), NAMED(WRONG_BINDING), NAMED(NO_GRANT), NAMED(MUST_REFRESH);
    NAMED(MUST_CONSUME), NAMED(SOME_REFUSED), NAMED(STALE), NAMED(REUSED), NAMED(NOT_COUNTED);
    NAMED(NOT_FOUND), NAMED(NAME_TAKEN), NAMED(VALUE_EXISTS);
    NAMED(TYPE_CONFLICT), NAMED(REVISION_CONFLICT), NAMED(GRANT_IS_ALL), NAMED(LIMIT_REACHED), NAMED(END);
    NAMED(INVALID_ARGUMENT), NAMED(BUFFER_TOO_SMALL), NAMED(ALREADY_EXISTS), NAMED(IO), NAMED(CORRUPT);
    NAMED(ROLLED_BACK), NAMED(WRONG_KEY), NAMED(UNSUPPORTED), NAMED(LOCKED), NAMED(BUSY), NAMED(CLOSED), NAMED(FORKED);
    NAMED(COMMIT_UNKNOWN), NAMED(POISONED), NAMED(PANIC);
    static const tokenstore_status none[] = {-1, 17, 19, 28, 99, 115, 9999, INT32_MAX, INT32_MIN};
    for (size_t n = 0; n < sizeof none / sizeof *none; n++) CHECK(strcmp(tokenstore_status_name(none[n]), "?") == 0);

    uint8_t memory[40];
    memset(memory, 7, sizeof memory);
    tokenstore_memzero(memory + 4, 32);
    CHECK(holds_only(memory, 4, 7) && holds_only(memory + 4, 32, 0) && holds_only(memory + 36, 4, 7));
    tokenstore_memzero(memory, 0);
    tokenstore_memzero(NULL, 0);
    tokenstore_memzero(NULL, SIZE_MAX);
    CHECK(memory[0] == 7);
}

void clocks(void) {
    tokenstore_clock *clock = NULL;
    int64_t now = 0;
    IS(tokenstore_clock_new(NOON_MS, &clock, NULL), TOKENSTORE_OK);
    IS(tokenstore_clock_now(clock, &now), TOKENSTORE_OK);
    CHECK(now == NOON_MS);
    IS(tokenstore_clock_advance(clock, 1500), TOKENSTORE_OK);
    IS(tokenstore_clock_now(clock, &now), TOKENSTORE_OK);
    CHECK(now == NOON_MS + 1500);
    IS(tokenstore_clock_set(clock, NOON_MS - 1), TOKENSTORE_OK);
    IS(tokenstore_clock_now(clock, &now), TOKENSTORE_OK);
    CHECK(now == NOON_MS - 1);
    IS(tokenstore_clock_set(clock, INT64_MAX), TOKENSTORE_INVALID_ARGUMENT);
    IS(tokenstore_clock_set(clock, INT64_MIN), TOKENSTORE_INVALID_ARGUMENT);
    IS(tokenstore_clock_now(clock, &now), TOKENSTORE_OK);
    CHECK(now == NOON_MS - 1);
    IS(tokenstore_clock_now(clock, NULL), TOKENSTORE_INVALID_ARGUMENT);
    IS(tokenstore_clock_now(NULL, &now), TOKENSTORE_INVALID_ARGUMENT);
    IS(tokenstore_clock_advance(NULL, 1), TOKENSTORE_INVALID_ARGUMENT);
    IS(tokenstore_clock_set(NULL, 1), TOKENSTORE_INVALID_ARGUMENT);
    tokenstore_error error;
    tokenstore_clock *none = clock;
    IS(tokenstore_clock_new(INT64_MAX, &none, &error), TOKENSTORE_INVALID_ARGUMENT);
    CHECK(none == NULL && error.status == TOKENSTORE_INVALID_ARGUMENT);
    IS(tokenstore_clock_new(NOON_MS, NULL, NULL), TOKENSTORE_INVALID_ARGUMENT);

    /* A store keeps the clock that was let go, and it stands. */
    tokenstore_store *store = in_memory(clock);
    uint32_t type = declare(store, "server", "srv", 0);
    IS(tokenstore_clock_close(clock), TOKENSTORE_OK);
    IS(tokenstore_clock_close(clock), TOKENSTORE_CLOSED);
    IS(tokenstore_clock_close(NULL), TOKENSTORE_OK);
    IS(tokenstore_clock_now(clock, &now), TOKENSTORE_CLOSED);
    IS(tokenstore_clock_advance(clock, 1), TOKENSTORE_CLOSED);
    IS(tokenstore_clock_set(clock, NOON_MS), TOKENSTORE_CLOSED);
    tokenstore_new_token token = new_token(type, "acme");
    made made = make(store, &token);
    CHECK(read_back(store, &made).created_ms == NOON_MS - 1);
    tokenstore_options options = {0};
    tokenstore_store *other = store;
    options.struct_size = sizeof options;
    options.clock = clock;
    IS(tokenstore_open_in_memory(&options, &other, NULL), TOKENSTORE_CLOSED);
    CHECK(other == NULL);
    IS(tokenstore_close(store, NULL), TOKENSTORE_OK);
}

/* A file of which the first 4 KiB are those of one, and the rest is that of another. */
static void join_files(const char *head, const char *rest, const char *to) {
    FILE *first = fopen(head, "rb"), *second = fopen(rest, "rb"), *joined = fopen(to, "wb");
    CHECK(first != NULL && second != NULL && joined != NULL);
    for (long at = 0, byte; (byte = getc(second)) != EOF; at++) {
        int other = getc(first);
        putc(at < 4096 ? other : (int)byte, joined);
    }
    CHECK(fclose(first) == 0 && fclose(second) == 0 && fclose(joined) == 0);
}

/* Writes the number of a format that is still to come into both copies of a file's head. */
static void make_newer(const char *path) {
    FILE *file = fopen(path, "r+b");
    CHECK(file != NULL);
    for (long copy = 0; copy < 1024; copy += 512) CHECK(fseek(file, copy + 16, SEEK_SET) == 0 && putc(9, file) == 9);
    CHECK(fclose(file) == 0);
}

static void fails_to_open(const char *path, tokenstore_status expected) {
    tokenstore_store *store = (tokenstore_store *)&store;
    tokenstore_error error;
    IS(tokenstore_open(path, NULL, &store, &error), expected);
    CHECK(store == NULL && error.status == expected && error.message[0] != 0);
}

static void fails_to_make(const char *path) {
    tokenstore_store *store = (tokenstore_store *)&store;
    tokenstore_error error;
    IS(tokenstore_create(path, NULL, &store, &error), TOKENSTORE_ALREADY_EXISTS);
    CHECK(store == NULL && error.status == TOKENSTORE_ALREADY_EXISTS && error.message[0] != 0);
}

static void refuses_options(const tokenstore_options *options) {
    tokenstore_store *store = (tokenstore_store *)&store;
    IS(tokenstore_open_in_memory(options, &store, NULL), TOKENSTORE_INVALID_ARGUMENT);
    CHECK(store == NULL);
}

void making_and_opening(const char *folder) {
    char path[4096], other[4096];
    tokenstore_store *store = (tokenstore_store *)&store, *second = (tokenstore_store *)&store;
    tokenstore_error error;
    strcpy(path, path_in(folder, "making.store"));
    strcpy(other, path_in(folder, "other.store"));

    /* Opening never makes a file. */
    IS(tokenstore_open(path, NULL, &store, &error), TOKENSTORE_IO);
    CHECK(store == NULL && error.status == TOKENSTORE_IO && error.os_error == 2 && error.message[0] != 0);
    CHECK(access(path, F_OK) != 0);
    IS(tokenstore_create(path_in(folder, "no/such/folder"), NULL, &store, &error), TOKENSTORE_IO);
    CHECK(store == NULL && error.os_error == 2);

    /* What is made is its owner's alone, whatever others may usually do. */
    mode_t mask = umask(0);
    IS(tokenstore_create(path, NULL, &store, &error), TOKENSTORE_OK);
    umask(mask);
    struct stat status;
    CHECK(stat(path, &status) == 0 && (status.st_mode & 07777) == 0600 && status.st_size > 0);
    fails_to_make(path);
    CHECK(mkdir(other, 0700) == 0);
    fails_to_make(other);
    CHECK(rmdir(other) == 0 && symlink("nowhere", other) == 0);
    fails_to_make(other);
    CHECK(unlink(other) == 0);
    FILE *file = fopen(other, "w");
    CHECK(file != NULL && fputs("mine", file) >= 0 && fclose(file) == 0);
    fails_to_make(other);
    CHECK(stat(other, &status) == 0 && status.st_size == 4);
    fails_to_open(other, TOKENSTORE_CORRUPT);
    CHECK(unlink(other) == 0);

    IS(tokenstore_open(path, NULL, &second, &error), TOKENSTORE_LOCKED);
    CHECK(second == NULL && error.status == TOKENSTORE_LOCKED);
    uint32_t type = declare(store, "server", "srv", 0);
    tokenstore_new_token token = new_token(type, "acme");
    made made = make(store, &token);
    /* The token is on the disk when the call returned. */
    tokenstore_store *copy = open_copy(path, folder, NULL);
    IS(judge(copy, &made, type), TOKENSTORE_OK);
    IS(tokenstore_close(copy, NULL), TOKENSTORE_OK);
    IS(tokenstore_close(store, NULL), TOKENSTORE_OK);
    IS(tokenstore_open(path, NULL, &store, NULL), TOKENSTORE_OK);
    IS(judge(store, &made, type), TOKENSTORE_OK);
    IS(tokenstore_close(store, NULL), TOKENSTORE_OK);

    /* Every page is checked: a byte that is turned over is nowhere taken for one that is right. */
    long corrupt = 0;
    for (long flip = 0; flip < 80000; flip += 1021) {
        copy_file(path, other, flip);
        tokenstore_status opened = tokenstore_open(other, NULL, &store, NULL);
        CHECK(opened == TOKENSTORE_OK || opened == TOKENSTORE_CORRUPT || opened == TOKENSTORE_ROLLED_BACK ||
              opened == TOKENSTORE_UNSUPPORTED || opened == TOKENSTORE_WRONG_KEY);
        if (opened == TOKENSTORE_OK) IS(judge(store, &made, type), TOKENSTORE_OK);
        CHECK((store != NULL) == (opened == TOKENSTORE_OK));
        corrupt += opened == TOKENSTORE_CORRUPT;
        tokenstore_close(store, NULL);
    }
    CHECK(corrupt > 0);

    /* A file of a later format, and one that lost a change which it says it has. */
    char older[4096];
    copy_file(path, other, -1);
    make_newer(other);
    fails_to_open(other, TOKENSTORE_UNSUPPORTED);
    strcpy(older, path_in(folder, "older.store"));
    copy_file(path, older, -1);
    IS(tokenstore_open(path, NULL, &store, NULL), TOKENSTORE_OK);
    make(store, &token);
    IS(tokenstore_close(store, NULL), TOKENSTORE_OK);
    join_files(path, older, other);
    fails_to_open(other, TOKENSTORE_ROLLED_BACK);
    CHECK(unlink(other) == 0 && unlink(older) == 0 && unlink(path) == 0);

    IS(tokenstore_create(NULL, NULL, &store, NULL), TOKENSTORE_INVALID_ARGUMENT);
    IS(tokenstore_create("", NULL, &store, NULL), TOKENSTORE_INVALID_ARGUMENT);
    IS(tokenstore_open(NULL, NULL, &store, NULL), TOKENSTORE_INVALID_ARGUMENT);
    IS(tokenstore_open("", NULL, &store, NULL), TOKENSTORE_INVALID_ARGUMENT);
    IS(tokenstore_create(path, NULL, NULL, NULL), TOKENSTORE_INVALID_ARGUMENT);
    IS(tokenstore_open(path, NULL, NULL, NULL), TOKENSTORE_INVALID_ARGUMENT);
    IS(tokenstore_open_in_memory(NULL, NULL, NULL), TOKENSTORE_INVALID_ARGUMENT);
    CHECK(access(path, F_OK) != 0);

    /* The options at their edges. */
    static const uint8_t key[32] = {1};
    tokenstore_options options = {0};
    options.struct_size = sizeof options;
    options.key = key;
    refuses_options(&options);
    options.key = NULL;
    options.cache_bytes = 1024 * 1024 - 1;
    refuses_options(&options);
    options.cache_bytes = 1024 * 1024;
    options.use_resolution_ms = 999;
    refuses_options(&options);
    options.use_resolution_ms = 86400001;
    refuses_options(&options);
    options.use_resolution_ms = 86400000;
    options.max_events = 1;
    options.busy_timeout_ms = 1;
    IS(tokenstore_open_in_memory(&options, &store, NULL), TOKENSTORE_OK);
    type = declare(store, "server", "srv", 0);
    declare(store, "device", "dev", 0);
    tokenstore_stats stats = {0};
    stats.struct_size = sizeof stats;
    IS(tokenstore_get_stats(store, &stats, NULL), TOKENSTORE_OK);
    CHECK(stats.types == 2 && stats.sequence == 2 && stats.first_event == 2 && stats.tokens == 0);
    CHECK(stats.index_bytes > 0);
    IS(tokenstore_close(store, NULL), TOKENSTORE_OK);
}

void closing_and_keys(const char *folder) {
    static const uint8_t a[32] = {1, 2, 3}, b[32] = {4, 5, 6};
    char path[4096];
    tokenstore_options options = {0};
    tokenstore_clock *clock = noon();
    tokenstore_store *store = NULL;
    strcpy(path, path_in(folder, "closing.store"));
    options.struct_size = sizeof options;
    options.clock = clock;
    options.key = a;
    IS(tokenstore_create(path, &options, &store, NULL), TOKENSTORE_OK);
    uint32_t type = declare(store, "server", "srv", 0);
    tokenstore_new_token token = new_token(type, "acme");
    made used = make(store, &token), flushed = make(store, &token);
    token.flags = TOKENSTORE_EXPIRES_IN;
    token.expires_ms = 90000;
    made short_lived = make(store, &token);

    /* A use is in memory until it is flushed. */
    IS(tokenstore_clock_advance(clock, 60000), TOKENSTORE_OK);
    IS(judge(store, &flushed, type), TOKENSTORE_OK);
    tokenstore_store *copy = open_copy(path, folder, &options);
    CHECK(read_back(copy, &flushed).last_used_ms == TOKENSTORE_NEVER);
    IS(tokenstore_close(copy, NULL), TOKENSTORE_OK);
    IS(tokenstore_flush(store, NULL), TOKENSTORE_OK);
    copy = open_copy(path, folder, &options);
    CHECK(read_back(copy, &flushed).last_used_ms == NOON_MS + 60000);
    CHECK(read_back(copy, &used).last_used_ms == TOKENSTORE_NEVER);
    IS(tokenstore_close(copy, NULL), TOKENSTORE_OK);

    /* What a close writes: last uses, and how late it is. */
    IS(tokenstore_clock_advance(clock, 60000), TOKENSTORE_OK);
    IS(judge(store, &used, type), TOKENSTORE_OK);
    IS(judge(store, &short_lived, type), TOKENSTORE_EXPIRED);
    IS(tokenstore_close(store, NULL), TOKENSTORE_OK);
    IS(tokenstore_clock_set(clock, NOON_MS), TOKENSTORE_OK);
    IS(tokenstore_open(path, &options, &store, NULL), TOKENSTORE_OK);
    IS(judge(store, &short_lived, type), TOKENSTORE_EXPIRED);
    CHECK(read_back(store, &used).last_used_ms == NOON_MS + 120000);
    IS(tokenstore_close(NULL, NULL), TOKENSTORE_OK);
    tokenstore_error error;
    IS(tokenstore_close(NULL, &error), TOKENSTORE_OK);

    /* A file opens with its key alone. */
    const uint8_t *const keys[] = {a, b, NULL, a};
    for (size_t n = 1; n < 4; n++) {
        IS(tokenstore_change_key(store, keys[n], &error), TOKENSTORE_OK);
        IS(judge(store, &used, type), TOKENSTORE_OK);
        IS(tokenstore_close(store, NULL), TOKENSTORE_OK);
        for (size_t other = 0; other < 3; other++) {
            if (keys[other] == keys[n]) continue;
            options.key = keys[other];
            store = (tokenstore_store *)&store;
            IS(tokenstore_open(path, &options, &store, &error), TOKENSTORE_WRONG_KEY);
            CHECK(store == NULL && error.status == TOKENSTORE_WRONG_KEY);
        }
        options.key = keys[n];
        IS(tokenstore_open(path, &options, &store, NULL), TOKENSTORE_OK);
        IS(judge(store, &used, type), TOKENSTORE_OK);
    }
    IS(tokenstore_close(store, &error), TOKENSTORE_OK);
    IS(tokenstore_close(store, &error), TOKENSTORE_CLOSED);
    CHECK(error.status == TOKENSTORE_CLOSED);
    IS(tokenstore_clock_close(clock), TOKENSTORE_OK);
    CHECK(remove(path) == 0);
}
