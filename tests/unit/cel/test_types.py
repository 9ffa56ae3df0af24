from __future__ import annotations

from typing import Any

import pytest

from xspm.cel.types import Messages, signature
from xspm.model.schema import Field, Shape, TypeSpec, raw_type

SIGNATURES: list[tuple[Any, str]] = [
    (True, "bool"), (1, "int"), (1.5, "double"), ("a", "string"), (["a"], "list<string>"), ([["a"]], "list<list<string>>"), ([], "list<dyn>"),
    ([1, "a"], "list<dyn>"), ({}, "map<string, dyn>"), (None, "dyn"),
]  # fmt: skip


@pytest.mark.parametrize(("value", "expected"), SIGNATURES)
def test_signature(value: Any, expected: str) -> None:
    assert signature(value) == expected


def test_names_do_not_collide() -> None:
    """`a.b` and `a_b` are different messages, and errors name them by their own names."""
    one = Shape("struct", name="a.b", fields=(Field("x", Shape("string")),))
    two = Shape("struct", name="a_b", fields=(Field("y", one),))
    messages = Messages([TypeSpec("a_b", "", two), TypeSpec("a.b", "", one), raw_type("c", "")])
    assert {name: shape.name for name, shape in messages.shapes.items()} == {"a_b": "a_b", "a_b_": "a.b"}
    assert messages.readable("a_b_ is not a_b") == "a.b is not a_b"
    assert messages.type_of(raw_type("c", "")).name() == "DYN"
