"""Whether a log's folder is what its checkpoint, its witnesses and a reader's memory say.

The audit reads every entry, recomputes the tree and compares all of it: tiles, root, signatures, the quorum of
witnesses, and the checkpoint that the reader saw last time. It trusts nothing but the keys it is given, goes on after
a difference as far as there is anything to compare, and names each by entry index and tile path.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final, TypeAlias

import msgspec

from xspm.errors import LedgerError
from xspm.ledger.checkpoint import Checkpoint, open_checkpoint
from xspm.ledger.edge import Edge
from xspm.ledger.files import LOCK
from xspm.ledger.note import COSIGNED, MAX_BYTES, SIGNED, Key, Verified, known
from xspm.ledger.tiles import CHECKPOINT, HEIGHT, MAX_BUNDLE_BYTES, WIDTH, Tiles, parse_path, tile_path
from xspm.ledger.tree import HASH_SIZE, leaf_hash

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from xspm.ledger.checkpoint import Opened

Visit: TypeAlias = "Callable[[int, bytes], bytes | None]"
MAX_AHEAD: Final = 300
"""Seconds that a witness's clock may be ahead of the reader's."""
_MOST: Final = 1000
"""Differences listed one by one; more are counted."""


class Trust(msgspec.Struct, frozen=True):
    """What a reader believes before it reads: keys, and how many witnesses must agree."""

    log: tuple[Key, ...]
    """The log's own keys, all of one name: its origin."""
    witnesses: tuple[Key, ...] = ()
    threshold: int = 0
    """How many witnesses, told apart by name, must have cosigned."""

    def __post_init__(self) -> None:
        """Refuse what would count somebody twice or can never be met.

        Raises:
            LedgerError: the keys or the threshold do not fit together.
        """
        known((*self.log, *self.witnesses))
        if len({key.name for key in self.log}) != 1 or any(key.kind != SIGNED for key in self.log):
            raise LedgerError("a log has one name and signs with keys of kind 0x01")
        if any(key.kind != COSIGNED for key in self.witnesses):
            raise LedgerError("witnesses sign with keys of kind 0x04")
        names = {key.name for key in self.witnesses}
        if not 0 <= self.threshold <= len(names):
            raise LedgerError(f"{self.threshold} witnesses are asked for, {len(names)} are known")


class Difference(msgspec.Struct, frozen=True):
    """One thing that is not as it must be."""

    kind: str
    """`checkpoint`, `quorum`, `missing`, `entry`, `tile`, `root` or `history`."""
    path: str
    """The file it was seen in."""
    message: str
    entry: int | None = None
    """The index of the entry, where one is concerned."""


class Audit(msgspec.Struct, frozen=True):
    """What an audit found."""

    checkpoint: Checkpoint | None
    """None where there is none to believe."""
    cosigned: tuple[Verified, ...]
    """The witnesses that cosigned, with their times."""
    differences: tuple[Difference, ...]
    omitted: int = 0
    """Differences beyond those listed."""
    followed: bool = False
    """Whether a tree with the signed root was computed, and began with what the reader and the witnesses saw."""

    @property
    def clean(self) -> bool:
        """Whether everything is as it must be."""
        return not self.differences


def audit(
    read: Callable[[str, int], bytes | None],
    trust: Trust,
    *,
    remembered: Checkpoint | None = None,
    now: int | None = None,
    visit: Visit = lambda _index, _entry: None,
) -> Audit:
    """Audit a whole log.

    Args:
        read: gives a file by path, of at most so many bytes (`Disk.read`).
        trust: the keys that count.
        remembered: the checkpoint that this reader saw last time.
        now: seconds since 1970; cosignatures from after it do not count. None leaves the clock out.
        visit: is shown each entry with its index, the very bytes that were hashed; it may return the root that the
            entries before this one must have, as an entry that holds an older checkpoint says.
    """
    try:
        opened = _open(read, trust)
    except LedgerError as error:
        return Audit(None, (), (Difference("checkpoint", CHECKPOINT, error.message),))
    checkpoint = opened.checkpoint
    cosigned = tuple(
        found for found in opened.verified if found.time is not None and (now is None or found.time <= now + MAX_AHEAD)
    )
    work = _Work(read, checkpoint, visit)
    names = sorted({found.key.name for found in cosigned})
    if len(names) < trust.threshold:
        by = f" ({', '.join(names)})" if names else ""
        work.add("quorum", CHECKPOINT, f"cosigned by {len(names)} witnesses{by}, {trust.threshold} must have")
    work.compare(_history(work, checkpoint, remembered))
    return Audit(checkpoint, cosigned, tuple(work.differences), work.omitted, work.whole and not work.forked)


def beyond(folder: str | os.PathLike[str], size: int) -> list[str]:
    """The files below a log's folder that a log of `size` entries does not have.

    A crashed append leaves such files; so does a checkpoint that was rolled back.
    """
    top = os.fspath(folder)
    found = []
    for place, _, names in os.walk(top):
        for name in names:
            path = os.path.relpath(os.path.join(place, name), top).replace(os.sep, "/")  # noqa: PTH118 - as walked
            tile = parse_path(path)
            if tile is None:
                if path not in {CHECKPOINT, LOCK}:
                    found.append(path)
            elif tile[1] * WIDTH + tile[2] > size >> HEIGHT * (tile[0] or 0):
                found.append(path)
    return sorted(found)


def _open(read: Callable[[str, int], bytes | None], trust: Trust) -> Opened:
    data = read(CHECKPOINT, MAX_BYTES)
    if data is None:
        raise LedgerError("missing")
    # Only the log's own keys are given with it, so what they sign is of this log.
    return open_checkpoint(data, (*trust.log, *trust.witnesses))


