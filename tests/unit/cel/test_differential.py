"""The two engines agree: xspm's compiler and the C++ runtime, over generated expressions and documents, unknowns included.

Every engine's answer is a value, an unknown or an error. Values must be equal; where one engine has no value the other has none either.
Which of unknown and error it is may differ where one expression meets both (see `xspm.cel.reference`). With the environment variable
`HYPOTHESIS_PROFILE=long` many more expressions are drawn.
"""

from __future__ import annotations

import math
import os
from functools import cache
from typing import Any, Final

import msgspec
import pytest
from cel_expr_python import cel
from hypothesis import HealthCheck, event, given, reject, settings
from hypothesis import strategies as st

from xspm.cel import Environment, declarations
from xspm.cel.compiler import compile_checked
from xspm.cel.library.structure import string_key
from xspm.cel.reference import ReferenceProgram
from xspm.cel.values import EvaluationError, Optional
from xspm.errors import CelError
from xspm.model.schema import ResourceType, typed
from xspm.model.unknown import Unknown

EXAMPLES: Final = 20_000 if os.environ.get("HYPOTHESIS_PROFILE") == "long" else 250
NOW: Final = "2026-01-31T12:00:00Z"
TEXTS: Final = (
    "",
    "a",
    "b",
    "ab",
    "no",
    "Yes",
    "0.5",
    "12",
    "é",
    "𝄞x",
    "a,b,c",
    " x ",
    "2024-02-29T12:00:00Z",
    "90s",
    "[a-b]+",
)


# Documents -------------------------------------------------------------------------------------------------------------

ints = st.one_of(st.integers(-3, 5), st.sampled_from([2**53 - 1, -(2**53) + 1]))
doubles = st.sampled_from([0.0, -0.5, 1.0, 1.5, 3.0, 1e300])
texts = st.sampled_from(TEXTS)
unknowns = st.sampled_from(["denied", "timed out"]).map(Unknown)


