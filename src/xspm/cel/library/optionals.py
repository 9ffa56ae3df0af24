"""Optional values: `optional.of`, `x.?field`, `x[?key]`, `orValue` and what goes with them."""

from __future__ import annotations

from typing import Any, Final

from xspm.cel.library.operators import index_optional
from xspm.cel.library.structure import sel_opt
from xspm.cel.values import NONE, Duration, EvaluationError, Optional, Timestamp, UInt, strict
from xspm.model.unknown import Unknown

_NO_VALUE: Final = EvaluationError("optional.none() dereference")
_ZEROES: Final[dict[type, Any]] = {
    bool: False, int: 0, UInt: 0, float: 0.0, str: "", bytes: b"", list: [],
    dict: {}, Duration: Duration(0), Timestamp: Timestamp(0),
}  # fmt: skip


def optional_of_(value: Any) -> Any:
    """`optional.of(value)`; that there is a value is known even where the value is not."""
    return value if type(value) is EvaluationError else Optional(present=True, value=value)


def optional_of_non_zero_(value: Any) -> Any:
    """`optional.ofNonZeroValue(value)`: none for null, zero and what is empty."""
    kind = type(value)
    if value is None or (kind in _ZEROES and value == _ZEROES[kind]):
        return NONE
    return strict(value) if isinstance(value, Unknown) else optional_of_(value)


def has_value_(value: Any) -> Any:
    """`value.hasValue()`."""
    return value.present if type(value) is Optional else strict(value)


def value_(value: Any) -> Any:
    """`value.value()`; an error where there is none."""
    if type(value) is Optional:
        return value.value if value.present else _NO_VALUE
    return strict(value)


def or_optional_(value: Any, other: Any) -> Any:
    """`value.or(other)`."""
    if type(value) is not Optional:
        return strict(value)
    if value.present:
        return value
    return other if type(other) is Optional else strict(other)


def or_value_(value: Any, other: Any) -> Any:
    """`value.orValue(other)`."""
    if type(value) is not Optional:
        return strict(value)
    return value.value if value.present else other


def opt_select_(operand: Any, field: Any) -> Any:
    """`operand.?field`."""
    if type(operand) is Optional:
        return sel_opt(operand.value, field) if operand.present else operand
    return sel_opt(operand, field)


def opt_index_(operand: Any, index: Any) -> Any:
    """`operand[?index]`."""
    if type(operand) is Optional:
        return index_optional(operand.value, index) if operand.present else operand
    return index_optional(operand, index)