def _history(work: _Work, checkpoint: Checkpoint, remembered: Checkpoint | None) -> Checkpoint | None:
    """The remembered checkpoint, where the tree must still be compared with it."""
    if remembered is None:
        return None
    if remembered.origin != checkpoint.origin:
        raise LedgerError(f"the remembered checkpoint is of another log: {remembered.origin}")
    if checkpoint.size < remembered.size:
        work.add(
            "history",
            CHECKPOINT,
            f"rolled back: {checkpoint.size} entries, but there were {remembered.size} when last seen",
        )
        work.forked = True
        return None
    return remembered


class _Work:
    """The differences of one audit as they are found."""

    def __init__(
        self,
        read: Callable[[str, int], bytes | None],
        checkpoint: Checkpoint,
        visit: Visit,
    ) -> None:
        self.checkpoint = checkpoint
        self.tiles = Tiles(read, checkpoint.size)
        self.differences: list[Difference] = []
        self.omitted = 0
        self.forked = False
        self.whole = False
        self._visit = visit
        self._roots: dict[int, bytes] = {}
        self._leaves_differ: list[tuple[int, str]] = []
        self._tiles_differ: list[tuple[str, str]] = []

    def add(self, kind: str, path: str, message: str, entry: int | None = None) -> None:
        if len(self.differences) < _MOST:
            self.differences.append(Difference(kind, path, message, entry))
        else:
            self.omitted += 1

    def compare(self, remembered: Checkpoint | None) -> None:
        """Recompute the tree from the entries and compare all of it."""
        edge = Edge()
        size = self.checkpoint.size
        if remembered is not None and remembered.size == 0:
            self._compare_history(remembered, edge)
        for index in range(-(-size // WIDTH)):
            leaves = self._leaves(index)
            if leaves is None:
                rest = f"entries {index * WIDTH} to {size - 1}" if index * WIDTH < size - 1 else f"entry {size - 1}"
                self.add("missing", tile_path(None, index), f"neither entries nor hashes: {rest} cannot be checked")
                return
            begin, end = edge.size, edge.size + len(leaves)
            cuts = set(self._roots)
            if remembered is not None and begin < remembered.size <= end:
                cuts.add(remembered.size)
            for cut in sorted(cuts):
                self._compare_tiles(edge.extend(leaves[edge.size - begin : cut - begin]))
                if remembered is not None and remembered.size == cut:
                    self._compare_history(remembered, edge)
                self._compare_claim(edge)
            self._compare_tiles(edge.extend(leaves[edge.size - begin :]))
        self._compare_tiles(edge.partial())
        self._judge(edge.root())

    def _leaves(self, index: int) -> Sequence[bytes] | None:
        """The leaf hashes of a bundle's entries; those of the tile where the bundle cannot be read."""
        try:
            entries = self.tiles.bundle(index)
        except LedgerError as error:
            path = tile_path(None, index, self.tiles.width(0, index))
            self.add("missing", path, error.message.removeprefix(f"{path}: "), index * WIDTH)
        else:
            for place, entry in enumerate(entries):
                root = self._visit(index * WIDTH + place, entry)
                if root is not None:
                    self._roots[index * WIDTH + place] = root
            return [leaf_hash(entry) for entry in entries]
        try:
            return self.tiles.hashes(0, index)
        except LedgerError:
            return None

    def _compare_history(self, remembered: Checkpoint, edge: Edge) -> None:
        if edge.root() != remembered.root:
            self.forked = True
            self.add(
                "history",
                CHECKPOINT,
                f"forked: the first {remembered.size} entries are not those that were there when last seen",
            )

    def _compare_claim(self, edge: Edge) -> None:
        root = self._roots.pop(edge.size, None)
        if root is not None and edge.root() != root:
            self.forked = True
            message = f"forked: entry {edge.size} holds a checkpoint of other entries before it"
            self.add("history", CHECKPOINT, message, edge.size)

    def _compare_tiles(self, computed: list[tuple[str, bytes]]) -> None:
        for path, data in computed:
            level, index, width = parse_path(path) or (0, 0, 0)
            try:
                used, stored = self.tiles.load(level, index, width, MAX_BUNDLE_BYTES)
            except LedgerError as error:
                self.add("missing", path, error.message.removeprefix(f"{path}: "))
                continue
            if len(stored) > len(data) and used == path:
                self._tiles_differ.append((path, f"{len(stored)} bytes, not {len(data)}"))
            for place in range(width):
                part = slice(place * HASH_SIZE, (place + 1) * HASH_SIZE)
                if stored[part] == data[part]:
                    continue
                if level == 0:
                    self._leaves_differ.append((index * WIDTH + place, path))
                else:
                    self._tiles_differ.append((path, f"hash {place} is not that of the tile below"))

    def _judge(self, computed: bytes) -> None:
        """Say what was edited: what differs from the side that has the signed root."""
        entries_hold = computed == self.checkpoint.root
        self.whole = entries_hold
        for entry, path in self._leaves_differ:
            if entries_hold:
                self.add("tile", path, f"the hash of entry {entry} was edited", entry)
            else:
                self.add("entry", path, f"entry {entry} does not hash to what its tile says", entry)
        for path, message in self._tiles_differ:
            self.add("tile", path, message)
        if not entries_hold:
            self.add("root", CHECKPOINT, f"the entries do not have the root that was signed{self._by_tiles()}")

    def _by_tiles(self) -> str:
        try:
            same = self.tiles.root() == self.checkpoint.root
        except LedgerError:
            return ""
        return "; the hash tiles do: entries were edited" if same else "; nor do the hash tiles"
