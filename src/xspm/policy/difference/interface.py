"""What a comparison of policies says."""

from __future__ import annotations

from typing import Final, Literal, TypeAlias, get_args

import msgspec

Kind: TypeAlias = Literal["removed", "weakened", "doubtful", "strengthened", "added", "reworded"]
"""`removed`: no longer asked. `weakened`: shown to let through what was held up. `doubtful`: not proven that it does
not. `reworded`: the same verdicts in other words.
"""

KINDS: Final[tuple[Kind, ...]] = get_args(Kind)
"""Worst first."""

WEAKER: Final[frozenset[Kind]] = frozenset({"removed", "weakened", "doubtful"})


class Change(msgspec.Struct, frozen=True):
    """One thing that is different about one check."""

    kind: Kind
    check: str
    why: str
    """One line."""
    proof: str = ""
    """What had another verdict before, and which; empty where nothing was found."""


class Difference(msgspec.Struct, frozen=True):
    """All that is different between two sets of policies."""

    changes: tuple[Change, ...]
    """Worst first, then by check."""
    unchanged: int = 0
    """How many checks ask the very same as before."""

    @property
    def weaker(self) -> bool:
        """Whether anything is asked less, or may be."""
        return any(change.kind in WEAKER for change in self.changes)


def difference(changes: list[Change], unchanged: int) -> Difference:
    """Return changes in their order."""
    ordered = sorted(changes, key=lambda change: (KINDS.index(change.kind), change.check, change.why))
    return Difference(tuple(ordered), unchanged)
