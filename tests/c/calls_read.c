/* Reading tokens, lists, events and figures; structs of other sizes; what an error says. */
#include "calls.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void reading(void) {
    tokenstore_clock *clock = noon();
    tokenstore_options options = {0};
    tokenstore_store *store;
    options.struct_size = sizeof options;
    options.clock = clock;
    options.max_events = 3;
    IS(tokenstore_open_in_memory(&options, &store, NULL), TOKENSTORE_OK);
    uint32_t type = declare(store, "server", "srv", 0);
    tokenstore_bytes projects[2];
    projects[0] = text("A-1");
    projects[1] = text("B-2");
    tokenstore_new_token new = new_token(type, "acme");
    new.name = text("deploy");
    new.app_data = text("\x01\x02");
    new.projects = projects;
    new.project_count = 2;
    made made = make(store, &new);

    /* Too little room writes nothing but how much it takes, to the last byte. */
    union {
        uint8_t bytes[512];
        uint64_t aligned;
    } buffer;
    tokenstore_token token, before;
    tokenstore_error error;
    size_t needed = 0, exact = 0;
    memset(&token, 0, sizeof token);
    token.struct_size = sizeof token;
    before = token;
    IS(tokenstore_token_get(store, made.id, &token, NULL, 0, &exact, &error), TOKENSTORE_BUFFER_TOO_SMALL);
    CHECK(exact > 18 && error.status == TOKENSTORE_BUFFER_TOO_SMALL);
    for (size_t room = 0; room <= exact; room++) {
        memset(buffer.bytes, 0x55, sizeof buffer.bytes);
        token = before;
        tokenstore_status status = tokenstore_token_get(store, made.id, &token, buffer.bytes, room, &needed, NULL);
        CHECK(needed == exact && holds_only(buffer.bytes + room, sizeof buffer.bytes - room, 0x55));
        if (status == TOKENSTORE_BUFFER_TOO_SMALL) {
            CHECK(memcmp(&token, &before, sizeof token) == 0 && room < exact);
        } else {
            IS(status, TOKENSTORE_OK);
            CHECK(is_text(token.name, "deploy") && is_text(token.projects[1], "B-2") &&
                  is_text(token.app_data, "\x01\x02"));
            CHECK((const uint8_t *)(token.projects + 2) <= buffer.bytes + room);
        }
    }
    /* Wherever the buffer lies, what was said to be needed is enough. */
    for (size_t shift = 0; shift < 16; shift++) {
        IS(tokenstore_token_get(store, made.id, &token, buffer.bytes + shift, exact, &needed, NULL), TOKENSTORE_OK);
        CHECK(is_text(token.owner, "acme") && is_text(token.projects[0], "A-1"));
    }
    uint8_t nobody[16] = {1};
    needed = 77;
    token = before;
    IS(tokenstore_token_get(store, nobody, &token, buffer.bytes, 512, &needed, &error), TOKENSTORE_NOT_FOUND);
    CHECK(needed == 0 && memcmp(&token, &before, sizeof token) == 0);
    IS(tokenstore_token_get(store, NULL, &token, buffer.bytes, 512, &needed, NULL), TOKENSTORE_INVALID_ARGUMENT);
    IS(tokenstore_token_get(store, made.id, NULL, buffer.bytes, 512, &needed, NULL), TOKENSTORE_INVALID_ARGUMENT);
    IS(tokenstore_token_get(store, made.id, &token, buffer.bytes, 512, NULL, NULL), TOKENSTORE_INVALID_ARGUMENT);
    token.struct_size = 0;
    IS(tokenstore_token_get(store, made.id, &token, buffer.bytes, 512, &needed, NULL), TOKENSTORE_INVALID_ARGUMENT);

    /* Events: 520 bytes are always enough, the log drops the oldest, and what is gone shows as a gap. */
    char by[256] = {0}, reason[256] = {0};
    memset(by, 'b', 255);
    memset(reason, 'r', 255);
    tokenstore_target target = target_of(&made);
    target.by = text(by);
    target.reason = text(reason);
    IS(tokenstore_clock_advance(clock, 7), TOKENSTORE_OK);
    IS(tokenstore_token_disable(store, &target, NULL, NULL), TOKENSTORE_OK);
    tokenstore_event event = {0};
    event.struct_size = sizeof event;
    IS(tokenstore_event_next(store, 2, &event, buffer.bytes, 509, &needed, &error), TOKENSTORE_BUFFER_TOO_SMALL);
    CHECK(needed >= 510 && needed <= 520 && event.sequence == 0);
    uint8_t room[520];
    IS(tokenstore_event_next(store, 2, &event, room, sizeof room, &needed, NULL), TOKENSTORE_OK);
    CHECK(event.sequence == 3 && event.kind == 8 && event.at_ms == NOON_MS + 7 && is_text(event.by, by) &&
          is_text(event.reason, reason));
    target.by.len = target.reason.len = 0;
    IS(tokenstore_token_enable(store, &target, NULL, NULL), TOKENSTORE_OK);
    IS(tokenstore_event_next(store, 0, &event, room, sizeof room, &needed, NULL), TOKENSTORE_OK);
    CHECK(event.sequence == 2 && event.kind == 2);
    IS(tokenstore_event_next(store, 3, &event, NULL, 0, &needed, NULL), TOKENSTORE_OK);
    CHECK(event.sequence == 4 && event.by.len == 0 && event.reason.len == 0);
    event.sequence = 77;
    needed = 77;
    IS(tokenstore_event_next(store, 4, &event, room, sizeof room, &needed, &error), TOKENSTORE_END);
    CHECK(needed == 0 && error.status == TOKENSTORE_END);
    IS(tokenstore_event_next(store, UINT64_MAX, &event, room, sizeof room, &needed, NULL), TOKENSTORE_END);
    IS(tokenstore_event_next(store, 0, NULL, room, sizeof room, &needed, NULL), TOKENSTORE_INVALID_ARGUMENT);
    IS(tokenstore_event_next(store, 0, &event, room, sizeof room, NULL, NULL), TOKENSTORE_INVALID_ARGUMENT);
    tokenstore_stats stats = {0};
    stats.struct_size = sizeof stats;
    IS(tokenstore_get_stats(store, &stats, NULL), TOKENSTORE_OK);
    CHECK(stats.tokens == 1 && stats.types == 1 && stats.sequence == 4 && stats.first_event == 2 &&
          stats.file_bytes > 0);
    IS(tokenstore_get_stats(store, NULL, NULL), TOKENSTORE_INVALID_ARGUMENT);
    IS(tokenstore_close(store, NULL), TOKENSTORE_OK);
    IS(tokenstore_clock_close(clock), TOKENSTORE_OK);
}

