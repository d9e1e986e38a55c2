/* What a service does with a store: it declares its types at the start, issues a token, judges what each request
 * presents, and revokes. Takes the path of a store, which is made if it is not there. */
#include <tokenstore.h>

#include <stdio.h>
#include <string.h>

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

/* What a service answers to a request with this Authorization header: 401 and 403 are refusals, 503 is trouble. */
static int http_status(const tokenstore_store *store, uint32_t type, const char *header, const char *project) {
    tokenstore_query query = {.struct_size = sizeof query};
    tokenstore_verdict verdict;
    uint8_t owner[255];
    size_t owner_len = 0;
    query.type = type;
    query.flags = TOKENSTORE_HEADER | TOKENSTORE_CHECK_PROJECT;
    query.project = (const uint8_t *)project;
    query.project_len = strlen(project);

    tokenstore_status status =
        tokenstore_verify(store, (const uint8_t *)header, strlen(header), &query, &verdict);
    if (status == TOKENSTORE_OK &&
        tokenstore_owner(store, verdict.owner, owner, sizeof owner, &owner_len, NULL) == TOKENSTORE_OK) {
        printf("%s: %.*s\n", project, (int)owner_len, (const char *)owner);
        return 200;
    }
    printf("%s: %s\n", project, tokenstore_status_name(status));
    if (status >= TOKENSTORE_INVALID_ARGUMENT) return 503;
    return status == TOKENSTORE_NO_GRANT ? 403 : 401;
}

int main(int argc, char **argv) {
    if (argc != 2) {
        fprintf(stderr, "usage: issue_and_verify STORE\n");
        return 2;
    }
    if (tokenstore_abi() != TOKENSTORE_ABI) {
        fprintf(stderr, "the library has ABI %u, and the program was made for %d\n", (unsigned)tokenstore_abi(),
                TOKENSTORE_ABI);
        return 1;
    }

    tokenstore_store *store = NULL;
    tokenstore_error error;
    tokenstore_status status = tokenstore_create(argv[1], NULL, &store, &error);
    if (status == TOKENSTORE_ALREADY_EXISTS) status = tokenstore_open(argv[1], NULL, &store, &error);
    if (status != TOKENSTORE_OK) return failed(argv[1], &error);

    tokenstore_policy policy = {.struct_size = sizeof policy};
    uint32_t server = 0;
    policy.name = text("server");
    policy.prefix = text("srv");
    policy.flags = TOKENSTORE_TYPE_SHARED_NAMES;
    if (tokenstore_type_declare(store, &policy, &server, &error) != TOKENSTORE_OK) return failed("server", &error);

    /* Issue. The value is shown once: the store has a hash of it, and nobody else has it. */
    tokenstore_bytes project = text("A-1");
    tokenstore_new_token token = {.struct_size = sizeof token};
    tokenstore_created created;
    char header[7 + TOKENSTORE_VALUE_BYTES + 1] = "Bearer ";
    size_t value_len = 0;
    token.type = server;
    token.owner = text("acme");
    token.name = text("deploy");
    token.flags = TOKENSTORE_EXPIRES_IN;
    token.expires_ms = INT64_C(90) * 24 * 60 * 60 * 1000;
    token.projects = &project;
    token.project_count = 1;
    if (tokenstore_token_create(store, &token, (uint8_t *)header + 7, TOKENSTORE_VALUE_BYTES, &value_len, &created,
                                &error) != TOKENSTORE_OK) {
        return failed("create", &error);
    }

    /* Requests. */
    printf("%d\n", http_status(store, server, header, "A-1"));
    printf("%d\n", http_status(store, server, header, "B-2"));

    /* Revoke. It is on the disk when the call returns, and refused from then on. */
    tokenstore_target target = {.struct_size = sizeof target};
    memcpy(target.id, created.id, sizeof target.id);
    target.by = text("admin");
    target.reason = text("the laptop was lost");
    if (tokenstore_token_revoke(store, &target, NULL, &error) != TOKENSTORE_OK) return failed("revoke", &error);
    printf("%d\n", http_status(store, server, header, "A-1"));

    tokenstore_memzero((uint8_t *)header, sizeof header);
    return tokenstore_close(store, &error) == TOKENSTORE_OK ? 0 : failed("close", &error);
}
