"""Exceptions: reasoned, owned, expiring deviations, kept in a reviewed file.

An exception in force marks the verdicts it covers; it never removes one. An expired exception counts for nothing and
is reported.
"""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING

from xspm.errors import PolicyError
from xspm.model.check import PolicyException
from xspm.policy.patterns import matches

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from xspm.model.asset import Asset
    from xspm.model.verdict import Verdict
    from xspm.policy.fields import Fields
    from xspm.syntax.yaml import Document


def read_exceptions(document: Document) -> tuple[PolicyException, ...]:
    """Read an exceptions file: a mapping with the list `exceptions`.

    Raises:
        PolicyError: a field is missing or of the wrong type, or an expiry is not a date.
    """
    from xspm.policy.fields import Fields  # noqa: PLC0415 - a cached start reads no file

    fields = Fields(document)
    if not isinstance(fields.get("exceptions"), list):
        fields.fail("`exceptions` must be a list")
    exceptions = tuple(_exception(entry) for entry in fields.children("exceptions"))
    fields.done()
    return exceptions


def _exception(entry: Fields) -> PolicyException:
    expires = entry.text("expires")
    if not _is_date(expires):
        entry.fail(f"`expires` is {expires!r}, not a date", "expires", hint="write it as 2027-01-31")
    exception = PolicyException(
        checks=entry.texts("checks"),
        resources=entry.texts("resources"),
        assets=entry.texts("assets") or ("*",),
        reason=entry.text("reason"),
        owner=entry.text("owner"),
        expires=expires,
        location=entry.location(),
    )
    entry.done()
    for key in ("checks", "resources"):
        if not getattr(exception, key):
            entry.fail(f"`{key}` is missing: an exception says exactly what it covers")
    if all(any(not pattern.strip("*") for pattern in given) for given in (exception.checks, exception.resources)):
        entry.fail("this would except every check on every resource", "checks", hint="name the checks or the resources")
    return exception


def _is_date(text: str) -> bool:
    """Whether a text is a full date as RFC 3339 has it; Python also reads `20270131` and `2027-W04-7`."""
    try:
        return datetime.date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def covers(exception: PolicyException, asset: Asset, verdict: Verdict) -> bool:
    """Whether an exception speaks of a verdict, in force or not; never of what could not be collected at all."""
    return (
        verdict.resource_id != ""
        and matches(verdict.check, exception.checks)
        and (matches(asset.id, exception.assets) or matches(asset.name, exception.assets))
        and (matches(verdict.resource_id, exception.resources) or matches(verdict.resource_name, exception.resources))
    )


def in_force(exception: PolicyException, now: str) -> bool:
    """Whether an exception counts at `now` (RFC 3339, UTC): through the whole of its last day."""
    return now[:10] <= exception.expires


def unfit(exceptions: Iterable[PolicyException], check_ids: Collection[str]) -> list[PolicyError]:
    """The exceptions with a pattern that names no check: whoever wrote it believes in a deviation that is not there."""
    return [
        PolicyError(
            f"the exception names {pattern}, which is no check",
            file=exception.location.file if exception.location else None,
            line=exception.location.line if exception.location else None,
            hint="xspm check list shows them",
        )
        for exception in exceptions
        for pattern in exception.checks
        if not any(matches(check_id, [pattern]) for check_id in check_ids)
    ]
