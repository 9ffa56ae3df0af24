"""What policies override: checks that they select, and parameters that exist, of the type of their defaults."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from xspm.errors import PolicyError
from xspm.policy.patterns import matches
from xspm.policy.policies import selects

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from xspm.errors import XspmError
    from xspm.model.check import Check, Override, Policy


def unfit(policy: Policy, checks: Sequence[Check], requirements: Mapping[str, Sequence[str]]) -> list[XspmError]:
    """What a policy overrides and cannot: checks that it does not select, parameters of another name or type.

    Args:
        policy: the policy.
        checks: every check that there is.
        requirements: by id of a check what it is mapped to, as `framework:requirement`.
    """
    errors: list[XspmError] = []
    for override in policy.overrides:
        concerned = [check for check in checks if matches(check.id, override.checks)]
        if not concerned:
            errors.append(_error(policy, override, f"overrides {', '.join(override.checks)}, which names no check"))
        elif not any(selects(policy, check, requirements.get(check.id, ())) for check in concerned):
            said = f"overrides {', '.join(override.checks)}, of which it selects no check"
            errors.append(_error(policy, override, said, "an override counts for what its own policy includes"))
        for name, value in override.params.items():
            having = [parameter for check in concerned for parameter in check.parameters if parameter.name == name]
            if concerned and not having:
                errors.append(
                    _error(policy, override, f"sets the parameter {name!r}, which none of the checks it names has")
                )
            errors += [
                _error(policy, override, f"sets {name!r} to {value!r}, which is not {kind_of(parameter.default)}")
                for parameter in having
                if not same_kind(value, parameter.default)
            ][:1]
    return errors


def same_kind(value: Any, default: Any) -> bool:
    """Whether a value can stand where a default stands: the same JSON type, lists element by element."""
    if isinstance(default, list):
        return isinstance(value, list) and (not default or all(same_kind(item, default[0]) for item in value))
    if isinstance(default, float):
        return isinstance(value, int | float) and not isinstance(value, bool)
    return type(value) is type(default)


def kind_of(value: Any) -> str:
    """A JSON value's type in words."""
    if isinstance(value, list):
        return f"a list of {kind_of(value[0]).removeprefix('a ')}" if value else "a list"
    return {bool: "true or false", int: "a whole number", float: "a number", str: "a text"}.get(
        type(value), "a mapping"
    )


def _error(policy: Policy, override: Override, message: str, hint: str | None = None) -> PolicyError:
    place = override.location or policy.location
    return PolicyError(
        f"policy {policy.name} {message}",
        file=place.file if place else None,
        line=place.line if place else None,
        column=place.column if place else None,
        hint=hint,
    )
