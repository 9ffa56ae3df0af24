"""Whole reports of one rich run, compared byte for byte.

`XSPM_UPDATE_GOLDEN=1 pytest tests/golden` writes them anew; read the difference before you keep it.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import msgspec
import pytest

from xspm.model.verdict import Run
from xspm.report import terminal
from xspm.report.interface import load
from xspm.report.json_schema import schema

ROOT = Path(__file__).parents[2]
FOLDER = Path(__file__).parent / "reports"
RUN = msgspec.json.decode((ROOT / "tests" / "data" / "report" / "run.json").read_bytes(), type=Run)

REPORTS = {
    "report.json": lambda: load("json").render(RUN),
    "report.sarif": lambda: load("sarif").render(RUN),
    "report.xml": lambda: load("junit").render(RUN),
    "report.md": lambda: load("markdown").render(RUN),
    "report.csv": lambda: load("csv").render(RUN),
    "report.html": lambda: load("html").render(RUN),
    "report.txt": lambda: load("terminal").render(RUN),
    "terminal-60.txt": lambda: terminal.render(RUN, width=60),
    "terminal-80.txt": lambda: terminal.render(RUN, width=80, explain_score=True),
    "terminal-80-colour.txt": lambda: terminal.render(RUN, width=80, colour=True),
    "terminal-120-verbose.txt": lambda: terminal.render(RUN, width=120, verbose=True),
}


def compare(path: Path, actual: str) -> None:
    if os.environ.get("XSPM_UPDATE_GOLDEN"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(actual, "utf-8", newline="")
    expected = path.read_bytes().decode()
    assert expected == actual


@pytest.mark.parametrize("name", REPORTS)
def test_report_is_as_kept(name: str) -> None:
    compare(FOLDER / name, REPORTS[name]())


def test_documented_schema_is_the_reports_own() -> None:
    text = json.dumps(schema(), indent=2, ensure_ascii=False) + "\n"
    compare(ROOT / "docs" / "schema" / "xspm-report-1.schema.json", text)
