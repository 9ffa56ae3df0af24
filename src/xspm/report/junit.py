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

from xspm.report import summary
from xspm.report.text import batched, clean, field, fix, place, told_apart, value

if TYPE_CHECKING:
    from collections.abc import Iterator

    from xspm.model.verdict import Assessment, Failure, Run, Verdict

_COUNTED: Final = {"failure": "failures", "error": "errors", "skipped": "skipped"}
"""Element to the attribute that counts it."""

_UNREAD: Final = Counter({"tests": 1, "error": 1})

_PART: Final = 500
"""Lines or cases that are made at once."""


def render(run: Run) -> str:
    """Return the report as XML."""
    return "".join(parts(run))


def parts(run: Run) -> Iterator[str]:
    """Yield the report in parts of some hundred cases."""
    for lines in batched(_lines(told_apart(run)), _PART):
        yield "\n".join([*lines, ""])


def _lines(run: Run) -> Iterator[str]:
    # The numbers stand before what they count.
    tallies = [_tally(run, item) for item in run.assessments]
    total = sum([*tallies, *(_UNREAD for _ in run.failures)], Counter())
    yield '<?xml version="1.0" encoding="UTF-8"?>'
    yield f'<testsuites name="xspm" {_numbers(total)} time="0">'
    for failure in run.failures:
        yield from _unread(failure)
    for item, tally in zip(run.assessments, tallies, strict=True):
        yield from _suite(run, item, tally)
    yield "</testsuites>"


def _tally(run: Run, item: Assessment) -> Counter[str]:
    tally = Counter({"tests": len(item.verdicts)})
    tally.update(element for verdict in item.verdicts if (element := _element(run, verdict)))
    return tally


def _unread(failure: Failure) -> list[str]:
    """A target that could not be read: a suite with one case, which is an error."""
    name, message = _text(failure.target), _text(failure.message)
    return [
        f'  <testsuite name="{name}" {_numbers(_UNREAD)} time="0">',
        f'    <testcase classname="xspm.target" name="{name} can be read" time="0">',
        f'      <error type="target" message="{message}">{_text(failure.hint or "")}</error>',
        "    </testcase>",
        "  </testsuite>",
    ]


def _properties(run: Run) -> Iterator[str]:
    yield "    <properties>"
    for line in (summary.contract_line(run), *summary.contract_warnings(run)):
        yield f'      <property name="contract" value="{_text(line or "")}"/>'
    yield "    </properties>"


def _suite(run: Run, item: Assessment, tally: Counter[str]) -> Iterator[str]:
    name, stamp = _text(item.asset.id), _text(item.collected_at.removesuffix("Z"))
    yield f'  <testsuite name="{name}" {_numbers(tally)} time="0" timestamp="{stamp}">'
    if run.contract:
        yield from _properties(run)
    for verdict in item.verdicts:
        yield _case(run, item, verdict)
    if notes := [f"{problem.kind}: {problem.message}" for problem in item.problems] + [*item.expired, *item.overlong]:
        yield f"    <system-err>{chr(10).join(map(_text, notes))}</system-err>"
    yield "  </testsuite>"


def _case(run: Run, item: Assessment, verdict: Verdict) -> str:
    check = run.checks.get(verdict.check)
    title = check.title if check else verdict.check
    name = f"{title} [{verdict.resource_id or verdict.resource_type}]"
    file = f' file="{_text(verdict.location.file)}"' if verdict.location else ""
    start = f'    <testcase classname="{_text(verdict.check)}" name="{_text(name)}"{file} time="0"'
    element = _element(run, verdict)
    if not element:
        return start + "/>"
    message = _message(verdict)
    if element == "skipped":
        return f'{start}>\n      <skipped message="{_text(message)}"/>\n    </testcase>'
    body = "\n".join(map(_text, _body(run, item, verdict)))
    opening = f'<{element} type="{verdict.severity}" message="{_text(message)}">'
    return f"{start}>\n      {opening}{body}</{element}>\n    </testcase>"


def _element(run: Run, verdict: Verdict) -> str:
    """The element that says what became of a verdict; none for a pass."""
    if verdict.exception:
        return "skipped"
    match verdict.status:
        case "fail":
            return "failure"
        case "pass":
            return ""
        case "not_applicable":
            return "skipped"
    lenient = run.allow_unknown or (verdict.status == "unknown" and verdict.cause == "apply")
    return "skipped" if lenient else "error"


def _message(verdict: Verdict) -> str:
    """What is said of a verdict that is no pass."""
    message = verdict.message or verdict.status
    if terms := verdict.exception:
        return f"excepted until {terms.expires} by {terms.owner}: {terms.reason} ({verdict.status}: {message})"
    match verdict.status:
        case "fail":
            return message
        case "not_applicable":
            return "not applicable"
    return f"{verdict.status}: {message}"


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

    def parts(self, run: Run) -> Iterator[str]:
        """Return the text of `render` in parts."""
        return parts(run)


FORMAT: Final = Junit()
