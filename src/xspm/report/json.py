"""The report for machines: everything a run knows, in a documented, versioned schema.

The schema (`docs/schema/xspm-report-1.schema.json`) is derived from the structs below and a test holds the two
together. Within version 1 fields are only added; a reader ignores what it does not know. The text is indented, with one
verdict to a line, in a stable order, and safe to print: whatever is not ASCII is written as JSON escapes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

import msgspec

from xspm.model.asset import Asset, Location, Problem
from xspm.model.check import Parameter, Remediation, Severity
from xspm.model.digest import Digest
from xspm.model.verdict import ContractRef, Failure, PolicyRef, Verdict
from xspm.report import summary
from xspm.report.text import encode_items, encode_report

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from xspm.model.check import Check
    from xspm.model.verdict import Assessment, Run, Score

SCHEMA: Final = "xspm-report-1"
"""Name and version of the schema; the number rises when a reader of the old one would misread the new."""

_EMPTY: Final = '\n      "verdicts": []'


class Tool(msgspec.Struct, frozen=True):
    """What wrote the report."""

    name: str
    version: str


class ReportScore(msgspec.Struct, frozen=True):
    """Share of the severity-weighted verdicts that pass; see the guide for the formula."""

    value: float | None
    """100 * passed / total, one decimal, rounded down; null when nothing weighs anything."""
    coverage: float | None
    """100 * decided / total, one decimal, rounded down; null when nothing weighs anything."""
    passed: int
    """Weight of the verdicts that pass."""
    decided: int
    """Weight of the verdicts that pass or fail."""
    total: int
    """Weight of all verdicts but `not_applicable`."""


class Blocker(msgspec.Struct, frozen=True):
    """A check on an asset that made the gate fail."""

    asset: str
    """The asset's id."""
    check: str
    severity: Severity
    verdicts: int
    """How many of its verdicts did."""


class Unread(msgspec.Struct, frozen=True):
    """Something that could not be read, that no check speaks for, and that made the gate fail."""

    asset: str
    """The asset's id."""
    message: str


class Gate(msgspec.Struct, frozen=True):
    """Whether the run stops a pipeline, and exactly why."""

    result: Literal["pass", "fail", "undecided"]
    """`undecided` when nothing that was assessed fails but a target could not be."""
    fail_on: Severity | Literal["never"]
    """The threshold: verdicts of this severity or worse count."""
    allow_unknown: bool
    """Whether unknown and error verdicts were let through."""
    reason: str
    """One line for a person."""
    blockers: tuple[Blocker, ...]
    """Worst first."""
    unread: tuple[Unread, ...]


class Counts(msgspec.Struct, frozen=True):
    """How many verdicts there are; one that an exception covers counts as excepted only."""

    fail: int
    error: int
    unknown: int
    excepted: int
    passed: int = msgspec.field(name="pass")
    not_applicable: int


class ReportCheck(msgspec.Struct, frozen=True):
    """A check that gave a verdict. Its verdicts carry the severity that the policy gave it."""

    id: str
    title: str
    severity: Severity
    resource: str
    """Resource type."""
    check: str
    """CEL, bool: true is a pass."""
    applies: str | None
    """CEL, bool: false makes the verdict `not_applicable`."""
    rationale: str
    remediation: tuple[Remediation, ...]
    references: tuple[str, ...]
    parameters: tuple[Parameter, ...]
    tags: tuple[str, ...]
    frameworks: tuple[str, ...]
    """`framework:requirement`, sorted."""
    location: Location | None


class AssetReport(msgspec.Struct, frozen=True):
    """All verdicts about one asset."""

    asset: Asset
    collected_at: str
    """RFC 3339, UTC."""
    snapshot: Digest
    """Digest of the evidence that the verdicts are a function of."""
    engine: Literal["xspm", "reference"]
    policies: tuple[PolicyRef, ...]
    """In force for this asset."""
    score: ReportScore
    counts: Counts
    resources: dict[str, int]
    """How many resources of each type were read."""
    problems: tuple[Problem, ...]
    """What could not be read."""
    expired_exceptions: tuple[str, ...]
    """Exceptions that would have applied, one line each."""
    overlong_exceptions: tuple[str, ...]
    """Exceptions that would have applied but end later than the policies allow, one line each."""
    verdicts: tuple[Verdict, ...]
    """Worst first: by status, severity, check, resource."""


