"""A value that could not be had.

`Unknown` is neither null nor absent: access was denied, a read timed out, or only a later apply decides it. In JSON
it is an object with the key `$unknown`. Reading one can never make a pass.
"""

from __future__ import annotations

from typing import Any, Final, Literal, TypeAlias, TypeVar

import msgspec

UNKNOWN_KEY: Final = "$unknown"

Cause: TypeAlias = Literal["access", "apply", "format", "limit", "missing", "timeout"]
"""Why a value is unknown.

`access`: not permitted, or not reachable from here. `apply`: decided only when the declared state is applied.
`format`: there, but not understood. `limit`: larger or deeper than xspm reads. `missing`: this kind of target cannot
show it. `timeout`: no answer in time.
"""


class Unknown(msgspec.Struct, frozen=True, omit_defaults=True):
    """A value that could not be had, with the reason and whatever is known of it all the same."""

    reason: str = msgspec.field(name=UNKNOWN_KEY)
    """One line for a person: what was tried and why it failed."""
    cause: Cause = "access"
    """The class of the reason; `apply` alone does not fail a gate."""
    not_null: bool = False
    """The value is known not to be null."""
    prefix: str | None = None
    """The value is known to be a string that starts so."""
    min_size: int | None = None
    """The value is known to have at least so many elements or characters."""
    max_size: int | None = None
    """The value is known to have at most so many elements or characters."""


T = TypeVar("T")
Maybe: TypeAlias = T | Unknown
"""A field's value, or the reason why it could not be had."""


def revive(value: Any) -> Any:
    """Replace every `{"$unknown": …}` object in decoded JSON by an `Unknown`; other values are shared, not copied.

    An object with that key that is not a well-formed unknown is an unknown all the same: what claims not to be known is
    never read as known.
    """
    if type(value) is dict:
        if UNKNOWN_KEY in value:
            try:
                return msgspec.convert(value, Unknown)
            except msgspec.ValidationError:
                return Unknown(str(value[UNKNOWN_KEY]), cause="format")
        revived = {key: revive(item) for key, item in value.items()}
        return revived if any(revived[key] is not value[key] for key in value) else value
    if type(value) is list:
        items = [revive(item) for item in value]
        return items if any(a is not b for a, b in zip(items, value, strict=True)) else value
    return value
