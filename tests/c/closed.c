/* After a close every call answers CLOSED, in memory and in a file, and a second close, too. A handle's block stays, so
 * that nothing of this reads what was let go.
 *
 * closed FOLDER: makes its file in the folder. */
#include "every_call.h"

#include <stdio.h>

static int calls_on_closed(tokenstore_store *store) {
    tokenstore_error error;
    IS(tokenstore_close(store, &error), TOKENSTORE_OK);
    int calls = every_verify(store, TOKENSTORE_CLOSED);
    calls += every_read(store, TOKENSTORE_CLOSED);
    calls += every_change(store, TOKENSTORE_CLOSED);
    for (int again = 0; again < 3; again++) {
        IS(tokenstore_close(store, &error), TOKENSTORE_CLOSED);
        CHECK(error.status == TOKENSTORE_CLOSED && error.message[0] != 0);
    }
    return calls + 1;
}

int main(int argc, char **argv) {
    if (argc < 2) return 2;
    tokenstore_store *store;
    int calls = calls_on_closed(in_memory(NULL));
    IS(tokenstore_create(path_in(argv[1], "closed.store"), NULL, &store, NULL), TOKENSTORE_OK);
    declare(store, "server", "srv", 0);
    calls += calls_on_closed(store);
    /* The file was let go, and another handle knows nothing of the first. */
    tokenstore_store *again;
    IS(tokenstore_open(path_in(argv[1], "closed.store"), NULL, &again, NULL), TOKENSTORE_OK);
    IS(tokenstore_close(store, NULL), TOKENSTORE_CLOSED);
    uint32_t type;
    IS(tokenstore_type_find(again, (const uint8_t *)"server", 6, &type, NULL), TOKENSTORE_OK);
    IS(tokenstore_close(again, NULL), TOKENSTORE_OK);
    CHECK(remove(path_in(argv[1], "closed.store")) == 0);
    printf("C after close: %d calls answered CLOSED, %ld checks passed\n", calls, checks_passed());
    return 0;
}