def maybe(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """A value that is now and then unknown."""
    return st.one_of(strategy, strategy, strategy, strategy, unknowns)


def few(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[list[Any]]:
    return st.lists(strategy, max_size=3)


anything = st.recursive(
    st.one_of(st.none(), st.booleans(), ints, doubles, texts, unknowns),
    lambda inner: st.one_of(few(inner), st.dictionaries(st.sampled_from("abk"), inner, max_size=2)),
    max_leaves=5,
)

documents = st.fixed_dictionaries(
    {
        "i": maybe(ints),
        "j": maybe(ints),
        "d": maybe(doubles),
        "s": maybe(texts),
        "t": maybe(texts),
        "b": maybe(st.booleans()),
        "c": maybe(st.booleans()),
        "li": maybe(few(maybe(ints))),
        "ls": maybe(few(maybe(texts))),
        "m": maybe(st.dictionaries(st.sampled_from(["a", "b", "ab"]), maybe(ints), max_size=3)),
        "lm": maybe(few(st.fixed_dictionaries({"k": maybe(texts), "v": maybe(ints)}, optional={"o": maybe(ints)}))),
        "x": anything,
        "y": anything,
    },
    optional={"o": maybe(ints)},
)


# Expressions -----------------------------------------------------------------------------------------------------------

Scope = tuple[tuple[str, str], ...]
"""Loop variables in force: name and type."""


@st.composite
def expression(draw: st.DrawFn, kind: str, depth: int, scope: Scope = ()) -> str:
    """Draw the text of an expression of a type."""
    leaves = LEAVES[kind] + tuple(name for name, of in scope if of in {kind, "dyn"})
    forms = FORMS[kind]
    if depth == 0 or draw(st.integers(0, 4)) == 0:
        return draw(st.sampled_from(leaves))
    form = draw(st.sampled_from(forms))
    parts: list[str] = []
    inner = scope
    for part in form.split():
        if part.startswith("$"):
            parts.append(draw(expression(part[1:], depth - 1, inner)))
        elif part.startswith("@"):  # a loop variable of this type for what follows
            name = f"v{len(inner)}"
            inner = (*inner, (name, part[1:]))
            parts.append(name)
        else:
            parts.append(part)
    return " ".join(parts)


LEAVES: Final[dict[str, tuple[str, ...]]] = {
    "int": (
        "0",
        "1",
        "2",
        "-1",
        "3",
        "9223372036854775807",
        "resource.i",
        "resource.j",
        "resource.m.a",
        "resource.o",
        "resource.lm[0].v",
        "int(resource.s)",
    ),
    "double": ("0.0", "1.5", "-2.0", "1e308", "resource.d", "double(resource.i)", "double(resource.t)"),
    "string": (
        "''",
        "'a'",
        "'ab'",
        "'no'",
        "'é𝄞'",
        "resource.s",
        "resource.t",
        "resource.ls[0]",
        "resource.lm[1].k",
        "string(resource.x)",
    ),
    "bool": (
        "true",
        "false",
        "resource.b",
        "resource.c",
        "has(resource.o)",
        "has(resource.x.a)",
        "resource.x == null",
        "bool(resource.s)",
    ),
    "ints": ("[]", "[1, 2]", "[3, 1, 1]", "resource.li", "resource.x.k.sort()"),
    "strings": ("['a', 'no']", "resource.ls", "resource.s.split(',')"),
    "map": ("{'a': 1}", "{'b': 2, 'ab': resource.i}", "resource.m", "resource.x"),
    "maps": ("resource.lm", "[{'k': 'a', 'v': 1}]"),
    "dyn": (
        "resource.x",
        "resource.y",
        "dyn(resource.i)",
        "dyn('a')",
        "dyn(1.0)",
        "dyn(2u)",
        "dyn(null)",
        "dyn(resource.li)",
        "dyn([1, 'a'])",
    ),
    "timestamp": (
        "timestamp('2024-02-29T23:59:59Z')",
        "timestamp('1970-01-01T00:00:00+01:00')",
        "timestamp(resource.s)",
        "timestamp(resource.i)",
    ),
    "duration": ("duration('1h30m')", "duration('-5s')", "duration(resource.s)"),
    "optional": (
        "resource.?o",
        "resource.?x.a",
        "resource.m[?'a']",
        "resource.li[?0]",
        "optional.none()",
        "optional.of(resource.i)",
    ),
}

FORMS: Final[dict[str, tuple[str, ...]]] = {
    "int": (
        "( $int + $int )",
        "( $int - $int )",
        "( $int * $int )",
        "( $int / $int )",
        "( $int % $int )",
        "-( $int )",
        "( $bool ? $int : $int )",
        "size( $ints )",
        "size( $string )",
        "( $strings ).size()",
        "$ints [ $int ]",
        "$map [ $string ]",
        "( $string ).indexOf( $string )",
        "( $optional ).orValue( $int )",
        "( $timestamp ).getFullYear()",
        "( $timestamp ).getDayOfWeek('Europe/Berlin')",
        "( $duration ).getMinutes()",
        "math.greatest( $int , $int )",
        "math.abs( $int )",
        "int( $double )",
        "int( $timestamp )",
        "cel.bind( @int , $int , $int )",
    ),
    "double": (
        "( $double + $double )",
        "( $double * $double )",
        "( $double / $double )",
        "( $double - $double )",
        "math.ceil( $double )",
        "double( $string )",
    ),
    "string": (
        "( $string + $string )",
        "( $bool ? $string : $string )",
        "string( $int )",
        "string( $bool )",
        "string( $timestamp )",
        "string( $duration )",
        "( $string ).upperAscii()",
        "( $string ).replace( $string , $string )",
        "( $string ).substring( $int )",
        "( $string ).substring( $int , $int )",
        "( $string ).charAt( $int )",
        "( $string ).trim()",
        "( $strings ).join( $string )",
        "$strings [ $int ]",
        "'%s-%d'.format([ $dyn , $int ])",
        "base64.encode(bytes( $string ))",
    ),
    "bool": (
        "( $bool && $bool )",
        "( $bool || $bool )",
        "( $bool || $bool || $bool )",
        "( $bool && $bool && $bool )",
        "!( $bool )",
        "( $bool ? $bool : $bool )",
        "( $int < $int )",
        "( $int >= $int )",
        "( $int == $int )",
        "( $int != $int )",
        "( $double <= $double )",
        "( $double == $double )",
        "( $string == $string )",
        "( $string != $string )",
        "( $string < $string )",
        "( $timestamp > $timestamp )",
        "( $duration < $duration )",
        "( $dyn == $dyn )",
        "( $dyn != $dyn )",
        "( $dyn < $dyn )",
        "( $ints == $ints )",
        "( $map == $map )",
        "( $map != $dyn )",
        "( $strings != $strings )",
        "( $int in $ints )",
        "( $string in $strings )",
        "( $string in $map )",
        "( $dyn in $ints )",
        "( $dyn in [ $dyn , $dyn ])",
        "( $string in ['a', 'no', 'ab'])",
        "( $string ).startsWith( $string )",
        "( $string ).endsWith( $string )",
        "( $string ).contains( $string )",
        "( $string ).matches( $string )",
        "( $string ).matches('^[a-z]+$')",
        "( $optional ).hasValue()",
        "( $optional == $optional )",
        "type( $dyn ) == type( $dyn )",
        "type( $dyn ) == int",
        "$ints .all( @int , $bool )",
        "$ints .exists( @int , $bool )",
        "$ints .exists_one( @int , $bool )",
        "$strings .all( @string , $bool )",
        "$strings .exists( @string , $bool )",
        "$map .all( @string , $bool )",
        "$map .exists( @string , @int , $bool )",
        "$ints .all( @int , @int , $bool )",
        "$maps .exists( @map , $bool )",
        "resource.lm.all( e , has(e.o) && e.v == $int )",
        "resource.lm.exists( e , e.k == $string || e.o > $int )",
        "resource.x.exists( @dyn , $bool )",
        "resource.y.all( @dyn , $bool )",
        "sets.contains( $ints , $ints )",
        "sets.intersects( $strings , $strings )",
        "sets.equivalent( $ints , $ints )",
        "( $dyn ).a == $dyn",
    ),
    "ints": (
        "$ints .map( @int , $int )",
        "$ints .filter( @int , $bool )",
        "$ints .map( @int , $bool , $int )",
        "( $ints + $ints )",
        "[ $int , $int ]",
        "$ints .sort()",
        "$ints .distinct()",
        "$ints .reverse()",
        "$ints .slice( $int , $int )",
        "$ints .transformList( @int , @int , $int )",
        "( $bool ? $ints : $ints )",
        "[[1], $ints ].flatten()",
    ),
    "strings": (
        "$strings .map( @string , $string )",
        "$strings .filter( @string , $bool )",
        "[ $string , $string ]",
        "( $strings + $strings )",
        "( $map .map( @string , $string )).sort()",  # the order of a map's keys is each engine's own
        "$strings .sort()",
        "$strings .distinct()",
        "( $string ).split(',')",
        "resource.lm.map(e, e.k)",
    ),
    "map": (
        "{'a': $int , 'b': $int }",
        "{ $string : $int }",
        "( $bool ? $map : $map )",
        "$map .transformMap( @string , @int , $int )",
    ),
    "maps": ("$maps .filter( @map , $bool )", "[ $map , $map ]"),
    "dyn": (
        "dyn( $int )",
        "dyn( $string )",
        "dyn( $ints )",
        "dyn( $map )",
        "[ $dyn , $int ]",
        "{'a': $dyn }",
        "( $bool ? dyn( $int ) : dyn( $string ))",
        "resource.x.a",
    ),
    "timestamp": ("( $timestamp + $duration )", "( $timestamp - $duration )", "timestamp( $string )"),
    "duration": ("( $timestamp - $timestamp )", "( $duration + $duration )", "duration( $string )"),
    "optional": (
        "( $optional ).or( $optional )",
        "optional.of( $int )",
        "optional.ofNonZeroValue( $int )",
        "resource.m[? $string ]",
        "( $optional ).optMap( @int , $int )",
    ),
}

expressions = st.sampled_from(
    ["bool", "bool", "bool", "int", "string", "ints", "strings", "map", "double", "dyn"]
).flatmap(lambda kind: expression(kind, 3))


# Engines ---------------------------------------------------------------------------------------------------------------


@cache
def front_end() -> Any:
    return cel.NewEnv(
        declarations.pool(),
        config=declarations.config(),
        variables={"resource": cel.Type.DYN},
        functions=declarations.functions(),
    )


def answers(source: str, document: Any) -> tuple[Any, Any]:
    """Return what xspm's engine says and what the C++ runtime says."""
    serialized = front_end().compile(source).serialize()
    ours = compile_checked(serialized)({"resource": document})
    return ours, ReferenceProgram(source, serialized).evaluate(document, {}, {}, NOW)


def plain(value: Any) -> Any:
    """Return a value in a form that compares types: a bool is no int, NaN is NaN."""
    match value:
        case bool():
            return ("bool", value)
        case float():
            return ("double", "nan" if math.isnan(value) else value)
        case int():
            return ("int", int(value))
        case list():
            return [plain(item) for item in value]
        case dict():
            return {string_key(key): plain(item) for key, item in value.items()}
        case Unknown():
            return "unknown"
        case Optional():
            return "error"  # the wheel cannot hand out an optional
    return value


def kind_of(value: Any) -> str:
    match value:
        case Unknown():
            return "unknown"
        case EvaluationError(message) if "the reference engine takes no " in message:
            return "refused"
        case EvaluationError(message) if "<start> or <end> is greater than <string>.size()" in message:
            return "refused"  # the wheel takes an end at the very end of the text for one beyond it
        case EvaluationError() | Optional():
            return "error"
    return "value"


CONCRETE: Final[tuple[Any, ...]] = (0, 1, -7, 1.5, "a", "no", "", True, False, None, [], [1], ["a"], {"a": 1}, {})
"""What an unknown might turn out to be."""


def concretized(value: Any, concrete: Any) -> Any:
    """Return a document in which every unknown has turned out to be `concrete`."""
    match value:
        case Unknown():
            return concrete
        case dict():
            return {key: concretized(item, concrete) for key, item in value.items()}
        case list():
            return [concretized(item, concrete) for item in value]
    return value


def fits(value: Any, concrete: Any) -> bool:
    """Whether a value, some parts of which are unknown, may turn out to be `concrete`."""
    match value:
        case "unknown":
            return True
        case list() if isinstance(concrete, list):
            return len(value) == len(concrete) and all(fits(a, b) for a, b in zip(value, concrete, strict=True))
        case dict() if isinstance(concrete, dict):
            return value.keys() == concrete.keys() and all(fits(item, concrete[key]) for key, item in value.items())
    return bool(value == concrete)


def check_concretizations(source: str, document: Any, value: Any) -> None:
    """What was decided without knowing stays so, whatever the unknown turns out to be."""
    for concrete in CONCRETE:
        result = answers(source, concretized(document, concrete))[1]
        assert kind_of(result) != "value" or fits(plain(value), plain(result)), (concrete, value, result)


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
@given(source=expressions, document=documents)
def test_engines_agree(source: str, document: Any) -> None:
    """A value of one engine is the value of the other, or one that no unknown can change; neither has a value where the other has an error."""
    try:
        ours, theirs = answers(source, document)
    except RuntimeError as error:  # the front end refuses it
        event(f"does not compile: {str(error)[:60]}")
        reject()
    event(f"{kind_of(ours)} / {kind_of(theirs)}")
    match kind_of(ours), kind_of(theirs):
        case ("value", "value"):
            assert plain(ours) == plain(theirs)
        case ("value", "unknown"):
            check_concretizations(source, document, ours)
        case (_, "refused") | ("unknown", "unknown") | ("error", "error") | ("unknown", "error") | ("error", "unknown"):
            pass
        case kinds:
            raise AssertionError(kinds, ours, theirs)


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
@given(source=expressions, document=documents)
def test_no_unknown_changes_a_value(source: str, document: Any) -> None:
    """Where xspm decides in spite of unknowns, every document that the unknowns may turn out to be gives the same value."""
    try:
        ours, _ = answers(source, document)
    except RuntimeError:
        reject()
    if kind_of(ours) == "value" and "Unknown(" in repr(document):
        check_concretizations(source, document, ours)


class Entry(msgspec.Struct, frozen=True):
    """An element of `lm`."""

    k: str
    v: int
    o: int | None


class Sample(ResourceType, frozen=True):
    """The documents above as a typed resource."""

    TYPE = "sample"
    i: int
    j: int
    d: float
    s: str
    t: str
    b: bool
    c: bool
    li: list[int]
    ls: list[str]
    m: dict[str, int]
    lm: list[Entry]
    x: Any
    y: Any
    o: int | None


@cache
def environment() -> Environment:
    return Environment({"sample": typed(Sample)})


def as_sample(document: Any) -> Any:
    """Return a document with every field there, as a connector makes it."""
    entries = document["lm"]
    if isinstance(entries, list):
        entries = [{"o": None, **entry} if isinstance(entry, dict) else entry for entry in entries]
    return {"o": None, **document, "lm": entries}


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
@given(source=expressions, document=documents)
def test_engines_agree_on_typed_resources(source: str, document: Any) -> None:
    """Static types give the compiler other, faster code; it says the same, and so do both ways of ours."""
    data = as_sample(document)
    try:
        program = environment().compile(source, resource="sample", params={}, expect="any")
        reference = environment().reference(source, resource="sample", params={}, expect="any")
    except CelError as error:
        event(f"does not compile: {str(error)[:60]}")
        reject()
    ours, theirs = program.evaluate(data, {}, {}, NOW), reference.evaluate(data, {}, {}, NOW)
    assert repr(ours) == repr(program.evaluate_long(data, {}, {}, NOW))
    event(f"{kind_of(ours)} / {kind_of(theirs)}")
    if (kind_of(ours), kind_of(theirs)) == ("value", "unknown"):
        for concrete in CONCRETE:
            result = reference.evaluate(as_sample(concretized(document, concrete)), {}, {}, NOW)
            assert kind_of(result) != "value" or fits(plain(ours), plain(result)), (concrete, ours, result)
    elif "value" in {kind_of(ours), kind_of(theirs)}:
        assert kind_of(theirs) == "refused" or plain(ours) == plain(theirs)


@pytest.mark.parametrize(
    ("source", "document"),
    [
        ("resource.u == 1 || true", {"u": Unknown("denied")}),
        ("!(['a'] == [resource.u])", {"u": Unknown("denied")}),
        ("'b' in resource.l", {"l": ["a", Unknown("denied")]}),
        ("'a' in resource.l", {"l": ["a", Unknown("denied")]}),
        ("resource.l.all(x, x == 'a')", {"l": ["b", Unknown("denied")]}),
        ("has(resource.u)", {"u": Unknown("denied")}),
        ("size([resource.u])", {"u": Unknown("denied")}),
        ("resource.s == 'a\\u0000b'", {"s": "a\0b"}),
        ("resource.i + 1", {"i": 2**63 - 1}),
        ("resource.m[?'a'] == resource.?o.or(optional.of(0))", {"m": {"a": Unknown("denied")}}),
        ("resource.?m.a == optional.of(0)", {"m": {"a": Unknown("denied")}}),
        ("resource.?m.a != resource.?m.b.or(optional.of(1))", {"m": {"a": Unknown("denied")}}),
        ("[1, 2].exists(v, true) && resource.b", {"b": False, "u": Unknown("denied")}),
        (
            "resource.l.exists(v, true) ? 0 - (resource.i + resource.i) : 9",
            {"l": [7, 8], "i": 0, "u": Unknown("denied")},
        ),
        ("!['a', 'b'].all(v, v == 'b') && resource.b.c == 1", {"b": {"c": 1}, "u": Unknown("denied")}),
        ("resource.m[?'a'] == resource.m[?'b']", {"m": {"a": Unknown("denied"), "b": 1}}),
        *((f"{kind}(resource.s)", {"s": text}) for kind in ("int", "uint", "double") for text in (
            "12", " 12", "12 ", "12\n", "+12", "-0", "0x12", "0x1p3", "1_0", "1e3", "1e", ".5", "5.", "", " ", "nan", "nan(1)", "-INF", "0" * 41 + "1", "٣",
        )),
        *(("timestamp(resource.s) == timestamp('2020-01-02T00:00:00Z')", {"s": text}) for text in (
            "2020-01-02T00:00:00Z", " 2020-01-02T00:00:00Z", "2020-01-02T00:00:00Z ", "2020-1-2T00:00:00Z", "2020-01-02t00:00:00z", "2020-01-02 00:00:00Z",
        )),
        ("int(resource.u) == 1 || true", {"u": Unknown("denied")}),
        ("int(resource.u) == 1 || true", {"u": " 1"}),
        ("resource.l.map(i, int(i))", {"l": ["1", "2"]}),
        ("{1: 'a', 1u: 'b'}", {}),
        ("{1u: 'b', resource.i: 'a'}", {"i": 1}),
        ("size(lists.range(resource.i))", {"i": 1_250_000}),
        ("size(lists.range(resource.i))", {"i": 10_000_000_000}),
        ("lists.range(resource.i)", {"i": -1}),
        ("[?optional.none(), 1]", {}),
    ],
)  # fmt: skip
def test_engines_agree_on_rare_cases(source: str, document: Any) -> None:
    ours, theirs = answers(source, document)
    assert plain(ours) == plain(theirs) or {type(ours), type(theirs)} == {EvaluationError}
