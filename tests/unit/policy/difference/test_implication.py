"""A proof that a condition is no weaker holds for every resource; and the changes that policies see are proven."""

from __future__ import annotations

from typing import Any, Final

import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from house import TYPES
from xspm.cel import Environment
from xspm.model.unknown import UNKNOWN_KEY, revive
from xspm.policy.difference import implication
from xspm.policy.difference.implication import implies
from xspm.policy.difference.term import Term, term

ENVIRONMENT: Final = Environment(TYPES)
PARAMS: Final[dict[str, Any]] = {"min": 3, "allowed": ["a", "b"], "share": 0.5, "strict": True}
NOW: Final = "2026-06-01T12:00:00Z"


def _term(source: str, params: dict[str, Any] | None = None) -> Term:
    checked, tables = ENVIRONMENT.checked(source, resource="test.window", params=PARAMS)
    return term(checked, {**PARAMS, **(params or {})}, tables)


def _rank(source: str, params: dict[str, Any], resource: Any) -> int:
    program = ENVIRONMENT.compile(source, resource="test.window", params=PARAMS, expect="bool")
    found = program.evaluate(resource, params, {"test.window": [resource]}, NOW)
    return 2 if found is True else 0 if found is False else 1


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("resource.a", "resource.a && resource.b"),
        ("resource.a", "resource.b && (resource.c && resource.a)"),
        ("resource.a || resource.b", "resource.a"),
        ("resource.a || resource.b", "resource.b && resource.c"),
        ("!(resource.a && resource.b)", "!resource.a"),
        ("!resource.a", "!(resource.a || resource.b)"),
        ("!(resource.a || resource.b)", "!resource.b && !resource.a"),
        ('resource.s in ["a", "b"]', 'resource.s in ["b"]'),
        ('resource.s in ["a", "b"]', 'resource.s == "b"'),
        ('resource.s in ["a", "b"]', '"b" == resource.s'),
        ('!(resource.s in ["a"])', '!(resource.s in ["a", "b"])'),
        ('resource.s != "a"', '!(resource.s in ["a", "b"])'),
        ("resource.n >= 3", "resource.n >= 4"),
        ("resource.n >= 3", "resource.n > 3"),
        ("resource.n >= 3", "3 < resource.n"),
        ("resource.n > 3", "resource.n >= 4"),
        ("resource.n <= 3", "resource.n < 3"),
        ("!(resource.n < 3)", "!(resource.n < 4)"),
        ("resource.n >= 0.5", "resource.n >= 0.75"),
        ("resource.l.all(v, v == 1)", "resource.l.all(other, other == 1 && resource.a)"),
        ("resource.l.all(v, v.a && v.b)", "resource.l.all(v, v.a) && resource.l.all(v, v.b)"),
        ("!resource.l.exists(v, v.a)", "!resource.l.exists(v, v.a || v.b)"),
        ("!resource.l.exists(v, v.a)", "resource.l.all(w, !w.a)"),
        ("resource.l.exists(v, v.a || v.b)", "resource.l.exists(v, v.b)"),
        ("resource.l.exists(v, v.a) || resource.l.exists(v, v.b)", "resource.l.exists(v, v.a || v.b)"),
        ("3 > resource.n", "2 >= resource.n"),
        ("[1, 2].all(v, resource.n != v)", "[1, 2, 3].all(v, resource.n != v)"),
        ("[1, 2].exists(v, resource.n == v)", "[2].exists(v, resource.n == v)"),
        ("resource.l.all(v, resource.m.all(w, v == w))", "resource.l.all(w, resource.m.all(v, w == v && v > 1))"),
        ("resource.a ? resource.b : resource.c", "resource.a ? resource.b && resource.d : resource.c"),
        ("cel.bind(x, resource.n, x > 1)", "cel.bind(y, resource.n, y > 2)"),
        ("resource.l.all(v, v)", "resource.l.all(resource, resource) && resource.l.all(v, !v)"),
        ("resource.l.all(k, v, v > 1)", "resource.l.all(i, w, w > 1 && i != 7)"),
        ("resource.a", "false"),
        ("true", "resource.a"),
        ("resource.n >= params.min", "resource.n >= params.min && params.strict"),
        ("resource.l.exists_one(v, v == 1)", "resource.l.exists_one(w, w == 1)"),
        ('{"a": resource.n} == resource.m', '{"a": resource.n} == resource.m && resource.?b.orValue(true)'),
    ],
)
def test_proven(old: str, new: str) -> None:
    assert implies(_term(new), _term(old))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("resource.a && resource.b", "resource.a"),
        ("resource.a", "resource.a || resource.b"),
        ("resource.a", "resource.b"),
        ('resource.s in ["b"]', 'resource.s in ["a", "b"]'),
        ('resource.s == "b"', 'resource.s in ["b"]'),
        ('resource.s in ["b"]', 'resource.t in ["b"]'),
        ('resource.s in ["1"]', "resource.s in [1]"),
        ("resource.s in [true]", "resource.s in [1]"),
        ("resource.s in [1]", "resource.s in [1.0]"),
        ("resource.s in [[1]]", "resource.s in [[1], [1]][?0].orValue([])"),
        ("resource.n >= 4", "resource.n >= 3"),
        ("resource.n > 3", "resource.n >= 3"),
        ("resource.n >= 3", "resource.n <= 3"),
        ("resource.n < 3", "resource.n < 4"),
        ("resource.n < 3", "resource.n <= 3"),
        ("resource.n >= 3", "3 >= resource.n"),
        ("resource.n >= 3", "resource.m >= 4"),
        ("resource.n >= 3", "resource.n >= 4.0"),
        ('resource.n >= "a"', 'resource.n >= "b"'),
        ("resource.n >= resource.m", "resource.m >= resource.n"),
        ("resource.l.all(v, v.a)", "resource.l.exists(v, v.a)"),
        ("resource.l.all(v, v.a)", "resource.m.all(v, v.a)"),
        ("[1, 2].all(v, resource.n != v)", "[1].all(v, resource.n != v)"),
        ("[1].exists(v, resource.n == v)", "[1, 2].exists(v, resource.n == v)"),
        ("[1, 2].all(i, v, resource.n != v)", "[0, 1, 2].all(i, v, resource.n != v)"),
        ("resource.l.all(v, resource.m.all(w, v == w))", "resource.l.all(v, resource.m.all(w, w == w))"),
        ("resource.a ? resource.b : resource.c", "resource.b && resource.c"),
        ("resource.a ? resource.b : resource.c", "resource.d ? resource.b : resource.c"),
        ("resource.?n.orValue(0) == 1", "resource.?n.orValue(1) == 1"),
        ('resource.s.matches("a")', 'resource.s.matches("a|b")'),
        ("dyn(!(!resource.a)) == 3", "resource.a == 3"),
        ("has(resource.a)", "has(resource.b)"),
        ("has(resource.a)", "resource.a"),
        ("resource.l.exists_one(v, v == 1)", "resource.l.exists_one(w, w == 1 || w == 2)"),
    ],
)  # fmt: skip
def test_not_proven(old: str, new: str) -> None:
    assert not implies(_term(new), _term(old))


