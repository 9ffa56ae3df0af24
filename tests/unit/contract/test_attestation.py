"""What a scanner signs has one form, says what the standards ask of it, and is green only where all is known."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from parties import key_id, public, terms
from xspm.contract.attestation import (
    ASSESSMENT,
    SNAPSHOT,
    SUMMARY,
    TEST_RESULT,
    About,
    AssessmentText,
    EngineText,
    Excepted,
    GateText,
    Recorded,
    SnapshotText,
    decode_assessment_text,
    decode_snapshot_text,
    demand_scanner,
    encode_assessment_text,
    encode_snapshot_text,
    encode_summary,
    encode_test_result,
    scanner_keys,
)
from xspm.contract.statement import encode_statement, subject
from xspm.contract.terms import Degraded, Scanner
from xspm.errors import ContractError
from xspm.model.digest import Digest, canonical
from xspm.model.verdict import PolicyRef, Score

ABOUT = About("host:web 1", Digest("sha256:" + "a" * 64))
ONE, TWO, THREE = (Digest("sha256:" + digit * 64) for digit in "123")
EVIDENCE = SnapshotText("ci", ONE, "2026-06-01T12:00:00Z", "linux", {"linux.sshd": 1}, 0, TWO, "0.1.0")
TERMS = terms(scanners={"ci": Scanner((public("ci"),), ("host:*", "dir:a"), "security")})


def text(**more: Any) -> AssessmentText:
    given: dict[str, Any] = {
        "scanner": "ci",
        "collected_at": "2026-06-01T12:00:00Z",
        "snapshot": ONE,
        "contract": TWO,
        "contract_version": 3,
        "bundle": THREE,
        "policies": (PolicyRef("ours", "1", ONE),),
        "exceptions": (),
        "engine": EngineText("xspm", "0.1.0"),
        "severities": {"a.high": "high", "a.low": "low"},
        "verdicts": (Recorded("t", "r", {"a.high": "pass", "a.low": "pass"}),),
        "excepted": (),
        "counts": {"pass": 2},
        "score": Score(9, 9, 9),
        "gate": GateText("high", False, "pass"),  # noqa: FBT003 - as it is signed
        "problems": 0,
        "failures": (),
    }
    return AssessmentText(**{**given, **more})


def verdicts(high: str, low: str) -> tuple[Recorded, ...]:
    return (Recorded("t", "r", {"a.high": high, "a.low": low}),)  # type: ignore[dict-item]  # statuses


EXCEPTED = (Excepted("a.high", "t", "r", ONE),)


def said(payload: bytes) -> Any:
    return json.loads(payload)["predicate"]


def test_what_is_written_is_read_back() -> None:
    assert decode_snapshot_text(encode_snapshot_text(ABOUT, EVIDENCE), "x") == (ABOUT, EVIDENCE)
    assert decode_assessment_text(encode_assessment_text(ABOUT, text()), "x") == (ABOUT, text())


def edited(payload: bytes, **more: Any) -> bytes:
    statement = json.loads(payload)
    return canonical({**statement, **more})


GOOD = encode_assessment_text(ABOUT, text())


@pytest.mark.parametrize(
    ("payload", "complaint"),
    [
        (encode_snapshot_text(ABOUT, EVIDENCE), f"it states '{SNAPSHOT}', not {ASSESSMENT}"),
        (edited(GOOD, subject=[]), "not about one asset with one SHA-256 digest"),
        (edited(GOOD, subject=json.loads(GOOD)["subject"] * 2), "not about one asset"),
        (edited(GOOD, subject=[{"name": "a", "digest": {"sha512": "00"}}]), "not about one asset"),
        (edited(GOOD, subject=[{"name": "a", "digest": {"sha256": "00", "md5": "00"}}]), "not about one asset"),
        (edited(GOOD, predicate={**said(GOOD), "more": 1}), "unknown field `more`"),
        (edited(GOOD, predicate={**said(GOOD), "score": {**said(GOOD)["score"], "more": 1}}), "something that its format does not know"),
        (edited(GOOD, predicate={**said(GOOD), "policies": [{**said(GOOD)["policies"][0], "more": 1}]}), "something that its format"),
        (edited(GOOD, predicate={key: value for key, value in said(GOOD).items() if key != "degraded"}), "something that its format"),
        (edited(GOOD, predicate={**said(GOOD), "verdicts": [{"type": "t", "id": "r", "verdicts": {"a": "maybe"}}]}), "Invalid enum value 'maybe'"),
    ],
)  # fmt: skip
def test_anything_else_is_refused(payload: bytes, complaint: str) -> None:
    with pytest.raises(ContractError, match="x: ") as caught:
        decode_assessment_text(payload, "x")
    assert complaint in caught.value.message


def test_verdicts_are_flat() -> None:
    assert list(text().flat()) == [("a.high", "t", "r", "pass"), ("a.low", "t", "r", "pass")]


@pytest.mark.parametrize(
    ("key", "asset", "complaint"),
    [
        ("mallory", "host:a", "nobody in version 1 of the contract holds the key"),
        ("alice", "host:a", "is alice's, a person of security: only scanners sign results"),
        ("ci", "aws:1", "the scanner ci may sign for host:*, dir:a by version 1 of the contract, not for aws:1"),
        ("ci", "HOST:a", "not for HOST:a"),
    ],
)
def test_only_a_scanner_signs_and_only_for_its_assets(key: str, asset: str, complaint: str) -> None:
    with pytest.raises(ContractError) as caught:
        demand_scanner(key_id(key), asset, TERMS)
    assert complaint in caught.value.message


def test_a_scanner_for_its_asset() -> None:
    assert [demand_scanner(key_id("ci"), asset, TERMS) for asset in ("host:a", "dir:a")] == ["ci", "ci"]
    assert scanner_keys(TERMS) == {key_id("ci"): public("ci")}


@pytest.mark.parametrize(
    ("more", "result", "summary"),
    [
        ({}, "PASSED", "PASSED"),
        ({"verdicts": verdicts("pass", "not_applicable")}, "PASSED", "PASSED"),
        ({"verdicts": verdicts("pass", "fail")}, "WARNED", "PASSED"),
        ({"verdicts": verdicts("fail", "pass"), "excepted": EXCEPTED}, "WARNED", "PASSED"),
        ({"verdicts": verdicts("unknown", "pass"), "excepted": EXCEPTED}, "WARNED", "FAILED"),
        ({"problems": 1}, "WARNED", "FAILED"),
        ({"verdicts": verdicts("pass", "unknown")}, "FAILED", "FAILED"),
        ({"verdicts": verdicts("pass", "error")}, "FAILED", "FAILED"),
        ({"verdicts": verdicts("fail", "pass"), "gate": GateText("never", False, "pass")}, "FAILED", "FAILED"),  # noqa: FBT003
        ({"verdicts": verdicts("pass", "fail"), "gate": GateText("never", False, "pass")}, "FAILED", "FAILED"),  # noqa: FBT003
        ({"gate": GateText("high", False, "fail")}, "FAILED", "FAILED"),  # noqa: FBT003
        ({"verdicts": ()}, "FAILED", "FAILED"),
        ({"verdicts": verdicts("pass", "fail"), "severities": {}}, "FAILED", "PASSED"),
    ],
)
def test_only_what_is_known_to_hold_has_passed(more: dict[str, Any], result: str, summary: str) -> None:
    assert said(encode_test_result(ABOUT, text(**more)))["result"] == result
    assert said(encode_summary(ABOUT, text(**more), THREE))["verificationResult"] == summary


def test_a_test_result_has_the_fields_of_its_schema() -> None:
    payload = encode_test_result(ABOUT, text(verdicts=verdicts("unknown", "fail")))
    assert json.loads(payload) == {
        "_type": "https://in-toto.io/Statement/v1",
        "predicateType": TEST_RESULT,
        "subject": [{"name": "host:web 1", "digest": {"sha256": "a" * 64}}],
        "predicate": {
            "result": "FAILED",
            "configuration": [
                {"name": "policy bundle", "uri": f"urn:xspm:bundle:{THREE}", "digest": {"sha256": "3" * 64}}
            ],
            "passedTests": [],
            "warnedTests": ["a.low t/r"],
            "failedTests": ["a.high t/r"],
        },
    }


def test_a_summary_has_the_fields_of_its_schema() -> None:
    degraded = Degraded("few", "2026-06-30", "2026-05-15")
    payload = encode_summary(ABOUT, text(verdicts=verdicts("fail", "pass"), excepted=EXCEPTED, degraded=degraded), THREE)  # fmt: skip
    assert json.loads(payload)["predicateType"] == SUMMARY
    assert said(payload) == {
        "verifier": {"id": f"urn:xspm:contract:{TWO}:scanner:ci"},
        "timeVerified": "2026-06-01T12:00:00Z",
        "resourceUri": "urn:xspm:asset:host:web%201",
        "policy": {"name": "policy bundle", "uri": f"urn:xspm:bundle:{THREE}", "digest": {"sha256": "3" * 64}},
        "inputAttestations": [
            {"name": "snapshot.dsse.json", "digest": {"sha256": "1" * 64}},
            {"name": "assessment.dsse.json", "digest": {"sha256": "3" * 64}},
        ],
        "verificationResult": "PASSED",
        "verifiedLevels": ["XSPM_GATE_HIGH", "XSPM_WITH_EXCEPTIONS", "XSPM_DEGRADED"],
    }


def test_no_custom_level_looks_like_one_of_slsa() -> None:
    for fail_on in ("critical", "info", "never"):
        gate = GateText(fail_on, False, "pass")  # noqa: FBT003 - as it is signed
        levels = said(encode_summary(ABOUT, text(gate=gate), ONE))["verifiedLevels"]
        assert not any(level.startswith("SLSA_") for level in levels)


def test_another_statement_in_a_snapshots_place() -> None:
    odd = msgspec.structs.replace(EVIDENCE, previous=ONE)
    payload = encode_statement("https://example.org/x", (subject(ABOUT.asset, ABOUT.content),), odd)
    with pytest.raises(ContractError, match="it states"):
        decode_snapshot_text(payload, "x")
