"""Conditions in a form in which the same meaning looks the same.

Positions and the names of loop variables are gone, parameters are replaced by their values, `&&` and `||` are flat, and
negation stands at the leaves. Each step keeps what a condition yields for every resource, as far as a verdict tells it
apart: true, false, or neither (an error or an unknown).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from xspm.cel.ast import Call, Entry, Fold, Ident, ListOf, Literal, MapOf, Node, Select, Uint
from xspm.cel.macros import recognise
from xspm.errors import CelError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from xspm.cel.ast import Checked

_OPPOSITE: Final = {"and": "or", "or": "and", "all": "exists", "exists": "all"}


@dataclass(frozen=True, slots=True)
class Term:
    """A node: equal terms yield the same."""

    kind: str
    """`and`, `or`, `not`, `all`, `exists`, `if`, `bind`; `value`, `name`, `local`; or another node of the language."""
    detail: Any = None
    """What tells nodes of a kind apart: the value, the name, how many loops out a variable is bound."""
    parts: tuple[Term, ...] = ()

    @property
    def size(self) -> int:
        """How many nodes it has."""
        return 1 + sum(part.size for part in self.parts)


TRUE: Final = Term("value", ("bool", True))
FALSE: Final = Term("value", ("bool", False))


def value(plain: Any) -> Term:
    """A constant; numbers of different types differ."""
    return Term("value", _typed(plain))


def _typed(plain: Any) -> tuple[Any, ...]:
    match plain:
        case bool():
            return ("bool", plain)
        case int():
            return ("int", plain)
        case float():
            return ("double", repr(plain))
        case str():
            return ("string", plain)
        case bytes():
            return ("bytes", plain)
        case Uint():
            return ("uint", plain.value)
        case list() | tuple():
            return ("list", tuple(_typed(item) for item in plain))
        case dict():
            # In its own order, which a loop over the map follows.
            return ("map", tuple((key, _typed(item)) for key, item in plain.items()))
    return ("null",)


def term(checked: Checked, params: Mapping[str, Any], tables: Mapping[str, str]) -> Term:
    """Return the term of a checked condition.

    Args:
        checked: the condition.
        params: the value in force of every parameter.
        tables: by variable that stands for `resources["X"]`: X.

    Raises:
        CelError: the condition nests too deep.
    """
    try:
        return _Reader(checked, params, tables).read(checked.root, (), truth=True)
    except RecursionError as error:
        raise CelError("the expression nests too deep", hint="move parts of it into checks of their own") from error


class _Reader:
    def __init__(self, checked: Checked, params: Mapping[str, Any], tables: Mapping[str, str]) -> None:
        self._checked = checked
        self._params = params
        self._tables = tables

    def read(self, node: Node, bound: tuple[str, ...], *, truth: bool = False) -> Term:
        """The term of a node.

        Args:
            node: the node.
            bound: the variables of the loops around it, the innermost last.
            truth: whether only that it is true, false or neither matters. Elsewhere `!!x` is no `x`, which may be 3.
        """
        match node:
            case Literal():
                return value(node.value)
            case Ident():
                return self._name(node, bound)
            case Select():
                return Term("has" if node.test else "select", node.field, (self.read(node.operand, bound),))
            case Call():
                return self._truth(node, bound) if truth else self._call(node, bound)
            case ListOf():
                return self._list(node, bound)
            case MapOf():
                parts = tuple(part for entry in node.entries for part in self._entry(entry, bound))
                return Term("map", (node.message, tuple(entry.optional for entry in node.entries)), parts)
            case Fold():
                return self._fold(node, bound, truth=truth)
        return Term("odd", id(node))  # no such node: equal to nothing

    def _name(self, node: Ident, bound: tuple[str, ...]) -> Term:
        if node.name in bound:
            return Term("local", bound[::-1].index(node.name))
        reference = self._checked.references.get(node.id)
        if reference is not None and reference.value is not None:
            return value(reference.value.value)
        name = (reference.name if reference is not None and reference.name else node.name).removeprefix(".")
        if name in self._tables:
            return Term("resources", self._tables[name])
        parameter = name.removeprefix("params.")
        if parameter != name and parameter in self._params:
            return value(self._params[parameter])
        return Term("name", name)

    def _truth(self, node: Call, bound: tuple[str, ...]) -> Term:
        """A call whose value goes into `&&` and its like."""
        operands = node.operands
        match node.function:
            case "_&&_" | "_||_":
                kind = "and" if node.function == "_&&_" else "or"
                return both(kind, tuple(self.read(operand, bound, truth=True) for operand in operands))
            case "!_":
                return negated(self.read(operands[0], bound, truth=True))
            case "_!=_":
                return negated(self._call(replace(node, function="_==_"), bound))
            case "_?_:_":
                branches = (self.read(operand, bound, truth=True) for operand in operands[1:])
                return Term("if", None, (self.read(operands[0], bound), *branches))
            case "dyn":
                return self.read(operands[0], bound, truth=True)
        return self._call(node, bound)

    def _call(self, node: Call, bound: tuple[str, ...]) -> Term:
        parts = tuple(self.read(operand, bound) for operand in node.operands)
        match node.function:
            case "_<_" | "_<=_":
                return Term("call", (node.function.replace("<", ">"), False), parts[::-1])
            case "_==_" | "_!=_":
                return Term("call", (node.function, False), parts[::-1] if parts[0].kind == "value" else parts)
            case "dyn":
                return parts[0]
        return Term("call", (node.function, node.target is not None), parts)

    def _list(self, node: ListOf, bound: tuple[str, ...]) -> Term:
        parts = tuple(self.read(element, bound) for element in node.elements)
        if all(part.kind == "value" for part in parts) and not node.optional:
            return Term("value", ("list", tuple(part.detail for part in parts)))
        return Term("list", tuple(sorted(node.optional)), parts)

    def _entry(self, entry: Entry, bound: tuple[str, ...]) -> tuple[Term, Term]:
        key = self.read(entry.key, bound) if isinstance(entry.key, Node) else Term("field", entry.key)
        return key, self.read(entry.value, bound)

    def _fold(self, node: Fold, bound: tuple[str, ...], *, truth: bool) -> Term:
        macro = recognise(node)
        if macro is not None and macro.kind == "bind":
            result = self.read(node.result, (*bound, node.accumulator), truth=truth)
            return Term("bind", None, (self.read(node.init, bound), result))
        sequence = self.read(node.range, bound)
        variables = (node.variable, node.variable2) if node.variable2 else (node.variable,)
        if macro is not None and macro.kind in {"all", "exists"} and macro.condition is not None:
            return Term(
                macro.kind, len(variables), (sequence, self.read(macro.condition, (*bound, *variables), truth=truth))
            )
        once = (*bound, node.accumulator)
        inner = (*once, *variables)
        rest = self.read(node.condition, inner), self.read(node.step, inner), self.read(node.result, once)
        return Term("fold", len(variables), (sequence, self.read(node.init, bound), *rest))


def both(kind: str, parts: tuple[Term, ...]) -> Term:
    """`and` or `or` of some terms, flat."""
    flat: list[Term] = []
    for part in parts:
        flat += part.parts if part.kind == kind else [part]
    return Term(kind, None, tuple(flat))


def negated(one: Term) -> Term:
    """`!` of a term, moved down to where it can go no further."""
    match one.kind:
        case "not":
            return one.parts[0]
        case "and" | "or":
            return Term(_OPPOSITE[one.kind], None, tuple(map(negated, one.parts)))
        case "all" | "exists":
            return Term(_OPPOSITE[one.kind], one.detail, (one.parts[0], negated(one.parts[1])))
        case "if":
            return Term("if", None, (one.parts[0], negated(one.parts[1]), negated(one.parts[2])))
        case "bind":
            return Term("bind", None, (one.parts[0], negated(one.parts[1])))
        case "value" if one.detail[0] == "bool":
            return FALSE if one.detail[1] else TRUE
    return Term("not", None, (one,))
