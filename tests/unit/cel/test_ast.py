from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from cel_expr_python import cel
from hypothesis import given
from hypothesis import strategies as st

from xspm.cel import declarations
from xspm.cel.ast import (
    MAX_DEPTH,
    Call,
    Ident,
    ListOf,
    Literal,
    MapOf,
    Node,
    Select,
    Type,
    Uint,
    children,
    decode,
    text,
)
from xspm.cel.compiler import compile_checked
from xspm.cel.values import EvaluationError
from xspm.errors import CelError

ENVIRONMENT = cel.NewEnv(
    config=declarations.config(),
    descriptor_pool=declarations.pool(),
    functions=declarations.functions(),
    variables={"x": cel.Type.DYN},
)


def serialized(source: str) -> bytes:
    data: bytes = ENVIRONMENT.compile(source).serialize()
    return data


LITERALS: list[tuple[str, Any]] = [
    ("1", 1), ("-1", -1), ("18446744073709551615u", Uint(2**64 - 1)), ("1.5", 1.5), ("'é'", "é"), ("b'\\xff'", b"\xff"),
    ("true", True), ("false", False), ("null", None),
]  # fmt: skip


@pytest.mark.parametrize(("source", "expected"), LITERALS)
def test_literal(source: str, expected: Any) -> None:
    root = decode(serialized(source)).root
    assert isinstance(root, Literal)
    assert (type(root.value), root.value) == (type(expected), expected)


TYPES: list[tuple[str, str]] = [
    ("1", "int"), ("1u", "uint"), ("[1]", "list(int)"), ("{'a': [1.0]}", "map(string, list(double))"), ("null", "null"), ("x", "dyn"),
    ("int", "type(int)"), ("timestamp(0)", "timestamp"), ("duration('1s')", "duration"), ("ip('::1')", "net.IP"),
    ("optional.of(b'')", "optional_type(bytes)"), ("google.protobuf.Int64Value{}", "wrapper(int)"), ("[dyn(1)]", "list(dyn)"),
]  # fmt: skip


@pytest.mark.parametrize(("source", "expected"), TYPES)
def test_type(source: str, expected: str) -> None:
    checked = decode(serialized(source))
    assert str(checked.type_of(checked.root)) == expected


def test_optional_elements_and_entries() -> None:
    made = decode(serialized("[1, ?x.?a]")).root
    assert isinstance(made, ListOf)
    assert made.optional == {1}
    entries = decode(serialized("{'b': 1, ?'a': x.?a}")).root
    assert isinstance(entries, MapOf)
    assert [entry.optional for entry in entries.entries] == [False, True]


def test_positions_and_references() -> None:
    checked = decode(serialized("x.a == 1"))
    root = checked.root
    assert isinstance(root, Call)
    assert checked.positions[root.id] == 4
    assert checked.references[root.id].overloads == ("equals",)
    assert checked.references[root.arguments[0].operand.id].name == "x"  # type: ignore[attr-defined]


def test_children_and_paths() -> None:
    one, name = Literal(1, "k"), Ident(2, "x")
    select = Select(3, name, "a", test=False)
    index = Call(4, "_[_]", None, (select, one))
    assert children(select) == (name,)
    assert children(index) == (select, one)
    assert children(one) == ()
    assert children(decode(serialized("{'a': x}")).root)[1] == Ident(4, "x")
    assert len(children(decode(serialized("x.all(a, a)")).root)) == 5
    assert [text(node) for node in (name, select, index, one)] == ["x", "x.a", "x.a['k']", None]
    assert text(Select(1, name, "a", test=True)) is None
    assert text(Select(1, one, "a", test=False)) is None
    assert text(Call(1, "_[_]", None, (name, name))) is None
    assert text(Call(1, "_[_]", None, (one, one))) is None


def test_unknown_type_is_dynamic() -> None:
    assert decode(serialized("1")).type_of(Node(99)) == Type("dyn")


@pytest.mark.parametrize(
    "data",
    [b"\x0a\x05type.", b"\xff", b"\x0b", b"\x22\x05\x10\x01", b"\x22\x02\x10\x01", b"", b"\x09\x00", b"\x0d\x00"],
)
def test_broken_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(CelError):
        decode(data)


@given(st.binary(max_size=200))
def test_no_bytes_crash_the_reader(data: bytes) -> None:
    with suppress(CelError):
        decode(data)


@given(st.data())
def test_no_damage_crashes_the_reader(draw: st.DataObject) -> None:
    data = bytearray(serialized("x.all(a, a.b[1] == {'c': [1.5, 2u, b'x']}.c)"))
    for _ in range(draw.draw(st.integers(1, 5))):
        data[draw.draw(st.integers(0, len(data) - 1))] = draw.draw(st.integers(0, 255))
    with suppress(CelError):
        decode(bytes(data))


def test_depth_is_limited() -> None:
    def field(number: int, body: bytes) -> bytes:
        length, size = b"", len(body)
        while size > 0x7F:
            length += bytes([size & 0x7F | 0x80])
            size >>= 7
        return bytes([number << 3 | 2]) + length + bytes([size]) + body

    node = field(4, field(1, b"x"))
    for _ in range(MAX_DEPTH + 2):
        node = field(5, field(1, node) + field(2, b"a"))
    with pytest.raises(CelError, match="nests deeper"):
        decode(field(4, node))


UNCHECKED: list[tuple[str, dict[str, Any], Any]] = [
    ("x + 1", {"x": 1}, 2),
    ("a.b.c", {"a.b.c": 1}, 1),
    ("a.b.c", {"a": {"b": {"c": 2}}}, 2),
    ("[{'b': 3}].map(a, a.b)", {"a.b": 1}, [3]),
    ("base64.encode(b'a')", {}, "YQ=="),
    ("nothing(1) || true", {}, True),
    ("'a'.indexOf('a', 0, 1)", {}, EvaluationError("no such overload")),
    ("math.greatest(1, 2, 3)", {}, 3),
]


@pytest.mark.parametrize(("source", "variables", "expected"), UNCHECKED)
def test_unchecked_expressions_resolve_names_when_run(source: str, variables: dict[str, Any], expected: Any) -> None:
    assert compile_checked(ENVIRONMENT.compile(source, disable_check=True).serialize())(variables) == expected


def test_rarer_encodings() -> None:
    """Repeated numbers one by one, and a reference that stands for a constant."""
    literal = b"\x1a\x02\x18\x05"
    made = decode(
        b"\x22"
        + bytes([len(literal) + 8])
        + b"\x10\x01\x3a"
        + bytes([len(literal) + 4])
        + b"\x0a\x04"
        + literal
        + b"\x10\x00"
    ).root
    assert made == ListOf(1, (Literal(0, 5),), frozenset({0}))
    checked = decode(b"\x12\x0a\x08\x01\x12\x06\x22\x02\x18\x05\x28\x01" + b"\x22\x04" + literal)
    assert checked.references[1].value == Literal(0, 5)
    strange = decode(b"\x22\x07\x32\x05\x12\x01f\x20\x01").root
    assert strange == Call(0, "f", None, ())
