/* Plays scenarios through the C interface alone, as tests/cases/README.md describes them.
 *
 * cases SCRATCH FILE...: plays every scenario of the files with its stores in the folder SCRATCH, and prints how many
 * lines passed. A line that is answered otherwise than it says is named with its place, what was expected and what
 * came; then the exit status is 1. */
#include "case_file.h"
#include "case_ops.h"

#include <stdio.h>
#include <string.h>

static size_t scenarios = 0, lines = 0, unsayable_turns = 0, failures = 0;

static char *joined(pieces words) {
    char *text = copy_of("", 0);
    for (size_t n = 0; n < words.count; n++) text = format("%s%s%.200s", text, n == 0 ? "" : " ", words.at[n]);
    return text;
}

/* What is wrong with the answer to a turn; NULL if nothing is. */
static const char *play_turn(world *world, const turn *turn) {
    if (setjmp(after_mistake) != 0) return mistake_text;
    const answer *answer = play_operation(world, turn->words);
    if (answer == NULL) return turn->expected.count == 0 ? NULL : "this operation answers nothing";
    if (turn->expected.count == 0) return format("no answer is expected; %s came", answer_text(answer));
    unsayable_turns += answer->unsayable != 0;
    const char *came = difference(answer, turn->expected);
    return came == NULL ? NULL : format("expected %s; %s came", joined(turn->expected), came);
}

static void play_line(world *world, const char *file, const scenario *scenario, const case_line *line) {
    for (size_t n = 0; n < line->turn_count; n++) {
        const char *wrong = play_turn(world, &line->turns[n]);
        if (wrong == NULL) continue;
        failures++;
        fprintf(stderr, "%s:%zu (%s): `%s`: %s\n", file, line->number, scenario->name, joined(line->turns[n].words),
                wrong);
        return;
    }
    lines++;
}

static void play_file(const char *path, const char *scratch) {
    /* Set before the jump, and read after it. */
    static world world;
    if (setjmp(after_mistake) != 0) {
        failures++;
        fprintf(stderr, "%s\n", mistake_text);
        return;
    }
    case_file file = read_case_file(path);
    for (size_t n = 0; n < file.scenario_count; n++) {
        const scenario *scenario = &file.scenarios[n];
        begin_world(&world, scratch);
        for (size_t line = 0; line < scenario->line_count; line++) {
            play_line(&world, file.name, scenario, &scenario->lines[line]);
        }
        end_world(&world);
        scenarios++;
    }
}

int main(int argc, char **argv) {
    if (argc < 3) {
        fprintf(stderr, "cases SCRATCH FILE...\n");
        return 2;
    }
    for (int n = 2; n < argc; n++) {
        play_file(argv[n], argv[1]);
        forget_all();
    }
    printf("cases in C: %d files, %zu scenarios, %zu lines passed", argc - 2, scenarios, lines);
    printf(" (%zu answers are the player's: C has no words for the question)\n", unsayable_turns);
    return failures == 0 ? 0 : 1;
}
