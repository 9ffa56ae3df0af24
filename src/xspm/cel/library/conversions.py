"""Conversions between types: `int(x)`, `string(x)`, `type(x)` and the like."""

from __future__ import annotations

import math
import re
from typing import Any, Final

from xspm.cel.forms import DOUBLE, INTEGER
from xspm.cel.values import (
    INT_MAX,
    INT_MIN,
    UINT_MAX,
    Duration,
    EvaluationError,
    Meter,
    Optional,
    Timestamp,
    TypeName,
    UInt,
    strict,
)
from xspm.model.unknown import Unknown

_INT_RANGE: Final = EvaluationError("int64 range error")
_UINT_RANGE: Final = EvaluationError("uint64 range error")
_NOT_INT: Final = EvaluationError("cannot convert string to int")
_NOT_UINT: Final = EvaluationError("cannot convert string to uint")
_NOT_DOUBLE: Final = EvaluationError("cannot convert string to double")
_NOT_BOOL: Final = EvaluationError("Type conversion error from 'string' to 'bool'")
_NOT_UTF8: Final = EvaluationError("invalid UTF-8 in bytes, cannot convert to string")

_LONGEST_NUMBER: Final = 1000
_INTEGER: Final = re.compile(INTEGER)
_DOUBLE: Final = re.compile(DOUBLE)
_BOOLS: Final = {
    **dict.fromkeys(("1", "t", "true", "TRUE", "True"), True),
    **dict.fromkeys(("0", "f", "false", "FALSE", "False"), False),
}
_TYPES: Final = {
    type(None): "null_type", bool: "bool", int: "int", UInt: "uint", float: "double", str: "string", bytes: "bytes",
    list: "list", dict: "map", TypeName: "type", Timestamp: "google.protobuf.Timestamp",
    Duration: "google.protobuf.Duration", Optional: "optional_type",
}  # fmt: skip
_TYPE_NAMES: Final = {kind: TypeName(name) for kind, name in _TYPES.items()}


def int__(value: Any) -> Any:
    """`int(value)`: truncates doubles, reads text, counts a timestamp's seconds."""
    kind = type(value)
    if kind is int:
        return value
    if kind is UInt:
        return int(value) if value <= INT_MAX else _INT_RANGE
    if kind is float:
        # the limits themselves are not exact as doubles and so count as out of range, as in the C++ runtime
        return int(value) if -(2.0**63) < value < 2.0**63 else _INT_RANGE
    if kind is str:
        if _INTEGER.fullmatch(value):
            number = int(value)
            return number if INT_MIN <= number <= INT_MAX else _NOT_INT
        return _NOT_INT
    if kind is Timestamp:
        return value.nanoseconds // 10**9
    return strict(value)


def uint__(value: Any) -> Any:
    """`uint(value)`."""
    kind = type(value)
    if kind is UInt:
        return value
    if kind is int:
        return UInt(value) if value >= 0 else _UINT_RANGE
    if kind is float:
        return UInt(int(value)) if 0 <= value < 2.0**64 else _UINT_RANGE
    if kind is str:
        if _INTEGER.fullmatch(value) and value[0] != "-":
            number = int(value)
            return UInt(number) if number <= UINT_MAX else _NOT_UINT
        return _NOT_UINT
    return strict(value)


def double__(value: Any) -> Any:
    """`double(value)`."""
    kind = type(value)
    if kind is float:
        return value
    if kind is int or kind is UInt:
        return float(value)
    if kind is str:
        return float(value) if len(value) <= _LONGEST_NUMBER and _DOUBLE.fullmatch(value) else _NOT_DOUBLE
    return strict(value)


def bool__(value: Any) -> Any:
    """`bool(value)`."""
    if type(value) is bool:
        return value
    return _BOOLS.get(value, _NOT_BOOL) if type(value) is str else strict(value)


def bytes__(meter: Meter, value: Any) -> Any:
    """`bytes(value)`: UTF-8."""
    if type(value) is str:
        meter.make(len(value))
        return value.encode("utf-8", "surrogatepass")
    return value if type(value) is bytes else strict(value)


def string__(meter: Meter, value: Any) -> Any:
    """`string(value)`."""
    kind = type(value)
    if kind is str:
        return value
    if kind is int or kind is UInt:
        return str(int(value))
    if kind is bool:
        return "true" if value else "false"
    if kind is float:
        return double_text(value)
    if kind is bytes:
        meter.make(len(value))
        try:
            return value.decode("utf-8")
        except UnicodeDecodeError:
            return _NOT_UTF8
    if kind is Timestamp or kind is Duration:
        from xspm.cel.library import timestamps  # noqa: PLC0415 - times are rare, and calendars cost start-up time

        return timestamps.timestamp_text(value) if kind is Timestamp else timestamps.duration_text(value)
    return str(value) if hasattr(kind, "TYPE") and kind.TYPE.startswith("net.") else strict(value)


def double_text(value: float) -> str:
    """Write a double in the fewest digits that read back the same, with an exponent below 1e-4 and from 1e6 up."""
    if not math.isfinite(value):
        return "nan" if math.isnan(value) else "inf" if value > 0 else "-inf"
    mantissa, _, exponent = repr(abs(value)).partition("e")
    whole, _, fraction = mantissa.partition(".")
    digits = (whole + fraction).lstrip("0").rstrip("0") or "0"
    leading = len(whole) - 1 if whole.strip("0") else -1 - (len(fraction) - len(fraction.lstrip("0")))
    power = (leading if digits != "0" else 0) + int(exponent or 0)
    sign = "-" if math.copysign(1, value) < 0 else ""
    if power < -4 or power >= 6:
        tail = f".{digits[1:]}" if len(digits) > 1 else ""
        return f"{sign}{digits[0]}{tail}e{'-' if power < 0 else '+'}{abs(power):02d}"
    if power < 0:
        return f"{sign}0.{'0' * (-power - 1)}{digits}"
    digits = digits.ljust(power + 1, "0")
    tail = digits[power + 1 :]
    return f"{sign}{digits[: power + 1]}{'.' + tail if tail else ''}"


def type__(value: Any) -> Any:
    """`type(value)`."""
    name = _TYPE_NAMES.get(type(value))
    if name is not None:
        return name
    if isinstance(value, Unknown | EvaluationError):
        return strict(value)
    return TypeName(getattr(value, "TYPE", "dyn"))


def dyn__(value: Any) -> Any:
    """`dyn(value)`: the value, without its static type."""
    return value
