from __future__ import annotations

import json
from pathlib import Path

import msgspec
from jsonschema import Draft202012Validator

from xspm.model.verdict import Run, Verdict
from xspm.report.json import FORMAT
from xspm.report.json_schema import schema

DOCUMENTED = Path(__file__).parents[3] / "docs" / "schema" / "xspm-report-1.schema.json"


def test_report_fits_the_documented_schema(run: Run, empty: Run) -> None:
    documented = json.loads(DOCUMENTED.read_text("utf-8"))
    Draft202012Validator.check_schema(documented)
    for one in (run, empty):
        assert [
            error.message for error in Draft202012Validator(documented).iter_errors(json.loads(FORMAT.render(one)))
        ] == []


def test_every_own_field_is_described_or_names_itself() -> None:
    assert "Worst first" in schema()["$defs"]["Gate"]["properties"]["blockers"]["description"]


def test_verdicts_are_kept_exactly(run: Run) -> None:
    report = json.loads(FORMAT.render(run))
    for item, written in zip(run.assessments, report["assessments"], strict=True):
        assert msgspec.convert(written["verdicts"], tuple[Verdict, ...]) == item.verdicts


def test_verdicts_are_encoded_as_they_are_asked_for(run: Run) -> None:
    """A report is as long as the evidence, and never stands in memory as a whole."""
    item = msgspec.structs.replace(run.assessments[0], verdicts=run.assessments[0].verdicts * 2_000)
    large = msgspec.structs.replace(run, assessments=(item,))
    assert max(map(len, FORMAT.parts(large))) * 4 < len(FORMAT.render(large))
