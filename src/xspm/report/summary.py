"""What a run adds up to: counts, groups in reading order, the score of all assets, and what made the gate fail.

Every number a report shows comes from here, so that no two formats can disagree.
"""

from __future__ import annotations

from collections import Counter
from operator import attrgetter
from typing import TYPE_CHECKING, Final, Literal

import msgspec

from xspm.model.asset import Asset
from xspm.model.check import SEVERITIES, WEIGHTS, Severity
from xspm.model.verdict import STATUSES, Score, Verdict
from xspm.policy.gate import counts
from xspm.report.text import listed, plural

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from xspm.model.asset import Problem
    from xspm.model.verdict import Assessment, Run, Status

WORDS: Final[dict[str, str]] = {"not_applicable": "not applicable"}
"""Statuses that read better with other letters."""

_PARTS: Final = (attrgetter("status"), attrgetter("severity"), attrgetter("exception"))
_OPEN: Final = frozenset(STATUSES) - {"pass", "not_applicable"}
_RANK: Final = {severity: rank for rank, severity in enumerate(SEVERITIES)}


class Group(msgspec.Struct, frozen=True):
    """The verdicts of one check that belong together on the page."""

    check: str
    severity: Severity
    verdicts: tuple[Verdict, ...]


class Blocker(msgspec.Struct, frozen=True):
    """A check on an asset that made the gate fail."""

    asset: Asset
    group: Group


class Table(msgspec.Struct, frozen=True):
    """How many verdicts there are, by status and severity; an excepted one counts as excepted only."""

    cells: dict[tuple[str, Severity], int]
    """Status, or `excepted`, and severity to number."""

    def row(self, status: str) -> tuple[int, ...]:
        """The numbers of one status, worst severity first."""
        return tuple(self.cells.get((status, severity), 0) for severity in SEVERITIES)

    def total(self, status: str) -> int:
        """How many verdicts have one status."""
        return sum(self.row(status))

    def line(self) -> str:
        """The numbers in one line, worst first: `3 fail · 31 pass`."""
        return (
            " · ".join(f"{self.total(row):,} {WORDS.get(row, row)}" for row in ROWS if self.total(row)) or "no verdicts"
        )


ROWS: Final = (*STATUSES[:3], "excepted", *STATUSES[3:])
"""The rows of a table of counts."""


def table(assessments: Iterable[Assessment]) -> Table:
    """Count the verdicts of some assets."""
    tally: Counter[tuple[str, Severity, object]] = Counter()
    for item in assessments:
        # One after the other these take half the time of one that makes a tuple for each verdict.
        tally.update(zip(*(map(part, item.verdicts) for part in _PARTS), strict=True))
    cells: dict[tuple[str, Severity], int] = {}
    for (status, severity, exception), number in tally.items():
        row = status if exception is None else "excepted"
        cells[row, severity] = cells.get((row, severity), 0) + number
    return Table(cells)


def together(tables: Iterable[Table]) -> Table:
    """Add tables up."""
    cells: Counter[tuple[str, Severity]] = Counter()
    for counted in tables:
        cells.update(counted.cells)
    return Table(dict(cells))


def open_verdicts(assessment: Assessment, *statuses: Status) -> list[Verdict]:
    """Return the verdicts with one of these statuses that no exception covers."""
    return [verdict for verdict in assessment.verdicts if verdict.status in statuses and verdict.exception is None]


def excepted(assessment: Assessment) -> list[Verdict]:
    """Return the verdicts that an exception covers."""
    return [verdict for verdict in assessment.verdicts if verdict.exception is not None]


def groups(verdicts: Iterable[Verdict]) -> list[Group]:
    """Put the verdicts of each check together; worst severity first, then by check; within one, by resource."""
    return [
        Group(group.check, group.severity, tuple(sorted(group.verdicts, key=_by_resource)))
        for group in _by_check(verdicts)
    ]


def _by_check(verdicts: Iterable[Verdict]) -> list[Group]:
    """Put the verdicts of each check together, in the order they come."""
    found: dict[tuple[int, str], list[Verdict]] = {}
    for verdict in verdicts:
        found.setdefault((_RANK[verdict.severity], verdict.check), []).append(verdict)
    return [Group(check, SEVERITIES[rank], tuple(found[rank, check])) for rank, check in sorted(found)]


def reasons(verdicts: Iterable[Verdict]) -> list[tuple[str, str, tuple[Group, ...]]]:
    """Put verdicts that could not be decided together by status and reason, those with the most verdicts first.

    One missing permission leaves many checks undecided; its reason is worth reading once.
    """
    found: dict[tuple[Status, str], list[Verdict]] = {}
    for verdict in verdicts:
        found.setdefault((verdict.status, verdict.message), []).append(verdict)
    order = sorted(found, key=lambda key: (STATUSES.index(key[0]), -len(found[key]), key[1]))
    return [(status, message, tuple(groups(found[status, message]))) for status, message in order]


def blockers(run: Run) -> list[Blocker]:
    """Return the checks that made the gate fail, worst first; their verdicts in no order."""
    if run.fail_on == "never":
        return []
    found = [
        Blocker(item.asset, group)
        for item in run.assessments
        for group in _by_check(
            verdict
            for verdict in item.verdicts
            if verdict.status in _OPEN and counts(verdict, run.fail_on, allow_unknown=run.allow_unknown)
        )
    ]
    return sorted(found, key=lambda blocker: _RANK[blocker.group.severity])


