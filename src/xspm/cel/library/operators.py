"""Operators on operands that generated code's fast paths do not take: unknown, error, mixed numbers, collections.

Each function is total: it returns a value, an `Unknown` or an `EvaluationError`, and raises nothing but `CostError`.
The rules are those of cel-spec's language definition; where an operand is unknown and another an error, unknown wins,
as in the C++ and Go runtimes.
"""

from __future__ import annotations

from typing import Any, Final

from xspm.cel.values import (
    FALSE_KEY,
    INT_MAX,
    INT_MIN,
    NO_OVERLOAD,
    NONE,
    OVERFLOW,
    TRUE_KEY,
    UINT_MAX,
    Duration,
    EvaluationError,
    Meter,
    Optional,
    Timestamp,
    UInt,
    UnknownSize,
    key_of,
    merge,
    strict,
)
from xspm.model.unknown import Unknown

_NUMBERS: Final = frozenset({int, UInt, float})
_TEXT: Final = frozenset({str})
_SHOWN: Final = 80
"""Characters of a missing key that an error names."""

_PLAIN: Final = frozenset({str, bool, int, float, type(None), bytes, UInt})
_DIVIDE_BY_ZERO: Final = EvaluationError("divide by zero")
_MODULUS_BY_ZERO: Final = EvaluationError("modulus by zero")
_UINT_OVERFLOW: Final = EvaluationError("unsigned integer overflow")
_TIME_OVERFLOW: Final = EvaluationError("timestamp or duration out of range")

TIMESTAMP_MIN: Final = -62_135_596_800 * 10**9
TIMESTAMP_MAX: Final = 253_402_300_800 * 10**9 - 1
DURATION_MAX: Final = 315_576_000_000 * 10**9


# Logic --------------------------------------------------------------------------------------------------------------


def and_(left: Any, right: Any) -> Any:
    """`left && right`: false wins over unknown, unknown over error."""
    if left is False or right is False:
        return False
    return True if left is True and right is True else _undecided(left, right)


def or_(left: Any, right: Any) -> Any:
    """`left || right`: true wins over unknown, unknown over error."""
    if left is True or right is True:
        return True
    return False if left is False and right is False else _undecided(left, right)


def _undecided(left: Any, right: Any) -> Any:
    if isinstance(left, Unknown):
        return merge(left, right) if isinstance(right, Unknown) else left
    if isinstance(right, Unknown):
        return right
    if isinstance(left, EvaluationError):
        return left
    if isinstance(right, EvaluationError):
        return right
    return NO_OVERLOAD


def cond_(condition: Any) -> Any:
    """Return what a conditional yields whose condition is not a bool."""
    return strict(condition)


def not_(value: Any) -> Any:
    """`!value`."""
    return (not value) if type(value) is bool else strict(value)


def not_strictly_false_(value: Any) -> Any:
    """Whether a loop goes on: errors and unknowns do not end it."""
    return value is not False


# Equality -----------------------------------------------------------------------------------------------------------


def eq_(meter: Meter, left: Any, right: Any) -> Any:
    """`left == right`, across all types; unknown if either is, unless what is known of it decides."""
    kind, other = type(left), type(right)
    if kind in _PLAIN and other in _PLAIN:
        if kind is other:
            if kind is str or kind is bytes:
                meter.charge(len(left) >> 10)
            return left == right
        return _rounded(left, right) if kind in _NUMBERS and other in _NUMBERS else False
    if isinstance(left, Unknown) or isinstance(right, Unknown):
        return _eq_unknown(left, right)
    if kind is EvaluationError or other is EvaluationError:
        return strict(left, right)
    if kind is not other:
        return False
    if kind is list:
        return _eq_lists(meter, left, right)
    if kind is dict:
        return _eq_maps(meter, left, right)
    if kind is Optional:
        if left.present and right.present:
            return eq_(meter, left.value, right.value)
        return left.present == right.present
    return left == right


def _rounded(left: float, right: float) -> bool:
    """Compare numbers of different types: an integer beside a double becomes one, losing what it loses."""
    return float(left) == float(right) if float in {type(left), type(right)} else left == right


def ne_(meter: Meter, left: Any, right: Any) -> Any:
    """`left != right`."""
    equal = eq_(meter, left, right)
    return (not equal) if type(equal) is bool else equal


def _eq_unknown(left: Any, right: Any) -> Any:
    unknown, other = (left, right) if isinstance(left, Unknown) else (right, left)
    if other is None and unknown.not_null:
        return False
    if type(other) is str and unknown.prefix is not None and not other.startswith(unknown.prefix):
        return False
    size = other if type(unknown) is UnknownSize else len(other) if type(other) in {str, list, dict} else None
    if isinstance(size, int) and not _size_possible(unknown, size):
        return False
    return strict(left, right)


