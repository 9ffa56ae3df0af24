"""What the type checker lets pass and a policy must not: untested nulls, and presence tests that mean nothing.

A field that may be null has to be compared with null before it is used: `resource.banner != null &&
resource.banner.contains("x")`. The lint walks the checked tree with the set of paths known not to be null, as `&&`,
`||`, `?:` and `filter` establish them. What it cannot follow (a null from dynamic data) is an error at run time,
never a pass.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from xspm.cel.ast import Call, Fold, Ident, ListOf, Literal, MapOf, Node, Select, children, text
from xspm.cel.macros import Macro, recognise

if TYPE_CHECKING:
    from collections.abc import Mapping

    from xspm.cel.ast import Checked
    from xspm.model.schema import Shape

_TOLERANT: Final = frozenset(
    {"dyn", "type", "optional.of", "optional.ofNonZeroValue", "@not_strictly_false", "cel.@mapInsert"}
)
"""Functions to which null is a value like any other."""

Facts = frozenset[str]


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong, and where."""

    node: Node
    message: str
    hint: str


def lint(checked: Checked, shapes: Mapping[str, Shape], *, boolean: bool) -> list[Problem]:
    """Return the problems of an expression, in source order.

    Args:
        checked: the expression.
        shapes: structs by message name.
        boolean: whether the result itself must not be null.
    """
    walk = _Lint(checked, shapes)
    if boolean:
        walk.needed(checked.root, frozenset())
    walk.visit(checked.root, frozenset())
    return sorted(walk.problems, key=lambda problem: checked.positions.get(problem.node.id, 0))


class _Lint:
    def __init__(self, checked: Checked, shapes: Mapping[str, Shape]) -> None:
        self.checked = checked
        self.shapes = shapes
        self.problems: list[Problem] = []

    def field(self, node: Node) -> Shape | None:
        """Return the shape of a field of a typed resource."""
        if not isinstance(node, Select):
            return None
        kind = self.checked.type_of(node.operand)
        shape = self.shapes.get(kind.name) if kind.kind == "message" else None
        field = shape.field(node.field) if shape else None
        return field.shape if field else None

    def nullable(self, node: Node) -> bool:
        if self.checked.type_of(node).kind == "wrapper":
            return True
        field = None if isinstance(node, Select) and node.test else self.field(node)
        return field is not None and field.nullable

    def needed(self, node: Node, facts: Facts) -> None:
        """Report a node that may be null where null has no meaning."""
        path = text(node)
        if not self.nullable(node) or (path is not None and path in facts):
            return
        name = path or "this"
        self.problems.append(Problem(node, f"{name} may be null here", f"test it first: `{name} != null && …`"))

    def visit(self, node: Node, facts: Facts) -> None:
        match node:
            case Select():
                self.select(node, facts)
            case Call():
                self.call(node, facts)
            case Fold():
                self.fold(node, facts)
            case ListOf() | MapOf():
                for child in children(node):
                    self.visit(child, facts)

    def select(self, node: Select, facts: Facts) -> None:
        shape = self.field(node) if node.test else None
        if shape is not None:
            path = text(Select(0, node.operand, node.field, test=False)) or node.field
            hint = f"write `{path} != null`" if shape.nullable else f"read {path} itself"
            self.problems.append(Problem(node, f"has() says nothing of {path}: a typed field is always there", hint))
        self.needed(node.operand, facts)
        self.visit(node.operand, facts)

    def call(self, node: Call, facts: Facts) -> None:
        function, operands = node.function, node.operands
        if function in {"_&&_", "_||_"}:
            positive = function == "_&&_"
            self.needed(operands[0], facts)
            self.visit(operands[0], facts)
            facts |= self.facts(operands[0], positive=positive)
            self.needed(operands[1], facts)
            self.visit(operands[1], facts)
            return
        if function == "_?_:_":
            self.needed(operands[0], facts)
            self.visit(operands[0], facts)
            self.visit(operands[1], facts | self.facts(operands[0], positive=True))
            self.visit(operands[2], facts | self.facts(operands[0], positive=False))
            return
        tolerant = function in _TOLERANT or (function in {"_==_", "_!=_"} and any(map(_is_null, operands)))
        if function == "_?._" and self.checked.type_of(operands[0]).kind == "message":
            self.problems.append(
                Problem(node, "optional selection says nothing here: a typed field is always there", "use `.`")
            )
        for operand in operands:
            if not tolerant:
                self.needed(operand, facts)
            self.visit(operand, facts)

    def fold(self, node: Fold, facts: Facts) -> None:
        macro = recognise(node)
        if macro is not None and macro.kind == "bind":
            self.visit(node.init, facts)
            path = text(node.init)
            inner = _without(facts, node.accumulator)
            if path is not None and path in facts:
                inner |= {node.accumulator}
            self.visit(node.result, inner)
            return
        self.needed(node.range, facts)
        self.visit(node.range, facts)
        inner = _without(_without(facts, node.variable), node.variable2)
        if not node.variable2:
            inner |= self.carried(node.range, node.variable)
        if macro is None:
            for part in (node.init, node.condition, node.step, node.result):
                self.visit(part, inner)
            return
        if macro.condition is not None:
            self.needed(macro.condition, inner)
            self.visit(macro.condition, inner)
            inner |= self.facts(macro.condition, positive=True) if macro.kind in {"list", "map"} else frozenset()
        for value in macro.values:
            self.visit(value, inner)

    def carried(self, node: Node, variable: str) -> Facts:
        """Return what a `filter` established of the elements, said of the loop variable `variable`."""
        macro = recognise(node) if isinstance(node, Fold) else None
        if (
            not isinstance(node, Fold)
            or not isinstance(macro, Macro)
            or macro.kind != "list"
            or macro.condition is None
        ):
            return frozenset()
        value = macro.values[0]
        if not isinstance(value, Ident) or value.name != node.variable:
            return frozenset()
        known = self.facts(macro.condition, positive=True) | self.carried(node.range, node.variable)
        return frozenset(variable + path[len(node.variable) :] for path in known if _rooted(path, node.variable))

    def facts(self, node: Node, *, positive: bool) -> Facts:
        """Return the paths that are not null when `node` is true (or false, if not `positive`)."""
        if not isinstance(node, Call):
            return frozenset()
        operands = node.operands
        match node.function:
            case "!_":
                return self.facts(operands[0], positive=not positive)
            case "_!=_" | "_==_" if (node.function == "_!=_") is positive:
                tested = [operand for operand in operands if not _is_null(operand)]
                path = text(tested[0]) if len(tested) == 1 else None
                return frozenset() if path is None else frozenset({path})
            case "_&&_" | "_||_":
                left, right = (self.facts(operand, positive=positive) for operand in operands)
                return left | right if (node.function == "_&&_") is positive else left & right
        return frozenset()


def _is_null(node: Node) -> bool:
    return isinstance(node, Literal) and node.value is None


def _rooted(path: str, name: str) -> bool:
    return path == name or path.startswith((name + ".", name + "["))


def _without(facts: Facts, name: str) -> Facts:
    """Drop what is said of a name that is bound anew."""
    return frozenset(path for path in facts if not _rooted(path, name)) if name else facts
