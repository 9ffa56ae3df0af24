"""What a verdict shows of the evidence: the fields that the check read, each cut to a size that a person can read."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec

from xspm.cel import observe
from xspm.model.unknown import Unknown
from xspm.model.verdict import Observed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from xspm.model.asset import Location

_SHOWN: Final = 6
"""How many observed values a verdict carries at most."""
_MAX_SIZE: Final = 2_000
"""Characters of an observed value that is kept whole: a person reads no more, and thousands of verdicts would carry the
evidence several times over.
"""
_MAX_ITEMS: Final = 10
_MAX_DEPTH: Final = 4
"""What is kept of a larger one: items of each collection, and nesting."""
_encode: Final = msgspec.json.Encoder().encode


class Read(NamedTuple):
    """A field that an expression reads."""

    path: str
    """As the check wrote it: `resource.spec.hostNetwork`."""
    field: str
    """The same without `resource.`, as places are listed."""


def read(path: str) -> Read:
    """One of `Program.reads`."""
    return Read(path, path.removeprefix("resource."))


def observed(reads: Sequence[Read], places: Mapping[str, Location], data: dict[str, Any]) -> tuple[Observed, ...]:
    """The values of the fields a check read, as plain JSON."""
    shown: list[Observed] = []
    for path, field in reads[:_SHOWN]:
        value = observe(path, data)
        if value is not None and type(value) is not bool:
            value = brief(value)
        shown.append(Observed(path, value, places.get(field)))
    return tuple(shown)


def brief(value: Any) -> Any:
    """Return a value as plain JSON that a person can read: the start of what is long, and how much is left out."""
    kind = type(value)
    if kind is str:
        return value if len(value) <= _MAX_SIZE else value[: _MAX_SIZE - 1] + "…"
    if kind is dict or kind is list:
        try:
            small = len(_encode(value)) <= _MAX_SIZE
        except UnicodeEncodeError:
            small = False
        return msgspec.to_builtins(value) if small else _cut(value, 0)
    return msgspec.to_builtins(value) if kind is Unknown else value


def _cut(value: Any, depth: int) -> Any:
    if type(value) is list:
        cut = [_cut(item, depth + 1) for item in value[:_MAX_ITEMS]] if depth < _MAX_DEPTH else []
        return [*cut, f"… {len(value) - len(cut)} more"] if len(cut) < len(value) else cut
    if type(value) is dict:
        shown = islice(value.items(), _MAX_ITEMS if depth < _MAX_DEPTH else 0)
        entries = {key: _cut(item, depth + 1) for key, item in shown}
        return entries | {"…": f"{len(value) - len(entries)} more"} if len(entries) < len(value) else entries
    return brief(value)
