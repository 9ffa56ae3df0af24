"""Where the keys and items of a document stand."""

from __future__ import annotations

from typing import Any, TypeAlias

import msgspec

Path: TypeAlias = tuple[str | int, ...]
"""Keys and indexes from the root of a document."""

Tree: TypeAlias = dict[str, Any] | list[Any]
"""Marks of a collection's children: for a scalar its mark, for a collection (mark, tree, last line)."""


class Mark(msgspec.Struct, frozen=True):
    """A place in a text; libyaml's own marks have the same two fields."""

    line: int
    """0-based."""
    column: int
    """0-based."""


class Positions:
    """Where the keys and items of one document stand."""

    __slots__ = ("_offset", "_root")

    def __init__(self, root: tuple[Mark, Tree | None, int] | None, offset: int = 0) -> None:
        """Answer from a tree of marks; `offset` lines precede the parsed text in its file."""
        self._root = root
        self._offset = offset

    def at(self, path: Path) -> tuple[int, int] | None:
        """Return line and column, 1-based, of the key or item at `path` (empty: the document), as far as known."""
        entry = self._entry(path)
        mark = entry[0] if type(entry) is tuple else entry
        return None if mark is None else (mark.line + 1 + self._offset, mark.column + 1)

    def end_line(self, path: Path) -> int | None:
        """Return the last line (1-based) of the collection at `path`, or of the key's own line for a scalar."""
        entry = self._entry(path)
        if entry is None:
            return None
        last: int = entry[2] if type(entry) is tuple else entry.line
        return last + 1 + self._offset

    def _entry(self, path: Path) -> Any:
        """The node of the tree at `path`."""
        entry: Any = self._root
        for step in path:
            tree = entry[1] if type(entry) is tuple else None
            if type(tree) is dict and type(step) is str:
                entry = tree.get(step)
            elif type(tree) is list and type(step) is int and 0 <= step < len(tree):
                entry = tree[step]
            else:
                return None
        return entry

    def below(self, path: Path, depth: int) -> list[tuple[str, int, int]]:
        """Return dotted path (`spec.hostNetwork`), line and column of every key up to `depth` mappings below `path`.

        What lies in lists is left out: it has no name that would stay the same.
        """
        found: list[tuple[str, int, int]] = []
        level: list[tuple[str, Any]] = [("", self._entry(path))]
        first = self._offset + 1
        for _ in range(depth):
            deeper: list[tuple[str, Any]] = []
            for prefix, entry in level:
                tree = entry[1] if type(entry) is tuple else None
                if type(tree) is not dict:
                    continue
                for key, child in tree.items():
                    name = prefix + key
                    mark = child
                    if type(child) is tuple:
                        mark = child[0]
                        deeper.append((name + ".", child))
                    found.append((name, mark.line + first, mark.column + 1))
            level = deeper
        return found
