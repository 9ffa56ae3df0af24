"""The text of sudoers: continuations, comments, quotes and lists."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from xspm.connectors.linux.configuration import LINE_LIMIT

if TYPE_CHECKING:
    from collections.abc import Iterator


STATEMENT_LIMIT: Final = 64 * 1024
"""Characters of one statement with its continuation lines."""


def split(text: str, separator: str = ",") -> list[str]:
    """Split at a separator outside quotes and parentheses that no backslash precedes; parts are stripped.

    Empty parts, of which sudo takes none, stay, but for a text that is empty altogether.
    """
    parts: list[str] = []
    start = position = depth = 0
    quoted = False
    while position < len(text):
        character = text[position]
        if character == "\\":
            position += 2
            continue
        if character == '"':
            quoted = not quoted
        elif not quoted:
            depth += (character == "(") - (character == ")")
            if character == separator and depth <= 0:
                parts.append(text[start:position].strip())
                start = position + 1
        position += 1
    parts.append(text[start:].strip())
    return parts if any(parts) or len(parts) > 1 else []


def statements(text: str) -> Iterator[tuple[int, str]]:
    """Yield statements with their first line: continuations joined, comments off."""
    pending, start = "", 0
    for number, raw in enumerate(text.split("\n"), 1):
        line = raw[:LINE_LIMIT].rstrip("\r")
        start = start or number
        if re.search(r"(?<!\\)(?:\\\\)*\\$", line) and len(pending) < STATEMENT_LIMIT:
            pending += line[:-1] + " "
            continue
        statement = _uncomment((pending + line).strip()).strip()
        if statement:
            yield start, statement
        pending, start = "", 0
    statement = _uncomment(pending.strip()).strip()
    if statement:
        yield start, statement


def _uncomment(text: str) -> str:
    """Cut a comment off; `#include` and `#1000` are none."""
    if re.match(r"#include(?:dir)?\s", text):
        return text
    quoted = False
    for position, character in enumerate(text):
        before = text[position - 1] if position else " "
        if character == '"' and before != "\\":
            quoted = not quoted
        if character == "#" and not quoted and before != "\\" and not re.match(r"#-?\d", text[position : position + 3]):
            return text[:position]
    return text


def clean(item: str) -> str:
    """Take quotes and the backslashes of escaped characters off."""
    negation = re.match(r"[!\s]*", item)
    lead = re.sub(r"\s", "", negation[0]) if negation else ""
    return lead + unescape(item[negation.end() if negation else 0 :])


def unescape(text: str) -> str:
    """Take quotes and backslashes off."""
    inner = text[1:-1] if len(text) >= 2 and text[0] == text[-1] == '"' else text
    return re.sub(r"\\(.)", r"\1", inner, flags=re.DOTALL)
