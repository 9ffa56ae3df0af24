"""Both versions of a check over the same evidence: what was held up before and is let through now."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from xspm.policy.assess import FastEngine, assess
from xspm.policy.plan import Plan, Planned

if TYPE_CHECKING:
    from collections.abc import Iterable

    from xspm.model.asset import Snapshot
    from xspm.model.verdict import Status
    from xspm.policy.library import Compiled

_THROUGH: Final = frozenset({"pass", "not_applicable"})


class Version(NamedTuple):
    """A check with its parameters."""

    compiled: Compiled
    params: dict[str, Any]


class Shown(NamedTuple):
    """The first case of each kind, empty where there is none."""

    looser: str = ""
    """Was held up, is let through."""
    dimmer: str = ""
    """Failed, and is no longer known to."""
    stricter: str = ""
    """Was let through, is held up."""


def trial(old: Version, new: Version, evidence: Iterable[tuple[str, Snapshot]]) -> Shown:
    """Run both versions over named evidence."""
    looser = dimmer = stricter = ""
    for name, snapshot in evidence:
        before, after = verdicts(old, snapshot), verdicts(new, snapshot)
        for key in {**before, **after}:
            was, now = before.get(key, "not_applicable"), after.get(key, "not_applicable")
            said = f"{name}: {_words(was)} before, {_words(now)} now"
            if was not in _THROUGH and now in _THROUGH:
                looser = looser or said
            elif was in _THROUGH and now not in _THROUGH:
                stricter = stricter or said
            elif was == "fail" and now != "fail":
                dimmer = dimmer or said
    return Shown(looser, dimmer, stricter)


def held_up(version: Version, name: str, snapshot: Snapshot) -> str:
    """The first resource that a check does not let through, empty if there is none."""
    found = next((status for status in verdicts(version, snapshot).values() if status not in _THROUGH), None)
    return f"{name}: {_words(found)} before, not asked now" if found else ""


def verdicts(version: Version, snapshot: Snapshot) -> dict[tuple[str, str], Status]:
    """What a version says, by type and id of the resource."""
    check = version.compiled.check
    planned = Planned(compiled=version.compiled, severity=check.severity, params=version.params)
    plan = Plan(checks={check.resource: (planned,)}, policies=())
    found = assess(plan, snapshot, engine=FastEngine()).verdicts
    return {(one.resource_type, one.resource_id): one.status for one in found}


def _words(status: Status) -> str:
    return status.replace("_", " ")
