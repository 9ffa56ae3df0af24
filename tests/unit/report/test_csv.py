from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

import pytest

from xspm.report import csv as report

if TYPE_CHECKING:
    from xspm.model.verdict import Run


def test_one_row_per_verdict(run: Run) -> None:
    rows = list(csv.DictReader(io.StringIO(report.render(run))))
    assert len(rows) == len(run.failures) + sum(len(item.verdicts) for item in run.assessments)
    assert {row["status"] for row in rows} == {"fail", "error", "unknown", "pass", "not_applicable", "unread"}
    assert None not in rows[0]


@pytest.mark.parametrize("raw", ["=1+1", "+1", "-1", "@SUM(A1)", "  =1", "\uff1d1", "\t=1"])
def test_nothing_becomes_a_formula(raw: str) -> None:
    assert not report._cell(raw).lstrip().startswith(("=", "+", "-", "@", "\uff1d"))


def test_plain_cells_stay() -> None:
    assert report._cell("linux.sshd") == "linux.sshd"
