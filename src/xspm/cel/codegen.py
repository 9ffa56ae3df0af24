"""Checked expression → Python source of one function.

Every node becomes a Python expression; what needs a loop first writes statements into the current block and leaves
its result in a local. Expressions test the type they expect inline (`type(t1) is str`) and hand everything else
(unknown, error, other types) to a library function, so plain JSON takes the short way and CEL's rules hold on the
long one. Errors and unknowns are values, so nothing is ever caught. Order of evaluation does not matter, since
nothing has effects, but laziness does: the statements of a lazily evaluated operand are written under the `if` that
guards it.

Nothing of the source reaches the text except constants through `repr`: names are `t1`, `t2`, …, and functions come
from fixed tables.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeAlias

from xspm.cel.ast import Call, Checked, Fold, Ident, ListOf, Literal, MapOf, Node, Select, Type, Uint, text
from xspm.cel.calls import Calls
from xspm.cel.loops import Loops
from xspm.cel.reads import repeated_paths
from xspm.cel.writer import render
from xspm.errors import CelError

Load: TypeAlias = Callable[[str], str | None]
"""Python expression that loads a variable of the expression, or None if there is no such variable."""

TYPES: Final = frozenset({
    "bool", "bytes", "double", "int", "list", "map", "null_type", "string", "type", "uint", "optional_type",
    "google.protobuf.Timestamp", "google.protobuf.Duration", "net.IP", "net.CIDR",
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Generated:
    """Python source that defines `f`."""

    text: str


def generate(checked: Checked, load: Load, parameters: str, result: str) -> Generated:
    """Write the function.

    Args:
        checked: the expression.
        load: how each free variable is loaded.
        parameters: the function's parameters after the meter.
        result: template around the result, `{}` being the local that holds it.

    Raises:
        CelError: it uses a function or variable that is not there.
    """
    writer = Generator(checked, load)
    value = writer.local(writer.expression(checked.root))
    lines = [*writer.constants, f"def f(m, {parameters}):"]
    lines += render([*writer.prologue, *writer.block, f"return {result.format(value)}"], 1)
    return Generated("\n".join(lines) + "\n")


class Generator(Calls, Loops):
    """Writes every kind of node."""

    def __init__(self, checked: Checked, load: Load) -> None:
        """Take the expression, and how each free variable is loaded."""
        super().__init__(checked)
        self.load = load
        self.repeated = repeated_paths(checked) if checked.references else frozenset()

    def expression(self, node: Node) -> str:
        """Return a Python expression for `node`, having written the statements it needs."""
        match node:
            case Literal():
                code = self.literal(node)
            case Ident():
                code = self.variable(node, node.name)
            case Select():
                code = self.select(node)
            case Call():
                code = self.call(node)
            case ListOf():
                code = self.make_list(node)
            case MapOf():
                code = self.make_map(node)
            case Fold():
                code = self.fold(node)
            case _:
                raise CelError("not an expression")
        return self.spill(code)

    def literal(self, node: Literal) -> str:
        """Write a constant."""
        value = node.value
        if isinstance(value, Uint):
            return self.constant(f"UInt({value.value:d})")
        if isinstance(value, float) and not math.isfinite(value):
            return self.constant(f"float({str(value)!r})")
        if value is None or isinstance(value, bool | int | float | str | bytes):
            return repr(value)
        raise CelError("not a constant")

    def variable(self, node: Node, name: str) -> str:
        """Return the local that holds a variable; free ones are loaded before anything else."""
        if name in self.scope:
            return self.scope[name]
        reference = self.checked.references.get(node.id)
        if reference is not None and reference.value is not None:
            return self.literal(reference.value)
        name = (reference.name if reference is not None and reference.name else name).removeprefix(".")
        if name not in self.free:
            if name in TYPES:
                self.free[name] = self.constant(f"TypeName({name!r})")
                return self.free[name]
            code = self.load(name)
            if code is None:
                raise CelError(f"no variable '{name}'")
            if code.isidentifier():
                self.free[name] = code
                return code
            self.free[name] = self.temp()
            self.prologue.append(f"{self.free[name]} = {code}")
        return self.free[name]

    def select(self, node: Select) -> str:
        """Write `a.b` or `has(a.b)`; a path that is read more than once is read once, before anything else."""
        path = None if node.test else text(node)
        if path is None or path not in self.repeated or path.partition(".")[0] in self.scope:
            return self.select_here(node)
        if path not in self.free:
            code = self.select_here(node)
            self.free[path] = self.temp()
            self.prologue.append(f"{self.free[path]} = {code}")
        return self.free[path]

    def select_here(self, node: Select) -> str:
        """Write a selection where it stands."""
        first, name = self.atom(self.expression(node.operand))
        field = repr(node.field)
        if node.test:
            return f"({field} in {name} if type({first}) is dict else has_({name}, {field}))"
        code = f"({name}[{field}] if type({first}) is dict and {field} in {name} else sel_({name}, {field}))"
        path = text(node) if not self.checked.references else None
        if path is not None and path.partition(".")[0] not in self.scope:
            whole = self.variable(node, path)
            return f"({whole} if type({whole}) is not Fault else {code})"
        if self.checked.type_of(node.operand).kind == "message":
            return self.coerced(code, self.checked.type_of(node))
        return code

    def coerced(self, code: str, kind: Type) -> str:
        """Let JSON numbers without a point be doubles where the schema says so."""
        if kind.kind in {"double", "list", "map", "wrapper"}:
            inner = kind.arguments[-1] if kind.arguments else kind
            if inner.kind == "wrapper":
                inner = inner.arguments[0]
            if inner.kind == "double":
                return (
                    f"coerce_({self.meter}, {code}, {('double' if kind.kind in {'double', 'wrapper'} else 'items')!r})"
                )
        return code

    def make_list(self, node: ListOf) -> str:
        """Write `[a, b]`."""
        if node.optional:
            parts = [f"{index in node.optional}, {self.expression(item)}" for index, item in enumerate(node.elements)]
            return f"list_opt_({', '.join(parts)})"
        items = ", ".join(self.expression(item) for item in node.elements)
        if all(isinstance(item, Literal) for item in node.elements):
            return f"[{items}]"
        return f"list_({items})"

    def make_map(self, node: MapOf) -> str:
        """Write `{k: v}` or `Name{field: v}`."""
        parts: list[str] = []
        flags = any(entry.optional for entry in node.entries)
        for entry in node.entries:
            if flags:
                parts.append(repr(entry.optional))
            parts.append(repr(entry.key) if isinstance(entry.key, str) else self.expression(entry.key))
            parts.append(self.expression(entry.value))
        if node.message:
            if flags:
                raise CelError(f"optional fields of '{node.message}' are not supported")
            return f"message_({', '.join([repr(node.message), *parts])})"
        return f"{'map_opt_' if flags else 'map_'}({', '.join(parts)})"
