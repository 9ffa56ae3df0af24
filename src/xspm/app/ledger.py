"""The ledger as its operator keeps it: begun, written to, and shown to the witnesses."""

from __future__ import annotations

import base64
import contextlib
from typing import TYPE_CHECKING, Final

import msgspec

from xspm.contract.folder import SUFFIX, read_envelope
from xspm.contract.statement import read_statement
from xspm.errors import ContractError, LedgerError, UsageError
from xspm.ledger.client import cosign
from xspm.ledger.files import Disk
from xspm.ledger.log import Log
from xspm.ledger.note import COSIGNED, SIGNED, Key, Signer
from xspm.ledger.records import HEARTBEAT, WITNESSED, Record, decode_record, encode_record, moment
from xspm.ledger.records import MAX_AHEAD as MAX_BACK
from xspm.ledger.tiles import WIDTH
from xspm.ledger.witnessed import Watch, keep

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from xspm.app.trust import Trusted
    from xspm.contract.keys import PublicKey
    from xspm.contract.signers import Signer as Holder
    from xspm.contract.terms import LedgerTerms
    from xspm.ledger.checkpoint import Opened
    from xspm.ledger.tiles import Tiles
    from xspm.model.digest import Digest

_KEY_SIZE = 32
MAX_SUBJECT: Final = 1000
"""Characters of a subject that an entry keeps."""


class Written(msgspec.Struct, frozen=True):
    """What an operator's call did."""

    size: int
    """Entries that the ledger has now."""
    new: tuple[Record, ...]
    cosigned: tuple[str, ...] = ()
    """The parties whose witness cosigned."""
    refused: tuple[str, ...] = ()
    """Why a witness did not, one line each. What was written is written all the same."""


def log_key(name: str, key: PublicKey) -> Key:
    """The verifier key of a log.

    Raises:
        LedgerError: it is no Ed25519 key, which the formats of logs ask for, or the name is none.
    """
    return Key(name, SIGNED, _raw(key))


def witness_key(name: str, key: PublicKey) -> Key:
    """The verifier key of a witness; raises as `log_key`."""
    return Key(name, COSIGNED, _raw(key))


def _raw(key: PublicKey) -> bytes:
    if key.type != "ed25519":
        raise LedgerError(f"logs and witnesses sign with Ed25519, and this key is {key.type}", hint="xspm key new")
    # RFC 8410: the SubjectPublicKeyInfo of an Ed25519 key ends with its 32 bytes.
    return base64.b64decode(key.spki)[-_KEY_SIZE:]


def begin(folder: Path, origin: str, holder: Holder) -> Key:
    """Begin an empty ledger.

    Args:
        folder: where; made if it is not there.
        origin: the name of the log, like a URL without its scheme.
        holder: who signs for it.

    Raises:
        LedgerError: there is one already, the name or key is none, or the folder cannot be written.
    """
    key = log_key(origin, holder.key)
    Log.create(folder, Signer(key, holder.sign))
    return key


