"""The report as one HTML file: for a browser, an archive, or an auditor's printer.

Nothing is loaded from anywhere and nothing runs: no script, no font, no image; what folds are `details` elements. The
content security policy allows only the one style sheet by its hash, so that even markup that slipped through the
escaping could neither run nor call out. Colours follow the reader's light or dark theme; words always say what colours
show. Everything goes through `_text`, which escapes; only this file's own markup does not.
"""

from __future__ import annotations

import base64
import hashlib
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Final

from xspm.model.check import SEVERITIES
from xspm.report import summary
from xspm.report.text import clean, code, field, place, plural, told_apart, value

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from xspm.model.asset import Problem
    from xspm.model.check import Check
    from xspm.model.verdict import Assessment, Run, Score, Verdict
    from xspm.report.summary import Group, Table

MOST: Final = 200
"""How many resources of one check are written out: a browser must open the file."""

_LINKS: Final = ("https://", "http://")


def render(run: Run) -> str:
    """Return the page."""
    run = told_apart(run)
    style = Path(__file__).with_name("html.css").read_text("utf-8")
    parts = [*_head(run, style), *_overview(run), '<main id="findings">']
    if run.failures:
        parts.append('<section class="asset"><h2>Targets that could not be assessed</h2><div class="unread">')
        parts += _rows(("unread", one.target, [one.message, *filter(None, [one.hint])]) for one in run.failures)
        parts.append("</div></section>")
    for number, item in enumerate(run.assessments):
        parts += _asset(run, item, number)
    if run.unmatched:
        parts.append('<section class="asset"><h2>Exceptions that matched nothing</h2>')
        parts += _rows(("unused", line, []) for line in run.unmatched)
        parts.append("</section>")
    if not run.assessments:
        parts.append('<p class="none">Nothing was assessed.</p>')
    return "\n".join([*parts, "</main>", *_footer(run), "</body>", "</html>", ""])


def _text(text: str) -> str:
    """Anything that is not this file's own markup."""
    return escape(clean(text))


def _head(run: Run, style: str) -> Iterator[str]:
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    yield "<!doctype html>"
    yield '<html lang="en">'
    yield "<head>"
    yield '<meta charset="utf-8">'
    yield f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">'
    yield '<meta name="color-scheme" content="light dark">'
    yield '<meta name="referrer" content="no-referrer">'
    yield f"<title>xspm: gate {summary.gate_word(run)}, score {summary.percent(summary.score(run).value)}</title>"
    yield f"<style>{style}</style>"
    yield "</head>"
    yield "<body>"
    yield '<a class="skip" href="#findings">Skip to the findings</a>'


def _time(stamp: str) -> str:
    return f'<time datetime="{_text(stamp)}">{_text(stamp.replace("T", " ").replace("Z", " UTC"))}</time>'


def _overview(run: Run) -> Iterator[str]:
    only = f" of {_text(run.assessments[0].asset.name)}" if len(run.assessments) == 1 else ""
    yield "<header>"
    yield f"<h1>Security posture{only}</h1>"
    yield f"<p>{plural(len(run.assessments), 'asset')}, {_time(run.started_at)}, xspm {_text(run.version)}</p>"
    if held := summary.contract_line(run):
        yield f"<p>Contract {_text(held)}</p>"
        for warning in summary.contract_warnings(run):
            yield f'<p><strong class="word critical">{_text(warning)}</strong></p>'
    yield '<div class="overview">'
    total = summary.score(run)
    yield f'<section class="card gate {summary.gate_word(run).split()[0]}" aria-label="Gate and score">'
    yield _ring(total)
    why = summary.gate_line(run)
    yield f"<div><strong>Gate {summary.gate_word(run)}</strong><p>{_text(why[:1].upper() + why[1:])}.</p>"
    yield f"<p>Coverage {summary.percent(total.coverage)} %.</p></div>"
    yield "</section>"
    yield '<section class="card" aria-label="Counts">'
    yield from _counts(summary.table(run.assessments))
    yield "</section>"
    yield "</div>"
    if len(run.assessments) > 1:
        yield '<nav aria-label="Assets"><ul>'
        for number, item in enumerate(run.assessments):
            line = _text(summary.table([item]).line())
            score = summary.percent(item.score.value)
            name = _text(item.asset.name)
            yield f'<li><a href="#asset-{number}"><b>{name}</b><span>Score {score}: {line}</span></a></li>'
        yield "</ul></nav>"
    yield "</header>"


