"""One compiled expression, ready to run.

A program is made by the compiler, or loaded from what `dump` wrote; loading imports neither the front end nor
protobuf, and the generated code is linked to the library when it first runs. Running it never raises: errors and
unknowns are values.
"""

from __future__ import annotations

import marshal
import sys
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, Protocol, cast

from xspm.cel import library
from xspm.cel.values import DEFAULT_COST_LIMIT, OUTSIDE, CostError, EvaluationError, Meter
from xspm.errors import CelError
from xspm.model.unknown import Unknown

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import CodeType

FORMAT: Final = f"xspm-cel-2 {sys.implementation.cache_tag} {sys.hexversion:x}"
"""Names the form of a dump; code of another Python or another generation of the compiler is refused."""


_LONGEST: Final = 200


class Evaluate(Protocol):
    """Evaluates an expression."""

    def __call__(
        self,
        resource: Any,
        params: Mapping[str, Any],
        resources: Mapping[str, list[Any] | Unknown],
        now: str,
        cost_limit: int = ...,
    ) -> Any:
        """Return the expression's value as JSON-like data, an `Unknown`, or an `EvaluationError`; raise nothing.

        Args:
            resource: the resource's data, revived.
            params: the check's parameters, defaults included.
            resources: the data of every resource of each type in `resource_types`, or why it could not be collected.
            now: RFC 3339; the snapshot's `collected_at`.
            cost_limit: steps that each of the two ways may take. Each has one meter, and a step is charged before it is
                taken; where the straight way gives up, the long way begins anew. So an evaluation takes at most twice
                the limit, and its result depends on the long way's share alone. (The straight way does not count what
                it does once, outside of loops, with a text or list as it is: that is no more than a pass over it.)
        """


def guarded(function: Callable[..., Any], cost_limit: int, *arguments: Any) -> Any:
    """Run the long way; what may end it becomes an error value."""
    try:
        return function(Meter(cost_limit), *arguments)
    except CostError:
        return EvaluationError(f"cost limit of {cost_limit} steps exceeded")
    except RecursionError:
        return EvaluationError("the data nest too deep")
    except OUTSIDE as error:
        return EvaluationError(f"a value that the language does not have: {error}"[:_LONGEST])


class Program:
    """One compiled expression over `resource`, `params`, `resources` and `now`."""

    __slots__ = ("_code", "_long", "_straight", "evaluate", "reads", "reads_now", "resource_types", "source")

    evaluate: Evaluate
    """Evaluates the expression. This is the generated code itself, linked when it is first asked for: a method that
    calls it would take as long again as most expressions do."""

    def __init__(
        self,
        source: str,
        reads: tuple[str, ...],
        resource_types: tuple[str, ...],
        code: CodeType | bytes,
        straight: CodeType | bytes | None = None,
        *,
        reads_now: bool,
    ) -> None:
        """Take what the compiler made.

        Args:
            source: the CEL text.
            reads: field paths of `resource` that it reads, sorted.
            resource_types: every X of `resources["X"]`, sorted.
            code: generated code that defines `f`, or the same marshalled.
            straight: generated code for data without surprises, which calls the other where it meets one.
            reads_now: whether the result depends on `now`.
        """
        self.source = source
        self.reads = reads
        self.resource_types = resource_types
        self.reads_now = reads_now
        self._code = code
        self._straight = straight
        self._long: Callable[..., Any] | None = None

    def __getattr__(self, name: str) -> Evaluate:
        """Link the program when `evaluate` is first asked for."""
        if name != "evaluate":
            raise AttributeError(name)
        self.evaluate = (
            self.evaluate_long if self._straight is None else library.run(_code(self._straight), self.evaluate_long)
        )
        return self.evaluate

    def evaluate_long(
        self,
        resource: Any,
        params: Mapping[str, Any],
        resources: Mapping[str, list[Any] | Unknown],
        now: str,
        cost_limit: int = DEFAULT_COST_LIMIT,
    ) -> Any:
        """Evaluate the expression without the straight way; the result is the same."""
        if self._long is None:
            self._long = library.run(_code(self._code))
        return guarded(self._long, cost_limit, resource, params, resources, now)

    def dump(self) -> bytes:
        """Return the program as bytes that `load` reads."""
        code, straight = (
            part if part is None or isinstance(part, bytes) else marshal.dumps(part)
            for part in (self._code, self._straight)
        )
        return marshal.dumps((FORMAT, self.source, self.reads, self.resource_types, self.reads_now, code, straight))

    @classmethod
    def load(cls, data: bytes) -> Program:
        """Read what `dump` wrote. The caller vouches for the bytes: they hold code.

        Raises:
            CelError: they are not a dump, or one of another Python or version.
        """
        try:
            form, source, reads, types, now, code, straight = marshal.loads(data)  # noqa: S302 - the caller vouches for the bytes
        except (ValueError, EOFError, TypeError) as error:
            raise CelError("not a compiled expression") from error
        if form != FORMAT:
            raise CelError("a compiled expression of another version")
        return cls(source, reads, types, code, straight, reads_now=now)


def _code(code: CodeType | bytes) -> CodeType:
    if isinstance(code, bytes):
        return cast("CodeType", marshal.loads(code))  # noqa: S302 - `load` says whose it is to vouch for it
    return code


def observe(path: str, resource: Any) -> Any:
    """Return what stands at `path`, one of `Program.reads`: None where nothing does, an `Unknown` as it is."""
    value = resource
    for name in _fields(path):
        if type(value) is not dict:
            return value if isinstance(value, Unknown) else None
        value = value.get(name)
    return value


@lru_cache(maxsize=8192)
def _fields(path: str) -> list[str]:
    """The names in a path, of which checks have some hundred and resources thousands of values."""
    return path.split(".")[1:]
