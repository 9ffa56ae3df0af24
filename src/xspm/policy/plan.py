"""Which checks concern an asset, with which parameters and severity: the policies in force, applied to a library."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

import msgspec

from xspm.errors import PolicyError
from xspm.model.check import SEVERITIES, Override, Policy, Severity
from xspm.model.digest import Digest, digest
from xspm.model.verdict import PolicyRef
from xspm.policy.exceptions import MAX_DAYS
from xspm.policy.library import Compiled
from xspm.policy.patterns import matches
from xspm.policy.policies import in_scope, selects

if TYPE_CHECKING:
    from collections.abc import Container, Sequence

    from xspm.model.asset import Asset
    from xspm.policy.library import Library


class Planned(msgspec.Struct, frozen=True, dict=True):
    """One check as it will be run."""

    compiled: Compiled
    severity: Severity
    params: dict[str, Any]
    """Every parameter with its value in force."""

    @cached_property
    def digest(self) -> Digest:
        """Digest of all that decides a verdict about a given resource."""
        return digest([self.compiled.digest, self.params, self.severity])


class Plan(msgspec.Struct, frozen=True):
    """What will be run on one asset."""

    checks: dict[str, tuple[Planned, ...]]
    """By resource type, each sorted by check id."""
    policies: tuple[PolicyRef, ...]
    max_exception_days: int = MAX_DAYS
    """How many days after the evidence an exception may end: the least that the policies say."""


def policies_in_force(library: Library, names: Sequence[str], default: Sequence[str]) -> tuple[Policy, ...]:
    """The policies a user asked for; else those of their own folders; else the default ones.

    Raises:
        PolicyError: a name is not a policy.
    """
    chosen = tuple(names) or library.own_policies or tuple(name for name in default if name in library.policies)
    missing = [name for name in chosen if name not in library.policies]
    if missing:
        raise PolicyError(
            f"no policy is called {missing[0]!r}",
            hint=f"known: {', '.join(library.policies)}; or name a folder or file",
        )
    return tuple(library.policies[name] for name in chosen)


def plan(library: Library, policies: Sequence[Policy], asset: Asset, kinds: Container[str] | None = None) -> Plan:
    """Return what some policies ask of an asset, as far as it concerns the resource types `kinds` (None: all).

    Checks from users' folders are in force even when no policy of theirs selects them, unless they bring policies of
    their own.

    Raises:
        PolicyError: two policies give one check different parameters.
    """
    concerned = [policy for policy in policies if in_scope(policy, asset)]
    found: dict[str, tuple[Planned, ...]] = {}
    for check_id, kind in library.types.items():
        if kinds is not None and kind not in kinds:
            continue
        compiled = library.checks[check_id]
        taking = [
            policy
            for policy in concerned
            if selects(policy, compiled.check, library.requirements.get(compiled.check.id, ()))
        ]
        own = not compiled.shipped and not library.own_policies
        if taking or own:
            planned = _planned(compiled, taking)
            found[kind] = (*found.get(kind, ()), planned)
    return Plan(
        checks=found,
        policies=tuple(PolicyRef(policy.name, policy.version, library.digests[policy.name]) for policy in concerned),
        max_exception_days=min(
            (policy.max_exception_days for policy in concerned if policy.max_exception_days is not None),
            default=MAX_DAYS,
        ),
    )


def _planned(compiled: Compiled, policies: Sequence[Policy]) -> Planned:
    defaults = {parameter.name: parameter.default for parameter in compiled.check.parameters}
    variants = [_overridden(compiled, policy, defaults) for policy in policies] or [(compiled.check.severity, defaults)]
    severity = min((variant[0] for variant in variants), key=SEVERITIES.index)
    params = [variant[1] for variant in variants]
    for policy, other in zip(policies, params, strict=False):
        if other != params[0]:
            raise PolicyError(
                f"policies {policies[0].name} and {policy.name} give {compiled.check.id} different parameters",
                file=policy.location.file if policy.location else None,
                hint="put both under one policy, or scope them to different assets",
            )
    return Planned(compiled=compiled, severity=severity, params=params[0])


def _overridden(compiled: Compiled, policy: Policy, params: dict[str, Any]) -> tuple[Severity, dict[str, Any]]:
    severity = compiled.check.severity
    for override in _concerning(compiled, policy):
        severity = override.severity or severity
        params = {**params, **{name: value for name, value in override.params.items() if name in params}}
    return severity, params


def _concerning(compiled: Compiled, policy: Policy) -> list[Override]:
    return [override for override in policy.overrides if matches(compiled.check.id, override.checks)]
