"""Functions on numbers: the math extension."""

from __future__ import annotations

import math
from typing import Any, Final

from xspm.cel.library.operators import compare
from xspm.cel.values import INT_MIN, NO_OVERLOAD, OVERFLOW, UINT_MAX, EvaluationError, UInt, strict
from xspm.model.unknown import Unknown

_NUMBERS: Final = frozenset({int, UInt, float})
_NEGATIVE_SHIFT: Final = EvaluationError("negative shift count")


def _best(sign: int, values: tuple[Any, ...]) -> Any:
    if len(values) == 1 and type(values[0]) is list:
        values = tuple(values[0])
        if not values:
            return EvaluationError("the list must not be empty")
    if any(type(value) not in _NUMBERS for value in values):
        return strict(*values)
    best = values[0]
    for value in values[1:]:
        order = compare(value, best)
        if type(order) is int and order * sign > 0:
            best = value
    return best


def max_(*values: Any) -> Any:
    """`math.greatest(…)`."""
    return _best(1, values)


def min_(*values: Any) -> Any:
    """`math.least(…)`."""
    return _best(-1, values)


def ceil_(value: Any) -> Any:
    """`math.ceil(value)`."""
    return _rounded(value, math.ceil)


def floor_(value: Any) -> Any:
    """`math.floor(value)`."""
    return _rounded(value, math.floor)


def trunc_(value: Any) -> Any:
    """`math.trunc(value)`."""
    return _rounded(value, math.trunc)


def round_(value: Any) -> Any:
    """`math.round(value)`: halves away from zero."""
    return _rounded(value, _half_away)


def _half_away(value: float) -> int:
    whole = math.trunc(value)
    return whole if abs(value - whole) < 0.5 else whole + (1 if value > 0 else -1)


def _rounded(value: Any, how: Any) -> Any:
    if type(value) is not float:
        return strict(value)
    return math.copysign(float(how(value)), value) if math.isfinite(value) else value


def sqrt_(value: Any) -> Any:
    """`math.sqrt(value)`; NaN below zero."""
    if type(value) not in _NUMBERS:
        return strict(value)
    return math.sqrt(value) if value >= 0 else math.nan


def abs_(value: Any) -> Any:
    """`math.abs(value)`."""
    if type(value) not in _NUMBERS:
        return strict(value)
    return OVERFLOW if type(value) is int and value == INT_MIN else value if type(value) is UInt else abs(value)


def sign_(value: Any) -> Any:
    """`math.sign(value)`: -1, 0 or 1 in the type of the value."""
    kind = type(value)
    if kind not in _NUMBERS:
        return strict(value)
    if value != value:  # noqa: PLR0124 - NaN is what differs from itself
        return value
    return kind((value > 0) - (value < 0))


def is_nan_(value: Any) -> Any:
    """`math.isNaN(value)`."""
    return math.isnan(value) if type(value) is float else strict(value)


def is_inf_(value: Any) -> Any:
    """`math.isInf(value)`."""
    return math.isinf(value) if type(value) is float else strict(value)


def is_finite_(value: Any) -> Any:
    """`math.isFinite(value)`."""
    return math.isfinite(value) if type(value) is float else strict(value)


def _pair(left: Any, right: Any) -> bool:
    return type(left) is type(right) and type(left) in {int, UInt}


def bit_and_(left: Any, right: Any) -> Any:
    """`math.bitAnd(left, right)`."""
    return type(left)(int(left) & int(right)) if _pair(left, right) else strict(left, right)


def bit_or_(left: Any, right: Any) -> Any:
    """`math.bitOr(left, right)`."""
    return type(left)(int(left) | int(right)) if _pair(left, right) else strict(left, right)


def bit_xor_(left: Any, right: Any) -> Any:
    """`math.bitXor(left, right)`."""
    return type(left)(int(left) ^ int(right)) if _pair(left, right) else strict(left, right)


def bit_not_(value: Any) -> Any:
    """`math.bitNot(value)`."""
    if type(value) is int:
        return ~value
    return UInt(UINT_MAX - value) if type(value) is UInt else strict(value)


def _signed(bits: int) -> int:
    return bits - (1 << 64) if bits >= 1 << 63 else bits


def shift_left_(value: Any, count: Any) -> Any:
    """`math.bitShiftLeft(value, count)`; bits that fall off are lost."""
    return _shifted(value, count, lambda bits, by: bits << by)


def shift_right_(value: Any, count: Any) -> Any:
    """`math.bitShiftRight(value, count)`; zeroes come in from the left, for signed integers too."""
    return _shifted(value, count, lambda bits, by: bits >> by)


def _shifted(value: Any, count: Any, how: Any) -> Any:
    if isinstance(value, Unknown | EvaluationError) or type(count) is not int:
        return strict(value, count)
    if type(value) not in {int, UInt}:
        return NO_OVERLOAD
    if count < 0:
        return _NEGATIVE_SHIFT
    bits = 0 if count >= 64 else how(int(value) & UINT_MAX, count) & UINT_MAX
    return UInt(bits) if type(value) is UInt else _signed(bits)
