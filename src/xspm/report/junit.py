"""The report as JUnit XML, for the test tab of a build service (GitLab, Jenkins, Azure, CircleCI).

One test suite per asset, one test case per check and resource; the check is the class name. What fails is a failure.
What could not be decided is an error, because a green test would claim what nobody knows; where the gate lets it
through (`--allow-unknown`, or only a later apply can decide it) it is skipped with its reason, as is what does not
apply and what an exception covers. Problems are in the suite's `system-err`.
"""

from __future__ import annotations

from collections import Counter
from html import escape
from typing import TYPE_CHECKING, Final

from xspm.report.text import clean, field, fix, place, value

if TYPE_CHECKING:
    from xspm.model.verdict import Assessment, Failure, Run, Verdict

_COUNTED: Final = {"failure": "failures", "error": "errors", "skipped": "skipped"}
"""Element to the attribute that counts it."""


def render(run: Run) -> str:
    """Return the report as XML."""
    tally: Counter[str] = Counter()
    lines: list[str] = []
    for failure in run.failures:
        lines += _unread(failure, tally)
    for item in run.assessments:
        lines += _suite(run, item, tally)
    head = ['<?xml version="1.0" encoding="UTF-8"?>', f'<testsuites name="xspm" {_numbers(tally)} time="0">']
    return "\n".join([*head, *lines, "</testsuites>", ""])


def _unread(failure: Failure, total: Counter[str]) -> list[str]:
    """A target that could not be read: a suite with one case, which is an error."""
    tally = Counter({"tests": 1, "error": 1})
    total.update(tally)
    name, message = _text(failure.target), _text(failure.message)
    return [
        f'  <testsuite name="{name}" {_numbers(tally)} time="0">',
        f'    <testcase classname="xspm.target" name="{name} can be read" time="0">',
        f'      <error type="target" message="{message}">{_text(failure.hint or "")}</error>',
        "    </testcase>",
        "  </testsuite>",
    ]


def _suite(run: Run, item: Assessment, total: Counter[str]) -> list[str]:
    tally: Counter[str] = Counter()
    cases = [_case(run, item, verdict, tally) for verdict in item.verdicts]
    total.update(tally)
    name, stamp = _text(item.asset.id), _text(item.collected_at.removesuffix("Z"))
    lines = [f'  <testsuite name="{name}" {_numbers(tally)} time="0" timestamp="{stamp}">', *cases]
    if notes := [f"{problem.kind}: {problem.message}" for problem in item.problems] + [*item.expired]:
        lines.append(f"    <system-err>{chr(10).join(map(_text, notes))}</system-err>")
    return [*lines, "  </testsuite>"]


def _case(run: Run, item: Assessment, verdict: Verdict, tally: Counter[str]) -> str:
    check = run.checks.get(verdict.check)
    title = check.title if check else verdict.check
    name = f"{title} [{verdict.resource_id or verdict.resource_type}]"
    file = f' file="{_text(verdict.location.file)}"' if verdict.location else ""
    start = f'    <testcase classname="{_text(verdict.check)}" name="{_text(name)}"{file} time="0"'
    tally["tests"] += 1
    element, message = _outcome(run, verdict)
    if not element:
        return start + "/>"
    tally[element] += 1
    if element == "skipped":
        return f'{start}>\n      <skipped message="{_text(message)}"/>\n    </testcase>'
    body = "\n".join(map(_text, _body(run, item, verdict)))
    opening = f'<{element} type="{verdict.severity}" message="{_text(message)}">'
    return f"{start}>\n      {opening}{body}</{element}>\n    </testcase>"


def _outcome(run: Run, verdict: Verdict) -> tuple[str, str]:
    """The element that says what became of a verdict (none for a pass), and its message."""
    message = verdict.message or verdict.status
    if verdict.exception:
        terms = verdict.exception
        return (
            "skipped",
            f"excepted until {terms.expires} by {terms.owner}: {terms.reason} ({verdict.status}: {message})",
        )
    match verdict.status:
        case "fail":
            return "failure", message
        case "pass":
            return "", ""
        case "not_applicable":
            return "skipped", "not applicable"
    lenient = run.allow_unknown or (verdict.status == "unknown" and verdict.cause == "apply")
    return ("skipped" if lenient else "error"), f"{verdict.status}: {message}"


def _body(run: Run, item: Assessment, verdict: Verdict) -> list[str]:
    lines = [f"severity: {verdict.severity}", f"asset: {item.asset.name}"]
    lines.append(f"resource: {verdict.resource_name or verdict.resource_type}")
    if where := place(verdict.location):
        lines.append(f"where: {where}")
    lines += [f"{field(observed.path)} = {value(observed.value, 500)}" for observed in verdict.observed]
    if verdict.status == "fail" and (remedy := fix(run.checks.get(verdict.check))):
        lines.append(f"fix: {remedy}")
    return lines


def _numbers(tally: Counter[str]) -> str:
    counted = [f'tests="{tally["tests"]}"', *(f'{name}="{tally[element]}"' for element, name in _COUNTED.items())]
    return " ".join(counted)


def _text(text: str) -> str:
    """Text for an attribute or element: `clean` has taken out what XML 1.0 cannot hold."""
    return escape(clean(text))


class Junit:
    """The report as JUnit XML."""

    name = "junit"
    suffixes = (".xml",)

    def render(self, run: Run) -> str:
        """Return the document."""
        return render(run)


FORMAT: Final = Junit()
