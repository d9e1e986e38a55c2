/* Reading scenarios: a file into lines, lines into words. */
#ifndef CASE_FILE_H
#define CASE_FILE_H

#include "case_text.h"

/* An operation with its arguments, and what must come: `expected.count` is 0 if there is no arrow. */
typedef struct turn {
    pieces words;
    pieces expected;
} turn;

/* A line of a scenario. */
typedef struct case_line {
    size_t number;
    /* Once, or with `for` and `repeat` several times; none for a line that is wrong. */
    turn *turns;
    size_t turn_count;
} case_line;

/* A scenario: lines that are played one after the other on a store of its own. */
typedef struct scenario {
    const char *name;
    case_line *lines;
    size_t line_count;
} scenario;

/* A file: its name without its folder, and its scenarios. */
typedef struct case_file {
    const char *name;
    scenario *scenarios;
    size_t scenario_count;
} case_file;

/* Reads a file. What cannot be read is a mistake that says where. */
case_file read_case_file(const char *path);

#endif
