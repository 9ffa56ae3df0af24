"""Message literals of the well-known types that are values of the language: `google.protobuf.Timestamp{seconds: 1}`."""

from __future__ import annotations

from typing import Any, Final

from xspm.cel.library.operators import DURATION_MAX, TIMESTAMP_MAX, TIMESTAMP_MIN
from xspm.cel.values import INT_MAX, INT_MIN, UINT_MAX, Duration, EvaluationError, Timestamp, UInt, strict
from xspm.model.unknown import Unknown

_RANGE: Final = EvaluationError("range error")
_INT32: Final = 2**31
_WRAPPERS: Final[dict[str, tuple[Any, Any, int, int]]] = {
    "Int32Value": (int, 0, -_INT32, _INT32 - 1),
    "Int64Value": (int, 0, INT_MIN, INT_MAX),
    "UInt32Value": (UInt, UInt(0), 0, 2**32 - 1),
    "UInt64Value": (UInt, UInt(0), 0, UINT_MAX),
    "BoolValue": (bool, False, 0, 1),
    "StringValue": (str, "", 0, 0),
    "BytesValue": (bytes, b"", 0, 0),
}


def build(name: str, fields: dict[str, Any]) -> Any:
    """Return the value of a message literal."""
    for value in fields.values():
        if isinstance(value, Unknown | EvaluationError):
            return strict(*fields.values())
    short = name.removeprefix(".").removeprefix("google.protobuf.")
    if short in {"Timestamp", "Duration"}:
        return _time(short, fields)
    if short in _WRAPPERS:
        kind, zero, low, high = _WRAPPERS[short]
        value = fields.get("value", zero)
        if type(value) is not kind:
            return strict(value)
        return value if kind not in {int, UInt} or low <= value <= high else _RANGE
    match short:
        case "DoubleValue":
            return float(fields.get("value", 0.0))
        case "FloatValue":
            return _single(float(fields.get("value", 0.0)))
        case "Struct":
            return fields.get("fields", {})
        case "ListValue":
            return fields.get("values", [])
        case "Value":
            value = next(iter(fields.values()), None)
            if "number_value" in fields:
                return float(fields["number_value"])
            return None if "null_value" in fields else value
    return EvaluationError(f"messages of type '{name}' are not supported")


def _time(name: str, fields: dict[str, Any]) -> Any:
    seconds, nanoseconds = fields.get("seconds", 0), fields.get("nanos", 0)
    if type(seconds) is not int or type(nanoseconds) is not int:
        return strict(seconds, nanoseconds)
    total = seconds * 10**9 + nanoseconds
    if name == "Timestamp":
        return Timestamp(total) if TIMESTAMP_MIN <= total <= TIMESTAMP_MAX else _RANGE
    return Duration(total) if abs(total) <= DURATION_MAX else _RANGE


def _single(value: float) -> float:
    import struct  # noqa: PLC0415 - hardly any expression needs single precision

    try:
        result: float = struct.unpack("<f", struct.pack("<f", value))[0]
    except OverflowError:
        return float("inf") if value > 0 else float("-inf")
    return result
