"""The straight way answers what the long way answers, or gives up: every operator over every kind of odd value, in every place."""

from __future__ import annotations

import itertools
from types import CodeType
from typing import TYPE_CHECKING, Any

import pytest

from xspm.cel import Environment, EvaluationError, Program, library
from xspm.cel.ast import Call, Checked, Fold, Ident, Literal, Reference
from xspm.cel.compiler import to_straight_code
from xspm.cel.library.plain import count_, known_, other_, same_, sure_, without_
from xspm.cel.library.regex import found_, joined_
from xspm.cel.values import Meter, Odd, UInt
from xspm.model.schema import raw_type
from xspm.model.unknown import Unknown

if TYPE_CHECKING:
    from collections.abc import Callable

NOW = "2026-01-31T12:00:00Z"
DENIED = Unknown("denied")
PLANNED = Unknown("after apply", cause="apply")

RAW = [
    "resource.a",
    "!resource.a",
    "resource.a && resource.b",
    "resource.a || resource.b",
    "resource.a && (resource.b || !resource.c)",
    "resource.a ? resource.b : resource.c",
    "(resource.a ? resource.b : resource.c) == 1",
    "resource.a == null",
    "resource.a != null && resource.b",
    "resource.a == true || resource.b != false",
    "resource.a == 'x'",
    "'x' != resource.a",
    "resource.a == 1",
    "resource.a != 1.0",
    "resource.a == 1u",
    "resource.a == resource.b",
    "resource.a != resource.b",
    "resource.a == [1]",
    "resource.a == b'x'",
    "resource.a == -1",
    "resource.a > 1",
    "resource.a <= 1.5",
    "resource.a < resource.b",
    "resource.a >= 'x'",
    "size(resource.a) > 0",
    "resource.a.size() == size(resource.b)",
    "1 <= resource.a.size()",
    "has(resource.a.x) && resource.a.x == 1",
    "has(resource.a.x.y)",
    "resource.a['x'] == 1",
    "resource.a[resource.b] == 1",
    "resource.a[string(resource.b)] == 1",
    "resource.a[0] == 1",
    "resource.a['x'].y.z",
    "resource.a in ['x', 'y']",
    "resource.a in ['x', 1]",
    "resource.a in [1, 2]",
    "resource.a in params.texts",
    "'x' in params.texts && resource.a in params.texts",
    "resource.a in params.numbers",
    "resource.a in params.mixed",
    "resource.a in resource.b",
    "'x' in resource.a",
    "resource.a in [resource.b]",
    "resource.a in {'x': 1}",
    "'x' in {'x': resource.a}",
    "resource.a.contains('x')",
    "resource.a.contains(resource.b)",
    "resource.a.startsWith('x')",
    "resource.a.startsWith(resource.b)",
    "resource.a.endsWith(resource.b) || resource.b.endsWith('y')",
    "'xy'.startsWith(resource.a)",
    "resource.a.matches('^x')",
    "resource.a.matches(resource.b)",
    "resource.a.matches(params.pattern)",
    "resource.a.?k.orValue('x') == 'x'",
    "resource.?a.?x.?y.orValue(1) == 1",
    "resource.?a.x.y.orValue(1) == 1",
    "resource.a[?'x'].orValue([]).size() == 0",
    "resource.a[?'x'].?y.orValue({}) == {}",
    "resource.a[?string(resource.b)].orValue(true)",
    "resource.a[?resource.b].orValue(true)",
    "resource.a[?0].orValue(1) == 1",
    "resource.a.?x.orValue(resource.b)",
    "resource.a.?x.orValue(resource.b + 'y') == 'xy'",
    "resource.a.?x.orValue(['y']).exists(e, e == 'y')",
    "resource.a.?x.orValue(resource.b.exists(e, e == 'x'))",
    "resource.a.?x.hasValue()",
    "resource.a.?x.?y.hasValue() || resource.b",
    "optional.of(resource.a).hasValue()",
    "resource.a.?x.or(optional.of(resource.b)).orValue(1) == 1",
    "resource.a.?x == resource.b.?x",
    "resource.a.all(e, e == 'x')",
    "!resource.a.exists(e, e)",
    "resource.a.exists_one(e, e == 'x' || resource.b)",
    "resource.a.exists(e, resource.b.exists(f, e == f))",
    "resource.a.all(e, e in params.texts)",
    "resource.a.all(e, e in params.numbers)",
    "resource.a.all(e, e in resource.b)",
    "resource.a.all(e, 'x' in e || 'y' in e.?x.orValue([]))",
    "resource.a.all(e, e.startsWith(resource.b) || e.contains('y'))",
    "resource.a.all(e, e.matches('x') || e.matches(resource.b))",
    "resource.a.all(e, has(e.x) && e.?x.orValue('') != 'y')",
    "resource.a.all(i, e, i < 1 || e == 'x')",
    "resource.a.filter(e, e == 'x').size() == 1",
    "resource.a.map(e, e + 'y') == ['xy']",
    "resource.a.map(e, e > 1, e) == [2]",
    "resource.a.transformMap(i, e, e) == {0: 'x'}",
    "resource.b || resource.a.exists(e, e == 'x') || resource.b",
    "resource.b && resource.a.all(e, e == 'x') && resource.a.size() > 0",
    "resource.a.all(e, resource.b ? e == 'x' : e.exists(f, f == 'x'))",
    "params.patterns.exists(p, resource.a.matches(p))",
    "params.patterns.all(p, !resource.a.matches('^' + p + '$'))",
    "params.patterns.all(p, resource.a.matches(p))",
    "params.patterns.exists(p, !resource.a.matches(p))",
    "params.patterns.exists(p, p.matches(p))",
    "params.patterns.exists(p, resource.a.matches(p + p))",
    "params.patterns.exists(p, resource.a.matches(p + resource.b))",
    "params.patterns.exists(i, p, resource.a.matches(p))",
    "params.patterns.exists(p, resource.a == p)",
    "params.patterns.all(p, resource.a == p)",
    "resource.a.exists(e, params.patterns.exists(p, e.matches(p)))",
    "resource.a + 'y' == 'xy'",
    "'x' + resource.a + resource.b == 'xxx'",
    "'x' + 'y' == resource.a",
    "resource.a + 1 == 2",
    "resource.a + resource.b == [1, 2]",
    "resource.a * 2 > 1 || resource.a - 1 < 0",
    "now > timestamp(resource.a)",
    "now - timestamp('2026-01-01T00:00:00Z') <= duration(resource.a)",
    "cel.bind(v, resource.a, v == v && v in ['x'])",
    "params.ratio > 1.0 && resource.a",
    "resources['raw'].exists(r, r.x == resource.a)",
    "resource.a > false || resource.b < b'y'",
    "resource.a.all(e, e in params.texts || e + 'z' in params.texts)",
    "params.patterns.exists(p, resource.a.matches(p)) || params.patterns.exists(p, resource.b.matches(p))",
    "resource.a.?resources.orValue(1) == 1",
    "(resource.a ? [resource.b] : []).all(e, e)",
    "true",
    "type(resource.a) == string",
]