def _size_possible(unknown: Unknown, size: int) -> bool:
    if unknown.min_size is not None and size < unknown.min_size:
        return False
    return unknown.max_size is None or size <= unknown.max_size


def _eq_lists(meter: Meter, left: list[Any], right: list[Any]) -> Any:
    if len(left) != len(right):
        return False
    meter.charge(len(left))
    result: Any = True
    for a, b in zip(left, right, strict=True):
        equal = eq_(meter, a, b)
        if equal is False:
            return False
        result = and_(result, equal)
    return result


def _eq_maps(meter: Meter, left: dict[Any, Any], right: dict[Any, Any]) -> Any:
    if len(left) != len(right):
        return False
    meter.charge(len(left))
    result: Any = True
    for key, value in left.items():
        if key not in right:
            return False
        equal = eq_(meter, value, right[key])
        if equal is False:
            return False
        result = and_(result, equal)
    return result


def in_(meter: Meter, item: Any, collection: Any) -> Any:
    """`item in collection`: an element of a list, a key of a map."""
    kind = type(collection)
    if kind is list:
        if isinstance(item, EvaluationError):
            return item
        meter.charge(len(collection) >> 3)
        if type(item) is str:
            if item in collection:
                return True
            if set(map(type, collection)) <= _TEXT:
                return False
        meter.charge(len(collection))
        result: Any = False
        for element in collection:
            equal = eq_(meter, element, item)
            if equal is True:
                return True
            result = or_(result, equal)
        return result
    if kind is dict:
        key = key_of(item)
        if isinstance(key, Unknown):
            return key if collection else False
        if isinstance(key, EvaluationError):
            return False if not isinstance(item, EvaluationError) else key
        return key in collection
    return strict(item, collection)


# Order --------------------------------------------------------------------------------------------------------------


def compare(left: Any, right: Any) -> int | Unknown | EvaluationError | None:
    """Return -1, 0 or 1; None where NaN has no order; unknown or error as they come."""
    kind, other = type(left), type(right)
    if kind in _NUMBERS and other in _NUMBERS and kind is not other and float in {kind, other}:
        left, right = float(left), float(right)
        return -1 if left < right else 1 if left > right else 0 if left == right else None
    if (kind in _NUMBERS and other in _NUMBERS) or (kind is other and kind in {str, bytes, bool, Timestamp, Duration}):
        return -1 if left < right else 1 if left > right else 0 if left == right else None
    if type(left) is UnknownSize and other in _NUMBERS:
        return _compare_size(left, right)
    if type(right) is UnknownSize and kind in _NUMBERS:
        order = _compare_size(right, left)
        return -order if type(order) is int else order
    return strict(left, right)


def _compare_size(size: UnknownSize, number: float) -> int | Unknown | EvaluationError:
    if size.min_size is not None and size.min_size > number:
        return 1
    if size.max_size is not None and size.max_size < number:
        return -1
    return strict(size)


def _charge_text(meter: Meter, value: Any) -> None:
    if type(value) is str or type(value) is bytes:
        meter.charge(len(value) >> 10)


def _at_least(left: Any, right: Any) -> bool:
    """Whether bounds alone decide `left >= right`, where the two may still be equal."""
    if type(left) is UnknownSize and type(right) in _NUMBERS:
        return left.min_size is not None and left.min_size >= right
    if type(right) is UnknownSize and type(left) in _NUMBERS:
        return right.max_size is not None and right.max_size <= left
    return False


def lt_(meter: Meter, left: Any, right: Any) -> Any:
    """`left < right`."""
    _charge_text(meter, left)
    order = compare(left, right)
    if type(order) is int:
        return order < 0
    if order is None or _at_least(left, right):
        return False
    return order


def gt_(meter: Meter, left: Any, right: Any) -> Any:
    """`left > right`."""
    return lt_(meter, right, left)


def le_(meter: Meter, left: Any, right: Any) -> Any:
    """`left <= right`."""
    _charge_text(meter, left)
    order = compare(left, right)
    if type(order) is int:
        return order <= 0
    if order is None:
        return False
    return True if _at_least(right, left) else order


def ge_(meter: Meter, left: Any, right: Any) -> Any:
    """`left >= right`."""
    return le_(meter, right, left)


# Arithmetic ---------------------------------------------------------------------------------------------------------


def _int(value: int) -> Any:
    return value if INT_MIN <= value <= INT_MAX else OVERFLOW


def _uint(value: int) -> Any:
    return UInt(value) if 0 <= value <= UINT_MAX else _UINT_OVERFLOW


def _timestamp(nanoseconds: int) -> Any:
    return Timestamp(nanoseconds) if TIMESTAMP_MIN <= nanoseconds <= TIMESTAMP_MAX else _TIME_OVERFLOW


