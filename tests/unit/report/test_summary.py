from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from xspm.model.check import SEVERITIES
from xspm.report import summary

if TYPE_CHECKING:
    from xspm.model.verdict import Run


def changed(run: Run, **fields: Any) -> Run:
    return msgspec.structs.replace(run, **fields)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        (
            {},
            "10 fail and 9 unknown of severity high or worse, 1 thing that could not be read; 1 target could not be assessed",
        ),
        (
            {"fail_on": "critical"},
            "1 fail and 2 unknown of severity critical, 1 thing that could not be read; 1 target could not be assessed",
        ),
        ({"allow_unknown": True, "failures": ()}, "10 fail of severity high or worse"),
        ({"fail_on": "never", "failures": ()}, "no threshold is set, so findings do not fail the run"),
        ({"assessments": (), "failures": ()}, "nothing of severity high or worse fails or is undecided"),
    ],
)
def test_gate_line(run: Run, fields: dict[str, Any], expected: str) -> None:
    assert summary.gate_line(changed(run, **fields)) == expected


def test_gate_line_names_what_was_allowed(run: Run) -> None:
    host = run.assessments[0]
    unknown = tuple(verdict for verdict in host.verdicts if verdict.status == "unknown")
    lenient = changed(
        run, assessments=(msgspec.structs.replace(host, verdicts=unknown),), allow_unknown=True, failures=()
    )
    assert summary.gate_line(lenient) == "nothing of severity high or worse fails; 9 undecided and allowed"


def test_every_verdict_is_counted_once(run: Run) -> None:
    counted = summary.table(run.assessments)
    assert sum(counted.total(row) for row in summary.ROWS) == sum(len(item.verdicts) for item in run.assessments)
    assert counted.line() == "15 fail · 1 error · 13 unknown · 2 excepted · 4 pass · 1 not applicable"
    assert summary.table([]).line() == "no verdicts"
    assert counted == summary.together(summary.table([item]) for item in run.assessments)


def test_groups_are_worst_first_and_whole(run: Run) -> None:
    for item in run.assessments:
        groups = summary.groups(item.verdicts)
        ranks = [(SEVERITIES.index(group.severity), group.check) for group in groups]
        assert ranks == sorted(ranks)
        assert sum(len(group.verdicts) for group in groups) == len(item.verdicts)


def test_score_is_that_of_all_assets(run: Run, empty: Run) -> None:
    total = summary.score(run)
    assert (total.passed, total.decided, total.total) == (19, 123, 206)
    assert summary.percent(total.value) == "9.2"
    assert summary.percent(summary.score(empty).value) == "none"


def test_score_lines_add_up(run: Run) -> None:
    assert [*summary.score_lines(run)][-1] == "all: 19 of 206 is 9.2; coverage 59.7"


def test_would_add(run: Run) -> None:
    assert [summary.would_add(item) for item in run.assessments] == [[("run as root", 12)], [("indent with spaces", 0)]]