def _ring(score: Score) -> str:
    """The score as an arc over the arc of what could be decided."""
    around = 326.7  # 2π · 52
    said = f"Score {summary.percent(score.value)} of 100, coverage {summary.percent(score.coverage)} percent"
    arcs = "".join(
        f'<circle class="ring {name}" cx="60" cy="60" r="52" transform="rotate(-90 60 60)" '
        f'stroke-dasharray="{share * around / 100:.1f} {around}"/>'
        for name, share in (("coverage", score.coverage), ("score", score.value))
        if share
    )
    return (
        f'<svg viewBox="0 0 120 120" role="img" aria-label="{said}">'
        f'<circle class="ring track" cx="60" cy="60" r="52"/>{arcs}'
        f'<text class="number" x="60" y="66">{summary.percent(score.value)}</text>'
        '<text class="unit" x="60" y="84">of 100</text></svg>'
    )


def _counts(counted: Table) -> Iterator[str]:
    yield '<table class="counts"><caption>Verdicts by status and severity</caption>'
    heads = "".join(f'<th scope="col">{name}</th>' for name in (*SEVERITIES, "all"))
    yield f'<thead><tr><th scope="col"><span class="soft">status</span></th>{heads}</tr></thead><tbody>'
    for row in summary.ROWS:
        if counted.total(row) or row == "fail":
            numbers = (*counted.row(row), counted.total(row))
            cells = "".join(f"<td>{number:,}</td>" if number else '<td class="zero">0</td>' for number in numbers)
            yield f'<tr><th scope="row"><span class="dot {row}"></span>{summary.WORDS.get(row, row)}</th>{cells}</tr>'
    yield "</tbody></table>"


def _asset(run: Run, item: Assessment, number: int) -> Iterator[str]:
    yield f'<section class="asset" id="asset-{number}" aria-labelledby="asset-{number}-name">'
    yield f'<h2 id="asset-{number}-name">{_text(item.asset.name)}</h2>'
    policies = ", ".join(f"{policy.name} {policy.version}" for policy in item.policies)
    said = [_text(item.asset.type), _time(item.collected_at), f"score {summary.percent(item.score.value)}"]
    said.append(f"coverage {summary.percent(item.score.coverage)} %")
    if policies:
        said.append(f"policy {_text(policies)}")
    yield f'<p class="about">{" · ".join(said)}</p>'
    yield from _bar(summary.table([item]))
    failing = summary.groups(summary.open_verdicts(item, "fail"))
    yield "<h3>Failing</h3>"
    if not failing:
        yield '<p class="none">Nothing fails.</p>'
    for group in failing:
        yield from _failing(run, group)
    yield from _undecided(run, item)
    yield from _problems(item)
    yield from _exceptions(run, item)
    yield from _passing(run, item)
    yield "</section>"


def _bar(counted: Table) -> Iterator[str]:
    totals = {row: counted.total(row) for row in summary.ROWS if counted.total(row)}
    everything, start, parts = sum(totals.values()) or 1, 0.0, []
    for row, number in totals.items():
        width = 100 * number / everything
        parts.append(f'<rect class="{row}" x="{start:.2f}" width="{width:.2f}" height="8"/>')
        start += width
    legend = "".join(
        f'<li><span class="dot {row}"></span>{number:,} {summary.WORDS.get(row, row)}</li>'
        for row, number in totals.items()
    )
    yield f'<svg class="bar" viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true">{"".join(parts)}</svg>'
    yield f'<ul class="legend">{legend}</ul>'