VALUES: list[Any] = [
    None, True, False, 0, 1, 1.0, 2**70, "", "x", "xy", "\ud800", "x" * 5000, [], ["x"], ["x", "y"], [1], [True], [DENIED], ["x", DENIED], ["y", PLANNED, None], [None],
    {}, {"x": 1}, {"x": DENIED}, {"x": {"y": 1}}, {"x": {"y": {"z": True}}}, {"x": None}, [{"x": "x"}], DENIED, PLANNED,
    Unknown("set", not_null=True), Unknown("prefix", prefix="x"), Unknown("size", min_size=1, max_size=2), Unknown("long", min_size=2),
]  # fmt: skip
"""What stands where the expressions read `a` and `b`."""

PARAMS: dict[str, Any] = {
    "texts": ["x", "z"], "numbers": [1, 22], "mixed": ["x", 1], "pattern": "^x$", "patterns": ["^x", "y$"], "ratio": 1.5,
}  # fmt: skip


@pytest.fixture(scope="module")
def compiled() -> Callable[[str], Program]:
    environment = Environment({"raw": raw_type("raw", "Anything.")})
    return lambda source: environment.compile(source, resource="raw", params=PARAMS, expect="any")


def same(program: Program, resource: Any, params: dict[str, Any], resources: dict[str, Any]) -> None:
    long = program.evaluate_long(resource, params, resources, NOW)
    straight = program.evaluate(resource, params, resources, NOW)
    assert (type(straight), repr(straight)) == (type(long), repr(long)), (program.source, resource, params)