def blocking_problems(run: Run) -> list[tuple[Asset, Problem]]:
    """Return the problems that made the gate fail: those that no check speaks for."""
    if run.fail_on == "never" or run.allow_unknown:
        return []
    return [
        (item.asset, problem) for item in run.assessments for problem in item.problems if not problem.resource_types
    ]


def gate_word(run: Run) -> Literal["passes", "fails", "is not decided"]:
    """Say what the gate does. It never passes while a target could not be assessed: what it holds is not known."""
    if run.gate == "fail":
        return "fails"
    return "is not decided" if run.failures else "passes"


def gate_line(run: Run) -> str:
    """Say in one line why the gate passes, fails or is not decided."""
    unread = f"; {plural(len(run.failures), 'target')} could not be assessed" if run.failures else ""
    return _why(run) + unread


def _why(run: Run) -> str:
    if run.fail_on == "never":
        return "no threshold is set, so findings do not fail the run"
    tally: Counter[str] = Counter()
    for blocker in blockers(run):
        tally.update(verdict.status for verdict in blocker.group.verdicts)
    parts = [f"{tally[status]:,} {status}" for status in STATUSES if tally[status]]
    said = [f"{listed(parts)} of severity {threshold(run)}"] if parts else []
    if unread := len(blocking_problems(run)):
        said.append(f"{plural(unread, 'thing')} that could not be read")
    if said:
        return ", ".join(said)
    if run.allow_unknown and (allowed := sum(_undecided(run))):
        return f"nothing of severity {threshold(run)} fails; {allowed:,} undecided and allowed"
    return f"nothing of severity {threshold(run)} fails or is undecided"


def _undecided(run: Run) -> Iterator[bool]:
    for item in run.assessments:
        yield from (counts(verdict, run.fail_on, allow_unknown=False) for verdict in item.verdicts)


def threshold(run: Run) -> str:
    """Return the gate's threshold in words."""
    return run.fail_on if run.fail_on in {"critical", "never"} else f"{run.fail_on} or worse"


def contract_line(run: Run) -> str | None:
    """Say under which contract the run was held; None where there is none."""
    if run.contract is None:
        return None
    held = run.contract
    count = len(held.exceptions)
    agreed = f", {plural(count, 'exception')} agreed" if count else ""
    return f"{held.name} version {held.version}, policies {held.bundle_version}, until {held.expires}{agreed}"


def contract_warnings(run: Run) -> list[str]:
    """Return what a reader must know of the contract: its degraded mode, and exceptions that are not in force."""
    if run.contract is None:
        return []
    held = run.contract
    mode = f"degraded mode until {held.degraded_until}: {held.degraded}"
    return [*([mode] if held.degraded is not None else []), *(f"not in force: {line}" for line in held.refused)]


def score(run: Run) -> Score:
    """Return the score over all assets: their weights added up."""
    scores = [item.score for item in run.assessments]
    return Score(
        passed=sum(item.passed for item in scores),
        decided=sum(item.decided for item in scores),
        total=sum(item.total for item in scores),
    )


def percent(share: float | None) -> str:
    """Return a share of 100 with one decimal, or `none` when nothing weighs anything."""
    return "none" if share is None else f"{share:.1f}"


def score_lines(run: Run) -> Iterator[str]:
    """Explain the score: the formula, then one line per severity with its arithmetic."""
    yield "score = 100 * weight passed / weight of all; coverage = 100 * weight decided / weight of all."
    yield "Not applicable is left out; unknown and error count as not passed; an excepted failure has not passed."
    verdicts = [verdict for item in run.assessments for verdict in item.verdicts if verdict.status != "not_applicable"]
    for severity in SEVERITIES:
        mine = [verdict.status for verdict in verdicts if verdict.severity == severity]
        if mine:
            passed, decided = mine.count("pass"), mine.count("pass") + mine.count("fail")
            yield (
                f"{severity}: weight {WEIGHTS[severity]}; {passed:,} of {len(mine):,} pass, {decided:,} decided: "
                f"{passed * WEIGHTS[severity]:,} of {len(mine) * WEIGHTS[severity]:,}"
            )
    total = score(run)
    yield f"all: {total.passed:,} of {total.total:,} is {percent(total.value)}; coverage {percent(total.coverage)}"


def alike(problems: Iterable[Problem]) -> list[tuple[Problem, ...]]:
    """Put problems together that differ in nothing but their place, in the order of the first of each."""
    found: dict[object, list[Problem]] = {}
    for problem in problems:
        found.setdefault((problem.kind, problem.message, problem.resource_types, problem.hint), []).append(problem)
    return [tuple(group) for group in found.values()]


def would_add(assessment: Assessment) -> list[tuple[str, int]]:
    """Return each hint of a problem with the number of undecided verdicts on the types it would let be read."""
    types: dict[str, set[str]] = {}
    for problem in assessment.problems:
        if problem.hint:
            types.setdefault(problem.hint, set()).update(problem.resource_types)
    undecided = Counter(verdict.resource_type for verdict in assessment.verdicts if verdict.status == "unknown")
    return [(hint, sum(undecided[name] for name in names)) for hint, names in types.items()]


def _by_resource(verdict: Verdict) -> tuple[str, int, str, str]:
    place = verdict.location
    if place is None:
        return "", 0, verdict.resource_name, verdict.resource_id
    return place.file, place.line or 0, verdict.resource_name, verdict.resource_id
