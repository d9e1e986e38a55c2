/* Judging values, and what else is done with a value. */
#include "case_ops.h"

#include <string.h>

static size_t place_in(tokenstore_bytes value, const char *word) {
    size_t place = (size_t)number(word, SIZE_MAX);
    if (place >= value.len) mistake("the value has no byte %zu", place);
    return place;
}

/* A value with `with` in place of its bytes from `at` to `end`. */
static tokenstore_bytes spliced(tokenstore_bytes value, size_t at, size_t end, tokenstore_bytes with) {
    tokenstore_bytes made = {NULL, value.len - (end - at) + with.len};
    uint8_t *bytes = keep(made.len + 1);
    if (at > 0) memcpy(bytes, value.data, at);
    if (with.len > 0) memcpy(bytes + at, with.data, with.len);
    if (end < value.len) memcpy(bytes + at + with.len, value.data + end, value.len - end);
    made.data = bytes;
    return made;
}

/* The changes to a value, in their order. */
static tokenstore_bytes mutated(world *world, args *args, tokenstore_bytes original) {
    tokenstore_bytes none = {NULL, 0}, value = original, text;
    const char *word;
    if ((word = take(args, "flip")) != NULL) {
        size_t at = place_in(value, word);
        uint8_t byte = value.data[at] ^ 1;
        tokenstore_bytes with = {&byte, 1};
        value = spliced(value, at, at + 1, with);
    }
    if ((word = take(args, "case")) != NULL) {
        size_t at = place_in(value, word);
        while (at < value.len && !((value.data[at] | 0x20) >= 'a' && (value.data[at] | 0x20) <= 'z')) at++;
        if (at == value.len) mistake("no letter from there on");
        uint8_t byte = value.data[at] ^ 0x20;
        tokenstore_bytes with = {&byte, 1};
        value = spliced(value, at, at + 1, with);
    }
    if ((word = take(args, "put")) != NULL) {
        const char *colon = strchr(word, ':');
        if (colon == NULL) mistake("`put` is PLACE:TEXT");
        size_t at = place_in(value, copy_of(word, (size_t)(colon - word)));
        value = spliced(value, at, at + 1, decode(colon + 1));
    }
    if ((word = take(args, "truncate")) != NULL) {
        size_t less = (size_t)number(word, SIZE_MAX);
        value = spliced(value, less > value.len ? 0 : value.len - less, value.len, none);
    }
    if (take_bytes(args, "prepend", &text)) value = spliced(value, 0, 0, text);
    if (take_bytes(args, "append", &text)) value = spliced(value, value.len, value.len, text);
    if ((word = take(args, "append_value")) != NULL) {
        value = spliced(value, value.len, value.len, token_named(world, word)->value);
    }
    return value;
}

presented take_presented(world *world, args *args) {
    presented made = {{NULL, 0}, next_word(args, NULL)};
    tokenstore_bytes original = {NULL, 0};
    int given = take_bytes(args, "value", &original);
    if (given == (made.of != NULL)) mistake("either a token or `value=`");
    if (made.of != NULL) original = token_named(world, made.of)->value;
    made.value = mutated(world, args, original);
    if (!same_bytes(made.value, original)) made.of = NULL;
    return made;
}

/* `type=NAME|any [project=] [binding=]`. */
static tokenstore_query take_query(world *world, args *args) {
    tokenstore_query query = {0};
    tokenstore_bytes project, binding;
    query.struct_size = sizeof query;
    const char *type = take_required(args, "type");
    if (strcmp(type, "any") == 0) query.flags = TOKENSTORE_ANY_TYPE;
    else query.type = type_number(world, type);
    if (take_bytes(args, "project", &project)) {
        query.flags |= TOKENSTORE_CHECK_PROJECT;
        query.project = project.data;
        query.project_len = project.len;
    }
    if (take_bytes(args, "binding", &binding)) {
        query.flags |= TOKENSTORE_CHECK_BINDING;
        query.binding = binding.data;
        query.binding_len = binding.len;
    }
    return query;
}

