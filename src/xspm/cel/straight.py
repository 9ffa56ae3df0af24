"""Checked expression → the straight way: Python for data without surprises.

Nearly every evaluation meets plain JSON of the expected types. The straight way is code for that case alone: a bool of
the language is a bool of Python, `&&` is `and`, a field is `d['f']`. Whatever it cannot answer (an unknown, an error, a
missing key, another type) raises, and the evaluation starts again the long way (`xspm.cel.codegen`), where CEL's rules
for unknowns and errors live. So there is one rule to keep: **where the straight way answers, the long way answers the
same**. It may give up at will, since expressions have no effects.

Both ways count steps by themselves, so an evaluation costs at most twice its limit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeVar

from xspm.cel.ast import Call, Checked, Fold, Ident, Literal, Select
from xspm.cel.calls import flatten
from xspm.cel.macros import Macro, recognise
from xspm.cel.patterns import Alternatives, alternatives
from xspm.cel.straight_calls import StraightCalls
from xspm.cel.writer import Block, render

if TYPE_CHECKING:
    from collections.abc import Callable

    from xspm.cel.codegen import Load

T = TypeVar("T")

_LONGEST_CHAIN: Final = 40
"""Operands of one `&&` or `||` that become one expression."""


def straight(checked: Checked, load: Load, parameters: str, *, boolean: bool, plain: bool) -> str:
    """Return Python source that defines `f`.

    Args:
        checked: the expression.
        load: how each free variable is loaded; may raise where there is none.
        parameters: the function's parameters before the cost limit.
        boolean: whether the result must be a bool.
        plain: whether the result is to be JSON-like.
    """
    writer = _Straight(checked, load)
    exact = boolean or writer.exact(checked.root) == "bool"
    value = writer.test(checked.root) if boolean else writer.expression(checked.root)
    if plain and not exact:
        value = writer.local(value)
        value = f"{value} if type({value}) is str else plain_({writer.meter}, {value})"
    prologue = [f"m = {'Meter(cost_limit)' if writer.metered else None}"] if writer.metered or writer.charged else []
    body = [*prologue, *writer.prologue, *writer.block, f"return {value}"]
    names = ", ".join(name.partition("=")[0] for name in parameters.split(", "))
    lines = [*writer.constants, f"def f({parameters}, cost_limit=LIMIT):", " try:", *render(body, 2)]
    lines += [" except ODD:", f"  return slow({names}, cost_limit)"]
    return "\n".join(lines) + "\n"


class _Straight(StraightCalls):
    """Writes expressions that are right wherever they do not raise."""

    def call(self, node: Call) -> str:
        """Return the Python expression for a call."""
        if node.function == "matches":
            return self.matches(node)
        return self.presence(node) if node.function == "hasValue" else super().call(node)

    # Names and fields -------------------------------------------------------------------------------------------------

    def select_here(self, node: Select) -> str:
        """Write a selection; what is no map raises."""
        if self.optional(node.operand):
            return super().select_here(node)
        code = self.expression(node.operand)
        if node.test:
            first, name = self.atom(code)
            return f"({node.field!r} in {name} if type({first}) is dict else odd_())"
        code = f"{code}[{node.field!r}]"
        return self.coerced(code, self.checked.type_of(node)) if self.typed(node) else code

    def select(self, node: Select) -> str:
        """Write `a.b` or `has(a.b)`; only a field of a typed resource is read ahead, since it is always there."""
        if self.typed(node) and isinstance(node.operand, Ident):
            return super().select(node)
        return self.select_here(node)

    def typed(self, node: Select) -> bool:
        """Whether a field belongs to a struct."""
        return self.checked.type_of(node.operand).kind == "message"

    def index(self, node: Call) -> str:
        """`a[b]`."""
        collection, key = node.arguments
        if isinstance(key, Literal) and type(key.value) is str:
            if not self.optional(collection):
                return f"{self.expression(collection)}[{key.value!r}]"
        elif self.checked.type_of(key).kind == "string":
            code = self.expression(collection)
            first, name = self.atom(self.expression(key))
            return f"{code}[{name} if type({first}) is str else odd_()]"
        return super().index(node)

    # Logic ------------------------------------------------------------------------------------------------------------

    def negation(self, node: Call) -> str:
        """`!a`."""
        return f"(not {self.test(node.arguments[0])})"

    def logic(self, node: Call) -> str:
        """`a && b && c`, `a || b || c`."""
        joint, guard = (" and ", "if {}:") if node.function == "_&&_" else (" or ", "if not {}:")
        operands = flatten(node, node.function)
        pending = [self.test(operands[0])]
        for operand in operands[1:]:
            block, code = self.within(lambda operand=operand: self.test(operand))  # type: ignore[misc]
            if not block and len(pending) < _LONGEST_CHAIN:
                pending.append(code)
                continue
            name = self.temp()
            self.block += [f"{name} = {joint.join(pending)}", guard.format(name), [*block, f"{name} = {code}"]]
            pending = [name]
        return f"({joint.join(pending)})"

    def conditional(self, node: Call) -> str:
        """`a ? b : c`."""
        condition = self.test(node.arguments[0])
        yes_block, yes = self.lazily(node.arguments[1])
        no_block, no = self.lazily(node.arguments[2])
        if not yes_block and not no_block:
            return f"({yes} if {condition} else {no})"
        result = self.temp()
        self.block += [
            f"if {condition}:", [*yes_block, f"{result} = {yes}"],
            "else:", [*no_block, f"{result} = {no}"],
        ]  # fmt: skip
        return result

    # Loops ------------------------------------------------------------------------------------------------------------

    def fold(self, node: Fold) -> str:
        """Write a fold; its result is in the local that is returned."""
        macro = recognise(node)
        if macro is None:
            return self.repeatedly(lambda: super(_Straight, self).fold(node))
        if macro.kind == "bind":
            return super().fold(node)
        found = alternatives(node, macro) if macro.kind in {"all", "exists"} and self.parameter(node.range) else None
        if found is not None:
            return self.any_pattern(node, found)
        sequence = self.temp()
        code = self.expression(node.range)
        self.block.append(f"{sequence} = {f'pairs_({code})' if node.variable2 else code}")
        if not node.variable2:
            self.block.append(f"if type({sequence}) is not list: {sequence} = iterate_({sequence})")
        result = self.temp()
        names = {name: self.temp() for name in (node.variable, node.variable2) if name}
        before, body, after = self.repeatedly(lambda: self.loop(node, macro, names, result))
        self.metered = True
        self.block += [
            f"m.left -= len({sequence})",
            "if m.left < 0: odd_()",
            *before,
            f"for {', '.join(names.values())} in {sequence}:",
            body,
            *after,
        ]
        return result

    def repeatedly(self, write: Callable[[], T]) -> T:
        """Run `write` where what it writes is evaluated more than once."""
        self.depth += 1
        try:
            return write()
        finally:
            self.depth -= 1

    def condition(self, macro: Macro, names: dict[str, str]) -> tuple[Block, str]:
        """Return the statements and the test for a loop's condition."""
        outer, self.scope = self.scope, {**self.scope, **names}
        try:
            assert macro.condition is not None  # noqa: S101 - whoever asks has seen it
            node = macro.condition
            return self.within(lambda: self.test(node))
        finally:
            self.scope = outer

    def loop(self, node: Fold, macro: Macro | None, names: dict[str, str], result: str) -> tuple[Block, Block, Block]:
        """Return what stands before, within and after the loop."""
        if macro is None or macro.kind in {"list", "map"}:
            return super().loop(node, macro, names, result)
        block, test = self.condition(macro, names)
        if macro.kind == "exists_one":
            after: Block = [f"{result} = {result} == 1"]
            return [f"{result} = 0"], [*block, f"if {test}: {result} += 1"], after
        universal = macro.kind == "all"
        guard = f"if not {test}:" if universal else f"if {test}:"
        return [f"{result} = {universal}"], [*block, guard, [f"{result} = {not universal}", "break"]], []

    def any_pattern(self, node: Fold, found: Alternatives) -> str:
        """`params.patterns.exists(p, text.matches(p))`: one search for all of them."""
        values = self.expression(node.range)
        key = f"joined {values} {found.before!r} {found.after!r}"
        if key not in self.free:
            self.free[key] = self.temp()
            self.prologue.append(f"{self.free[key]} = joined_({values}, {found.before!r}, {found.after!r})")
        code = self.found(self.expression(found.subject), self.free[key])
        return f"(not {code})" if found.negated else code
