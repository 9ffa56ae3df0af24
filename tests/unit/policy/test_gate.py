"""What stops a pipeline, and what does not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from xspm.model.asset import Asset, Problem
from xspm.model.digest import Digest
from xspm.model.verdict import Assessment, ExceptionRef, Score, Status, Verdict
from xspm.policy.gate import stops

if TYPE_CHECKING:
    from xspm.model.check import Severity
    from xspm.model.unknown import Cause

_EXCEPTION = ExceptionRef("r", "o", "2027-01-01")


def _verdict(
    status: Status, severity: Severity, cause: Cause | None = None, exception: ExceptionRef | None = None
) -> Verdict:
    return Verdict("c", status, severity, "t", "i", "n", "m", cause=cause, exception=exception)


def _assessment(*verdicts: Verdict, problems: tuple[Problem, ...] = ()) -> Assessment:
    return Assessment(
        asset=Asset("host", "host:a", "a"),
        collected_at="2026-01-01T00:00:00Z",
        snapshot=Digest("sha256:0"),
        policies=(),
        engine="xspm",
        verdicts=verdicts,
        problems=problems,
        score=Score(0, 0, 0),
    )


@pytest.mark.parametrize(
    ("verdict", "strict", "lenient"),
    [
        (_verdict("fail", "high"), True, True),
        (_verdict("fail", "critical"), True, True),
        (_verdict("fail", "medium"), False, False),
        (_verdict("pass", "critical"), False, False),
        (_verdict("not_applicable", "critical"), False, False),
        (_verdict("error", "high"), True, False),
        (_verdict("error", "low"), False, False),
        (_verdict("unknown", "high", "access"), True, False),
        (_verdict("unknown", "high", "format"), True, False),
        (_verdict("unknown", "high", "apply"), False, False),
        (_verdict("unknown", "medium", "access"), False, False),
        (_verdict("fail", "critical", exception=_EXCEPTION), False, False),
        (_verdict("unknown", "critical", "access", exception=_EXCEPTION), False, False),
    ],
)
def test_a_verdict_stops_the_gate(verdict: Verdict, *, strict: bool, lenient: bool) -> None:
    assert strict == stops(_assessment(verdict), "high", allow_unknown=False)
    assert lenient == stops(_assessment(verdict), "high", allow_unknown=True)
    assert not stops(_assessment(verdict), "never", allow_unknown=False)


def test_a_problem_that_no_check_speaks_for_stops_the_gate() -> None:
    broken = _assessment(problems=(Problem("format", "no YAML"),))
    assert stops(broken, "critical", allow_unknown=False)
    assert not stops(broken, "critical", allow_unknown=True)
    assert not stops(_assessment(problems=(Problem("access", "x", ("t",)),)), "critical", allow_unknown=False)