/* Reads a list to its end; how many it had. They must ascend. */
static size_t length(const tokenstore_store *store, const tokenstore_filter *filter) {
    tokenstore_list *list;
    uint8_t buffer[256], last[16] = {0};
    tokenstore_token token = {0};
    tokenstore_status status;
    size_t needed, count = 0;
    token.struct_size = sizeof token;
    IS(tokenstore_list_open(store, filter, &list, NULL), TOKENSTORE_OK);
    while ((status = tokenstore_list_next(list, &token, buffer, sizeof buffer, &needed, NULL)) == TOKENSTORE_OK) {
        CHECK(memcmp(last, token.id, 16) < 0);
        memcpy(last, token.id, 16);
        count++;
    }
    for (int again = 0; again < 3; again++) {
        needed = 77;
        IS(tokenstore_list_next(list, &token, buffer, sizeof buffer, &needed, NULL), TOKENSTORE_END);
        CHECK(needed == 0);
    }
    IS(status, TOKENSTORE_END);
    IS(tokenstore_list_close(list), TOKENSTORE_OK);
    IS(tokenstore_list_close(list), TOKENSTORE_CLOSED);
    IS(tokenstore_list_next(list, &token, buffer, sizeof buffer, &needed, NULL), TOKENSTORE_CLOSED);
    return count;
}

