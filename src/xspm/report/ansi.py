"""The little of a terminal that a report needs: sixteen named colours, display width, wrapping.

Written here and not taken from rich, because a report is the one thing every run prints and importing rich costs more
than rendering does; rich stays for live progress. Only the user's own palette is used (colours by name, bold, dim), so
a report follows a light or a dark theme.
"""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING, Final, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import TextIO

Style: TypeAlias = str
"""Names from `CODES`, separated by spaces; empty for plain."""

CODES: Final[Mapping[str, str]] = {
    "bold": "1",
    "dim": "2",
    "red": "31",
    "green": "32",
    "yellow": "33",
    "blue": "34",
    "magenta": "35",
    "cyan": "36",
}


def wants_colour(stream: TextIO, environ: Mapping[str, str]) -> bool:
    """Whether to colour what is written to `stream`.

    `NO_COLOR` says no and `FORCE_COLOR` yes when they are not empty (https://no-color.org, https://force-color.org);
    else only a terminal that is not `dumb` gets colour.
    """
    if environ.get("NO_COLOR"):
        return False
    if environ.get("FORCE_COLOR"):
        return True
    return environ.get("TERM") != "dumb" and stream.isatty()


class Painter:
    """Applies styles, or leaves text plain."""

    def __init__(self, *, colour: bool) -> None:
        self._colour = colour

    def __call__(self, text: str, style: Style) -> str:
        """Return `text` in a style."""
        if not (self._colour and style and text):
            return text
        codes = ";".join(CODES[name] for name in style.split())
        return f"\x1b[{codes}m{text}\x1b[0m"


def width_of(text: str) -> int:
    """Return how many columns `text` takes: wide East Asian characters two, combining ones none."""
    if text.isascii():
        return len(text)
    return sum(map(_columns, text))


def fit(text: str, width: int) -> str:
    """Return `text` cut to `width` columns; what is cut ends in an ellipsis."""
    if width_of(text) <= width:
        return text
    kept, used = [], 1
    for character in text:
        used += _columns(character)
        if used > width:
            break
        kept.append(character)
    return "".join(kept) + "…"


def wrap(text: str, width: int) -> list[str]:
    """Return `text` in lines of at most `width` columns, broken at spaces, and within a word only if it is wider."""
    if width_of(text) <= width:
        return [text]
    lines, line, used = [], "", 0
    for word in _words(text, width):
        columns = width_of(word)
        if line and used + 1 + columns > width:
            lines.append(line)
            line, used = word, columns
        else:
            line, used = (f"{line} {word}", used + 1 + columns) if line else (word, columns)
    return [*lines, line] if line else lines


def _words(text: str, width: int) -> Iterator[str]:
    for word in text.split(" "):
        rest = word
        while width_of(rest) > width:
            head = _head(rest, width)
            yield head
            rest = rest[len(head) :]
        if rest:
            yield rest


def _head(word: str, width: int) -> str:
    """As much of a word as fits, ending after a separator where there is one in its second half."""
    used = size = 0
    for character in word:
        used += _columns(character)
        if used > width and size:
            break
        size += 1
    last = max(word.rfind(separator, size // 2, size) for separator in "/.,:;&=-")
    return word[: last + 1] if last >= 0 else word[:size]


def _columns(character: str) -> int:
    if character < "\u0300":
        return 1
    if unicodedata.combining(character) or unicodedata.category(character) in {"Mn", "Me"}:
        return 0
    return 2 if unicodedata.east_asian_width(character) in {"W", "F"} else 1
