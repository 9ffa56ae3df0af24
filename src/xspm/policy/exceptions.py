"""Exceptions: reasoned, owned, expiring deviations, kept in a reviewed file.

An exception in force marks the verdicts it covers; it never removes one. One that is expired, or that reaches further
into the future than the policies allow, counts for nothing and is reported, as is one that covers nothing. Time is
always that of the evidence, so that the same evidence gives the same answer whenever it is asked.
"""

from __future__ import annotations

import datetime
import math
import re
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec

from xspm.errors import PolicyError
from xspm.model.check import PolicyException
from xspm.model.verdict import ExceptionRef
from xspm.policy.patterns import matches

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from xspm.model.asset import Asset, Snapshot
    from xspm.model.verdict import Assessment, Verdict
    from xspm.syntax.fields import Fields
    from xspm.syntax.yaml import Document

MAX_DAYS: Final = 366
"""How many days after the evidence an exception may end, unless a policy says less or more."""

_WILD: Final = re.compile(r"[*?\[]")
_SET: Final = re.compile(r"\[[^]]*\]")
_FAMILY: Final = 2
"""Parts that name a family of checks: an area and what in it, as `linux.sshd`."""


def read_exceptions(document: Document) -> tuple[PolicyException, ...]:
    """Read an exceptions file: a mapping with the list `exceptions`.

    Raises:
        PolicyError: a field is missing or of the wrong type, an expiry is not a date, or an exception is too broad.
    """
    from xspm.syntax.fields import Fields, Mistakes  # noqa: PLC0415 - a cached start reads no file

    fields, mistakes = Fields(document), Mistakes()
    if isinstance(fields.get("exceptions"), list):
        exceptions = mistakes.attempt(fields.each, "exceptions", _exception)
    else:
        exceptions = None
        mistakes.found.append(fields.mistake("`exceptions` must be a list"))
    mistakes.attempt(fields.done)
    mistakes.refuse()
    return tuple(exceptions or ())


def _exception(entry: Fields) -> PolicyException:
    from xspm.syntax.fields import Mistakes  # noqa: PLC0415 - as above

    mistakes = Mistakes()
    patterns: dict[str, Any] = {key: mistakes.attempt(entry.texts, key) for key in ("checks", "resources", "assets")}
    texts: dict[str, Any] = {key: mistakes.attempt(entry.text, key) for key in ("reason", "owner", "expires")}
    mistakes.attempt(entry.done)
    if texts["expires"] and not _is_date(texts["expires"]):
        said = f"`expires` is {texts['expires']!r}, not a date"
        mistakes.found.append(entry.mistake(said, "expires", hint="write it as 2027-01-31"))
    missing = [key for key in ("checks", "resources") if patterns[key] == ()]
    mistakes.found += [
        entry.mistake(f"`{key}` is missing: an exception says exactly what it covers")
        for key in missing
        if key not in entry.unasked().values()
    ]
    patterns["assets"] = patterns["assets"] or ("*",)
    if not missing and None not in patterns.values():
        mistakes.attempt(_narrow, entry, **patterns)
    mistakes.found = entry.independent(mistakes.found)
    mistakes.refuse()
    return PolicyException(location=entry.location(), **patterns, **texts)


_END: Final = 3
"""Characters at an end of a name that say what is meant; one or two are a letter of the alphabet."""


def _narrow(entry: Fields, checks: tuple[str, ...], resources: tuple[str, ...], assets: tuple[str, ...]) -> None:
    """Refuse an exception that is open on too many sides.

    Named resources may be excepted from any checks. On every resource, of named assets, it takes checks by id or a
    family of them (`linux.sshd.*`); on every resource of every asset, checks by their ids.

    Raises:
        PolicyError: it is too broad.
    """
    if all(map(_names, resources)):
        return
    everywhere = not all(map(_names, assets))
    hint = "name the resources, for instance prod/*"
    for index, pattern in enumerate(checks):
        if _parts_named(pattern) < _FAMILY:
            raise entry.mistake(
                f"{pattern} on every resource is too broad an exception",
                "checks",
                index,
                hint=f"{hint}; or a family of checks, linux.sshd.*, on named assets; or checks by their ids",
            )
        if everywhere and _WILD.search(pattern):
            raise entry.mistake(
                f"{pattern} on every resource of every asset is too broad an exception",
                "checks",
                index,
                hint=f"{hint}; or name the assets, or the checks by their ids",
            )


def _names(pattern: str) -> bool:
    """Whether a pattern on resources or assets names something: of one of its parts the whole, or enough of an end."""
    return any(_named_end(part) for part in re.split(r"[/:]", _SET.sub("*", pattern)))


def _named_end(part: str) -> bool:
    ends = re.split(r"[*?]", part)
    # Of a part with wildcards, the letters before the first or after the last of them.
    return bool(part) and (len(ends) == 1 or max(len(ends[0]), len(ends[-1])) >= _END)


def _parts_named(pattern: str) -> float:
    """How many whole parts of a check's id a pattern names before its first wildcard; all of them without one."""
    wild = _WILD.search(pattern)
    return pattern[: wild.start()].count(".") if wild else math.inf