@pytest.mark.parametrize("source", RAW)
def test_both_ways_answer_the_same(compiled: Callable[[str], Program], source: str) -> None:
    program = compiled(source)
    assert program._straight is not None or source == "true"
    tables: dict[str, Any] = {"raw": [{"x": 1}, {"x": "x"}]}
    for a, b in itertools.product(VALUES, repeat=2):
        same(program, {"a": a, "b": b, "c": False}, PARAMS, tables)
    bare: tuple[Any, ...] = ({}, DENIED, None, [], "x", {"b": True}, {"a": True})
    for resource in bare:
        same(program, resource, PARAMS, tables)


ODD_PARAMS: list[dict[str, Any]] = [
    {name: value}
    for name in ("texts", "numbers", "patterns", "pattern", "ratio")
    for value in (
        None,
        [],
        "x",
        "(",
        ["("],
        [r"\Qx", "x"],
        [1, True],
        [22, 1.0],
        [UInt(1)],
        ["x", DENIED],
        ["y", None],
        DENIED,
        1,
        2,
    )
]


@pytest.mark.parametrize("odd", ODD_PARAMS, ids=str)
def test_odd_parameters(compiled: Callable[[str], Program], odd: dict[str, Any]) -> None:
    """Whatever a caller passes: another type than the default's, a pattern that is none, or nothing at all."""
    for source in RAW:
        if f"params.{next(iter(odd))}" in source:
            program = compiled(source)
            for a in VALUES:
                same(program, {"a": a, "b": "x"}, PARAMS | odd, {})
                same(program, {"a": a, "b": "x"}, {name: PARAMS[name] for name in PARAMS if name not in odd}, {})


def test_a_changed_parameter_is_seen(compiled: Callable[[str], Program]) -> None:
    """What is remembered of a list is what it held: a list that is changed in place is another list."""
    program = compiled("resource.a.all(e, e in params.texts)")
    texts: list[Any] = ["x"]
    answers = [program.evaluate({"a": ["y"]}, {"texts": texts}, {}, NOW)]
    texts.append("y")
    answers.append(program.evaluate({"a": ["y"]}, {"texts": texts}, {}, NOW))
    texts[:] = ["x", DENIED]
    answers.append(program.evaluate({"a": ["y"]}, {"texts": texts}, {}, NOW))
    assert answers == [False, True, DENIED]


STAYS: list[tuple[str, Any]] = [
    ("resource.a.?x.?y.orValue(1) == 1", {"a": {}}),
    ("resource.a[?'x'].orValue('y') in ['x', 'y']", {"a": {"x": "x"}}),
    ("resource.a.?x.?y.hasValue()", {"a": {"x": {"y": 1}}}),
    ("resource.a.exists(e, e in params.texts)", {"a": ["y", "z"]}),
    ("resource.a in params.texts || resource.a in params.numbers", {"a": "y"}),
    ("params.patterns.exists(p, resource.a.matches(p))", {"a": "z"}),
    ("resource.a.exists(e, e.matches(params.pattern))", {"a": ["y", "x"]}),
    ("resource.a == null || resource.a.all(e, e != null && e > 1)", {"a": [2, 3]}),
    ("now > timestamp(resource.a)", {"a": NOW}),
]


@pytest.mark.parametrize(("source", "resource"), STAYS)
def test_plain_data_stay_on_the_straight_way(compiled: Callable[[str], Program], source: str, resource: Any) -> None:
    code = compiled(source)._straight
    assert isinstance(code, CodeType)
    assert type(library.run(code)(resource, PARAMS, {}, NOW)) is bool


def test_a_loop_costs_on_the_straight_way_too(compiled: Callable[[str], Program]) -> None:
    program = compiled("resource.a.all(e, resource.a.all(f, e == f))")
    assert program.evaluate({"a": ["x"] * 10}, {}, {}, NOW, 200) is True
    assert type(program.evaluate({"a": ["x"] * 100}, {}, {}, NOW, 200)) is EvaluationError
    long = compiled("resource.a.all(e, e.matches('x'))")
    assert type(long.evaluate({"a": ["x" * 4000] * 10}, {}, {}, NOW, 200)) is EvaluationError


