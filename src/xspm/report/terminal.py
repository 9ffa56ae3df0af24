"""The report that people read first: calm, worst first, at 80 columns, in light and dark, with colour or without.

Per asset: what fails by severity, one block per check; what could not be decided, by reason, and what would let it be;
what could not be read; what is excepted. Then the counts, the score and, as the last line, the gate with what made it
so. A left column holds the word that matters (the severity or status), so that the eye runs down it; colour only
repeats what a word says. Long lists are folded unless `verbose`.

It is rendered with `xspm.report.ansi` and not with rich, whose import alone takes longer than a whole report.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from xspm.model.check import SEVERITIES
from xspm.report import summary
from xspm.report.ansi import Painter, Style, fit, width_of, wrap
from xspm.report.text import clean, field, fix, is_unknown, listed, place, plural, told_apart, value

if TYPE_CHECKING:
    from collections.abc import Sequence

    from xspm.model.asset import Problem
    from xspm.model.verdict import Assessment, Run, Verdict
    from xspm.report.summary import Group

FOLD: Final = 5
"""How many items of a list are shown unless `verbose`."""

GUTTER: Final = 10
"""Columns of the left column: the longest severity and two spaces."""

NARROWEST: Final = 50

_MANY_TYPES: Final = 12
"""Resource types that are named one by one; whoever wants to see more asks for a verbose report."""

STYLES: Final[dict[str, Style]] = {
    "critical": "bold red",
    "high": "red",
    "medium": "yellow",
    "low": "cyan",
    "info": "dim",
    "fail": "red",
    "error": "bold magenta",
    "unknown": "magenta",
    "excepted": "cyan",
    "expired": "yellow",
    "pass": "green",
    "not_applicable": "dim",
}

_COMMAND: Final = r"^\s*::(?=.*::)|##(?=\w*\[)"
"""What a build service carries out when it reads it in a log (`::stop-commands::`, `##vso[`): no name may say it."""


def render(
    run: Run, *, colour: bool = False, width: int = 80, verbose: bool = False, explain_score: bool = False
) -> str:
    """Return the report as text.

    Args:
        run: what to show.
        colour: whether to use the terminal's colours.
        width: columns; less than 50 counts as 50.
        verbose: show every item of every list, and observed values in full.
        explain_score: add the score's arithmetic.
    """
    run = told_apart(run)
    page = _Page(Painter(colour=colour), max(width, NARROWEST), verbose=verbose)
    for assessment in run.assessments:
        _asset(page, run, assessment)
    _closing(page, run, explain_score=explain_score)
    return page.text()


def _defused(match: re.Match[str]) -> str:
    return match[0].replace("::", "\\x3a:").replace("##", "\\x23#")


class _Page:
    """Lines under way, with the layout that all parts share."""

    def __init__(self, paint: Painter, width: int, *, verbose: bool) -> None:
        self.paint = paint
        self.width = width
        self.verbose = verbose
        self._lines: list[str] = []

    def text(self) -> str:
        return "\n".join(self._lines) + "\n"

    def raw(self, line: str) -> None:
        self._lines.append(re.sub(_COMMAND, _defused, line) if "::" in line or "##" in line else line)

    def blank(self) -> None:
        if self._lines and self._lines[-1]:
            self._lines.append("")

    def put(self, text: str, style: Style = "", indent: int = GUTTER, hang: int = 0) -> None:
        """Add wrapped text."""
        lines = wrap(text, self.width - indent - hang)
        for number, line in enumerate(lines):
            self.raw(" " * (indent + (hang if number else 0)) + self.paint(line, style))

    def labelled(self, label: str, text: str, style: Style = "", label_style: Style = "") -> None:
        """Add wrapped text beside a word in the left column."""
        lines = wrap(text, self.width - GUTTER) or [""]
        self.raw(self.paint(label, label_style) + " " * (GUTTER - len(label)) + self.paint(lines[0], style))
        for line in lines[1:]:
            self.raw(" " * GUTTER + self.paint(line, style))

    def pair(self, left: str, right: str, indent: int = GUTTER) -> None:
        """Add a name, and what belongs to it at the right margin or, where there is no room, below."""
        room = self.width - indent - width_of(left) - width_of(right)
        if right and room >= 2:
            self.raw(" " * indent + left + " " * room + self.paint(right, "cyan"))
            return
        self.put(left, indent=indent, hang=2)
        if right:
            self.put(right, "cyan", indent=indent + 2)

    def rule(self, title: str, line: str = "─") -> None:
        """Add a heading, with a line to the right margin."""
        self.blank()
        self.raw(self.paint(title, "bold") + " " + self.paint(line * max(self.width - width_of(title) - 1, 0), "dim"))

    def shown(self, items: Sequence[object]) -> int:
        """How many items of a list are shown: never all but one, for the line that says so takes as much room."""
        return len(items) if self.verbose or len(items) <= FOLD + 1 else FOLD

    def more(self, left_out: int, indent: int = GUTTER) -> None:
        if left_out:
            self.raw(" " * indent + self.paint(f"… and {left_out:,} more", "dim"))


def _asset(page: _Page, run: Run, assessment: Assessment) -> None:
    asset = assessment.asset
    name = fit(clean(asset.name), page.width - 4)
    page.rule(name, "━")
    if name != clean(asset.name):
        page.put(clean(asset.name), "dim", indent=0)
    about = [clean(asset.type), assessment.collected_at.replace("T", " ").replace("Z", " UTC")]
    if policies := [f"{clean(policy.name)} {clean(policy.version)}" for policy in assessment.policies]:
        about.append(f"{'policy' if len(policies) == 1 else 'policies'} {', '.join(policies)}")
    page.put(" · ".join(about), "dim", indent=0)
    page.put(summary.table([assessment]).line(), indent=0)
    # What leaves every check undecided comes first: it is one thing to mend, and not as many as there are checks.
    first = any(len(problem.resource_types) > _MANY_TYPES for problem in assessment.problems)
    if first:
        _problems(page, assessment)
    for group in summary.groups(summary.open_verdicts(assessment, "fail")):
        _failing(page, run, group)
    _undecided(page, run, assessment)
    if not first:
        _problems(page, assessment)
    _exceptions(page, run, assessment)


def _title(run: Run, check: str) -> str:
    known = run.checks.get(check)
    return clean(known.title if known else check)


def _failing(page: _Page, run: Run, group: Group) -> None:
    page.blank()
    page.labelled(group.severity, _title(run, group.check), "bold", STYLES[group.severity])
    page.put(clean(group.check), "dim")
    _resources(page, group.verdicts)
    if remedy := fix(run.checks.get(group.check)):
        page.put(f"fix: {remedy}", "green", hang=5)


def _resources(page: _Page, verdicts: Sequence[Verdict]) -> None:
    """Each resource with its place, why, and what was observed; a reason that several share in a row is said once."""
    shown = page.shown(verdicts)
    for number, verdict in enumerate(verdicts[:shown]):
        page.pair(clean(verdict.resource_name or verdict.resource_type), place(verdict.location))
        after = verdicts[number + 1] if number + 1 < shown else None
        if after is None or (after.message, after.observed) != (verdict.message, verdict.observed):
            if verdict.message:
                page.put(clean(verdict.message), indent=GUTTER + 2)
            _observed(page, verdict)
    page.more(len(verdicts) - shown)


def _observed(page: _Page, verdict: Verdict) -> None:
    """The values the check read, on one line where they fit; an unknown one is already said as the reason."""
    limit = 2000 if page.verbose else page.width
    parts = [
        f"{field(item.path)} = {value(item.value, limit)}"
        for item in verdict.observed
        if verdict.status == "fail" or not is_unknown(item.value)
    ]
    line = " · ".join(parts)
    for part in [line] if 0 < width_of(line) <= page.width - GUTTER - 2 else parts:
        page.put(part, "dim", indent=GUTTER + 2, hang=2)


def _undecided(page: _Page, run: Run, assessment: Assessment) -> None:
    found = summary.reasons(summary.open_verdicts(assessment, "error", "unknown"))
    if not found:
        return
    page.rule("Not decided")
    for hint, number in summary.would_add(assessment):
        if number:
            page.put(f"To decide {number:,} of these: {clean(hint)}", "bold", indent=0)
    for status, message, groups in found:
        page.blank()
        page.labelled(status, clean(message) or "no reason was given", label_style=STYLES[status])
        shown = page.shown(groups)
        for group in groups[:shown]:
            _undecided_check(page, run, group)
        page.more(len(groups) - shown)


def _undecided_check(page: _Page, run: Run, group: Group) -> None:
    page.put(f"{_title(run, group.check)} ({group.severity})", "bold", hang=2)
    page.put(clean(group.check), "dim", indent=GUTTER + 2)
    named = [verdict for verdict in group.verdicts if verdict.resource_id]
    shown = page.shown(named)
    if len(named) > 1 and not any(verdict.location for verdict in named):
        rest = [f"… and {len(named) - shown:,} more"] if shown < len(named) else []
        names = [clean(verdict.resource_name) for verdict in named[:shown]]
        page.put(", ".join(names + rest), indent=GUTTER + 2)
        return
    for verdict in named[:shown]:
        page.pair(clean(verdict.resource_name), place(verdict.location), indent=GUTTER + 2)
        _observed(page, verdict)
    page.more(len(named) - shown, indent=GUTTER + 2)


def _problems(page: _Page, assessment: Assessment) -> None:
    if not assessment.problems:
        return
    page.rule("Not read")
    groups = summary.alike(assessment.problems)
    shown = page.shown(groups)
    for problems in groups[:shown]:
        _alike(page, problems)
    page.more(sum(map(len, groups[shown:])))


def _alike(page: _Page, problems: Sequence[Problem]) -> None:
    """Problems that differ in nothing but their place, as one."""
    problem = problems[0]
    # The longest kind does not fit the column.
    label = "no reader" if problem.kind == "unsupported" else problem.kind
    text = clean(problem.message)
    if len(problems) > 1:
        text = (
            f"{plural(len(problems), 'file')} could not be read: {text}"
            if _is_lost(problem)
            else f"{text}, {len(problems):,} times"
        )
    page.labelled(label, text, label_style="yellow")
    shown = page.shown(problems)
    for each in problems[:shown]:
        where = place(each.location)
        if where and where not in problem.message:
            page.put(where, "cyan")
    page.more(len(problems) - shown)
    if problem.resource_types:
        types = clean(", ".join(problem.resource_types))
        if len(problem.resource_types) > _MANY_TYPES and not page.verbose:
            types = (
                f"all {len(problem.resource_types)} resource types that stand in such files"
                if _is_lost(problem)
                else f"{len(problem.resource_types)} resource types"
            )
        page.put(f"incomplete: {types}", "dim", hang=2)
    if problem.hint:
        page.put(f"hint: {clean(problem.hint)}", "green", hang=2)


def _is_lost(problem: Problem) -> bool:
    """Whether a whole file was not understood, and not a part of one."""
    return problem.kind == "format" and len(problem.resource_types) > _MANY_TYPES and problem.location is not None


def _exceptions(page: _Page, run: Run, assessment: Assessment) -> None:
    covered = summary.groups(summary.excepted(assessment))
    if not (covered or assessment.expired or assessment.overlong):
        return
    page.rule("Exceptions")
    for number, group in enumerate(covered):
        if number:
            page.blank()
        _excepted(page, run, group)
    for line in assessment.expired:
        page.labelled("expired", clean(line), label_style=STYLES["expired"])
    for line in assessment.overlong:
        page.labelled("too long", clean(line), label_style=STYLES["expired"])


def _excepted(page: _Page, run: Run, group: Group) -> None:
    page.labelled("excepted", f"{_title(run, group.check)} ({group.severity})", "bold", STYLES["excepted"])
    page.put(clean(group.check), "dim")
    shown = page.shown(group.verdicts)
    for number, verdict in enumerate(group.verdicts[:shown]):
        page.pair(clean(verdict.resource_name or verdict.resource_type), place(verdict.location))
        after = group.verdicts[number + 1] if number + 1 < shown else None
        if verdict.exception and (after is None or after.exception != verdict.exception):
            terms = verdict.exception
            page.put(f"{clean(terms.reason)} ({clean(terms.owner)}, until {clean(terms.expires)})", indent=GUTTER + 2)
    page.more(len(group.verdicts) - shown)


def _closing(page: _Page, run: Run, *, explain_score: bool) -> None:
    page.rule("Summary", "━")
    for failure in run.failures:
        page.labelled("unread", f"{clean(failure.target)}: {clean(failure.message)}", label_style="bold red")
        if failure.hint:
            page.put(f"hint: {clean(failure.hint)}", "green", hang=2)
    if run.failures:
        page.blank()
    if run.unmatched:
        shown = page.shown(run.unmatched)
        rest = [f"{len(run.unmatched) - shown:,} more"] if shown < len(run.unmatched) else []
        said = "; ".join([*map(clean, run.unmatched[:shown]), *rest])
        page.put(f"{plural(len(run.unmatched), 'exception')} matched nothing: {said}", STYLES["expired"], 0, hang=2)
        page.blank()
    if not run.assessments:
        page.put("Nothing was assessed.", indent=0)
    _counts(page, run)
    total = summary.score(run)
    page.blank()
    score = f"{summary.percent(total.value)} of 100" if total.total else "none: no verdict weighs anything"
    page.labelled("score", score + (f", coverage {summary.percent(total.coverage)} %" if total.total else ""), "bold")
    if explain_score:
        for line in summary.score_lines(run):
            page.put(line, "dim", hang=2)
    if any(summary.open_verdicts(item, "fail", "error", "unknown") for item in run.assessments):
        page.labelled("details", "xspm check show ID tells why a check matters and every way to mend it", "dim")
    if held := summary.contract_line(run):
        page.labelled("contract", clean(held))
        for warning in summary.contract_warnings(run):
            page.put(clean(warning), "bold red")
    page.blank()
    _gate(page, run)


def _counts(page: _Page, run: Run) -> None:
    """A table of what there is; a row or a column without anything is left out, except for `fail`."""
    counted = summary.table(run.assessments)
    columns = [column for column in SEVERITIES if any(counted.cells.get((row, column)) for row in summary.ROWS)]
    rows = [row for row in summary.ROWS if row == "fail" or counted.total(row)]
    size = min(10, (page.width - 14) // (len(columns) + 1))
    heads: list[str] = [*columns, "all"]
    if size <= len("critical"):
        heads = [head.removesuffix("ical").removesuffix("ium") for head in heads]
    page.raw(page.paint(" " * 14 + "".join(f"{head:>{size}}" for head in heads), "dim"))
    for row in rows:
        numbers = [counted.cells.get((row, column), 0) for column in columns]
        cells = "".join(f"{number:>{size},}" if number else f"{'·':>{size}}" for number in (*numbers, sum(numbers)))
        page.raw(page.paint(f"{summary.WORDS.get(row, row):<14}", STYLES[row]) + cells)


def _gate(page: _Page, run: Run) -> None:
    blockers = summary.blockers(run)
    shown = page.shown(blockers)
    for blocker in blockers[:shown]:
        group = blocker.group
        statuses = listed([
            plural(number, status, status)
            for status in ("fail", "error", "unknown")
            if (number := sum(verdict.status == status for verdict in group.verdicts))
        ])  # fmt: skip
        on = f" on {clean(blocker.asset.name)}" if len(run.assessments) > 1 else ""
        page.labelled(group.severity, f"{clean(group.check)}: {statuses}{on}", label_style=STYLES[group.severity])
    page.more(len(blockers) - shown)
    problems = summary.blocking_problems(run)
    shown = page.shown(problems)
    for asset, problem in problems[:shown]:
        page.labelled("unread", f"{clean(asset.name)}: {clean(problem.message)}", label_style="yellow")
    page.more(len(problems) - shown)
    if blockers or problems:
        page.blank()
    word = summary.gate_word(run)
    head, why = f"Gate {word}", summary.gate_line(run)
    lines = wrap(f"{head}: {why}", page.width)
    # The verdict itself is painted apart, so that it stands out of its reason.
    lines[0] = page.paint(head, "bold green" if word == "passes" else "bold red") + lines[0].removeprefix(head)
    for line in lines:
        page.raw(line)


class Terminal:
    """The report as plain text, for a file."""

    name = "terminal"
    suffixes = (".txt",)

    def render(self, run: Run) -> str:
        """Return the report without colour, 100 columns wide, with everything in it."""
        return render(run, width=100, verbose=True)


FORMAT: Final = Terminal()
