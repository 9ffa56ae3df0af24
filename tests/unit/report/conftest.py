"""One rich run for all formats: hosts and manifests, every status and severity, exceptions, problems, hostile names."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from xspm.model.verdict import Run

SAMPLE = Path(__file__).parents[2] / "data" / "report" / "run.json"


@pytest.fixture(scope="session")
def run() -> Run:
    return msgspec.json.decode(SAMPLE.read_bytes(), type=Run)


@pytest.fixture(scope="session")
def empty() -> Run:
    return Run(
        version="0.1.0",
        started_at="2026-01-31T12:00:00Z",
        assessments=(),
        checks={},
        fail_on="high",
        allow_unknown=False,
        gate="pass",
    )


@pytest.fixture(scope="session")
def large(run: Run) -> Run:
    """More than 30,000 verdicts."""
    grown = []
    for item in run.assessments:
        copies = range(15_500 // len(item.verdicts) + 1)
        verdicts = tuple(
            msgspec.structs.replace(verdict, resource_id=f"{verdict.resource_id}-{number}")
            for number in copies
            for verdict in item.verdicts
        )
        grown.append(msgspec.structs.replace(item, verdicts=verdicts))
    return msgspec.structs.replace(run, assessments=tuple(grown))
