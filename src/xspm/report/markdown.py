"""The report as Markdown, for the comment on a merge request.

First the gate and the counts, then what fails at or over the threshold, open; all else is folded into `<details>`.
Whatever comes from evidence stands in code spans, in which neither markup nor mentions (`@team`), references (`#1`,
`!1`) or links come alive. A comment holds 65,536 characters at GitHub; what does not fit is left out from the end, the
least severe first, and the last line says how much that is.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import msgspec

from xspm.model.check import SEVERITIES
from xspm.report import summary
from xspm.report.text import clean, cut, fix, place, plural, told_apart

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from xspm.model.verdict import Assessment, Run, Verdict
    from xspm.report.summary import Group

LIMIT: Final = 65_536
"""Bytes of UTF-8, so at most as many characters."""

FOLD: Final = 5
"""How many resources of one check are shown."""

_TAIL: Final = 400
"""Bytes kept free for the closing tags and the line that says what is left out."""

_SPECIAL: Final = re.compile(r"([\\`*_{}\[\]<>()#+.!|~&$^:@-])")


class Item(msgspec.Struct, frozen=True):
    """A piece that is shown whole or left out."""

    text: str
    verdicts: int
    """How many verdicts it speaks for."""


class Section(msgspec.Struct, frozen=True):
    """Pieces under one heading."""

    title: str
    items: list[Item]
    folded: bool


def render(run: Run, limit: int = LIMIT) -> str:
    """Return the report as Markdown of at most `limit` bytes."""
    run = told_apart(run)
    parts = [_head(run)]
    room = limit - _TAIL - len(parts[0].encode())
    left_out = 0
    for section in _sections(run):
        opening, closing = _frame(section)
        taken: list[str] = []
        room -= len((opening + closing).encode())
        for item in section.items:
            room -= len(item.text.encode()) + 1
            if left_out or room < 0:
                # Once something is left out all that follows is, so that the cut is by severity and not by size.
                left_out += item.verdicts
            else:
                taken.append(item.text)
        if taken:
            parts.append(opening + "\n".join(taken) + closing)
    if left_out:
        parts.append(
            f"\n**{plural(left_out, 'more entry', 'more entries')}** left out: a comment holds no more. "
            "The HTML, JSON and SARIF reports have all of them.\n"
        )
    return "".join(parts)


def prose(text: str) -> str:
    """Return a policy's text with everything that Markdown, or a code host, would act upon made plain."""
    # An empty comment splits what hosts look for in the rendered text: mentions, references, bare links.
    return (
        _SPECIAL.sub(r"\\\1", clean(text))
        .replace("\\@", "@<!-- -->")
        .replace("\\#", "#<!-- -->")
        .replace("\\:", ":<!-- -->")
    )


def span(text: str, limit: int = 300) -> str:
    """Return evidence as a code span, in which nothing is markup."""
    shown = cut(clean(text), limit)
    if not shown.strip():
        return "` `"
    fence = "`" * (max((len(run) for run in re.findall("`+", shown)), default=0) + 1)
    pad = " " if shown.startswith("`") or shown.endswith("`") else ""
    return f"{fence}{pad}{shown}{pad}{fence}"


def _head(run: Run) -> str:
    total = summary.score(run)
    lines = [f"## xspm: gate {summary.gate_word(run)}", "", _sentence(summary.gate_line(run)), ""]
    if total.total:
        lines += [f"**Score {summary.percent(total.value)} of 100**, coverage {summary.percent(total.coverage)} %.", ""]
    if held := summary.contract_line(run):
        lines += [f"Contract {prose(held)}.", ""]
        lines += [line for warning in summary.contract_warnings(run) for line in (f"**{prose(warning)}**", "")]
    return "\n".join([*lines, *_counts(run.assessments), ""])


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."


def _counts(assessments: Sequence[Assessment]) -> list[str]:
    counted = summary.table(assessments)
    lines = [f"| | {' | '.join(SEVERITIES)} | all |", "|---" + "|--:" * (len(SEVERITIES) + 1) + "|"]
    for row in summary.ROWS:
        if counted.total(row) or row == "fail":
            cells = [f"{number:,}" if number else "·" for number in (*counted.row(row), counted.total(row))]
            lines.append(f"| {summary.WORDS.get(row, row)} | {' | '.join(cells)} |")
    return lines