class Report(msgspec.Struct, frozen=True):
    """One run of xspm: what was assessed, every verdict, and what it adds up to."""

    schema: Literal["xspm-report-1"]
    tool: Tool
    started_at: str
    """RFC 3339, UTC."""
    gate: Gate
    score: ReportScore
    """Over all assets."""
    counts: Counts
    """Over all assets."""
    failures: tuple[Failure, ...]
    """Targets that could not be read at all."""
    contract: ContractRef | None
    """The contract that the run was held under; null when whoever ran it chose the policies."""
    """Targets that could not be assessed at all."""
    unmatched_exceptions: tuple[str, ...]
    """Exceptions that cover nothing although their checks were asked of an asset they name, one line each."""
    assessments: tuple[AssetReport, ...]
    checks: dict[str, ReportCheck]
    """Every check that gave a verdict, by id, sorted."""


def report(run: Run) -> Report:
    """Return a run in the shape of the schema."""
    tables = [summary.table([item]) for item in run.assessments]
    return Report(
        schema=SCHEMA,
        tool=Tool("xspm", run.version),
        started_at=run.started_at,
        gate=_gate(run),
        score=_score(summary.score(run)),
        counts=_counts(summary.together(tables)),
        failures=run.failures,
        contract=run.contract,
        unmatched_exceptions=run.unmatched,
        assessments=tuple(map(_assessment, run.assessments, tables)),
        checks={name: _check(check, run.frameworks.get(name, ())) for name, check in sorted(run.checks.items())},
    )


def _gate(run: Run) -> Gate:
    return Gate(
        result="undecided" if summary.gate_word(run) == "is not decided" else run.gate,
        fail_on=run.fail_on,
        allow_unknown=run.allow_unknown,
        reason=summary.gate_line(run),
        blockers=tuple(
            Blocker(item.asset.id, item.group.check, item.group.severity, len(item.group.verdicts))
            for item in summary.blockers(run)
        ),
        unread=tuple(Unread(asset.id, problem.message) for asset, problem in summary.blocking_problems(run)),
    )


def _score(score: Score) -> ReportScore:
    return ReportScore(score.value, score.coverage, score.passed, score.decided, score.total)


def _counts(counted: summary.Table) -> Counts:
    return Counts(**{"passed" if row == "pass" else row: counted.total(row) for row in summary.ROWS})


def _assessment(item: Assessment, counted: summary.Table) -> AssetReport:
    return AssetReport(
        asset=item.asset,
        collected_at=item.collected_at,
        snapshot=item.snapshot,
        engine=item.engine,
        policies=item.policies,
        score=_score(item.score),
        counts=_counts(counted),
        resources=dict(sorted(item.resources.items())),
        problems=item.problems,
        expired_exceptions=item.expired,
        overlong_exceptions=item.overlong,
        verdicts=item.verdicts,
    )


def _check(check: Check, frameworks: tuple[str, ...]) -> ReportCheck:
    return ReportCheck(
        id=check.id,
        title=check.title,
        severity=check.severity,
        resource=check.resource,
        check=check.check,
        applies=check.applies,
        rationale=check.rationale,
        remediation=check.remediation,
        references=check.references,
        parameters=check.parameters,
        tags=check.tags,
        frameworks=frameworks,
        location=check.location,
    )


class Json:
    """The report as JSON."""

    name = "json"
    suffixes = (".json",)

    def render(self, run: Run) -> str:
        """Return the report, indented, with each verdict on one line, ending in a newline."""
        return "".join(self.parts(run))

    def parts(self, run: Run) -> Iterator[str]:
        """Return the text of `render` in parts: all but the verdicts is made at once, they as they are asked for."""
        whole = report(run)
        replace = msgspec.structs.replace
        frame = replace(whole, assessments=tuple(replace(item, verdicts=()) for item in whole.assessments))
        # No text in JSON holds a line break, so what is found here are the empty lists themselves.
        first, *rest = encode_report(frame, indent=2).split(_EMPTY)
        return _filled(first, zip(whole.assessments, rest, strict=True))


def _filled(first: str, items: Iterable[tuple[AssetReport, str]]) -> Iterator[str]:
    """Yield a report: its text up to the first asset's verdicts, then these and the text after them, asset by asset."""
    yield first
    for item, after in items:
        yield _EMPTY[:-1]
        if item.verdicts:
            yield "\n"
            yield from encode_items(item.verdicts, " " * 8)
            yield "\n      "
        yield f"]{after}"
    yield "\n"


FORMAT: Final = Json()
