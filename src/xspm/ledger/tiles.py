"""The layout of a log's folder (https://c2sp.org/tlog-tiles): tiles of 256 hashes, bundles of 256 entries.

`tile/<level>/<index>` holds the hashes of 256 neighbouring subtrees of height `8 * level`; `tile/entries/<index>` the
entries themselves, each after its length in two bytes, so an entry has at most 65,535 bytes: it is a compact record
that names what it is about by digest. The last of each may be partial, `<index>.p/<width>`. `Tiles` reads entries,
hashes and proofs back from such files. It believes them: whoever needs more verifies the proof, or audits the log.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from typing import TYPE_CHECKING, Final

from xspm.errors import LedgerError
from xspm.ledger.tree import HASH_SIZE, consistency_proof, inclusion_proof, node_hash, root

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

WIDTH: Final = 256
HEIGHT: Final = 8
CHECKPOINT: Final = "checkpoint"
MAX_ENTRY_BYTES: Final = 65_535
MAX_BUNDLE_BYTES: Final = WIDTH * (2 + MAX_ENTRY_BYTES)

_TILES_KEPT: Final = 256
_BUNDLES_KEPT: Final = 8
_PATH: Final = re.compile(r"tile/(entries|0|[1-9][0-9]?)/((?:x[0-9]{3}/)*[0-9]{3})(?:\.p/([1-9][0-9]{0,2}))?")


def index_path(index: int) -> str:
    """An index as path elements of three digits, all but the last with an `x` before it."""
    path = f"{index % 1000:03}"
    while index >= 1000:
        index //= 1000
        path = f"x{index % 1000:03}/{path}"
    return path


def tile_path(level: int | None, index: int, width: int = WIDTH) -> str:
    """The path of a hash tile, or of an entry bundle where `level` is None."""
    name = "entries" if level is None else level
    return f"tile/{name}/{index_path(index)}{'' if width == WIDTH else f'.p/{width}'}"


def parse_path(path: str) -> tuple[int | None, int, int] | None:
    """The level (None for entries), index and width that a path names, None where it names no tile."""
    found = _PATH.fullmatch(path)
    if not found:
        return None
    level = None if found[1] == "entries" else int(found[1])
    index = int(found[2].replace("/x", "").replace("/", "").removeprefix("x"))
    width = int(found[3]) if found[3] else WIDTH
    well_formed = (found[3] is None or width < WIDTH) and (level is None or level < 64)
    # Leading elements of zeroes would name one tile twice.
    return (level, index, width) if well_formed and tile_path(level, index, width) == path else None


def encode_bundle(entries: Iterable[bytes]) -> bytes:
    """Entries one after the other, each after its length in two bytes."""
    return b"".join(len(entry).to_bytes(2, "big") + entry for entry in entries)


def decode_bundle(data: bytes) -> list[bytes]:
    """The entries of a bundle.

    Raises:
        LedgerError: it ends within an entry, or holds more than a bundle may.
    """
    entries: list[bytes] = []
    place = 0
    while place < len(data):
        end = place + 2 + int.from_bytes(data[place : place + 2], "big")
        if place + 2 > len(data) or end > len(data) or len(entries) == WIDTH:
            raise LedgerError(f"an entry bundle is cut short or too long after {len(entries)} entries")
        entries.append(data[place + 2 : end])
        place = end
    return entries


class Tiles:
    """The entries and hashes of the first `size` entries of a log, read from its files."""

    def __init__(self, read: Callable[[str, int], bytes | None], size: int) -> None:
        """Read through `read`, which takes a path and the most bytes it may return, and gives None for no file."""
        self.size = size
        self._read = read
        # Per tile the hashes of its nine heights, lowest first: proofs touch a few tiles again and again.
        self._tiles: OrderedDict[tuple[int, int], list[Sequence[bytes]]] = OrderedDict()
        self._bundles: OrderedDict[int, list[bytes]] = OrderedDict()

    def hashes(self, level: int, index: int) -> Sequence[bytes]:
        """The hashes of a tile, as many as the tree of this size has.

        Raises:
            LedgerError: the tile is missing or of another length.
        """
        return self._heights(level, index)[0]

    def bundle(self, index: int) -> list[bytes]:
        """The entries of a bundle, as many as the tree of this size has.

        Raises:
            LedgerError: the bundle is missing or malformed, or has fewer.
        """
        entries = self._bundles.get(index)
        if entries is None:
            width = self.width(0, index)
            path, data = self.load(None, index, width, MAX_BUNDLE_BYTES)
            try:
                entries = decode_bundle(data)
            except LedgerError as error:
                raise LedgerError(f"{path}: {error}") from error
            if len(entries) < width or (len(entries) > width and path == tile_path(None, index, width)):
                raise LedgerError(f"{path}: {len(entries)} entries, not {width}")
            entries = entries[:width]
            self._bundles[index] = entries
            if len(self._bundles) > _BUNDLES_KEPT:
                self._bundles.popitem(last=False)
        return entries

    def entry(self, index: int) -> bytes:
        """The entry at `index`.

        Raises:
            LedgerError: there is none, or its bundle cannot be read.
        """
        if not 0 <= index < self.size:
            raise LedgerError(f"there is no entry {index} in a log of {self.size}")
        return self.bundle(index // WIDTH)[index % WIDTH]

    def entries(self) -> Iterator[bytes]:
        """All entries, first to last."""
        for index in range(-(-self.size // WIDTH)):
            yield from self.bundle(index)

    def node(self, height: int, index: int) -> bytes:
        """The hash of a whole subtree (a `Nodes`, as `tree` takes it)."""
        level, within = divmod(height, HEIGHT)
        tile, place = divmod(index, 1 << HEIGHT - within)
        hashes = self._heights(level, tile)[within]
        return hashes[place]

    def root(self) -> bytes:
        """The root that the hash tiles give."""
        return root(self.size, self.node)

    def inclusion_proof(self, index: int) -> list[bytes]:
        """The proof that the entry at `index` is in this tree."""
        return inclusion_proof(index, self.size, self.node)

    def consistency_proof(self, old: int) -> list[bytes]:
        """The proof that this tree begins with that of `old` entries; nothing for the empty tree, as witnesses want."""
        return consistency_proof(old, self.size, self.node) if old else []

    def width(self, level: int, index: int) -> int:
        """How many hashes of a tile belong to the tree of this size."""
        return max(0, min(WIDTH, (self.size >> HEIGHT * level) - index * WIDTH))

    def _heights(self, level: int, index: int) -> list[Sequence[bytes]]:
        heights = self._tiles.get((level, index))
        if heights is None:
            width = self.width(level, index)
            path, data = self.load(level, index, width, WIDTH * HASH_SIZE)
            size, expected = len(data), width * HASH_SIZE
            if size % HASH_SIZE or size < expected or (size > expected and path == tile_path(level, index, width)):
                raise LedgerError(f"{path}: {len(data)} bytes, not {width} hashes")
            heights = [[data[i : i + HASH_SIZE] for i in range(0, width * HASH_SIZE, HASH_SIZE)]]
            while len(heights[-1]) > 1:
                below = heights[-1]
                heights.append([node_hash(below[i], below[i + 1]) for i in range(0, len(below) - 1, 2)])
            self._tiles[level, index] = heights
            if len(self._tiles) > _TILES_KEPT:
                self._tiles.popitem(last=False)
        return heights

    def load(self, level: int | None, index: int, width: int, most: int) -> tuple[str, bytes]:
        """The path and bytes of a tile, or of its full one where the partial one is gone.

        Raises:
            LedgerError: neither is there.
        """
        paths = [tile_path(level, index, width)]
        if 0 < width < WIDTH:
            paths.append(tile_path(level, index))
        for path in paths:
            data = self._read(path, most)
            if data is not None:
                return path, data
        raise LedgerError(f"{paths[0]}: missing")
