"""What somebody can do who holds a scanner's key: sign anything at all, with all parts of a result made to agree."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from attack.world import edit
from parties import private, public
from xspm.app.attest import ASSESSMENT, EVIDENCE, SNAPSHOT, SUMMARY, TEST_RESULT
from xspm.contract.attestation import decode_assessment_text, encode_summary, encode_test_result
from xspm.contract.envelope import Envelope, decode_envelope
from xspm.model.asset import decode_snapshot, encode_snapshot
from xspm.model.digest import digest_bytes

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from attack.world import World

    Change = Callable[[Any], None]


def signed(world: World, scanner: str) -> Path:
    """Scan and sign as the world does, each scanner into a folder of its own, as on two machines."""
    folder = world.results / scanner
    before = set(folder.glob("*/*"))
    outcome = world.scan("--sign", world.key(scanner), "--evidence", str(folder))
    assert outcome.code in {0, 1}, outcome
    (made,) = set(folder.glob("*/*")) - before
    return made


def nothing(_what: Any) -> None:
    """Change nothing."""


def forge(
    result: Path,
    *,
    key: str = "ci",
    evidence: Change = nothing,
    both: Change = nothing,
    verdicts: Change = nothing,
    name: str | None = None,
) -> Path:
    """Edit a result and sign all of it anew, so that its parts agree.

    Args:
        result: its folder.
        key: whose key signs.
        evidence: changes the snapshot.
        both: changes the predicates of both the statement about the evidence and the one about the verdicts.
        verdicts: changes the predicate of the verdicts.
        name: another name for the asset.
    """
    said = json.loads((result / EVIDENCE).read_bytes())
    evidence(said)
    if name is not None:
        said["asset"]["id"] = name
    snapshot = decode_snapshot(json.dumps(said).encode())
    (result / EVIDENCE).write_bytes(encode_snapshot(snapshot))

    def about(statement: Any) -> None:
        (subject,) = statement["subject"]
        subject["name"] = snapshot.asset.id
        subject["digest"] = {"sha256": snapshot.digest.removeprefix("sha256:")}
        both(statement["predicate"])

    def first(statement: Any) -> None:
        about(statement)
        statement["predicate"]["file"] = digest_bytes((result / EVIDENCE).read_bytes())
        statement["predicate"]["problems"] = len(snapshot.problems)

    def second(statement: Any) -> None:
        about(statement)
        statement["predicate"]["snapshot"] = decode_envelope((result / SNAPSHOT).read_bytes(), SNAPSHOT).digest
        statement["predicate"]["problems"] = len(snapshot.problems)
        verdicts(statement["predicate"])

    edit(result / SNAPSHOT, first, key)
    edit(result / ASSESSMENT, second, key)
    assessment = decode_envelope((result / ASSESSMENT).read_bytes(), ASSESSMENT)
    subject, text = decode_assessment_text(assessment.payload, ASSESSMENT)
    for file, payload in (
        (TEST_RESULT, encode_test_result(subject, text)),
        (SUMMARY, encode_summary(subject, text, assessment.digest)),
    ):
        envelope = Envelope(payload)
        signature = private(key).sign(envelope.signed_bytes())
        (result / file).write_bytes(envelope.with_signature(public(key).id, signature).encode())
    return result


def all_pass(predicate: Any) -> None:
    """Every verdict a pass, and all sums to fit."""
    for row in predicate["verdicts"]:
        row["verdicts"] = dict.fromkeys(row["verdicts"], "pass")
    count = sum(len(row["verdicts"]) for row in predicate["verdicts"])
    predicate["counts"] = dict.fromkeys(predicate["counts"], 0) | {"pass": count}
    predicate["score"] |= {"passed": predicate["score"]["total"], "decided": predicate["score"]["total"]}
    predicate["gate"]["result"] = "pass"
