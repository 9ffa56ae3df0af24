"""Reads passwd, shadow, group and gshadow as the C library does, and indexes them once."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

from xspm.connectors.linux.configuration import integer, lines, words
from xspm.model.unknown import Unknown

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from xspm.connectors.linux.transport import Source


_ID_LIMIT: Final = 2**32
"""Ids are below."""


class Entry(NamedTuple):
    """A line of an account file."""

    line: int
    fields: list[str]


class Table(msgspec.Struct):
    """An account file."""

    entries: list[Entry] = []
    malformed: list[str] = []
    merges_network: bool = False
    first: dict[str, list[str]] = {}
    """First entry of each name, which is the one that the C library finds."""


class Host(msgspec.Struct):
    """The account files of a host, indexed once: a directory server's export has 100,000 lines."""

    passwd: Table
    group: Table | Unknown
    shadow: Table | Unknown
    gshadow: Table | Unknown
    limits: dict[str, int]
    group_of_gid: dict[int, str] = {}
    groups_of_member: dict[str, set[str]] = {}
    users_of_gid: dict[int, set[str]] = {}

    def index(self) -> None:
        """Fill the three indexes."""
        for entry in self.group.entries if isinstance(self.group, Table) else ():
            self.group_of_gid.setdefault(int(entry.fields[2]), entry.fields[0])
            for member in entry.fields[3].split(","):
                self.groups_of_member.setdefault(member, set()).add(entry.fields[0])
        for entry in self.passwd.entries:
            self.users_of_gid.setdefault(int(entry.fields[3]), set()).add(entry.fields[0])


def read_table(source: Source, path: str, width: int, numbers: tuple[int, ...]) -> Table | Unknown:
    """Read one account file; `numbers` are the columns that must be ids."""
    text = source.text(path)
    if isinstance(text, Unknown):
        return text
    if text is None and path in {"/etc/passwd", "/etc/group"}:
        return Unknown(f"does not exist: {path}", cause="missing")
    table = Table()
    for line in lines(text or ""):
        fields = line.text.split(":")
        if line.text[0] in "+-":
            table.merges_network = True
            continue
        sound = len(fields) == width and all(re.fullmatch(r"\d{1,10}", fields[at]) for at in numbers)
        taken = _as_taken(line.text, width, numbers)
        if not sound or taken is None:
            table.malformed.append(f"{path}:{line.number}")
        if taken is not None and (sound or numbers):
            table.entries.append(Entry(line.number, taken))
            table.first.setdefault(taken[0], taken)
    return table


def _as_taken(text: str, width: int, numbers: tuple[int, ...]) -> list[str] | None:
    """Return the fields as the C library takes them; None for a line that it leaves out.

    It is lenient: fields at the end may be missing, the last may hold colons, and an id is whatever strtoul reads, so
    that ` 0` and `+0` are root.
    """
    fields = text.split(":", width - 1)
    if not fields[0] or (numbers and len(fields) <= max(numbers)):
        return None
    fields += [""] * (width - len(fields))
    for at in numbers:
        match = re.fullmatch(r"[ \t\v\f\r]*([+-]?)(\d{1,40})", fields[at])
        if match is None:
            return None
        number = int(match[2])
        if number and (match[1] == "-" or number >= _ID_LIMIT):
            # Out of range: one C library takes the highest id, another only the low 32 bits.
            number = 0 if number % _ID_LIMIT == 0 else _ID_LIMIT - 1
        fields[at] = str(number)
    return fields


def id_limits(text: str) -> dict[str, int]:
    """Ranges of ids that belong to people."""
    found = words(text)
    defaults = {"UID_MIN": 1000, "UID_MAX": 60000, "GID_MIN": 1000, "GID_MAX": 60000}
    values = {name: integer(found[name].value) if name in found else None for name in defaults}
    return {name: default if values[name] is None else values[name] or 0 for name, default in defaults.items()}


def distinct(entries: Iterable[Entry]) -> Iterator[Entry]:
    """First entry of each name: the one that counts."""
    seen: set[str] = set()
    for entry in entries:
        if entry.fields[0] not in seen:
            seen.add(entry.fields[0])
            yield entry
