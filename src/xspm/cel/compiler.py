"""Checked expression → callable.

`compile_checked` serves expressions over any variables (conformance cases, the differential test); `compile_program`
the policy language's own: `resource`, `params.…`, `resources["…"]`, `now`. Both generate Python source from the
checked tree and compile it; the code reaches nothing but the names that `library.link` gives it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from xspm.cel import library
from xspm.cel.ast import Checked, decode
from xspm.cel.codegen import generate
from xspm.cel.program import guarded
from xspm.cel.straight import straight
from xspm.cel.values import DEFAULT_COST_LIMIT
from xspm.errors import CelError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import CodeType


def compile_checked(serialized: bytes) -> Callable[..., Any]:
    """Compile a serialized `CheckedExpr` (bare or in an `Any`) to `f(variables, cost_limit=…) -> value`.

    Variables and the result are values as `xspm.cel.values` describes them; errors and unknowns come back as values.

    Raises:
        CelError: the expression is not a checked one, or uses a function that xspm does not have.
    """
    checked = decode(serialized)
    long = library.run(to_code(checked, lambda name: f"V[{name!r}] if {name!r} in V else unset_({name!r})", "V", "{}"))

    def slow(variables: Mapping[str, Any], cost_limit: int = DEFAULT_COST_LIMIT) -> Any:
        return guarded(long, cost_limit, variables)

    code = to_straight_code(checked, lambda name: f"V[{name!r}]", "V", boolean=False, plain=False)
    return slow if code is None else library.run(code, slow)


def to_straight_code(
    checked: Checked, load: Callable[[str], str | None], parameters: str, *, boolean: bool, plain: bool
) -> CodeType | None:
    """Compile the straight way of `checked`; None where there is none, as for an expression without types."""
    if not checked.references:
        return None
    text = straight(checked, load, parameters, boolean=boolean, plain=plain)
    try:
        return compile(text, "<cel>", "exec", dont_inherit=True)
    except (SyntaxError, RecursionError, MemoryError):
        return None


def to_code(checked: Checked, load: Callable[[str], str | None], parameters: str, result: str) -> CodeType:
    """Compile the Python source generated from `checked`.

    Raises:
        CelError: it nests deeper than Python's own compiler allows.
    """
    text = generate(checked, load, parameters, result).text
    try:
        return compile(text, "<cel>", "exec", dont_inherit=True)
    except (SyntaxError, RecursionError, MemoryError) as error:
        raise CelError("the expression nests too deep", hint="move parts of it into checks of their own") from error
