// Reading scenarios: files into scenarios, scenarios into lines, lines into words.
#pragma once

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "text.hpp"

namespace cases {

/// An operation with its arguments, and what stands behind the arrow.
struct turn {
    std::vector<std::string> words;
    bool has_answer = false;
    std::string result;
    std::vector<std::pair<std::string, std::string>> fields;
};

/// A line: played once, or with `for` and `repeat` several times.
struct line {
    std::string place;
    std::vector<turn> turns;
};

struct scenario {
    std::string name;
    std::vector<line> lines;
};

struct case_file {
    std::string name;
    std::vector<scenario> scenarios;
};

inline turn read_turn(std::vector<std::string> words) {
    turn read;
    const auto arrow = std::find(words.begin(), words.end(), "->");
    read.words.assign(words.begin(), arrow);
    if (arrow == words.end()) {
        return read;
    }
    if (arrow + 1 == words.end()) {
        throw mistake("nothing is expected behind the arrow");
    }
    read.has_answer = true;
    read.result = *(arrow + 1);
    for (auto word = arrow + 2; word != words.end(); ++word) {
        const std::size_t equals = word->find('=');
        if (equals == std::string::npos) {
            throw mistake("`" + *word + "` is no field=value");
        }
        read.fields.emplace_back(word->substr(0, equals), word->substr(equals + 1));
    }
    return read;
}

inline line read_line(const std::string &place, std::vector<std::string> words) {
    line read{place, {}};
    std::vector<std::string> turns;
    if (words.size() > 1 && words[0] == "for") {
        turns = split(words[1], ',');
    } else if (words.size() > 1 && words[0] == "repeat") {
        const auto count = number<std::uint32_t>(words[1]);
        for (std::uint32_t n = 1; n <= count; ++n) {
            turns.push_back(std::to_string(n));
        }
    } else {
        // A `$` that is left belongs to a repetition inside a text.
        read.turns.push_back(read_turn(std::move(words)));
        return read;
    }
    words.erase(words.begin(), words.begin() + 2);
    for (const std::string &name : turns) {
        std::vector<std::string> with;
        for (const std::string &word : words) {
            with.push_back(replaced(word, '$', name));
        }
        read.turns.push_back(read_turn(std::move(with)));
    }
    return read;
}

inline std::vector<std::string> words_of(const std::string &text) {
    std::vector<std::string> words;
    for (std::string &word : split(text, ' ')) {
        if (word.empty()) {
            continue;
        }
        if (word[0] == '#') {
            break;
        }
        words.push_back(std::move(word));
    }
    return words;
}

inline case_file read_file(const std::filesystem::path &path) {
    case_file file{path.filename().string(), {}};
    std::ifstream in(path, std::ios::binary);
    if (!in) {
        throw mistake(path.string() + " cannot be read");
    }
    std::size_t number = 0;
    for (std::string text; std::getline(in, text);) {
        const std::string place = file.name + ":" + std::to_string(++number);
        try {
            for (const char c : text) {
                if (c < ' ' || c > '~') {
                    throw mistake("only printable ASCII; write other bytes as %XX");
                }
            }
            const std::vector<std::string> words = words_of(text);
            if (words.empty()) {
                continue;
            }
            if (words[0] != "scenario") {
                if (file.scenarios.empty()) {
                    throw mistake("the first line is `scenario NAME`");
                }
                file.scenarios.back().lines.push_back(read_line(place, words));
                continue;
            }
            if (words.size() < 2 || words.size() > 3 || (words.size() == 3 && words[2] != "keep_open")) {
                throw mistake("a scenario has a name of one word, and no option but keep_open");
            }
            for (const scenario &other : file.scenarios) {
                if (other.name == words[1]) {
                    throw mistake("there is a scenario `" + words[1] + "` already");
                }
            }
            file.scenarios.push_back({words[1], {}});
        } catch (const mistake &wrong) {
            throw mistake(place + ": " + wrong.what());
        }
    }
    return file;
}

/// Every `*.txt` of a folder, in the order of their names.
inline std::vector<case_file> read_folder(const std::filesystem::path &folder) {
    std::vector<std::filesystem::path> paths;
    for (const auto &entry : std::filesystem::directory_iterator(folder)) {
        if (entry.path().extension() == ".txt") {
            paths.push_back(entry.path());
        }
    }
    std::sort(paths.begin(), paths.end());
    std::vector<case_file> files;
    for (const auto &path : paths) {
        files.push_back(read_file(path));
    }
    return files;
}

} // namespace cases
