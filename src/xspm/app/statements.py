"""From an assessment to the statements that are signed, the same way for who signs and for who verifies.

Whoever signs describes the assessment they made, whoever verifies the one they recomputed: both by `describe`, so the
two texts are equal or say exactly where they differ. Exceptions come from the signed texts alone.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final, Literal

import msgspec

from xspm.contract.approval import Approved, ExceptionText, covers_resource, exception_in_force, read_exception
from xspm.contract.attestation import AssessmentText, EngineText, Excepted, GateText, Recorded
from xspm.contract.chain import Link
from xspm.contract.folder import envelope_paths, read_envelope
from xspm.errors import ContractError
from xspm.model.check import Severity
from xspm.model.digest import Digest
from xspm.model.verdict import STATUSES, ExceptionRef
from xspm.policy.gate import stops

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from pathlib import Path

    from xspm.contract.envelope import Envelope
    from xspm.model.verdict import Assessment, Status, Verdict

_MAX_FAILURES: Final = 100
"""Lines about targets that could not be read which a statement keeps."""


class Place(msgspec.Struct, frozen=True):
    """Where an exception is to hold."""

    asset: str
    """The asset's id."""
    at: str
    """RFC 3339, UTC."""
    link: Link
    """The version of the contract whose rules hold."""
    versions: tuple[Digest, ...]
    """Of that version and those before it."""


class Granted(msgspec.Struct, frozen=True):
    """An exception in force."""

    digest: Digest
    text: ExceptionText
    degraded: bool


class Under(msgspec.Struct, frozen=True):
    """What a result is made under."""

    scanner: str
    link: Link
    """The version of the contract."""
    bundle: Digest
    exceptions: tuple[Granted, ...]
    """In force for the asset, by digest."""
    snapshot: Digest
    """Of the snapshot statement."""
    xspm: str
    """Version."""
    fail_on: Severity | Literal["never"]
    allow_unknown: bool
    failures: tuple[str, ...] = ()


def exception_files(folder: Path) -> dict[Digest, list[tuple[str, Envelope]]]:
    """Every exception in a contract's folder by the digest of its text; files that are none are left out.

    Raises:
        ContractError: the folder cannot be read at all.
    """
    found: dict[Digest, list[tuple[str, Envelope]]] = {}
    for path in envelope_paths(folder, "exceptions"):
        try:
            envelope = read_envelope(path)
        except ContractError:
            continue
        found.setdefault(envelope.digest, []).append((str(path), envelope))
    return found


def granted(
    files: Mapping[Digest, list[tuple[str, Envelope]]],
    wanted: Collection[Digest],
    place: Place,
) -> tuple[list[Granted], dict[Digest, str]]:
    """Return the exceptions that are in force for an asset, by digest, and why others are not.

    Args:
        files: as `exception_files` gives them.
        wanted: digests to look at.
        place: for what, when and by which rules.
    """
    found: list[Granted] = []
    refused: dict[Digest, str] = {}
    for digest in sorted(wanted):
        refused[digest] = "it is not in the contract's folder"
        for file, envelope in files.get(digest, ()):
            try:
                if read_exception(envelope, file).asset != place.asset:
                    refused[digest] = "it is for another asset"
                    break
                approved = exception_in_force(envelope, place.link.terms, place.versions, place.at, file)
            except ContractError as error:
                refused[digest] = error.message
                continue
            del refused[digest]
            found.append(_granted(digest, approved))
            break
    return found, refused


def _granted(digest: Digest, approved: Approved) -> Granted:
    assert isinstance(approved.text, ExceptionText)  # noqa: S101 - as it was read
    return Granted(digest, approved.text, approved.degraded)


def covering(verdict: Verdict, asset: str, exceptions: Sequence[Granted]) -> Granted | None:
    """The first exception that covers a verdict, by digest."""
    if verdict.status in {"pass", "not_applicable"} or not verdict.resource_id:
        return None
    for one in exceptions:
        if covers_resource(one.text, verdict.check, asset, verdict.resource_id):
            return one
    return None


def describe(assessment: Assessment, under: Under) -> AssessmentText:
    """Return what is to be said of an assessment.

    The exceptions that the assessment itself names are not looked at: those of `under` are applied instead.

    Raises:
        ContractError: two verdicts are of one check on one resource, so no name would tell them apart.
    """
    asset, terms = assessment.asset.id, under.link.terms
    rows: dict[tuple[str, str], dict[str, Status]] = {}
    severities: dict[str, Severity] = {}
    excepted: list[Excepted] = []
    verdicts: list[Verdict] = []
    for one in assessment.verdicts:
        row = rows.setdefault((one.resource_type, one.resource_id), {})
        if one.check in row or severities.setdefault(one.check, one.severity) != one.severity:
            raise ContractError(
                f"{asset} has two verdicts of {one.check} on {one.resource_type} {one.resource_id}:"
                " two resources go by one name, and a result could not tell them apart"
            )
        row[one.check] = one.status
        exception = covering(one, asset, under.exceptions)
        if exception is not None:
            excepted.append(Excepted(one.check, one.resource_type, one.resource_id, exception.digest))
        reference = exception and ExceptionRef(exception.text.reason, exception.text.requested_by, "")
        verdicts.append(msgspec.structs.replace(one, exception=reference))
    counts = Counter(one.status for one in verdicts)
    judged = msgspec.structs.replace(assessment, verdicts=tuple(verdicts))
    stopped = stops(judged, under.fail_on, allow_unknown=under.allow_unknown)
    degraded = terms.degraded
    return AssessmentText(
        scanner=under.scanner,
        collected_at=assessment.collected_at,
        snapshot=under.snapshot,
        contract=under.link.digest,
        contract_version=terms.version,
        bundle=under.bundle,
        policies=assessment.policies,
        exceptions=tuple(one.digest for one in under.exceptions),
        engine=EngineText(assessment.engine, under.xspm),
        severities=dict(sorted(severities.items())),
        verdicts=tuple(Recorded(*name, dict(sorted(row.items()))) for name, row in sorted(rows.items())),
        excepted=tuple(sorted(excepted)),
        counts={status: counts[status] for status in STATUSES},
        score=assessment.score,
        gate=GateText(under.fail_on, under.allow_unknown, "fail" if stopped else "pass"),
        problems=len(assessment.problems),
        failures=under.failures[:_MAX_FAILURES],
        degraded=degraded if degraded is not None and degraded.holds(assessment.collected_at) else None,
    )
