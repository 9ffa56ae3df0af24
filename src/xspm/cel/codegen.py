"""Checked expression → Python source of one function.

Every node becomes a Python expression; what needs a loop first writes statements into the current block and leaves its result in a local.
Expressions test the type they expect inline (`type(t1) is str`) and hand everything else (unknown, error, other types) to a
library function, so plain JSON takes the short way and CEL's rules hold on the long one. Errors and unknowns are values, so nothing is
ever caught. Order of evaluation does not matter, since nothing has effects, but laziness does: a block of statements that belongs to a
lazily evaluated operand is written under the `if` that guards it.

Nothing of the source reaches the text except constants through `repr`: names are `t1`, `t2`, …, and functions come from fixed tables.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

from xspm.cel.ast import Call, Checked, Fold, Ident, ListOf, Literal, MapOf, Node, Select, Type, Uint
from xspm.cel.functions import ARITHMETIC, COMPARISONS, FUNCTIONS
from xspm.cel.macros import Macro, recognise
from xspm.errors import CelError

_LONGEST: Final = 1200
"""An expression longer than this goes into a local: Python's parser limits how deep parentheses nest."""

_PYTHON: Final = {"string": "str", "int": "int", "bool": "bool", "double": "float", "bytes": "bytes", "list": "list", "map": "dict"}
_BOUNDS: Final = "-9223372036854775808 <= ({}) <= 9223372036854775807"

Block: TypeAlias = "list[str | Block]"
Load: TypeAlias = Callable[[str], str | None]
"""Python expression that loads a variable of the expression, or None if there is no such variable."""