/* A verdict as an answer. What must hold of every verdict is checked here. */
static answer *judged(world *world, presented presented, const tokenstore_verdict *verdict) {
    tokenstore_status status = verdict->status;
    const char *name = tokenstore_status_name(status);
    int named = status == TOKENSTORE_OK || (status >= TOKENSTORE_REVOKED && status <= TOKENSTORE_MUST_CONSUME) ||
                status == TOKENSTORE_NOT_COUNTED;
    if (verdict->allowed != (status == TOKENSTORE_OK ? 1u : 0u))
        mistake("%s, but allowed is %u", name, (unsigned)verdict->allowed);
    answer *made = answered(name);
    if (!named) {
        size_t head = offsetof(tokenstore_verdict, id);
        if (!is_zero((const char *)verdict + head, sizeof *verdict - head))
            mistake("%s, and yet somebody is named", name);
        return made;
    }
    const char *token = name_of(world, verdict->id);
    if (presented.of != NULL && memcmp(token_named(world, presented.of)->id, verdict->id, 16) != 0) {
        mistake("the value is another token's: %s's", token);
    }
    if (strcmp(token, "?") != 0) {
        known_token *known = token_named(world, token);
        known->owner = verdict->owner;
        known->has_owner = 1;
    }
    uint8_t bytes[255];
    tokenstore_bytes owner = {bytes, 0};
    tokenstore_status told = tokenstore_owner(store_of(world), verdict->owner, bytes, sizeof bytes, &owner.len, NULL);
    if (told != TOKENSTORE_OK && told != TOKENSTORE_NOT_FOUND) mistake("the owner: %s", tokenstore_status_name(told));
    const uint32_t all = TOKENSTORE_HAS_ALL_PROJECTS, none = TOKENSTORE_HAS_NO_PROJECTS;
    uint32_t reach = verdict->flags & (all | none);
    if (reach == (all | none)) mistake("all projects and none at once");
    field(made, "token", token);
    field(made, "owner", told == TOKENSTORE_OK ? encode(owner) : "none");
    field(made, "type", type_name(world, verdict->type));
    field_time(made, "expires", verdict->expires_ms, "never");
    field_number(made, "word", verdict->app_word);
    field_number(made, "revision", verdict->revision);
    field(made, "projects", reach == all ? "all" : reach == none ? "none" : "some");
    field(made, "old_value", (verdict->flags & TOKENSTORE_OLD_VALUE) != 0 ? "yes" : "no");
    return made;
}

static answer *verified(world *world, presented presented, tokenstore_bytes shown, const tokenstore_query *query) {
    tokenstore_verdict verdict;
    memset(&verdict, 0x55, sizeof verdict);
    tokenstore_status status = tokenstore_verify(store_of(world), shown.data, shown.len, query, &verdict);
    if (status != verdict.status) mistake("the call answers other than its verdict");
    return judged(world, presented, &verdict);
}

answer *op_verify(world *world, args *args, const char *name) {
    (void)name;
    presented presented = take_presented(world, args);
    tokenstore_query query = take_query(world, args);
    finish(args);
    return verified(world, presented, presented.value, &query);
}

/* `{}` in the header is where the value stands. A header without a place for one stands alone. */
answer *op_authorization(world *world, args *args, const char *name) {
    (void)name;
    const char *as = take_required(args, "as"), *place = strstr(as, "{}");
    presented presented = {{NULL, 0}, NULL};
    tokenstore_bytes header = decode(place == NULL ? as : copy_of(as, (size_t)(place - as)));
    if (place != NULL) {
        presented = take_presented(world, args);
        header = spliced(header, header.len, header.len, presented.value);
        header = spliced(header, header.len, header.len, decode(place + 2));
    }
    tokenstore_query query = take_query(world, args);
    query.flags |= TOKENSTORE_HEADER;
    finish(args);
    return verified(world, presented, header, &query);
}

