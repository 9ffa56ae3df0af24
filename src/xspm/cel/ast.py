"""The checked syntax tree, as small frozen nodes.

Google's front end hands over a checked expression as a serialized `cel.expr.CheckedExpr` (inside an `Any`). `decode`
reads that wire format straight into nodes: every node has an id, by which `Checked` knows its type, what it refers to
and where it stands in the source. Field numbers are those of cel-spec's `checked.proto` and `syntax.proto`; unknown
fields are skipped, as protobuf asks.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, TypeAlias, cast

from xspm.errors import CelError

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_DEPTH: Final = 200
"""Deepest tree that is read; the parser itself stops far earlier."""


@dataclass(frozen=True, slots=True)
class Uint:
    """An unsigned constant, apart from a signed one."""

    value: int


Constant: TypeAlias = bool | int | float | str | bytes | Uint | None


@dataclass(frozen=True, slots=True)
class Type:
    """A type of the language: `Type("list", (Type("string"),))`, `Type("message", name="linux_sshd")`."""

    kind: str
    arguments: tuple[Type, ...] = ()
    name: str = ""

    def __str__(self) -> str:
        """Write the type as CEL's own messages do."""
        name = self.name or self.kind
        return f"{name}({', '.join(map(str, self.arguments))})" if self.arguments else name


DYN: Final = Type("dyn")


@dataclass(frozen=True, slots=True)
class Node:
    """Base of every node."""

    id: int


@dataclass(frozen=True, slots=True)
class Literal(Node):
    """A constant."""

    value: Constant


@dataclass(frozen=True, slots=True)
class Ident(Node):
    """A name."""

    name: str


@dataclass(frozen=True, slots=True)
class Select(Node):
    """`operand.field`, or `has(operand.field)` when `test` is set."""

    operand: Node
    field: str
    test: bool


@dataclass(frozen=True, slots=True)
class Call(Node):
    """A function or operator; `target` is what stands before the dot."""

    function: str
    target: Node | None
    arguments: tuple[Node, ...]

    @property
    def operands(self) -> tuple[Node, ...]:
        """Target and arguments."""
        return self.arguments if self.target is None else (self.target, *self.arguments)


@dataclass(frozen=True, slots=True)
class ListOf(Node):
    """`[a, ?b]`."""

    elements: tuple[Node, ...]
    optional: frozenset[int]


@dataclass(frozen=True, slots=True)
class Entry:
    """One `key: value` of a map or message."""

    key: Node | str
    value: Node
    optional: bool


@dataclass(frozen=True, slots=True)
class MapOf(Node):
    """`{k: v}`, or `Name{field: v}` when `message` is set."""

    message: str
    entries: tuple[Entry, ...]


@dataclass(frozen=True, slots=True)
class Fold(Node):
    """A comprehension: what every macro over lists and maps expands to."""

    variable: str
    variable2: str
    range: Node
    accumulator: str
    init: Node
    condition: Node
    step: Node
    result: Node


@dataclass(frozen=True, slots=True)
class Reference:
    """What a name or call was resolved to."""

    name: str
    overloads: tuple[str, ...]
    value: Literal | None


@dataclass(frozen=True, slots=True)
class Checked:
    """A type-checked expression."""

    root: Node
    types: dict[int, Type] = field(default_factory=dict)
    references: dict[int, Reference] = field(default_factory=dict)
    positions: dict[int, int] = field(default_factory=dict)
    """Offset of each node in the source, in code points."""

    def type_of(self, node: Node) -> Type:
        """Return the static type of `node`."""
        return self.types.get(node.id, DYN)


def children(node: Node) -> tuple[Node, ...]:
    """Return the nodes directly below `node`, in source order."""
    match node:
        case Select():
            return (node.operand,)
        case Call():
            return node.operands
        case ListOf():
            return node.elements
        case MapOf():
            return tuple(part for entry in node.entries for part in (entry.key, entry.value) if isinstance(part, Node))
        case Fold():
            return (node.range, node.init, node.condition, node.step, node.result)
    return ()