def write(
    folder: Path,
    trusted: Trusted,
    holder: Holder,
    paths: Sequence[Path],
    *,
    witnesses: Mapping[str, str],
    clock: Callable[[], str],
) -> Written:
    """Append what was signed, each text once, or a heartbeat where there is nothing; then ask witnesses to cosign.

    What the witnesses had cosigned before is written down first.

    Args:
        folder: the ledger's.
        trusted: the contract, which names the ledger's key and its witnesses.
        holder: who signs for the ledger.
        paths: envelopes, or folders whose envelopes are meant; none for a heartbeat.
        witnesses: by party the address of its witness.
        clock: the time, RFC 3339, UTC; asked when nobody else can write.

    Raises:
        ContractError: the contract names no ledger or another key, or a file is no envelope.
        LedgerError: the ledger cannot be written, or the clock is behind its last entry.
        UsageError: a party has no witness.
    """
    terms = ledger_terms(trusted)
    for party in witnesses:
        if party not in terms.witnesses:
            raise UsageError(f"{party!r} runs no witness by the contract", hint=", ".join(terms.witnesses) or "none")
    key = log_key(terms.origin, holder.key)
    if key.vkey != terms.key:
        raise ContractError(
            f"the contract's ledger signs as {terms.key}, not as {key.vkey}",
            hint="use the key of the ledger's operator",
        )
    found = [envelope_record(path, "") for path in envelopes(paths)] if paths else [Record(HEARTBEAT, "")]
    log = Log(Disk(folder), Signer(key, holder.sign))
    new: list[Record] = []

    def make(current: Opened) -> list[bytes]:
        tiles = log.tiles(current.checkpoint.size)
        new.extend(_new(tiles, found))
        kept = keep(current.note, watches(trusted)) if new and tiles.size else ""
        if kept:
            new.insert(0, Record(WITNESSED, "", note=kept))
        if new:
            at = _time(tiles, clock())
            new[:] = [msgspec.structs.replace(record, at=at) for record in new]
        return [encode_record(record) for record in new]

    appended = log.append_made(make)
    cosigned, refused = [], []
    for party, url in witnesses.items():
        try:
            cosign(log, url, Key.parse(terms.witnesses[party]))
            cosigned.append(party)
        except LedgerError as error:
            refused.append(f"{party}: {error.message}")
    return Written(appended.checkpoint.size, tuple(new), tuple(cosigned), tuple(refused))


def _new(tiles: Tiles, found: Sequence[Record]) -> list[Record]:
    """Those whose text the ledger does not have yet, each once."""
    there = {decode_record(entry).digest for entry in tiles.entries()} if any(one.digest for one in found) else set()
    return list({record.digest: record for record in found if not record.digest or record.digest not in there}.values())


def _time(tiles: Tiles, now: str) -> str:
    """The time of the next entry: by the clock, and never before the last entry's.

    Raises:
        LedgerError: the clock is too far behind it.
    """
    for entry in reversed(tiles.bundle((tiles.size - 1) // WIDTH) if tiles.size else []):
        with contextlib.suppress(LedgerError):
            last = decode_record(entry).at
            break
    else:
        return now
    if moment(now) + MAX_BACK < moment(last):
        raise LedgerError(
            f"the last entry is of {last}, and this clock says {now}: an entry would be back-dated",
            hint="set the clock of the ledger's machine",
        )
    return max(now, last)


def watches(trusted: Trusted) -> tuple[Watch, ...]:
    """The witnesses of the ledger in force, by each version of the contract that had it."""
    key = ledger_terms(trusted).key
    held = [one.link.terms.ledger for one in trusted.accepted]
    found = [
        Watch(tuple(Key.parse(text) for text in terms.witnesses.values()), terms.quorum)
        for terms in held
        if terms is not None and terms.key == key
    ]
    return tuple(dict.fromkeys(found))


def ledger_terms(trusted: Trusted) -> LedgerTerms:
    """What the contract says of its ledger.

    Raises:
        ContractError: it names none.
    """
    if trusted.terms.ledger is None:
        raise ContractError("the contract names no ledger", file=str(trusted.folder), hint="see `ledger` in its text")
    return trusted.terms.ledger


def envelopes(paths: Sequence[Path]) -> Iterator[Path]:
    """Yield the envelopes among some files and below some folders, in the order of their names."""
    for path in paths:
        if path.is_dir():
            yield from sorted(found for found in path.rglob(f"*{SUFFIX}") if "proposed" not in found.parts)
        else:
            yield path


def envelope_record(path: Path, now: str) -> Record:
    """What the ledger says of a signed file.

    Raises:
        ContractError: the file is no envelope, or nobody signed it.
    """
    envelope = read_envelope(path)
    statement = read_statement(envelope.payload, str(path))
    if not envelope.signatures:
        raise ContractError("nobody signed this", file=str(path))
    return Record(
        kind=statement.predicate_type,
        at=now,
        digest=envelope.digest,
        subject=", ".join(one.name for one in statement.subject)[:MAX_SUBJECT],
        signers=tuple(sorted(envelope.signatures)),
    )


def digests_in(paths: Sequence[Path]) -> dict[Digest, Path]:
    """The signed texts among some files and below some folders."""
    return {read_envelope(path).digest: path for path in envelopes(paths)}
