"""The report as SARIF 2.1.0, for code scanning services and editors.

One run with one rule per check. A verdict that fails becomes a result of kind `fail`; one that could not be decided
(`unknown`, `error`) becomes one of kind `open`, which the standard gives the level `none`: a reader still sees it,
with the severity of its rule. Passes are counted in the run's properties and not listed, because code scanning
services show whatever is listed as an alert. Exceptions become suppressions, problems become notifications.

GitHub's rules are kept: every result has a location with a start line (what has no file gets a path below the asset's
name), fingerprints do not move with lines, and there are at most 25,000 results, worst first, with a notification that
says how many were left out.
Specification: https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/sarif-v2.1.0-errata01-os-complete.html
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

import msgspec

from xspm.model.check import SEVERITIES
from xspm.report import summary
from xspm.report.text import clean, code, encode_indented, encode_report, place, told_apart, value

if TYPE_CHECKING:
    from collections.abc import Iterator

    from xspm.model.asset import Asset, Location, Problem
    from xspm.model.check import Check, Severity
    from xspm.model.verdict import Assessment, ExceptionRef, Run, Verdict

SCHEMA_URI: Final = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"

MAX_RESULTS: Final = 25_000
"""GitHub refuses a run with more: https://docs.github.com/en/code-security/code-scanning (SARIF support)."""

MAX_TAGS: Final = 10
"""GitHub shows no more of a rule."""

_EMPTY: Final = '\n   "results": []'
"""How the frame of a report is written where the results belong."""

LEVELS: Final[dict[Severity, str]] = {
    "critical": "error",
    "high": "error",
    "medium": "warning",
    "low": "note",
    "info": "note",
}

SCORES: Final[dict[Severity, str]] = {"critical": "9.5", "high": "8.0", "medium": "5.5", "low": "2.0", "info": "0.0"}
"""`security-severity`: the middle of the range that GitHub shows under the same word."""


def log(run: Run) -> tuple[dict[str, Any], Iterator[dict[str, Any]]]:
    """Return a run as a SARIF log without its results, and the results."""
    run = told_apart(run)
    found = list(_found(run))
    kept = found[:MAX_RESULTS]
    names = sorted({verdict.check for _, verdict in kept})
    index = {name: number for number, name in enumerate(names)}
    worst = _worst(found)
    suppressed = any(verdict.exception for _, verdict in kept)
    frame = {
        "$schema": SCHEMA_URI,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {
                    "driver": {
                        "name": "xspm",
                        "version": run.version,
                        "semanticVersion": run.version,
                        "rules": [_rule(run, name, worst[name]) for name in names],
                    }
                },
                "automationDetails": {"id": _automation(run)},
                "columnKind": "unicodeCodePoints",
                "originalUriBaseIds": {
                    "%SRCROOT%": {"description": {"text": "The folder that xspm ran in."}}
                },
                "invocations": [_invocation(run, len(found) - len(kept))],
                "results": [],
                "properties": _properties(run),
            }
        ],
    }  # fmt: skip
    return frame, (_result(asset, verdict, index, suppressed=suppressed) for asset, verdict in kept)


def _found(run: Run) -> Iterator[tuple[Asset, Verdict]]:
    """Verdicts that need attention, worst first over all assets."""
    order = {severity: number for number, severity in enumerate(SEVERITIES)}
    found = [
        (item.asset, verdict)
        for item in run.assessments
        for verdict in item.verdicts
        if verdict.status in {"fail", "error", "unknown"}
    ]
    return iter(sorted(found, key=lambda pair: (order[pair[1].severity], pair[1].exception is not None)))


def _worst(found: list[tuple[Asset, Verdict]]) -> dict[str, Severity]:
    """The severity of each rule: a policy may give a check another one per asset, and a rule has but one."""
    worst: dict[str, Severity] = {}
    for _, verdict in found:  # worst first
        worst.setdefault(verdict.check, verdict.severity)
    return worst


def _rule(run: Run, name: str, severity: Severity) -> dict[str, Any]:
    check = run.checks.get(name)
    frameworks = list(run.frameworks.get(name, ()))
    rule: dict[str, Any] = {
        "id": name,
        "shortDescription": {"text": clean(check.title if check else name)},
        "defaultConfiguration": {"level": LEVELS[severity]},
        "properties": {
            "security-severity": SCORES[severity],
            "tags": ["security", *(check.tags if check else ())][:MAX_TAGS],
            "severity": severity,
            "frameworks": frameworks,
        },
    }
    if check:
        rule["fullDescription"] = {"text": _message(check.rationale)}
        rule["help"] = {"text": _help_text(check), "markdown": _help_markdown(check, frameworks)}
        if uri := next((link for link in check.references if link.startswith("https://") and link.isascii()), None):
            rule["helpUri"] = quote(uri, safe=":/?#[]@!$&'()*+,;=%~")
    return rule


