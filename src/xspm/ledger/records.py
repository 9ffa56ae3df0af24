"""What the entries of a ledger say: which signed text there was, or only that the ledger lives.

An entry names a signed text by digest, so that it stays small and tells nothing secret. Its time is what the operator
says; it never goes back from one entry to the next, and a witness's cosignature states a time by which it was there.
Between two entries no more time passes than the contract allows: who has nothing to write writes a heartbeat. What
witnesses cosigned is written into the next batch of entries: later readers see by when which entries were there.
"""

from __future__ import annotations

import datetime
from itertools import pairwise
from typing import TYPE_CHECKING, Final

import msgspec

from xspm.errors import LedgerError
from xspm.model.digest import Digest, canonical

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

HEARTBEAT: Final = "heartbeat"
WITNESSED: Final = "witnessed"
MAX_AHEAD: Final = datetime.timedelta(minutes=5)
"""How far an operator's clock may be ahead of the reader's."""


class Record(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One entry."""

    kind: str
    """The predicate type of the signed text, or `heartbeat`, or `witnessed`."""
    at: str
    """When it was written, by the operator's clock: RFC 3339, UTC, whole seconds."""
    digest: Digest | None = None
    """Of the signed text; only an entry about one has it."""
    subject: str = ""
    """What the text is about."""
    signers: tuple[str, ...] = ()
    """Ids of the keys that had signed it."""
    note: str = ""
    """The cosigned checkpoint of all entries before this one, as it stood; only a `witnessed` entry has it."""


class Silence(msgspec.Struct, frozen=True):
    """A time in which the ledger said nothing for too long."""

    after: int
    """Index of the last entry before it; -1 for the beginning."""
    since: str
    until: str


def encode_record(record: Record) -> bytes:
    """Return an entry: canonical JSON (RFC 8785)."""
    return canonical(msgspec.to_builtins(record))


def decode_record(entry: bytes) -> Record:
    """Read an entry.

    Raises:
        LedgerError: it is none that this ledger holds.
    """
    try:
        record = msgspec.json.decode(entry, type=Record)
        moment(record.at)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise LedgerError(f"no entry of a ledger: {error}") from error
    if encode_record(record) != entry or not _of_its_kind(record):
        raise LedgerError("no entry of a ledger: not in its one form")
    return record


def _of_its_kind(record: Record) -> bool:
    about_a_text = record.kind not in {HEARTBEAT, WITNESSED}
    return (record.digest is not None) == about_a_text and bool(record.note) == (record.kind == WITNESSED)


def shown(seconds: int) -> str:
    """A time of a witness, as entries write theirs."""
    return datetime.datetime.fromtimestamp(seconds, tz=datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def moment(text: str) -> datetime.datetime:
    """Read a time.

    Raises:
        LedgerError: it is none, or not written as entries write it.
    """
    try:
        return datetime.datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=datetime.UTC)
    except ValueError as error:
        raise LedgerError(f"{text[:40]!r} is no time") from error


def backdated(records: Sequence[Record], now: str) -> Iterator[tuple[int, str]]:
    """Yield the entries whose time goes back, or lies in the future, with why."""
    for index, (before, record) in enumerate(pairwise(records), 1):
        if record.at < before.at:
            yield index, f"says {record.at}, and stands after an entry of {before.at}: it was back-dated"
    if records and moment(records[-1].at) > moment(now) + MAX_AHEAD:
        yield len(records) - 1, f"says {records[-1].at}, and now is {now}"


def silences(records: Sequence[Record], hours: int, now: str) -> Iterator[Silence]:
    """Yield the times longer than `hours` without an entry, up to now."""
    longest = datetime.timedelta(hours=hours)
    times = [*(record.at for record in records), now]
    for index, (before, after) in enumerate(pairwise(times)):
        if moment(after) - moment(before) > longest:
            yield Silence(index, before, after)
