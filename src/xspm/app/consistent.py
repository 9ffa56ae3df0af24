"""Whether the parts of one result say the same: evidence, the statement about it, the verdicts, their summaries.

None of it needs the contract. Whoever holds the scanner's key can make all parts agree; what they say is then judged
by recomputing it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import msgspec

from xspm.app.attest import ASSESSMENT, EVIDENCE, MAX_EVIDENCE, SNAPSHOT, SUMMARY, TEST_RESULT
from xspm.contract.attestation import encode_summary, encode_test_result
from xspm.contract.secretfile import read_small
from xspm.model.asset import Snapshot, decode_snapshot, encode_snapshot
from xspm.model.digest import digest_bytes

if TYPE_CHECKING:
    from xspm.app.verified import Case
    from xspm.contract.attestation import About, AssessmentText, SnapshotText

_DIGEST: Final = re.compile(r"sha256:[0-9a-f]{64}")


def agree(case: Case, about: About, said: SnapshotText, other: About) -> None:
    """The statement about evidence and the one about verdicts must be of one thing."""
    text = case.text
    assert text is not None  # noqa: S101 - decoded before
    for what, mine, theirs in (
        ("the asset", about.asset, other.asset),
        ("the content", about.content, other.content),
        ("the time", said.collected_at, text.collected_at),
        ("the contract", said.contract, text.contract),
        ("the scanner", said.scanner, text.scanner),
        ("xspm's version", said.xspm, text.engine.version),
        ("the problems", str(said.problems), str(text.problems)),
        ("the statement about evidence", case.statements[SNAPSHOT].digest, text.snapshot),
    ):
        if mine != theirs:
            case.differs(f"{what}: {mine} for the evidence, {theirs} for the verdicts", ASSESSMENT)
    if said.previous is not None and not _DIGEST.fullmatch(said.previous):
        case.differs(f"it names a statement before it by {said.previous!r}, which is no digest", SNAPSHOT)


def evidence(case: Case, about: About, said: SnapshotText) -> Snapshot | None:
    """The evidence, if it is what was signed.

    Raises:
        ContractError: it cannot be read, or is too large.
    """
    data = read_small(case.file(EVIDENCE), MAX_EVIDENCE).data
    if digest_bytes(data) != said.file:
        case.differs(f"this is not the evidence that was signed: {digest_bytes(data)}, not {said.file}", EVIDENCE)
        return None
    try:
        snapshot = decode_snapshot(data)
        again = encode_snapshot(snapshot)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        case.differs(f"not evidence: {error}", EVIDENCE)
        return None
    if again != data:
        case.differs("not written as xspm writes evidence: it holds what nothing reads", EVIDENCE)
    for what, mine, theirs in (
        ("the asset", snapshot.asset.id, about.asset),
        ("the content", snapshot.digest, about.content),
        ("the time", snapshot.collected_at, said.collected_at),
        ("the connector", snapshot.connector, said.connector),
        ("the problems", str(len(snapshot.problems)), str(said.problems)),
    ):
        if mine != theirs:
            case.differs(f"{what}: {mine} in the evidence, {theirs} in the statement about it", EVIDENCE)
    return snapshot


def derived(case: Case, about: About, text: AssessmentText) -> None:
    """The two statements for other tools must be what follows from the assessment."""
    wanted = {
        TEST_RESULT: encode_test_result(about, text),
        SUMMARY: encode_summary(about, text, case.statements[ASSESSMENT].digest),
    }
    for name, payload in wanted.items():
        if case.statements[name].payload != payload:
            case.differs("it says something else than the assessment", name)