def _help_text(check: Check) -> str:
    parts = [clean(check.rationale)]
    parts += [f"{remedy.form}:\n{code(remedy.content)}" for remedy in check.remediation]
    parts.append("\n".join(clean(reference) for reference in check.references))
    return "\n\n".join(parts)


def _help_markdown(check: Check, frameworks: list[str]) -> str:
    """A check's help; its text is the policy's, its code is fenced so that nothing in it becomes markup."""
    parts = [clean(check.rationale), "## Remediation"]
    for remedy in check.remediation:
        content = code(remedy.content)
        fence = "`" * max(3, _longest_run(content, "`") + 1)
        parts += [f"**{remedy.form}**", f"{fence}\n{content}\n{fence}"]
    parts += ["## Condition", f"```\n{clean(check.check)}\n```"]
    parts += ["## References", "\n".join(f"- {clean(reference)}" for reference in check.references)]
    if frameworks:
        parts += ["## Frameworks", "\n".join(f"- {clean(item)}" for item in frameworks)]
    return "\n\n".join(parts)


def _longest_run(text: str, character: str) -> int:
    longest = current = 0
    for letter in text:
        current = current + 1 if letter == character else 0
        longest = max(longest, current)
    return longest


def _result(asset: Asset, verdict: Verdict, index: dict[str, int], *, suppressed: bool) -> dict[str, Any]:
    failed = verdict.status == "fail"
    resource = verdict.resource_name or verdict.resource_type
    result: dict[str, Any] = {
        "ruleId": verdict.check,
        "ruleIndex": index[verdict.check],
        "kind": "fail" if failed else "open",
        "level": LEVELS[verdict.severity] if failed else "none",
        "message": {"text": _message(f"{resource}: {verdict.message or verdict.status}")},
        "locations": [
            {
                "physicalLocation": _physical(asset, verdict),
                "logicalLocations": [
                    {
                        "name": clean(resource),
                        "fullyQualifiedName": clean(f"{asset.id}/{verdict.resource_type}/{verdict.resource_id}"),
                        "kind": "resource",
                    }
                ],
            }
        ],
        "partialFingerprints": _fingerprints(asset, verdict),
        "properties": {
            "asset": clean(asset.id),
            "status": verdict.status,
            "severity": verdict.severity,
            "observed": {clean(item.path): value(item.value, 500) for item in verdict.observed},
        },
    }
    if suppressed:
        # Once one result says whether it is suppressed, all must (SARIF 3.27.23).
        result["suppressions"] = [_suppression(verdict.exception)] if verdict.exception else []
    return result


def _message(text: str) -> str:
    """A plain text message, in which brackets would be links and braces placeholders (SARIF 3.11.5, 3.11.6)."""
    escaped = clean(text).replace("\\", "\\\\").replace("[", "\\[").replace("]", "\\]")
    return escaped.replace("{", "{{").replace("}", "}}")


def _fingerprints(asset: Asset, verdict: Verdict) -> dict[str, str]:
    """What makes a finding the same one after lines moved: check, asset, resource.

    GitHub reads only `primaryLocationLineHash`, and would make one of the line itself if it were not there.
    """
    named = f"{verdict.check}\0{asset.id}\0{verdict.resource_type}\0{verdict.resource_id}"
    digest = hashlib.sha256(named.encode("utf-8", "backslashreplace")).hexdigest()
    return {"xspm/v1": digest, "primaryLocationLineHash": f"{digest[:16]}:1"}


def _physical(asset: Asset, verdict: Verdict) -> dict[str, Any]:
    where = verdict.location
    if where is None:
        path = f"{_folder(asset)}/{verdict.resource_type}"
        return {"artifactLocation": {"uri": _relative(path), "uriBaseId": "%SRCROOT%"}, "region": {"startLine": 1}}
    return {"artifactLocation": _artifact(asset, where), "region": _region(where)}


def _artifact(asset: Asset, where: Location) -> dict[str, Any]:
    if not where.file.startswith("/"):
        return {"uri": _relative(where.file), "uriBaseId": "%SRCROOT%"}
    if asset.type == "host":
        # A host's file is not one of the repository, nor of the machine that shows the report.
        return {"uri": _relative(f"{_folder(asset)}{where.file}"), "uriBaseId": "%SRCROOT%"}
    return {"uri": "file://" + quote(clean(where.file))}