static void no_list(const tokenstore_store *store, const tokenstore_filter *filter, tokenstore_status expected) {
    tokenstore_list *list = (tokenstore_list *)&list;
    tokenstore_error error;
    IS(tokenstore_list_open(store, filter, &list, &error), expected);
    CHECK(list == NULL && error.status == expected && error.message[0] != 0);
}

void listing(void) {
    tokenstore_clock *clock = noon();
    tokenstore_store *store = in_memory(clock);
    uint32_t server = declare(store, "server", "srv", 0), device = declare(store, "device", "dev", 0);
    tokenstore_bytes project = text("A-1");
    CHECK(length(store, NULL) == 0);
    made tokens[8];
    for (size_t n = 0; n < 8; n++) {
        tokenstore_new_token new = new_token(n < 4 ? server : device, n % 2 == 0 ? "acme" : "zeta");
        if (n == 1 || n == 2) new.name = text(n == 1 ? "deploy-1" : "other");
        if (n == 3) new.projects = &project, new.project_count = 1;
        if (n == 4) new.flags = TOKENSTORE_ALL_PROJECTS;
        if (n == 5) new.flags = TOKENSTORE_EXPIRES_IN, new.expires_ms = 1000;
        tokens[n] = make(store, &new);
    }
    tokenstore_filter filter = {0};
    filter.struct_size = sizeof filter;
    CHECK(length(store, NULL) == 8 && length(store, &filter) == 8);
#define LISTED(count, ...)                                      \
    do {                                                        \
        filter = (tokenstore_filter){0};                        \
        filter.struct_size = sizeof filter;                     \
        __VA_ARGS__;                                            \
        CHECK(length(store, &filter) == (count));               \
    } while (0)
    LISTED(4, filter.flags = TOKENSTORE_CHECK_OWNER; filter.owner = text("acme"));
    LISTED(0, filter.flags = TOKENSTORE_CHECK_OWNER; filter.owner = text("nobody"));
    LISTED(4, filter.flags = TOKENSTORE_LIST_TYPE; filter.type = device);
    LISTED(1, filter.name_prefix = text("deploy"));
    LISTED(2, filter.flags = TOKENSTORE_LIST_PROJECT; filter.project = text("A-1"));
    LISTED(1, filter.flags = TOKENSTORE_LIST_EXPIRES_BEFORE; filter.expires_before_ms = NOON_MS + 1001);
    LISTED(0, filter.flags = TOKENSTORE_LIST_EXPIRES_BEFORE; filter.expires_before_ms = NOON_MS + 1000);
    LISTED(8, filter.flags = TOKENSTORE_LIST_UNUSED_SINCE; filter.unused_since_ms = NOON_MS + 1);
    LISTED(0, filter.flags = TOKENSTORE_LIST_UNUSED_SINCE; filter.unused_since_ms = NOON_MS);
    LISTED(5, memcpy(filter.after, tokens[2].id, 16));
    LISTED(8, filter.page_size = 1);
    LISTED(8, filter.page_size = 1000);
    tokenstore_target target = target_of(&tokens[0]);
    IS(tokenstore_token_revoke(store, &target, NULL, NULL), TOKENSTORE_OK);
    target = target_of(&tokens[1]);
    IS(tokenstore_token_disable(store, &target, NULL, NULL), TOKENSTORE_OK);
    IS(tokenstore_clock_advance(clock, 1000), TOKENSTORE_OK);
    LISTED(6, (void)0);
    LISTED(8, filter.flags = TOKENSTORE_LIST_DEAD);
    LISTED(1, filter.flags = TOKENSTORE_LIST_STATES; filter.states = 1u << TOKENSTORE_REVOKED);
    LISTED(2, filter.flags = TOKENSTORE_LIST_STATES;
           filter.states = 1u << TOKENSTORE_EXPIRED | 1u << TOKENSTORE_DISABLED);
    LISTED(5, filter.flags = TOKENSTORE_LIST_STATES; filter.states = 1u << TOKENSTORE_OK);
#undef LISTED

#define NO_LIST(...)                                            \
    do {                                                        \
        filter = (tokenstore_filter){0};                        \
        filter.struct_size = sizeof filter;                     \
        __VA_ARGS__;                                            \
        no_list(store, &filter, TOKENSTORE_INVALID_ARGUMENT);   \
    } while (0)
    NO_LIST(filter.flags = 128);
    NO_LIST(filter.flags = 1u << 31);
    NO_LIST(filter.page_size = 1001);
    NO_LIST(filter.type = device);
    NO_LIST(filter.owner = text("acme"));
    NO_LIST(filter.project = text("A-1"));
    NO_LIST(filter.expires_before_ms = 1);
    NO_LIST(filter.unused_since_ms = 1);
    NO_LIST(filter.states = 1);
    NO_LIST(filter.flags = TOKENSTORE_LIST_STATES; filter.states = 1u << TOKENSTORE_NO_GRANT);
    NO_LIST(filter.flags = TOKENSTORE_CHECK_OWNER);
    NO_LIST(filter.flags = TOKENSTORE_LIST_PROJECT);
    NO_LIST(filter.name_prefix = text("\xff"));
    NO_LIST(filter.struct_size = 8);
#undef NO_LIST
    no_list(NULL, NULL, TOKENSTORE_INVALID_ARGUMENT);
    IS(tokenstore_list_open(store, NULL, NULL, NULL), TOKENSTORE_INVALID_ARGUMENT);
    IS(tokenstore_list_close(NULL), TOKENSTORE_OK);

    /* With too little room the list stays where it is. */
    tokenstore_list *list;
    tokenstore_token token = {0};
    uint8_t buffer[256];
    size_t needed = 0;
    token.struct_size = sizeof token;
    IS(tokenstore_list_open(store, NULL, &list, NULL), TOKENSTORE_OK);
    for (int again = 0; again < 3; again++) {
        IS(tokenstore_list_next(list, &token, buffer, 1, &needed, NULL), TOKENSTORE_BUFFER_TOO_SMALL);
        CHECK(needed > 1 && holds_only(token.id, 16, 0));
    }
    IS(tokenstore_list_next(list, &token, buffer, needed, &needed, NULL), TOKENSTORE_OK);
    CHECK(memcmp(token.id, tokens[1].id, 16) == 0);
    IS(tokenstore_list_next(list, NULL, buffer, sizeof buffer, &needed, NULL), TOKENSTORE_INVALID_ARGUMENT);
    IS(tokenstore_list_next(list, &token, buffer, sizeof buffer, NULL, NULL), TOKENSTORE_INVALID_ARGUMENT);
    IS(tokenstore_list_next(NULL, &token, buffer, sizeof buffer, &needed, NULL), TOKENSTORE_INVALID_ARGUMENT);
    IS(tokenstore_list_next(list, &token, buffer, sizeof buffer, &needed, NULL), TOKENSTORE_OK);
    CHECK(memcmp(token.id, tokens[2].id, 16) == 0);

    /* A list holds nothing of the store: it may be closed after it, and answers that it is gone. */
    tokenstore_list *unread;
    IS(tokenstore_list_open(store, NULL, &unread, NULL), TOKENSTORE_OK);
    IS(tokenstore_close(store, NULL), TOKENSTORE_OK);
    for (int again = 0; again < 3; again++) {
        IS(tokenstore_list_next(unread, &token, buffer, sizeof buffer, &needed, NULL), TOKENSTORE_CLOSED);
    }
    IS(tokenstore_list_close(unread), TOKENSTORE_OK);
    IS(tokenstore_list_close(list), TOKENSTORE_OK);
    no_list(store, NULL, TOKENSTORE_CLOSED);
    IS(tokenstore_clock_close(clock), TOKENSTORE_OK);
}

