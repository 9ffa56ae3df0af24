"""What every connector promises, and every resource type; a new one is held to it without being told."""

from __future__ import annotations

import re
import subprocess
import sys
from functools import cache
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xspm import connector
from xspm.app.policies import built
from xspm.connector import Connector
from xspm.errors import ConnectorError
from xspm.model.asset import decode_snapshot, encode_snapshot
from xspm.model.schema import ResourceType, Shape, TypeSpec, field_docs, shape_of, validate

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import msgspec

    from xspm.model.asset import Snapshot
    from xspm.policy.library import Built

CONNECTORS = list(connector.TABLE)
TYPES = [(name, spec) for name in CONNECTORS for spec in connector.load(name).types()]
TYPED = [(name, spec) for name, spec in TYPES if spec.source]
CODE_FORMS = {"linux": "host", "kubernetes": "manifest"}
"""The form of a connector's own examples."""

_WORD = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
_AMOUNT = re.compile(r"(^|_)(age|interval|timeout|size|lifetime|delay|grace)$")
"""The last word of a name that says an amount without its unit."""


def _id(value: object) -> str:
    return value.name if isinstance(value, TypeSpec) else str(value)


@pytest.mark.parametrize("name", CONNECTORS)
def test_a_connector_describes_itself(name: str) -> None:
    one = connector.load(name)
    assert isinstance(one, Connector)
    assert one.name == name
    assert one.title
    assert "\n" not in one.title
    assert one.targets
    assert one.permissions
    assert all(line.strip() == line and line and "\n" not in line for line in (*one.targets, *one.permissions))
    assert type(one).__doc__
    for method in ("types", "recognises", "collect", "example", "remediate"):
        assert getattr(type(one), method).__doc__, method


@pytest.mark.parametrize("name", CONNECTORS)
def test_types_are_named_once_and_in_families(name: str) -> None:
    names = [spec.name for spec in connector.load(name).types()]
    assert names
    assert len(names) == len(set(names))
    for type_name in names:
        family, _, rest = type_name.partition(".")
        assert family
        assert rest
        assert all(_WORD.fullmatch(part) for part in type_name.split(".")), type_name


def test_no_type_differs_between_connectors() -> None:
    """Where two connectors fill one type, it is the same type."""
    seen: dict[str, TypeSpec] = {}
    for _, spec in TYPES:
        assert seen.setdefault(spec.name, spec) == spec


@pytest.mark.parametrize(("name", "spec"), TYPES, ids=_id)
def test_a_type_says_what_it_is(name: str, spec: TypeSpec) -> None:
    del name
    assert spec.title
    assert "\n" not in spec.title
    assert not spec.title.endswith(".")
    assert spec.shape.kind in {"struct", "dyn"}
    assert (spec.source is None) == (spec.shape.kind == "dyn")


@pytest.mark.parametrize(("name", "spec"), TYPED, ids=_id)
def test_every_field_is_documented_and_named_alike(name: str, spec: TypeSpec) -> None:
    del name
    assert spec.source is not None
    assert issubclass(spec.source, ResourceType)
    assert spec.source.__doc__
    assert spec.shape == shape_of(spec.source)
    complaints = [
        f"{source.__name__}.{field}: {complaint}"
        for source in _structs(spec.shape)
        for field, complaint in _field_complaints(source)
    ]
    assert complaints == []


def _structs(shape: Shape) -> Iterator[type[msgspec.Struct]]:
    if shape.source is not None:
        yield shape.source
    for below in (shape.item, *(field.shape for field in shape.fields)):
        if below is not None:
            yield from _structs(below)


def _field_complaints(source: type[msgspec.Struct]) -> Iterator[tuple[str, str]]:
    if not source.__doc__:
        yield "", "no docstring"
    docs = field_docs(source)
    kinds = {field.name: field.shape.kind for field in shape_of(source).fields}
    for name in source.__struct_encode_fields__:
        if not _WORD.fullmatch(name):
            yield name, "not snake_case"
        if name not in docs:
            yield name, "no docstring"
        if kinds.get(name) in {"int", "double"} and _AMOUNT.search(name):
            yield name, "no unit in its name"


@pytest.mark.parametrize("name", CONNECTORS)
@given(target=st.one_of(st.text(), st.from_regex(r"(ssh://|dir:|[a-z]+:|\.{0,2}/|-)?.*"), st.binary().map(lambda data: data.decode("utf-8", "surrogateescape"))))  # fmt: skip
def test_recognising_never_fails(name: str, target: str) -> None:
    assert connector.load(name).recognises(target) in {True, False}


