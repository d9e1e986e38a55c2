#include "case_file.h"

#include <stdio.h>
#include <string.h>

static char *whole(const char *path) {
    FILE *file = fopen(path, "rb");
    if (file == NULL || fseek(file, 0, SEEK_END) != 0) mistake("%s cannot be opened", path);
    long len = ftell(file);
    rewind(file);
    char *text = keep((size_t)len + 1);
    size_t got = fread(text, 1, (size_t)len, file);
    fclose(file);
    if (got != (size_t)len || strlen(text) != got) mistake("%s cannot be read", path);
    return text;
}

/* The words of a line, without its comment. */
static pieces words_of(const char *line) {
    pieces all = split(line, ' '), words = {all.at, 0};
    for (size_t n = 0; n < all.count && all.at[n][0] != '#'; n++) {
        if (all.at[n][0] != 0) words.at[words.count++] = all.at[n];
    }
    return words;
}

static turn read_turn(const char *place, pieces words, const char *name) {
    turn read = {{keep((words.count + 1) * sizeof(char *)), words.count}, {NULL, 0}};
    for (size_t n = 0; n < words.count; n++) {
        read.words.at[n] = name == NULL ? words.at[n] : with_turn(words.at[n], name);
    }
    for (size_t n = 0; n < words.count; n++) {
        if (strcmp(read.words.at[n], "->") != 0) continue;
        read.expected.at = read.words.at + n + 1;
        read.expected.count = words.count - n - 1;
        read.words.count = n;
        if (read.expected.count == 0) mistake("%s: nothing is expected behind the arrow", place);
        for (size_t field = 1; field < read.expected.count; field++) {
            char *text = read.expected.at[field];
            if (strchr(text, '=') == NULL) mistake("%s: `%s` is no field=value", place, text);
        }
        break;
    }
    return read;
}

static case_line read_line(const char *place, size_t number_of_line, pieces words) {
    case_line line = {number_of_line, NULL, 1};
    pieces rest = {words.at + 2, words.count < 2 ? 0 : words.count - 2};
    if (words.count >= 2 && strcmp(words.at[0], "for") == 0) {
        pieces names = split(words.at[1], ',');
        line.turn_count = names.count;
        line.turns = keep(names.count * sizeof *line.turns);
        for (size_t n = 0; n < names.count; n++) line.turns[n] = read_turn(place, rest, names.at[n]);
    } else if (words.count >= 2 && strcmp(words.at[0], "repeat") == 0) {
        line.turn_count = (size_t)number(words.at[1], 1000000);
        line.turns = keep(line.turn_count * sizeof *line.turns);
        for (size_t n = 0; n < line.turn_count; n++) line.turns[n] = read_turn(place, rest, format("%zu", n + 1));
    } else {
        /* A `$` that is left belongs to a repetition inside a text. */
        line.turns = keep(sizeof *line.turns);
        line.turns[0] = read_turn(place, words, NULL);
    }
    return line;
}

case_file read_case_file(const char *path) {
    const char *slash = strrchr(path, '/');
    case_file file = {slash == NULL ? path : slash + 1, NULL, 0};
    pieces lines = split(whole(path), '\n');
    file.scenarios = keep(lines.count * sizeof *file.scenarios);
    for (size_t n = 0; n < lines.count; n++) {
        char *place = format("%s:%zu", file.name, n + 1), *text = lines.at[n];
        for (char *at = text; *at != 0; at++) {
            if (*at < ' ' || *at > '~') mistake("%s: only printable ASCII; write other bytes as %%XX", place);
        }
        pieces words = words_of(text);
        if (words.count == 0) continue;
        if (strcmp(words.at[0], "scenario") == 0) {
            if (words.count != 2 && !(words.count == 3 && strcmp(words.at[2], "keep_open") == 0)) {
                mistake("%s: a scenario has a name of one word, and no option but keep_open", place);
            }
            for (size_t other = 0; other < file.scenario_count; other++) {
                if (strcmp(file.scenarios[other].name, words.at[1]) == 0) {
                    mistake("%s: there is a scenario `%s` already", place, words.at[1]);
                }
            }
            scenario *begun = &file.scenarios[file.scenario_count++];
            begun->name = words.at[1];
            begun->lines = keep((lines.count - n) * sizeof *begun->lines);
        } else if (file.scenario_count == 0) {
            mistake("%s: the first line is `scenario NAME`", place);
        } else {
            scenario *current = &file.scenarios[file.scenario_count - 1];
            current->lines[current->line_count++] = read_line(place, n + 1, words);
        }
    }
    if (file.scenario_count == 0) mistake("%s: a file without a scenario", file.name);
    return file;
}
