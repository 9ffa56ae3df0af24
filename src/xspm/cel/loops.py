"""Macros → Python loops.

A fold whose purpose is known stops at the first element that decides, and keeps errors and unknowns aside until then;
any other fold runs as it is written. A loop charges its length to the meter before it starts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from xspm.cel.macros import Macro, recognise
from xspm.cel.writer import Block, Writer

if TYPE_CHECKING:
    from xspm.cel.ast import Fold


class Loops(Writer):
    """Writes loops."""

    def fold(self, node: Fold) -> str:
        """Write a fold; its result is in the local that is returned."""
        macro = recognise(node)
        if macro is not None and macro.kind == "bind":
            value = self.local(self.expression(node.init))
            return self.binding({node.accumulator: value}, node.result)
        sequence = self.temp()
        code = self.expression(node.range)
        if node.variable2:
            self.block.append(f"{sequence} = pairs_({code})")
        else:
            self.block.append(f"{sequence} = {code}")
            self.block.append(f"if type({sequence}) is not list: {sequence} = iterate_({sequence})")
        result = self.temp()
        names = {node.variable: self.temp()}
        heads = names[node.variable]
        if node.variable2:
            names[node.variable2] = self.temp()
            heads += f", {names[node.variable2]}"
        before, body, after = self.loop(node, macro, names, result)
        self.block += [
            f"if type({sequence}) is list:",
            [
                f"{self.meter}.left -= len({sequence})",
                f"if {self.meter}.left < 0: over()",
                *before,
                f"for {heads} in {sequence}:",
                body,
                *after,
            ],
            "else:",
            [f"{result} = {sequence}"],
        ]
        return result

    def loop(self, node: Fold, macro: Macro | None, names: dict[str, str], result: str) -> tuple[Block, Block, Block]:
        """Return what stands before, within and after the loop."""
        if macro is None:
            return self.general(node, names, result)
        if macro.kind in {"all", "exists"}:
            return self.quantified(macro, names, result)
        if macro.kind == "exists_one":
            block, test = self.within(lambda: self.binding(names, macro.condition or node))
            first, name = self.atom(test)
            odd, count = self.temp(), self.temp()
            body: Block = [
                *block,
                f"if {first} is True: {count} += 1",
                f"elif {name} is not False: {odd} = {name} if {odd} is None else and_({odd}, {name})",
            ]
            return [f"{count} = 0", f"{odd} = None"], body, [f"{result} = one_({count}, {odd})"]
        return self.collected(macro, names, result)

    def quantified(self, macro: Macro, names: dict[str, str], result: str) -> tuple[Block, Block, Block]:
        """`all`, `exists`: stop at the first element that decides."""
        decides, other, slow = ("False", "True", "and_") if macro.kind == "all" else ("True", "False", "or_")
        assert macro.condition is not None  # noqa: S101 - a quantifier has one
        condition = macro.condition
        block, test = self.within(lambda: self.binding(names, condition))
        first, name = self.atom(test)
        body: Block = [
            *block,
            f"if {first} is {decides}:",
            [f"{result} = {decides}", "break"],
            f"if {name} is not {other}: {result} = {slow}({result}, {name})",
        ]
        return [f"{result} = {other}"], body, []

    def collected(self, macro: Macro, names: dict[str, str], result: str) -> tuple[Block, Block, Block]:
        """`map`, `filter`, `transformList`, `transformMap`."""

        def write() -> str:
            codes = [self.binding(names, value) for value in macro.values]
            return codes[0] if len(codes) == 1 else ", ".join(codes)

        add, code = self.within(write)
        if macro.kind == "map":
            call = "insert_all_" if len(macro.values) == 1 else "insert_"
            add += [f"{result} = {call}({result}, {code})", f"if type({result}) is not dict: break"]
        elif code.isidentifier() and code in names.values():
            add.append(f"{result}.append({code})")
        else:
            first, name = self.atom(code)
            add += [f"if type({first}) is Fault:", [f"{result} = {name}", "break"], f"{result}.append({name})"]
        start = "{}" if macro.kind == "map" else "[]"
        if macro.condition is None:
            return [f"{result} = {start}"], add, []
        condition = macro.condition
        block, test = self.within(lambda: self.binding(names, condition))
        first, name = self.atom(test)
        odd, count = self.temp(), self.temp()
        body: Block = [
            *block,
            f"if {first} is True:", add,
            f"elif {name} is not False:",
            [f"{count} += 1", f"{odd} = {name} if {odd} is None else and_({odd}, {name})"],
        ]  # fmt: skip
        after: Block = [f"if {odd} is not None: {result} = maybe_({result}, {odd}, {count})"]
        return [f"{result} = {start}", f"{odd} = None", f"{count} = 0"], body, after

    def general(self, node: Fold, names: dict[str, str], result: str) -> tuple[Block, Block, Block]:
        """Write a fold as it stands."""
        accumulator = self.temp()
        init, start = self.lazily(node.init)
        bound = {**names, node.accumulator: accumulator}
        guard, condition = self.within(lambda: self.binding(bound, node.condition))
        first, name = self.atom(condition)
        step, value = self.within(lambda: self.binding(bound, node.step))
        end, final = self.within(lambda: self.binding({node.accumulator: accumulator}, node.result))
        body: Block = [
            *guard,
            f"if {first} is not True:",
            [f"if {name} is not False: {accumulator} = cond_({name})", "break"],
            *step,
            f"{accumulator} = {value}",
        ]
        return [*init, f"{accumulator} = {start}"], body, [*end, f"{result} = {final}"]
