"""Configuration texts in the shapes that many programs share.

Lines with comments, assignments, INI sections and drop-in folders. Each function takes text and returns plain values
with line numbers. Nothing here raises on any input: a line that does not fit is left out, or named by the caller.
"""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING, Final, NamedTuple

from xspm.model.unknown import Unknown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from xspm.connectors.linux.transport import Source

LINE_LIMIT: Final = 8192
"""Characters of one line that are looked at; no program reads longer ones."""

_ASSIGNMENT: Final = re.compile(r"(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)=(.*)")
_UNITS: Final = {
    "": 1, "s": 1, "sec": 1, "second": 1, "seconds": 1,
    "m": 60, "min": 60, "minute": 60, "minutes": 60,
    "h": 3600, "hr": 3600, "hour": 3600, "hours": 3600,
    "d": 86400, "day": 86400, "days": 86400,
    "w": 604800, "week": 604800, "weeks": 604800,
    "month": 2629800, "months": 2629800, "M": 2629800,
    "y": 31557600, "year": 31557600, "years": 31557600,
    "ms": 0, "msec": 0, "us": 0, "usec": 0,
}  # fmt: skip
_SPAN: Final = re.compile(r"([0-9]{1,12})(?![0-9])\s*([A-Za-z]*)\s*")


class Line(NamedTuple):
    """A line that says something."""

    number: int
    """1-based, of its first part."""
    text: str
    """Stripped."""


class Setting(NamedTuple):
    """A value with the place it was set."""

    value: str
    file: str
    line: int


def lines(text: str, *, comments: str = "#", joined: bool = False) -> Iterator[Line]:
    """Yield lines that are neither empty nor a comment; `joined` puts lines together that end in a backslash."""
    pending, start = "", 0
    for number, raw in enumerate(text.split("\n"), 1):
        piece = raw[:LINE_LIMIT].rstrip("\r")
        if joined and piece.endswith("\\") and len(pending) < LINE_LIMIT:
            pending += piece[:-1] + " "
            start = start or number
            continue
        whole = (pending + piece).strip()
        if whole and whole[0] not in comments:
            yield Line(start or number, whole)
        pending, start = "", 0
    whole = pending.strip()
    if whole and whole[0] not in comments:
        yield Line(start, whole)


def words(text: str, *, file: str = "", comments: str = "#") -> dict[str, Setting]:
    """Read `KEY value` and `KEY = value` lines (login.defs, auditd.conf, pwquality.conf); the last one wins."""
    found: dict[str, Setting] = {}
    for line in lines(text, comments=comments):
        key, _, rest = re.sub(r"\s*=\s*|\s+", " ", line.text, count=1).partition(" ")
        value = re.split(r"(?:^|\s)#", rest, maxsplit=1)[0].strip()
        found[key] = Setting(unquote(value), file, line.number)
    return found


def shell_assignments(text: str, *, file: str = "") -> dict[str, Setting]:
    """Read `NAME=value` lines of a shell-like file (/etc/default/…); the last one wins."""
    found: dict[str, Setting] = {}
    for line in lines(text):
        match = _ASSIGNMENT.match(line.text)
        if match:
            found[match[1]] = Setting(shell_value(match[2]), file, line.number)
    return found


def shell_value(text: str) -> str:
    """Return the first word of a shell assignment's right side, without its quotes and without a comment."""
    try:
        lexer = shlex.shlex(text, posix=True, punctuation_chars=";&|")
        lexer.whitespace_split = True
        lexer.commenters = "#" if text.lstrip().startswith("#") or " #" in text or "\t#" in text else ""
        return next(iter(lexer), "") if not text[:1].isspace() else ""
    except ValueError:
        return unquote(text.strip())


def unquote(text: str) -> str:
    """Take one pair of matching quotes off."""
    if len(text) >= 2 and text[0] == text[-1] and text[0] in "\"'":
        return text[1:-1]
    return text


def ini(text: str, *, file: str = "") -> list[tuple[str, str, Setting]]:
    """Read an INI text as systemd does: `(section, key, setting)` in order, repeated keys kept."""
    section = ""
    found: list[tuple[str, str, Setting]] = []
    for line in lines(text, comments="#;", joined=True):
        if line.text.startswith("[") and line.text.endswith("]"):
            section = line.text[1:-1]
            continue
        key, equals, value = line.text.partition("=")
        if equals:
            found.append((section, key.strip(), Setting(value.strip(), file, line.number)))
    return found


def drop_ins(source: Source, main: str, folders: tuple[str, ...]) -> list[str] | Unknown:
    """Return the files that make up a systemd-style configuration, in the order they are read.

    A name in an earlier folder hides the same name in later ones; all names are sorted together after the main file.

    Args:
        source: the host.
        main: the main file's path (`/etc/systemd/journald.conf`); where it is not there, the vendor's below /usr/lib.
        folders: drop-in folders, highest priority first.
    """
    chosen: dict[str, str] = {}
    for folder in folders:
        found = source.glob(f"{folder}/*.conf")
        if isinstance(found, Unknown):
            return found
        for path in found:
            chosen.setdefault(path.rpartition("/")[2], path)
    vendor = main.replace("/etc/", "/usr/lib/", 1)
    mains = [path for path in (main, vendor) if source.stat(path, follow=True) is not None]
    return mains[:1] + [chosen[name] for name in sorted(chosen)]


def boolean(text: str) -> bool | None:
    """Read a word for true or false; None for another word."""
    word = text.strip().lower()
    if word in {"yes", "true", "on", "1", "y", "t"}:
        return True
    return False if word in {"no", "false", "off", "0", "n", "f"} else None


def integer(text: str) -> int | None:
    """Read a decimal integer that JSON can carry; None for anything else."""
    match = re.fullmatch(r"\s*([+-]?[0-9]{1,15})\s*", text)
    return int(match[1]) if match else None


def octal_digits(text: str) -> str | None:
    """Read a mode or umask in octal and write it as four digits; None for anything else."""
    match = re.fullmatch(r"\s*(?:0o?)?([0-7]{1,4})\s*", text)
    return f"{int(match[1], 8):04o}" if match else None


def seconds(text: str) -> int | None:
    """Read a time span such as `90`, `15min`, `1h 30min`; None for anything else."""
    stripped = text.strip()
    total, position = 0, 0
    while position < len(stripped):
        match = _SPAN.match(stripped, position)
        unit = match[2] if match else None
        if match is None or unit is None or (unit not in _UNITS and unit.lower() not in _UNITS):
            return None
        total += int(match[1]) * _UNITS[unit if unit in _UNITS else unit.lower()]
        position = match.end()
    return total if stripped and total <= 2**53 - 1 else None