TYPES: Final = frozenset({
    "bool", "bytes", "double", "int", "list", "map", "null_type", "string", "type", "uint", "dyn", "optional_type",
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
    writer = _Writer(checked, load)
    value = writer.local(writer.expression(checked.root))
    lines = [*writer.constants, f"def f(m, {parameters}):"]
    _render([*writer.prologue, *writer.block, f"return {result.format(value)}"], 1, lines)
    return Generated("\n".join(lines) + "\n")


def _render(block: Block, depth: int, lines: list[str]) -> None:
    for item in block:
        if isinstance(item, str):
            lines.append(" " * depth + item)
        else:
            _render(item, depth + 1, lines)


class _Writer:
    def __init__(self, checked: Checked, load: Load) -> None:
        self.checked = checked
        self.load = load
        self.constants: list[str] = []
        self.prologue: list[str] = []
        self.block: Block = []
        self.scope: dict[str, str] = {}
        self.free: dict[str, str] = {}
        self.count = 0

    # Plumbing ----------------------------------------------------------------------------------------------------------

    def temp(self) -> str:
        self.count += 1
        return f"t{self.count}"

    def local(self, code: str) -> str:
        """Return a name or constant for `code`, assigning it to a local where it is neither."""
        if code.isidentifier():
            return code
        name = self.temp()
        self.block.append(f"{name} = {code}")
        return name

    def atom(self, code: str) -> tuple[str, str]:
        """Return how `code` is written where it is evaluated first, and where it is used again."""
        if code.isidentifier():
            return code, code
        name = self.temp()
        return f"({name} := {code})", name

    def constant(self, code: str) -> str:
        name = f"K{len(self.constants)}"
        self.constants.append(f"{name} = {code}")
        return name

    def within(self, write: Callable[[], str]) -> tuple[Block, str]:
        """Run `write` with a block of its own; return the block and the expression."""
        outer, self.block = self.block, []
        try:
            code = write()
            return self.block, code
        finally:
            self.block = outer

    def lazily(self, node: Node) -> tuple[Block, str]:
        return self.within(lambda: self.expression(node))

    def binding(self, names: Mapping[str, str], node: Node) -> str:
        """Return the expression for `node` with names bound."""
        outer, self.scope = self.scope, {**self.scope, **names}
        try:
            return self.expression(node)
        finally:
            self.scope = outer

    def python_type(self, *nodes: Node) -> str:
        """Return the Python type that the nodes most likely have at run time."""
        for node in nodes:
            kind = self.checked.type_of(node)
            if kind.kind == "wrapper":
                kind = kind.arguments[0]
            if kind.kind in _PYTHON:
                return _PYTHON[kind.kind]
        return "str"

    # Nodes -------------------------------------------------------------------------------------------------------------

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
        return self.local(code) if len(code) > _LONGEST else code

    def literal(self, node: Literal) -> str:
        value = node.value
        if isinstance(value, Uint):
            return self.constant(f"UInt({value.value:d})")
        if isinstance(value, float) and not math.isfinite(value):
            return self.constant(f"float({str(value)!r})")
        if value is None or isinstance(value, bool | int | float | str | bytes):
            return repr(value)
        raise CelError("not a constant")

    def variable(self, node: Node, name: str) -> str:
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
            self.free[name] = self.temp()
            self.prologue.append(f"{self.free[name]} = {code}")
        return self.free[name]

    def select(self, node: Select) -> str:
        reference = self.checked.references.get(node.id)
        if reference is not None and not node.test and (reference.name or reference.value is not None):
            return self.variable(node, reference.name)
        first, name = self.atom(self.expression(node.operand))
        field = repr(node.field)
        if node.test:
            return f"({field} in {name} if type({first}) is dict else has_({name}, {field}))"
        code = f"({name}[{field}] if type({first}) is dict and {field} in {name} else sel_({name}, {field}))"
        if self.checked.type_of(node.operand).kind == "message":
            return self.coerced(code, self.checked.type_of(node))
        return code

    @staticmethod
    def coerced(code: str, kind: Type) -> str:
        """Let JSON numbers without a point be doubles where the schema says so."""
        if kind.kind in {"double", "list", "map", "wrapper"}:
            inner = kind.arguments[-1] if kind.arguments else kind
            if inner.kind == "wrapper":
                inner = inner.arguments[0]
            if inner.kind == "double":
                return f"coerce_(m, {code}, {('double' if kind.kind in {'double', 'wrapper'} else 'items')!r})"
        return code

    def make_list(self, node: ListOf) -> str:
        if node.optional:
            parts = [f"{index in node.optional}, {self.expression(item)}" for index, item in enumerate(node.elements)]
            return f"list_opt_({', '.join(parts)})"
        items = ", ".join(self.expression(item) for item in node.elements)
        if all(isinstance(item, Literal) for item in node.elements):
            return f"[{items}]"
        return f"list_({items})"

    def make_map(self, node: MapOf) -> str:
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

    # Calls -------------------------------------------------------------------------------------------------------------

    def call(self, node: Call) -> str:
        function = node.function
        match function:
            case "_&&_" | "_||_":
                return self.logic(node)
            case "_?_:_":
                return self.conditional(node)
            case "or" | "orValue" if node.target is not None:
                return self.alternative(node)
            case "_==_" | "_!=_":
                return self.equality(node)
            case "@in" | "_in_":
                return self.membership(node)
            case "!_":
                first, name = self.atom(self.expression(node.arguments[0]))
                return f"(not {name} if type({first}) is bool else not_({name}))"
            case "_[_]":
                return self.index(node)
            case "size":
                first, name = self.atom(self.expression(node.operands[0]))
                kind = {"str": "str", "dict": "dict"}.get(self.python_type(node.operands[0]), "list")
                return f"(len({name}) if type({first}) is {kind} else size_({name}))"
            case "contains" | "startsWith" | "endsWith":
                return self.text_test(node)
            case "optional.none":
                return "NONE"
        if function in COMPARISONS:
            return self.comparison(node)
        if function in ARITHMETIC:
            return self.arithmetic(node)
        if function not in FUNCTIONS:
            raise CelError(f"no function '{function}'")
        name = FUNCTIONS[function]
        if function == "ip" and node.target is not None:
            name = "cidr_ip_"
        arguments = [self.expression(operand) for operand in node.operands]
        if name.startswith("m:"):
            return f"{name[2:]}({', '.join(['m', *arguments])})"
        return f"{name}({', '.join(arguments)})"

    def both(self, one: Node, two: Node, kind: str) -> tuple[str, str, str]:
        """Return (test that both operands are of the Python type `kind`, left, right), evaluating each once."""
        tests: list[str] = []
        names: list[str] = []
        for node in (one, two):
            code = self.expression(node)
            if isinstance(node, Literal) and type(node.value).__name__ == kind:
                names.append(f"({code})" if code.startswith("-") else code)
                continue
            first, name = self.atom(code)
            tests.append(f"type({first})")
            names.append(name)
        return " is ".join([*tests, kind]) if tests else "True", names[0], names[1]

    def equality(self, node: Call) -> str:
        one, two = node.arguments
        if isinstance(one, Literal) and not isinstance(two, Literal):
            one, two = two, one
        operator, slow = ("==", "eq_") if node.function == "_==_" else ("!=", "ne_")
        if isinstance(two, Literal) and two.value is None:
            first, name = self.atom(self.expression(one))
            kind = "dict" if self.checked.type_of(one).kind in {"message", "map"} else self.python_type(one)
            return f"({operator == '=='} if {first} is None else {operator == '!='} if type({name}) is {kind} else {slow}(m, {name}, None))"
        kind = type(two.value).__name__ if isinstance(two, Literal) else self.python_type(one, two)
        if kind not in {"str", "int", "bool", "float", "bytes"}:
            kind = "str"
        test, left, right = self.both(one, two, kind)
        return f"({left} {operator} {right} if {test} else {slow}(m, {left}, {right}))"

    def comparison(self, node: Call) -> str:
        operator, slow = COMPARISONS[node.function]
        kind = self.python_type(*node.arguments)
        test, left, right = self.both(*node.operands, kind if kind in {"str", "int", "float"} else "int")
        return f"({left} {operator} {right} if {test} else {slow}({left}, {right}))"

    def arithmetic(self, node: Call) -> str:
        operator, slow = ARITHMETIC[node.function]
        kind = self.python_type(*node.arguments)
        if kind == "int":
            test, left, right = self.both(*node.operands, "int")
            name = self.temp()
            bounded = _BOUNDS.format(f"{name} := {left} {operator} {right}")
            return f"({name} if {test} and {bounded} else {slow}{left}, {right}))"
        one, two = (self.expression(argument) for argument in node.arguments)
        return f"{slow}{one}, {two})"

    def text_test(self, node: Call) -> str:
        test, left, right = self.both(*node.operands, "str")
        match node.function:
            case "contains":
                return f"({right} in {left} if {test} and len({left}) < 4096 else contains_(m, {left}, {right}))"
            case "startsWith":
                return f"({left}.startswith({right}) if {test} else starts_with_({left}, {right}))"
        return f"({left}.endswith({right}) if {test} else ends_with_({left}, {right}))"

    def membership(self, node: Call) -> str:
        item, collection = node.arguments
        if isinstance(collection, ListOf) and collection.elements and not collection.optional:
            kinds = {type(element.value) if isinstance(element, Literal) else None for element in collection.elements}
            if kinds == {str} or kinds == {int}:
                kind = kinds.pop()
                first, name = self.atom(self.expression(item))
                items = ", ".join(repr(element.value) for element in collection.elements if isinstance(element, Literal))
                return f"({name} in {{{items}}} if type({first}) is {kind.__name__ if kind else ''} else in_(m, {name}, [{items}]))"
        if isinstance(item, Literal) and type(item.value) is str and self.checked.type_of(collection).kind == "map":
            first, name = self.atom(self.expression(collection))
            return f"({item.value!r} in {name} if type({first}) is dict else in_(m, {item.value!r}, {name}))"
        return f"in_(m, {self.expression(item)}, {self.expression(collection)})"

    def index(self, node: Call) -> str:
        collection, key = node.arguments
        code = self.expression(collection)
        if isinstance(key, Literal) and type(key.value) is str:
            first, name = self.atom(code)
            field = repr(key.value)
            return f"({name}[{field}] if type({first}) is dict and {field} in {name} else index_({name}, {field}))"
        if isinstance(key, Literal) and type(key.value) is int and key.value >= 0:
            first, name = self.atom(code)
            return f"({name}[{key.value}] if type({first}) is list and len({name}) > {key.value} else index_({name}, {key.value}))"
        return f"index_({code}, {self.expression(key)})"

    # Laziness ----------------------------------------------------------------------------------------------------------

    def logic(self, node: Call) -> str:
        """`a && b && c`, `a || b || c`: stop at the first operand that decides."""
        decides, other, slow = ("False", "True", "and_") if node.function == "_&&_" else ("True", "False", "or_")
        operands = _flatten(node, node.function)
        result = self.expression(operands[0])
        pending: list[str] = [result]
        for operand in operands[1:]:
            block, code = self.lazily(operand)
            if not block:
                pending.append(code)
                continue
            name = self.temp()
            self.block.append(f"{name} = {self.chain(pending, decides, other, slow)}")
            self.block += [f"if {name} is not {decides}:", [*block, f"{name} = {slow}({name}, {code})"]]
            pending = [name]
        return self.chain(pending, decides, other, slow)

    def chain(self, codes: list[str], decides: str, other: str, slow: str) -> str:
        if len(codes) == 1:
            return codes[0]
        atoms = [self.atom(code) for code in codes]
        stop = " or ".join(f"{first} is {decides}" for first, _ in atoms)
        go = " and ".join(f"{name} is {other}" for _, name in atoms)
        folded = atoms[0][1]
        for _, name in atoms[1:]:
            folded = f"{slow}({folded}, {name})"
        return self.spill(f"({decides} if {stop} else {other} if {go} else {folded})")

    def spill(self, code: str) -> str:
        return self.local(code) if len(code) > _LONGEST else code

    def conditional(self, node: Call) -> str:
        first, name = self.atom(self.expression(node.arguments[0]))
        yes_block, yes = self.lazily(node.arguments[1])
        no_block, no = self.lazily(node.arguments[2])
        if not yes_block and not no_block:
            return f"({yes} if {first} is True else {no} if {name} is False else cond_({name}))"
        result = self.temp()
        self.block += [
            f"if {first} is True:", [*yes_block, f"{result} = {yes}"],
            f"elif {name} is False:", [*no_block, f"{result} = {no}"],
            "else:", [f"{result} = cond_({name})"],
        ]  # fmt: skip
        return result

    def alternative(self, node: Call) -> str:
        """`a.or(b)`, `a.orValue(b)`: b is evaluated only where a has no value."""
        assert node.target is not None  # noqa: S101 - the caller matched it
        first, name = self.atom(self.expression(node.target))
        block, other = self.lazily(node.arguments[0])
        slow = "or_optional_" if node.function == "or" else "or_value_"
        if not block:
            return f"({slow}({name}, {other}) if {first} == NONE else {slow}({name}, NONE))"
        result = self.temp()
        self.block += [
            f"if {first} == NONE:", [*block, f"{result} = {slow}({name}, {other})"],
            "else:", [f"{result} = {slow}({name}, NONE)"],
        ]  # fmt: skip
        return result

    # Loops -------------------------------------------------------------------------------------------------------------

    def fold(self, node: Fold) -> str:
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
                f"m.left -= len({sequence})",
                "if m.left < 0: over()",
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
            f"elif {name} is not False:", [f"{count} += 1", f"{odd} = {name} if {odd} is None else and_({odd}, {name})"],
        ]  # fmt: skip
        after: Block = [f"if {odd} is not None: {result} = maybe_({result}, {odd}, {count})"]
        return [f"{result} = {start}", f"{odd} = None", f"{count} = 0"], body, after

    def general(self, node: Fold, names: dict[str, str], result: str) -> tuple[Block, Block, Block]:
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


def _flatten(node: Call, function: str) -> list[Node]:
    """Return the operands of a chain of one logical operator."""
    operands: list[Node] = []
    for argument in node.arguments:
        if isinstance(argument, Call) and argument.function == function:
            operands += _flatten(argument, function)
        else:
            operands.append(argument)
    return operands
