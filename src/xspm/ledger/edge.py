"""The right edge of a growing Merkle tree, in memory: what appending needs, and what auditing recomputes.

Nothing here touches a disk. `extend` takes leaf hashes and gives the tiles that became full, `partial` those that are
not yet, and `root` the root so far; a tree of any size needs but the last tile of each level for that.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from xspm.ledger.tiles import HEIGHT, WIDTH, tile_path
from xspm.ledger.tree import EMPTY_ROOT, fold, node_hash

if TYPE_CHECKING:
    from collections.abc import Sequence

    from xspm.ledger.tiles import Tiles


class Edge:
    """Per level the hashes of the tile that is not full yet."""

    def __init__(self) -> None:
        """Begin with the empty tree."""
        self.size = 0
        self._levels: list[list[bytes]] = [[]]

    @classmethod
    def read(cls, tiles: Tiles) -> Edge:
        """The right edge of a tree that is on disk.

        Raises:
            LedgerError: a tile is missing or of a wrong length.
        """
        edge = cls()
        edge.size = tiles.size
        levels: list[list[bytes]] = []
        while (count := tiles.size >> HEIGHT * len(levels)) or not levels:
            index, width = divmod(count, WIDTH)
            levels.append(list(tiles.hashes(len(levels), index)) if width else [])
        edge._levels = levels
        return edge

    def root(self) -> bytes:
        """The root of the tree so far."""
        result: bytes | None = None
        for hashes in self._levels:
            end = len(hashes)
            while end:
                # The lowest bit set is the last whole subtree within what remains of this tile.
                count = end & -end
                part = fold(hashes[end - count : end])
                result = part if result is None else node_hash(part, result)
                end -= count
        return EMPTY_ROOT if result is None else result

    def extend(self, leaves: Sequence[bytes]) -> list[tuple[str, bytes]]:
        """Add leaf hashes; the tiles that became full, by path."""
        full: list[tuple[str, bytes]] = []
        place = 0
        while place < len(leaves):
            taken = leaves[place : place + WIDTH - len(self._levels[0])]
            self._levels[0] += taken
            self.size += len(taken)
            place += len(taken)
            self._carry(full)
        return full

    def partial(self) -> list[tuple[str, bytes]]:
        """The tiles that are not full, by path."""
        return [
            (tile_path(level, self.size >> HEIGHT * (level + 1), len(hashes)), b"".join(hashes))
            for level, hashes in enumerate(self._levels)
            if hashes
        ]

    def _carry(self, full: list[tuple[str, bytes]]) -> None:
        """Hand a tile that became full to the level above, and so on up."""
        level = 0
        while len(hashes := self._levels[level]) == WIDTH:
            full.append((tile_path(level, (self.size >> HEIGHT * (level + 1)) - 1), b"".join(hashes)))
            if level + 1 == len(self._levels):
                self._levels.append([])
            self._levels[level + 1].append(fold(hashes))
            hashes.clear()
            level += 1
