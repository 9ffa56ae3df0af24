"""By when the entries of a log were there, as far as witnesses' cosignatures prove it.

The time that an entry says is its writer's word. A cosignature of a checkpoint proves that what the checkpoint covers
was there by the witness's time. The log keeps each cosigned checkpoint as an entry right behind the entries that it
covers, so that also a reader who comes later learns of it; that the tree of those entries has the root it says is for
the audit to compare.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from xspm.errors import LedgerError
from xspm.ledger.checkpoint import Checkpoint
from xspm.ledger.note import Key, Note, Verified, verify

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


class Watch(msgspec.Struct, frozen=True):
    """Witnesses, and how many of them a reader wants to hear before it believes a time."""

    witnesses: tuple[Key, ...]
    threshold: int


class Seen(msgspec.Struct, frozen=True):
    """A size that witnesses saw a log with."""

    size: int
    verified: tuple[Verified, ...]


def keep(note: Note, watches: Iterable[Watch]) -> str:
    """The note with no signatures but the witnesses', as an entry holds it; empty where none of them signed.

    Raises:
        LedgerError: a line claims to be by one of them and is not.
    """
    ours = {(found.key.name, found.key.id) for watch in watches for found in verify(note, watch.witnesses)}
    lines = tuple(one for one in note.signatures if (one.name, one.id) in ours)
    return Note(note.text, lines).encode().decode() if lines else ""


def read(text: str, index: int, origin: str, watches: Iterable[Watch]) -> tuple[Checkpoint, Seen]:
    """Read what the entry at `index` keeps.

    Raises:
        LedgerError: it is no checkpoint of the entries before it, or none that a known witness cosigned.
    """
    note = Note.parse(text.encode())
    checkpoint = Checkpoint.parse(note.text)
    if (checkpoint.origin, checkpoint.size) != (origin, index):
        raise LedgerError(
            f"a checkpoint of {checkpoint.size} entries of {checkpoint.origin}, not of the {index} before it"
        )
    return checkpoint, Seen(index, tuple({one for watch in watches for one in verify(note, watch.witnesses)}))


def times(count: int, notes: Sequence[Seen], watches: Iterable[Watch]) -> list[int | None]:
    """For each of `count` entries the second since 1970 by which it was there; None where too few witnesses say so.

    Should fewer witnesses lie than a reader wants to hear, the latest of so many earliest times is not too early.
    """
    result: list[int | None] = [None] * count
    for watch in watches:
        if watch.threshold < 1:
            continue
        earliest: dict[str, int] = {}
        largest_first = sorted(notes, key=lambda one: -one.size)
        for place, note in enumerate(largest_first):
            for found in note.verified:
                if found.key in watch.witnesses and found.time is not None:
                    earliest[found.key.name] = min(earliest.get(found.key.name, found.time), found.time)
            if len(earliest) < watch.threshold:
                continue
            by = sorted(earliest.values())[watch.threshold - 1]
            after = largest_first[place + 1].size if place + 1 < len(largest_first) else 0
            for index in range(min(after, count), min(note.size, count)):
                known = result[index]
                result[index] = by if known is None else min(known, by)
    return result
