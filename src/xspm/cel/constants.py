"""Constants that can only fail: a broken pattern, time or address is told when it is compiled, not when it runs."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from xspm.cel.ast import Call, Checked, Literal, Node, children
from xspm.cel.functions import FUNCTIONS
from xspm.cel.library import NAMES
from xspm.cel.values import DEFAULT_COST_LIMIT, EvaluationError, Meter

if TYPE_CHECKING:
    from collections.abc import Iterator

_PATTERNS: Final = frozenset({"matches", "regex.extract", "regex.extractAll", "regex.replace"})
_CONVERSIONS: Final = frozenset({"timestamp", "duration", "ip", "cidr"})


def broken(checked: Checked) -> Iterator[tuple[Node, str]]:
    """Yield every constant that its function cannot take, with the error."""
    yield from _broken(checked.root)


def _broken(node: Node) -> Iterator[tuple[Node, str]]:
    if isinstance(node, Call):
        arguments: tuple[Any, ...] = ()
        name = node.function
        if name in _PATTERNS:
            constant = node.operands[1]
            name, arguments = "matches", (Meter(DEFAULT_COST_LIMIT), "")
        elif name in _CONVERSIONS and node.operands:
            constant = node.operands[0]
        else:
            constant = node
        if isinstance(constant, Literal):
            function = FUNCTIONS[name].removeprefix("m:")
            result = getattr(import_module(f"xspm.cel.library.{NAMES[function]}"), function)(*arguments, constant.value)
            if type(result) is EvaluationError:
                yield constant, result.message
    for child in children(node):
        yield from _broken(child)