def _title(run: Run, name: str) -> str:
    check = run.checks.get(name)
    return _text(check.title if check else name)


def _failing(run: Run, group: Group) -> Iterator[str]:
    check = run.checks.get(group.check)
    yield f'<details><summary><span class="word {group.severity}">{group.severity}</span>'
    yield f'<span><span class="title">{_title(run, group.check)}</span>'
    yield f'<span class="id">{_text(group.check)}</span></span>'
    yield f'<span class="many">{plural(len(group.verdicts), "resource")}</span></summary><div class="body">'
    if check:
        yield f"<p>{_text(check.rationale)}</p>"
    yield f"<div><h4>Found</h4>{_resources(group.verdicts)}</div>"
    if check:
        yield from _help(run, check)
    yield "</div></details>"


def _resources(verdicts: Sequence[Verdict]) -> str:
    lines = [_resource(verdict) for verdict in verdicts[:MOST]]
    if len(verdicts) > MOST:
        lines.append(
            f'<li class="soft">… and {len(verdicts) - MOST:,} more, all of them in the JSON and CSV reports</li>'
        )
    return f'<ul class="resources">{"".join(lines)}</ul>'


def _resource(verdict: Verdict) -> str:
    where = f'<span class="where">{_text(place(verdict.location))}</span>' if verdict.location else ""
    message = f"<p>{_text(verdict.message)}</p>" if verdict.message and verdict.status == "fail" else ""
    seen = "".join(
        f'<span class="observed">{_text(field(item.path))} = {_text(value(item.value, 500))}</span>'
        for item in verdict.observed
    )
    name = _text(verdict.resource_name or verdict.resource_type)
    return f'<li><div class="top"><b>{name}</b>{where}</div>{message}{seen}</li>'


def _help(run: Run, check: Check) -> Iterator[str]:
    yield "<div><h4>Remediation</h4>"
    for remedy in check.remediation:
        yield f'<div class="fix"><p>{_text(remedy.form)}</p><pre>{escape(code(remedy.content))}</pre></div>'
    yield "</div>"
    yield f"<div><h4>Condition</h4><pre>{_text(check.check)}</pre></div>"
    if frameworks := run.frameworks.get(check.id):
        answers = "".join(f"<li>{_text(name)}</li>" for name in frameworks)
        yield f'<div><h4>Answers</h4><ul class="tags">{answers}</ul></div>'
    references = "".join(f"<li>{_reference(link)}</li>" for link in check.references)
    yield f"<div><h4>References</h4><ul>{references}</ul></div>"


def _reference(reference: str) -> str:
    """A reference as a link only where it is one to the web, so that no other scheme can be smuggled in."""
    if not reference.startswith(_LINKS):
        return _text(reference)
    return f'<a href="{_text(reference)}" rel="noopener noreferrer">{_text(reference)}</a>'


def _undecided(run: Run, item: Assessment) -> Iterator[str]:
    found = summary.reasons(summary.open_verdicts(item, "error", "unknown"))
    if not found:
        return
    yield "<h3>Not decided</h3>"
    for hint, number in summary.would_add(item):
        if number:
            yield f'<p class="note">To decide {number:,} of these: {_text(hint)}</p>'
    for status, message, groups in found:
        number = sum(len(group.verdicts) for group in groups)
        yield f'<details><summary><span class="word {status}">{status}</span>'
        yield f'<span class="title">{_text(message or "No reason was given")}</span>'
        worst = min((group.severity for group in groups), key=SEVERITIES.index)
        yield f'<span class="many">{plural(number, "verdict")}, {worst}</span></summary><div class="body">'
        for group in groups:
            named = [verdict for verdict in group.verdicts if verdict.resource_id]
            resources = _resources(named) if named else ""
            yield f"<div><p><b>{_title(run, group.check)}</b> ({group.severity})</p>"
            yield f'<p class="id">{_text(group.check)}</p>{resources}</div>'
        yield "</div></details>"


