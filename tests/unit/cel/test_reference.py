"""The reference engine: the C++ runtime over plain JSON, with unknowns that it does not know."""

from __future__ import annotations

import threading
from typing import Any, Final

import pytest
from cel_expr_python import cel

from xspm.cel import Environment, declarations
from xspm.cel.ast import Node, decode
from xspm.cel.encode import encode
from xspm.cel.reference import ReferenceProgram
from xspm.cel.values import Duration, EvaluationError, Timestamp, TypeName, UInt
from xspm.model.schema import ResourceType, raw_type, typed
from xspm.model.unknown import Unknown

NOW: Final = "2026-01-31T12:00:00Z"
DENIED: Final = Unknown("denied")
DATA: Final[dict[str, Any]] = {
    "i": 1,
    "s": "a\0b",
    "u": DENIED,
    "l": [1, DENIED, "x"],
    "k": [1, 2],
    "m": {"x": DENIED, "y": 2},
}


def program(source: str) -> ReferenceProgram:
    env = cel.NewEnv(
        declarations.pool(),
        config=declarations.config(),
        variables={"resource": cel.Type.DYN, "now": cel.Type.TIMESTAMP},
        functions=declarations.functions(),
    )
    return ReferenceProgram(source, env.compile(source).serialize())


def answer(source: str, data: Any = None) -> Any:
    return program(source).evaluate(DATA if data is None else data, {}, {}, NOW)


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("resource.i == 1", True),
        ("resource.u == 1 || true", True),
        ("false && resource.u", False),
        ("true ? 1 : resource.u", 1),
        ("1 in resource.l", True),
        ("resource.l == [1]", False),
        ("resource.l == [1, 2, 'y']", False),
        ("resource.l != [1, 2, 'y']", True),
        ("resource.m == {'y': 3, 'x': 1}", False),
        ("size(resource.l)", 3),
        ("size([resource.u])", 1),
        ("resource.l.exists(i, i == 'x')", True),
        ("resource.l.all(i, i == 1)", False),
        ("has(resource.u)", True),
        ("has(resource.none)", False),
        ("resource.m.y == 2", True),
        ("resource.?u.hasValue()", True),
        ("resource[?'none'].orValue(2)", 2),
        ("resource.k.map(i, string(i)).join(',')", "1,2"),
        ("resource.s == 'a\\u0000b'", True),
        ("cel.bind(x, resource.u, true)", True),
        ("google.protobuf.NullValue.NULL_VALUE == 0 || resource.u", True),
        ("resource.l == [1, 2]", False),
        ("{'a': dyn([resource.u])} == {'a': {}}", False),
        ("resource.k.exists_one(i, i == 1)", True),
    ],
)
def test_decides_what_no_unknown_can_change(source: str, expected: Any) -> None:
    assert answer(source) == expected


@pytest.mark.parametrize(
    "source",
    [
        "resource.u",
        "resource.u == 1",
        "!resource.u",
        "resource.u || false",
        "resource.u ? 1 : 2",
        "5 in resource.l",
        "resource.u in [1]",
        "resource.l == [1, 2, 'x']",
        "resource.m == {'y': 2, 'x': 1}",
        "resource.l.exists(i, i == 'z')",
        "resource.l.filter(i, i == 1)",
        "resource.l[1]",
        "resource.k[resource.u]",
        "resource.m.x",
        "has(resource.u.x)",
        "resource.?u.orValue(3)",
        "optional.of(resource.u) == optional.of(1)",
        "optional.of(resource.l) == optional.of([1, 2, 'x'])",
        "sets.contains(resource.l, [1])",
        "resource.l.sort()",
        "math.greatest(resource.l)",
        "resource.l.map(i, string(i)).join(',')",
        "cel.bind(x, resource.u, x == 1)",
        "size('abc' + resource.u)",
        "resource.missing == 1 || resource.u",
        "ip(resource.u).isLoopback()",
        "'%s'.format([resource.u])",
    ],
)
def test_reading_an_unknown_is_unknown(source: str) -> None:
    assert answer(source) == DENIED


@pytest.mark.parametrize(
    "source",
    [
        "resource.missing",
        "1 / 0 == 1",
        "resource.i + 'a'",
        "optional.none().value()",
        "optional.of(1)",
        "[optional.of(1)]",
    ],
)
def test_errors_are_values(source: str) -> None:
    assert isinstance(answer(source, {"i": 1}), EvaluationError)


@pytest.mark.parametrize(
    ("data", "why"),
    [
        ({"i": 2**63}, "an integer beyond 64 bits"),
        ({"s": "\ud800"}, "surrogates"),
        ({"\ud800": 1}, "surrogates"),
        ({"a\0b": 1}, "NUL"),
    ],
)
def test_data_that_the_runtime_cannot_take_is_an_error(data: Any, why: str) -> None:
    """The wheel would die of these, or read them as something else."""
    result = answer("true", data)
    assert isinstance(result, EvaluationError)
    assert why in result.message


