"""What a scanner signs: its evidence, the verdicts on it, and both again in two forms that other tools read.

A *snapshot* statement says which bytes were collected of an asset, when and under which contract. An *assessment*
statement names it and holds every verdict with all that is needed to recompute them: contract, policy bundle,
exceptions, engine. From the assessment alone follow the in-toto *test result* and the SLSA *verification summary*, so
whoever holds an assessment can tell what these must say, to the byte.
"""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Final, Literal, TypeVar
from urllib.parse import quote

import msgspec

from xspm.contract.statement import decode_statement, encode_statement, subject
from xspm.contract.terms import Degraded
from xspm.errors import ContractError
from xspm.model.check import SEVERITIES, Severity
from xspm.model.digest import Digest
from xspm.model.verdict import PolicyRef, Score, Status

if TYPE_CHECKING:
    from collections.abc import Iterator

    from xspm.contract.keys import KeyId, PublicKey
    from xspm.contract.terms import Terms

SNAPSHOT: Final = "https://xspm.dev/predicates/snapshot/v1"
ASSESSMENT: Final = "https://xspm.dev/predicates/assessment/v1"
TEST_RESULT: Final = "https://in-toto.io/attestation/test-result/v0.1"
"""https://github.com/in-toto/attestation/blob/main/spec/predicates/test-result.md"""
SUMMARY: Final = "https://slsa.dev/verification_summary/v1"
"""https://slsa.dev/spec/v1.1/verification_summary"""

_Text = TypeVar("_Text", "SnapshotText", "AssessmentText")