@pytest.mark.parametrize("target", ["x" * 5000, "/" * 5000, "a/" * 3000, "~", "~root", "\0", "", "/proc/self/mem", "//", "dir:" + "x" * 5000])  # fmt: skip
@pytest.mark.parametrize("name", CONNECTORS)
def test_recognising_odd_targets_never_fails(name: str, target: str) -> None:
    assert connector.load(name).recognises(target) in {True, False}


@pytest.mark.parametrize("name", CONNECTORS)
def test_no_two_connectors_recognise_the_same_form(name: str) -> None:
    others = [connector.load(other) for other in CONNECTORS if other != name]
    for target in connector.load(name).targets:
        assert not [other.name for other in others if other.recognises(target)]


@cache
def _built() -> Built:
    return built()


@cache
def _snapshots(name: str) -> Sequence[Snapshot]:
    """What the connector makes of the shipped checks' examples, a bounded number per resource type."""
    reader, taken, found = connector.load(name), dict.fromkeys((spec.name for spec in connector.load(name).types()), 0), []  # fmt: skip
    for check in _built().checks.values():
        for example in check.examples:
            if example.form == CODE_FORMS.get(name) and check.resource in taken and taken[check.resource] < 12:
                taken[check.resource] += 1
                found.append(reader.example(example.form, example.content))
    return found


@pytest.mark.parametrize("name", CONNECTORS)
def test_evidence_fits_its_types(name: str) -> None:
    shapes = {spec.name: spec.shape for spec in connector.load(name).types()}
    complaints = [
        complaint
        for snapshot in _snapshots(name)
        for resource in snapshot.resources
        for complaint in validate(resource.data, shapes[resource.type], resource.type)
    ]
    assert complaints == []


@pytest.mark.parametrize("name", CONNECTORS)
def test_snapshots_keep_their_promises(name: str) -> None:
    """Sorted, unique ids, known types, plain JSON that comes back equal."""
    reader = connector.load(name)
    known = {spec.name for spec in reader.types()}
    assert _snapshots(name)
    for snapshot in _snapshots(name):
        assert set(snapshot.asset.labels) <= set(reader.assets[snapshot.asset.type]), "policies may scope by it"
        keys = [(resource.type, resource.id) for resource in snapshot.resources]
        assert keys == sorted(set(keys))
        assert list(snapshot.resource_types) == sorted(set(snapshot.resource_types))
        assert set(snapshot.resource_types) <= known
        assert {kind for kind, _ in keys} <= set(snapshot.resource_types)
        assert {kind for problem in snapshot.problems for kind in problem.resource_types} <= known
        assert all("\n" not in problem.message and problem.message for problem in snapshot.problems)
        again = decode_snapshot(encode_snapshot(snapshot))
        assert again == snapshot
        assert again.digest == snapshot.digest


@pytest.mark.parametrize("name", CONNECTORS)
def test_the_same_evidence_has_the_same_digest(name: str) -> None:
    reader = connector.load(name)
    for check in _built().checks.values():
        for example in check.examples:
            if example.form == CODE_FORMS.get(name):
                first, second = (reader.example(example.form, example.content) for _ in range(2))
                assert first.digest == second.digest
                return
    pytest.fail("no check has an example in the connector's form")


@pytest.mark.parametrize("name", CONNECTORS)
@pytest.mark.parametrize(("form", "content"), [("nope", {}), ("host", []), ("manifest", 1), ("manifest", "- 1")])
def test_a_foreign_example_is_refused(name: str, form: str, content: Any) -> None:
    if form == CODE_FORMS.get(name) == "host" and isinstance(content, dict):
        pytest.skip("its own form")
    with pytest.raises(ConnectorError):
        connector.load(name).example(form, content)


_LIGHT = """
import sys
for blocked in ("asyncssh", "cryptography", "cel_expr_python"):
    sys.modules[blocked] = None
from xspm import connector
before = set(sys.modules)
one = connector.load({name!r})
assert one.recognises("nonsense") is False
heavy = [name for name in set(sys.modules) - before if name.startswith("xspm.connectors.") and name.count(".") > 2]
assert not heavy, heavy
assert not [name for name in sys.modules if name in {{"asyncio", "yaml", "re2", "google.protobuf", "rich", "click"}}]
assert one.types()
"""


@pytest.mark.parametrize("name", CONNECTORS)
def test_importing_is_light_and_needs_no_extra(name: str) -> None:
    subprocess.run([sys.executable, "-c", _LIGHT.format(name=name)], check=True, timeout=60)
