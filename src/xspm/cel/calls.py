"""Operators and functions → Python, with a short way for operands of the expected type.

`_HANDLERS` lists what has one; every other function is a call into the library.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from xspm.cel.ast import Call, ListOf, Literal, Node, text
from xspm.cel.functions import ARITHMETIC, COMPARISONS, FUNCTIONS
from xspm.cel.writer import Writer
from xspm.errors import CelError

if TYPE_CHECKING:
    from collections.abc import Callable

_BOUNDS: Final = "-9223372036854775808 <= ({}) <= 9223372036854775807"


_CONSTANT: Final = frozenset({"timestamp__", "duration__", "ip_", "cidr_"})
"""Conversions that are carried out once per program where the operand is a constant."""


SHORT: Final = 4096
"""Characters that are compared or searched without charge."""

_LONGEST_CHAIN: Final = 8
"""Operands of one `&&` or `||` that become one expression; the next ones get an `if` of their own."""


class Calls(Writer):
    """Writes calls."""

    def call(self, node: Call) -> str:
        """Return the Python expression for a call."""
        handler = _HANDLERS.get(node.function)
        if handler is not None and (node.function not in {"or", "orValue"} or node.target is not None):
            return handler(self, node)
        function, operands, checked = node.function, node.operands, bool(self.checked.references)
        if node.target is not None and not checked and f"{text(node.target)}.{function}" in FUNCTIONS:
            function, operands = f"{text(node.target)}.{function}", node.arguments
        if function not in FUNCTIONS:
            if not checked:
                return f"no_function_({function!r})"
            raise CelError(f"no function '{function}'")
        name = FUNCTIONS[function]
        if name in _CONSTANT and len(operands) == 1 and isinstance(operands[0], Literal):
            return self.constant(f"{name}({self.literal(operands[0])})")
        if function == "ip" and node.target is not None:
            name = "cidr_ip_"
        arguments = [self.expression(operand) for operand in operands]
        if name.startswith("m:"):
            name = name.removeprefix("m:")
            arguments.insert(0, self.meter)
        return f"{name}({', '.join(arguments)})" if checked else f"call_({', '.join([name, *arguments])})"

    def negation(self, node: Call) -> str:
        """`!a`."""
        first, name = self.atom(self.expression(node.arguments[0]))
        return f"(not {name} if type({first}) is bool else not_({name}))"

    def size(self, node: Call) -> str:
        """`size(a)`, `a.size()`."""
        first, name = self.atom(self.expression(node.operands[0]))
        kind = {"str": "str", "dict": "dict"}.get(self.python_type(node.operands[0]), "list")
        return f"(len({name}) if type({first}) is {kind} else size_({name}))"

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
        test = " is ".join([*tests, kind]) if tests else "True"
        if kind == "str" and len(tests) == 2:
            # two long texts that differ late: their comparison costs, so it has to be charged
            test += f" and len({names[1]}) < {SHORT}"
        return test, names[0], names[1]

    def equality(self, node: Call) -> str:
        """`a == b`, `a != b`."""
        one, two = node.arguments
        if isinstance(one, Literal) and not isinstance(two, Literal):
            one, two = two, one
        operator, slow = ("==", "eq_") if node.function == "_==_" else ("!=", "ne_")
        if isinstance(two, Literal) and two.value is None:
            first, name = self.atom(self.expression(one))
            kind = "dict" if self.checked.type_of(one).kind in {"message", "map"} else self.python_type(one)
            null, other = operator == "==", operator == "!="
            rest = f"{other} if type({name}) is {kind} else {slow}({self.meter}, {name}, None)"
            return f"({null} if {first} is None else {rest})"
        kind = type(two.value).__name__ if isinstance(two, Literal) else self.python_type(one, two)
        if kind not in {"str", "int", "bool", "float", "bytes"}:
            kind = "str"
        test, left, right = self.both(one, two, kind)
        return f"({left} {operator} {right} if {test} else {slow}({self.meter}, {left}, {right}))"

    def comparison(self, node: Call) -> str:
        """`a < b` and the like."""
        operator, slow = COMPARISONS[node.function]
        kind = self.python_type(*node.arguments)
        test, left, right = self.both(
            node.operands[0], node.operands[1], kind if kind in {"str", "int", "float"} else "int"
        )
        return f"({left} {operator} {right} if {test} else {slow}({self.meter}, {left}, {right}))"

    def arithmetic(self, node: Call) -> str:
        """`a + b`, `a - b`, `a * b`."""
        operator, slow = ARITHMETIC[node.function]
        slow = f"add_({self.meter}, " if slow == "m:add_" else f"{slow}("
        kind = self.python_type(*node.arguments)
        if kind == "int":
            test, left, right = self.both(node.operands[0], node.operands[1], "int")
            name = self.temp()
            bounded = _BOUNDS.format(f"{name} := {left} {operator} {right}")
            return f"({name} if {test} and {bounded} else {slow}{left}, {right}))"
        one, two = (self.expression(argument) for argument in node.arguments)
        return f"{slow}{one}, {two})"

    def text_test(self, node: Call) -> str:
        """`a.contains(b)`, `a.startsWith(b)`, `a.endsWith(b)`."""
        test, left, right = self.both(node.operands[0], node.operands[1], "str")
        match node.function:
            case "contains":
                rest = f"contains_({self.meter}, {left}, {right})"
                return f"({right} in {left} if {test} and len({left}) < {SHORT} else {rest})"
            case "startsWith":
                return f"({left}.startswith({right}) if {test} else starts_with_({self.meter}, {left}, {right}))"
        return f"({left}.endswith({right}) if {test} else ends_with_({self.meter}, {left}, {right}))"

    def membership(self, node: Call) -> str:
        """`a in b`."""
        item, collection = node.arguments
        if isinstance(collection, ListOf) and collection.elements and not collection.optional:
            kinds = {type(element.value) if isinstance(element, Literal) else None for element in collection.elements}
            kind = kinds.pop() if len(kinds) == 1 else None
            if kind is str or kind is int:
                first, name = self.atom(self.expression(item))
                items = ", ".join(
                    repr(element.value) for element in collection.elements if isinstance(element, Literal)
                )
                rest = f"in_({self.meter}, {name}, [{items}])"
                return f"({name} in {{{items}}} if type({first}) is {kind.__name__} else {rest})"
        if isinstance(item, Literal) and type(item.value) is str and self.checked.type_of(collection).kind == "map":
            first, name = self.atom(self.expression(collection))
            return f"({item.value!r} in {name} if type({first}) is dict else in_({self.meter}, {item.value!r}, {name}))"
        first, left = self.atom(self.expression(item))
        second, right = self.atom(self.expression(collection))
        # `&` evaluates both sides, so both names are bound on the long way too
        test = f"(type({first}) is str) & (type({second}) is list) and {left} in {right}"
        return f"(True if {test} else in_({self.meter}, {left}, {right}))"

    def index(self, node: Call) -> str:
        """`a[b]`."""
        collection, key = node.arguments
        code = self.expression(collection)
        if isinstance(key, Literal) and type(key.value) is str:
            first, name = self.atom(code)
            field = repr(key.value)
            return f"({name}[{field}] if type({first}) is dict and {field} in {name} else index_({name}, {field}))"
        if isinstance(key, Literal) and type(key.value) is int and key.value >= 0:
            first, name = self.atom(code)
            at = key.value
            return f"({name}[{at}] if type({first}) is list and len({name}) > {at} else index_({name}, {at}))"
        return f"index_({code}, {self.expression(key)})"

    def logic(self, node: Call) -> str:
        """`a && b && c`, `a || b || c`: stop at the first operand that decides."""
        decides, other, slow = ("False", "True", "and_") if node.function == "_&&_" else ("True", "False", "or_")
        operands = flatten(node, node.function)
        result = self.expression(operands[0])
        pending: list[str] = [result]
        for operand in operands[1:]:
            block, code = self.lazily(operand)
            if not block and len(pending) < _LONGEST_CHAIN:
                pending.append(code)
                continue
            name = self.temp()
            self.block.append(f"{name} = {self.chain(pending, decides, other, slow)}")
            self.block += [f"if {name} is not {decides}:", [*block, f"{name} = {slow}({name}, {code})"]]
            pending = [name]
        return self.chain(pending, decides, other, slow)

    def chain(self, codes: list[str], decides: str, other: str, slow: str) -> str:
        """Join operands of one logical operator into one expression."""
        if len(codes) == 1:
            return codes[0]
        atoms = [self.atom(code) for code in codes]
        stop = " or ".join(f"{first} is {decides}" for first, _ in atoms)
        go = " and ".join(f"{name} is {other}" for _, name in atoms)
        folded = atoms[0][1]
        for _, name in atoms[1:]:
            folded = f"{slow}({folded}, {name})"
        return self.spill(f"({decides} if {stop} else {other} if {go} else {folded})")

    def conditional(self, node: Call) -> str:
        """`a ? b : c`."""
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


def flatten(node: Call, function: str) -> list[Node]:
    """Return the operands of a chain of one logical operator."""
    operands: list[Node] = []
    for argument in node.arguments:
        if isinstance(argument, Call) and argument.function == function:
            operands += flatten(argument, function)
        else:
            operands.append(argument)
    return operands


_HANDLERS: Final[dict[str, Callable[[Calls, Call], str]]] = {
    "_&&_": lambda writer, node: writer.logic(node),
    "_||_": lambda writer, node: writer.logic(node),
    "_?_:_": lambda writer, node: writer.conditional(node),
    "or": lambda writer, node: writer.alternative(node),
    "orValue": lambda writer, node: writer.alternative(node),
    "_==_": lambda writer, node: writer.equality(node),
    "_!=_": lambda writer, node: writer.equality(node),
    "@in": lambda writer, node: writer.membership(node),
    "_in_": lambda writer, node: writer.membership(node),
    "!_": lambda writer, node: writer.negation(node),
    "_[_]": lambda writer, node: writer.index(node),
    "size": lambda writer, node: writer.size(node),
    "contains": lambda writer, node: writer.text_test(node),
    "startsWith": lambda writer, node: writer.text_test(node),
    "endsWith": lambda writer, node: writer.text_test(node),
    "optional.none": lambda _writer, _node: "NONE",
    **dict.fromkeys(COMPARISONS, lambda writer, node: writer.comparison(node)),
    **dict.fromkeys(ARITHMETIC, lambda writer, node: writer.arithmetic(node)),
}
"""What has a short way; each looks its method up by name, since the straight way has its own."""
