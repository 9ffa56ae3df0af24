"""Where a contract leaves one person, party or machine with powers that should be apart.

`check_terms` refuses what no contract may say. What is here is allowed and yet worth knowing: a manager sees it in
red, an auditor asks why. The side that runs the assets is the party `platform`; where there is none of that name, every
party whose people answer for assets (`owners`).
"""

from __future__ import annotations

import base64
import binascii
from functools import cache
from itertools import combinations
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

import msgspec

from xspm.contract.terms import ACTION_TITLES, Action

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from xspm.contract.keys import PublicKey
    from xspm.contract.terms import LedgerTerms, Rule, Terms

Severity: TypeAlias = Literal["high", "medium", "low"]
_ORDER: Final = ("high", "medium", "low")
PLATFORM: Final = "platform"
_HARM: Final[dict[Action, str]] = {
    "publish_policy": "it would choose the checks for what it runs",
    "approve_exception": "it would excuse itself",
    "declare_degraded": "it would suspend the rules for itself",
}
"""What the side that runs the assets must not do alone."""
_TWO_EYES: Final[tuple[Action, ...]] = ("publish_policy", "weaken_policy", "declare_degraded", "accept_contract")
"""What nobody asks for before it is signed: one signature is one person alone."""
_LONG: Final = 180
"""Days after which an exception is a second rule."""
_ALIKE: Final = str.maketrans({"0": "o", "1": "l", "i": "l", "5": "s", ".": None, "_": None, "-": None})
"""Characters that are read for one another, or past; of names in lower case."""


class Overlap(msgspec.Struct, frozen=True):
    """Powers that meet in one hand."""

    severity: Severity
    """high: that hand can act unseen or alone. medium: one safeguard of several is missing. low: worth a look."""
    kind: str
    """Names the sort of it, for machines: `scanner-of-owner`."""
    text: str


def overlaps(terms: Terms) -> tuple[Overlap, ...]:
    """Return where powers meet, the worst first."""
    found = [*_degraded(terms), *_rules(terms), *_parties(terms), *_scanners(terms), *_ledger(terms), *_names(terms)]
    return tuple(sorted(found, key=lambda one: (_ORDER.index(one.severity), one.kind, one.text)))


def _degraded(terms: Terms) -> Iterator[Overlap]:
    if terms.degraded is None:
        return
    yield Overlap(
        "high", "degraded", f"degraded mode until {terms.degraded.until}: approvals may fall short of their rules"
    )
    both: tuple[Action, ...] = ("accept_contract", "weaken_policy")
    for action in both:
        if party := _alone(terms.rule(action)):
            yield Overlap("high", "party-alone", f"{party} alone can {ACTION_TITLES[action]}")


def _alone(rule: Rule) -> str | None:
    """The party whose people can meet a rule without any other."""
    asked = [party for party, count in rule.items() if count]
    return asked[0] if len(asked) == 1 else None


def _running(terms: Terms) -> set[str]:
    """The parties on the side that runs the assets."""
    people = terms.people()
    return {PLATFORM} & set(terms.parties) or {people[name] for owned in terms.owners for name in owned.people}


def _rules(terms: Terms) -> Iterator[Overlap]:
    running = _running(terms)
    for action, harm in _HARM.items():
        party = _alone(terms.rule(action))
        if party in running:
            yield Overlap("high", "platform-alone", f"{party} alone can {ACTION_TITLES[action]}: {harm}")
    for action in _TWO_EYES:
        if sum(terms.rule(action).values()) == 1:
            yield Overlap(
                "high", "person-alone", f"one person of {_alone(terms.rule(action))} can {ACTION_TITLES[action]}"
            )
    for entry in terms.critical:
        named = ", ".join(entry.assets)
        if (party := _alone(entry.review)) in running:
            text = f"changes to {named} are reviewed by {party} alone, who makes them"
            yield Overlap("medium", "review-within", text)
    if terms.exceptions.wildcards:
        yield Overlap("medium", "wide-exceptions", "one exception may cover resources by a pattern, also future ones")
    if terms.exceptions.max_days > _LONG:
        yield Overlap("low", "long-exceptions", f"an exception may last {terms.exceptions.max_days} days")
    yield from _unreachable(terms)


def _unreachable(terms: Terms) -> Iterator[Overlap]:
    """Rules that nobody is left to meet once those who answer for an asset do not count."""
    for owned in terms.owners:
        for party, count in terms.rule("approve_exception").items():
            left = set(terms.parties[party].members) - set(owned.people)
            if len(left) < count:
                named = ", ".join(owned.assets)
                yield Overlap(
                    "medium", "nobody-left", f"{party} cannot approve an exception on {named}: its people own them"
                )


