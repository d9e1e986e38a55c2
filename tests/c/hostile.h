/* What the generated program of tests/hostile.rs stands on: a call with one thing wrong, and what must be so after. */
#include "hostile_store.h"

static FILE *rows_file;
static unsigned rows = 0, wrong = 0;
/* Of the rows of a function that are there one in so many is made, the first among them. */
static unsigned offered = 0, every = 1;
static int row_is_wrong;
static tokenstore_status answer;
/* Of a call that takes an array: what its first element is to be answered; 0 if that is not asked. */
static tokenstore_status inside;

/* hostile FOLDER [quick] [shared]: "quick" is for tools under which every call takes long, and leaves most rows out;
 * with "shared" the store is one that several processes may have open. */
static void start(int argc, char **argv) {
    SURE(argc >= 2);
    for (int n = 2; n < argc; n++) {
        if (strcmp(argv[n], "quick") == 0) every = 8;
        else if (strcmp(argv[n], "shared") == 0) is_shared = 1;
        else stop("an argument that is none");
    }
    folder = argv[1];
    rows_file = fopen(file_named("rows.txt"), "w");
    SURE(rows_file != NULL);
    setvbuf(stdout, NULL, _IOLBF, BUFSIZ);
    make_everything();
}

/* Something is not as documented. Once a row, and on to the next. */
static void blame(const char *what) {
    if (row_is_wrong) return;
    row_is_wrong = 1;
    wrong++;
    printf("WRONG %s: %s: %s (answered %s)\n", function_now, row_now, what, tokenstore_status_name(answer));
}
#define MUST(holds) ((holds) ? (void)0 : blame(#holds))

/* Whether the next row is made. */
static int is_due(void) {
    return offered++ % every == 0;
}

static void begin(const char *function, const char *row) {
    function_now = function;
    row_now = row;
    row_is_wrong = 0;
    inside = 0;
    rows++;
    /* So that a crash has a name. */
    fprintf(rows_file, "%s: %s\n", function, row);
    fflush(rows_file);
    /* A call that never returns ends the program. */
    alarm(15);
}

static void judge(tokenstore_status is, tokenstore_status expected) {
    answer = is;
    if (is != expected) {
        char what[64];
        snprintf(what, sizeof what, "expected %s", tokenstore_status_name(expected));
        blame(what);
    }
}

/* Whether a result can be written here at all. */
static int writable(const void *pointer, size_t align) {
    return pointer != NULL && (uintptr_t)pointer % align == 0;
}

static void check_error(const tokenstore_error *error) {
    if (!writable(error, sizeof(int32_t))) return;
    if (answer == TOKENSTORE_OK) {
        MUST(all_are(error, sizeof *error, STALE));
    } else {
        const uint8_t *end = memchr(error->message, 0, sizeof error->message);
        MUST(error->status == answer);
        MUST(end != NULL && end > error->message && memchr(error->message, '\n', sizeof error->message) == NULL);
    }
}

/* Where one result goes, or several: written if the call succeeded, and zeros if not. */
static void check_result(const void *result, size_t len, size_t align) {
    if (!writable(result, align) || len == 0) return;
    if (answer == TOKENSTORE_OK) {
        MUST(!all_are(result, len, STALE) && "the result is written");
    } else {
        MUST(all_are(result, len, 0) && "the result is zeros");
    }
}

/* Verdicts: an error allows nothing, and says itself. */
static void check_verdicts(const tokenstore_verdict *verdicts) {
    if (!writable(verdicts, sizeof(int64_t))) return;
    MUST((verdicts->allowed == 1) == (answer == TOKENSTORE_OK) && verdicts->allowed <= 1);
    if (answer == TOKENSTORE_SOME_REFUSED) {
        MUST(verdicts->status == inside || inside == 0);
    } else {
        MUST(verdicts->status == answer);
    }
    if (verdicts->status == TOKENSTORE_MALFORMED || verdicts->status == TOKENSTORE_UNKNOWN || verdicts->status >= 13) {
        const size_t head = 2 * sizeof(int32_t);
        MUST(all_are((const uint8_t *)verdicts + head, sizeof *verdicts - head, 0) && "the identity is zeros");
    }
}

/* What each element of an array is answered. */
static void check_statuses(const tokenstore_status *statuses) {
    if (!writable(statuses, sizeof *statuses)) return;
    MUST((statuses[0] == TOKENSTORE_OK) == (answer == TOKENSTORE_OK));
    if (answer == TOKENSTORE_SOME_REFUSED) MUST(statuses[0] == inside);
}

/* A length for results, of a buffer with room for `capacity`. */
static void check_length(const size_t *length, size_t capacity, int tells_need) {
    if (!writable(length, sizeof *length)) return;
    if (answer == TOKENSTORE_OK) {
        MUST(*length > 0 && *length < 1024);
    } else if (answer == TOKENSTORE_BUFFER_TOO_SMALL && tells_need) {
        MUST(*length > capacity && *length < 1024);
    } else {
        MUST(*length == 0);
    }
}