def _problems(item: Assessment) -> Iterator[str]:
    if item.problems:
        yield "<h3>Not read</h3>"
        yield from _rows(map(_problem, item.problems))


def _problem(problem: Problem) -> tuple[str, str, list[str]]:
    more = []
    where = place(problem.location)
    if where and where not in problem.message:
        more.append(where)
    if problem.resource_types:
        more.append(f"Incomplete: {', '.join(problem.resource_types)}")
    if problem.hint:
        more.append(f"Hint: {problem.hint}")
    return problem.kind, problem.message, more


def _exceptions(run: Run, item: Assessment) -> Iterator[str]:
    covered = summary.excepted(item)
    if not (covered or item.expired or item.overlong):
        return
    yield "<h3>Exceptions</h3>"
    rows = []
    for verdict in covered:
        if terms := verdict.exception:
            check = run.checks.get(verdict.check)
            name = f"{verdict.resource_name or verdict.resource_type} {place(verdict.location)}".rstrip()
            title = f"{check.title if check else verdict.check} ({verdict.severity})"
            rows.append(("excepted", title, [name, f"{terms.reason} ({terms.owner}, until {terms.expires})"]))
    yield from _rows([*rows, *(("expired", line, []) for line in (*item.expired, *item.overlong))])


def _rows(rows: Iterable[tuple[str, str, list[str]]]) -> Iterator[str]:
    yield '<ul class="card rows">'
    for word, text, more in rows:
        paragraphs = "".join(f"<p>{_text(line)}</p>" for line in (text, *more))
        yield f'<li><span class="word {_text(word)}">{_text(word)}</span><div>{paragraphs}</div></li>'
    yield "</ul>"


def _passing(run: Run, item: Assessment) -> Iterator[str]:
    passing = summary.groups(summary.open_verdicts(item, "pass"))
    if not passing:
        return
    number = sum(len(group.verdicts) for group in passing)
    yield "<h3>Passing</h3>"
    yield '<details><summary><span class="word pass">pass</span>'
    yield f'<span class="title">{plural(len(passing), "check")}</span>'
    yield f'<span class="many">{plural(number, "resource")}</span></summary>'
    yield '<div class="passing"><table><caption>Checks that pass, with the number of resources</caption>'
    heads = "".join(f'<th scope="col">{name}</th>' for name in ("check", "severity", "resources"))
    yield f"<thead><tr>{heads}</tr></thead><tbody>"
    for group in passing:
        title = f'{_title(run, group.check)}<br><span class="id">{_text(group.check)}</span>'
        yield f'<tr><th scope="row">{title}</th><td>{group.severity}</td><td>{len(group.verdicts):,}</td></tr>'
    yield "</tbody></table></div></details>"


def _footer(run: Run) -> Iterator[str]:
    yield "<footer>"
    yield "<p>A verdict is a function of check, parameters and resource: anyone can recompute it from the snapshot.</p>"
    snapshots = "".join(
        f"<li>{_text(item.asset.name)}: <code>{_text(item.snapshot)}</code>, {_text(item.engine)} engine</li>"
        for item in run.assessments
    )
    yield f"<ul>{snapshots}</ul>" if snapshots else ""
    yield "<details><summary><span>score</span><span>How the score is made</span></summary>"
    lines = "".join(f"<p>{_text(line)}</p>" for line in summary.score_lines(run))
    yield f'<div class="body">{lines}</div></details>'
    yield "</footer>"


class Html:
    """The report as one HTML file."""

    name = "html"
    suffixes = (".html", ".htm")

    def render(self, run: Run) -> str:
        """Return the page."""
        return render(run)


FORMAT: Final = Html()
