"""Whether a changed check lets through what it held up: proofs first, then trials."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from xspm.cel import Environment
from xspm.policy import building
from xspm.policy.difference.implication import implies
from xspm.policy.difference.interface import Change
from xspm.policy.difference.term import TRUE, Term, term, value
from xspm.policy.difference.trial import Shown, Version, trial
from xspm.policy.folder import Folder
from xspm.policy.library import refuse

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from xspm.model.asset import Snapshot
    from xspm.model.check import Check, Example
    from xspm.model.schema import TypeSpec
    from xspm.policy.difference.asked import Asking
    from xspm.policy.library import Compiled

_SIDES: Final = ("old", "new")


class Pair:
    """One check in both bundles."""

    def __init__(self, old: Check, new: Check, compiled: tuple[Compiled, Compiled]) -> None:
        """Take both versions."""
        self.checks = (old, new)
        self.compiled = compiled

    def versions(self, *params: dict[str, Any]) -> tuple[Version, Version]:
        """Both versions with their parameters."""
        old, new = (Version(*one) for one in zip(self.compiled, params, strict=True))
        return old, new


class Code:
    """Compares the code of checks, of which it compiles only those it is asked about."""

    def __init__(
        self,
        old: Asking,
        new: Asking,
        types: Mapping[str, TypeSpec],
        evidence: Callable[[Check, Example], Snapshot | None],
    ) -> None:
        """Take both bundles, the resource types, and what turns an example into evidence; None where it cannot."""
        self._asking = (old, new)
        self._types = types
        self._evidence = evidence
        self._environment = Environment(types)
        self._compiled: tuple[dict[str, Compiled], dict[str, Compiled]] = ({}, {})

    def compile(self, side: int, ids: Iterable[str]) -> None:
        """Compile some checks of one side from source.

        Raises:
            PolicyError, CelError, DocumentError: one is not sound.
        """
        texts = self._asking[side].texts
        wanted = {f"checks/{one.replace('.', '/')}.yaml": texts[one] for one in sorted(set(ids))}
        if wanted:
            made = building.build([Folder(f"{_SIDES[side]} bundle", wanted, shipped=True)], lambda: self._types)
            refuse(made)
            self._compiled[side].update(made.library.checks)

    def pair(self, check_id: str) -> Pair:
        """Both versions of a check."""
        old, new = self._asking
        for side, known in enumerate(self._compiled):
            if check_id not in known:
                self.compile(side, [check_id])
        compiled = self._compiled[0][check_id], self._compiled[1][check_id]
        return Pair(old.checks[check_id], new.checks[check_id], compiled)

    def compare(self, check_id: str, before: dict[str, Any], after: dict[str, Any]) -> Change:
        """Say how one version of a check with its parameters differs from the other with its own."""
        pair = self.pair(check_id)
        old, new = pair.checks
        shown = trial(*pair.versions(before, after), ((name, one) for name, _, one in self._examples(pair)))
        why = _why(old, new, before, after)
        if old.resource != new.resource:
            return _change(check_id, "doubtful", f"it is about {new.resource}, not {old.resource}", shown)
        olds, news = self._terms(old, before), self._terms(new, after)
        tighter, looser = _at_most(news, olds), _at_most(olds, news)
        if tighter and looser:
            return _change(check_id, "reworded", f"{why}; it means the same", shown)
        added = sorted(_needs(news) - _needs(olds))
        if added:
            return _change(check_id, "doubtful", f"{why}; it depends on {' and '.join(added)} now", shown)
        if tighter:
            return _change(check_id, "strengthened", why, shown)
        if looser and not shown.looser:
            return Change("weakened", check_id, f"{why}; it asks no more than before in any part, and less in some")
        if not shown.looser:
            shown = self._with_parameters(pair, before, after, shown)
        return _change(check_id, "doubtful", why, shown)

    def _terms(self, check: Check, params: dict[str, Any]) -> tuple[Term, Term]:
        """Where a check applies, and what it asks."""
        defaults = {parameter.name: parameter.default for parameter in check.parameters}
        values = {name: float(params[name]) if type(defaults[name]) is float else params[name] for name in defaults}

        def read(source: str | None) -> Term:
            if source is None:
                return TRUE
            checked, tables = self._environment.checked(source, resource=check.resource, params=defaults)
            return term(checked, values, tables)

        return read(check.applies), read(check.check)

    def _examples(self, pair: Pair) -> Iterator[tuple[str, Example, Snapshot]]:
        for side, check in zip(_SIDES, pair.checks, strict=True):
            counts: dict[str, int] = {}
            for example in check.examples:
                counts[example.expect] = counts.get(example.expect, 0) + 1
                snapshot = self._evidence(check, example)
                if snapshot is not None:
                    yield f"{side} example {example.expect} {counts[example.expect]}", example, snapshot

    def _with_parameters(self, pair: Pair, before: dict[str, Any], after: dict[str, Any], shown: Shown) -> Shown:
        """Try examples once more with the parameters that they set themselves."""
        for name, example, snapshot in self._examples(pair):
            own = example.params
            params = [{key: own.get(key, known) for key, known in one.items()} for one in (before, after)]
            found = trial(*pair.versions(*params), [(f"{name}, with its parameters", snapshot)])
            if found.looser:
                return found
        return shown


def _at_most(new: tuple[Term, Term], old: tuple[Term, Term]) -> bool:
    """Whether a check is proven to hold up all that another does: it applies as widely, and asks as much."""
    return implies(old[0], new[0]) and implies(new[1], old[1])


def _needs(terms: Iterable[Term]) -> set[str]:
    """What a check looks at beside its resource."""
    found: set[str] = set()
    waiting = list(terms)
    while waiting:
        one = waiting.pop()
        waiting += one.parts
        if one.kind == "resources":
            found.add(f"every {one.detail}")
        elif one.kind == "name" and one.detail == "now":
            found.add("the time")
    return found


def _change(check_id: str, kind: Any, why: str, shown: Shown) -> Change:
    if shown.looser:
        return Change("weakened", check_id, why, shown.looser)
    if kind == "doubtful":
        return Change(kind, check_id, f"{why}; nothing proves it no weaker", shown.dimmer or shown.stricter)
    return Change(kind, check_id, why, shown.stricter if kind == "strengthened" else "")


def _why(old: Check, new: Check, before: dict[str, Any], after: dict[str, Any]) -> str:
    """What is different, in words."""
    said = [
        words
        for words, one, other in (
            ("another condition", old.check, new.check),
            ("it applies elsewhere", old.applies, new.applies),
        )
        if one != other
    ]
    for name in sorted({*before, *after}):
        if name not in after:
            said.append(f"without the parameter {name}")
        elif name not in before:
            said.append(f"a parameter {name}, {_brief(after[name])}")
        elif value(before[name]) != value(after[name]):
            said.append(f"{name} is {_brief(after[name])}, was {_brief(before[name])}")
    return "; ".join(said) or "other parameters"


def _brief(plain: Any) -> str:
    text = str(plain)
    return text if len(text) <= 40 else f"{text[:39]}…"