/* A buffer for a value never holds a part of one. */
static void check_value(const uint8_t *buffer, size_t capacity) {
    if (buffer == NULL || capacity > PAIR_ROOM || answer == TOKENSTORE_OK) return;
    MUST(all_are(buffer, capacity < LONGEST_VALUE ? capacity : LONGEST_VALUE, 0) && "the value's buffer is wiped");
}

/* A growing struct for results, of which the caller set the `given` first bytes, and what it was before the call. */
static void check_grown(const void *is, size_t given, size_t known, const void *was) {
    size_t size;
    if (!writable(is, sizeof(void *))) return;
    memcpy(&size, is, sizeof size);
    MUST(memcmp(is, was, given) == 0 && "what the caller set stays");
    /* A size that is refused says nothing of what may be written. */
    if (answer == TOKENSTORE_OK || size != known) return;
    MUST(all_are((const uint8_t *)is + given, known - given, 0) && "the struct is zeros");
}

/* A buffer for a value that a growing struct names. */
#define check_buffer_of(is, buffer) \
    do { \
        if (writable(is, sizeof(void *)) && (is)->struct_size == sizeof *(is)) { \
            check_value((is)->buffer, (is)->buffer##_capacity); \
        } \
    } while (0)

/* What holds after every row: nothing was changed unless the call succeeded. */
static void end(void) {
    tokenstore_verdict verdict;
    const tokenstore_stats after = figures();
    if (answer != TOKENSTORE_OK) {
        MUST(after.sequence == before.sequence && after.tokens == before.tokens && after.types == before.types);
    }
    if (answer != TOKENSTORE_OK || strstr(function_now, "_verify") != NULL) {
        const tokenstore_query *query = good_tokenstore_query();
        MUST(tokenstore_verify(store_now, control_value, control_len, query, &verdict) == TOKENSTORE_OK);
    }
    tokenstore_close(spare_store, NULL);
    tokenstore_list_close(spare_list);
    tokenstore_clock_close(spare_clock);
    spare_store = NULL;
    spare_list = NULL;
    spare_clock = NULL;
    unlink(file_named("made.store"));
    if (answer == TOKENSTORE_OK || row_is_wrong) fresh();
    free_blocks();
}

/* A call with right arguments but for what the last part of the row does to them. */
#define ROW(call, what, expected, ...) \
    do { \
        struct call##_arguments a; \
        if (!is_due()) break; \
        begin(#call, what); \
        call##_good(&a); \
        __VA_ARGS__; \
        judge(call##_made(&a), expected); \
        call##_outputs(&a); \
        end(); \
    } while (0)

/* ---- Calls that return no status ---- */

#define IS_TEXT(call, expected) \
    do { \
        begin("tokenstore_status_name", #call); \
        MUST(strcmp(call, expected) == 0); \
        end(); \
    } while (0)

static void tokenstore_status_name_rows(void) {
    answer = TOKENSTORE_END;
    IS_TEXT(tokenstore_status_name(INT32_MIN), "?");
    IS_TEXT(tokenstore_status_name(INT32_MAX), "?");
    IS_TEXT(tokenstore_status_name(-1), "?");
    IS_TEXT(tokenstore_status_name(99), "?");
    IS_TEXT(tokenstore_status_name(TOKENSTORE_OK), "OK");
}

static void tokenstore_version_number_rows(void) {
    answer = TOKENSTORE_END;
    begin("tokenstore_version_number", "it has no argument");
    MUST(tokenstore_version_number() == TOKENSTORE_VERSION_NUMBER);
    end();
}

static void tokenstore_abi_rows(void) {
    answer = TOKENSTORE_END;
    begin("tokenstore_abi", "it has no argument");
    MUST(tokenstore_abi() == TOKENSTORE_ABI);
    end();
}

static void tokenstore_version_text_rows(void) {
    answer = TOKENSTORE_END;
    begin("tokenstore_version_text", "it has no argument");
    MUST(strlen(tokenstore_version_text()) >= 5);
    end();
}

static void tokenstore_memzero_rows(void) {
    const size_t lengths[] = {0, 1, 4096, SIZE_MAX / 2 + 1, SIZE_MAX};
    uint8_t *memory = block(9, 1, STALE);
    answer = TOKENSTORE_END;
    begin("tokenstore_memzero", "NULL with any length");
    for (size_t n = 0; n < sizeof lengths / sizeof lengths[0]; n++) tokenstore_memzero(NULL, lengths[n]);
    tokenstore_memzero(memory, 0);
    MUST(all_are(memory, 9, STALE));
    tokenstore_memzero(memory, 8);
    MUST(all_are(memory, 8, 0) && memory[8] == STALE);
    end();
}
