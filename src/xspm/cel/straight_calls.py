"""Operators and functions of the straight way: see `xspm.cel.straight`.

The code for a function in `TESTS` is a bool of Python or raises; every other may yield whatever stands in the data.
"""

from __future__ import annotations

from typing import Final

from xspm.cel.ast import Call, Checked, Fold, Ident, ListOf, Literal, MapOf, Node, Select
from xspm.cel.codegen import Generator, Load
from xspm.cel.functions import COMPARISONS
from xspm.cel.library.plain import SHORT
from xspm.cel.macros import recognise

_SIMPLE: Final = frozenset({"str", "int", "bool", "float", "bytes"})
_CHEAP: Final = 128
"""Characters or elements that are searched within a loop without charge."""

TESTS: Final = frozenset({
    "_&&_", "_||_", "!_", "_==_", "_!=_", "@in", "_in_", "contains", "startsWith", "endsWith", "matches", "hasValue",
    *COMPARISONS,
})  # fmt: skip
"""Functions whose straight code is a bool or raises."""


class StraightCalls(Generator):
    """Writes calls that are right wherever they do not raise."""

    def __init__(self, checked: Checked, load: Load) -> None:
        super().__init__(checked, load)
        self.depth = 0
        self.metered = False
        """Whether a loop needs the meter."""
        self.charged = False
        """Whether something else may need it."""

    @property
    def meter(self) -> str:
        """The meter, one for the whole evaluation: made at the start where there are loops, else when first needed."""
        if not self.depth:
            self.charged = True
            return "(m or (m := Meter(cost_limit)))"
        self.metered = True
        return "m"

    def exact(self, node: Node) -> str | None:
        """Return the Python type that the code for `node` always has."""
        match node:
            case Literal():
                return type(node.value).__name__
            case Select(test=True):
                return "bool"
            case Call():
                return "bool" if node.function in TESTS else "int" if node.function == "size" else None
            case Fold():
                macro = recognise(node)
                return "bool" if macro is not None and macro.kind in {"all", "exists", "exists_one"} else None
        return None

    def test(self, node: Node) -> str:
        """Return a Python expression for `node` that is a bool, or raises."""
        code = self.expression(node)
        if self.exact(node) == "bool":
            return code
        first, name = self.atom(code)
        return f"({first} is True or {name} is not False and odd_())"

    def optional(self, node: Node) -> bool:
        """Whether a node is an optional; what is selected from one is another."""
        if isinstance(node, Call) and node.function in {"_?._", "_[?_]"}:
            return True
        if isinstance(node, Select) and not node.test and self.optional(node.operand):
            return True
        return self.checked.type_of(node).name == "optional_type"

    # Comparisons ------------------------------------------------------------------------------------------------------

    def both(self, one: Node, two: Node, kind: str) -> tuple[str, str, str]:
        """Return (test that both operands are of the Python type `kind`, left, right)."""
        tests, left, right = self.types(one, two, kind)
        test = " is ".join([*tests, kind]) if tests else "True"
        if kind == "str" and len(tests) == 2:
            test += f" and len({right}) < {SHORT}"
        return test, left, right

    def types(self, one: Node, two: Node, kind: str) -> tuple[list[str], str, str]:
        """Return the types of the operands that may not be of the Python type `kind`, and both operands' names."""
        tests: list[str] = []
        names: list[str] = []
        for node in (one, two):
            code = self.expression(node)
            if self.exact(node) == kind:
                names.append(f"({code})" if code.startswith("-") else code)
                continue
            first, name = self.atom(code)
            tests.append(f"type({first})")
            names.append(name)
        return tests, names[0], names[1]

    def equality(self, node: Call) -> str:
        """`a == b`, `a != b`."""
        one, two = node.arguments
        if isinstance(one, Literal) and not isinstance(two, Literal):
            one, two = two, one
        negated = node.function == "_!=_"
        if isinstance(two, Literal) and (two.value is None or type(two.value) in {str, bool}):
            return self.equal_constant(one, two, negated=negated)
        kind = self.exact(two) or self.exact(one) or self.python_type(one, two)
        test, left, right = self.both(one, two, kind if kind in _SIMPLE else "str")
        if kind not in _SIMPLE:
            code = f"sure_({'ne_' if negated else 'eq_'}({self.meter}, {left}, {right}))"
            return f"({left} {'!=' if negated else '=='} {right} if {test} else {code})"
        if test == "True":
            return f"({left} {'!=' if negated else '=='} {right})"
        other = f"not same_({left}, {right})" if negated else f"same_({left}, {right})"
        return f"({left} {'!=' if negated else '=='} {right} if {test} else {other})"

    def equal_constant(self, node: Node, constant: Literal, *, negated: bool) -> str:
        """Compare with null, a bool or a text, which only a value of that type can equal."""
        value = constant.value
        first, name = self.atom(self.expression(node))
        operator = ("!=" if negated else "==") if type(value) is str else ("is not" if negated else "is")
        if value is None:
            wide = self.checked.type_of(node).kind in {"message", "map"}
            subject, kind = f"type({name})", "dict" if wide else self.python_type(node)
        else:
            subject, kind = (f"type({name})", "str") if type(value) is str else (name, str(not value))
        if negated:
            return f"({first} {operator} {value!r} and ({subject} is {kind} or not other_({name})))"
        return f"({first} {operator} {value!r} or {subject} is not {kind} and other_({name}))"

    def comparison(self, node: Call) -> str:
        """`a < b` and the like."""
        operator, slow = COMPARISONS[node.function]
        kind = self.python_type(*node.arguments) if any(map(self.known, node.arguments)) else "int"
        if kind not in {"str", "int", "float"}:
            kind = "int"
        test, left, right = self.both(node.operands[0], node.operands[1], kind)
        if test == "True":
            return f"({left} {operator} {right})"
        return f"({left} {operator} {right} if {test} else sure_({slow}({self.meter}, {left}, {right})))"

    def size(self, node: Call) -> str:
        """`size(a)`, `a.size()`."""
        first, name = self.atom(self.expression(node.operands[0]))
        kind = self.python_type(node.operands[0])
        kind = kind if kind in {"str", "dict", "list"} and self.known(node.operands[0]) else "list"
        return f"(len({name}) if type({first}) is {kind} else count_({name}))"

    def known(self, node: Node) -> bool:
        """Whether the type checker knows the type."""
        return self.checked.type_of(node).kind not in {"dyn", "wrapper"}

    def arithmetic(self, node: Call) -> str:
        """`a + b`, `a - b`, `a * b`."""
        one, two = node.arguments
        if node.function != "_+_" or self.python_type(one, two) != "str" or not (self.known(one) or self.known(two)):
            return super().arithmetic(node)
        tests, left, right = self.types(one, two, "str")
        lengths = [f"len({name})" for name, part in ((left, one), (right, two)) if self.exact(part) != "str"]
        test = " is ".join([*tests, "str"]) + f" and {' + '.join(lengths)} < {SHORT}" if tests else "True"
        return f"({left} + {right} if {test} else add_({self.meter}, {left}, {right}))"

    # Texts and collections --------------------------------------------------------------------------------------------

    def text_test(self, node: Call) -> str:
        """`a.contains(b)`, `a.startsWith(b)`, `a.endsWith(b)`: with a text as `b`, `a` is one too or raises."""
        one, two = node.operands
        left, right = self.expression(one), self.expression(two)
        if node.function == "contains":
            first, name = self.atom(left)
            return f"({right} in {name} if type({first}) is str and len({name}) < {SHORT} else odd_())"
        method = "startswith" if node.function == "startsWith" else "endswith"
        if self.exact(two) != "str":
            first, name = self.atom(right)
            return f"({left}.{method}({name}) if type({first}) is str and len({name}) < {SHORT} else odd_())"
        return f"{left}.{method}({right})"

    def matches(self, node: Call) -> str:
        """`a.matches(b)`."""
        return self.found(self.expression(node.operands[0]), self.expression(node.operands[1]))

    def found(self, subject: str, pattern: str) -> str:
        """Search for a pattern; a long text is charged for where a loop repeats it."""
        if not self.depth:
            return f"found_({subject}, {pattern})"
        first, name = self.atom(subject)
        slow = f"sure_(matches_({self.meter}, {name}, {pattern}))"
        return f"(found_({name}, {pattern}) if type({first}) is str and len({name}) < {_CHEAP} else {slow})"

    def membership(self, node: Call) -> str:
        """`a in b`."""
        item, collection = node.arguments
        if isinstance(collection, ListOf) and collection.elements and not collection.optional:
            values = [element.value if isinstance(element, Literal) else None for element in collection.elements]
            if {type(value) for value in values} == {str}:
                first, name = self.atom(self.expression(item))
                items = ", ".join(map(repr, values))
                return f"({name} in {{{items}}} if type({first}) is str else other_({name}))"
            return f"sure_({super().membership(node)})"
        kind = self.checked.type_of(collection)
        if kind.kind == "map" and self.exact(item) == "str":
            first, name = self.atom(self.expression(collection))
            return f"({self.expression(item)} in {name} if type({first}) is dict else odd_())"
        element = {"string": "str", "int": "int"}.get(kind.arguments[0].kind if kind.kind == "list" else "", "")
        if element and self.parameter(collection) and (self.depth or element == "int"):
            return self.in_parameter(item, collection, element)
        return self.in_list(item, collection)

    def in_list(self, item: Node, collection: Node) -> str:
        """`a in b` for a text and any list: what is not found in a list of nothing but texts is not there."""
        constant = self.exact(item) == "str"
        code = self.expression(item)
        first, left = (code, code) if constant else self.atom(code)
        second, right = self.atom(self.expression(collection))
        # `&` evaluates both sides, so both names are bound on the other way too
        test = f"type({second}) is list" if constant else f"(type({first}) is str) & (type({second}) is list)"
        if not constant and second == right:
            test = f"type({first}) is str and type({right}) is list"
        slow = f"sure_(in_({self.meter}, {left}, {right}))"
        if self.depth:
            # a long list is charged for where a loop repeats it, and long texts are not put together
            return f"({left} in {right} or without_({right}) if {test} and len({right}) < {_CHEAP} else {slow})"
        return f"({left} in {right} or text_of({right}) is None if {test} else {slow})"

    def parameter(self, node: Node) -> bool:
        """Whether a node is a parameter of the check, which is the same throughout an evaluation."""
        return isinstance(node, Ident) and node.name not in self.scope and node.name.startswith("params.")

    def in_parameter(self, item: Node, collection: Node, kind: str) -> str:
        """`a in params.list`, whose set is worth having."""
        values = self.expression(collection)
        key = f"known {values}"
        if key not in self.free:
            self.free[key] = self.temp()
            self.prologue.append(f"{self.free[key]} = known_({values}, {kind})")
        first, name = self.atom(self.expression(item))
        slow = f"other_({name})" if kind == "str" else f"sure_(in_({self.meter}, {name}, {values}))"
        return f"({name} in {self.free[key]} if type({first}) is {kind} else {slow})"

    # Optionals --------------------------------------------------------------------------------------------------------

    def alternative(self, node: Call) -> str:
        """`a.?b.?c.orValue(d)` without optionals."""
        chain = self.chain_of(node.target) if node.target is not None and node.function == "orValue" else None
        if chain is None:
            return super().alternative(node)
        operand, key = chain
        other = node.arguments[0]
        if isinstance(other, Literal | Ident) or (isinstance(other, ListOf | MapOf) and not self.parts(other)):
            return f"{operand}.get({key}, {self.expression(other)})"
        block, code = self.lazily(other)
        if block:
            return super().alternative(node)
        name = self.temp()
        return f"({code} if ({name} := {operand}.get({key}, MISSING)) is MISSING else {name})"

    @staticmethod
    def parts(node: ListOf | MapOf) -> int:
        """Return how many elements or entries are written."""
        return len(node.elements) if isinstance(node, ListOf) else len(node.entries) + len(node.message)

    def presence(self, node: Call) -> str:
        """`a.?b.hasValue()`."""
        chain = self.chain_of(node.target) if node.target is not None else None
        if chain is None:
            return f"sure_({super().call(node)})"
        return f"({chain[0]}.get({chain[1]}, MISSING) is not MISSING)"

    def chain_of(self, node: Node) -> tuple[str, str] | None:
        """Return the map that the last step of an optional chain reads, and its key; None for other optionals.

        Only maps have `get`, so everything else raises; where a step finds nothing, the next reads an empty map.
        """
        if isinstance(node, Select) and not node.test and self.optional(node.operand):
            operand, key = node.operand, repr(node.field)
        elif isinstance(node, Call) and node.function in {"_?._", "_[?_]"}:
            operand = node.arguments[0]
            constant = node.arguments[1]
            if not isinstance(constant, Literal):
                if self.checked.type_of(constant).kind != "string":
                    return None
                first, name = self.atom(self.expression(constant))
                key = f"{name} if type({first}) is str else odd_()"
            elif type(constant.value) is str:
                key = repr(constant.value)
            else:
                return None
        else:
            return None
        if not self.optional(operand):
            code = self.expression(operand)
            return (code if code.isidentifier() else f"({code})"), key
        outer = self.chain_of(operand)
        return None if outer is None else (f"{outer[0]}.get({outer[1]}, EMPTY)", key)