METERED: list[tuple[str, Any]] = [
    ("resource.a.all(e, e.matches('x'))", ["x" * 600] * 3),
    ("resource.a[0] + 'x' != resource.a[1] + 'x' || resource.a[2] + 'x' == dyn('x')", ["x" * 9000] * 3),
    ("resource.a.all(e, e > 0) && resource.a.all(e, e < 9) && resource.a.exists(e, e == dyn('x'))", [1] * 30),
    ("resource.a + resource.a + resource.a == resource.a", list(range(40))),
    ("resource.a.map(e, e + resource.a[0]).all(e, e == 3)", ["x"] * 50),
]


@pytest.mark.parametrize("limit", [1, 10, 60, 100, 10_000])
@pytest.mark.parametrize(("source", "items"), METERED)
def test_an_evaluation_takes_at_most_twice_its_limit(
    compiled: Callable[[str], Program], monkeypatch: pytest.MonkeyPatch, source: str, items: list[Any], limit: int
) -> None:
    made: list[Meter] = []

    def meter(left: int) -> Meter:
        made.append(Meter(left))
        return made[-1]

    monkeypatch.setitem(library._found, "Meter", meter)
    monkeypatch.setattr("xspm.cel.program.Meter", meter)
    program = compiled(source)
    program.evaluate({"a": items}, {}, {}, NOW, limit)
    assert len(made) <= 2, "one meter for each way"
    taken = [limit - one.left for one in made if one.left >= 0] + [limit for one in made if one.left < 0]
    assert sum(taken) <= 2 * limit
    made.clear()
    program.evaluate_long({"a": items}, {}, {}, NOW, limit)
    assert len(made) == 1


def test_where_there_is_no_straight_way(monkeypatch: pytest.MonkeyPatch) -> None:
    """An expression without types, or one that nests too deep beside everything else that a function holds."""
    node = Ident(1, "x")
    assert to_straight_code(Checked(node), lambda _: "V", "V", boolean=False, plain=False) is None
    monkeypatch.setattr("xspm.cel.compiler.straight", lambda *_, **__: "(" * 1000)
    checked = Checked(node, references={1: Reference("x", (), None)})
    assert to_straight_code(checked, lambda _: "V", "V", boolean=False, plain=False) is None


def test_folds_that_no_macro_makes() -> None:
    """A sum: r = r + a."""
    step = Call(1, "_+_", None, (Ident(1, "r"), Ident(1, "a")))
    made = Fold(1, "a", "", Ident(1, "x"), "r", Literal(1, 0), Literal(1, value=True), step, Ident(1, "r"))
    checked = Checked(made, references={0: Reference("x", (), None)})
    code = to_straight_code(checked, lambda _: "V", "V", boolean=False, plain=False)
    assert code is not None
    assert library.run(code)([1, 2, 3]) == 6


@pytest.mark.parametrize(
    ("call", "arguments"),
    [
        (other_, (DENIED,)),
        (other_, (EvaluationError("no"),)),
        (same_, (DENIED, 1)),
        (same_, ([1], [1])),
        (same_, ("x" * 5000, "y" * 5000)),
        (sure_, (1,)),
        (count_, (DENIED,)),
        (known_, ([1, True], int)),
        (known_, ("x", str)),
        (without_, (["x", DENIED],)),
        (found_, (1, "x")),
        (found_, ("x", "(")),
        (joined_, (["("], "", "")),
        (joined_, ([1], "", "")),
    ],
)
def test_giving_up(call: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
    with pytest.raises(Odd):
        call(*arguments)


def test_what_is_remembered_is_bounded() -> None:
    kept = [known_([str(n)], str) for n in range(600)]
    assert kept[-1] == {"599"}
    assert joined_([], "", "") == joined_([], "^", "$")
    assert found_("x", joined_([], "", "")) is False
    assert same_(1, UInt(1)) is same_(1, 1.0) is same_("x", "x") is True
    assert same_(1, "1") is same_(None, 0) is False
