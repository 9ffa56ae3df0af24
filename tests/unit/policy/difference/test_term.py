"""The same meaning looks the same, and another looks different."""

from __future__ import annotations

from typing import Any

import pytest

from house import TYPES
from xspm.cel import Environment
from xspm.cel.ast import Checked, Node
from xspm.errors import CelError
from xspm.policy.difference.term import Term, term

ENVIRONMENT = Environment(TYPES)


def _term(source: str, **params: Any) -> Term:
    checked, tables = ENVIRONMENT.checked(source, resource="test.window", params=params)
    return term(checked, params, tables)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("resource.a  &&\n  resource.b // why", "(resource.a && resource.b)"),
        ("resource.a && (resource.b && resource.c)", "(resource.a && resource.b) && resource.c"),
        ("resource.l.all(x, x > 1)", "resource.l.all(y, y > 1)"),
        ("resource.l.map(x, x + 1) == [1]", "resource.l.map(y, y + 1) == [1]"),
        ("resource.l.all(x, resource.m.all(y, x == y))", "resource.l.all(y, resource.m.all(x, y == x))"),
        ("resource.n != 1", "!(resource.n == 1)"),
        ("1 < resource.n", "resource.n > 1"),
        ("1 == resource.n", "resource.n == 1"),
        ("!!resource.a", "!(!resource.a)"),
        ("!(resource.a ? resource.b : resource.c)", "resource.a ? !resource.b : !resource.c"),
        ("!cel.bind(x, resource.a, x)", "cel.bind(y, resource.a, !y)"),
        ("!true", "false"),
        ("!false", "true"),
        ("dyn(resource.a)", "resource.a"),
        ('resources["test.window"].size() == 0', 'resources[ "test.window" ].size() == 0'),
        (".resource.a", "resource.a"),
        ("resource.n == google.protobuf.NullValue.NULL_VALUE", "resource.n == 0"),
    ],
)
def test_alike(one: str, other: str) -> None:
    assert _term(one) == _term(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("resource.a && resource.b", "resource.b && resource.a"),  # costs may differ, but a proof goes both ways
        ("resource.n == 1", "resource.n == 1.0"),
        ("resource.n == 1", "resource.n == 1u"),
        ("resource.n == true", "resource.n == 1"),
        ('resource.n == "a"', 'resource.n == b"a"'),
        ("resource.n == null", "resource.n == false"),
        ("resource.n == [1]", "resource.n == [[1]]"),
        ("resource.n == {1: 2}", "resource.n == {2: 1}"),
        ("resource.a", "resource[?'a'].hasValue()"),
        ("has(resource.a)", "resource.a"),
        ("resource.l.all(x, x)", "resource.l.all(k, x, x)"),
        ("resource.l.all(x, resource.m.all(y, x == y))", "resource.l.all(x, resource.m.all(y, y == x))"),
        ("resource.n == net.IP", "resource.n == type(1)"),
        ('resources["test.window"].size() == 0', 'resources["test.door"].size() == 0'),
        ("[?resource.?a].size() == 1", "[resource.?a].size() == 1"),
        ("google.protobuf.Struct{fields: {}} == resource.a", "{'fields': {}} == resource.a"),
    ],
)
def test_apart(one: str, other: str) -> None:
    assert _term(one) != _term(other)


def test_parameters_are_their_values() -> None:
    assert _term("resource.n > params.most", most=3) == _term("resource.n > 3")
    assert _term("resource.n == params.map", map={"b": [1.5], "a": None}) != _term(
        "resource.n == params.map", map={"a": None, "b": [1.5]}
    )


def test_a_loop_variable_hides_a_parameter() -> None:
    assert _term("resource.l.all(params, params.most)", most=3) == _term("resource.l.all(x, x.most)")


def test_a_node_that_nobody_knows_equals_nothing() -> None:
    assert term(Checked(Node(1)), {}, {}) != term(Checked(Node(1)), {}, {})


def test_what_nests_too_deep_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    def deep(*_given: object, **_more: object) -> Term:
        raise RecursionError

    monkeypatch.setattr("xspm.policy.difference.term._Reader.read", deep)
    with pytest.raises(CelError, match="nests too deep"):
        _term("resource.a")
