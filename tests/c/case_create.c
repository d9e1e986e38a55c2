/* Making tokens. */
#include "case_ops.h"

#include <string.h>

int take_grants(args *args, int *all, const tokenstore_bytes **projects, size_t *count) {
    const char *word = take(args, "projects");
    if (word == NULL) return 0;
    *all = strcmp(word, "all") == 0;
    *count = 0;
    if (*all || strcmp(word, "none") == 0) return 1;
    pieces list = split(word, ',');
    tokenstore_bytes *decoded = keep(list.count * sizeof *decoded);
    for (size_t n = 0; n < list.count; n++) decoded[n] = decode(list.at[n]);
    *projects = decoded;
    *count = list.count;
    return 1;
}

/* A token to be made, and whether C can say it: an empty name or binding is none there. */
typedef struct wanted {
    tokenstore_new_token token;
    int sayable;
} wanted;

/* `type= owner= [expires=|lifetime=] [projects=] [binding=] [parent=] [data=] [word=] [by=]`; the name is taken
 * apart. */
static wanted take_wanted(world *world, args *args) {
    wanted made = {{0}, 1};
    tokenstore_new_token *token = &made.token;
    uint64_t lifetime = 0;
    int all = 0;
    token->struct_size = sizeof *token;
    token->type = type_number(world, take_required(args, "type"));
    token->owner = decode(take_required(args, "owner"));
    const char *expires = take(args, "expires");
    if (expires != NULL) {
        token->flags |= TOKENSTORE_EXPIRES_AT;
        token->expires_ms = strcmp(expires, "never") == 0 ? TOKENSTORE_NEVER : time_at(signed_number(expires));
    }
    if (take_number(args, "lifetime", INT64_MAX, &lifetime)) {
        if (expires != NULL) mistake("either `expires` or `lifetime`");
        token->flags |= TOKENSTORE_EXPIRES_IN;
        token->expires_ms = (int64_t)lifetime;
    }
    take_grants(args, &all, &token->projects, &token->project_count);
    if (all) token->flags |= TOKENSTORE_ALL_PROJECTS;
    if (take_bytes(args, "binding", &token->binding)) made.sayable = token->binding.len > 0;
    const char *parent = take(args, "parent");
    if (parent != NULL) {
        subject(world, parent, token->parent);
        if (is_zero(token->parent, sizeof token->parent)) mistake("a parent of zeros is none in C");
    }
    take_bytes(args, "data", &token->app_data);
    take_number(args, "word", UINT64_MAX, &token->app_word);
    take_text(args, "by", &token->by);
    return made;
}

static wanted take_wanted_with_name(world *world, args *args) {
    const char *name = take(args, "name");
    wanted made = take_wanted(world, args);
    if (name != NULL && strcmp(name, "none") != 0) {
        made.token.name = decode_utf8(name);
        made.sayable = made.sayable && made.token.name.len > 0;
    }
    finish(args);
    return made;
}

/* What is empty is none in C: such a token is made without it, which is seen on a store of its own. */
static answer *empty_is_none(void) {
    tokenstore_store *spare;
    tokenstore_policy policy = {0};
    tokenstore_new_token token = {0};
    tokenstore_token read = {0};
    tokenstore_created created;
    uint8_t value[TOKENSTORE_VALUE_BYTES], buffer[512];
    size_t len, needed;
    policy.struct_size = sizeof policy;
    policy.name = policy.prefix = bytes_of("spare");
    token.struct_size = sizeof token;
    token.owner = bytes_of("acme");
    token.name = token.binding = bytes_of("");
    read.struct_size = sizeof read;
    if (tokenstore_open_in_memory(NULL, &spare, NULL) != TOKENSTORE_OK ||
        tokenstore_type_declare(spare, &policy, &token.type, NULL) != TOKENSTORE_OK ||
        tokenstore_token_create(spare, &token, value, sizeof value, &len, &created, NULL) != TOKENSTORE_OK ||
        tokenstore_token_get(spare, created.id, &read, buffer, sizeof buffer, &needed, NULL) != TOKENSTORE_OK ||
        read.name.len != 0 || (read.flags & TOKENSTORE_IS_BOUND) != 0) {
        mistake("an empty name or binding is not none");
    }
    tokenstore_close(spare, NULL);
    return unsayable("INVALID_ARGUMENT");
}

void check_refused(const tokenstore_created *created, const uint8_t *value, size_t value_len) {
    if (!is_zero(created, sizeof *created) || value_len != 0) mistake("a token that was not made has an id or a value");
    if (value != NULL && !is_zero(value, TOKENSTORE_VALUE_BYTES))
        mistake("a token that was not made left something in its value");
}

static void check_created(const tokenstore_created *created) {
    if (created->outcome != TOKENSTORE_CREATED || created->reserved != 0)
        mistake("a token that was made has another outcome");
}

static answer *created_answer(world *world, const char *name, const tokenstore_created *created,
                              tokenstore_bytes value) {
    check_created(created);
    name_token(world, name, created->id, value, created->revision);
    answer *made = answered("CREATED");
    field_number(made, "revision", created->revision);
    return made;
}

