"""Reads rpm's SQLite database without rpm: the headers' own binary format.

A header is a count of index entries and of data bytes, then the entries (tag, type, offset, count; big-endian), then
the data: https://rpm-software-management.github.io/rpm/manual/format_header.html. A damaged header is only counted.
"""

from __future__ import annotations

import contextlib
import sqlite3
import struct
from typing import Final

_NAME, _VERSION, _RELEASE, _EPOCH, _ARCHITECTURE, _SOURCE = 1000, 1001, 1002, 1003, 1022, 1044
_WANTED: Final = frozenset({_NAME, _VERSION, _RELEASE, _EPOCH, _ARCHITECTURE, _SOURCE})
_ENTRY: Final = struct.Struct(">IIII")
_INTEGER: Final = 4
_TEXTS: Final = frozenset({6, 8, 9})


def parse_header(blob: bytes) -> dict[int, str]:
    """Return the wanted tags of one header as texts.

    Raises:
        ValueError: the header is damaged.
    """
    try:
        count, length = struct.unpack_from(">II", blob, 0)
        data = 8 + _ENTRY.size * count
        if data + length > len(blob) or count > 100_000:
            raise ValueError("rpm header is shorter than it says")
        found: dict[int, str] = {}
        for index in range(count):
            tag, kind, offset, _ = _ENTRY.unpack_from(blob, 8 + _ENTRY.size * index)
            if tag not in _WANTED or offset >= length:
                continue
            if kind == _INTEGER:
                found[tag] = str(struct.unpack_from(">I", blob, data + offset)[0])
            elif kind in _TEXTS:
                found[tag] = blob[data + offset : blob.index(b"\0", data + offset)].decode("utf-8", "replace")
    except struct.error as error:
        raise ValueError("rpm header is cut") from error
    return found


def read(database: bytes) -> tuple[list[tuple[str, str, str, str]], int]:
    """Return name, version, architecture and source package of every package, and how many headers are damaged.

    Raises:
        ValueError: it is not such a database.
    """
    packages, damaged = [], 0
    try:
        with contextlib.closing(sqlite3.connect(":memory:")) as connection:
            # In write-ahead mode a copy in memory cannot be opened; these two bytes of the file's head turn it off.
            connection.deserialize(database[:18] + b"\x01\x01" + database[20:])
            for (blob,) in connection.execute("SELECT blob FROM Packages ORDER BY hnum"):
                try:
                    tags = parse_header(blob)
                    packages.append((tags[_NAME], evr(tags), tags.get(_ARCHITECTURE, ""), tags.get(_SOURCE, "")))
                except (KeyError, TypeError, ValueError):
                    damaged += 1
    except (sqlite3.Error, MemoryError) as error:
        raise ValueError(f"not an rpm database: {error}") from error
    return packages, damaged


def evr(tags: dict[int, str]) -> str:
    """Return `epoch:version-release`, the epoch only when it is not 0."""
    version = f"{tags[_VERSION]}-{tags[_RELEASE]}" if _RELEASE in tags else tags[_VERSION]
    return f"{tags[_EPOCH]}:{version}" if tags.get(_EPOCH, "0") != "0" else version
