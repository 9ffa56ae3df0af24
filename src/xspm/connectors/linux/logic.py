"""And, or, not over values that may be unknown: what is decided by the known ones is known."""

from __future__ import annotations

from xspm.model.unknown import Maybe, Unknown

NOT_LIVE = Unknown("only a running system shows it, and this is an unpacked root file system", cause="missing")
"""The value of everything that only a running system shows."""


def either(*values: Maybe[bool]) -> Maybe[bool]:
    """Whether one of them is true; unknown when none is and one is unknown."""
    if True in values:
        return True
    return next((value for value in values if isinstance(value, Unknown)), False)


def both(*values: Maybe[bool]) -> Maybe[bool]:
    """Whether all of them are true; unknown when none is false and one is unknown."""
    if False in values:
        return False
    return next((value for value in values if isinstance(value, Unknown)), True)


def opposite(value: Maybe[bool]) -> Maybe[bool]:
    """Whether it is not true."""
    return value if isinstance(value, Unknown) else not value