answer *op_create(world *world, args *args, const char *name) {
    (void)name;
    const char *called = next_word(args, "a name for the token");
    wanted wanted = take_wanted_with_name(world, args);
    if (!wanted.sayable) return empty_is_none();
    tokenstore_created created = {{0}, 0, 0, 0};
    tokenstore_error error;
    uint8_t bytes[TOKENSTORE_VALUE_BYTES] = {0};
    tokenstore_bytes value = {bytes, 0};
    tokenstore_status status =
        tokenstore_token_create(store_of(world), &wanted.token, bytes, sizeof bytes, &value.len, &created, &error);
    answer *made = of_status(status, &error);
    if (status == TOKENSTORE_OK) return created_answer(world, called, &created, value);
    check_refused(&created, bytes, value.len);
    return made;
}

answer *op_create_if_absent(world *world, args *args, const char *name) {
    (void)name;
    const char *called = next_word(args, "a name for the token");
    wanted wanted = take_wanted_with_name(world, args);
    if (!wanted.sayable) return empty_is_none();
    tokenstore_created created = {{0}, 0, 0, 0};
    tokenstore_error error;
    uint8_t bytes[TOKENSTORE_VALUE_BYTES] = {0};
    tokenstore_bytes value = {bytes, 0};
    tokenstore_status status = tokenstore_token_create_if_absent(store_of(world), &wanted.token, bytes, sizeof bytes,
                                                                &value.len, &created, &error);
    answer *made = of_status(status, &error);
    if (status != TOKENSTORE_OK) {
        check_refused(&created, bytes, value.len);
        return made;
    }
    if (created.outcome == TOKENSTORE_CREATED) return created_answer(world, called, &created, value);
    if (created.outcome != TOKENSTORE_EXISTING || created.revision != 0 || created.reserved != 0 || value.len != 0 ||
        !is_zero(bytes, sizeof bytes)) {
        mistake("a token that was there has a value, a revision or no outcome");
    }
    made->result = "EXISTING";
    field(made, "token", name_of(world, created.id));
    return made;
}

answer *op_create_from_value(world *world, args *args, const char *name) {
    (void)name;
    const char *called = next_word(args, "a name for the token");
    /* The value of a token that a line made, or any bytes. */
    const char *of = take(args, "value_of");
    tokenstore_bytes value = of != NULL ? token_named(world, of)->value : decode(take_required(args, "value"));
    wanted wanted = take_wanted_with_name(world, args);
    if (!wanted.sayable) return empty_is_none();
    tokenstore_created created = {{0}, 0, 0, 0};
    tokenstore_error error;
    tokenstore_status status = tokenstore_token_create_from_value(store_of(world), &wanted.token, value.data, value.len,
                                                                 &created, &error);
    answer *made = of_status(status, &error);
    if (status == TOKENSTORE_OK) return created_answer(world, called, &created, value);
    check_refused(&created, NULL, 0);
    return made;
}

answer *op_create_many(world *world, args *args, const char *name) {
    (void)name;
    pieces called = split(next_word(args, "names for the tokens"), ',');
    const char *word = take(args, "names");
    pieces names = {NULL, 0};
    if (word != NULL) {
        tokenstore_bytes decoded = decode_utf8(word);
        names = split(copy_of((const char *)decoded.data, decoded.len), ',');
    }
    wanted wanted = take_wanted(world, args);
    finish(args);
    size_t count = called.count;
    tokenstore_new_token *tokens = keep(count * sizeof *tokens);
    tokenstore_created *created = keep(count * sizeof *created);
    tokenstore_status *statuses = keep(count * sizeof *statuses);
    size_t *lens = keep(count * sizeof *lens);
    uint8_t *values = keep(count * TOKENSTORE_VALUE_BYTES);
    for (size_t n = 0; n < count; n++) {
        tokens[n] = wanted.token;
        if (n < names.count) tokens[n].name = bytes_of(names.at[n]);
        wanted.sayable = wanted.sayable && (n >= names.count || tokens[n].name.len > 0);
    }
    tokenstore_error error;
    answer *made = NULL;
    char *results = NULL;
    tokenstore_status status = TOKENSTORE_INVALID_ARGUMENT;
    if (wanted.sayable) {
        status = tokenstore_token_create_many(store_of(world), tokens, count, values, lens, created, statuses, &error);
        made = of_status(status, &error);
    } else {
        made = empty_is_none();
    }
    size_t refused = 0;
    for (size_t n = 0; n < count; n++) {
        tokenstore_bytes value = {values + n * TOKENSTORE_VALUE_BYTES, lens[n]};
        /* What fails as a whole answers for each. */
        int whole = status != TOKENSTORE_OK && status != TOKENSTORE_SOME_REFUSED;
        tokenstore_status its = whole ? status : statuses[n];
        if (its == TOKENSTORE_OK) {
            created_answer(world, called.at[n], &created[n], value);
            results = listed(results, "CREATED");
        } else {
            refused++;
            check_refused(&created[n], value.data, value.len);
            results = listed(results, tokenstore_status_name(its));
        }
    }
    if ((status == TOKENSTORE_OK) != (refused == 0)) mistake("the whole call says other than its tokens");
    made->result = results;
    return made;
}
