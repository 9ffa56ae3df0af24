"""Writing Python: blocks of statements, locals and constants.

What the parts of the code generator stand on. An expression that is used twice is bound to a local where it is
evaluated first (`atom`); what a lazily evaluated operand needs goes into a block of its own (`within`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from xspm.cel.ast import Checked, Literal, Node

_LONGEST: Final = 1200
"""An expression longer than this goes into a local: Python's parser limits how deep parentheses nest."""

_PYTHON: Final = {
    "string": "str",
    "int": "int",
    "bool": "bool",
    "double": "float",
    "bytes": "bytes",
    "list": "list",
    "map": "dict",
}

Block: TypeAlias = "list[str | Block]"


def render(block: Block, depth: int) -> list[str]:
    """Return the lines of a block, indented."""
    lines: list[str] = []
    for item in block:
        lines += [" " * depth + item] if isinstance(item, str) else render(item, depth + 1)
    return lines


class Writer:
    """The function that is being written."""

    def __init__(self, checked: Checked) -> None:
        self.checked = checked
        self.constants: list[str] = []
        self.prologue: list[str] = []
        self.block: Block = []
        self.scope: dict[str, str] = {}
        self.free: dict[str, str] = {}
        self.count = 0

    @property
    def meter(self) -> str:
        """The meter, as it is written."""
        return "m"

    def temp(self) -> str:
        """Return a new name."""
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
        """Return the name of a constant made once per program."""
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
        """Return the statements and the expression for a node that is evaluated only under a condition."""
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

    def spill(self, code: str) -> str:
        """Put a long expression into a local."""
        return self.local(code) if len(code) > _LONGEST else code

    def literal(self, node: Literal) -> str:
        """Write a constant."""
        raise NotImplementedError

    def expression(self, node: Node) -> str:
        """Return a Python expression for `node`, having written the statements it needs."""
        raise NotImplementedError