void structs_and_errors(void) {
    /* A struct from the future is taken only if what this library does not know of it is zeros. */
    struct {
        tokenstore_query query;
        uint64_t later;
    } larger;
    tokenstore_store *store = in_memory(NULL);
    tokenstore_verdict verdict;
    memset(&larger, 0, sizeof larger);
    larger.query = query_of(0);
    static const struct {
        size_t size;
        uint64_t later;
        tokenstore_status expected;
    } sizes[] = {
        {sizeof(tokenstore_query), 0, TOKENSTORE_MALFORMED}, {sizeof larger, 0, TOKENSTORE_MALFORMED},
        {sizeof larger, 1, TOKENSTORE_INVALID_ARGUMENT},     {0, 0, TOKENSTORE_INVALID_ARGUMENT},
        {3, 0, TOKENSTORE_INVALID_ARGUMENT},                 {47, 0, TOKENSTORE_INVALID_ARGUMENT},
        {SIZE_MAX, 0, TOKENSTORE_INVALID_ARGUMENT},
    };
    for (size_t n = 0; n < sizeof sizes / sizeof *sizes; n++) {
        larger.query.struct_size = sizes[n].size;
        larger.later = sizes[n].later;
        IS(tokenstore_verify(store, (const uint8_t *)"x", 1, &larger.query, &verdict), sizes[n].expected);
    }
    /* What is read into a larger struct leaves the size and what lies behind. */
    struct {
        tokenstore_stats stats;
        uint64_t later;
    } read;
    memset(&read, 0, sizeof read);
    read.stats.struct_size = sizeof read;
    IS(tokenstore_get_stats(store, &read.stats, NULL), TOKENSTORE_OK);
    CHECK(read.stats.struct_size == sizeof read && read.later == 0 && read.stats.index_bytes > 0);

    /* An error is left alone by what succeeds, and says one line that ends by what does not. */
    tokenstore_error error;
    memset(&error, 0x55, sizeof error);
    IS(tokenstore_flush(store, &error), TOKENSTORE_OK);
    CHECK(holds_only(&error, sizeof error, 0x55));
    IS(tokenstore_flush(NULL, &error), TOKENSTORE_INVALID_ARGUMENT);
    CHECK(error.status == TOKENSTORE_INVALID_ARGUMENT && error.os_error == 0);
    size_t end = 0;
    while (end < sizeof error.message && error.message[end] != 0) end++;
    CHECK(end > 0 && end < sizeof error.message && holds_only(error.message + end, sizeof error.message - end, 0));
    CHECK(memchr(error.message, '\n', end) == NULL);
    /* A message that would be longer than its room is cut within no letter. */
    char path[4096];
    memset(path, 0, sizeof path);
    for (size_t n = 0; n < 120; n++) memcpy(path + 1 + 3 * n, "\xe2\x82\xac", 3);
    path[0] = '/';
    for (int shift = 0; shift < 4; shift++) {
        tokenstore_store *none;
        memset(&error, 0x55, sizeof error);
        IS(tokenstore_open(path, NULL, &none, &error), TOKENSTORE_IO);
        end = strlen((const char *)error.message);
        CHECK(end > 0 && end < sizeof error.message && error.os_error != 0);
        while (end > 0 && (error.message[end - 1] & 0xc0) == 0x80) end--;
        size_t left = strlen((const char *)error.message) - end;
        uint8_t lead = end > 0 ? error.message[end - 1] : 0;
        CHECK(left == (lead >= 0xf0 ? 3u : lead >= 0xe0 ? 2u : lead >= 0xc0 ? 1u : 0u));
        memmove(path + 1, path, strlen(path));
        path[1] = 'x';
    }
    IS(tokenstore_close(store, NULL), TOKENSTORE_OK);
}
