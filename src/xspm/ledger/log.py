"""A log as its operator keeps it: entries are appended in batches, and are on disk before anybody is told so.

One append, under a lock that only one process holds: entry bundles and hash tiles are written and synced, then their
folders; then the signed checkpoint is written beside the old one and synced; then it takes the old one's place. A
crash before that last step leaves the old checkpoint over data that is all there. Files that such a crash left beyond
the checkpoint were promised to nobody: appends overwrite them, whatever they hold. A checkpoint that
was already signed and synced is put in place by the next writer, never replaced by another of the same size: some
reader may have seen it. Should the operator's machine restore an older state, witnesses refuse the fork.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Final

import msgspec

from xspm.errors import LedgerError
from xspm.ledger.checkpoint import Checkpoint, Opened, open_checkpoint
from xspm.ledger.edge import Edge
from xspm.ledger.files import Disk, finish_replace, make_top_folder, replace_file
from xspm.ledger.note import MAX_BYTES, SIGNED, Note, sign, verify
from xspm.ledger.tiles import (
    CHECKPOINT,
    HEIGHT,
    MAX_ENTRY_BYTES,
    WIDTH,
    Tiles,
    encode_bundle,
    parse_path,
    tile_path,
)
from xspm.ledger.tree import EMPTY_ROOT, MAX_SIZE, leaf_hash, root

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterable, Sequence

    from xspm.ledger.files import Files
    from xspm.ledger.note import Key, Signature, Signer, Verified

_NEXT: Final = f"{CHECKPOINT}.next"


class Appended(msgspec.Struct, frozen=True):
    """What an append made certain."""

    first: int
    """The index of the first entry appended."""
    checkpoint: Checkpoint
    note: bytes
    """The checkpoint as signed: what witnesses are asked to cosign."""


class Log:
    """The writer of a log."""

    def __init__(self, files: Files, signer: Signer, *, patience: float = 30.0) -> None:
        """Write to a log that is there.

        Args:
            files: its folder.
            signer: the log's own key; the key's name is the origin of its checkpoints.
            patience: seconds to wait for another writer.
        """
        if signer.key.kind != SIGNED:
            raise LedgerError(f"the key of {signer.key.name} makes cosignatures; a log signs with a key of kind 0x01")
        self._files = files
        self._signer = signer
        self._patience = patience
        self._state: tuple[bytes, Edge, list[bytes]] | None = None
        # Folders whose names are known to survive a crash.
        self._folders: set[str] = {""}

    @classmethod
    def create(cls, folder: str | os.PathLike[str], signer: Signer) -> Log:
        """Begin an empty log in a folder, made if it is not there.

        Raises:
            LedgerError: there is a log already, or the folder cannot be written.
        """
        make_top_folder(folder)
        log = cls(Disk(folder), signer)
        log.begin()
        return log

    def begin(self) -> None:
        """Write the checkpoint of the empty log.

        Raises:
            LedgerError: there is a log already, or part of one.
        """
        with self._files.lock(self._patience):
            for path in (CHECKPOINT, "tile"):
                if self._files.exists(path):
                    raise LedgerError(f"there is a log already, or what is left of one: {path}")
            # A first checkpoint that a crash kept from its place is the same: Ed25519 signs the same text alike.
            replace_file(self._files, CHECKPOINT, self._sign(Checkpoint(self._signer.key.name, 0, EMPTY_ROOT)))

    def append(self, entries: Sequence[bytes]) -> Appended:
        """Append entries, in this order; when this returns they are on disk under a signed checkpoint.

        Raises:
            LedgerError: an entry is too large, the log cannot be believed or written, or another process keeps it
                locked. Nothing is promised then; a checkpoint that was signed already is put in place later.
        """
        _check_sizes(entries)
        return self.append_made(lambda _current: entries)

    def append_made(self, make: Callable[[Opened], Sequence[bytes]]) -> Appended:
        """As `append`, for entries that depend on those before them.

        Args:
            make: gives the entries, knowing the checkpoint in force; nobody else writes meanwhile. What it raises
                comes through, and then nothing is written.
        """
        with self._files.lock(self._patience):
            current, edge, pending = self._refresh()
            entries = make(current)
            _check_sizes(entries)
            if not entries:
                return Appended(edge.size, current.checkpoint, current.note.encode())
            if edge.size + len(entries) > MAX_SIZE:
                raise LedgerError("the log is full")
            # Whatever fails from here on, memory and disk may differ: the next append reads the disk again.
            folders = self._folders
            self._forget()
            first = edge.size
            new = _bundles(first, pending, entries)
            new += edge.extend([leaf_hash(entry) for entry in entries])
            new += [(path, data) for path, data in edge.partial() if not _covered(path, first)]
            self._store(new, folders)
            checkpoint = Checkpoint(self._signer.key.name, edge.size, edge.root())
            note = self._sign(checkpoint)
            replace_file(self._files, CHECKPOINT, note)
            self._drop_partial(first, new, folders)
            self._state = note, edge, [*pending, *entries][-(edge.size % WIDTH) :] if edge.size % WIDTH else []
            self._folders = folders
        return Appended(first, checkpoint, note)

    def cosign(self, text: str, signatures: Iterable[Signature], witnesses: Iterable[Key]) -> tuple[Verified, ...]:
        """Put witnesses' signature lines into the checkpoint; the witnesses whose lines were good.

        A line that is there already stays: the first time at which a witness saw the log is the one that proves most.
        Lines of unknown keys are left out. Should the log have grown beyond `text` since, nothing is done.

        Raises:
            LedgerError: a line claims to be by one of `witnesses` and is not.
        """
        keys = tuple(witnesses)
        with self._files.lock(self._patience):
            current, _, _ = self._refresh()
            if current.note.text != text:
                return ()
            lines = {(one.name, one.id): one for one in current.note.signatures}
            offered = Note(text, tuple(signatures))
            taken = verify(offered, keys)
            chosen = {(found.key.name, found.key.id) for found in taken}
            for one in offered.signatures:
                if (one.name, one.id) in chosen:
                    lines.setdefault((one.name, one.id), one)
            self._forget()
            replace_file(self._files, CHECKPOINT, Note(text, tuple(lines.values())).encode())
        return taken

    def checkpoint(self) -> Opened:
        """The checkpoint in force.

        Raises:
            LedgerError: it is missing, malformed or not signed by this log.
        """
        return self._open(self._files.read(CHECKPOINT, MAX_BYTES))

    def tiles(self, size: int) -> Tiles:
        """The entries and hashes of the log when it had `size` entries: where proofs come from."""
        return Tiles(self._files.read, size)

    def _forget(self) -> None:
        self._state = None
        self._folders = {""}

    def _open(self, data: bytes | None) -> Opened:
        if data is None:
            raise LedgerError("the log has no checkpoint: it was never begun, or the checkpoint was removed")
        return open_checkpoint(data, [self._signer.key])

    def _sign(self, checkpoint: Checkpoint) -> bytes:
        return Note(checkpoint.text, (sign(checkpoint.text, self._signer),)).encode()

    def _refresh(self) -> tuple[Opened, Edge, list[bytes]]:
        """The state on disk: the checkpoint, the edge of its tree and the entries of the last bundle."""
        data = self._files.read(CHECKPOINT, MAX_BYTES)
        current = self._open(data)
        waiting = self._files.read(_NEXT, MAX_BYTES)
        if waiting is not None and self._recover(current, waiting):
            data = waiting
            current = self._open(data)
        if self._state is None or self._state[0] != data:
            self._forget()
            size = current.checkpoint.size
            tiles = self.tiles(size)
            edge = Edge.read(tiles)
            if edge.root() != current.checkpoint.root:
                raise LedgerError(f"the tiles do not have the root that the checkpoint of {size} entries says")
            pending = list(tiles.bundle(size // WIDTH)) if size % WIDTH else []
            for place, entry in enumerate(pending):
                if leaf_hash(entry) != tiles.node(0, size // WIDTH * WIDTH + place):
                    raise LedgerError(f"entry {size // WIDTH * WIDTH + place} does not hash to what its tile says")
            return current, edge, pending
        return current, self._state[1], self._state[2]

    def _recover(self, current: Opened, waiting: bytes) -> bool:
        """Put a checkpoint in place that a crash kept from it; whether it was one.

        It is written last and synced before anybody can see it, so one that is torn was never seen.
        """
        try:
            signed = self._open(waiting).checkpoint
        except LedgerError:
            return False
        old = current.checkpoint
        if signed.size < old.size:
            return False
        tiles = self.tiles(signed.size)
        if tiles.root() != signed.root or root(old.size, tiles.node) != old.root:
            raise LedgerError(
                f"{_NEXT}: signed over {signed.size} entries that are not on disk, or not after those of {CHECKPOINT}"
            )
        finish_replace(self._files, CHECKPOINT)
        return True

    def _store(self, new: list[tuple[str, bytes]], folders: set[str]) -> None:
        """Write bundles and tiles, and make them survive a crash."""
        changed: dict[str, None] = {}
        for path, data in new:
            self._make_folders(path, folders, changed)
            # None of these is covered by the checkpoint: what has the name is left of an append that ended early.
            self._files.write(path, data)
            changed[path.rpartition("/")[0]] = None
        self._files.sync(*(path for path, _ in new))
        # Deepest first: a name is worth nothing before what it names is safe.
        for folder in sorted(changed, key=lambda name: (-name.count("/"), name)):
            self._files.sync_folder(folder)

    def _make_folders(self, path: str, folders: set[str], changed: dict[str, None]) -> None:
        parts = path.split("/")[:-1]
        for depth in range(1, len(parts) + 1):
            folder = "/".join(parts[:depth])
            if folder not in folders:
                # Also when it is there: who made it may have died before its name was safe.
                self._files.make_folder(folder)
                folders.add(folder)
                changed[folder.rpartition("/")[0]] = None

    def _drop_partial(self, covered: int, new: list[tuple[str, bytes]], folders: set[str]) -> None:
        """Remove the partial tiles of tiles that are full now. What is left of them does no harm."""
        for path, _ in new:
            level, index, width = parse_path(path) or (None, 0, 0)
            if width == WIDTH and (covered >> HEIGHT * (level or 0)) > index * WIDTH:
                with contextlib.suppress(LedgerError):
                    self._files.remove_folder(f"{path}.p")
                folders.discard(f"{path}.p")


def _bundles(size: int, pending: list[bytes], entries: Sequence[bytes]) -> list[tuple[str, bytes]]:
    """The bundles that entries make after the `pending` ones of the last bundle."""
    index = size // WIDTH
    waiting = [*pending, *entries]
    return [
        (tile_path(None, index + place // WIDTH, len(part)), encode_bundle(part))
        for place in range(0, len(waiting), WIDTH)
        if (part := waiting[place : place + WIDTH])
    ]


def _covered(path: str, size: int) -> bool:
    """Whether a log of `size` entries has a tile already, so that it is safe on disk."""
    level, index, width = parse_path(path) or (None, 0, 0)
    return index * WIDTH + width <= size >> HEIGHT * (level or 0)


def _check_sizes(entries: Iterable[bytes]) -> None:
    for entry in entries:
        if len(entry) > MAX_ENTRY_BYTES:
            raise LedgerError(
                f"an entry of {len(entry)} bytes: an entry names by digest what is larger than {MAX_ENTRY_BYTES}"
            )
