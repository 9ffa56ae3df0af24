"""Checkpoints (https://c2sp.org/tlog-checkpoint): how large a log was, with which root, as a signed note.

The first line of the text, the origin, is the name of the log and the name of the key that signs for it. A reader
opens a checkpoint with the keys it knows; only one that the log itself signed counts as the log's word.
"""

from __future__ import annotations

import re
from base64 import b64encode
from typing import TYPE_CHECKING, Final

import msgspec

from xspm.errors import LedgerError
from xspm.ledger.note import SIGNED, Note, Verified, from_base64, verify
from xspm.ledger.tree import EMPTY_ROOT, HASH_SIZE, MAX_SIZE

if TYPE_CHECKING:
    from collections.abc import Iterable

    from xspm.ledger.note import Key

_SIZE: Final = re.compile(r"0|[1-9][0-9]{0,18}")


class Checkpoint(msgspec.Struct, frozen=True):
    """A tree head: the first `size` entries of the log `origin` have the root `root`."""

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()
    """Further lines, none of them empty; no reader can check what they say."""

    @property
    def text(self) -> str:
        """The text to sign."""
        return "".join(
            f"{line}\n" for line in (self.origin, self.size, b64encode(self.root).decode(), *self.extensions)
        )

    @property
    def possible(self) -> bool:
        """Whether there is a tree of this size and root at all: an empty tree has but one root."""
        return self.size > 0 or self.root == EMPTY_ROOT

    @classmethod
    def parse(cls, text: str) -> Checkpoint:
        """Read the text of a checkpoint.

        Raises:
            LedgerError: it is not of the form.
        """
        lines = text.split("\n")
        if len(lines) < 4 or lines.pop() or not all(lines):
            raise LedgerError("not a checkpoint: it has origin, size and root hash, each on a line that is not empty")
        origin, size, encoded, *extensions = lines
        root = from_base64(encoded)
        if root is None or len(root) != HASH_SIZE:
            raise LedgerError(f"not a checkpoint: the root hash is not base64 of 32 bytes: {encoded[:100]!r}")
        return cls(origin, parse_size(size), root, tuple(extensions))


class Opened(msgspec.Struct, frozen=True):
    """A checkpoint as a reader found it, with the known keys that did sign it."""

    checkpoint: Checkpoint
    note: Note
    verified: tuple[Verified, ...]

    def by_log(self) -> bool:
        """Whether the log itself signed it."""
        return any(found.key.kind == SIGNED and found.key.name == self.checkpoint.origin for found in self.verified)


def parse_size(text: str) -> int:
    """Read a tree size in decimal without leading zeroes.

    Raises:
        LedgerError: it is none, or beyond 2^63-1.
    """
    if not _SIZE.fullmatch(text) or int(text) > MAX_SIZE:
        raise LedgerError(f"not a tree size: {text[:100]!r}")
    return int(text)


def open_checkpoint(data: bytes, keys: Iterable[Key]) -> Opened:
    """Read a signed checkpoint and check the signatures of the keys a reader knows.

    Raises:
        LedgerError: it is malformed, a known key's signature does not verify, or the log did not sign it.
    """
    note = Note.parse(data)
    checkpoint = Checkpoint.parse(note.text)
    opened = Opened(checkpoint, note, verify(note, keys))
    if not opened.by_log():
        raise LedgerError(f"the checkpoint of {checkpoint.origin} is not signed by a known key of that log")
    return opened
