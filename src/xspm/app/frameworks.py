"""A framework's requirements with their checks, and their status in a run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias

import msgspec

from xspm.errors import UsageError
from xspm.policy.patterns import matches

if TYPE_CHECKING:
    from xspm.model.check import Framework
    from xspm.model.verdict import Run
    from xspm.policy.library import Built

Standing: TypeAlias = Literal["pass", "fail", "unknown", "not assessed", "checked", "no check yet", "not answerable"]
"""`checked`: it has checks and nothing was scanned. `not answerable`: the catalogue says why no check can answer it."""


class Row(msgspec.Struct, frozen=True):
    """One requirement with its checks."""

    id: str
    title: str
    checks: tuple[str, ...]
    status: Standing
    detail: str
    """Counts, or the reason why no check answers it."""


def find(built: Built, name: str) -> Framework:
    """The framework called so, or the only one whose name starts so.

    Raises:
        UsageError: there is none, or several.
    """
    if name in built.frameworks:
        return built.frameworks[name]
    near = [one for one in built.frameworks if one.startswith(name)]
    if len(near) == 1:
        return built.frameworks[near[0]]
    known = ", ".join(near or built.frameworks)
    raise UsageError(f"{name!r} names {len(near) or 'no'} framework{'s' if near else ''}", hint=f"known: {known}")


def rows(built: Built, framework: Framework, run: Run | None) -> list[Row]:
    """Return every requirement with its checks and its status.

    Args:
        built: where checks come from.
        framework: the catalogue.
        run: what was scanned; None for nothing.
    """
    statuses: dict[str, set[str]] = {}
    for assessment in run.assessments if run else ():
        for verdict in assessment.verdicts:
            if verdict.status != "not_applicable":
                statuses.setdefault(verdict.check, set()).add(verdict.status)
    found = []
    for requirement in framework.requirements:
        checks = tuple(check_id for check_id in built.checks if matches(check_id, requirement.checks))
        status, detail = _standing(checks, requirement.reason, statuses if run else None)
        found.append(Row(requirement.id, requirement.title, checks, status, detail))
    return found


def _standing(
    checks: tuple[str, ...], reason: str | None, statuses: dict[str, set[str]] | None
) -> tuple[Standing, str]:
    if reason:
        return "not answerable", reason
    if not checks:
        return "no check yet", ""
    if statuses is None:
        return "checked", f"{len(checks)} checks"
    seen = [statuses[check_id] for check_id in checks if check_id in statuses]
    failing = sum("fail" in one for one in seen)
    open_ = sum("fail" not in one and bool(one & {"unknown", "error"}) for one in seen)
    detail = (
        f"{len(seen)} of {len(checks)} checks ran"
        + (f", {failing} fail" if failing else "")
        + (f", {open_} undecided" if open_ else "")
    )
    if not seen:
        return "not assessed", detail
    return ("fail" if failing else "unknown" if open_ else "pass"), detail