def test_data_that_nests_too_deep_is_an_error() -> None:
    data: Any = {}
    for _ in range(100_000):
        data = {"a": data}
    assert isinstance(answer("true", data), EvaluationError)


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("resource", {"a": [1, DENIED], "b": {"c": DENIED}}),
        ("[b'a', 1u, duration('90s'), timestamp('1970-01-01T00:00:01Z'), type(1), null]",
         [b"a", UInt(1), Duration(90 * 10**9), Timestamp(10**9), TypeName("int"), None]),
        ("[type(null), type([]), type({}), type(now)]",
         [TypeName("null_type"), TypeName("list"), TypeName("map"), TypeName("google.protobuf.Timestamp")]),
        ("resource.b.transformMap(k, v, v)", {"c": DENIED}),
        ("{'a': 1}.transformMapEntry(k, v, {v: k})", {1: "a"}),
    ],
)  # fmt: skip
def test_results_come_back_as_values_of_the_language(source: str, expected: Any) -> None:
    actual = answer(source, {"a": [1, DENIED], "b": {"c": DENIED}})
    assert actual == expected
    assert not isinstance(actual, list) or [type(item) for item in actual] == [type(item) for item in expected]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("resource.u in []", False),
        ("resource.l.all(i, !(i in resource.none))", True),
        ("'x' in resource.m", False),
        ("'u' in resource.m", True),
        ("1 in resource.l", True),
        ("2 in resource.l", DENIED),
        ("resource.u in resource.m", DENIED),
        ("[1 / 0].all(i, true) || 1 in []", EvaluationError),
        ("[resource.?missing.orValue(1), resource.?u.orValue(2)].exists(i, i == 1)", True),
        ("[resource.?u.orValue(2)].all(i, i == 2)", DENIED),
        ("resource.m.map(k, k).exists(k, k == 'u')", True),
        ("resource.i == 1 && [ip('127.0.0.1')].all(i, i.isLoopback())", True),
        ("optional.of(resource.i).optMap(i, [i]).orValue([2]) == [1]", True),
    ],
)
def test_an_unknown_nearby_hinders_no_answer(source: str, expected: Any) -> None:
    data = {"u": DENIED, "l": [1, DENIED], "m": {"u": DENIED}, "none": [], "i": 1}
    result = answer(source, data)
    assert isinstance(result, EvaluationError) if expected is EvaluationError else result == expected


def test_repeated_keys_of_a_made_map_are_an_error() -> None:
    assert isinstance(answer("{'a': 1, 'b': 1}.transformMapEntry(k, v, {v: k})"), EvaluationError)


@pytest.mark.parametrize(
    "source", ["{'a': 1}.transformMap(k, v, optional.of(v))", "[optional.none()] == [optional.none()] && resource.u"]
)
def test_optionals_in_collections_are_refused_where_the_wheel_dies_of_them(source: str) -> None:
    result = answer(source)
    assert isinstance(result, EvaluationError)
    assert "takes no optionals" in result.message


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("string(ip('::ffff:c0a8:1'))", "192.168.0.1"),
        ("ip('::1') == ip('0:0::1')", True),
        ("type(cidr('10.0.0.0/8')) == net.CIDR", True),
        ("string(cidr('10.1.2.3/8').masked())", "10.0.0.0/8"),
        ("string(cidr('10.1.2.3/8').ip())", "10.1.2.3"),
        ("cidr('10.0.0.0/8').containsIP('10.1.1.1') && cidr('10.0.0.0/8').containsIP(ip('10.1.1.1'))", True),
        ("cidr('10.0.0.0/8').containsCIDR('10.0.0.0/7') || cidr('10.0.0.0/8').containsCIDR(cidr('::/0'))", False),
        ("isIP('1.2.3.4') && !isIP('fe80::1%eth0') && !isIP('::ffff:1.2.3.4') && !isCIDR('1.2.3.4')", True),
        ("!isCIDR('1.2.3.4/+8') && !isCIDR('::ffff:a00:0/104') && isCIDR('10.0.0.0/8')", True),
        ("ip.isCanonical('2001:DB8::1')", False),
        ("ip('8.8.8.8').isGlobalUnicast() && !ip('255.255.255.255').isGlobalUnicast()", True),
        ("ip('224.0.0.1').isLinkLocalMulticast() && ip('ff02::1').isLinkLocalMulticast()", True),
        ("ip('169.254.1.1').isLinkLocalUnicast() && ip('127.0.0.1').isLoopback() && ip('::').isUnspecified()", True),
        ("cidr('10.0.0.0/8').prefixLength() + ip('::1').family()", 14),
    ],
)
def test_addresses(source: str, expected: Any) -> None:
    assert answer(source) == expected


