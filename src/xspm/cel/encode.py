"""A syntax tree as the C++ runtime reads it: the other direction of `xspm.cel.ast.decode`.

The runtime takes a serialized `google.protobuf.Any` that holds a `cel.expr.ParsedExpr`. Field numbers are those of
cel-spec's `syntax.proto`.
"""

from __future__ import annotations

import itertools
import struct
from typing import TYPE_CHECKING

from xspm.cel.ast import Call, Entry, Fold, Ident, ListOf, Literal, MapOf, Node, Select, Uint

if TYPE_CHECKING:
    from collections.abc import Iterator

    from xspm.cel.ast import Constant


def encode(root: Node) -> bytes:
    """Return an expression as the serialized form that the C++ runtime reads; every node gets a number of its own."""
    return _bytes(1, b"type.googleapis.com/cel.expr.ParsedExpr") + _bytes(2, _bytes(2, _node(root, itertools.count(1))))


def _varint(number: int) -> bytes:
    number &= (1 << 64) - 1
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def _number(field: int, value: int) -> bytes:
    return _varint(field << 3) + _varint(value)


def _bytes(field: int, value: bytes) -> bytes:
    return _varint(field << 3 | 2) + _varint(len(value)) + value


def _text(field: int, value: str) -> bytes:
    return _bytes(field, value.encode("utf-8"))


def _constant(value: Constant) -> bytes:
    match value:
        case None:
            return _number(1, 0)
        case bool():
            return _number(2, value)
        case int():
            return _number(3, value)
        case Uint():
            return _number(4, value.value)
        case float():
            return _varint(5 << 3 | 1) + struct.pack("<d", value)
        case str():
            return _text(6, value)
    return _bytes(7, value)


def _node(node: Node, ids: Iterator[int]) -> bytes:
    head = _number(2, next(ids))
    match node:
        case Literal():
            return head + _bytes(3, _constant(node.value))
        case Ident():
            return head + _bytes(4, _text(1, node.name))
        case Select():
            return head + _bytes(5, _bytes(1, _node(node.operand, ids)) + _text(2, node.field) + _number(3, node.test))
        case Call():
            target = b"" if node.target is None else _bytes(1, _node(node.target, ids))
            return head + _bytes(
                6, target + _text(2, node.function) + b"".join(_bytes(3, _node(item, ids)) for item in node.arguments)
            )
        case ListOf():
            optional = b"".join(_number(2, index) for index in sorted(node.optional))
            return head + _bytes(7, b"".join(_bytes(1, _node(item, ids)) for item in node.elements) + optional)
        case MapOf():
            return head + _bytes(
                8, _text(1, node.message) + b"".join(_bytes(2, _entry(item, ids)) for item in node.entries)
            )
        case Fold():
            return head + _bytes(9, _fold(node, ids))
    raise TypeError(f"not a node: {node!r}")


def _entry(entry: Entry, ids: Iterator[int]) -> bytes:
    head = _number(1, next(ids))
    key = _bytes(3, _node(entry.key, ids)) if isinstance(entry.key, Node) else _text(2, entry.key)
    return head + key + _bytes(4, _node(entry.value, ids)) + _number(5, entry.optional)


def _fold(node: Fold, ids: Iterator[int]) -> bytes:
    parts = (
        _text(1, node.variable),
        _bytes(2, _node(node.range, ids)),
        _text(3, node.accumulator),
        _bytes(4, _node(node.init, ids)),
        _bytes(5, _node(node.condition, ids)),
        _bytes(6, _node(node.step, ids)),
        _bytes(7, _node(node.result, ids)),
        _text(8, node.variable2),
    )
    return b"".join(parts)