@pytest.mark.parametrize(
    ("source", "tighter", "looser"),
    [
        ("resource.n >= params.min", {"min": 4}, {"min": 2}),
        ("!(resource.n < params.min)", {"min": 4}, {"min": 2}),
        ("resource.n <= params.share", {"share": 0.25}, {"share": 1.0}),
        ("resource.s in params.allowed", {"allowed": ["b"]}, {"allowed": ["a", "b", "c"]}),
        ("!(resource.s in params.allowed)", {"allowed": ["a", "b", "c"]}, {"allowed": ["b"]}),
        ("!params.allowed.exists(v, v == resource.s)", {"allowed": ["a", "b", "c"]}, {"allowed": []}),
        ("!params.strict || resource.a", {}, {"strict": False}),
    ],
)
def test_parameters(source: str, tighter: dict[str, Any], looser: dict[str, Any]) -> None:
    assert implies(_term(source, tighter), _term(source))
    assert not implies(_term(source, looser), _term(source))


def test_what_is_too_large_is_not_proven(monkeypatch: pytest.MonkeyPatch) -> None:
    old, new = _term("resource.a"), _term("resource.a && resource.b")
    monkeypatch.setattr(implication, "MAX_SIZE", 4)
    assert not implies(new, old)
    assert implies(new, new)


def test_what_nests_too_deep_is_not_proven() -> None:
    def deep() -> Term:
        found = Term("name", "resource")
        for _ in range(100_000):
            found = Term("select", "a", (found,))
        return found

    assert not implies(deep(), deep())


def test_what_takes_too_long_is_not_proven(monkeypatch: pytest.MonkeyPatch) -> None:
    old, new = _term("resource.a || resource.b"), _term("resource.b && resource.c || resource.a && resource.d")
    assert implies(new, old)
    monkeypatch.setattr(implication, "MAX_STEPS", 2)
    assert not implies(new, old)


# Pairs of conditions, one made from the other by changes of every kind, over resources with every kind of value.

