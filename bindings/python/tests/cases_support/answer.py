"""What an operation answered: a name in capitals, and fields."""

from typing import Dict, Optional, Union

import tokenstore

from .scenarios import Expected
from .text import expand

# How much of a field a report shows.
_LONGEST_SHOWN = 120


class Answer:
    """An answer."""

    def __init__(self, result: str, **fields: Union[str, int]) -> None:
        self.result = result
        self.fields: Dict[str, str] = {name: str(value) for name, value in fields.items()}

    @staticmethod
    def error(error: tokenstore.TokenstoreError) -> "Answer":
        """An error's name."""
        return Answer(error.name)

    @staticmethod
    def change(change: tokenstore.Change) -> "Answer":
        """CHANGED or UNCHANGED with the revision."""
        return Answer(changed_name(change.changed), revision=change.revision)

    def difference(self, expected: Expected) -> Optional[str]:
        """What differs from the expectation, if anything does."""
        same, unknown = self.result == expected.result, []
        for name, value in expected.fields:
            if name not in self.fields:
                unknown.append(name)
            else:
                same = same and self.fields[name] == expand(value)
        if unknown and self.result == expected.result:
            return f"there is no field `{'`, `'.join(unknown)}` in {self}"
        return None if same and not unknown else str(self)

    def __str__(self) -> str:
        shown = [self.result]
        for name, value in sorted(self.fields.items()):
            cut = value if len(value) <= _LONGEST_SHOWN else value[:_LONGEST_SHOWN] + "..."
            shown.append(f"{name}={cut}")
        return " ".join(shown)


def changed_name(changed: bool) -> str:
    """The result of a change."""
    return "CHANGED" if changed else "UNCHANGED"