def _folder(asset: Asset) -> str:
    """The folder that an asset's places are shown in: one per asset, whatever hosts call themselves."""
    if asset.type != "host":
        return f"{asset.type}/{asset.name}"
    return "/".join(part for part in asset.id.replace(":", "/", 1).split("/") if part)


def _relative(path: str) -> str:
    return quote(clean(path.removeprefix("./")))


def _region(where: Location) -> dict[str, int]:
    region = {"startLine": max(where.line or 1, 1)}
    if where.line and where.column:
        region["startColumn"] = where.column
    if where.line and where.end_line and where.end_line >= where.line:
        region["endLine"] = where.end_line
    return region


def _suppression(exception: ExceptionRef) -> dict[str, Any]:
    return {
        "kind": "external",
        "status": "accepted",
        "justification": clean(f"{exception.reason} ({exception.owner}, until {exception.expires})"),
        "properties": {
            "owner": clean(exception.owner),
            "expires": exception.expires,
            "file": place(exception.location),
        },
    }


def _invocation(run: Run, left_out: int) -> dict[str, Any]:
    notes: list[dict[str, Any]] = [
        {
            "level": "error",
            "message": {"text": _message(f"{failure.target} could not be assessed: {failure.message}")},
            "descriptor": {"id": "target/unread"},
        }
        for failure in run.failures
    ]
    notes += [_problem(item, problem) for item in run.assessments for problem in item.problems]
    notes += [
        {"level": "note", "message": {"text": _message(line)}, "descriptor": {"id": f"exception/{kind}"}}
        for item in run.assessments
        for kind, lines in (("expired", item.expired), ("overlong", item.overlong))
        for line in lines
    ]
    notes += [
        {
            "level": "note",
            "message": {"text": _message(f"The exception matched nothing: {line}")},
            "descriptor": {"id": "exception/unmatched"},
        }
        for line in run.unmatched
    ]
    notes += [
        {"level": "warning", "message": {"text": _message(line)}, "descriptor": {"id": "contract"}}
        for line in summary.contract_warnings(run)
    ]
    if left_out:
        text = f"{left_out:,} results of lower severity are left out: a code scanning service takes {MAX_RESULTS:,}."
        notes.append({"level": "warning", "message": {"text": text}, "descriptor": {"id": "report/cut"}})
    return {
        "executionSuccessful": not run.failures,
        "startTimeUtc": run.started_at,
        "toolExecutionNotifications": notes,
    }


def _problem(item: Assessment, problem: Problem) -> dict[str, Any]:
    hint = f" ({problem.hint})" if problem.hint else ""
    note: dict[str, Any] = {
        "level": "warning",
        "message": {"text": _message(f"{item.asset.name}: {problem.message}{hint}")},
        "descriptor": {"id": f"problem/{problem.kind}"},
        "properties": {"asset": clean(item.asset.id), "resource_types": list(problem.resource_types)},
    }
    if problem.location:
        note["locations"] = [
            {
                "physicalLocation": {
                    "artifactLocation": _artifact(item.asset, problem.location),
                    "region": _region(problem.location),
                }
            }
        ]
    return note


def _automation(run: Run) -> str:
    """The category under which a service keeps this run's results apart from those of other assets."""
    only = run.assessments[0].asset.id if len(run.assessments) == 1 else ""
    return f"xspm/{clean(only)}/" if only else "xspm/"


def _properties(run: Run) -> dict[str, Any]:
    counted, total = summary.table(run.assessments), summary.score(run)
    return {
        "gate": run.gate,
        "gate_reason": summary.gate_line(run),
        "score": total.value,
        "coverage": total.coverage,
        "counts": {row: counted.total(row) for row in summary.ROWS},
        **({"contract": msgspec.to_builtins(run.contract)} if run.contract else {}),
    }


class Sarif:
    """The report as SARIF 2.1.0."""

    name = "sarif"
    suffixes = (".sarif", ".sarif.json")

    def render(self, run: Run) -> str:
        """Return the log, indented by one to stay small, ending in a newline."""
        return "".join(self.parts(run))

    def parts(self, run: Run) -> Iterator[str]:
        """Return the text of `render` in parts: all but the results is made at once, they as they are asked for."""
        frame, results = log(run)
        before, empty, after = encode_report(frame, indent=1).partition(_EMPTY)
        return _filled(before + empty[:-1], encode_indented(results, indent=1, depth=3), after)


def _filled(before: str, results: Iterator[str], after: str) -> Iterator[str]:
    yield before
    end = "]"
    for part in results:
        yield part
        end = "\n   ]"
    yield f"{end}{after}\n"


FORMAT: Final = Sarif()
