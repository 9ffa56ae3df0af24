"""Shapes come from annotations, docs from docstrings, and data is held against them."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

import msgspec
import pytest

from xspm.model.schema import Field, ResourceType, Shape, field_docs, raw_type, shape_of, typed, validate
from xspm.model.unknown import Maybe, Unknown


class Port(msgspec.Struct, frozen=True):
    """A port."""

    number: int
    """Its number."""


class Thing(ResourceType, frozen=True, kw_only=True):
    """A thing to test with.

    More about it.
    """

    TYPE: ClassVar[str] = "test.thing"

    name: Maybe[str]
    """What it is called.

    On two lines.
    """
    size: Maybe[int | None]
    ratio: float
    on: bool
    mode: Literal["a", "b"]
    ports: Maybe[list[Port]]
    """Its ports."""
    labels: dict[str, str]
    extra: Any


_GOOD: dict[str, Any] = {
    "name": "x",
    "size": None,
    "ratio": 1,
    "on": True,
    "mode": "a",
    "ports": [{"number": 1}],
    "labels": {"a": "b"},
    "extra": [None],
}


def test_a_type_is_described_by_its_struct() -> None:
    spec = typed(Thing)
    assert (spec.name, spec.title) == ("test.thing", "A thing to test with")
    assert [field.name for field in spec.shape.fields] == list(_GOOD)
    assert spec.shape.field("size") == Field("size", Shape("int", nullable=True))
    assert spec.shape.field("no such field") is None
    port = Shape("struct", name=shape_of(Port).name, fields=(Field("number", Shape("int")),), source=Port)
    assert spec.shape.field("ports") == Field("ports", Shape("list", item=port))


def test_field_docs_are_the_docstrings_under_the_fields() -> None:
    assert field_docs(Thing) == {"name": "What it is called.\n\nOn two lines.", "ports": "Its ports."}
    assert field_docs(Port) == {"number": "Its number."}


@pytest.mark.parametrize("annotation", [str | int, dict[int, str], set[str], bytes, Literal[1]])
def test_what_is_no_json_is_no_field_type(annotation: Any) -> None:
    with pytest.raises(TypeError):
        shape_of(annotation)


def test_a_raw_type_is_dynamic() -> None:
    assert raw_type("k8s.role", "A role").shape == Shape("dyn")


@pytest.mark.parametrize(
    ("changes", "problems"),
    [
        ({}, []),
        ({"name": {"$unknown": "no"}}, []),
        ({"ports": {"$unknown": "no"}}, []),
        ({"name": None}, ["resource.name is null"]),
        ({"name": 1}, ["resource.name is not of type string"]),
        ({"size": True}, ["resource.size is not of type int"]),
        ({"on": 1}, ["resource.on is not of type bool"]),
        ({"ratio": "1"}, ["resource.ratio is not of type double"]),
        ({"ports": [{"number": "1"}]}, ["resource.ports[0].number is not of type int"]),
        ({"ports": {}}, ["resource.ports is not of type list"]),
        ({"ports": [{}]}, ["resource.ports[0].number is missing"]),
        ({"labels": {"a": 1}}, ["resource.labels['a'] is not of type string"]),
        ({"nmae": 1}, ["resource.nmae is not a field"]),
    ],
)
def test_data_is_held_against_its_shape(changes: dict[str, Any], problems: list[str]) -> None:
    assert problems == validate({**_GOOD, **changes}, shape_of(Thing))


def test_a_struct_that_is_no_mapping_is_refused() -> None:
    assert validate([], shape_of(Thing)) == ["resource is not of type struct"]


def test_every_field_of_a_struct_encodes_to_data_of_its_shape() -> None:
    thing = Thing(
        name=Unknown("no"), size=3, ratio=0.5, on=False, mode="b", ports=[Port(number=1)], labels={}, extra=None
    )
    assert validate(msgspec.to_builtins(thing), shape_of(Thing)) == []
