"""Drift says exactly what differs: nothing for the same, and applied to the one state it gives the other."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xspm.drift.compare import WITHHELD, Drift, FieldChange, compare, shown_value
from xspm.errors import ModelError
from xspm.model.asset import Asset, Problem, Resource, Snapshot

HOST = Asset("host", "host:a", "a", {"os.name": "debian"})

_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.floats(-2, 2) | st.text('ab."[', max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text('ab."[', max_size=2), inner, max_size=3),
    max_leaves=8,
)
_DATA = st.dictionaries(st.sampled_from(["a", "b", "token"]), _JSON, max_size=3)
_STATES = st.dictionaries(st.sampled_from(["x", "y", "z"]), _DATA, max_size=3)


def snapshot(state: dict[str, dict[str, Any]], **more: Any) -> Snapshot:
    resources = tuple(Resource("linux.file", name, name, data) for name, data in sorted(state.items()))
    given_: dict[str, Any] = {
        "asset": HOST,
        "collected_at": "2026-06-01T00:00:00Z",
        "connector": "linux",
        "resource_types": ("linux.file",),
        "resources": resources,
        **more,
    }
    return Snapshot(**given_)


def applied(state: dict[str, Any], drift: Drift, target: Snapshot) -> dict[str, Any]:
    """The state that a drift leads to; only what was added is taken from the target."""
    result = copy.deepcopy(state)
    for change in drift.changes:
        if change.kind == "removed":
            del result[change.id]
        elif change.kind == "added":
            result[change.id] = next(one.data for one in target.resources if one.id == change.id)
        for field in change.fields:
            _apply(result, (change.id, *field.path), field)
    return result


def _apply(value: Any, path: tuple[str | int, ...], field: FieldChange) -> None:
    for part in path[:-1]:
        value = value[part]
    if field.kind == "removed":
        del value[path[-1]]
    else:
        value[path[-1]] = field.after


@given(_STATES)
def test_the_same_has_no_drift(state: dict[str, Any]) -> None:
    found = compare(snapshot(state), snapshot(copy.deepcopy(state), collected_at="2026-06-02T00:00:00Z"))
    assert (found.is_change, found.changes, found.touched()) == (False, (), ())


@given(_STATES, _STATES)
def test_applied_to_the_one_state_it_gives_the_other(first: dict[str, Any], second: dict[str, Any]) -> None:
    before, after = snapshot(first), snapshot(second)
    found = compare(before, after)
    assert snapshot(applied(first, found, after)).digest == after.digest
    assert found.is_change == bool(found.changes)
    assert all(one.fields for one in found.changes if one.kind == "changed")


@given(_STATES, _STATES)
def test_back_is_the_opposite(first: dict[str, Any], second: dict[str, Any]) -> None:
    there, back = compare(snapshot(first), snapshot(second)), compare(snapshot(second), snapshot(first))
    opposite = {"added": "removed", "removed": "added", "changed": "changed"}
    assert [(opposite[one.kind], one.id, one.after, one.before) for one in there.changes] == [
        (one.kind, one.id, one.before, one.after) for one in back.changes
    ]


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ({"a": 1}, {"a": 2}, [("changed", "a", 1, 2)]),
        ({"a": 1}, {"a": True}, [("changed", "a", 1, True)]),
        ({"a": None}, {}, [("removed", "a", None, None)]),
        ({}, {"a": [1]}, [("added", "a", None, [1])]),
        ({"a": [{"b": 1}, 2]}, {"a": [{"b": 3}, 2]}, [("changed", "a[0].b", 1, 3)]),
        ({"a": [1]}, {"a": [1, 2]}, [("changed", "a", [1], [1, 2])]),
        ({"x.y": {"z": 1}}, {"x.y": {"z": 2}}, [("changed", '["x.y"].z', 1, 2)]),
        ({"a": {"$unknown": "denied"}}, {"a": 2}, [("changed", "a", {"$unknown": "denied"}, 2)]),
    ],
)
def test_fields(before: Any, after: Any, expected: list[Any]) -> None:
    (change,) = compare(snapshot({"f": before}), snapshot({"f": after})).changes
    assert [(one.kind, one.shown, one.before, one.after) for one in change.fields] == expected


def test_what_could_not_be_read_may_hide_a_change() -> None:
    blind = snapshot({}, problems=(Problem("access", "denied", ("linux.file",)),), resource_types=("linux.file", "x"))
    found = compare(snapshot({}), blind)
    assert found.is_change
    assert found.touched() == ("read only once: x", "could not be read: access: denied")


def test_facts_about_the_asset() -> None:
    other = snapshot({}, asset=Asset("host", "host:a", "a", {"os.name": "rhel"}))
    assert compare(snapshot({}), other).touched() == ('changed label labels["os.name"]',)


def test_two_assets_and_a_resource_twice() -> None:
    with pytest.raises(ModelError, match="these are of two assets: host:a and host:b"):
        compare(snapshot({}), snapshot({}, asset=Asset("host", "host:b", "b")))
    twice = Resource("linux.file", "x", "x", {})
    with pytest.raises(ModelError, match=r"linux\.file x twice"):
        compare(snapshot({}), snapshot({}, resources=(twice, twice)))


@pytest.mark.parametrize(
    ("path", "value", "expected"),
    [
        (("password",), "x", WITHHELD),
        (("spec", "apiKey"), ["x"], WITHHELD),
        (("spec",), {"clientSecret": "x", "port": 1}, {"clientSecret": WITHHELD, "port": 1}),
        (("automount_token",), True, True),
        (("token",), None, None),
        (("port",), 22, 22),
        (("ports",), [22, "x"], [22, "x"]),
        (("text",), "x" * 300, "x" * 200 + "… 100 more"),
    ],
)
def test_what_people_are_shown(path: tuple[str, ...], value: Any, expected: Any) -> None:
    assert shown_value(value, path) == expected