_NUMBERS = st.sampled_from(["1", "2", "3", "1.5", "2.0", "params.min", "params.share"])
_LISTS = st.sampled_from(['["a"]', '["a", "b"]', '["b", 1]', "[]", "params.allowed", "[1, 2.0]", "[true]", "[[1], 2]"])
_FIELDS = st.sampled_from(
    ["resource.n", "resource.s", "resource.a", "resource.b", "resource.l[0]", "dyn(v)", "dyn(size(resource.l))"]
)
_OPERATORS = st.sampled_from(["<", "<=", ">", ">="])
_RANGES = st.sampled_from(["resource.l", "resource.s", "[1, 2]", "[1, 2, 3]", "params.allowed", "[resource.n]"])


@st.composite
def _pair(draw: st.DrawFn, depth: int = 3) -> tuple[str, str]:  # noqa: C901 - one case for each form
    """Two conditions of the same form, which may differ everywhere."""

    def two(one: st.SearchStrategy[str]) -> tuple[str, str]:
        first = draw(one)
        return first, draw(st.one_of(st.just(first), one))

    kind = draw(st.sampled_from(["in", "compare", "turned", "equal", "plain"] if depth == 0 else _SHAPES))
    if kind in {"in", "compare", "turned", "equal", "plain"}:
        field = draw(_FIELDS)
        match kind:
            case "in":
                old, new = (f"{field} in {items}" for items in two(_LISTS))
                new = draw(st.sampled_from([new, f"{field} == 'b'", f"{field} == 1"]))
            case "compare":
                (one, other), (first, second) = two(_OPERATORS), two(_NUMBERS)
                old, new = f"{field} {one} {first}", f"{field} {other} {second}"
            case "turned":
                (one, other), (first, second) = two(_OPERATORS), two(_NUMBERS)
                old, new = f"{first} {one} {field}", f"{field} {other} {second}"
            case "equal":
                old, new = (f"{field} == {constant}" for constant in two(_NUMBERS))
            case _:
                old, new = two(st.sampled_from([field, f"{field} != 'a'", "true", "false", "params.strict"]))
        return old, new
    old, new = draw(_pair(depth - 1))
    other, another = draw(_pair(depth - 1))
    match kind:
        case "and" | "or":
            sign = "&&" if kind == "and" else "||"
            return f"({old} {sign} {other})", draw(
                st.sampled_from(
                    [f"({new} {sign} {another})", f"({another} {sign} {new})", f"({new} && {another})", new]
                )
            )
        case "twice":
            return draw(st.sampled_from([old, f"!(!({old}))"])), draw(st.sampled_from([new, f"!(!({new}))"]))
        case "not":
            return f"!({old})", f"!({new})"
        case "all" | "exists":
            first, second = two(_RANGES)
            macro = draw(st.sampled_from([kind, "all", "exists"]))
            return f"{first}.{kind}(v, {old})", f"{second}.{macro}(v, {new})"
        case "if":
            return f"({other} ? {old} : {old})", f"({draw(st.sampled_from([other, another]))} ? {new} : {new})"
        case "value":
            form = draw(st.sampled_from(["dyn({}) == 3", "[{}].size() == 1", "dyn({}) == resource.a", "!(!dyn({}))"]))
            return form.format(old), form.format(new)
    return f"cel.bind(v, resource.n, {old})", f"cel.bind(v, resource.n, {new})"


_SHAPES: Final = [
    "in",
    "compare",
    "turned",
    "equal",
    "and",
    "and",
    "or",
    "not",
    "all",
    "exists",
    "if",
    "bind",
    "value",
    "twice",
]
_ANY = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(0, 4),
    st.sampled_from([0.5, 1.5, 2.0, 3.0]),
    st.sampled_from(["a", "b", ""]),
    st.builds(lambda **known: {UNKNOWN_KEY: "denied", **known}),
    st.just({UNKNOWN_KEY: "later", "cause": "apply", "min_size": 2, "not_null": True}),
    st.just({UNKNOWN_KEY: "later", "cause": "apply", "prefix": "a"}),
)
_VALUES = st.one_of(_ANY, st.lists(_ANY, max_size=3), st.dictionaries(st.sampled_from(["a", "b"]), _ANY, max_size=2))
_RESOURCES = st.dictionaries(st.sampled_from(["n", "s", "a", "b", "l"]), _VALUES)


@settings(max_examples=300, suppress_health_check=[HealthCheck.too_slow])
@given(pair=_pair(), resources=st.lists(_RESOURCES, min_size=4, max_size=8))
def test_no_resource_gets_through_what_is_proven_no_weaker(
    pair: tuple[str, str], resources: list[dict[str, Any]]
) -> None:
    old, new = (f"[resource.l].all(v, {source})" for source in pair)
    proven = implies(_term(new), _term(old))
    event(f"proven {proven}")
    if proven:
        for resource in map(revive, resources):
            assert _rank(new, PARAMS, resource) <= _rank(old, PARAMS, resource), (old, new, resource)
