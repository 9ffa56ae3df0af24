"""Timestamps and durations: reading, writing and taking apart, in whole nanoseconds."""

from __future__ import annotations

import datetime
import re
import zoneinfo
from functools import lru_cache
from typing import Any, Final

from xspm.cel.forms import TIMESTAMP
from xspm.cel.library.operators import DURATION_MAX, TIMESTAMP_MAX, TIMESTAMP_MIN
from xspm.cel.values import Duration, EvaluationError, Timestamp, strict

_SECOND: Final = 10**9
_BAD_TIMESTAMP: Final = EvaluationError("String to Timestamp conversion failed")
_BAD_DURATION: Final = EvaluationError("String to Duration conversion failed")
_TIMESTAMP_RANGE: Final = EvaluationError("timestamp out of range")
_DURATION_RANGE: Final = EvaluationError("duration out of range")
_BAD_ZONE: Final = EvaluationError("Invalid timezone")

_LONGEST: Final = 200
"""Characters of a time that are read."""

_RFC3339: Final = re.compile(TIMESTAMP)
_PART: Final = re.compile(r"([0-9]*)(?:\.([0-9]*))?(ns|us|µs|μs|ms|s|m|h)", re.ASCII)
_UNITS: Final = {
    "ns": 1, "us": 1000, "µs": 1000, "μs": 1000, "ms": 10**6, "s": _SECOND, "m": 60 * _SECOND, "h": 3600 * _SECOND,
}  # fmt: skip
_OFFSET: Final = re.compile(r"([+-]?)([0-9]{1,2}):([0-9]{2})", re.ASCII)
_EPOCH: Final = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)


def parse_timestamp(text: str) -> Timestamp | EvaluationError:
    """Read an RFC 3339 timestamp."""
    if len(text) > _LONGEST:
        return _BAD_TIMESTAMP
    found = _RFC3339.fullmatch(text)
    if found is None:
        return _TIMESTAMP_RANGE if re.match(r"[0-9]{5,}-", text) else _BAD_TIMESTAMP
    year, month, day, hour, minute, second = (int(part) for part in found.groups()[:6])
    if year == 0:
        return _TIMESTAMP_RANGE
    fraction, sign, hours, minutes = found.groups()[6:]
    leap = second == 60
    try:
        date = datetime.datetime(year, month, day, hour, minute, second - leap, tzinfo=datetime.UTC)
    except ValueError:
        return _BAD_TIMESTAMP
    if sign and (int(hours) > 23 or int(minutes) > 59):
        return _BAD_TIMESTAMP
    offset = (int(hours) * 3600 + int(minutes) * 60) * (-1 if sign == "-" else 1) if sign else 0
    since = date - _EPOCH
    seconds = since.days * 86400 + since.seconds + leap - offset
    return _checked(seconds * _SECOND + int((fraction or "")[:9].ljust(9, "0")))


def _checked(nanoseconds: int) -> Timestamp | EvaluationError:
    return Timestamp(nanoseconds) if TIMESTAMP_MIN <= nanoseconds <= TIMESTAMP_MAX else _TIMESTAMP_RANGE


def timestamp__(value: Any) -> Any:
    """`timestamp(value)`: RFC 3339 text, or seconds since the epoch."""
    if type(value) is str:
        return parse_timestamp(value)
    if type(value) is int:
        return _checked(value * _SECOND)
    return value if type(value) is Timestamp else strict(value)


@lru_cache(maxsize=8)
def now_(text: Any) -> Any:
    """Return `now` from the snapshot's `collected_at`."""
    return timestamp__(text)


def duration__(value: Any) -> Any:
    """`duration(value)`: Go's notation, `1h30m`, `-1.5s`."""
    if type(value) is not str:
        return value if type(value) is Duration else strict(value)
    if len(value) > _LONGEST:
        return _BAD_DURATION
    negative = value[:1] == "-"
    text = value[1:] if value[:1] in {"-", "+"} else value
    if text == "0":
        return Duration(0)
    total = at = 0
    while at < len(text):
        found = _PART.match(text, at)
        if found is None or not (found[1] or found[2]):
            return _BAD_DURATION
        unit = _UNITS[found[3]]
        total += int(found[1] or 0) * unit + int(found[2] or 0) * unit // 10 ** len(found[2] or "")
        at = found.end()
    if at == 0:
        return _BAD_DURATION
    return Duration(-total if negative else total) if total <= DURATION_MAX else _DURATION_RANGE