def _is_date(text: str) -> bool:
    """Whether a text is a full date as RFC 3339 has it; Python also reads `20270131` and `2027-W04-7`."""
    try:
        return datetime.date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def covers(exception: PolicyException, asset: Asset, verdict: Verdict) -> bool:
    """Whether an exception speaks of a verdict, in force or not; never of what could not be collected at all."""
    if exception.exact:
        # Names are anybody's to choose: who calls another resource by the same name must not be covered.
        return (
            verdict.resource_id != ""
            and verdict.check in exception.checks
            and asset.id in exception.assets
            and matches(verdict.resource_id, exception.resources)
        )
    return (
        verdict.resource_id != ""
        and matches(verdict.check, exception.checks)
        and _on(exception, asset)
        and (matches(verdict.resource_id, exception.resources) or matches(verdict.resource_name, exception.resources))
    )


def _on(exception: PolicyException, asset: Asset) -> bool:
    return matches(asset.id, exception.assets) or matches(asset.name, exception.assets)


def in_force(exception: PolicyException, now: str) -> bool:
    """Whether an exception counts at `now` (RFC 3339, UTC): through the whole of its last day."""
    return now[:10] <= exception.expires


def overlong(exception: PolicyException, now: str, max_days: int) -> bool:
    """Whether an exception ends more than `max_days` days after `now`: it would never have to be looked at again."""
    last, today = map(datetime.date.fromisoformat, (exception.expires, now[:10]))
    return (last - today).days > max_days


class Refused(NamedTuple):
    """Exceptions that would have covered a verdict and do not count, one line each."""

    expired: tuple[str, ...] = ()
    overlong: tuple[str, ...] = ()


def mark(verdicts: list[Verdict], snapshot: Snapshot, exceptions: Sequence[PolicyException], max_days: int) -> Refused:
    """Mark in place the verdicts that an exception in force covers; return those that would have covered any.

    Args:
        verdicts: of one assessment.
        snapshot: its evidence.
        exceptions: all that are declared.
        max_days: how many days after the evidence an exception may end.
    """
    now = snapshot.collected_at
    expired: dict[str, None] = {}
    too_long: dict[str, None] = {}
    for index, verdict in enumerate(verdicts) if exceptions else ():
        if verdict.status in {"pass", "not_applicable"}:
            continue
        for exception in exceptions:
            if not covers(exception, snapshot.asset, verdict):
                continue
            if not in_force(exception, now):
                expired[_said(exception, f"expired on {exception.expires}")] = None
            elif overlong(exception, now, max_days):
                said = f"ends on {exception.expires}, and at most {max_days} days from the evidence are allowed"
                too_long[_said(exception, said)] = None
            else:
                reference = ExceptionRef(exception.reason, exception.owner, exception.expires, exception.location)
                verdicts[index] = msgspec.structs.replace(verdict, exception=reference)
                break
    return Refused(tuple(expired), tuple(too_long))


def unmatched(exceptions: Sequence[PolicyException], assessments: Sequence[Assessment]) -> tuple[str, ...]:
    """The exceptions that cover nothing although what they name was asked, one line each.

    Nothing is said of an exception from a check that was not asked of any asset it names, nor where the resources it
    names could not be collected: there it may well be needed.
    """
    if not exceptions:
        return ()
    asked: list[tuple[Asset, dict[str, list[Verdict]]]] = []
    for assessment in assessments:
        by_check: dict[str, list[Verdict]] = {}
        for verdict in assessment.verdicts:
            found = by_check.setdefault(verdict.check, [])
            if verdict.status not in {"pass", "not_applicable"}:
                found.append(verdict)
        asked.append((assessment.asset, by_check))
    lines: dict[str, None] = {}
    for exception in exceptions:
        concerned = [
            (asset, found)
            for asset, by_check in asked
            if _on(exception, asset)
            for check, found in by_check.items()
            if matches(check, exception.checks)
        ]
        needed = any(
            not verdict.resource_id or covers(exception, asset, verdict)
            for asset, found in concerned
            for verdict in found
        )
        if concerned and not needed:
            lines[_said(exception)] = None
    return tuple(lines)


def _said(exception: PolicyException, what: str = "") -> str:
    place = exception.location
    where = f"{place.file}:{place.line}: " if place else ""
    return f"{where}{what}{': ' if what else ''}{', '.join(exception.checks)} ({exception.reason})"


def unfit(exceptions: Iterable[PolicyException], check_ids: Collection[str]) -> list[PolicyError]:
    """The exceptions with a pattern that names no check: whoever wrote it believes in a deviation that is not there."""
    return [
        PolicyError(
            f"the exception names {pattern}, which is no check",
            file=exception.location.file if exception.location else None,
            line=exception.location.line if exception.location else None,
            column=exception.location.column if exception.location else None,
            hint="xspm check list shows them",
        )
        for exception in exceptions
        for pattern in exception.checks
        if not any(matches(check_id, [pattern]) for check_id in check_ids)
    ]
