"""What generated code is made of, whatever the expression."""

from __future__ import annotations

import re
from typing import Any

import pytest
from cel_expr_python import cel

from xspm.cel import declarations, library
from xspm.cel.ast import Call, Checked, Entry, Fold, Ident, ListOf, Literal, MapOf, Node, Reference, Type, decode
from xspm.cel.codegen import generate
from xspm.cel.compiler import to_code
from xspm.cel.functions import ARITHMETIC, COMPARISONS, FUNCTIONS
from xspm.cel.macros import recognise
from xspm.cel.nulls import lint
from xspm.cel.values import CostError, over
from xspm.errors import CelError

ENVIRONMENT = cel.NewEnv(
    config=declarations.config(),
    descriptor_pool=declarations.pool(),
    functions=declarations.functions(),
    variables={"x": cel.Type.DYN},
)


def generated(source: str) -> str:
    return generate(decode(ENVIRONMENT.compile(source).serialize()), lambda name: f"V[{name!r}]", "V", "{}").text


def test_every_function_is_in_the_library() -> None:
    slow = [name.removeprefix("m:") for name in FUNCTIONS.values()]
    slow += [name for _, name in COMPARISONS.values()] + [name.removeprefix("m:") for _, name in ARITHMETIC.values()]
    assert [name for name in slow if name not in library.NAMES] == []
    assert set(library.link(library.NAMES)) >= set(library.NAMES)


def test_unknown_names_are_not_linked() -> None:
    assert "eval" not in library.link(["eval", "open"])


HOSTILE = ["'\\'); import os #'", '"\\"\\n\\\\"', "x['\\u0000\\n']", "x.`a-b`", "{'a\\'b': r'\\d'}", "b'\\x00\\''"]


@pytest.mark.parametrize("source", HOSTILE)
def test_text_enters_only_as_constants(source: str) -> None:
    """Every string of the expression is a constant of the code, never a name or statement of it."""
    checked = decode(ENVIRONMENT.compile(source).serialize())
    code = to_code(checked, lambda name: f"V[{name!r}]", "V", "{}")
    assert all(re.fullmatch(r"[A-Za-z_]\w*", name) for name in library._names(code))
    assert "import" not in code.co_names


def test_long_expressions_are_cut_into_locals() -> None:
    text = generated(" || ".join(f"x.a{index} == 'value{index}'" for index in range(400)))
    assert max(map(len, text.splitlines())) < 20_000
    compile(text, "<test>", "exec")


def test_deeply_nested_expressions_compile() -> None:
    compile(generated("(" * 20 + "x" + " + 1)" * 20 + " == 1"), "<test>", "exec")
    compile(generated("x" + ".all(a, a" * 9 + ")" * 9), "<test>", "exec")


def test_what_python_cannot_nest_is_refused() -> None:
    node: Node = Ident(1, "x")
    for _ in range(30):
        node = Fold(1, "a", "", Ident(1, "x"), "r", Literal(1, value=True), Call(1, "@not_strictly_false", None, (Ident(1, "r"),)),
                    Call(1, "_&&_", None, (Ident(1, "r"), node)), Ident(1, "r"))  # fmt: skip
    with pytest.raises(CelError, match="nests too deep"):
        to_code(Checked(node), lambda _: "1", "V", "{}")


REFUSED: list[tuple[Node, str]] = [
    (Node(1), "not an expression"),
    (Literal(1, ()), "not a constant"),  # type: ignore[arg-type]
    (Ident(1, "y"), "no variable 'y'"),
    (Call(1, "nothing", None, ()), "no function 'nothing'"),
    (MapOf(1, "a.B", (Entry("f", Literal(2, 1), optional=True),)), "optional fields"),
]


@pytest.mark.parametrize(("node", "message"), REFUSED)
def test_refused(node: Node, message: str) -> None:
    checked = Checked(node, references={0: Reference("x", (), None)})
    with pytest.raises(CelError, match=message):
        generate(checked, lambda _: None, "V", "{}")


def test_constants_of_references() -> None:
    node = Ident(1, "Color.RED")
    checked = Checked(node, references={1: Reference("Color.RED", (), Literal(0, 7))})
    assert "7" in generate(checked, lambda _: None, "V", "{}").text


def fold(**parts: Any) -> Fold:
    defaults: dict[str, Any] = {
        "variable": "a", "variable2": "", "range": Ident(1, "x"), "accumulator": "r", "init": Literal(1, 0), "condition": Literal(1, value=True),
        "step": Ident(1, "r"), "result": Ident(1, "r"),
    }  # fmt: skip
    return Fold(1, **{**defaults, **parts})


def test_other_folds_run_as_they_are_written() -> None:
    """A sum, which no macro makes: r = r + a."""
    step = Call(1, "_+_", None, (Ident(1, "r"), Ident(1, "a")))
    for made, values, expected in (
        (fold(step=step), [1, 2, 3], 6),
        (fold(step=step, condition=Call(1, "_<_", None, (Ident(1, "r"), Literal(1, 3)))), [1, 2, 3], 3),
        (fold(step=step, condition=Literal(1, None)), [1], "no such overload"),
    ):
        function = library.run(to_code(Checked(made), lambda _: "V", "V", "{}"))
        from xspm.cel.values import Meter  # noqa: PLC0415

        value = function(Meter(100), values)
        assert getattr(value, "message", value) == expected


def test_the_lint_walks_other_folds_too() -> None:
    assert (
        lint(
            Checked(fold(step=Call(1, "!_", None, (Ident(7, "n"),))), types={7: Type("wrapper", (Type("bool"),))}),
            {},
            boolean=False,
        )[0].message
        == "n may be null here"
    )


@pytest.mark.parametrize("value", [float("inf"), float("-inf"), float("nan")])
def test_constants_that_python_cannot_write(value: float) -> None:
    function = library.run(to_code(Checked(Literal(1, value)), lambda _: None, "V", "{}"))
    assert str(function(None, None)) == str(value)


NOT_MACROS = [
    fold(),
    fold(init=Literal(1, value=True)),
    fold(init=Literal(1, 0), step=Call(1, "_?_:_", None, (Ident(1, "a"), Ident(1, "r"), Ident(1, "r")))),
    fold(init=ListOf(1, (), frozenset())),
    fold(init=ListOf(1, (), frozenset()), result=Literal(1, 1)),
    fold(init=ListOf(1, (), frozenset()), step=Call(1, "_+_", None, (Ident(1, "r"), Ident(1, "a")))),
    fold(init=MapOf(1, "", ()), step=Call(1, "_+_", None, (Ident(1, "r"), Ident(1, "a")))),
    fold(init=Ident(1, "x"), step=Call(1, "_+_", None, (Ident(1, "r"), Ident(1, "a")))),
]


@pytest.mark.parametrize("made", NOT_MACROS)
def test_what_is_no_macro(made: Fold) -> None:
    assert recognise(made) is None


def test_over() -> None:
    with pytest.raises(CostError):
        over()
