"""What a reader finds on the entries of a ledger: times that cannot be, silence, and what is missing on either side."""

from __future__ import annotations

import datetime
import itertools
from typing import TYPE_CHECKING

import msgspec

from xspm.app.ledger import digests_in
from xspm.contract.attestation import SNAPSHOT
from xspm.contract.statement import CONTRACT
from xspm.ledger.records import MAX_AHEAD, backdated, moment, shown, silences
from xspm.ledger.witnessed import times

if TYPE_CHECKING:
    from collections.abc import Container, Iterator, Sequence
    from pathlib import Path

    from xspm.app.trust import Trusted
    from xspm.contract.terms import LedgerTerms
    from xspm.ledger.audit import Audit
    from xspm.ledger.checkpoint import Opened
    from xspm.ledger.records import Record
    from xspm.ledger.witnessed import Seen, Watch
    from xspm.model.digest import Digest


class Finding(msgspec.Struct, frozen=True):
    """One thing about a ledger that is not as it must be."""

    kind: str
    """As `ledger.audit.Difference` names them; or `backdated`, `silence`, `unlogged`, `unwitnessed`, `withheld`."""
    message: str
    entry: int | None = None
    path: str = ""


def timed(read: dict[int, Record], found: Audit, terms: LedgerTerms, now: str) -> Iterator[Finding]:
    """Times that go back or lie in the future, and silences."""
    records = [record for _, record in sorted(read.items())]
    for index, why in backdated(records, now):
        yield Finding("backdated", f"entry {index} {why}", index)
    for silence in silences(records, terms.heartbeat_hours, now):
        yield Finding(
            "silence",
            f"nothing from {silence.since} to {silence.until}; the contract allows {terms.heartbeat_hours} h",
            silence.after,
        )
    if records:
        # A checkpoint that no witness has seen for so long may be an old one, frozen for this reader.
        newest = max((one.time or 0 for one in found.cosigned), default=None)
        age = None if newest is None else moment(now).timestamp() - newest
        if age is not None and age > terms.heartbeat_hours * 3600:
            yield Finding("silence", f"no witness has cosigned for {age / 3600:.0f} h")


def late(records: dict[int, Record], seen: Opened | None, quorum: int) -> Iterator[Finding]:
    """Entries that say a time at which they were not there yet, by the cosignatures that this reader remembers."""
    if seen is None:
        return
    times = sorted((one.time for one in seen.verified if one.time is not None), reverse=True)
    if not 0 < quorum <= len(times):
        return
    cosigned = datetime.datetime.fromtimestamp(times[quorum - 1], tz=datetime.UTC)
    for index, record in sorted(records.items()):
        if index >= seen.checkpoint.size and moment(record.at) < cosigned - MAX_AHEAD:
            yield Finding(
                "backdated",
                f"entry {index} says {record.at}, and was not among the {seen.checkpoint.size} entries that were"
                f" cosigned at {cosigned:%Y-%m-%dT%H:%M:%SZ}: it was back-dated",
                index,
            )


def missed(trusted: Trusted, kept: Sequence[Path], records: dict[int, Record]) -> Iterator[Finding]:
    """What is at hand and not on the ledger, and the other way round."""
    yield from _unlogged(trusted, kept, {record.digest for record in records.values()})
    for index in withheld(trusted, records):
        yield Finding("withheld", f"entry {index} is a version of the contract that is not at hand", index)
    yield from _deleted(kept, records)


def _unlogged(trusted: Trusted, kept: Sequence[Path], logged: Container[Digest | None]) -> Iterator[Finding]:
    """What was signed and is not on the ledger."""
    folders = [trusted.folder / kind for kind in ("versions", "exceptions", "changes")]
    for digest, path in digests_in([*(folder for folder in folders if folder.is_dir()), *kept]).items():
        if digest not in logged:
            yield Finding("unlogged", f"{digest} is signed and not on the ledger", path=str(path))


def _deleted(kept: Sequence[Path], records: dict[int, Record]) -> Iterator[Finding]:
    """Evidence that is on the ledger and not among the results at hand, where results were given."""
    if not kept:
        return
    there = digests_in(kept)
    for index, record in sorted(records.items()):
        if record.kind == SNAPSHOT and record.digest not in there:
            message = (
                f"entry {index} of {record.at} is evidence of {record.subject} that is not among the results at hand"
            )
            yield Finding("withheld", message, index)


def withheld(trusted: Trusted, records: dict[int, Record]) -> dict[int, Record]:
    """By entry the versions of the contract that are on the ledger and not in the folder at hand."""
    followed = set(trusted.versions)
    root_at = next((index for index, record in sorted(records.items()) if record.digest == trusted.root), -1)
    return {
        index: record
        for index, record in sorted(records.items())
        if record.kind == CONTRACT and record.digest not in followed and index > root_at
    }


def since(
    records: dict[int, Record], notes: Sequence[Seen], watched: Sequence[Watch] | None, now: str
) -> dict[int, str]:
    """By entry the time from which it is sure to have been there: by the witnesses, else by the reader's own clock.

    Where the contract asks for no witnesses (None) it is what the entry says.
    """
    if watched is None:
        return {index: record.at for index, record in records.items()}
    latest = int(moment(now).timestamp())
    proven = times(max(records, default=-1) + 1, notes, watched)
    result = {}
    for index, record in records.items():
        by = proven[index]
        result[index] = max(record.at, now if by is None else shown(min(by, latest)))
    return result


def unwitnessed(records: dict[int, Record], since: dict[int, str], terms: LedgerTerms) -> Iterator[Finding]:
    """Entries that say a time long before any quorum of witnesses saw them, those in a row together."""
    longest = datetime.timedelta(hours=terms.heartbeat_hours) + MAX_AHEAD
    late = [index for index, one in sorted(records.items()) if moment(since[index]) - moment(one.at) > longest]
    for by, group in itertools.groupby(late, key=lambda index: since[index]):
        some = list(group)
        which = f"entry {some[0]} says" if len(some) == 1 else f"{len(some)} entries from {some[0]} to {some[-1]} say"
        yield Finding(
            "unwitnessed",
            f"{which} {records[some[0]].at}, and no quorum of witnesses saw them before {by}: back-dated, for all that"
            f" can be known",
            some[0],
        )
