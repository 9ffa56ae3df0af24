"""Where an expression stands in its file, and the errors that point there."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from xspm.errors import CelError

_FRONT_END: Final = re.compile(
    r"ERROR: <input>:(-?\d+):(-?\d+): (.*?)(?=\n \| |\nERROR: |\Z| \[[A-Z_]+\]\Z)", re.DOTALL
)
_STATUS: Final = re.compile(r"^[A-Z_]+: | \[[A-Z_]+\]$")


@dataclass(frozen=True, slots=True)
class Place:
    """The place of an expression in a file.

    Its first character stands at `line`:`column` (1-based); every further line of it is the next line of the file,
    after `indent` spaces.
    """

    source: str
    file: str | None = None
    line: int = 1
    column: int = 1
    indent: int = 0

    def error(self, message: str, offset: int | None = None, hint: str | None = None) -> CelError:
        """Return an error that points at the code point `offset` of the expression, its start by default."""
        before = self.source[: offset or 0]
        row = before.count("\n")
        return self.error_at(message, row + 1, len(before) - (before.rfind("\n") + 1) + 1, hint)

    def error_at(self, message: str, row: int, position: int, hint: str | None = None) -> CelError:
        """Return an error that points at a line and column (1-based) of the expression."""
        lines = self.source.split("\n")
        row = min(max(row, 1), len(lines))
        start = self.column if row == 1 else self.indent + 1
        text = lines[row - 1].rstrip("\r")
        column = start + min(max(position, 1), len(text) + 1) - 1
        return CelError(
            message,
            file=self.file or "<expression>",
            line=self.line + row - 1,
            column=column,
            source=" " * (start - 1) + text.replace("\t", " "),
            hint=hint,
        )


def front_end_errors(text: str) -> list[tuple[str, int, int]]:
    """Return (message, line, column) of every error in what the front end said.

    Of errors of syntax, and where one has no place, only the first counts: the others may follow from it. The type
    checker takes what it could not type for anything, so that each of its errors stands for itself.
    """
    found = [(" ".join(said[2].split()), int(said[0]), int(said[1])) for said in _FRONT_END.findall(text)]
    if not found:
        return [(_STATUS.sub("", text.split("\n", 1)[0]), 1, 1)]
    alone = any(row < 1 or message.startswith("Syntax error") for message, row, _ in found)
    return found[:1] if alone else found
