"""Whether exceptions may last longer than before.

Of the policies that concern an asset the one that allows the fewest days counts, and what xspm allows where none says.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from xspm.policy.difference.asked import covers, pieces, shown
from xspm.policy.difference.interface import Change
from xspm.policy.exceptions import MAX_DAYS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from xspm.policy.difference.asked import Days


def longer(before: Sequence[Days], after: Sequence[Days]) -> Iterator[Change]:
    """Yield where exceptions may last longer, or may do so for all that is proven."""
    for old in before:
        never = old.most >= MAX_DAYS and all(new.most <= old.most for new in after)
        for piece in () if never else pieces(old.scope):
            if not any(covers(new.scope, piece) and new.most <= old.most for new in after):
                said = f"exceptions may last longer than the {old.most} days of before on {shown(piece)}"
                yield Change("weakened", f"policy {old.policy}", said)
    for new in after:
        for piece in pieces(new.scope) if new.most > MAX_DAYS else ():
            if not any(covers(old.scope, piece) for old in before):
                said = f"exceptions may last {new.most} days on {shown(piece)}, were at most {MAX_DAYS}"
                yield Change("weakened", f"policy {new.policy}", said)
