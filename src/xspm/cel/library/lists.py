"""Functions on lists, and lists taken as sets."""

from __future__ import annotations

from typing import Any, Final

from xspm.cel.library.operators import and_, eq_, in_, or_
from xspm.cel.values import (
    NONE,
    Duration,
    EvaluationError,
    Meter,
    Optional,
    Timestamp,
    UInt,
    strict,
)
from xspm.model.unknown import Unknown

_HASHABLE: Final = frozenset({str, int})
_SORTABLE: Final = frozenset({str, int, UInt, float, bool, bytes, Timestamp, Duration})


def _undecided(items: list[Any]) -> Any:
    """Return the unknown or error among the items, if there is one."""
    odd = [item for item in items if isinstance(item, Unknown | EvaluationError)]
    return strict(*odd) if odd else None


def distinct_(meter: Meter, items: Any) -> Any:
    """`items.distinct()`: the first of every set of equal elements, in order."""
    if type(items) is not list:
        return strict(items)
    meter.charge(len(items))
    kinds = {type(item) for item in items}
    if len(kinds) == 1 and kinds <= _HASHABLE:
        return list(dict.fromkeys(items))
    if any(issubclass(kind, Unknown) for kind in kinds):
        return _undecided(items)
    result: list[Any] = []
    for item in items:
        meter.charge(4 * len(result))
        known: Any = False
        for kept in result:
            known = or_(known, eq_(meter, item, kept))
        if isinstance(known, Unknown):
            return known
        if known is not True:
            result.append(item)
    return result


def flatten_(meter: Meter, items: Any, depth: Any = 1) -> Any:
    """`items.flatten(depth)`."""
    if type(items) is not list or type(depth) is not int:
        return strict(items, depth)
    if depth < 0:
        return EvaluationError("level must be non-negative")
    meter.charge(len(items))
    result: list[Any] = []
    for item in items:
        if type(item) is list and depth > 0:
            inner = flatten_(meter, item, depth - 1)
            if type(inner) is not list:
                return inner
            result += inner
        elif isinstance(item, Unknown) and depth > 0:
            return strict(item)
        else:
            result.append(item)
    return result


def range_(meter: Meter, count: Any) -> Any:
    """`lists.range(count)`: 0 up to, not including, `count`."""
    if type(count) is not int:
        return strict(count)
    meter.charge(max(count, 0) * 4)
    return list(range(count))


def slice_(meter: Meter, items: Any, start: Any, end: Any) -> Any:
    """`items.slice(start, end)`."""
    if type(items) is not list or type(start) is not int or type(end) is not int:
        return strict(items, start, end)
    if start < 0 or end < 0:
        return EvaluationError(f"cannot slice({start}, {end}), negative indexes not supported")
    if start > end:
        return EvaluationError(f"cannot slice({start}, {end}), start index must be less than or equal to end index")
    if end > len(items):
        return EvaluationError(f"cannot slice({start}, {end}), list is length {len(items)}")
    meter.charge(end - start)
    return items[start:end]


def sort_(meter: Meter, items: Any) -> Any:
    """`items.sort()`."""
    return sort_by_(meter, items, items)


def sort_by_(meter: Meter, items: Any, keys: Any) -> Any:
    """`items.sortBy(x, key)`, the keys being worked out already; all of one comparable type."""
    if type(items) is not list or type(keys) is not list:
        return strict(items, keys)
    odd = _undecided(keys)
    if odd is not None:
        return odd
    kinds = {type(key) for key in keys}
    if not kinds:
        return []
    if len(kinds) > 1 or not kinds <= _SORTABLE:
        return EvaluationError("list elements must have the same comparable type")
    meter.charge(len(items) * 2)
    order = sorted(range(len(keys)), key=keys.__getitem__)
    return [items[index] for index in order]


def first_(items: Any) -> Any:
    """`items.first()`, an optional."""
    if type(items) is not list:
        return strict(items)
    return Optional(present=True, value=items[0]) if items else NONE


def last_(items: Any) -> Any:
    """`items.last()`, an optional."""
    if type(items) is not list:
        return strict(items)
    return Optional(present=True, value=items[-1]) if items else NONE


def sets_contains_(meter: Meter, items: Any, wanted: Any) -> Any:
    """`sets.contains(items, wanted)`: whether every element of `wanted` is in `items`."""
    if type(items) is not list or type(wanted) is not list:
        return strict(items, wanted)
    result: Any = True
    for item in wanted:
        meter.charge(1)
        result = and_(result, in_(meter, item, items))
        if result is False:
            break
    return result


def sets_equivalent_(meter: Meter, left: Any, right: Any) -> Any:
    """`sets.equivalent(left, right)`: each contains the other."""
    return and_(sets_contains_(meter, left, right), sets_contains_(meter, right, left))


def sets_intersects_(meter: Meter, left: Any, right: Any) -> Any:
    """`sets.intersects(left, right)`: whether any element is in both."""
    if type(left) is not list or type(right) is not list:
        return strict(left, right)
    result: Any = False
    for item in left:
        meter.charge(1)
        result = or_(result, in_(meter, item, right))
        if result is True:
            break
    return result