class SnapshotText(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a scanner says of evidence; the subject is the asset, with the digest of what was found."""

    scanner: str
    """Its name in the contract."""
    file: Digest
    """Of the bytes of the evidence file."""
    collected_at: str
    """RFC 3339, UTC."""
    connector: str
    resources: dict[str, int]
    """How many of each type."""
    problems: int
    """How many things could not be read."""
    contract: Digest
    """The version in force."""
    xspm: str
    """The version of xspm that collected it."""
    previous: Digest | None = None
    """The statement about this asset before this one, where the scanner had one."""


class Recorded(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The verdicts about one resource."""

    type: str
    id: str
    """Empty for a type that could not be collected at all."""
    verdicts: dict[str, Status]
    """By check id."""


class Excepted(msgspec.Struct, frozen=True, forbid_unknown_fields=True, order=True):
    """A verdict that a signed exception covers."""

    check: str
    type: str
    id: str
    exception: Digest


class GateText(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The gate that the assessment was held against."""

    fail_on: Severity | Literal["never"]
    allow_unknown: bool
    result: Literal["pass", "fail"]


class EngineText(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What evaluated the checks."""

    name: Literal["xspm", "reference"]
    version: str
    """Of xspm."""


class AssessmentText(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Every verdict about one snapshot; the subject is as the snapshot's."""

    scanner: str
    collected_at: str
    snapshot: Digest
    """Of the snapshot statement."""
    contract: Digest
    contract_version: int
    bundle: Digest
    """The policies in force."""
    policies: tuple[PolicyRef, ...]
    """Those that concern this asset."""
    exceptions: tuple[Digest, ...]
    """Those in force for this asset, sorted, whether or not they cover anything."""
    engine: EngineText
    severities: dict[str, Severity]
    """By check id."""
    verdicts: tuple[Recorded, ...]
    """By type, then id."""
    excepted: tuple[Excepted, ...]
    """Sorted."""
    counts: dict[Status, int]
    score: Score
    """Score = passed / total and coverage = decided / total, as shares of the severity-weighted verdicts."""
    gate: GateText
    problems: int
    failures: tuple[str, ...]
    """Targets of the same run that could not be read or judged, one line each."""
    degraded: Degraded | None = None
    """The contract's degraded mode, while it lasts."""

    def flat(self) -> Iterator[tuple[str, str, str, Status]]:
        """Every verdict as check, resource type, resource id and status."""
        for one in self.verdicts:
            for check, status in one.verdicts.items():
                yield check, one.type, one.id, status


class About(msgspec.Struct, frozen=True):
    """The subject of a result."""

    asset: str
    """The asset's id."""
    content: Digest
    """Digest of what was found, the same however often the same configuration is read."""


def encode_snapshot_text(about: About, text: SnapshotText) -> bytes:
    """Return the payload to be signed for evidence."""
    return encode_statement(SNAPSHOT, (subject(about.asset, about.content),), text)


def encode_assessment_text(about: About, text: AssessmentText) -> bytes:
    """Return the payload to be signed for verdicts."""
    return encode_statement(ASSESSMENT, (subject(about.asset, about.content),), text)


def decode_snapshot_text(payload: bytes, file: str) -> tuple[About, SnapshotText]:
    """Read what a scanner said of evidence.

    Raises:
        ContractError: it is none, or holds anything that this version of the format does not know.
    """
    return _decode(payload, SNAPSHOT, SnapshotText, file)


def decode_assessment_text(payload: bytes, file: str) -> tuple[About, AssessmentText]:
    """Read what a scanner said of verdicts.

    Raises:
        ContractError: it is none, or holds anything that this version of the format does not know.
    """
    return _decode(payload, ASSESSMENT, AssessmentText, file)


def _decode(payload: bytes, predicate_type: str, kind: type[_Text], file: str) -> tuple[About, _Text]:
    subjects, text = decode_statement(payload, predicate_type, kind, file)
    if len(subjects) != 1 or list(subjects[0].digest) != ["sha256"]:
        raise ContractError("the statement is not about one asset with one SHA-256 digest", file=file)
    (one,) = subjects
    about = About(one.name, Digest(f"sha256:{one.digest['sha256']}"))
    if encode_statement(predicate_type, subjects, text) != payload:
        raise ContractError("the statement holds something that its format does not know", file=file)
    return about, text


def scanner_keys(terms: Terms) -> dict[KeyId, PublicKey]:
    """Every key of a scanner."""
    return {key.id: key for scanner in terms.scanners.values() for key in scanner.keys}


def demand_scanner(key: KeyId, asset: str, terms: Terms, file: str | None = None) -> str:
    """Return the scanner that holds a key, if it may sign for an asset.

    Raises:
        ContractError: nobody holds it, a person does, or the scanner is not for this asset.
    """
    holder = terms.holders().get(key)
    if holder is None:
        raise ContractError(f"nobody in version {terms.version} of the contract holds the key {key}", file=file)
    if holder not in terms.scanners:
        raise ContractError(
            f"the key {key} is {holder}'s, a person of {terms.people()[holder]}: only scanners sign results", file=file
        )
    patterns = terms.scanners[holder].assets
    if not any(fnmatchcase(asset, pattern) for pattern in patterns):
        raise ContractError(
            f"the scanner {holder} may sign for {', '.join(patterns)} by version {terms.version} of the contract,"
            f" not for {asset}",
            file=file,
        )
    return holder


class _Descriptor(msgspec.Struct, frozen=True, omit_defaults=True):
    """https://github.com/in-toto/attestation/blob/main/spec/v1/resource_descriptor.md."""

    digest: dict[str, str]
    name: str | None = None
    uri: str | None = None


class _TestResult(msgspec.Struct, frozen=True, rename="camel"):
    result: Literal["PASSED", "WARNED", "FAILED"]
    configuration: tuple[_Descriptor, ...]
    passed_tests: list[str]
    warned_tests: list[str]
    failed_tests: list[str]


class _Summary(msgspec.Struct, frozen=True, rename="camel"):
    verifier: dict[str, str]
    time_verified: str
    resource_uri: str
    policy: _Descriptor
    input_attestations: tuple[_Descriptor, ...]
    verification_result: Literal["PASSED", "FAILED"]
    verified_levels: tuple[str, ...]


def encode_test_result(about: About, text: AssessmentText) -> bytes:
    """Return what an assessment says as an in-toto test result.

    A test is `CHECK TYPE/ID`. One passes by the verdict `pass` alone. It is a warning when an exception covers it, or
    when it fails below the gate's threshold. Everything else that applies has failed, also what nobody knows.
    """
    excepted = {(one.check, one.type, one.id) for one in text.excepted}
    lists: dict[str, list[str]] = {"pass": [], "warn": [], "fail": []}
    for check, kind, identity, status in text.flat():
        if status == "not_applicable":
            continue
        if status == "pass":
            group = "pass"
        elif (check, kind, identity) in excepted or (status == "fail" and _below(text, check)):
            group = "warn"
        else:
            group = "fail"
        lists[group].append(f"{check} {kind}/{identity}")
    result: Literal["PASSED", "WARNED", "FAILED"] = "PASSED"
    if lists["fail"] or text.gate.result == "fail" or not text.verdicts:
        result = "FAILED"
    elif lists["warn"] or text.problems:
        result = "WARNED"
    predicate = _TestResult(result, (_bundle(text),), *(sorted(lists[group]) for group in ("pass", "warn", "fail")))
    return encode_statement(TEST_RESULT, (subject(about.asset, about.content),), predicate)


def _below(text: AssessmentText, check: str) -> bool:
    threshold = text.gate.fail_on
    if threshold == "never":
        return False
    return SEVERITIES.index(text.severities.get(check, "critical")) > SEVERITIES.index(threshold)


def encode_summary(about: About, text: AssessmentText, assessment: Digest) -> bytes:
    """Return what an assessment says as a SLSA verification summary.

    Args:
        about: the subject.
        text: the assessment.
        assessment: digest of its statement.

    It has passed only where a gate with a threshold passes and nothing is unknown, in error or could not be read.
    """
    passed = (
        bool(text.verdicts)
        and text.gate.result == "pass"
        and text.gate.fail_on != "never"
        and not text.problems
        and not any(status in {"unknown", "error"} for _, _, _, status in text.flat())
    )
    levels = [f"XSPM_GATE_{text.gate.fail_on.upper()}"] if passed else ["FAILED"]
    if passed and text.excepted:
        levels.append("XSPM_WITH_EXCEPTIONS")
    if passed and text.degraded:
        levels.append("XSPM_DEGRADED")
    predicate = _Summary(
        verifier={"id": f"urn:xspm:contract:{text.contract}:scanner:{quote(text.scanner, safe='')}"},
        time_verified=text.collected_at,
        resource_uri=f"urn:xspm:asset:{quote(about.asset, safe=':/')}",
        policy=_bundle(text),
        input_attestations=(
            _descriptor("snapshot.dsse.json", text.snapshot),
            _descriptor("assessment.dsse.json", assessment),
        ),
        verification_result="PASSED" if passed else "FAILED",
        verified_levels=tuple(levels),
    )
    return encode_statement(SUMMARY, (subject(about.asset, about.content),), predicate)


def _bundle(text: AssessmentText) -> _Descriptor:
    return _Descriptor(_split(text.bundle), "policy bundle", f"urn:xspm:bundle:{text.bundle}")


def _descriptor(name: str, digest: Digest) -> _Descriptor:
    return _Descriptor(_split(digest), name)


def _split(digest: Digest) -> dict[str, str]:
    algorithm, _, value = digest.partition(":")
    return {algorithm: value}
