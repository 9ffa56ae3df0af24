"""Reads apt's own configuration language and its two forms of source lists, and compares Debian versions.

See apt.conf(5), sources.list(5) and deb-version(7). Nothing raises on any input: what does not fit is left out.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

_TOKEN: Final = re.compile(
    r'//[^\n]*|\#[^\n]*|/\*.*?\*/|"(?P<text>[^"\n]*)"|(?P<mark>[{};])|(?P<word>[^\s{};"]+)', re.DOTALL
)
_LINE: Final = re.compile(r"\s*deb\s+(?:\[(?P<options>[^\]]*)\]\s+)?(?P<uri>\[[^\]]*\]\S*|\S+)\s+(?P<rest>.*)")


class Entry(NamedTuple):
    """One source of packages."""

    uri: str
    suite: str
    components: str
    options: dict[str, str]
    """Names in lower case: `trusted`, `signed-by`, `allow-insecure`."""
    line: int
    enabled: bool


def settings(text: str) -> dict[str, str]:
    """Return apt.conf's settings by full name in lower case (`apt::periodic::enable`); the last one wins."""
    found: dict[str, str] = {}
    scopes: list[str] = []
    name, value = "", None
    for token in _TOKEN.finditer(text):
        if token["mark"] == "{":
            scopes.append(name)
            name, value = "", None
        elif token["mark"]:
            if name and value is not None:
                found["::".join([*(scope for scope in scopes if scope), name]).lower()] = value
            if token["mark"] == "}" and scopes:
                scopes.pop()
            name, value = "", None
        elif token["text"] is not None or token["word"]:
            word = token["text"] if token["text"] is not None else token["word"]
            if name:
                value = word
            else:
                name = word.rstrip(":")
    return found


def one_line(text: str) -> Iterator[Entry]:
    """Yield the sources of a `.list` file; a line that is commented out is no source."""
    for number, line in enumerate(text.split("\n"), 1):
        match = _LINE.match(line.split(" #", 1)[0])
        if match:
            suite, _, components = match["rest"].strip().partition(" ")
            pairs = (option.partition("=") for option in (match["options"] or "").split())
            options = {key.lower().rstrip("+-"): value for key, _, value in pairs}
            yield Entry(match["uri"], suite, components.strip(), options, number, enabled=True)


def deb822(text: str) -> Iterator[Entry]:
    """Yield the sources of a `.sources` file."""
    fields: dict[str, str] = {}
    key, start = "", 1
    for number, line in enumerate([*text.split("\n"), ""], 1):
        if line.startswith("#"):
            continue
        if not line.strip():
            yield from _paragraph(fields, start)
            fields, key = {}, ""
        elif line[0] in " \t":
            if key:
                fields[key] += "\n" + line.strip()
        else:
            start = start if fields else number
            key, _, value = line.partition(":")
            key = key.strip().lower()
            fields[key] = value.strip()


def _paragraph(fields: dict[str, str], line: int) -> Iterator[Entry]:
    """Yield a source for each address and suite of one paragraph."""
    if "deb" not in fields.get("types", "").split():
        return
    enabled = fields.get("enabled", "yes").lower() not in {"no", "false", "0", "off"}
    for uri in fields.get("uris", "").split():
        for suite in fields.get("suites", "").split():
            yield Entry(uri, suite, " ".join(fields.get("components", "").split()), fields, line, enabled=enabled)


def version_key(version: str) -> tuple[int, list[tuple[str, int]], list[tuple[str, int]]]:
    """Return what sorts as dpkg sorts versions."""
    epoch, colon, rest = version.partition(":")
    if not colon:
        epoch, rest = "0", version
    upstream, _, revision = rest.rpartition("-") if "-" in rest else (rest, "", "0")
    return int(epoch) if epoch.isascii() and epoch.isdigit() else 0, _part_key(upstream), _part_key(revision)


def _part_key(part: str) -> list[tuple[str, int]]:
    """Split into non-digits, whose characters sort `~`, end, letters, others, and numbers."""
    pairs = re.findall(r"(\D*)(\d*)", part)
    return [("".join(_order(character) for character in text) + "\x01", int(digits or 0)) for text, digits in pairs]


def _order(character: str) -> str:
    """Return a character that sorts where dpkg puts it."""
    return "\x00" if character == "~" else character if character.isalpha() else chr(ord(character) + 256)
