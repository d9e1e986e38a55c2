// The scenarios of tests/cases, played through tokenstore.hpp alone. What they say is in tests/cases/README.md.
//
// Arguments: a scratch folder, and the folder of the scenarios. Prints how much passed; for each line that failed its
// place, what was expected and what came, and exits 1 then.
#include <cstdio>

#include "cases/judging.hpp"
#include "cases/pairs.hpp"
#include "cases/tokens.hpp"

namespace {

using namespace cases;

/// Every operation that answers something, by its name.
const std::map<std::string, answer (*)(world &, arguments &)> operations = {
    {"store", make_store},
    {"create_again",
     [](world &world, arguments &args) {
         args.finish();
         world.must_have_file();
         static_cast<void>(ts::store::create(world.path(), world.options()));
         return answer{"OK"};
     }},
    {"open_again",
     [](world &world, arguments &args) {
         args.finish();
         world.must_have_file();
         static_cast<void>(ts::store::open(world.path(), world.options()));
         return answer{"OK"};
     }},
    {"open_elsewhere",
     [](world &world, arguments &args) {
         args.finish();
         static_cast<void>(ts::store::open(world.path_of_nothing()));
         return answer{"OK"};
     }},
    {"reopen", reopen},
    {"close",
     [](world &world, arguments &args) {
         args.finish();
         world.store().close();
         return answer{"OK"};
     }},
    {"flush",
     [](world &world, arguments &args) {
         args.finish();
         world.store().flush();
         return answer{"OK"};
     }},
    {"change_key", change_key},
    {"type", declare},
    {"find_type", find_type},
    {"types", types},
    {"create", create},
    {"create_many", create_many},
    {"create_if_absent", create_if_absent},
    {"create_from_value", create_from_value},
    {"verify", verify},
    {"authorization", authorization},
    {"verify_many", verify_many},
    {"consume", consume},
    {"issue_pair", issue_pair},
    {"refresh", refresh},
    {"revoke_family", [](world &world, arguments &args) { return plain(world, args, &ts::store::revoke_family); }},
    {"revoke_owner", revoke_owner},
    {"rotate", rotate},
    {"prune", prune},
    {"revoke_value", revoke_value},
    {"value", value},
    {"owner", owner},
    {"get", get},
    {"list", list_tokens},
    {"events", events},
    {"event", event},
    {"stats", stats},
    {"edit", edit},
    {"remove_project", remove_project},
    {"grant", [](world &world, arguments &args) { return with_project(world, args, &ts::store::grant); }},
    {"ungrant", [](world &world, arguments &args) { return with_project(world, args, &ts::store::ungrant); }},
    {"grant_all", [](world &world, arguments &args) { return plain(world, args, &ts::store::grant_all); }},
    {"revoke_grants", [](world &world, arguments &args) { return plain(world, args, &ts::store::revoke_grants); }},
    {"disable", [](world &world, arguments &args) { return plain(world, args, &ts::store::disable); }},
    {"enable", [](world &world, arguments &args) { return plain(world, args, &ts::store::enable); }},
    {"revoke", [](world &world, arguments &args) { return plain(world, args, &ts::store::revoke); }},
    {"delete", [](world &world, arguments &args) { return plain(world, args, &ts::store::remove); }},
};

answer run(world &world, const std::string &name, arguments &args) {
    const auto operation = operations.find(name);
    if (operation == operations.end()) {
        throw mistake("there is no operation `" + name + "`");
    }
    try {
        return operation->second(world, args);
    } catch (const ts::error &error) {
        return {std::string(ts::name(error.status()))};
    }
}

void play(world &world, const turn &turn) {
    if (turn.words.empty()) {
        throw mistake("a line has an operation");
    }
    const std::string &name = turn.words[0];
    arguments args(turn.words);
    if (name == "advance" || name == "clock") {
        if (turn.has_answer) {
            throw mistake("this operation answers nothing");
        }
        move_clock(world, args, name == "advance");
        return;
    }
    const answer came = run(world, name, args);
    if (!turn.has_answer) {
        throw mistake("no answer is expected; " + came.to_string() + " came");
    }
    if (const auto wrong = came.difference(turn)) {
        throw mistake(*wrong);
    }
}

/// Plays a line; whether all its turns passed.
bool passes(world &world, const line &line, const std::string &scenario) {
    for (const turn &turn : line.turns) {
        try {
            play(world, turn);
        } catch (const std::exception &failure) {
            std::string words;
            for (const std::string &word : turn.words) {
                words += (words.empty() ? "" : " ") + word;
            }
            std::fprintf(stderr, "%s (%s): `%s`: %s\n", line.place.c_str(), scenario.c_str(), words.c_str(),
                         failure.what());
            return false;
        }
    }
    return true;
}

} // namespace

int main(int argc, char **argv) {
    if (argc != 3) {
        std::fputs("usage: cases SCRATCH_FOLDER CASES_FOLDER\n", stderr);
        return 2;
    }
    const std::filesystem::path scratch = argv[1];
    std::size_t files = 0, scenarios = 0, lines = 0, failures = 0;
    try {
        for (const case_file &file : read_folder(argv[2])) {
            ++files;
            if (file.scenarios.empty()) {
                std::fprintf(stderr, "%s: a file without a scenario\n", file.name.c_str());
                ++failures;
            }
            for (const scenario &scenario : file.scenarios) {
                ++scenarios;
                world world(scratch / ("scenario-" + std::to_string(scenarios)));
                for (const line &line : scenario.lines) {
                    ++(passes(world, line, scenario.name) ? lines : failures);
                }
            }
        }
    } catch (const std::exception &error) {
        std::fprintf(stderr, "%s\n", error.what());
        return 1;
    }
    std::printf("cases in C++: %zu files, %zu scenarios, %zu lines passed\n", files, scenarios, lines);
    return failures == 0 && scenarios > 0 ? 0 : 1;
}