def _sections(run: Run) -> Iterator[Section]:
    rank = len(SEVERITIES) if run.fail_on == "never" else SEVERITIES.index(run.fail_on) + 1
    failing = [
        (item, group) for item in run.assessments for group in summary.groups(summary.open_verdicts(item, "fail"))
    ]
    failing.sort(key=lambda pair: SEVERITIES.index(pair[1].severity))
    over = [pair for pair in failing if SEVERITIES.index(pair[1].severity) < rank]
    below = [pair for pair in failing if SEVERITIES.index(pair[1].severity) >= rank]
    title = "Failing" if run.fail_on == "never" else f"Failing, {summary.threshold(run)}"
    yield Section(title, [_failing(run, *pair) for pair in over], folded=False)
    yield Section(_count("Failing, less severe", below), [_failing(run, *pair) for pair in below], folded=True)
    undecided = [
        (item, reason)
        for item in run.assessments
        for reason in summary.reasons(summary.open_verdicts(item, "error", "unknown"))
    ]
    number = sum(len(group.verdicts) for _, (_, _, groups) in undecided for group in groups)
    yield Section(
        f"Not decided ({number:,})", [_undecided(run, item, *reason) for item, reason in undecided], folded=True
    )
    problems = list(_problems(run))
    yield Section(f"Not read ({len(problems):,})", problems, folded=True)
    exceptions = list(_exceptions(run))
    yield Section("Exceptions", exceptions, folded=True)


def _count(title: str, pairs: Sequence[tuple[Assessment, Group]]) -> str:
    return f"{title} ({sum(len(group.verdicts) for _, group in pairs):,})"


def _frame(section: Section) -> tuple[str, str]:
    if section.folded:
        return f"\n<details><summary>{section.title}</summary>\n\n", "\n\n</details>\n"
    return f"\n### {section.title}\n\n", "\n"


def _title(run: Run, name: str) -> str:
    check = run.checks.get(name)
    return f"{prose(check.title)} {span(name)}" if check else span(name)


def _asset(run: Run, item: Assessment) -> str:
    return f" on {span(item.asset.name)}" if len(run.assessments) > 1 else ""


def _failing(run: Run, item: Assessment, group: Group) -> Item:
    lines = [f"- **{group.severity}** {_title(run, group.check)}{_asset(run, item)}"]
    lines += _resources(group.verdicts)
    if remedy := fix(run.checks.get(group.check)):
        lines.append(f"  - fix: {span(remedy)}")
    return Item("\n".join(lines), len(group.verdicts))


def _resources(verdicts: Sequence[Verdict]) -> Iterator[str]:
    shown = len(verdicts) if len(verdicts) <= FOLD + 1 else FOLD
    for verdict in verdicts[:shown]:
        where = f" in {span(place(verdict.location))}" if verdict.location else ""
        why = f": {span(verdict.message)}" if verdict.message else ""
        yield f"  - {span(verdict.resource_name or verdict.resource_type)}{where}{why}"
    if shown < len(verdicts):
        yield f"  - … and {len(verdicts) - shown:,} more"


def _undecided(run: Run, item: Assessment, status: str, message: str, groups: Sequence[Group]) -> Item:
    shown = len(groups) if len(groups) <= FOLD + 1 else FOLD
    lines = [f"- **{status}** {span(message or 'no reason was given')}{_asset(run, item)}"]
    lines += [f"  - {_title(run, group.check)}: {len(group.verdicts):,} {group.severity}" for group in groups[:shown]]
    if shown < len(groups):
        lines.append(f"  - … and {plural(len(groups) - shown, 'more check', 'more checks')}")
    return Item("\n".join(lines), sum(len(group.verdicts) for group in groups))


def _problems(run: Run) -> Iterator[Item]:
    for failure in run.failures:
        hint = f"; hint: {span(failure.hint)}" if failure.hint else ""
        yield Item(f"- **target** {span(failure.target)}: {span(failure.message)}{hint}", 1)
    for item in run.assessments:
        for problem in item.problems:
            hint = f"; hint: {span(problem.hint)}" if problem.hint else ""
            yield Item(f"- **{problem.kind}** {span(problem.message)}{hint}{_asset(run, item)}", 1)


def _exceptions(run: Run) -> Iterator[Item]:
    for item in run.assessments:
        for verdict in summary.excepted(item):
            if terms := verdict.exception:
                who = f"{span(terms.reason)}, {span(terms.owner)}, until {span(terms.expires)}"
                name = span(verdict.resource_name or verdict.resource_type)
                yield Item(f"- {_title(run, verdict.check)} for {name}{_asset(run, item)}: {who}", 1)
        for line in item.expired:
            yield Item(f"- **expired** {span(line)}", 1)
        for line in item.overlong:
            yield Item(f"- **too long** {span(line)}", 1)
    for line in run.unmatched:
        yield Item(f"- **matched nothing** {span(line)}", 1)


class Markdown:
    """The report as Markdown."""

    name = "markdown"
    suffixes = (".md", ".markdown")

    def render(self, run: Run) -> str:
        """Return the comment."""
        return render(run)


FORMAT: Final = Markdown()
