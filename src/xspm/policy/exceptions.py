"""Exceptions: reasoned, owned, expiring deviations, kept in a reviewed file.

An exception in force marks the verdicts it covers; it never removes one. An expired exception counts for nothing and
is reported.
"""

from __future__ import annotations

import datetime
import math
import re
from typing import TYPE_CHECKING, Any, Final

from xspm.errors import PolicyError
from xspm.model.check import PolicyException
from xspm.policy.patterns import matches

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from xspm.model.asset import Asset
    from xspm.model.verdict import Verdict
    from xspm.syntax.fields import Fields
    from xspm.syntax.yaml import Document


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
            column=exception.location.column if exception.location else None,
            hint="xspm check list shows them",
        )
        for exception in exceptions
        for pattern in exception.checks
        if not any(matches(check_id, [pattern]) for check_id in check_ids)
    ]
