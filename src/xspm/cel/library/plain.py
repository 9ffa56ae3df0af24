"""What the straight way calls: functions that answer for known values and raise `Odd` for everything else.

Code that meets `Odd` starts again the long way (see `xspm.cel.straight`), so none of these may answer anything that
the long way would not.
"""

from __future__ import annotations

from typing import Any, Final

from xspm.cel.library.structure import size_
from xspm.cel.values import EvaluationError, Odd, UInt
from xspm.model.unknown import Unknown

SHORT: Final = 4096
"""Characters that are compared without charge."""

_NUMBERS: Final = frozenset({int, UInt, float})
_SCALARS: Final = frozenset({str, bool, int, float, type(None), bytes, UInt})
_TEXTS: Final = frozenset({str}).issuperset
_MOST: Final = 256
"""Lists that are remembered."""

_sets: dict[int, tuple[list[Any], list[Any], frozenset[Any]]] = {}


def odd_() -> Any:
    """Give up."""
    raise Odd


def other_(value: Any) -> bool:
    """Return false for a value of another type than the one it is compared with, if it is a value."""
    if isinstance(value, Unknown | EvaluationError):
        raise Odd
    return False


def same_(left: Any, right: Any) -> bool:
    """`left == right` for scalars of any types."""
    kind, other = type(left), type(right)
    if kind not in _SCALARS or other not in _SCALARS:
        raise Odd
    if kind is other:
        if (kind is str or kind is bytes) and len(left) == len(right) >= SHORT:
            raise Odd
        return bool(left == right)
    if kind in _NUMBERS and other in _NUMBERS:
        return float(left) == float(right) if kind is float or other is float else bool(left == right)
    return False


def sure_(value: Any) -> bool:
    """Return a value that is a bool."""
    if value is True or value is False:
        return value
    raise Odd


def count_(value: Any) -> int:
    """`size(value)`."""
    size = size_(value)
    if type(size) is not int:
        raise Odd
    return size


def without_(values: list[Any]) -> bool:
    """Return false, as a text was not found among `values`, if they are nothing but texts."""
    if _TEXTS(map(type, values)):
        return False
    raise Odd


def known_(values: Any, kind: type) -> frozenset[Any]:
    """Return the set of a list whose elements are all of type `kind`, text or int.

    The set of a list of texts is remembered beside a copy of the list: that the two are still equal is checked every
    time, which costs less than making the set, since the elements are mostly the same objects.
    """
    remembered = _sets.get(id(values))
    if remembered is not None and kind is str and remembered[0] is values and remembered[1] == values:
        return remembered[2]
    if type(values) is not list or not {kind}.issuperset(map(type, values)):
        raise Odd
    found = frozenset(values)
    if kind is str:
        if len(_sets) >= _MOST:
            _sets.clear()
        _sets[id(values)] = (values, [*values], found)
    return found
