"""Values of the language at run time, for those that JSON has no form for.

| CEL | Python |
|---|---|
| null, bool, int, double, string | `None`, `bool`, `int`, `float`, `str` |
| uint | `UInt` (a subclass of `int`) |
| bytes | `bytes` |
| list, map | `list`, `dict` (a bool key is `TRUE_KEY` or `FALSE_KEY`, since Python takes `True` for 1) |
| timestamp, duration | `Timestamp`, `Duration`: whole nanoseconds |
| type | `TypeName` |
| optional | `Optional` |
| error | `EvaluationError`, a value and never raised |
| unknown | `xspm.model.unknown.Unknown` |

Nothing here imports more than it must: a loaded program needs this module before its first verdict.
"""

from __future__ import annotations

from typing import Any, Final, NoReturn

import msgspec

from xspm.model.unknown import Unknown

INT_MIN: Final = -(2**63)
INT_MAX: Final = 2**63 - 1
UINT_MAX: Final = 2**64 - 1

DEFAULT_COST_LIMIT: Final = 5_000_000
"""Steps one way of an evaluation may take: about one per element visited or kilobyte of text searched; a second or two.

There are two ways, the straight and the long one (see `xspm.cel.program.Evaluate`): an evaluation takes at most twice
as many."""


OUTSIDE: Final = (ArithmeticError, MemoryError, ValueError)
"""What Python raises over values that JSON can hold and CEL cannot: integers beyond 64 bits, lone surrogates."""


class EvaluationError(msgspec.Struct, frozen=True):
    """An error as a value: what an expression yields that cannot be evaluated."""

    message: str


class UInt(int):
    """An unsigned 64-bit integer; a class of its own, since int and uint do not mix in arithmetic."""

    __slots__ = ()


class Timestamp(msgspec.Struct, frozen=True, order=True):
    """A point in time, in nanoseconds since 1970-01-01T00:00:00Z."""

    nanoseconds: int


class Duration(msgspec.Struct, frozen=True, order=True):
    """A span of time in nanoseconds."""

    nanoseconds: int


class TypeName(msgspec.Struct, frozen=True):
    """A type as a value: what `type(x)` yields."""

    name: str


class Optional(msgspec.Struct, frozen=True):
    """An optional value; `present` is false for `optional.none()`."""

    present: bool
    value: Any = None


class BoolKey(msgspec.Struct, frozen=True):
    """A bool as the key of a map, where Python would take `True` for 1."""

    value: bool


class UnknownSize(Unknown, frozen=True):
    """The size of an unknown value; its bounds are those of the number itself."""


NONE: Final = Optional(present=False)
TRUE_KEY: Final = BoolKey(value=True)
FALSE_KEY: Final = BoolKey(value=False)

NO_OVERLOAD: Final = EvaluationError("no such overload")
OVERFLOW: Final = EvaluationError("integer overflow")


class CostError(Exception):
    """The cost limit is used up; ends the evaluation whatever surrounds it, unlike an error value."""


class Odd(Exception):  # noqa: N818 - no error: the straight way ends here, and the long way goes on
    """What the straight way cannot answer; see `xspm.cel.straight`."""


ODD: Final = (Odd, CostError, RecursionError, LookupError, TypeError, AttributeError, *OUTSIDE)
"""What ends the straight way: its own signal, and what Python raises where a value is not of the expected type."""


class Meter(msgspec.Struct, gc=False):
    """What is left of one evaluation's cost limit; a struct, since one is made for every evaluation."""

    left: int

    def charge(self, cost: int) -> None:
        """Use up `cost` steps.

        Raises:
            CostError: there are not so many left.
        """
        self.left -= cost
        if self.left < 0:
            raise CostError

    def make(self, size: int) -> None:
        """Use up the steps of a text or bytes of `size`, before they are made: what is made takes memory too.

        Raises:
            CostError: there are not so many left.
        """
        self.charge(size >> 4)


def over() -> NoReturn:
    """Raise the error that ends an evaluation; generated loops call it."""
    raise CostError


def merge(first: Unknown, second: Unknown) -> Unknown:
    """Return the unknown that weighs more: what only an apply decides is excused, a lack of access is not."""
    return second if first.cause == "apply" and second.cause != "apply" else first


def strict(*values: Any) -> Unknown | EvaluationError:
    """Return what a strict function yields for operands it does not take: unknown, then error, then "no overload"."""
    unknown: Unknown | None = None
    error: EvaluationError | None = None
    for value in values:
        if isinstance(value, Unknown):
            unknown = value if unknown is None else merge(unknown, value)
        elif error is None and isinstance(value, EvaluationError):
            error = value
    if unknown is not None:
        return (
            Unknown(unknown.reason, cause=unknown.cause)
            if type(unknown) is not Unknown or _bounded(unknown)
            else unknown
        )
    return error or NO_OVERLOAD


def _bounded(unknown: Unknown) -> bool:
    """Whether the unknown carries knowledge of its value, which does not pass on to what a function makes of it."""
    return bool(
        unknown.not_null or unknown.prefix is not None or unknown.min_size is not None or unknown.max_size is not None
    )


def key_of(value: Any) -> Any:
    """Return the dict key for a CEL value, or the error or unknown it is; only int, uint, bool and string are keys."""
    kind = type(value)
    if kind is str or kind is int or kind is UInt:
        return value
    if kind is bool:
        return TRUE_KEY if value else FALSE_KEY
    if kind is float and value == value // 1 and INT_MIN <= value <= UINT_MAX:
        return int(value)
    return strict(value)


def unkey(key: Any) -> Any:
    """Return the CEL value of a dict key."""
    return key.value if type(key) is BoolKey else key