def text(node: Node) -> str | None:
    """Return the path that a node reads, as written: `resource.a["b"]`; None if it is none."""
    match node:
        case Ident():
            return node.name
        case Select(test=False):
            parent = text(node.operand)
            return None if parent is None else f"{parent}.{node.field}"
        case Call(function="_[_]"):
            parent, key = text(node.arguments[0]), node.arguments[1]
            return None if parent is None or not isinstance(key, Literal) else f"{parent}[{key.value!r}]"
    return None


def decode(serialized: bytes) -> Checked:
    """Read a serialized `CheckedExpr`, bare or inside an `Any`; a `ParsedExpr` in an `Any` has no types and references.

    Raises:
        CelError: the bytes are not a checked expression, or it nests too deep.
    """
    try:
        parts = list(_fields(serialized))
        if parts and parts[0][0] == 1 and isinstance(parts[0][1], bytes) and parts[0][1].startswith(b"type."):
            serialized = next(cast("bytes", value) for number, value in parts if number == 2)
            if parts[0][1].endswith(b".ParsedExpr"):
                return Checked(_node(_message(serialized)[2], 0))
        return _checked(serialized)
    except (LookupError, struct.error, StopIteration, UnicodeDecodeError, AttributeError, TypeError) as error:
        raise CelError(f"not a checked expression: {error}") from error


# Wire format ---------------------------------------------------------------------------------------------------


def _varint(data: bytes, at: int) -> tuple[int, int]:
    result = shift = 0
    while True:
        byte = data[at]
        at += 1
        result |= (byte & 0x7F) << shift
        if byte < 0x80:
            return result, at
        shift += 7