def _duration(nanoseconds: int) -> Any:
    """Return a duration that was worked out: both of Google's runtimes reckon in 64 bits of nanoseconds."""
    return Duration(nanoseconds) if INT_MIN <= nanoseconds <= INT_MAX else _TIME_OVERFLOW


def add_(meter: Meter, left: Any, right: Any) -> Any:
    """`left + right`: numbers of one type, text, bytes, lists, times."""
    kind, other = type(left), type(right)
    if kind is other:
        if kind is int:
            return _int(left + right)
        if kind is str or kind is bytes:
            meter.make(len(left) + len(right))
            return left + right
        if kind is list:
            meter.charge(len(left) + len(right))
            return left + right
        if kind is float:
            return left + right
        if kind is UInt:
            return _uint(int(left) + int(right))
        if kind is Duration:
            return _duration(left.nanoseconds + right.nanoseconds)
    if (kind is Timestamp and other is Duration) or (kind is Duration and other is Timestamp):
        return _timestamp(left.nanoseconds + right.nanoseconds)
    return strict(left, right)


def sub_(left: Any, right: Any) -> Any:
    """`left - right`."""
    kind, other = type(left), type(right)
    if kind is other:
        if kind is int:
            return _int(left - right)
        if kind is float:
            return left - right
        if kind is UInt:
            return _uint(int(left) - int(right))
        if kind is Timestamp or kind is Duration:
            return _duration(left.nanoseconds - right.nanoseconds)
    if kind is Timestamp and other is Duration:
        return _timestamp(left.nanoseconds - right.nanoseconds)
    return strict(left, right)


def mul_(left: Any, right: Any) -> Any:
    """`left * right`."""
    kind = type(left)
    if kind is type(right):
        if kind is int:
            return _int(left * right)
        if kind is float:
            return left * right
        if kind is UInt:
            return _uint(int(left) * int(right))
    return strict(left, right)


def div_(left: Any, right: Any) -> Any:
    """`left / right`: integers truncate towards zero, doubles follow IEEE 754."""
    kind = type(left)
    if kind is type(right):
        if kind is int or kind is UInt:
            if right == 0:
                return _DIVIDE_BY_ZERO
            quotient = abs(left) // abs(right)
            return _uint(quotient) if kind is UInt else _int(quotient if (left < 0) is (right < 0) else -quotient)
        if kind is float:
            return _divide(left, right)
    return strict(left, right)


def _divide(left: float, right: float) -> float:
    if right != 0:
        return left / right
    if left == 0 or left != left:  # noqa: PLR0124 - NaN is what differs from itself
        return float("nan")
    negative = str(left)[0] == "-"
    return float("-inf") if negative is not (str(right)[0] == "-") else float("inf")


def mod_(left: Any, right: Any) -> Any:
    """`left % right`: the sign is that of `left`."""
    kind = type(left)
    if kind is type(right) and (kind is int or kind is UInt):
        if right == 0:
            return _MODULUS_BY_ZERO
        if kind is int and right == -1 and left == INT_MIN:
            return OVERFLOW
        rest = abs(left) % abs(right)
        return UInt(rest) if kind is UInt else -rest if left < 0 else rest
    return strict(left, right)


def neg_(value: Any) -> Any:
    """`-value`."""
    if type(value) is int:
        return _int(-value)
    return -value if type(value) is float else strict(value)


# Access -------------------------------------------------------------------------------------------------------------


def index_(collection: Any, index: Any) -> Any:
    """`collection[index]`."""
    kind = type(collection)
    if isinstance(index, Unknown | EvaluationError):
        return strict(collection, index)
    if kind is list:
        if type(index) is float and index == index // 1:
            index = int(index)
        if type(index) is not int and type(index) is not UInt:
            return NO_OVERLOAD
        return collection[index] if 0 <= index < len(collection) else EvaluationError(f"index out of bounds: {index}")
    if kind is dict:
        key = key_of(index)
        if type(key) is not EvaluationError and key in collection:
            return collection[key]
        index = index[:_SHOWN] if type(index) is str else index
        shown = {TRUE_KEY: "true", FALSE_KEY: "false"}.get(key, index) if key in {TRUE_KEY, FALSE_KEY} else index
        return EvaluationError(f"no such key: {shown}")
    if kind is Optional:
        return index_optional(collection.value, index) if collection.present else collection
    return strict(collection)


def index_optional(collection: Any, index: Any) -> Any:
    """`collection[?index]` on a value that is no optional."""
    if type(collection) not in {list, dict} or isinstance(index, Unknown | EvaluationError):
        return strict(collection, index)
    found = index_(collection, index)
    if type(found) is EvaluationError:
        return NONE if found is not NO_OVERLOAD else found
    return Optional(present=True, value=found)
