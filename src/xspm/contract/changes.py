"""What one version of a contract changes against another, in words, and whose signatures that takes.

Each change is marked: `loosened` where somebody may do more, or with fewer signatures, or is watched less; `tightened`
the other way round; `changed` for the rest. In doubt it is loosened. Two versions that differ at all have a change.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

import msgspec

from xspm.contract.chain import actions, changes_powers, may_weaken, two_parties
from xspm.contract.people import Tally, missing, shortfall, tally
from xspm.contract.terms import ACTIONS, Rule

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping

    from xspm.contract.keys import KeyId, PublicKey
    from xspm.contract.terms import Critical, Member, Scanner, Terms

Mark: TypeAlias = Literal["loosened", "tightened", "changed"]
MARKS: Final[tuple[Mark, ...]] = ("loosened", "changed", "tightened")


class Change(msgspec.Struct, frozen=True):
    """One difference."""

    mark: Mark
    part: str
    """The part of the contract that it is in: `parties`, `rules`."""
    text: str


class Need(msgspec.Struct, frozen=True):
    """Signatures that a version must have to take effect."""

    action: str
    rule: Rule
    why: str
    signed: Tally
    """Who did, of those who count for this rule."""
    missing: str
    """For a person; empty when the rule is met."""


def changes(old: Terms, new: Terms) -> tuple[Change, ...]:
    """Return what differs between two versions, loosened first; that one follows the other does not count."""
    found = [
        *_plain(old, new),
        *_parties(old, new),
        *_rules(old, new),
        *_scanners(old, new),
        *_policies(old, new),
        *_exceptions(old, new),
        *_critical(old, new),
        *_owners(old, new),
        *_ledger(old, new),
        *_degraded(old, new),
    ]
    if not found and _content(old) != _content(new):
        found.append(Change("changed", "contract", "the same in another order"))
    return tuple(sorted(found, key=lambda one: MARKS.index(one.mark)))


def _content(terms: Terms) -> Terms:
    return msgspec.structs.replace(terms, version=1, predecessor=None)


def needs(
    old: Terms | None, new: Terms, keys: Collection[KeyId], weakens: Callable[[Terms, Terms], bool]
) -> tuple[Need, ...]:
    """Return the signatures that a version needs, as `chain.follow` will ask for them.

    Args:
        old: the version in force; None when the new one is the first.
        new: the version that is proposed.
        keys: keys whose signatures are good.
        weakens: whether the new version's policies are weaker.

    """
    if old is None:
        own = _need("accept_contract", new.rule("accept_contract"), "its own rules", keys, new)
        return (own, *_two_parties(None, new, keys, new))
    whose = f"the rules of version {old.version}"
    asked = actions(old, new)
    if may_weaken(old, new) and weakens(old, new):
        asked = (*asked, "weaken_policy")
    found = [_need(action, old.rule(action), whose, keys, old) for action in asked]
    found += _two_parties(old, new, keys, old)
    if changes_powers(old, new):
        why = "its own rules, since it changes who may do what"
        found.append(_need("accept_contract", new.rule("accept_contract"), why, keys, new))
        found += [
            _need("accept_contract", {name: 1}, f"it changes the people or keys of {name}", keys, old)
            for name, party in old.parties.items()
            if new.parties.get(name) != party
        ]
    return _together(found)


def _together(found: list[Need]) -> tuple[Need, ...]:
    """One need for all that ask the same of the same people."""
    kept: dict[tuple[Any, ...], Need] = {}
    for one in found:
        what = (one.action, tuple(one.rule.items()), tuple(one.signed.people.items()), one.missing)
        same = kept.get(what)
        kept[what] = one if same is None else msgspec.structs.replace(same, why=f"{same.why} and {one.why}")
    return tuple(kept.values())


def _two_parties(old: Terms | None, new: Terms, keys: Collection[KeyId], terms: Terms) -> Iterator[Need]:
    """That people of two parties sign, where no rule asks for that anyway."""
    reason = two_parties(old, new)
    if reason and sum(map(bool, terms.rule("accept_contract").values())) < 2:
        counted = tally(keys, terms)
        sides = [party for party, names in counted.people.items() if names]
        beside = f"somebody of another party than {sides[0]}" if sides else "people of two parties"
        yield Need("accept_contract", {}, reason, counted, beside if len(sides) < 2 else "")


def _need(action: str, rule: Rule, why: str, keys: Collection[KeyId], terms: Terms) -> Need:
    counted = tally(keys, terms)
    asked = {party: count for party, count in rule.items() if count}
    return Need(action, asked, why, counted, shortfall(rule, counted, terms) if missing(rule, counted) else "")


def shown(rule: Rule) -> str:
    """A rule for a person: `2 of security and 1 of platform`."""
    return " and ".join(f"{count} of {party}" for party, count in rule.items() if count)


def _plain(old: Terms, new: Terms) -> Iterator[Change]:
    if new.name != old.name:
        yield Change("loosened", "name", f"another contract: {old.name} is now {new.name}")
    if new.expires != old.expires:
        yield Change("changed", "expires", f"holds until {new.expires}, before until {old.expires}")


def _parties(old: Terms, new: Terms) -> Iterator[Change]:
    for name in _either(old.parties, new.parties):
        before, after = old.parties.get(name), new.parties.get(name)
        if after is None:
            yield Change("loosened", "parties", f"{name} is no party any more")
            continue
        if before is None:
            yield Change("changed", "parties", f"{name} is a new party")
        members = before.members if before else {}
        for member in _either(members, after.members):
            yield from _member(member, name, members.get(member), after.members.get(member))


def _member(name: str, party: str, before: Member | None, after: Member | None) -> Iterator[Change]:
    if after is None:
        yield Change("changed", "parties", f"{name} leaves {party}")
    elif before is None:
        yield Change("loosened", "parties", f"{name} joins {party}, with {_keys(after.keys)}")
        yield from _accounts(f"{name} ({party})", {}, after.accounts)
    else:
        yield from _key_changes("parties", f"{name} ({party})", before.keys, after.keys)
        yield from _accounts(f"{name} ({party})", before.accounts, after.accounts)


def _keys(keys: Collection[PublicKey]) -> str:
    return " and ".join(f"{key.type} {key.id}" for key in keys)


def _key_changes(part: str, who: str, before: Collection[PublicKey], after: Collection[PublicKey]) -> Iterator[Change]:
    for key in sorted(set(after) - set(before)):
        yield Change("loosened", part, f"{who} signs with a new key: {_keys((key,))}")
    for key in sorted(set(before) - set(after)):
        yield Change("tightened", part, f"{who} signs no more with the key {_keys((key,))}")


def _accounts(who: str, before: Mapping[str, str], after: Mapping[str, str]) -> Iterator[Change]:
    """Accounts elsewhere, whose approvals are theirs."""
    for forge in _either(before, after):
        was, now = before.get(forge), after.get(forge)
        if now is None:
            yield Change("tightened", "parties", f"{who} is no longer {was} on {forge}")
        elif was != now:
            yield Change("loosened", "parties", f"{who} is {now} on {forge}{f', before {was}' if was else ''}")


def _rules(old: Terms, new: Terms) -> Iterator[Change]:
    """By what is asked in effect, whether it is written or follows from another rule."""
    for action in ACTIONS:
        yield from _rule("rules", action, old.rule(action), new.rule(action))
        if (action in old.rules) != (action in new.rules) and old.rule(action) == new.rule(action):
            yield Change("changed", "rules", f"{action} is {'now' if action in new.rules else 'no longer'} written out")


def _rule(part: str, what: str, before: Rule, after: Rule) -> Iterator[Change]:
    pairs = [(before.get(party, 0), after.get(party, 0)) for party in _either(before, after)]
    if all(was == now for was, now in pairs):
        return
    mark: Mark = "tightened" if all(was <= now for was, now in pairs) else "loosened"
    yield Change(mark, part, f"{what} takes {shown(after)}, before {shown(before)}")


def _scanners(old: Terms, new: Terms) -> Iterator[Change]:
    for name in _either(old.scanners, new.scanners):
        before, after = old.scanners.get(name), new.scanners.get(name)
        if after is None:
            yield Change("changed", "scanners", f"the scanner {name} may sign nothing any more")
        elif before is None:
            where = ", ".join(after.assets)
            text = f"the scanner {name}, run by {after.operator}, may sign for {where}, with {_keys(after.keys)}"
            yield Change("loosened", "scanners", text)
        else:
            yield from _scanner(name, before, after)


def _scanner(name: str, before: Scanner, after: Scanner) -> Iterator[Change]:
    yield from _key_changes("scanners", f"the scanner {name}", before.keys, after.keys)
    more, less = set(after.assets) - set(before.assets), set(before.assets) - set(after.assets)
    if more:
        yield Change("loosened", "scanners", f"the scanner {name} may sign for {', '.join(sorted(more))} too")
    if less:
        yield Change("tightened", "scanners", f"the scanner {name} may not sign for {', '.join(sorted(less))} any more")
    if before.operator != after.operator:
        text = f"the scanner {name} is run by {after.operator}, before by {before.operator}"
        yield Change("loosened", "scanners", text)


def _policies(old: Terms, new: Terms) -> Iterator[Change]:
    before, after = old.policies, new.policies
    if before == after:
        return
    if after is None:
        yield Change("loosened", "policies", "no policies are in force any more")
    elif before is None:
        yield Change("tightened", "policies", f"policies come into force: bundle {after.version}, {after.digest}")
    else:
        text = f"bundle {after.version} ({after.digest}) follows bundle {before.version} ({before.digest})"
        yield Change("changed", "policies", text)


def _exceptions(old: Terms, new: Terms) -> Iterator[Change]:
    before, after = old.exceptions, new.exceptions
    yield from _days("exceptions", "an exception may last", before.max_days, after.max_days)
    if before.wildcards != after.wildcards:
        mark: Mark = "loosened" if after.wildcards else "tightened"
        may = "may" if after.wildcards else "may not"
        yield Change(mark, "exceptions", f"an exception {may} cover resources by a pattern")


def _days(part: str, what: str, before: int, after: int, unit: str = "days") -> Iterator[Change]:
    if before != after:
        mark: Mark = "loosened" if after > before else "tightened"
        yield Change(mark, part, f"{what} {after} {unit}, before {before}")


def _critical(old: Terms, new: Terms) -> Iterator[Change]:
    """Pattern by pattern, so that it does not matter how they are grouped."""
    before, after = _reviews(old), _reviews(new)
    for pattern in _either(before, after):
        was, now = before.get(pattern), after.get(pattern)
        if now is None:
            yield Change("loosened", "critical", f"{pattern} is not critical any more: changes need no review")
        elif was is None:
            yield Change("tightened", "critical", f"changes to {pattern} need review: {shown(now.review)}")
        else:
            yield from _rule("critical", f"review of changes to {pattern}", was.review, now.review)
            yield from _days("critical", f"an approval for {pattern} may be good for", was.max_days, now.max_days)


def _reviews(terms: Terms) -> dict[str, Critical]:
    """By pattern: what all entries that write it ask for together."""
    found: dict[str, Critical] = {}
    for entry in terms.critical:
        for pattern in entry.assets:
            same = found.get(pattern, entry)
            rule = {
                party: max(same.review.get(party, 0), entry.review.get(party, 0))
                for party in {*same.review, *entry.review}
            }
            found[pattern] = msgspec.structs.replace(
                entry, assets=(pattern,), review=dict(sorted(rule.items())), max_days=min(same.max_days, entry.max_days)
            )
    return found


def _owners(old: Terms, new: Terms) -> Iterator[Change]:
    before, after = _owned(old), _owned(new)
    for pattern, name in sorted(after - before):
        yield Change("tightened", "owners", f"{name} answers for {pattern}, and approves nothing there")
    for pattern, name in sorted(before - after):
        yield Change("loosened", "owners", f"{name} does not answer for {pattern} any more, and may approve there")


def _owned(terms: Terms) -> set[tuple[str, str]]:
    return {(pattern, name) for entry in terms.owners for pattern in entry.assets for name in entry.people}


def _ledger(old: Terms, new: Terms) -> Iterator[Change]:
    before, after = old.ledger, new.ledger
    if before is None and after is not None:
        yield Change("tightened", "ledger", f"there is a ledger, {after.origin}, run by {after.operator}")
    elif before is not None and after is None:
        yield Change("loosened", "ledger", f"there is no ledger any more: before {before.origin}")
    if before is None or after is None:
        return
    for field, text in (
        ("origin", "the ledger is another one"),
        ("key", "the ledger signs with another key"),
        ("operator", "the ledger is run by another party"),
    ):
        was, now = getattr(before, field), getattr(after, field)
        if was != now:
            yield Change("loosened", "ledger", f"{text}: {now}, before {was}")
    for party in _either(before.witnesses, after.witnesses):
        was, now = before.witnesses.get(party), after.witnesses.get(party)
        if was is None:
            yield Change("tightened", "ledger", f"{party} witnesses the ledger: {now}")
        elif now is None:
            yield Change("loosened", "ledger", f"{party} does not witness the ledger any more")
        elif was != now:
            yield Change("loosened", "ledger", f"the witness of {party} signs with another key: {now}, before {was}")
    if before.quorum != after.quorum:
        mark: Mark = "loosened" if after.quorum < before.quorum else "tightened"
        yield Change(mark, "ledger", f"{after.quorum} witnesses must have seen the ledger, before {before.quorum}")
    yield from _days("ledger", "the ledger may be silent for", before.heartbeat_hours, after.heartbeat_hours, "hours")


def _degraded(old: Terms, new: Terms) -> Iterator[Change]:
    before, after = old.degraded, new.degraded
    if before == after:
        return
    if after is None:
        yield Change("tightened", "degraded", "the degraded mode ends")
    else:
        begins = "begins" if before is None else "goes on"
        yield Change("loosened", "degraded", f"the degraded mode {begins}, until {after.until}: {after.reason}")


def _either(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """The names of both, those of the new version first."""
    return list(dict.fromkeys((*after, *before)))
