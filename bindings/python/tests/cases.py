"""Plays the scenarios of `tests/cases` through the package alone, so that Python answers as Rust does.

`python3 cases.py [FOLDER]`: the format is described in the folder's README.md. It prints how much was played, and
fails with the place, what was expected and what came for each line that is answered otherwise.
"""

import sys
from pathlib import Path
from typing import List

sys.path.insert(0, str(Path(__file__).parent))

from cases_support import Mistake, operations, scenarios, world  # noqa: E402

FOLDER = Path(__file__).resolve().parents[3] / "tests" / "cases"


def play(file: scenarios.CaseFile, failures: List[str]) -> int:
    """Plays a file's scenarios, each in a world of its own; how many lines were answered as expected."""
    passed = 0
    for scenario in file.scenarios:
        with world.World() as played_in:
            for line in scenario.lines:
                try:
                    for turn in line.turns:
                        play_turn(played_in, turn)
                    passed += 1
                except Mistake as mistake:
                    failures.append(f"{line.place} ({scenario.name}): {mistake}")
    return passed


def play_turn(played_in: world.World, turn: scenarios.Turn) -> None:
    """Plays an operation. Mistake says what differed."""
    shown = " ".join(turn.words)
    try:
        answer = operations.run(played_in, turn.words)
    except Mistake as mistake:
        raise Mistake(f"`{shown}`: {mistake}") from None
    if answer is None and turn.expected is None:
        return
    if answer is None:
        raise Mistake(f"`{shown}`: this operation answers nothing")
    if turn.expected is None:
        raise Mistake(f"`{shown}`: no answer is expected; {answer} came")
    difference = answer.difference(turn.expected)
    if difference is not None:
        raise Mistake(f"`{shown}`: expected {turn.expected}; {difference} came")


def main(arguments: List[str]) -> int:
    """Plays a folder; the exit status."""
    folder = Path(arguments[0]) if arguments else FOLDER
    failures: List[str] = []
    lines = 0
    try:
        files = scenarios.read_folder(folder)
    except Mistake as mistake:
        print(mistake, file=sys.stderr)
        return 1
    for file in files:
        lines += play(file, failures)
    for failure in failures:
        print(failure, file=sys.stderr)
    count = sum(len(file.scenarios) for file in files)
    print(f"cases in Python: {len(files)} files, {count} scenarios, {lines} lines passed")
    return 1 if failures or not lines else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
