"""Policy as data: checks, policies, frameworks and exceptions, without their evaluation.

Annotations are evaluated here as they are met: as texts they would be compiled one by one whenever xspm starts, by
msgspec, before the first policy is read.
"""

from typing import Any, Final, Literal, TypeAlias

import msgspec

from xspm.model.asset import Location

Severity: TypeAlias = Literal["critical", "high", "medium", "low", "info"]

SEVERITIES: Final[tuple[Severity, ...]] = ("critical", "high", "medium", "low", "info")
"""Worst first."""

WEIGHTS: Final[dict[Severity, int]] = {"critical": 10, "high": 7, "medium": 4, "low": 2, "info": 0}
"""What one verdict of each severity counts in the score."""


class Parameter(msgspec.Struct, frozen=True):
    """A value of a check that a policy may set."""

    name: str
    default: Any
    """Plain JSON; its type is the parameter's type."""
    description: str


class Remediation(msgspec.Struct, frozen=True):
    """One way to mend a failing resource."""

    form: str
    """`steps`, `shell` or `console` for people; `manifest`, `files`, … for code that is run in tests."""
    content: Any
    """Text for people; for code the value that the connector applies to an example."""
    code: bool
    """Whether the connector can apply it to a failing example."""


class Example(msgspec.Struct, frozen=True):
    """Evidence with the verdict it must give."""

    expect: Literal["pass", "fail", "unknown"]
    form: str
    """`resource` for plain JSON, else a connector's own form: `manifest`, `host`, …"""
    content: Any
    resources: dict[str, list[Any]] = {}
    """With form `resource`: other resources of the asset, by type."""
    params: dict[str, Any] = {}
    """Parameters that differ from their defaults."""
    location: Location | None = None


class Check(msgspec.Struct, frozen=True):
    """One executable requirement on one resource type."""

    id: str
    """Its path: `linux.sshd.permits_no_root_login`."""
    title: str
    severity: Severity
    resource: str
    """Resource type."""
    check: str
    """CEL, bool: true is a pass."""
    applies: str | None
    """CEL, bool: false makes the verdict `not_applicable`."""
    message: str
    """Template over the failing resource; `{…}` holds CEL."""
    rationale: str
    remediation: tuple[Remediation, ...]
    references: tuple[str, ...]
    parameters: tuple[Parameter, ...] = ()
    examples: tuple[Example, ...] = ()
    tags: tuple[str, ...] = ()
    location: Location | None = None


class Requirement(msgspec.Struct, frozen=True):
    """One requirement of a framework."""

    id: str
    title: str
    """In our own words."""
    checks: tuple[str, ...] = ()
    """Id patterns (`linux.sshd.*`)."""
    reason: str | None = None
    """Why no check answers it, for instance `organisational: no configuration shows it`."""


class Framework(msgspec.Struct, frozen=True):
    """A catalogue of requirements, mapped to checks."""

    name: str
    """File name without suffix: `cis-controls-8.1`."""
    title: str
    version: str
    publisher: str
    url: str
    requirements: tuple[Requirement, ...]
    location: Location | None = None


class Override(msgspec.Struct, frozen=True):
    """What a policy changes about checks it selects."""

    checks: tuple[str, ...]
    """Id patterns."""
    severity: Severity | None = None
    params: dict[str, Any] = {}
    location: Location | None = None


class Selection(msgspec.Struct, frozen=True):
    """Which checks a policy takes: those that meet every criterion given."""

    checks: tuple[str, ...] = ()
    """Id patterns."""
    tags: tuple[str, ...] = ()
    severities: tuple[Severity, ...] = ()
    frameworks: tuple[str, ...] = ()
    """`NAME` or `NAME/REQUIREMENT-PATTERN`."""
    location: Location | None = None


class Policy(msgspec.Struct, frozen=True):
    """A named, versioned selection of checks with parameters and scope."""

    name: str
    title: str
    version: str
    include: tuple[Selection, ...]
    exclude: tuple[Selection, ...] = ()
    overrides: tuple[Override, ...] = ()
    scope: dict[str, tuple[str, ...]] = {}
    """Asset labels (and `type`, `name`, `id`) to patterns, all of which must match."""
    max_exception_days: int | None = None
    """How many days after the evidence an exception may end; None: as xspm has it."""
    location: Location | None = None


class PolicyException(msgspec.Struct, frozen=True):
    """An approved, reasoned, expiring deviation."""

    checks: tuple[str, ...]
    """Id patterns."""
    resources: tuple[str, ...]
    """Patterns on a resource's id or name."""
    reason: str
    owner: str
    expires: str
    """RFC 3339 full date; in force through that day, UTC."""
    assets: tuple[str, ...] = ("*",)
    """Patterns on the asset's id or name."""
    location: Location | None = None
    exact: bool = False
    """Whether it is of a contract: assets and resources are meant by their ids alone, and checks and assets are no
    patterns.
    """