def test_variables_of_the_policy_language() -> None:
    env = Environment({"r": raw_type("r", "R."), "other": raw_type("other", "Other.")})
    source = "resource.a in params.allowed && resources['other'].all(o, o.b) && now > timestamp('2020-01-01T00:00:00Z')"
    compiled = env.reference(source, resource="r", params={"allowed": ["x"]}, expect="bool")
    assert compiled.source == source
    assert compiled.evaluate({"a": "x"}, {"allowed": ["x"]}, {"other": [{"b": True}]}, NOW) is True
    assert compiled.evaluate({"a": "x"}, {"allowed": ["x"]}, {"other": DENIED}, NOW) == DENIED
    assert compiled.evaluate({"a": "y"}, {"allowed": ["x"]}, {"other": DENIED}, NOW) is False
    assert isinstance(compiled.evaluate({"a": "x"}, {"allowed": ["x"]}, {}, NOW), EvaluationError)


class Thing(ResourceType, frozen=True):
    """A thing."""

    TYPE = "thing"
    ratio: float
    limit: float | None
    name: str | None


@pytest.mark.parametrize(
    ("source", "data", "expected"),
    [
        ("resource.ratio * 2.0", {"ratio": 1, "limit": None, "name": None}, 2.0),
        ("resource.limit == null", {"ratio": 1, "limit": None, "name": None}, True),
        ("resource.name != null && resource.name.startsWith('a')", {"ratio": 1, "limit": None, "name": None}, False),
        ("resource.ratio * 2.0 == 2.0 && resource.name != null", {"ratio": 1, "limit": None, "name": DENIED}, DENIED),
        ("resource.limit != null && resource.limit - 0.5 == 1.5", {"ratio": 1, "limit": 2, "name": None}, True),
    ],
)
def test_typed_fields_read_as_in_our_engine(source: str, data: Any, expected: Any) -> None:
    env = Environment({"thing": typed(Thing)})
    ours = env.compile(source, resource="thing", params={}, expect="any").evaluate(data, {}, {}, NOW)
    theirs = env.reference(source, resource="thing", params={}, expect="any").evaluate(data, {}, {}, NOW)
    assert (ours, theirs) == (expected, expected)


def test_unknowns_of_one_thread_are_not_those_of_another() -> None:
    shared = program("resource.u || resource.v")
    results: dict[int, Any] = {}

    def run(number: int) -> None:
        results[number] = [
            shared.evaluate({"u": Unknown(f"reason {number}"), "v": False}, {}, {}, NOW).reason for _ in range(50)
        ]

    threads = [threading.Thread(target=run, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == {number: [f"reason {number}"] * 50 for number in range(4)}


@pytest.mark.parametrize(
    "source",
    [
        "1 + 2u",
        "{'a': 1.5, 'b': b'x'}",
        "[?optional.none(), 1]",
        "resource.a.exists(x, x == -1)",
        "has(resource.a)",
        "null",
        "{?'a': optional.of(true)}",
    ],
)
def test_what_is_encoded_reads_as_it_was(source: str) -> None:
    env = cel.NewEnv(
        declarations.pool(),
        config=declarations.config(),
        variables={"resource": cel.Type.DYN},
        functions=declarations.functions(),
    )
    root = decode(env.compile(source, disable_check=True).serialize()).root
    again = decode(encode(root)).root
    assert encode(again) == encode(root)


def test_only_nodes_are_encoded() -> None:
    with pytest.raises(TypeError):
        encode(Node(1))


def test_a_look_after_a_loop_that_ended_early_sees_its_own_value() -> None:
    """The C++ runtime finds a stale value in the slot of a lazy binding, so the rewriting makes none."""
    source = "[1, 2].exists(v, true) ? 0 - (resource.i + resource.i) : 0"
    program = Environment({"t": raw_type("t", "T")}).reference(source, resource="t", params={}, expect="any")
    assert program.evaluate({"i": 5, "u": Unknown("denied")}, {}, {}, "2026-01-01T00:00:00Z") == -10


def test_a_binding_beside_a_loop_is_refused() -> None:
    source = "[1, 2].exists(v, true) ? cel.bind(g, resource.i, 0 - (g + g)) : 0"
    program = Environment({"t": raw_type("t", "T")}).reference(source, resource="t", params={}, expect="any")
    assert isinstance(program.evaluate({"i": 5}, {}, {}, "2026-01-01T00:00:00Z"), EvaluationError)


@pytest.mark.parametrize(
    ("source", "value"), [("cel.bind(a, resource.i, a + a)", 10), ("cel.bind(a, resource.x, 1)", 1)]
)
def test_a_binding_alone_is_the_runtimes_own_and_lazy(source: str, value: int) -> None:
    program = Environment({"t": raw_type("t", "T")}).reference(source, resource="t", params={}, expect="any")
    assert program.evaluate({"i": 5}, {}, {}, "2026-01-01T00:00:00Z") == value
