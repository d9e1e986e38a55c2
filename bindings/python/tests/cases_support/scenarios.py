"""Reading scenarios: files into scenarios, scenarios into lines, lines into words."""

from dataclasses import dataclass
from pathlib import Path
from typing import List, Optional, Tuple

from . import Mistake


@dataclass
class Expected:
    """What stands behind the arrow."""

    result: str
    fields: List[Tuple[str, str]]

    def __str__(self) -> str:
        return " ".join([self.result, *(f"{name}={value}" for name, value in self.fields)])


@dataclass
class Turn:
    """An operation with its arguments, and what it must answer."""

    words: List[str]
    expected: Optional[Expected]


@dataclass
class Line:
    """A line, where it stands, and what is played: once, or with `for` and `repeat` several times."""

    place: str
    turns: List[Turn]


@dataclass
class Scenario:
    """Lines that are played one after the other on a store of its own."""

    name: str
    lines: List[Line]


@dataclass
class CaseFile:
    """One file's scenarios."""

    name: str
    scenarios: List[Scenario]


def read_folder(folder: Path) -> List[CaseFile]:
    """Every `*.txt` of a folder, in the order of their names."""
    paths = sorted(folder.glob("*.txt"))
    if not paths:
        raise Mistake(f"{folder} has no scenarios")
    return [parse(path.name, path.read_text(encoding="utf-8")) for path in paths]


def parse(file: str, text: str) -> CaseFile:
    """Reads the text of a file."""
    scenarios: List[Scenario] = []
    for number, line in enumerate(text.split("\n"), 1):
        place = f"{file}:{number}"
        try:
            _read(scenarios, place, line)
        except Mistake as mistake:
            raise Mistake(f"{place}: {mistake}") from None
    if not scenarios:
        raise Mistake(f"{file}: a file without a scenario")
    return CaseFile(file, scenarios)


def _read(scenarios: List[Scenario], place: str, line: str) -> None:
    if not line.isascii() or "\t" in line:
        raise Mistake("only printable ASCII; write other bytes as %XX")
    words = _words(line)
    if not words:
        return
    if words[0] == "scenario":
        if len(words) not in (2, 3) or words[2:] not in ([], ["keep_open"]):
            raise Mistake("a scenario has a name of one word, and no option but keep_open")
        if any(scenario.name == words[1] for scenario in scenarios):
            raise Mistake(f"there is a scenario `{words[1]}` already")
        scenarios.append(Scenario(words[1], []))
    elif not scenarios:
        raise Mistake("the first line is `scenario NAME`")
    else:
        scenarios[-1].lines.append(Line(place, [_read_turn(turn) for turn in _turns(words)]))


def _words(line: str) -> List[str]:
    """The words of a line, without its comment."""
    words = []
    for word in line.split(" "):
        if word.startswith("#"):
            break
        if word:
            words.append(word)
    return words


def _turns(words: List[str]) -> List[List[str]]:
    """`for a,b LINE` and `repeat 3 LINE`: LINE with each name or number where it has a `$`."""
    if words[0] == "for" and len(words) > 1:
        names = words[1].split(",")
    elif words[0] == "repeat" and len(words) > 1:
        if not words[1].isdecimal():
            raise Mistake(f"`{words[1]}` is no number")
        names = [str(turn) for turn in range(1, int(words[1]) + 1)]
    else:
        # A `$` that is left belongs to a repetition inside a text.
        return [words]
    return [[word.replace("$", name) for word in words[2:]] for name in names]


def _read_turn(words: List[str]) -> Turn:
    if "->" not in words:
        return Turn(words, None)
    arrow = words.index("->")
    behind = words[arrow + 1 :]
    if not behind:
        raise Mistake("nothing is expected behind the arrow")
    fields = []
    for word in behind[1:]:
        name, equals, value = word.partition("=")
        if not equals:
            raise Mistake(f"`{word}` is no field=value")
        fields.append((name, value))
    return Turn(words[:arrow], Expected(behind[0], fields))
