"""Where the parts of one object stand in its file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from xspm.model.asset import Location

if TYPE_CHECKING:
    from xspm.syntax.yaml import Document, Path


class Place:
    """Locations within one object of a document."""

    __slots__ = ("_document", "_prefix", "file")

    def __init__(self, document: Document, prefix: Path = ()) -> None:
        """Answer for the object at `prefix` of a document."""
        self._document = document
        self._prefix = prefix
        self.file = document.file

    def location(self, path: Path = ()) -> Location:
        """Return the lines of what stands at `path`, or of the nearest thing around it that has a known place."""
        positions = self._document.positions
        full = self._prefix + path
        while True:
            found = positions.at(full)
            if found is not None:
                return Location(file=self.file, line=found[0], end_line=positions.end_line(full), column=found[1])
            if not full:
                return Location(file=self.file, line=self._document.line)
            full = full[:-1]

    def fields(self, path: Path, depth: int, prefix: str = "") -> dict[str, Location]:
        """Return the places of the fields up to `depth` steps below `path`, by their dotted path after `prefix`."""
        file = self.file
        return {
            prefix + name: Location(file, line, None, column)
            for name, line, column in self._document.positions.below(self._prefix + path, depth)
        }
