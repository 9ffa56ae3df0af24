"""Recognising macros again in what they expanded to.

The front end turns `all`, `exists`, `exists_one`, `map`, `filter`, `bind` and the two-variable forms into one general
fold. A fold with an accumulator is slow; a loop that knows what it is for is not. `recognise` names the shape, or
`None` for a fold that stays one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal as OneOf

from xspm.cel.ast import Call, Fold, Ident, ListOf, Literal, MapOf, Node


@dataclass(frozen=True, slots=True)
class Macro:
    """A fold whose purpose is known."""

    kind: OneOf["bind", "all", "exists", "exists_one", "list", "map"]
    condition: Node | None = None
    """Predicate of a loop; for `list` and `map` the filter, if any."""
    values: tuple[Node, ...] = ()
    """`list`: the element; `map`: key and value, or one map to merge in."""


def recognise(fold: Fold) -> Macro | None:
    """Return the macro that `fold` came from."""
    if isinstance(fold.range, ListOf) and not fold.range.elements and _is(fold.condition, value=False):
        return Macro("bind")
    name = fold.accumulator
    if isinstance(fold.init, Literal) and type(fold.init.value) is bool:
        return _quantifier(fold, name)
    if isinstance(fold.init, Literal) and type(fold.init.value) is int:
        return _exists_one(fold, name)
    if not (_is(fold.condition, value=True) and _named(fold.result, name)):
        return None
    condition, step = None, fold.step
    if isinstance(step, Call) and step.function == "_?_:_" and _named(step.arguments[2], name):
        condition, step = step.arguments[0], step.arguments[1]
    if not isinstance(step, Call) or not step.arguments or not _named(step.arguments[0], name):
        return None
    if isinstance(fold.init, ListOf) and not fold.init.elements and step.function == "_+_":
        added = step.arguments[1]
        if isinstance(added, ListOf) and len(added.elements) == 1 and not added.optional:
            return Macro("list", condition, added.elements)
    if isinstance(fold.init, MapOf) and not fold.init.entries and step.function == "cel.@mapInsert":
        return Macro("map", condition, step.arguments[1:])
    return None


def _quantifier(fold: Fold, name: str) -> Macro | None:
    universal = _is(fold.init, value=True)
    step = fold.step
    if (
        isinstance(step, Call)
        and step.function == ("_&&_" if universal else "_||_")
        and _named(step.arguments[0], name)
        and _named(fold.result, name)
        and isinstance(fold.condition, Call)
        and fold.condition.function == "@not_strictly_false"
    ):
        return Macro("all" if universal else "exists", step.arguments[1])
    return None


def _exists_one(fold: Fold, name: str) -> Macro | None:
    step, result = fold.step, fold.result
    if (
        isinstance(step, Call)
        and step.function == "_?_:_"
        and _named(step.arguments[2], name)
        and isinstance(step.arguments[1], Call)
        and step.arguments[1].function == "_+_"
        and isinstance(result, Call)
        and result.function == "_==_"
        and _named(result.arguments[0], name)
        and _is(fold.condition, value=True)
    ):
        return Macro("exists_one", step.arguments[0])
    return None


def _named(node: Node, name: str) -> bool:
    return isinstance(node, Ident) and node.name == name


def _is(node: Node, *, value: bool) -> bool:
    return isinstance(node, Literal) and node.value is value
