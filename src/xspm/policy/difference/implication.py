"""Proofs that one condition holds nowhere where another does not.

CEL's `&&` is the least of its sides and `||` the greatest, in the order false, neither (error or unknown), true; so are
`all` and `exists` over the elements of a list. `implies(new, old)` proves that `new` never yields more than `old`: what
`old` held up `new` does not let through, and what was a plain false does not turn into a mere unknown. Only rules that
are sound in this order are used, and no proof means no more than that none was found. The one thing outside of the
order is the limit on the cost of an evaluation.
"""

from __future__ import annotations

import math
from typing import Any, Final

from xspm.policy.difference.term import FALSE, TRUE, Term

MAX_STEPS: Final = 20_000
MAX_SIZE: Final = 4_000
"""Nodes of a condition beyond which nothing is proven."""

_SCALARS: Final = frozenset({"bool", "int", "double", "string"})
_ABOVE: Final = frozenset({"_>_", "_>=_"})


def implies(new: Term, old: Term) -> bool:
    """Whether it is proven that `new` never yields more than `old`."""
    try:
        if new == old:
            return True
        if new.size > MAX_SIZE or old.size > MAX_SIZE:
            return False
        return _Prover().least(new, old)
    except RecursionError:
        return False


class _Prover:
    def __init__(self) -> None:
        self._steps = 0
        self._known: dict[tuple[Term, Term], bool] = {}

    def least(self, new: Term, old: Term) -> bool:
        """Whether `new` is proven to be at most `old`."""
        if new in (old, FALSE) or old == TRUE:
            return True
        self._steps += 1
        if self._steps > MAX_STEPS:
            return False
        pair = new, old
        if pair not in self._known:
            self._known[pair] = self._split(new, old) or self._alike(new, old)
        return self._known[pair]

    def _split(self, new: Term, old: Term) -> bool:
        """Take `and` and `or` apart: first where that loses nothing."""
        if old.kind == "and":
            return all(self.least(new, part) for part in old.parts)
        if new.kind == "or":
            return all(self.least(part, old) for part in new.parts)
        if old.kind == "all" and old.parts[1].kind == "and":
            return all(self.least(new, _over(old, part)) for part in old.parts[1].parts)
        if new.kind == "exists" and new.parts[1].kind == "or":
            return all(self.least(_over(new, part), old) for part in new.parts[1].parts)
        if new.kind == "and" and any(self.least(part, old) for part in new.parts):
            return True
        return old.kind == "or" and any(self.least(new, part) for part in old.parts)

    def _alike(self, new: Term, old: Term) -> bool:
        """Compare two terms of one kind part by part."""
        if new.kind != old.kind or new.detail != old.detail:
            return _calls(new, old)
        match new.kind:
            case "all" | "exists":
                wide, narrow = (new, old) if new.kind == "all" else (old, new)
                return _within(narrow.parts[0], wide.parts[0], new.detail) and self.least(new.parts[1], old.parts[1])
            case "if":
                branches = zip(new.parts[1:], old.parts[1:], strict=True)
                return new.parts[0] == old.parts[0] and all(self.least(*pair) for pair in branches)
            case "bind":
                return new.parts[0] == old.parts[0] and self.least(new.parts[1], old.parts[1])
            case "not":
                return self.least(old.parts[0], new.parts[0])
        return _calls(new, old)


def _over(loop: Term, body: Term) -> Term:
    return Term(loop.kind, loop.detail, (loop.parts[0], body))


def _within(narrow: Term, wide: Term, variables: int) -> bool:
    """Whether every element that one loop visits is visited by the other."""
    if narrow == wide:
        return True
    lists = [_items(one) for one in (narrow, wide)]
    return variables == 1 and None not in lists and set(lists[0] or ()) <= set(lists[1] or ())


def _calls(new: Term, old: Term) -> bool:
    """Membership in a list of constants, and comparison with a constant number."""
    if new.kind != "call" or old.kind != "call":
        return False
    return _membership(new, old) or _comparison(new, old)


def _membership(new: Term, old: Term) -> bool:
    if old.detail[0] != "@in" or not _scalars(old.parts[1]):
        return False
    allowed = set(_items(old.parts[1]) or ())
    if new.detail[0] == "@in":
        return new.parts[0] == old.parts[0] and _scalars(new.parts[1]) and set(_items(new.parts[1]) or ()) <= allowed
    if new.detail[0] == "_==_":
        one, other = new.parts
        return any(
            item == old.parts[0] and constant.kind == "value" and constant.detail in allowed
            for item, constant in ((one, other), (other, one))
        )
    return False


def _items(one: Term) -> tuple[Any, ...] | None:
    """The elements of a list of constants."""
    return one.detail[1] if one.kind == "value" and one.detail[0] == "list" else None


def _scalars(one: Term) -> bool:
    items = _items(one)
    return items is not None and all(item[0] in _SCALARS for item in items)


def _comparison(new: Term, old: Term) -> bool:
    """`x >= 5` is at most `x >= 4`, and at most `x > 4`; terms know no `<`, but `5 > x`."""
    sharp: str = new.detail[0]
    loose: str = old.detail[0]
    if not {sharp, loose} <= _ABOVE:
        return False
    for side in (0, 1):
        ours, theirs = _number(new.parts[side]), _number(old.parts[side])
        if ours is None or theirs is None or type(ours) is not type(theirs):
            continue
        if new.parts[1 - side] != old.parts[1 - side]:
            continue
        if ours == theirs:
            return sharp == "_>_" or loose == "_>=_"
        return ours > theirs if side == 1 else ours < theirs
    return False


def _number(one: Term) -> float | None:
    if one.kind != "value" or one.detail[0] not in {"int", "double"}:
        return None
    number = int(one.detail[1]) if one.detail[0] == "int" else float(one.detail[1])
    return None if isinstance(number, float) and math.isnan(number) else number
