"""What a verdict shows of what the check read: enough to understand, never a whole document."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from house import built, check, door, snapshot
from xspm.model.unknown import Unknown
from xspm.policy.assess import FastEngine, _Resources, assess
from xspm.policy.observed import brief
from xspm.policy.plan import plan

if TYPE_CHECKING:
    from xspm.model.verdict import Assessment


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, None),
        (True, True),
        (1.5, 1.5),
        ("short", "short"),
        ("x" * 3000, "x" * 1999 + "…"),
        ([1, "a"], [1, "a"]),
        ({"a": [1]}, {"a": [1]}),
        (Unknown("no"), {"$unknown": "no"}),
        ({"a": Unknown("no", cause="limit")}, {"a": {"$unknown": "no", "cause": "limit"}}),
        ([*range(1000)], [*range(10), "… 990 more"]),
        ({str(n): "x" * 100 for n in range(50)}, {**{str(n): "x" * 100 for n in range(10)}, "…": "40 more"}),
        ([[[[[["x" * 3000]]]]]], [[[[["… 1 more"]]]]]),
        ({"a": {"a": {"a": {"a": {"a": "x" * 3000}}}}}, {"a": {"a": {"a": {"a": {"…": "1 more"}}}}}),
        (["\ud800", "a"], ["\ud800", "a"]),
    ],
)
def test_brief(value: Any, expected: Any) -> None:
    assert expected == _plain(brief(value))


def _plain(value: Any) -> Any:
    """As JSON gives it back; a lone surrogate has no JSON, and stays."""
    try:
        return msgspec.json.decode(msgspec.json.encode(value))
    except UnicodeEncodeError:
        return value


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(),
    lambda inner: st.lists(inner, max_size=20) | st.dictionaries(st.text(), inner, max_size=20),
)


@given(_JSON)
def test_brief_keeps_what_is_small(value: Any) -> None:
    if len(msgspec.json.encode(value)) <= 2000:
        assert value == brief(value)


def _assess(expression: str, *doors: Any) -> Assessment:
    library = built({"checks/a.yaml": check(expression)}, shipped=False).library
    snap = snapshot(*doors)
    return assess(plan(library, (), snap.asset), snap, engine=FastEngine())


def test_resources_of_a_type_are_counted_and_shared() -> None:
    """A check that reads all doors twice gets them once, also when one of them is unknown."""
    seen = _assess(
        "resources['test.door'].exists(one, one.locked) && resources['test.door'].size() > 1", door("a"), door("b")
    )
    assert [verdict.status for verdict in seen.verdicts] == ["pass", "pass"]
    assert seen.resources == {"test.door": 2, "test.window": 0}


def test_resources_can_be_walked() -> None:
    """The reference engine walks the types that there are."""
    resources = _Resources(snapshot(door("a")), {})
    assert list(resources) == ["test.door", "test.window"]
    assert len(resources) == 2
    assert resources["test.window"] == []
    assert isinstance(resources["test.wall"], Unknown)
