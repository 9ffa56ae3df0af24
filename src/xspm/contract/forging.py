"""Who could have forged a result: the smallest groups of key holders who together could have made it unseen.

Each way to a false result is written as an explicit condition over holders (`Need`: so many of these), and
`smallest` turns it into the minimal sets of holders that meet it. What is computed is about keys and signatures: it
takes for granted that the cryptography and xspm's verification hold, and that the asset showed the scanner its true
state, which whoever controls the asset can always prevent; only another source of evidence finds that.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, TypeAlias

import msgspec

from xspm.contract.approval import ExceptionText, concerned, reachable_rule, rule_for
from xspm.contract.chain import two_parties
from xspm.contract.terms import Action, Rule, Terms

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

MAX_SETS: Final = 200
"""How many sets of holders a route lists; the smallest come first."""


class Holder(msgspec.Struct, frozen=True, order=True):
    """Somebody with a key of their own."""

    name: str
    party: str
    """The party of a person; of a machine, the one that runs it."""
    kind: Literal["person", "scanner", "log", "witness"] = "person"

    def shown(self) -> str:
        """For a person: `alice (security)`, `the scanner ci (run by security)`."""
        if self.kind == "person":
            return f"{self.name} ({self.party})"
        return f"the {self.kind} {self.name} (run by {self.party})"


class Need(msgspec.Struct, frozen=True):
    """So many of these: all of them is AND, one is OR."""

    count: int
    of: tuple[Node, ...]
    label: str = ""
    """What the people among whom to choose are together, for instance a party."""

    def shown(self) -> str:
        """For a person: `2 of security (alice, bob, carol) and 1 of platform (dave, erin)`."""
        parts = [part.name if self.label and isinstance(part, Holder) else part.shown() for part in self.of]
        if self.label:
            if len(parts) == self.count == 1:
                return f"{parts[0]} ({self.label})"
            return f"{self.count} of {self.label} ({', '.join(parts)})"
        if self.count == len(parts):
            return " and ".join(part for part in parts if part) or "nobody"
        return f"{self.count} of {'; '.join(parts)}" if self.count > 1 else ", or ".join(parts)


Node: TypeAlias = Holder | Need


class Route(msgspec.Struct, frozen=True):
    """One way to a false result."""

    kind: Literal["evidence", "later", "contract", "policies", "exception"]
    who: str
    """Who it takes, in words."""
    how: str
    """What they would have done, in one sentence."""
    sets: tuple[tuple[Holder, ...], ...]
    """Minimal, the smallest first."""
    complete: bool = True
    """Whether these are all."""

    @property
    def size(self) -> int:
        """How many holders the smallest set has."""
        return len(self.sets[0]) if self.sets else 0


class Made(msgspec.Struct, frozen=True):
    """How a result came about: all that decides who could have forged it."""

    versions: tuple[Terms, ...]
    """From the version that the reader pinned to the one the result was made under."""
    scanner: str
    asset: str
    at: str
    """RFC 3339, UTC."""
    exceptions: tuple[ExceptionText, ...] = ()
    """Those that cover a verdict of the result."""
    agreeing: tuple[str, ...] = ()
    """Scanners of other operators that signed the same evidence at about the same time."""
    logged: bool = False
    """Whether it was found in the contract's ledger, under the witnesses' quorum."""


def all_of(*parts: Node) -> Need:
    """All of them are needed."""
    return Need(len(parts), parts)


def any_of(*parts: Node) -> Need:
    """One of them suffices."""
    return Need(1, parts)


def smallest(node: Node, most: int = MAX_SETS) -> tuple[tuple[frozenset[Holder], ...], bool]:
    """Return the minimal sets of holders that meet a condition, the smallest first, and whether these are all.

    No set contains another. Beyond `most` sets the larger ones are left out.
    """
    if isinstance(node, Holder):
        return (frozenset({node}),), True
    # reached[j]: the minimal sets that meet j of the parts looked at so far.
    reached: list[tuple[frozenset[Holder], ...]] = [(frozenset(),)] + [()] * node.count
    complete = True
    for part in node.of:
        sets, all_here = smallest(part, most)
        complete = complete and all_here
        for wanted in range(node.count, 0, -1):
            joined = [old | new for old in reached[wanted - 1] for new in sets]
            reached[wanted], cut = _minimal([*reached[wanted], *joined], most)
            complete = complete and not cut
    return reached[node.count], complete


def _minimal(sets: Iterable[frozenset[Holder]], most: int) -> tuple[tuple[frozenset[Holder], ...], bool]:
    """Drop every set that contains another; say whether some of the rest were cut off."""
    kept: list[frozenset[Holder]] = []
    for one in sorted(set(sets), key=lambda item: (len(item), sorted(item))):
        if not any(other <= one for other in kept):
            if len(kept) == most:
                return tuple(kept), True
            kept.append(one)
    return tuple(kept), False


def routes(made: Made) -> tuple[Route, ...]:
    """Return every way in which a result could have been forged, the one that takes the fewest holders first."""
    terms = made.versions[-1]
    found = [_evidence(made, terms), _later(made, terms), _contract(made), _policies(made)]
    found += [_exception(text, terms, made.at) for text in made.exceptions]
    return tuple(sorted(filter(None, found), key=lambda route: (route.size, route.kind)))


def fewest(found: Sequence[Route]) -> tuple[tuple[Holder, ...], ...]:
    """The minimal sets over all routes, the smallest first."""
    sets, _ = _minimal((frozenset(one) for route in found for one in route.sets), MAX_SETS)
    return tuple(tuple(sorted(one)) for one in sets)


def _route(kind: Literal["evidence", "later", "contract", "policies", "exception"], node: Node, how: str) -> Route:
    sets, complete = smallest(node)
    return Route(kind, node.shown(), how, tuple(tuple(sorted(one)) for one in sets), complete)


def _scanners(made: Made, terms: Terms) -> tuple[Holder, ...]:
    return tuple(Holder(name, terms.scanners[name].operator, "scanner") for name in (made.scanner, *made.agreeing))


def _evidence(made: Made, terms: Terms) -> Route:
    scanners = _scanners(made, terms)
    if len(scanners) > 1:
        how = "sign, together, evidence of what never was: none of them alone, because the others saw the same"
    else:
        how = "signs evidence of what never was; a second scanner, run by another party, would end this"
    return _route("evidence", all_of(*scanners), how)


def _later(made: Made, terms: Terms) -> Route | None:
    """The same, after the fact: what a log with witnesses is there to prevent."""
    scanners = _scanners(made, terms)
    if not made.logged or terms.ledger is None:
        write = "writes" if len(scanners) == 1 else "write"
        how = f"{write} it at any later time under an earlier date, also with a key long withdrawn: no ledger was asked"
        return _route("later", all_of(*scanners), how)
    log = Holder(terms.ledger.origin, terms.ledger.operator, "log")
    # What a log had cosigned under one version counts under those after it.
    kept = [one.ledger for one in made.versions if one.ledger is not None and one.ledger.key == terms.ledger.key]
    quorums = [
        Need(one.quorum, tuple(Holder(f"of {party}", party, "witness") for party in one.witnesses))
        for one in kept
        if one.quorum
    ]
    how = (
        f"write it more than {terms.ledger.heartbeat_hours} h later under an earlier date, and a log with it together"
        " with the witnesses who saw the true one; up to then the scanner alone can"
    )
    needed = [_any(quorums)] if len(quorums) == len(kept) else []
    return _route("later", all_of(*scanners, log, *needed), how)


def _contract(made: Made) -> Route:
    """Whoever can bring a version into force can name a scanner of their own in it.

    Each version has its own way: whoever its rules let accept the one after it. No version proves when it was accepted,
    so people whom an earlier one trusted can still write another successor of it, for readers who never saw the first.
    """
    first = made.versions[0]
    # To name a scanner changes who may do what: people of two parties, whatever the rules say (`chain`).
    ways = [_beside(_meets(terms, rule := terms.rule("accept_contract")), terms, rule) for terms in made.versions]
    how = "accept a version of the contract with a scanner's key of their own; every reader of the contract can see it"
    return _route("contract", _any([_first(first), *ways]), how)


def _policies(made: Made) -> Route:
    """Whoever can bring policies into force can bring weak ones: no other rule is asked where nothing else changes."""
    ways = [_first(made.versions[0])]
    for terms in made.versions:
        other: Action = "accept_contract" if terms.policies is None else "weaken_policy"
        ways.append(_meets(terms, _both(terms.rule("publish_policy"), terms.rule(other))))
    how = "bring policies into force that ask for less; every reader can compare the bundles (xspm policy diff)"
    return _route("policies", _any(ways), how)


def _first(terms: Terms) -> Need:
    """Who could make the version that the reader pinned say anything."""
    rule = terms.rule("accept_contract")
    met = _meets(terms, rule)
    return _beside(met, terms, rule) if two_parties(None, terms) else met


def _beside(met: Need, terms: Terms, rule: Rule) -> Need:
    """The same with people of two parties."""
    asked = {party for party, count in rule.items() if count}
    if len(asked) > 1:
        return met
    others = tuple(Holder(name, party) for name, party in sorted(terms.people().items()) if party not in asked)
    return all_of(*met.of, Need(1, others, "another party"))


def _exception(text: ExceptionText, terms: Terms, at: str) -> Route:
    owners = (name for asset in concerned(text, terms) for name in terms.owners_of(asset))
    excluded = dict.fromkeys((text.requested_by, *owners), "")
    rule, _ = reachable_rule(rule_for(text, terms), terms, excluded, at)
    asker = Holder(text.requested_by, terms.people().get(text.requested_by, "nobody"))
    how = f"ask for and approve the exception from {text.check} on {', '.join(text.resources)}: {text.reason}"
    return _route("exception", all_of(asker, *_meets(terms, rule, excluded).of), how)


def _meets(terms: Terms, rule: Rule, excluded: Iterable[str] = ()) -> Need:
    """The people whose signatures meet a rule."""
    without = set(excluded)
    sides = [
        Need(
            count,
            tuple(Holder(name, party) for name in sorted(terms.parties[party].members) if name not in without),
            party,
        )
        for party, count in sorted(rule.items())
        if count
    ]
    return all_of(*sides)


def _both(first: Rule, second: Rule) -> Rule:
    return {party: max(first.get(party, 0), second.get(party, 0)) for party in sorted({*first, *second})}


def _any(ways: Sequence[Need]) -> Need:
    distinct = [way for index, way in enumerate(ways) if way not in ways[:index]]
    return distinct[0] if len(distinct) == 1 else any_of(*distinct)
