"""Check by check: what is asked of fewer assets, less severely, or by weaker code.

What a check asks now must cover what it asked before piece by piece: for each kind of asset that a policy asked it of,
some policy must be proven to ask it still, as severely, with code that is proven no weaker. Recorded evidence can only
add weakenings: everybody who compares the same two bundles with the same xspm finds at least the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from xspm.model.check import SEVERITIES
from xspm.policy.difference.answers import answered
from xspm.policy.difference.asked import (
    Asked,
    Asking,
    Known,
    Scope,
    concerning,
    contradict,
    covers,
    pieces,
    read,
    shown,
)
from xspm.policy.difference.code import Code
from xspm.policy.difference.days import longer
from xspm.policy.difference.interface import WEAKER, Change, Difference, difference
from xspm.policy.difference.term import value
from xspm.policy.difference.trial import held_up, trial

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from xspm.model.asset import Snapshot
    from xspm.model.check import Check, Example
    from xspm.model.schema import TypeSpec
    from xspm.policy.bundle import Bundle

_TEXTS: Final = ("title", "tags", "message", "rationale", "remediation", "references", "examples", "parameters")


def compare(
    old: Bundle,
    new: Bundle,
    types: Mapping[str, TypeSpec],
    examples: Callable[[Check, Example], Snapshot | None],
    evidence: Sequence[Snapshot] = (),
) -> Difference:
    """Compare what two bundles ask.

    Args:
        old: the policies in force.
        new: those to come.
        types: the resource types that checks may speak of.
        examples: turns an example into evidence; None where it cannot.
        evidence: recorded snapshots to try both on.

    Raises:
        PolicyError, CelError, DocumentError: something that counts is not sound.
    """
    if old.digest == new.digest:
        return Difference(())
    known = Known()
    return _Judge(read(old, known), read(new, known), types, examples).run(evidence)


class _Judge:
    def __init__(
        self,
        old: Asking,
        new: Asking,
        types: Mapping[str, TypeSpec],
        examples: Callable[[Check, Example], Snapshot | None],
    ) -> None:
        self._old = old
        self._new = new
        self._code = Code(old, new, types, examples)
        self._compared: dict[tuple[str, Any, Any], Change] = {}

    def run(self, evidence: Sequence[Snapshot]) -> Difference:
        old, new = self._old, self._new
        edited = {one for one, text in new.texts.items() if old.texts.get(one) != text}
        kept = sorted(old.asked.keys() & new.asked.keys())
        moved = [one for one in kept if one in edited or self._key(old, one) != self._key(new, one)]
        # All at once where it is clear that their code counts; of others as it turns out.
        coded = [one for one in moved if evidence or one in edited or self._params(old, one) != self._params(new, one)]
        self._code.compile(0, coded)
        self._code.compile(1, {*coded, *edited})
        changes = [
            Change("removed", one, "it is no longer asked of anything" if one in new.checks else "the check is gone")
            for one in old.asked
            if one not in new.asked
        ]
        changes += longer(old.days, new.days)
        changes += [Change("added", one, _added(new, one)) for one in new.asked if one not in old.asked]
        found = {one: _with_evidence(one, self._check(one), self._evidence(one, evidence)) for one in moved}
        gone, come = old.asked.keys() - new.asked.keys(), new.asked.keys() - old.asked.keys()
        changes += answered(old.answers, new.answers, gone, come)
        changes += [change for some in found.values() for change in some]
        return difference(changes, len(kept) - sum(1 for some in found.values() if some))

    def _key(self, asking: Asking, check_id: str) -> frozenset[Any]:
        return frozenset(_key(one) for one in asking.asked[check_id])

    def _params(self, asking: Asking, check_id: str) -> frozenset[Any]:
        return frozenset(value(one.params) for one in asking.asked[check_id])

    def _check(self, check_id: str) -> list[Change]:
        """What is different about a check that both ask."""
        before, after = self._old.asked[check_id], self._new.asked[check_id]
        found: list[Change] = []
        if self._key(self._old, check_id) == self._key(self._new, check_id):
            for one in before:
                found += self._same_place(check_id, one, one)
        else:
            for one in before:
                for piece in pieces(one.scope):
                    found += self._piece(check_id, one, piece, after)
            found += _wider(check_id, before, after)
            if contradict(after) and not contradict(before):
                said = "policies give it different parameters, and no scope keeps them apart"
                found.append(Change("doubtful", check_id, said))
        unique = {(change.kind, change.why): change for change in found}
        meant = [change for change in unique.values() if change.kind != "reworded"]
        if not meant and unique:
            meant = list(unique.values())[:1]
        elif not meant and self._old.texts[check_id] != self._new.texts[check_id]:
            meant = [self._reworded(check_id)]
        return meant

    def _piece(self, check_id: str, one: Asked, piece: Scope, after: tuple[Asked, ...]) -> list[Change]:
        """How what was asked of some assets is asked of them now."""
        candidates = [other for other in after if covers(other.scope, piece)]
        if not candidates:
            return [_narrowed(check_id, piece, after)]
        candidates.sort(key=lambda other: (value(other.params) != value(one.params), SEVERITIES.index(other.severity)))
        results: list[list[Change]] = []
        for other in candidates:
            # What is asked where no policy asks is asked otherwise where one does.
            ways = after if other.fallback else (other,)
            found = [change for way in ways for change in self._same_place(check_id, one, way)]
            if not any(change.kind in WEAKER for change in found):
                return found
            results.append(found)
        return results[0]

    def _same_place(self, check_id: str, one: Asked, other: Asked) -> Iterator[Change]:
        """Compare severity and code where both are asked."""
        lower = SEVERITIES.index(other.severity) - SEVERITIES.index(one.severity)
        if lower:
            said = f"its severity is {other.severity}, was {one.severity}"
            yield Change("weakened" if lower > 0 else "strengthened", check_id, said)
        if not self._same_code(check_id, one, other):
            key = check_id, value(one.params), value(other.params)
            if key not in self._compared:
                self._compared[key] = self._code.compare(check_id, one.params, other.params)
            yield self._compared[key]

    def _same_code(self, check_id: str, one: Asked, other: Asked) -> bool:
        old, new = self._old.checks[check_id], self._new.checks[check_id]
        asks = [(each.resource, each.check, each.applies) for each in (old, new)]
        kinds = [{each.name: type(each.default) for each in check.parameters} for check in (old, new)]
        return asks[0] == asks[1] and kinds[0] == kinds[1] and value(one.params) == value(other.params)

    def _reworded(self, check_id: str) -> Change:
        old, new = self._old.checks[check_id], self._new.checks[check_id]
        parts = [part for part in _TEXTS if _plain(getattr(old, part)) != _plain(getattr(new, part))]
        return Change("reworded", check_id, f"other words in {', '.join(parts)}" if parts else "written otherwise")

    def _evidence(self, check_id: str, evidence: Sequence[Snapshot]) -> str:
        """The first recorded resource that the new bundle lets through and the old did not."""
        pair = self._code.pair(check_id) if evidence else None
        for snapshot in evidence if pair else ():
            before, after = (concerning(asking.asked[check_id], snapshot.asset) for asking in (self._old, self._new))
            if not before or pair is None:
                continue
            old, new = pair.versions(before[0].params, after[0].params if after else {})
            name = f"{snapshot.asset.name}, {snapshot.collected_at}"
            found = trial(old, new, [(name, snapshot)]).looser if after else held_up(old, name, snapshot)
            if found:
                return found
        return ""


def _key(one: Asked) -> Any:
    return one.scope, one.severity, value(one.params), one.fallback


def _with_evidence(check_id: str, changes: list[Change], proof: str) -> list[Change]:
    """Turn a doubt into a weakening where evidence shows it; without a doubt, add one."""
    if not proof or any(change.kind == "weakened" and change.proof for change in changes):
        return changes
    if not any(change.kind in WEAKER for change in changes):
        return [*changes, Change("weakened", check_id, "it lets recorded evidence through", proof)]
    return [
        msgspec.structs.replace(change, kind="weakened", proof=proof) if change.kind in WEAKER else change
        for change in changes
    ]


def _narrowed(check_id: str, piece: Scope, after: tuple[Asked, ...]) -> Change:
    if any(covers(piece, other.scope) for other in after):
        return Change("weakened", check_id, f"asked of {shown(after[0].scope)}, was asked of {shown(piece)}")
    return Change("doubtful", check_id, f"nothing proves that it is still asked of {shown(piece)}")


def _wider(check_id: str, before: tuple[Asked, ...], after: tuple[Asked, ...]) -> list[Change]:
    scopes = [piece for one in after for piece in pieces(one.scope)]
    more = [piece for piece in scopes if not any(covers(one.scope, piece) for one in before)]
    return [Change("strengthened", check_id, f"asked of {shown(piece)} too") for piece in more]


def _added(asking: Asking, check_id: str) -> str:
    one = asking.asked[check_id][0]
    return f"{one.severity}, asked of {shown(one.scope)}"


def _plain(part: Any) -> Any:
    """Without the places that a part of a file stands at."""
    if isinstance(part, tuple):
        return [_plain(one) for one in part]
    return msgspec.structs.replace(part, location=None) if hasattr(part, "location") else part
