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
from xspm.cel.values import DEFAULT_COST_LIMIT, OUTSIDE, CostError, EvaluationError, Meter
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
    function = library.run(
        to_code(decode(serialized), lambda name: f"V[{name!r}] if {name!r} in V else unset_({name!r})", "V", "{}")
    )

    def evaluate(variables: Mapping[str, Any], cost_limit: int = DEFAULT_COST_LIMIT) -> Any:
        try:
            return function(Meter(cost_limit), variables)
        except CostError:
            return EvaluationError(f"cost limit of {cost_limit} exceeded")
        except RecursionError:
            return EvaluationError("the value nests too deep")
        except OUTSIDE as error:
            return EvaluationError(f"a value that the language does not have: {error}")

    return evaluate


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
