"""What a bundle asks: which checks, of which assets, how severe, with which parameters.

Nothing is compiled for it; a bundle in which a file, an override or a selection is not sound asks nothing that could be
compared, and is refused. What a policy takes of the checks is the planner's own answer, asked policy by policy with the
scope set aside.
"""

from __future__ import annotations

from itertools import combinations, product
from math import prod
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias

import msgspec

from xspm.errors import PolicyError, together
from xspm.model.asset import Asset
from xspm.model.check import Check, Framework, Policy, Severity
from xspm.model.digest import Digest, digest
from xspm.policy.checks import check_id_of, read_check
from xspm.policy.difference.answers import Answers
from xspm.policy.frameworks import mapping, read_framework
from xspm.policy.library import Compiled, Library
from xspm.policy.overrides import unfit
from xspm.policy.patterns import matches
from xspm.policy.plan import plan
from xspm.policy.policies import idle, in_scope, placeless, read_policy
from xspm.syntax.yaml import load_one

if TYPE_CHECKING:
    from collections.abc import Container, Iterable

    from xspm.policy.bundle import Bundle
    from xspm.policy.folder import Folder

Scope: TypeAlias = tuple[tuple[str, tuple[str, ...]], ...]
"""By label the patterns of which one must match; all labels must. Sorted; empty for every asset."""

_MOST_PIECES: Final = 64
_WILD: Final = frozenset("*?[")
_NOWHERE: Final = Asset("", "", "")
_ABSENT: Final = Digest("")


class Known:
    """What two bundles have in common, which is read once."""

    def __init__(self) -> None:
        """Start with nothing read."""
        self.files: dict[tuple[str, bytes], Check | Policy | Framework] = {}
        """By path and text."""
        self._requirements: tuple[Any, dict[str, tuple[str, ...]]] = ((), {})

    def requirements(self, checks: Iterable[str], frameworks: dict[str, Framework]) -> dict[str, tuple[str, ...]]:
        """By check id the requirements it answers, which take longer to find than all else."""
        asked = (list(checks), frameworks)
        if self._requirements[0] != asked:
            self._requirements = (asked, dict(mapping(frameworks.values(), asked[0])))
        return self._requirements[1]


class Asked(msgspec.Struct, frozen=True):
    """A check as one policy asks it."""

    scope: Scope
    severity: Severity
    params: dict[str, Any]
    """Every parameter with its value in force."""
    fallback: bool = False
    """Asked only of assets of which no policy asks it: a user's own check where the user keeps no policies."""


class Days(NamedTuple):
    """How long a policy lets exceptions last."""

    policy: str
    scope: Scope
    most: int


class Asking(msgspec.Struct, frozen=True):
    """What one bundle asks."""

    checks: dict[str, Check]
    texts: dict[str, bytes]
    """By check id: its file."""
    answers: Answers
    """Which requirements of frameworks the checks answer."""
    asked: dict[str, tuple[Asked, ...]]
    """By check id: how policies in force ask it; a check that none asks is not in it."""
    days: tuple[Days, ...]
    """Of the policies in force that say it."""


def read(bundle: Bundle, known: Known) -> Asking:
    """Read what a bundle asks.

    Raises:
        PolicyError, DocumentError, ModelError: something in it is not sound.
    """
    files = _Files({}, {}, {}, {}, set(), [])
    for folder in bundle.folders:
        for path in folder.files:
            _take(files, folder, path, known)
    checks = dict(sorted(files.checks.items()))
    requirements = known.requirements(checks, files.frameworks)
    _refuse(files, requirements)
    library = Library(
        checks={name: Compiled(one, _ABSENT, b"", None, b"", shipped=True) for name, one in checks.items()},
        types={name: one.resource for name, one in checks.items()},
        policies=files.policies,
        own_policies=(),
        exceptions=(),
        requirements=requirements,
        digests=dict.fromkeys(files.policies, _ABSENT),
    )
    asked: dict[str, tuple[Asked, ...]] = {}
    days: list[Days] = []
    for policy in _in_force(bundle, files.policies):
        scope = tuple(sorted(policy.scope.items()))
        if policy.max_exception_days is not None:
            days.append(Days(policy.name, scope, policy.max_exception_days))
        unscoped = msgspec.structs.replace(policy, scope={})
        for planned in (one for some in plan(library, [unscoped], _NOWHERE).checks.values() for one in some):
            check_id = planned.compiled.check.id
            asked[check_id] = (*asked.get(check_id, ()), Asked(scope, planned.severity, planned.params))
    for check_id in files.own_checks if not files.own_policies else ():
        check = checks[check_id]
        defaults = {parameter.name: parameter.default for parameter in check.parameters}
        asked[check_id] = (*asked.get(check_id, ()), Asked((), check.severity, defaults, fallback=True))
    return Asking(checks, files.texts, Answers(files.frameworks, requirements), asked, tuple(days))