def _fraction(nanoseconds: int) -> str:
    if not nanoseconds:
        return ""
    for width, unit in ((3, 10**6), (6, 10**3)):
        if nanoseconds % unit == 0:
            return f".{nanoseconds // unit:0{width}d}"
    return f".{nanoseconds:09d}"


def timestamp_text(value: Timestamp) -> str:
    """Write a timestamp as RFC 3339 in UTC, with 0, 3, 6 or 9 digits of a second."""
    seconds, nanoseconds = divmod(value.nanoseconds, _SECOND)
    date = _EPOCH + datetime.timedelta(seconds=seconds)
    return f"{date.year:04d}-{date:%m-%dT%H:%M:%S}{_fraction(nanoseconds)}Z"


def duration_text(value: Duration) -> str:
    """Write a duration in seconds, with 0, 3, 6 or 9 digits of a second."""
    seconds, nanoseconds = divmod(abs(value.nanoseconds), _SECOND)
    return f"{'-' if value.nanoseconds < 0 else ''}{seconds}{_fraction(nanoseconds)}s"


@lru_cache(maxsize=64)
def _zone(name: str) -> datetime.tzinfo | None:
    found = _OFFSET.fullmatch(name)
    if found:
        hours, minutes = int(found[2]), int(found[3])
        if hours > 23 or minutes > 59:
            return None
        offset = datetime.timedelta(hours=hours, minutes=minutes)
        return datetime.timezone(-offset if found[1] == "-" else offset)
    try:
        return zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        return None


def _local(value: Any, zone: Any) -> Any:
    """Return a timestamp as local date and time, or the error or unknown that stands in its place."""
    if type(value) is not Timestamp or (zone is not None and type(zone) is not str):
        return strict(value, zone)
    date = _EPOCH + datetime.timedelta(seconds=value.nanoseconds // _SECOND)
    if not zone:
        return date
    there = _zone(zone)
    if there is None:
        return _BAD_ZONE
    try:
        return date.astimezone(there)
    except (OverflowError, ValueError):
        return _TIMESTAMP_RANGE


def _part(value: Any, zone: Any, take: Any) -> Any:
    local = _local(value, zone)
    return take(local) if isinstance(local, datetime.datetime) else local


def full_year_(value: Any, zone: Any = None) -> Any:
    """`t.getFullYear(zone)`."""
    return _part(value, zone, lambda local: local.year)


def month_(value: Any, zone: Any = None) -> Any:
    """`t.getMonth(zone)`, January being 0."""
    return _part(value, zone, lambda local: local.month - 1)


def day_of_month_(value: Any, zone: Any = None) -> Any:
    """`t.getDayOfMonth(zone)`, from 0."""
    return _part(value, zone, lambda local: local.day - 1)


def date_(value: Any, zone: Any = None) -> Any:
    """`t.getDate(zone)`, from 1."""
    return _part(value, zone, lambda local: local.day)


def day_of_week_(value: Any, zone: Any = None) -> Any:
    """`t.getDayOfWeek(zone)`, Sunday being 0."""
    return _part(value, zone, lambda local: (local.weekday() + 1) % 7)


def day_of_year_(value: Any, zone: Any = None) -> Any:
    """`t.getDayOfYear(zone)`, from 0."""
    return _part(value, zone, lambda local: local.timetuple().tm_yday - 1)


def hours_(value: Any, zone: Any = None) -> Any:
    """`t.getHours(zone)`, or the whole hours of a duration."""
    return _whole(value, 3600 * _SECOND) if type(value) is Duration else _part(value, zone, lambda local: local.hour)


def minutes_(value: Any, zone: Any = None) -> Any:
    """`t.getMinutes(zone)`, or the whole minutes of a duration."""
    return _whole(value, 60 * _SECOND) if type(value) is Duration else _part(value, zone, lambda local: local.minute)


def seconds_(value: Any, zone: Any = None) -> Any:
    """`t.getSeconds(zone)`, or the whole seconds of a duration."""
    return _whole(value, _SECOND) if type(value) is Duration else _part(value, zone, lambda local: local.second)


def milliseconds_(value: Any, zone: Any = None) -> Any:
    """`t.getMilliseconds(zone)`: those within the second, for a duration too."""
    if type(value) is Duration:
        sign = -1 if value.nanoseconds < 0 else 1
        return sign * (abs(value.nanoseconds) % _SECOND // 10**6)
    return _part(value, zone, lambda _: value.nanoseconds % _SECOND // 10**6)


def _whole(value: Duration, unit: int) -> int:
    count = abs(value.nanoseconds) // unit
    return -count if value.nanoseconds < 0 else count