def _fields(data: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Yield (field number, value): varints and fixed numbers as unsigned integers, the rest as bytes."""
    at = 0
    while at < len(data):
        tag, at = _varint(data, at)
        number, wire = tag >> 3, tag & 7
        if wire == 0:
            value, at = _varint(data, at)
            yield number, value
        elif wire == 2:
            length, at = _varint(data, at)
            if at + length > len(data):
                raise IndexError("truncated")
            yield number, data[at : at + length]
            at += length
        elif wire == 1:
            yield number, struct.unpack_from("<Q", data, at)[0]
            at += 8
        elif wire == 5:
            yield number, struct.unpack_from("<I", data, at)[0]
            at += 4
        else:
            raise IndexError("wire type")


def _message(data: int | bytes) -> dict[int, int | bytes]:
    """Return the last value of every field: right for singular fields."""
    return dict(_fields(cast("bytes", data)))


def _signed(value: int | bytes) -> int:
    number = cast("int", value)
    return number - (1 << 64) if number >= 1 << 63 else number


def _text(value: int | bytes) -> str:
    return cast("bytes", value).decode("utf-8", "surrogatepass")


# Messages ------------------------------------------------------------------------------------------------------

_PRIMITIVES: Final = ("dyn", "bool", "int", "uint", "double", "string", "bytes")
_WELL_KNOWN: Final = ("dyn", "any", "timestamp", "duration")


def _checked(data: bytes) -> Checked:
    root: Node | None = None
    checked = Checked(Node(0))
    for number, value in _fields(data):
        if number == 2:
            entry = _message(value)
            checked.references[_signed(entry.get(1, 0))] = _reference(entry.get(2, b""))
        elif number == 3:
            entry = _message(value)
            checked.types[_signed(entry.get(1, 0))] = _type(entry.get(2, b""))
        elif number == 4:
            root = _node(value, 0)
        elif number == 5:
            for inner, position in _fields(cast("bytes", value)):
                if inner == 4:
                    entry = _message(position)
                    checked.positions[_signed(entry.get(1, 0))] = _signed(entry.get(2, 0))
    if root is None:
        raise IndexError("no expression")
    return Checked(root, checked.types, checked.references, checked.positions)


def _type(data: int | bytes) -> Type:
    result = DYN
    for number, value in _fields(cast("bytes", data)):
        match number:
            case 2:
                result = Type("null")
            case 3:
                result = Type(_PRIMITIVES[cast("int", value)])
            case 4:
                result = Type("wrapper", (Type(_PRIMITIVES[cast("int", value)]),))
            case 5:
                result = Type(_WELL_KNOWN[cast("int", value)])
            case 6:
                result = Type("list", (_type(_message(value).get(1, b"")),))
            case 7:
                entry = _message(value)
                result = Type("map", (_type(entry.get(1, b"")), _type(entry.get(2, b""))))
            case 9:
                result = Type("message", name=_text(value))
            case 11:
                result = Type("type", (_type(value),))
            case 14:
                name = _text(_message(value).get(1, b""))
                arguments = tuple(_type(item) for inner, item in _fields(cast("bytes", value)) if inner == 2)
                result = Type("abstract", arguments, name)
            case _:
                result = DYN
    return result


def _reference(data: int | bytes) -> Reference:
    name, overloads, constant = "", [], None
    for number, value in _fields(cast("bytes", data)):
        if number == 1:
            name = _text(value)
        elif number == 3:
            overloads.append(_text(value))
        elif number == 4:
            constant = Literal(0, _constant(value))
    return Reference(name, tuple(overloads), constant)


def _constant(data: int | bytes) -> Constant:
    result: Constant = None
    for number, value in _fields(cast("bytes", data)):
        match number:
            case 2:
                result = bool(value)
            case 3:
                result = _signed(value)
            case 4:
                result = Uint(cast("int", value))
            case 5:
                result = struct.unpack("<d", struct.pack("<Q", value))[0]
            case 6:
                result = _text(value)
            case 7:
                result = cast("bytes", value)
            case _:
                result = None
    return result


def _node(data: int | bytes, depth: int) -> Node:
    if depth > MAX_DEPTH:
        raise CelError(f"the expression nests deeper than {MAX_DEPTH} levels")
    identity, kind, body = 0, 0, b""
    for number, value in _fields(cast("bytes", data)):
        if number == 2:
            identity = _signed(value)
        else:
            kind, body = number, cast("bytes", value)
    depth += 1
    match kind:
        case 3:
            return Literal(identity, _constant(body))
        case 4:
            return Ident(identity, _text(_message(body).get(1, b"")))
        case 5:
            parts = _message(body)
            return Select(identity, _node(parts.get(1, b""), depth), _text(parts.get(2, b"")), bool(parts.get(3, 0)))
        case 6:
            return _call(identity, body, depth)
        case 7:
            return _list(identity, body, depth)
        case 8:
            name = _text(_message(body).get(1, b""))
            return MapOf(identity, name, tuple(_entry(item, depth) for number, item in _fields(body) if number == 2))
        case 9:
            parts = _message(body)
            return Fold(
                identity,
                _text(parts.get(1, b"")),
                _text(parts.get(8, b"")),
                _node(parts.get(2, b""), depth),
                _text(parts.get(3, b"")),
                _node(parts.get(4, b""), depth),
                _node(parts.get(5, b""), depth),
                _node(parts.get(6, b""), depth),
                _node(parts.get(7, b""), depth),
            )
    raise IndexError("an expression without content")


def _call(identity: int, body: bytes, depth: int) -> Call:
    function, target, arguments = "", None, []
    for number, value in _fields(body):
        if number == 1:
            target = _node(value, depth)
        elif number == 2:
            function = _text(value)
        elif number == 3:
            arguments.append(_node(value, depth))
    return Call(identity, function, target, tuple(arguments))


def _list(identity: int, body: bytes, depth: int) -> ListOf:
    elements: list[Node] = []
    optional: set[int] = set()
    for number, value in _fields(body):
        if number == 1:
            elements.append(_node(value, depth))
        elif isinstance(value, int):
            optional.add(value)
        else:
            at = 0
            while at < len(value):
                index, at = _varint(value, at)
                optional.add(index)
    return ListOf(identity, tuple(elements), frozenset(optional))


def _entry(data: int | bytes, depth: int) -> Entry:
    key: Node | str = ""
    value: Node = Literal(0, None)
    optional = False
    for number, part in _fields(cast("bytes", data)):
        match number:
            case 2:
                key = _text(part)
            case 3:
                key = _node(part, depth)
            case 4:
                value = _node(part, depth)
            case 5:
                optional = bool(part)
    return Entry(key, value, optional)
