"""Nodes that rewriting adds to an expression; none has a number, for the runtime finds by itself what they call."""

from __future__ import annotations

from xspm.cel.ast import Call, Fold, Ident, ListOf, Literal, Node


def bind(name: str, value: Node, result: Node) -> Node:
    """`cel.bind(name, value, result)`, as a loop over one element.

    The runtime evaluates a real bind when its name is first read, and then takes what an earlier loop that ended early
    has left in the same place: `l.exists(v, true) && cel.bind(a, b, a)` yields an element of `l`.
    """
    once = ListOf(0, (value,), frozenset())
    outcome = f"{name}_"
    true = Literal(0, value=True)
    return Fold(0, name, "", once, outcome, Literal(0, None), true, result, Ident(0, outcome))


def call(function: str, *arguments: Node) -> Call:
    """A call of a function by its name."""
    return Call(0, function, None, arguments)


def when(condition: Node, yes: Node, no: Node) -> Node:
    """`condition ? yes : no`."""
    return call("_?_:_", condition, yes, no)
