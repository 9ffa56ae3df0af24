"""The ledger as a reader finds it: nothing removed, edited, reordered, forked, back-dated or withheld, and no silence.

The reader knows the ledger's key and its witnesses from the contract, and remembers the checkpoint that they saw last.
"""

from __future__ import annotations

import datetime
import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from xspm.app.ledger import digests_in, ledger_terms
from xspm.app.trust import user_folder
from xspm.contract.attestation import SNAPSHOT
from xspm.contract.folder import write
from xspm.contract.secretfile import read_small
from xspm.contract.statement import CONTRACT
from xspm.errors import LedgerError
from xspm.ledger.audit import Audit, Trust, audit
from xspm.ledger.checkpoint import open_checkpoint
from xspm.ledger.files import Disk
from xspm.ledger.note import MAX_BYTES, Key
from xspm.ledger.records import MAX_AHEAD, Record, backdated, decode_record, moment, silences
from xspm.ledger.remote import reader
from xspm.ledger.tiles import CHECKPOINT
from xspm.model.digest import Digest

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterator, Sequence

    from xspm.app.trust import Trusted
    from xspm.contract.terms import LedgerTerms
    from xspm.ledger.checkpoint import Opened
    from xspm.ledger.note import Verified


_HARMLESS: Final = frozenset({"silence", "unlogged", "withheld"})
"""Kinds of findings under which what is on the ledger can still be believed."""


class Finding(msgspec.Struct, frozen=True):
    """One thing about a ledger that is not as it must be."""

    kind: str
    """As `ledger.audit.Difference` names them; or `backdated`, `silence`, `unlogged`, `withheld`."""
    message: str
    entry: int | None = None
    path: str = ""


class Audited(msgspec.Struct, frozen=True):
    """What a reader can say of a ledger."""

    origin: str
    size: int
    """Entries under the checkpoint; 0 where there is none to believe."""
    root: str
    """Of the tree, in hex."""
    cosigned: dict[str, str]
    """By witness: the time of its cosignature, RFC 3339."""
    quorum: int
    last: str | None
    """When the last entry was written."""
    findings: tuple[Finding, ...]
    logged: dict[Digest, str] = {}
    """Every signed text that is on the ledger, by digest, with the time of its first entry."""
    results: dict[str, tuple[Digest, ...]] = {}
    """By asset: the statements about its evidence, in the order of the ledger."""

    @property
    def sound(self) -> bool:
        """Whether what is on it can be believed: it is whole, witnessed, and in the order of its times."""
        return all(one.kind in _HARMLESS for one in self.findings)


def source(where: str) -> Callable[[str, int], bytes | None]:
    """Return what reads the files of the ledger at a folder or an address.

    Raises:
        LedgerError: there is none.
    """
    if where.startswith(("http://", "https://")):
        return reader(where)
    if not Path(where).is_dir():
        raise LedgerError("there is no ledger here", file=where)
    return Disk(where).read


def examine(
    read: Callable[[str, int], bytes | None], trusted: Trusted, kept: Sequence[Path], now: str, *, remember: bool = True
) -> Audited:
    """Audit a ledger by the contract.

    Args:
        read: as `source` returns it.
        trusted: the contract.
        kept: files and folders of results, all of them: each must be on the ledger, and the ledger names no others.
        now: RFC 3339, UTC.
        remember: whether the checkpoint is written down as seen, when it does not contradict what was seen before.

    Raises:
        ContractError: the contract names no ledger.
        LedgerError: the ledger cannot be read at all, or what was remembered of it cannot.
    """
    terms = ledger_terms(trusted)
    trust = _trust(terms)
    seen_at = user_folder("XDG_STATE_HOME", ".local/state").joinpath(
        "ledgers", f"{hashlib.sha256(terms.key.encode()).hexdigest()}.checkpoint"
    )
    seconds = int(moment(now).timestamp())
    signed = read(CHECKPOINT, MAX_BYTES)
    records: dict[int, Record] = {}
    broken: list[Finding] = []

    def visit(index: int, entry: bytes) -> None:
        try:
            records[index] = decode_record(entry)
        except LedgerError as error:
            broken.append(Finding("entry", error.message, index))

    seen = _seen(seen_at, trust)
    # Whoever serves the files may answer otherwise when asked twice: what was audited is what counts.
    found = audit(
        lambda path, most: signed if path == CHECKPOINT else read(path, most),
        trust,
        remembered=seen.checkpoint if seen else None,
        now=seconds,
        visit=visit,
    )
    findings = [Finding(one.kind, one.message, one.entry, one.path) for one in found.differences]
    if found.omitted:
        findings.append(Finding("entry", f"and {found.omitted} more differences"))
    findings += broken
    findings += _time(records, found, terms, now)
    if seen is not None:
        findings += _late(records, seen, terms.quorum)
    logged: dict[Digest, str] = {}
    results: dict[str, list[Digest]] = {}
    for _, record in sorted(records.items()):
        if record.digest is not None:
            logged.setdefault(record.digest, record.at)
            if record.kind == SNAPSHOT:
                results.setdefault(record.subject, []).append(record.digest)
    if found.checkpoint is not None:
        findings += _unlogged(trusted, kept, logged)
        findings += _withheld(trusted, records)
        findings += _deleted(kept, records)
    # Also where the quorum is missing: two trees that the log signed are its lie, whoever cosigned which.
    if remember and not any(one.kind in {"checkpoint", "history", "root"} for one in findings):
        write(seen_at, signed or b"", again=True)
    return Audited(
        origin=terms.origin,
        size=found.checkpoint.size if found.checkpoint else 0,
        root=found.checkpoint.root.hex() if found.checkpoint else "",
        cosigned={one.key.name: _shown(one) for one in found.cosigned},
        quorum=terms.quorum,
        last=max((record.at for record in records.values()), default=None),
        findings=tuple(findings),
        logged=logged,
        results={asset: tuple(digests) for asset, digests in results.items()},
    )


def _trust(terms: LedgerTerms) -> Trust:
    log = Key.parse(terms.key)
    if log.name != terms.origin:
        raise LedgerError(f"the contract's ledger is {terms.origin}, and its key is of {log.name}")
    return Trust((log,), tuple(Key.parse(text) for text in terms.witnesses.values()), terms.quorum)


def _seen(path: Path, trust: Trust) -> Opened | None:
    if not path.exists():
        return None
    return open_checkpoint(read_small(str(path), MAX_BYTES).data, (*trust.log, *trust.witnesses))


def _shown(found: Verified) -> str:
    return datetime.datetime.fromtimestamp(found.time or 0, tz=datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _time(read: dict[int, Record], found: Audit, terms: LedgerTerms, now: str) -> Iterator[Finding]:
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


def _late(records: dict[int, Record], seen: Opened, quorum: int) -> Iterator[Finding]:
    """Entries that say a time at which they were not there yet, by the cosignatures that this reader remembers."""
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


def _unlogged(trusted: Trusted, kept: Sequence[Path], logged: Container[Digest]) -> Iterator[Finding]:
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


def _withheld(trusted: Trusted, records: dict[int, Record]) -> Iterator[Finding]:
    """Versions of the contract that are on the ledger and not in the folder at hand."""
    followed = set(trusted.versions)
    root_at = next((index for index, record in records.items() if record.digest == trusted.root), 0)
    for index, record in records.items():
        if record.kind == CONTRACT and record.digest not in followed and index > root_at:
            yield Finding("withheld", f"entry {index} is a version of the contract that is not at hand", index)