class _Files(NamedTuple):
    """What the files of a bundle say."""

    checks: dict[str, Check]
    texts: dict[str, bytes]
    policies: dict[str, Policy]
    frameworks: dict[str, Framework]
    own_checks: set[str]
    own_policies: list[str]


def _take(files: _Files, folder: Folder, path: str, known: Known) -> None:
    """Read a file, unless the other bundle has the same."""
    data = folder.files[path]
    one = known.files.get((path, data))
    if one is None:
        one = known.files[path, data] = _parse(path, data, folder.name(path))
    if isinstance(one, Check):
        _unique(one.id, files.checks, folder.name(path))
        files.checks[one.id] = one
        files.texts[one.id] = data
        if not folder.shipped:
            files.own_checks.add(one.id)
    elif isinstance(one, Policy):
        _unique(one.name, files.policies, folder.name(path))
        files.policies[one.name] = one
        if not folder.shipped:
            files.own_policies.append(one.name)
    else:
        _unique(one.name, files.frameworks, folder.name(path))
        files.frameworks[one.name] = one


def _unique(name: str, known: Container[str], file: str) -> None:
    if name in known:
        raise PolicyError(f"{name!r} exists already", file=file)


def _parse(path: str, data: bytes, shown: str) -> Check | Policy | Framework:
    kind, _, name = path.partition("/")
    document = load_one(data, file=shown)
    if kind == "policies":
        return read_policy(document, name.removesuffix(".yaml"))
    if kind == "frameworks":
        return read_framework(document, name.removesuffix(".yaml"))
    source = read_check(document, check_id_of(name, shown), data.decode())
    if source.check is None:
        raise together(source.mistakes)
    return source.check


def _refuse(files: _Files, requirements: dict[str, tuple[str, ...]]) -> None:
    known = list(files.checks.values())
    for policy in files.policies.values():
        digest(placeless(policy))  # refuses numbers that JSON does not have, as whoever loads it does
    errors = [error for policy in files.policies.values() for error in unfit(policy, known, requirements)]
    errors += [error for name in files.own_policies for error in idle(files.policies[name], known, requirements)]
    if errors:
        raise together(errors)


def _in_force(bundle: Bundle, policies: dict[str, Policy]) -> list[Policy]:
    missing = [name for name in bundle.policies if name not in policies]
    if missing or not bundle.policies:
        said = f"the policy {missing[0]!r} is in force and not in it" if missing else "no policy is in force"
        raise PolicyError(f"bundle {bundle.digest}: {said}")
    return [policies[name] for name in bundle.policies]


def concerning(asked: tuple[Asked, ...], asset: Asset) -> tuple[Asked, ...]:
    """How a check is asked of one asset."""
    found = tuple(one for one in asked if not one.fallback and _concerns(one.scope, asset))
    return found or tuple(one for one in asked if one.fallback)


def _concerns(scope: Scope, asset: Asset) -> bool:
    return in_scope(Policy(name="", title="", version="", include=(), scope=dict(scope)), asset)


def pieces(scope: Scope) -> list[Scope]:
    """A scope as scopes of one pattern for each label, which together are the same."""
    if prod(len(patterns) for _, patterns in scope) > _MOST_PIECES:
        return [scope]
    labels = [label for label, _ in scope]
    return [
        tuple((label, (pattern,)) for label, pattern in zip(labels, chosen, strict=True))
        for chosen in product(*(patterns for _, patterns in scope))
    ]


def covers(wide: Scope, narrow: Scope) -> bool:
    """Whether every asset in one scope is proven to be in the other."""
    within = dict(narrow)
    return all(
        label in within and all(_covered(pattern, patterns) for pattern in within[label]) for label, patterns in wide
    )


def apart(one: Scope, other: Scope) -> bool:
    """Whether it is proven that no asset is in both scopes."""
    others = dict(other)
    return any(
        label in others
        and not _WILD.intersection("".join((*patterns, *others[label])))
        and not set(patterns) & set(others[label])
        for label, patterns in one
    )


def contradict(asked: tuple[Asked, ...]) -> bool:
    """Whether some asset may get different parameters from two policies, which ends its scan."""
    given = [one for one in asked if not one.fallback]
    return any(
        one.params != other.params and not apart(one.scope, other.scope) for one, other in combinations(given, 2)
    )


def _covered(pattern: str, patterns: tuple[str, ...]) -> bool:
    if pattern in patterns or "*" in patterns:
        return True
    if not _WILD.intersection(pattern):
        return matches(pattern, patterns)
    starts = [one[:-1] for one in (pattern, *patterns) if one.endswith("*") and not _WILD.intersection(one[:-1])]
    simple = pattern.endswith("*") and not _WILD.intersection(pattern[:-1])
    return simple and any(starts[0].startswith(start) for start in starts[1:])


def shown(scope: Scope) -> str:
    """A scope in words."""
    return ", ".join(f"{label} {' or '.join(patterns)}" for label, patterns in scope) or "every asset"
