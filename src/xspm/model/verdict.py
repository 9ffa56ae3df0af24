"""Answers: verdicts, their score, and assessments."""

from __future__ import annotations

from typing import Any, Final, Literal, TypeAlias

import msgspec

from xspm.model.asset import Asset, Location, Problem
from xspm.model.check import Check, Severity
from xspm.model.digest import Digest
from xspm.model.unknown import Cause

Status: TypeAlias = Literal["fail", "error", "unknown", "pass", "not_applicable"]

STATUSES: Final[tuple[Status, ...]] = ("fail", "error", "unknown", "pass", "not_applicable")
"""Worst first."""


class Observed(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """The value of one field that the check read."""

    path: str
    """As the check wrote it: `resource.permit_root_login`."""
    value: Any
    """Plain JSON, cut to a size a person can read."""
    location: Location | None = None


class ExceptionRef(msgspec.Struct, frozen=True):
    """The exception that covers a verdict."""

    reason: str
    owner: str
    expires: str
    location: Location | None = None


class Verdict(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """What one check says about one resource. Only `pass` is a pass."""

    check: str
    status: Status
    severity: Severity
    resource_type: str
    resource_id: str
    """Empty when the check's resource type could not be collected at all."""
    resource_name: str
    message: str
    """Why, in one line; empty for a pass."""
    observed: tuple[Observed, ...] = ()
    location: Location | None = None
    cause: Cause | None = None
    """Why the verdict is `unknown`."""
    exception: ExceptionRef | None = None
    """In force for this verdict: shown, and not counted by the gate."""
    resource_digest: Digest | None = None


class Score(msgspec.Struct, frozen=True):
    """Share of the severity-weighted verdicts that pass.

    `value` = 100 * passed / total, `coverage` = 100 * decided / total, where each verdict other than `not_applicable`
    weighs as its severity (`model.check.WEIGHTS`), `passed` is the weight that passes and `decided` the weight that
    is pass or fail. Unknown and error verdicts are in the total and never in `passed`. Both are null when nothing
    weighs anything.
    """

    passed: int
    decided: int
    total: int

    @property
    def value(self) -> float | None:
        """0 to 100, one decimal, rounded down, so that 100 means all."""
        return self.passed * 1000 // self.total / 10 if self.total else None

    @property
    def coverage(self) -> float | None:
        """0 to 100, one decimal, rounded down."""
        return self.decided * 1000 // self.total / 10 if self.total else None


class PolicyRef(msgspec.Struct, frozen=True):
    """A policy that was in force."""

    name: str
    version: str
    digest: Digest


class Assessment(msgspec.Struct, frozen=True):
    """All verdicts about one asset, with everything needed to recompute them."""

    asset: Asset
    collected_at: str
    snapshot: Digest
    policies: tuple[PolicyRef, ...]
    engine: Literal["xspm", "reference"]
    verdicts: tuple[Verdict, ...]
    """In the order of the snapshot's resources, then by check id; those without a resource come last.

    Reports sort as they need.
    """
    problems: tuple[Problem, ...]
    score: Score
    resources: dict[str, int] = {}
    """How many resources of each type were read."""
    expired: tuple[str, ...] = ()
    """Exceptions that would have applied but have expired, one line each."""
    overlong: tuple[str, ...] = ()
    """Exceptions that would have applied but end later than the policies allow, one line each."""


class ContractRef(msgspec.Struct, frozen=True):
    """The contract that a run was held under."""

    name: str
    version: int
    digest: Digest
    """Of the version in force."""
    root: Digest
    """Of the version that whoever ran it trusts from elsewhere."""
    bundle: Digest
    """Of the policies in force."""
    bundle_version: int
    expires: str
    """The last day, as 2027-01-31."""
    degraded: str | None = None
    """Why the parties are not kept apart for now."""
    degraded_until: str | None = None
    exceptions: tuple[Digest, ...] = ()
    """Of the signed exceptions in force."""
    refused: tuple[str, ...] = ()
    """Exceptions that were found and are not in force, one line each."""


class Failure(msgspec.Struct, frozen=True):
    """A target that could not be read at all, or about which the policies in force say nothing."""

    target: str
    """As the user wrote it."""
    message: str
    hint: str | None = None


class Run(msgspec.Struct, frozen=True):
    """One run of the tool: what a report shows."""

    version: str
    """Of xspm."""
    started_at: str
    """RFC 3339, UTC."""
    assessments: tuple[Assessment, ...]
    checks: dict[str, Check]
    """Every check that gave a verdict, by id."""
    fail_on: Severity | Literal["never"]
    """The gate's threshold."""
    allow_unknown: bool
    gate: Literal["pass", "fail"]
    frameworks: dict[str, tuple[str, ...]] = {}
    """By check id: `framework:requirement`, sorted."""
    failures: tuple[Failure, ...] = ()
    """Targets that could not be assessed at all; a run that has any ends with exit code 2."""
    unmatched: tuple[str, ...] = ()
    """Exceptions that cover nothing although their checks were asked of an asset they name, one line each."""
    contract: ContractRef | None = None
    """None when whoever ran it chose the policies."""
