"""Hold the C++ runtime to the language, where it takes more or has no limit.

It reads `int(" 12")` as 12, which is no number in the language, and makes lists until memory ends. A call that could
do so is rewritten to ask first, and to be an error where the language has one. What cannot be asked first is refused.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from xspm.cel.ast import Call, Checked, Ident, ListOf, Literal, MapOf, Node
from xspm.cel.forms import DOUBLE, INTEGER, TIMESTAMP
from xspm.cel.nodes import bind, call, when
from xspm.cel.values import DEFAULT_COST_LIMIT

if TYPE_CHECKING:
    from collections.abc import Iterable

REFUSE: Final = "xspm_refuse"
"""Function (string): raise an error of that text."""

LONGEST_RANGE: Final = DEFAULT_COST_LIMIT // 4
"""Elements of `lists.range` that the cost limit of the other engine lets through."""

_FORMS: Final = {"int": INTEGER, "uint": INTEGER, "double": DOUBLE, "timestamp": TIMESTAMP}
_NUMBERS: Final = frozenset({"int", "uint", "double", "dyn"})


def concerns(checked: Checked, node: Node) -> bool:
    """Whether a node is a call that `asked` rewrites."""
    if not isinstance(node, Call) or node.target is not None:
        return False
    if node.function == "lists.range":
        return True
    return node.function in _FORMS and checked.type_of(node.arguments[0]).kind in {"string", "dyn", "wrapper"}


def asked(new: Call, name: str) -> Node:
    """Return a rewritten call that asks first whether its argument is one of the language.

    Args:
        new: the call, its argument rewritten.
        name: a fresh name.
    """
    value = Ident(0, name)
    plain: Node = replace(new, arguments=(value,))
    if new.function == "lists.range":
        wrong: Node = call("_>_", value, Literal(0, LONGEST_RANGE))
        message = "cost limit exceeded"
        # Fewer than none is none; the runtime breaks on it.
        plain = when(call("_<_", value, Literal(0, 0)), ListOf(0, (), frozenset()), plain)
    else:
        formed = Call(0, "matches", value, (Literal(0, f"^(?:{_FORMS[new.function]})$"),))
        wrong = call("_&&_", call("_==_", call("type", value), Ident(0, "string")), call("!_", formed))
        message = f"cannot convert string to {new.function}"
    refused = call(REFUSE, Literal(0, message))
    return bind(name, new.arguments[0], when(wrong, refused, plain))


def mixes_keys(checked: Checked, nodes: Iterable[Node]) -> bool:
    """Whether a map is written with keys that are equal numbers of two types, as `{1: a, 1u: b}`.

    That is a repeated key, but not to the runtime; and the wheel hands out one of the two.
    """
    nodes = list(nodes)
    unsigned = any(checked.type_of(node).kind == "uint" for node in nodes)
    for node in nodes:
        if isinstance(node, MapOf):
            kinds = [checked.type_of(entry.key).kind for entry in node.entries if isinstance(entry.key, Node)]
            numbers = [kind for kind in kinds if kind in _NUMBERS]
            if len(set(numbers)) > 1 or (unsigned and numbers.count("dyn") > 1):
                return True
    return False
