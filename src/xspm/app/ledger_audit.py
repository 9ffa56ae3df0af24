"""The ledger as a reader finds it: nothing removed, edited, reordered, forked, back-dated or withheld, and no silence.

The reader knows the ledger's key and its witnesses from the contract, and remembers the checkpoint that they saw last.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from xspm.app.ledger import ledger_terms, watches
from xspm.app.ledger_findings import Finding, late, missed, since, timed, unwitnessed, withheld
from xspm.app.trust import user_folder
from xspm.contract.attestation import SNAPSHOT
from xspm.contract.folder import write
from xspm.contract.secretfile import read_small
from xspm.contract.statement import CONTRACT
from xspm.errors import LedgerError
from xspm.ledger.audit import Trust, audit
from xspm.ledger.checkpoint import open_checkpoint
from xspm.ledger.files import Disk
from xspm.ledger.note import MAX_BYTES, Key
from xspm.ledger.records import WITNESSED, Record, decode_record, moment, shown
from xspm.ledger.remote import reader
from xspm.ledger.tiles import CHECKPOINT
from xspm.ledger.witnessed import Seen
from xspm.ledger.witnessed import read as read_witnessed
from xspm.model.digest import Digest

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from xspm.app.trust import Trusted
    from xspm.contract.terms import LedgerTerms
    from xspm.ledger.checkpoint import Opened


_HARMLESS: Final = frozenset({"silence", "unlogged", "withheld", "unwitnessed"})
"""Kinds of findings under which what is on the ledger can still be believed."""


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
    """Every signed text that is on the ledger, by digest, with the time from which it is sure to have been there.

    That is the time of the witnesses, not of the ledger's operator, where the contract asks for witnesses.
    """
    results: dict[str, tuple[Digest, ...]] = {}
    """By asset: the statements about its evidence, in the order of the ledger."""
    versions: dict[Digest, str] = {}
    """Every version of the contract that is on the ledger, with the time that its first entry says."""
    withheld: dict[Digest, str] = {}
    """Those of them that follow the reader's first one and are not at hand."""

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

    watched = watches(trusted)
    notes: list[Seen] = []

    def visit(index: int, entry: bytes) -> bytes | None:
        try:
            records[index] = record = decode_record(entry)
            if record.kind != WITNESSED:
                return None
            checkpoint, noted = read_witnessed(record.note, index, terms.origin, watched)
        except LedgerError as error:
            broken.append(Finding("entry", error.message, index))
            return None
        notes.append(noted)
        return checkpoint.root

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
    if found.checkpoint is not None:
        notes.append(Seen(found.checkpoint.size, found.cosigned))
    if seen is not None:
        notes.append(Seen(seen.checkpoint.size, seen.verified))
    times = since(records, notes, watched if terms.quorum else None, now)
    kept_back = withheld(trusted, records)
    findings += timed(records, found, terms, now)
    findings += late(records, seen, terms.quorum)
    findings += unwitnessed(records, times, terms)
    if found.checkpoint is not None:
        findings += missed(trusted, kept, records)
    # Also where the quorum is missing: two trees that the log signed are its lie, whoever cosigned which.
    # And only what was compared with what was seen before: else a fork is seen twice, and forgotten by the first.
    if remember and found.followed:
        write(seen_at, signed or b"", again=True)
    texts = [(index, record, record.digest) for index, record in sorted(records.items()) if record.digest is not None]
    return Audited(
        origin=terms.origin,
        size=found.checkpoint.size if found.checkpoint else 0,
        root=found.checkpoint.root.hex() if found.checkpoint else "",
        cosigned={one.key.name: shown(one.time or 0) for one in found.cosigned},
        quorum=terms.quorum,
        last=max((record.at for record in records.values()), default=None),
        findings=tuple(findings),
        # Reversed, so that the first entry of a text is what stays.
        logged={digest: times[index] for index, _, digest in reversed(texts)},
        results=_results(texts),
        versions={digest: one.at for _, one, digest in reversed(texts) if one.kind == CONTRACT},
        withheld={digest: one.at for index, one, digest in reversed(texts) if index in kept_back},
    )


def _results(texts: Sequence[tuple[int, Record, Digest]]) -> dict[str, tuple[Digest, ...]]:
    results: dict[str, list[Digest]] = {}
    for _, record, digest in texts:
        if record.kind == SNAPSHOT:
            results.setdefault(record.subject, []).append(digest)
    return {asset: tuple(digests) for asset, digests in results.items()}


def _trust(terms: LedgerTerms) -> Trust:
    log = Key.parse(terms.key)
    if log.name != terms.origin:
        raise LedgerError(f"the contract's ledger is {terms.origin}, and its key is of {log.name}")
    return Trust((log,), tuple(Key.parse(text) for text in terms.witnesses.values()), terms.quorum)


def _seen(path: Path, trust: Trust) -> Opened | None:
    if not path.exists():
        return None
    return open_checkpoint(read_small(str(path), MAX_BYTES).data, (*trust.log, *trust.witnesses))