def _parties(terms: Terms) -> Iterator[Overlap]:
    """Parties that hang on one person, whose key when lost stops, and when stolen speaks for, the whole side."""
    for name, party in terms.parties.items():
        asked = [action for action in ACTION_TITLES if terms.rule(action).get(name)]
        if len(party.members) == 1 and asked:
            (only,) = party.members
            yield Overlap("medium", "one-person-party", f"{only} is all of {name}: one key speaks for that side")
        elif any(terms.rule(action)[name] == len(party.members) for action in asked):
            yield Overlap("low", "all-must-sign", f"a rule asks for everybody of {name}: one lost key stops it")


def _scanners(terms: Terms) -> Iterator[Overlap]:
    running, people = _running(terms), terms.people()
    for name, scanner in terms.scanners.items():
        owned = {people[one] for each in terms.owners if _meet(each.assets, scanner.assets) for one in each.people}
        if scanner.operator in owned | running:
            yield Overlap(
                "high", "scanner-of-owner", f"{scanner.operator} runs the scanner {name} and the assets that it judges"
            )
        if len(terms.scanners) == 1:
            yield Overlap("low", "one-scanner", f"{name} is the only scanner: no other would contradict it")


def _meet(first: Iterable[str], second: Iterable[str]) -> bool:
    """Whether some asset fits a pattern of each."""
    return any(meets(one, other) for one in first for other in second)


def meets(first: str, second: str) -> bool:
    """Whether some text fits both patterns; in doubt, which only sets like `[ab]` leave, it does."""

    @cache
    def at(left: int, right: int) -> bool:
        one, other = first[left : left + 1], second[right : right + 1]
        if "[" in {one, other}:
            return True
        if one == "*":
            return at(left + 1, right) or (bool(other) and at(left, right + 1))
        if other == "*":
            return at(left, right + 1) or (bool(one) and at(left + 1, right))
        if not one or not other:
            return one == other
        return (one == other or "?" in {one, other}) and at(left + 1, right + 1)

    # Deeper than this Python does not recurse: patterns so long are taken to meet.
    return len(first) + len(second) > 400 or at(0, 0)


def _ledger(terms: Terms) -> Iterator[Overlap]:
    ledger = terms.ledger
    if ledger is None:
        yield Overlap("medium", "no-ledger", "there is no ledger: what was signed can be withheld unseen")
        return
    watching = [party for party in ledger.witnesses if party != ledger.operator]
    if not watching or ledger.quorum == 0:
        why = "no witness must have seen it" if watching else "no other party witnesses it"
        yield Overlap("high", "unwitnessed", f"{ledger.operator} can rewrite the ledger: {why}")
    elif ledger.operator in ledger.witnesses:
        severity: Severity = "high" if ledger.quorum == 1 else "medium"
        yield Overlap(severity, "own-witness", f"{ledger.operator} runs the ledger and one of its witnesses")
    if ledger.operator in _running(terms) and ledger.quorum == 0:
        yield Overlap("high", "ledger-of-owner", f"{ledger.operator} keeps the record of what it runs, unwitnessed")
    yield from _ledger_keys(terms, ledger)


def _ledger_keys(terms: Terms, ledger: LedgerTerms) -> Iterator[Overlap]:
    """Keys of the log or a witness that are also somebody's else."""
    held = {base64.b64decode(key.spki)[-32:]: holder for holder, key in _held(terms) if key.type == "ed25519"}
    texts = {"the ledger": ledger.key} | {f"the witness of {party}": key for party, key in ledger.witnesses.items()}
    for what, text in texts.items():
        raw = _raw(text)
        if raw is not None and raw in held:
            yield Overlap("high", "shared-key", f"{what} signs with the key of {held[raw]}")
        if raw is not None:
            held.setdefault(raw, what)


def _held(terms: Terms) -> Iterator[tuple[str, PublicKey]]:
    for party in terms.parties.values():
        yield from ((name, key) for name, member in party.members.items() for key in member.keys)
    yield from ((name, key) for name, scanner in terms.scanners.items() for key in scanner.keys)


def _raw(text: str) -> bytes | None:
    """The public key in a verifier key: `name+hash+` and base64 of a byte that says its kind, and the key."""
    try:
        return base64.b64decode(text.split("+", 2)[2], validate=True)[1:]
    except (IndexError, binascii.Error, ValueError):
        return None


def _names(terms: Terms) -> Iterator[Overlap]:
    """Two names that may be one person, or be taken for one another."""
    people = terms.people()
    for first, second in combinations(sorted({*people, *terms.scanners}), 2):
        one, other = _account(first), _account(second)
        if one == other:
            text = f"{first} and {second} may be one person under two names"
            yield Overlap("medium", "one-person", text)
        elif _skeleton(first) == _skeleton(second):
            yield Overlap("low", "names-alike", f"{first} and {second} are easily taken for one another")


def _account(name: str) -> str:
    """What two addresses of one person share: `alice+admin@example.com` and `Alice@example.org`."""
    return name.casefold().partition("@")[0].partition("+")[0]


def _skeleton(name: str) -> str:
    return name.casefold().translate(_ALIKE).replace("rn", "m").replace("vv", "w")
