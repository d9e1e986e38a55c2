/* Every call of the C interface: what it answers when all is well, when it is refused, and when it is given nothing.
 *
 * calls FOLDER: makes its files in the folder, and prints the number of checks. */
#include "calls.h"

#include <stdio.h>

int main(int argc, char **argv) {
    if (argc < 2) return 2;
    versions_and_statuses();
    clocks();
    making_and_opening(argv[1]);
    closing_and_keys(argv[1]);
    types();
    creating(argv[1]);
    creating_many();
    verifying();
    verifying_many();
    changing();
    revoking();
    consuming(argv[1]);
    tickets(argv[1]);
    rotating(argv[1]);
    children();
    ending_many(argv[1]);
    families();
    issuing(argv[1]);
    refreshing(argv[1]);
    ending_families(argv[1]);
    reading();
    listing();
    structs_and_errors();
    printf("C calls: %ld checks passed\n", checks_passed());
    return 0;
}
