"""What a scan under a contract says of the contract itself: its powers, its exceptions, and changes nobody reviewed.

Each critical asset is followed through all evidence of it that a scanner signed, up to what was just read. What cannot
be believed there is a problem, so that checks on changes are unknown and no pass.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from xspm.app import approvals
from xspm.app.attest import EVIDENCE, MAX_EVIDENCE, SNAPSHOT, safe_name
from xspm.app.separation import snapshot_of
from xspm.contract.attestation import decode_snapshot_text, demand_scanner, scanner_keys
from xspm.contract.envelope import signers
from xspm.contract.folder import read_envelope
from xspm.contract.review import Review, Seen
from xspm.contract.secretfile import read_small
from xspm.drift.compare import Drift, compare
from xspm.errors import ContractError, ModelError, XspmError
from xspm.model.asset import Problem, Snapshot, decode_snapshot
from xspm.model.digest import digest_bytes
from xspm.model.resources.xspm import Change

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from xspm.app.trust import Trusted
    from xspm.contract.keys import KeyId, PublicKey
    from xspm.model.digest import Digest


def contract_snapshot(trusted: Trusted, snapshots: Sequence[Snapshot], evidence: Path | None, now: str) -> Snapshot:
    """Return a contract as an asset, with the changes of critical assets since they were first signed.

    Args:
        trusted: the contract.
        snapshots: what was just read.
        evidence: the folder of what was signed before; None compares nothing.
        now: RFC 3339, UTC.
    """
    changes: list[tuple[Drift, Review]] = []
    problems: list[Problem] = []
    for snapshot in snapshots:
        if evidence is None or trusted.terms.review(snapshot.asset.id) is None:
            continue
        try:
            changes += _changes(evidence / safe_name(snapshot.asset.id), snapshot, trusted)
        except XspmError as error:
            message = f"whether {snapshot.asset.id} changed is not known: {error}"
            problems.append(Problem("format", message, (Change.TYPE,)))
    found = snapshot_of(trusted, now, changes)
    return msgspec.structs.replace(found, problems=(*found.problems, *problems))


class Signed(NamedTuple):
    """Evidence that a scanner signed."""

    folder: Path
    content: Digest
    collected_at: str
    file: Digest
    """Of the bytes of the evidence."""


def _changes(folder: Path, now: Snapshot, trusted: Trusted) -> Iterator[tuple[Drift, Review]]:
    """Yield every change of an asset, from the first signed evidence of it to what was just read.

    All of them and not only the last: a change that nobody reviewed does not become right by being seen twice.
    """
    states: list[Signed | None] = [*signed_states(folder, now.asset.id, trusted), None]
    for before, after in pairwise(states):
        assert before is not None  # noqa: S101 - None is the last
        content, time = (after.content, after.collected_at) if after else (now.digest, now.collected_at)
        if content != before.content:
            seen = Seen(now.asset.id, before.content, content, time, None)
            yield compare(read_signed(before), read_signed(after) if after else now), approvals.review(trusted, seen)


def signed_states(folder: Path, asset: str, trusted: Trusted) -> list[Signed]:
    """Return the evidence of an asset that scanners of the contract signed, the oldest first.

    Raises:
        ContractError: some of it is not what a scanner of the contract signed.
    """
    keys: dict[KeyId, PublicKey] = {}
    for one in trusted.accepted:
        keys |= scanner_keys(one.link.terms)
    found = []
    for path in sorted(one for one in folder.iterdir() if (one / SNAPSHOT).exists()) if folder.is_dir() else ():
        file = str(path / SNAPSHOT)
        envelope = read_envelope(path / SNAPSHOT)
        signed = signers(envelope, keys, file)
        about, said = decode_snapshot_text(envelope.payload, file)
        link = next((one.link for one in trusted.accepted if one.link.digest == said.contract), None)
        if len(signed) != 1 or link is None or about.asset != asset:
            raise ContractError("not signed by one scanner, for this asset and under this contract", file=file)
        demand_scanner(min(signed), asset, link.terms, file)
        found.append(Signed(path, about.content, said.collected_at, said.file))
    return sorted(found, key=lambda one: one.collected_at)


def read_signed(one: Signed) -> Snapshot:
    """Read evidence that was signed.

    Raises:
        ContractError, ModelError: it is not what was signed.
    """
    file = str(one.folder / EVIDENCE)
    data = read_small(file, MAX_EVIDENCE).data
    if digest_bytes(data) != one.file:
        raise ContractError("this is not the evidence that was signed", file=file)
    try:
        return decode_snapshot(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ModelError(f"not a snapshot: {error}", file=file) from error
