"""The versions of a contract, followed from the one that the reader trusts.

The reader knows the digest of one version from somewhere else than whoever hands them the chain. Every later version
must name its predecessor by digest, count one up, and carry the signatures that its *predecessor's* rules ask for; when
it changes who may sign or how many must, it must meet its own rules too, so that nobody hands a contract to people who
cannot or do not accept it. A version that only brings other policies needs those who publish them, and those who weaken
them unless a judge finds it no weaker; it is asked only where their signatures are not there anyway. The last version
must not have expired.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from xspm.contract.envelope import Envelope, signers
from xspm.contract.people import Tally, missing, shortfall, tally
from xspm.contract.statement import CONTRACT, decode_statement, encode_statement, subject
from xspm.contract.terms import Terms, check_terms
from xspm.errors import ContractError
from xspm.model.digest import Digest, digest

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from xspm.contract.keys import KeyId
    from xspm.contract.terms import Action

MAX_VERSIONS: Final = 10_000


class Link(msgspec.Struct, frozen=True):
    """One version with its envelope."""

    terms: Terms
    envelope: Envelope
    file: str
    """Where it was read."""

    @property
    def digest(self) -> Digest:
        """What the successor, results and readers name this version by."""
        return self.envelope.digest


class Accepted(msgspec.Struct, frozen=True):
    """A version that took effect, and who brought it about."""

    link: Link
    signed: Tally
    """By the predecessor's people; the trusted version's by its own."""


def encode_terms(terms: Terms) -> bytes:
    """Return the payload to be signed for a version."""
    return encode_statement(CONTRACT, (subject(terms.name, digest(terms)),), terms)


def read_link(envelope: Envelope, file: str) -> Link:
    """Read a version out of its envelope; its signatures are not looked at.

    Raises:
        ContractError: it is not a contract whose invariants hold.
    """
    subjects, terms = decode_statement(envelope.payload, CONTRACT, Terms, file)
    if subjects != (subject(terms.name, digest(terms)),):
        raise ContractError("the statement is about something else than the contract in it", file=file)
    try:
        check_terms(terms)
    except ContractError as error:
        raise ContractError(error.message, file=file, hint=error.hint) from error
    return Link(terms, envelope, file)


def follow(
    links: Sequence[Link],
    root: str,
    now: str | None,
    weakens: Callable[[Terms, Terms], bool] = lambda _old, _new: True,
) -> tuple[Accepted, ...]:
    """Follow a chain from the version that the reader trusts to its last.

    Args:
        links: in any order; versions before the trusted one are not looked at.
        root: the digest of the trusted version.
        now: RFC 3339, UTC; None follows it whether or not its last version holds at any time.
        weakens: whether the policies of a version are weaker than those of the one before it; in doubt they are.

    Returns:
        The trusted version and all after it, in order.

    Raises:
        ContractError: nothing in it is the trusted version, or a later one did not come about by the rules.
    """
    if len(links) > MAX_VERSIONS:
        raise ContractError(f"{len(links)} versions are more than {MAX_VERSIONS}")
    start = next((link for link in links if link.digest == root), None)
    if start is None:
        found = f"the versions found are {', '.join(link.digest for link in links[:3])}" if links else "it has none"
        raise ContractError(f"this contract has no version {root}, the one that you trust: {found}")
    accepted = [Accepted(start, _first_signed(start))]
    for link in _later(links, start):
        accepted.append(_accept(accepted[-1].link, link, weakens))
    if now is not None:
        _demand_holding(accepted[-1].link, now)
    return tuple(accepted)


def _demand_holding(last: Link, now: str) -> None:
    """Check that a version has not expired, and that nobody is alone in power by it outside of its degraded mode."""
    terms, hint = last.terms, "get the newer version; if there is none, the parties must accept one"
    if now[:10] > terms.expires:
        raise ContractError(
            f"version {terms.version} of the contract expired on {terms.expires}", file=last.file, hint=hint
        )
    if terms.degraded is not None and not terms.degraded.holds(now):
        try:
            check_terms(msgspec.structs.replace(terms, degraded=None))
        except ContractError as error:
            raise ContractError(
                f"version {terms.version} of the contract holds only in its degraded mode, from"
                f" {terms.degraded.since} to {terms.degraded.until}: {error.message}",
                file=last.file,
                hint=hint,
            ) from error


def _first_signed(link: Link) -> Tally:
    """Who signed the trusted version. Its digest is the trust; its rules must be met all the same."""
    keys = signers(link.envelope, link.terms.member_keys(), link.file)
    counted = tally(keys, link.terms)
    _demand(link, link.terms, keys, "accept_contract", "its own rules")
    if link.terms.version == 1 and (reason := two_parties(None, link.terms)):
        _demand_two_parties(link, counted, reason)
    return counted


def _later(links: Sequence[Link], start: Link) -> list[Link]:
    """The versions after the trusted one, one of each number, without a gap."""
    later = sorted(
        (link for link in links if link.terms.version > start.terms.version), key=lambda one: one.terms.version
    )
    for expected, link in enumerate(later, start.terms.version + 1):
        version = link.terms.version
        if version < expected:
            other = next(one for one in later if one is not link and one.terms.version == version)
            raise ContractError(f"there are two versions {version}: the other is {other.file}", file=link.file)
        if version > expected:
            raise ContractError(f"version {expected} is missing: a contract skips none", file=link.file)
    return later


def _accept(before: Link, link: Link, weakens: Callable[[Terms, Terms], bool]) -> Accepted:
    """Check that a version came about by the rules of the one before it."""
    old, new = before.terms, link.terms
    if new.name != old.name:
        raise ContractError(f"it is of the contract {new.name!r}, not {old.name!r}", file=link.file)
    if new.predecessor != before.digest:
        raise ContractError(
            f"version {new.version} follows {new.predecessor}, not the version {old.version} at hand ({before.digest})",
            file=link.file,
        )
    check_policies(old, new, link.file)
    keys = signers(link.envelope, {**old.member_keys(), **new.member_keys()}, link.file)
    whose = f"the rules of version {old.version}"
    for action in actions(old, new):
        _demand(link, old, keys, action, whose)
    signed = tally(keys, old)
    if may_weaken(old, new) and missing(old.rule("weaken_policy"), signed) and weakens(old, new):
        _demand(link, old, keys, "weaken_policy", whose)
    if reason := two_parties(old, new):
        _demand_two_parties(link, signed, reason)
    if changes_powers(old, new):
        _demand(link, new, keys, "accept_contract", "its own rules, since it changes who signs")
        _demand_each_party(link, old, new, keys)
    return Accepted(link, signed)


def check_policies(old: Terms, new: Terms, file: str) -> None:
    """Check that the policies in force stay, or rise by a number of their own.

    Raises:
        ContractError: they do not.
    """
    if old.policies is None or new.policies == old.policies:
        return
    if new.policies is None or new.policies.version < old.policies.version:
        raise ContractError(
            f"version {new.version} goes back to older policies than version {old.version} has in force", file=file
        )
    if new.policies.version == old.policies.version:
        raise ContractError(
            f"version {new.version} has other policies under the number {old.policies.version}", file=file
        )


def actions(old: Terms, new: Terms) -> tuple[Action, ...]:
    """What a new version does for certain, and hence whose signatures it needs by the rules of the old.

    Whether it is `weaken_policy` too is for a judge to say, where `may_weaken`.
    """
    found: list[Action] = []
    if not _only_policies(old, new):
        found.append("accept_contract")
    if new.policies != old.policies:
        found.append("publish_policy")
    if _declares(old, new):
        found.append("declare_degraded")
    return tuple(found)


def _only_policies(old: Terms, new: Terms) -> bool:
    """Whether a version replaces the policies in force and changes nothing else, so that those who publish suffice."""
    if old.policies is None or new.policies is None or new.policies == old.policies:
        return False
    same = msgspec.structs.replace(new, version=old.version, predecessor=old.predecessor, policies=old.policies)
    return same == old


def may_weaken(old: Terms, new: Terms) -> bool:
    """Whether the policies of a version could be weaker than those of the one before it."""
    return old.policies is not None and new.policies != old.policies


def _declares(old: Terms | None, new: Terms) -> bool:
    return new.degraded is not None and (old is None or new.degraded != old.degraded)


def two_parties(old: Terms | None, new: Terms) -> str:
    """Why a version takes people of two parties, whatever the rules say; empty where it does not.

    Or the lax rules of a degraded mode would let one party alone prolong it, or seat itself beside the others for good.
    """
    if _declares(old, new):
        return "a degraded mode takes people of two parties"
    if old is not None and changes_powers(old, new):
        return "to change who may do what takes people of two parties"
    return ""


def _demand_two_parties(link: Link, signed: Tally, reason: str) -> None:
    """Check that people of two parties signed."""
    if sum(map(bool, signed.people.values())) < 2:
        raise ContractError(
            f"version {link.terms.version} is not in force: {reason}; signed by {signed.shown()}", file=link.file
        )


def changes_powers(old: Terms, new: Terms) -> bool:
    """Whether a version changes who may do what, and hence must meet its own rules too."""
    return any(
        getattr(old, field) != getattr(new, field)
        for field in ("parties", "rules", "scanners", "critical", "owners", "ledger", "exceptions")
    )


def _demand_each_party(link: Link, old: Terms, new: Terms, keys: frozenset[KeyId]) -> None:
    """A party whose people or keys change must be among those who sign."""
    counted = tally(keys, old)
    for name, party in old.parties.items():
        if new.parties.get(name) != party and not counted.people[name]:
            raise ContractError(
                f"version {new.version} changes the people or keys of {name}, and nobody of {name} signed it",
                file=link.file,
            )


def _demand(link: Link, terms: Terms, keys: frozenset[KeyId], action: Action, whose: str) -> None:
    """Check that a rule is met.

    Raises:
        ContractError: it is not; the message names the rule, who signed and who is missing.
    """
    counted, rule = tally(keys, terms), terms.rule(action)
    if missing(rule, counted):
        raise ContractError(
            f"version {link.terms.version} is not in force: {action} by {whose} wants"
            f" {shortfall(rule, counted, terms)}; signed by {counted.shown()}",
            file=link.file,
        )
