"""Policies: a YAML file to a `Policy`, and whether it concerns an asset or a check."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from xspm.errors import PolicyError, together
from xspm.model.check import SEVERITIES, Check, Override, Policy, Selection
from xspm.policy.patterns import matches

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from xspm.model.asset import Asset
    from xspm.syntax.fields import Fields
    from xspm.syntax.yaml import Document

_MOST_DAYS: Final = 1096
"""Of `max_exception_days`: three years. What is accepted for longer is a requirement that the policy does not make."""


def read_policy(document: Document, name: str) -> Policy:
    """Read one policy file.

    Raises:
        PolicyError: a field is missing, unknown or of the wrong type, or a selection selects nothing.
    """
    from xspm.syntax.fields import Fields, Mistakes  # noqa: PLC0415 - a cached start reads no file

    fields, mistakes = Fields(document), Mistakes()
    read: dict[str, Any] = {key: mistakes.attempt(fields.text, key) for key in ("title", "version")}
    for key in ("include", "exclude"):
        read[key] = tuple(mistakes.attempt(fields.each, key, _selection) or ())
    read["overrides"] = tuple(mistakes.attempt(fields.each, "overrides", _override) or ())
    read["scope"] = mistakes.attempt(_scope, fields)
    read["max_exception_days"] = mistakes.attempt(_days, fields, "max_exception_days")
    mistakes.attempt(fields.done)
    if not fields.get("include") and "include" not in fields.unasked().values():
        mistakes.found.append(
            fields.mistake(
                "`include` is missing or empty: a policy selects checks", hint='every check: include: [{checks: ["*"]}]'
            )
        )
    mistakes.found = fields.independent(mistakes.found)
    mistakes.refuse()
    return Policy(name=name, location=fields.location(), **read)


def _selection(entry: Fields) -> Selection:
    severities = entry.texts("severities")
    for index, severity in enumerate(severities):
        if severity not in SEVERITIES:
            entry.fail(f"severity {severity!r} is not one of {', '.join(SEVERITIES)}", "severities", index)
    selection = Selection(
        checks=entry.texts("checks"),
        tags=entry.texts("tags"),
        severities=severities,  # type: ignore[arg-type]  # the loop above narrows it
        frameworks=entry.texts("frameworks"),
        location=entry.location(),
    )
    entry.done()
    if not (selection.checks or selection.tags or selection.severities or selection.frameworks):
        entry.fail("a selection names checks, tags, severities or frameworks")
    return selection


def _override(entry: Fields) -> Override:
    override = Override(
        checks=entry.texts("checks"),
        severity=entry.choice("severity", SEVERITIES, None),
        params=entry.mapping("params"),
        location=entry.location(),
    )
    entry.done()
    if not override.checks:
        entry.fail("an override names the checks it concerns")
    if override.severity is None and not override.params:
        entry.fail("an override changes `severity` or `params`")
    return override


def _scope(fields: Fields) -> dict[str, tuple[str, ...]]:
    if "scope" not in fields:
        fields.get("scope")
        return {}
    below = fields.child("scope")
    scope = {label: below.texts(label) for label in below.keys()}  # noqa: SIM118 - not a dict
    empty = [
        below.mistake(f"`{label}` names nothing, so no asset meets it", label) for label in scope if not scope[label]
    ]
    if empty:
        raise together(empty)
    return scope


def _days(fields: Fields, key: str) -> int | None:
    days = fields.get(key)
    if days is None or (type(days) is int and 1 <= days <= _MOST_DAYS):
        return days
    raise fields.mistake(f"`{key}` is a number of days from 1 to {_MOST_DAYS}", key)


def in_scope(policy: Policy, asset: Asset) -> bool:
    """Whether a policy concerns an asset: every label it scopes by matches one of its patterns."""
    facts = {**asset.labels, "type": asset.type, "name": asset.name, "id": asset.id}
    return all(label in facts and matches(facts[label], patterns) for label, patterns in policy.scope.items())


def selects(policy: Policy, check: Check, requirements: Sequence[str]) -> bool:
    """Whether a policy takes a check.

    Args:
        policy: the policy.
        check: the check.
        requirements: what the check is mapped to, as `framework:requirement`.
    """
    included = any(_meets(selection, check, requirements) for selection in policy.include)
    return included and not any(_meets(selection, check, requirements) for selection in policy.exclude)


def placeless(policy: Policy) -> Policy:
    """The policy without the places of its parts: what it asks, wherever it stands."""
    return msgspec.structs.replace(
        policy,
        location=None,
        include=tuple(msgspec.structs.replace(one, location=None) for one in policy.include),
        exclude=tuple(msgspec.structs.replace(one, location=None) for one in policy.exclude),
        overrides=tuple(msgspec.structs.replace(one, location=None) for one in policy.overrides),
    )


def idle(policy: Policy, checks: Collection[Check], requirements: Mapping[str, Sequence[str]]) -> list[PolicyError]:
    """The entries of `include` and `exclude` that meet no check, as a misspelt pattern does."""
    return [
        PolicyError(
            f"this entry of policy {policy.name} selects no check",
            file=selection.location.file if selection.location else None,
            line=selection.location.line if selection.location else None,
            column=selection.location.column if selection.location else None,
            hint="xspm check list and xspm framework list show what there is",
        )
        for selection in (*policy.include, *policy.exclude)
        if not any(_meets(selection, check, requirements.get(check.id, ())) for check in checks)
    ]


def _meets(selection: Selection, check: Check, requirements: Sequence[str]) -> bool:
    return (
        (not selection.checks or matches(check.id, selection.checks))
        and (not selection.tags or any(matches(tag, selection.tags) for tag in check.tags))
        and (not selection.severities or check.severity in selection.severities)
        and (not selection.frameworks or any(_maps(requirement, selection.frameworks) for requirement in requirements))
    )


def _maps(requirement: str, patterns: Sequence[str]) -> bool:
    name = requirement.partition(":")[0]
    return matches(requirement.replace(":", "/", 1), patterns) or matches(name, patterns)
