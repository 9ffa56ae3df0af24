"""What checks can say about a contract itself: its separation of powers, its exceptions, and changes under it."""

from __future__ import annotations

from typing import ClassVar

from xspm.model.schema import ResourceType


class Contract(ResourceType, frozen=True, kw_only=True):
    """A contract between parties, in the version in force."""

    TYPE: ClassVar[str] = "xspm.contract"

    name: str
    """What it is called."""
    version: int
    """The version in force."""
    expires: str
    """The last second in which it holds, an RFC 3339 timestamp."""
    parties: list[str]
    """The sides of it."""
    policies_version: int | None
    """Version of the policies in force; null when there are none."""
    degraded: bool
    """Whether the parties are openly not kept apart for now."""
    degraded_reason: str | None
    """Why they are not."""
    degraded_until: str | None
    """The last day of it, as 2027-01-31."""
    single_person_powers: list[str]
    """What one person can do without a second, in words."""
    joined_powers: list[str]
    """Every other place where one side can act alone or unseen, in words."""
    exceptions_in_force: int
    """How many exceptions are in force."""
    ledger: bool
    """Whether what is signed is recorded in a ledger."""


class SignedException(ResourceType, frozen=True, kw_only=True):
    """An exception that somebody asked for under a contract."""

    TYPE: ClassVar[str] = "xspm.exception"

    file: str
    """Where it was found."""
    state: str
    """`in force`, `waiting` for signatures, `expired`, or `refused`."""
    reason_refused: str
    """Why it is not in force; empty when it is."""
    check: str | None
    """The check that it is from; null where the file cannot be believed."""
    asset: str | None
    """The asset."""
    resources: list[str]
    """Ids of the asset's resources."""
    requested_by: str | None
    """Who asked."""
    approvers: list[str]
    """Who approved, without those who do not count."""
    expires: str | None
    """The last day, as 2027-01-31."""
    degraded: bool
    """Whether it holds only in the contract's degraded mode."""


class Change(ResourceType, frozen=True, kw_only=True):
    """A change of a critical asset, from one snapshot to another."""

    TYPE: ClassVar[str] = "xspm.change"

    asset: str
    """The asset."""
    before: str
    """Digest of the snapshot before."""
    after: str
    """Digest of the snapshot after."""
    seen_at: str
    """When the state after was collected, an RFC 3339 timestamp."""
    author: str | None
    """Who says they made it; null where nobody does."""
    reviewed: bool
    """Whether enough people other than its author approved exactly this change."""
    reviewers: list[str]
    """Who approved and counts."""
    wanted: str
    """Whose approval the contract asks for: `1 of platform and 1 of security`."""
    missing: str
    """Who is missing still; empty when it was reviewed."""
    refused: list[str]
    """Approvals and reviews that were found and do not count, with the reason."""
    source: str
    """`approval` for a signed one, `forge` for a forge's record, or `none`."""
    changed_resources: list[str]
    """What changed, one line for each resource: `changed linux.sshd sshd`."""
    degraded: bool
    """Whether it counts only in the contract's degraded mode."""


TYPES: tuple[type[ResourceType], ...] = (Change, Contract, SignedException)
