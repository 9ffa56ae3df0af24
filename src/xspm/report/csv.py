"""The report as CSV: one verdict per row, for a spreadsheet or a quick query.

A target that could not be read at all has a row too, with the status `unread` and no check.

UTF-8, comma, double quotes where needed, lines end in a line feed. A cell that a spreadsheet would take for a formula
gets an apostrophe in front (https://owasp.org/www-community/attacks/CSV_Injection): names come from what is assessed.
"""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING, Final

from xspm.report import summary
from xspm.report.text import batched, clean, field, fix, value

if TYPE_CHECKING:
    from collections.abc import Iterator

    from xspm.model.verdict import Assessment, Run, Verdict

COLUMNS: Final = (
    *("asset", "asset_type", "collected_at", "check", "title", "severity", "status", "excepted"),
    *("resource_type", "resource_id", "resource_name", "file", "line", "message", "observed", "cause", "fix"),
    *("exception_reason", "exception_owner", "exception_expires", "frameworks", "contract"),
)

_PART: Final = 500
"""Rows that are made at once."""

_FORMULA: Final = tuple("=+-@\t\r\uff1d\uff0b\uff0d\uff20")
"""What starts a formula, in full width too."""


def render(run: Run) -> str:
    """Return the report as CSV."""
    return "".join(parts(run))


def parts(run: Run) -> Iterator[str]:
    """Yield the report in parts of some hundred rows."""
    sheet = _Sheet()
    writer = csv.writer(sheet, lineterminator="\n")
    writer.writerow(COLUMNS)
    for rows in batched(_rows(run), _PART):
        writer.writerows(rows)
        yield sheet.taken()
    yield sheet.taken()


class _Sheet:
    """Takes lines as a file does; `io.StringIO` would hold four bytes for every character."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def write(self, text: str) -> int:
        self.lines.append(text)
        return len(text)

    def taken(self) -> str:
        """Give away what was written so far."""
        text = "".join(self.lines)
        self.lines.clear()
        return text


def _rows(run: Run) -> Iterator[list[str]]:
    # What a row says of its check is the same in all of its rows.
    titles = {name: _cell(check.title) for name, check in run.checks.items()}
    fixes = {name: _cell(fix(check)) for name, check in run.checks.items()}
    frameworks = {name: _cell(" ".join(items)) for name, items in run.frameworks.items()}
    contract = _cell("; ".join(filter(None, [summary.contract_line(run), *summary.contract_warnings(run)])))
    for failure in run.failures:
        told = {"contract": contract, "asset": failure.target, "status": "unread", "message": failure.message}
        yield [_cell(told.get(column, "")) for column in COLUMNS]
    for item in run.assessments:
        for verdict in item.verdicts:
            name = verdict.check
            yield [*_row(item, verdict, titles.get(name, ""), fixes.get(name, ""), frameworks.get(name, "")), contract]


def _row(item: Assessment, verdict: Verdict, title: str, remedy: str, frameworks: str) -> list[str]:
    where, terms = verdict.location, verdict.exception
    observed = "; ".join([f"{field(seen.path)} = {value(seen.value, 500)}" for seen in verdict.observed])
    return [
        _cell(item.asset.id),
        _cell(item.asset.type),
        _cell(item.collected_at),
        _cell(verdict.check),
        title,
        verdict.severity,
        verdict.status,
        "yes" if terms else "no",
        _cell(verdict.resource_type),
        _cell(verdict.resource_id),
        _cell(verdict.resource_name),
        _cell(where.file) if where else "",
        str(where.line or "") if where else "",
        _cell(verdict.message),
        _cell(observed),
        verdict.cause or "",
        remedy if verdict.status == "fail" else "",
        *(map(_cell, (terms.reason, terms.owner, terms.expires)) if terms else ("", "", "")),
        frameworks,
    ]


def _cell(text: str) -> str:
    shown = clean(text)
    return "'" + shown if shown.lstrip(" ").startswith(_FORMULA) else shown


class Csv:
    """The report as CSV."""

    name = "csv"
    suffixes = (".csv",)

    def render(self, run: Run) -> str:
        """Return the table with its header."""
        return render(run)

    def parts(self, run: Run) -> Iterator[str]:
        """Return the text of `render` in parts."""
        return parts(run)


FORMAT: Final = Csv()
