"""Compiling against resource types: what is accepted, what it yields, and how a mistake is reported."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from xspm.cel import EvaluationError
from xspm.cel.environment import _loader
from xspm.cel.tokens import rewrite
from xspm.errors import CelError, apart
from xspm.model.unknown import Unknown

if TYPE_CHECKING:
    from xspm.cel import Environment

DENIED = Unknown("denied")

VERDICTS: list[tuple[str, Any]] = [
    ("resource.enabled", True),
    ("resource.banner != null && resource.banner.contains('ell')", True),
    ("resource.banner == null || resource.banner == 'hello'", True),
    ("resource.banner == null ? false : resource.banner == 'hello'", True),
    ("!(resource.banner == null) && resource.banner == 'hello'", True),
    ("!(resource.banner == null || resource.tries == null) && resource.banner == 'hello' && resource.tries > 3", True),
    ("(resource.banner != null && resource.tries != null) && resource.tries > 3", True),
    ("null != resource.tries && resource.tries <= params.most", True),
    ("cel.bind(t, resource.tries, t != null && t < 5)", True),
    ("resource.tries != null && cel.bind(t, resource.tries, t < 5)", True),
    ("resource.forwarding != null && resource.forwarding", False),
    ("resource.inner == null || resource.inner.name == 'a'", True),
    ("resource.limits == null || resource.limits.a == 1", True),
    ("resource.ciphers != null && resource.ciphers.exists(c, c == 'rc4')", True),
    ("resource.matches.all(m, m.user == null || m.user != 'x')", True),
    ("resource.matches.filter(m, m.user != null).all(m, m.user == 'root')", True),
    ("resource.matches.filter(m, m.user != null).filter(n, n.number > 1).all(q, q.user == 'root')", True),
    ("resource.matches.map(m, m.user != null, m.user.size()) == [4]", True),
    ("resource.matches[1].user != null && resource.matches[1].user == 'root'", True),
    ("resource.names.exists(n, n == null)", True),
    ("resource.names.all(n, n == null || n == 'a')", True),
    ("resource.ports.all(p, p > 0)", True),
    ("resource.grid[0] == [1]", True),
    ("resource.labels['app'] == 'ssh' && 'app' in resource.labels", True),
    ("resource.labels.all(k, v, k == 'app')", True),
    ("resource.ratio < params.limit", True),
    ("resource.ratio + 0.5 == 1.5", True),
    ("resource.ratios.all(r, r + 0.5 > 1.0)", True),
    ("resource.shares.a + 0.5 == 1.5", True),
    ("resource.quota != null && resource.quota * 2.0 == 6.0", True),
    ("resource.raw.x.y == 1", True),
    ("has(resource.raw.x) && !has(resource.raw.z)", True),
    ("resource.raw.?z.orValue(true)", True),
    ("resource.raw.x", EvaluationError("the result is not a bool")),
    ("resource.raw.z", EvaluationError("no such key: z")),
    ("'no' in params.allowed", True),
    ("params.word == 'a' && params.on && params.map.a == 1 && params.mixed.size() == 2 && params.any == null", True),
    ("type(resource.banner) == string", True),
    ("now > timestamp('2026-01-01T00:00:00Z') && now.getFullYear() == 2026", True),
    ('resources["linux.sshd"].all(s, s.enabled)', True),
    ("resources[ 'linux.sshd' ].size() == 1", True),
    ('resources["k8s.role"].exists(r, r.x == 1)', DENIED),
    ('resources["k8s.role"].exists(r, r.x == 1) || true', True),
    ("resource.enabled // resources[x] in a comment", True),
    ("{'resources': 1}.resources == 1", True),
]


@pytest.mark.parametrize(("source", "expected"), VERDICTS)
def test_verdict(environment: Environment, world: Any, source: str, expected: Any) -> None:
    program = environment.compile(source, resource="linux.sshd", params=world.params, expect="bool")
    assert program.evaluate(world.data, world.params, world.tables, world.now) == expected


def test_null_result_is_an_error(environment: Environment) -> None:
    program = environment.compile("resource.x", resource="k8s.role", params={}, expect="bool")
    assert program.evaluate({"x": None}, {}, {}, "") == EvaluationError("the result is null, not a bool")
    assert program.evaluate({"x": DENIED}, {}, {}, "") == DENIED


def test_what_was_not_given_is_an_error(environment: Environment) -> None:
    program = environment.compile(
        "params.a == resources['k8s.role'].size()", resource=None, params={"a": 1}, expect="bool"
    )
    assert program.evaluate(None, {}, {"k8s.role": []}, "") == EvaluationError("no value given for 'params.a'")
    assert program.evaluate(None, {"a": 1}, {}, "") == EvaluationError("no value given for 'resources['k8s.role']'")


def test_now_that_is_no_timestamp_is_an_error(environment: Environment) -> None:
    program = environment.compile("now > timestamp(0)", resource=None, params={}, expect="bool")
    assert program.reads_now
    assert program.evaluate(None, {}, {}, "yesterday") == EvaluationError("String to Timestamp conversion failed")


PLAIN: list[tuple[str, Any]] = [
    ("[1, 2u, 1.5, 'a', true, null]", [1, 2, 1.5, "a", True, None]),
    ("{1: b'ab', true: timestamp(0), 'd': duration('1s')}", {"1": "YWI=", "true": "1970-01-01T00:00:00Z", "d": "1s"}),
    ("optional.of(1)", 1),
    ("optional.none()", None),
    ("type(1)", "int"),
    ("ip('::1')", "::1"),
    ("1 / 0", EvaluationError("divide by zero")),
    ("resource", DENIED),
]


@pytest.mark.parametrize(("source", "expected"), PLAIN)
def test_values_come_out_as_plain_data(environment: Environment, source: str, expected: Any) -> None:
    program = environment.compile(source, resource="k8s.role", params={}, expect="any")
    assert program.evaluate(DENIED, {}, {}, "") == expected


READS: list[tuple[str, tuple[str, ...], tuple[str, ...]]] = [
    ("resource.raw.x.y == 1 && resource.enabled", ("resource.enabled", "resource.raw.x.y"), ()),
    ("has(resource.raw.x) && resource.raw.x.y == 1", ("resource.raw.x.y",), ()),
    ("resource.matches.all(m, m.number > 1)", ("resource.matches",), ()),
    ("resource.matches[0].number == 1", ("resource.matches",), ()),
    ("resource.labels['app'] == 'a' || resource.labels['a.b'] == 'c'", ("resource.labels.app",), ()),
    ("resource.raw.?x.?y.orValue(false)", ("resource.raw.x.y",), ()),
    ("resource == resource", ("resource",), ()),
    ("[true].all(resource, resource)", (), ()),
    ("resources['k8s.role'].all(r, r.x) && resources['linux.sshd'] == []", (), ("k8s.role", "linux.sshd")),
    ("1 == 1", (), ()),
]


@pytest.mark.parametrize(("source", "reads", "types"), READS)
def test_reads(environment: Environment, source: str, reads: tuple[str, ...], types: tuple[str, ...]) -> None:
    program = environment.compile(source, resource="linux.sshd", params={}, expect="bool")
    assert (program.reads, program.resource_types, program.reads_now) == (reads, types, False)


MISTAKES: list[tuple[str, str, int, str | None]] = [
    ("resource.bannr == null", "linux.sshd has no field 'bannr'", 9, "did you mean banner or inner?"),
    ("resource.banner == 'a'", "resource.banner may be null here", 9, "test it first: `resource.banner != null && …`"),
    ("'a' in params.allowed || resource.tries > 1", "resource.tries may be null here", 34, None),
    ("resource.banner != null || resource.banner == 'a'", "resource.banner may be null here", 36, None),
    ("resource.banner == null && resource.banner == 'a'", "resource.banner may be null here", 36, None),
    ("resource.forwarding && true", "resource.forwarding may be null here", 9, None),
    ("true || resource.forwarding", "resource.forwarding may be null here", 17, None),
    ("!resource.forwarding", "resource.forwarding may be null here", 10, None),
    ("resource.forwarding ? true : false", "resource.forwarding may be null here", 9, None),
    ("resource.forwarding", "resource.forwarding may be null here", 9, None),
    ("resource.inner.name == 'a'", "resource.inner may be null here", 9, None),
    ("resource.ciphers.all(c, c == 'a')", "resource.ciphers may be null here", 9, None),
    ("resource.matches.all(m, m.user == 'a')", "m.user may be null here", 26, None),
    (
        "resource.matches.all(m, m.user != null) && resource.matches.all(m, m.user == 'a')",
        "m.user may be null here",
        69,
        None,
    ),
    ("resource.matches.filter(m, m.number > 1).all(m, m.user == 'a')", "m.user may be null here", 50, None),
    ("resource.matches.map(m, m).all(m, m.user == 'a')", "m.user may be null here", 36, None),
    ("resource.names.all(n, n == 'a')", "n may be null here", 23, None),
    ("[1].exists_one(x, x == resource.tries)", "resource.tries may be null here", 32, None),
    ("(resource.banner != null ? resource.banner : 'x') == 'x'", "this may be null here", 26, None),
    ("{'a': resource.banner} == {} || [resource.banner + 'a'] == []", "resource.banner may be null here", 42, None),
    (
        "has(resource.banner)",
        "has() says nothing of resource.banner: a typed field is always there",
        4,
        "write `resource.banner != null`",
    ),
    (
        "has(resource.enabled)",
        "has() says nothing of resource.enabled: a typed field is always there",
        4,
        "read resource.enabled itself",
    ),
    (
        "resource.?enabled.orValue(false)",
        "optional selection says nothing here: a typed field is always there",
        9,
        "use `.`",
    ),
    ("resource.enabled == 'a'", "`==` does not take (bool, string)", 18, None),
    ("resource.tries + 'a' == 'b'", "`+` does not take (int or null, string)", 16, None),
    ("resource.ports.contains(1)", "`contains` does not take (list(int), int)", 24, None),
    ("params.bogus", "there is no 'params.bogus' here", 7, None),
    (
        "params.wrod == 'a'",
        "there is no 'params.wrod' here",
        7,
        "did you mean params.word or params.on or params.most?",
    ),
    ("resource.ports", "the expression is of type list(int), not bool", 1, None),
    ("resource", "the expression is of type linux.sshd, not bool", 1, None),
    ("resources['k8s.rle'] == []", "no resource type 'k8s.rle'", 11, "did you mean k8s.role?"),
    ("resources[params.word] == []", "`resources` needs a literal type", 1, 'write resources["k8s.pod"], for instance'),
    ("resources == []", "`resources` needs a literal type", 1, None),
    ("true &&", "Syntax error: mismatched input '<EOF>'", 8, None),
    ("(" * 60 + "true" + ")" * 60, "the expression nests too deep", 1, None),
    ("!" * 5 + "resource.raw" + ".a" * 40, "the expression nests too deep", 1, None),
    ("'" + "a" * 70_000 + "' == ''", "the expression is longer than 64 KiB", 1, None),
    ("'a\0b' == ''", "the expression holds a NUL character", 3, None),
    ("'\ud800' == ''", "the expression is not Unicode text", 1, None),
    ("resource.enabled && 'a'.matches('(')", "invalid regular expression: missing )", 33, None),
    ("regex.replace('a', '[', '') == ''", "invalid regular expression: missing ]", 20, None),
    ("now > timestamp('yesterday')", "String to Timestamp conversion failed", 17, None),
    ("cidr('10.0.0.0/33').prefixLength() == 1", "network address parse error", 6, None),
    (
        "resource.matches.map(m, m.user != null, m.number).all(u, u == 1) && resource.banner == ''",
        "resource.banner may",
        77,
        None,
    ),
    ("", "Syntax error: mismatched input '<EOF>'", 1, None),
]


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: repr(mistake[0])[:60])
def test_mistake(environment: Environment, world: Any, mistake: tuple[str, str, int, str | None]) -> None:
    source, message, column, hint = mistake
    with pytest.raises(CelError) as caught:
        environment.compile(source, resource="linux.sshd", params=world.params, expect="bool", file="check.yaml")
    error = caught.value
    assert error.message.startswith(message)
    assert (error.file, error.line, error.column) == ("check.yaml", 1, column)
    assert hint is None or error.hint == hint


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("resource.a && resource.b", [9, 23]),
        ("resource.bogus == 1 || params.bogus || 1 + 'a' == 2", [9, 30, 42]),
        ("resource.banner.contains('x') || resource.tries > 1", [9, 42]),
        ("resource.banner.contains('x') || resource.banner.contains('y')", [9]),
        ("resource.enabled && ('a'.matches('(') || 'a'.matches('['))", [34, 54]),
        ("resource.a && (", [16]),
    ],
)
def test_every_mistake_of_an_expression_comes_with_the_first(
    environment: Environment, world: Any, source: str, expected: list[int]
) -> None:
    with pytest.raises(CelError) as caught:
        environment.compile(source, resource="linux.sshd", params=world.params, expect="bool")
    assert expected == [error.column for error in apart(caught.value)]


def test_no_such_resource_type(environment: Environment) -> None:
    with pytest.raises(CelError, match=r"no resource type 'linux\.ssd'") as caught:
        environment.compile("true", resource="linux.ssd", params={}, expect="bool")
    assert caught.value.hint == "did you mean linux.sshd?"


def test_nulls_may_be_shown(environment: Environment) -> None:
    """A value that is only shown need not be tested."""
    program = environment.compile("resource.forwarding", resource="linux.sshd", params={}, expect="any")
    assert program.evaluate({"forwarding": None}, {}, {}, "") is None


def test_mistake_points_into_its_file(environment: Environment) -> None:
    with pytest.raises(CelError) as caught:
        environment.compile(
            "resource.enabled &&\n  resource.bogus",
            resource="linux.sshd",
            params={},
            expect="bool",
            file="c.yaml",
            line=7,
            column=10,
            indent=2,
        )
    assert caught.value.diagnostics() == (
        "c.yaml:8:13: linux.sshd has no field 'bogus'\n      resource.bogus\n              ^"
    )


def test_reference_engine_agrees(environment: Environment, world: Any) -> None:
    source = 'resource.enabled && params.word == "a" && resources["linux.sshd"].size() == 1'
    arguments: Any = {"resource": "linux.sshd", "params": world.params, "expect": "bool"}
    for program in (environment.reference(source, **arguments), environment.compile(source, **arguments)):
        assert program.evaluate(world.data, world.params, {"linux.sshd": [world.data]}, world.now) is True


def test_unknown_numbers_stay_unknown(environment: Environment) -> None:
    program = environment.compile("resource.ratios.all(r, r > 0.5)", resource="linux.sshd", params={}, expect="bool")
    assert program.evaluate({"ratios": DENIED}, {}, {}, "") == DENIED


def test_what_cannot_be_generated_is_told_with_its_place(
    environment: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any) -> None:
        raise CelError("no function 'x'", hint="none")

    monkeypatch.setattr("xspm.cel.environment.to_code", refuse)
    with pytest.raises(CelError) as caught:
        environment.compile("true", resource=None, params={}, expect="bool", file="c.yaml", line=3)
    assert (caught.value.where, caught.value.hint) == ("c.yaml:3:1", "none")


def test_only_declared_variables_are_loaded() -> None:
    assert _loader({}, rewrite("true", frozenset()))("params.x") is None