answer *op_consume(world *world, args *args, const char *name) {
    (void)name;
    presented presented = take_presented(world, args);
    tokenstore_query query = take_query(world, args);
    finish(args);
    tokenstore_verdict verdict;
    tokenstore_error error;
    uint8_t *data = keep(TOKENSTORE_APP_DATA_BYTES);
    size_t data_len = 77;
    uint32_t uses_left = 77;
    memset(&verdict, 0x55, sizeof verdict);
    tokenstore_status status =
        tokenstore_consume(store_of(world), presented.value.data, presented.value.len, &query, &verdict, data,
                           TOKENSTORE_APP_DATA_BYTES, &data_len, &uses_left, &error);
    of_status(status, &error);
    if (status != verdict.status) mistake("the call answers other than its verdict");
    answer *made = judged(world, presented, &verdict);
    if (status != TOKENSTORE_OK) {
        if (data_len != 0 || uses_left != 0) mistake("a consume that was refused says what it spent");
        return made;
    }
    tokenstore_bytes app_data = {data, data_len};
    field(made, "data", encode(app_data));
    field_number(made, "uses_left", uses_left);
    return made;
}

/* In C, values of a batch lie at a stride. */
answer *op_verify_many(world *world, args *args, const char *name) {
    (void)name;
    const char *word = next_word(args, NULL), *raw = take(args, "raw");
    pieces tokens = {NULL, 0}, texts = {NULL, 0};
    if (word != NULL) tokens = split(word, ',');
    if (raw != NULL) texts = split(raw, ',');
    tokenstore_query query = take_query(world, args);
    finish(args);
    size_t count = tokens.count + texts.count, stride = 0, allowed = 0;
    presented *shown = keep((count + 1) * sizeof *shown);
    tokenstore_verdict *verdicts = keep((count + 1) * sizeof *verdicts);
    size_t *lens = keep((count + 1) * sizeof *lens);
    for (size_t n = 0; n < count; n++) {
        shown[n].of = n < tokens.count ? tokens.at[n] : NULL;
        if (shown[n].of != NULL) shown[n].value = token_named(world, shown[n].of)->value;
        else shown[n].value = decode(texts.at[n - tokens.count]);
        lens[n] = shown[n].value.len;
        if (lens[n] > stride) stride = lens[n];
    }
    uint8_t *values = keep(count * stride + 1);
    for (size_t n = 0; n < count; n++) {
        if (lens[n] > 0) memcpy(values + n * stride, shown[n].value.data, lens[n]);
    }
    memset(verdicts, 0x55, (count + 1) * sizeof *verdicts);
    tokenstore_status status =
        tokenstore_verify_many(store_of(world), values, stride, lens, count, &query, verdicts);
    if (status >= TOKENSTORE_INVALID_ARGUMENT) {
        for (size_t n = 0; n < count; n++) {
            if (verdicts[n].status != status) mistake("a verdict says other than the call that failed");
            judged(world, shown[n], &verdicts[n]);
        }
        return answered(tokenstore_status_name(status));
    }
    char *results = NULL;
    for (size_t n = 0; n < count; n++) {
        results = listed(results, judged(world, shown[n], &verdicts[n])->result);
        allowed += verdicts[n].allowed;
    }
    if (status != (allowed == count ? TOKENSTORE_OK : TOKENSTORE_SOME_REFUSED)) {
        mistake("%zu of %zu are allowed, and the call says %s", allowed, count, tokenstore_status_name(status));
    }
    answer *made = answered(results == NULL ? "none" : results);
    field_number(made, "allowed", allowed);
    return made;
}

answer *op_owner(world *world, args *args, const char *name) {
    (void)name;
    known_token *known = token_named(world, next_word(args, "a token"));
    uint8_t bytes[255];
    tokenstore_bytes owner = {bytes, 0};
    tokenstore_error error;
    finish(args);
    if (!known->has_owner) mistake("no verify told this token's owner yet");
    tokenstore_status status =
        tokenstore_owner(store_of(world), known->owner, bytes, sizeof bytes, &owner.len, &error);
    answer *made = of_status(status, &error);
    if (status == TOKENSTORE_NOT_FOUND) return answered("NONE");
    if (status == TOKENSTORE_OK) field(made, "owner", encode(owner));
    return made;
}

/* The shape of a value, read by the rules of the documents and without the store. */
answer *op_value(world *world, args *args, const char *name) {
    (void)name;
    tokenstore_bytes value = token_named(world, next_word(args, "a token"))->value, prefix;
    finish(args);
    int native = is_native(value, &prefix);
    answer *made = answered(native ? "NATIVE" : "OTHER");
    if (native) field(made, "prefix", encode(prefix));
    field_number(made, "length", value.len);
    return made;
}
