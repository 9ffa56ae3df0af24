"""Whether a change of a critical asset was reviewed: by whom, and who is missing.

A change is one snapshot's digest to another's. It was reviewed if one signed approval covers exactly that change at the
time it was seen, or if the forge's own record says that enough people approved the revision it was made by. People
count once, and neither who made the change nor who answers for the asset counts; whose account nobody in the contract
has counts for nothing, and where a maker of the change is unknown nobody can say that they did not approve it
themselves.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias

import msgspec

from xspm.contract.approval import approval_of, reachable_rule, read_change, standing
from xspm.contract.people import Tally, missing, shortfall
from xspm.contract.terms import read_time
from xspm.errors import ContractError
from xspm.model.digest import Digest

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from xspm.contract.envelope import Envelope
    from xspm.contract.forge import Pull
    from xspm.contract.terms import Rule, Terms

Source: TypeAlias = Literal["approval", "forge", "none"]


class Seen(msgspec.Struct, frozen=True):
    """A change as it was seen."""

    asset: str
    before: Digest
    after: Digest
    at: str
    """When the state after it was collected; RFC 3339, UTC."""
    revisions: tuple[str, str] | None = None
    """The forge's revisions that the two states come from, where that is known."""


class Review(msgspec.Struct, frozen=True):
    """What the people of a contract said about a change."""

    seen: Seen
    critical: bool
    """Whether the contract asks for a review at all."""
    reviewed: bool
    """Never true where a review is asked for and is not complete."""
    source: Source
    wanted: dict[str, int]
    """By party: how many must approve."""
    reviewers: tuple[str, ...] = ()
    """Who counts."""
    author: str = ""
    """Who says they made it, as far as anybody does."""
    missing: str = ""
    """Who is wanted still; empty when it was reviewed."""
    refused: tuple[str, ...] = ()
    """Approvals and reviews that were found and do not count, one line each."""
    where: str = ""
    """The approval's file, or the pull request."""
    degraded: bool = False
    """It counts only because the contract is in its degraded mode."""


def review_of(
    seen: Seen,
    terms: Terms,
    versions: Sequence[Digest],
    approvals: Iterable[tuple[str, Envelope]] = (),
    pulls: Iterable[Pull] = (),
) -> Review:
    """Look for the review of a change.

    Args:
        seen: the change.
        terms: the contract in force.
        versions: the digests of all versions of the contract.
        approvals: signed changes by their files; those of other assets are passed over.
        pulls: what a forge recorded.
    """
    entry = terms.review(seen.asset)
    if entry is None or seen.before == seen.after:
        return Review(seen, critical=False, reviewed=True, source="none", wanted={})
    best = Review(
        seen,
        critical=True,
        reviewed=False,
        source="none",
        wanted=dict(entry.review),
        missing=shortfall(entry.review, Tally(dict.fromkeys(terms.parties, ())), terms),
    )
    refused: list[str] = []
    recorded = tuple(pulls)
    makers = _known_makers(seen, recorded, terms)
    found = [
        *(_by_approval(best, file, envelope, terms, versions, makers) for file, envelope in approvals),
        *(_by_forge(best, pull, terms) for pull in recorded),
    ]
    for one in found:
        if one is None:
            continue
        if one.reviewed:
            return one
        refused += one.refused
        if len(one.reviewers) > len(best.reviewers) or (one.author and not best.author):
            best = one
    return msgspec.structs.replace(best, refused=tuple(dict.fromkeys(refused)))


def _known_makers(seen: Seen, pulls: Sequence[Pull], terms: Terms) -> dict[str, str]:
    """The people who made some of a change by a forge's record of it, whoever says in a signed text that they did.

    Where nobody knows which revisions a change is of, it may be of any of the records.
    """
    return {
        name: f"made some of it ({pull.where})"
        for pull in pulls
        if seen.revisions is None or pull.after == seen.revisions[1]
        for name in _makers(pull, terms).values()
        if name
    }


def _makers(pull: Pull, terms: Terms) -> dict[str, str | None]:
    """Who had a hand in a pull request, but for bots: by login or address the member, None for nobody's."""
    members, addresses = _accounts(terms, "github"), _accounts(terms, "email")
    makers = {login: members.get(login) for login in pull.makers if not login.endswith("[bot]")}
    return makers | {one: addresses.get(one) or _named(one, terms) for one in pull.strangers}


def _by_approval(  # noqa: PLR0917 - each is another thing
    plain: Review,
    file: str,
    envelope: Envelope,
    terms: Terms,
    versions: Sequence[Digest],
    makers: Mapping[str, str],
) -> Review | None:
    """What one signed approval says of the change; None when it is of another asset."""
    seen = plain.seen
    try:
        text = read_change(envelope, file)
    except ContractError as error:
        return msgspec.structs.replace(plain, refused=(f"{file}: {error.message}",))
    if text.asset != seen.asset:
        return None
    if (text.before, text.after) != (seen.before, seen.after):
        reason = f"{file}: it is for another change, {_short(text.before)} to {_short(text.after)}"
        return msgspec.structs.replace(plain, refused=(reason,))
    try:
        approved = approval_of(envelope, terms, versions, seen.at, file, makers)
    except ContractError as error:
        return _refused(plain, file, envelope, terms, makers, error)
    return msgspec.structs.replace(
        plain,
        reviewed=True,
        source="approval",
        reviewers=_names(approved.by),
        author=text.requested_by,
        missing="",
        where=file,
        degraded=approved.degraded,
    )


def _refused(  # noqa: PLR0917 - each is another thing
    plain: Review, file: str, envelope: Envelope, terms: Terms, makers: Mapping[str, str], error: ContractError
) -> Review:
    """A signed text for this very change that does not suffice: who did sign it."""
    text = read_change(envelope, file)
    reason = f"{file}: {error.message}"
    try:
        found = standing(envelope, text, terms, plain.seen.at, file, makers)
    except ContractError:
        # A signature in it is not good, so nothing in it is believed, not even who asks.
        return msgspec.structs.replace(plain, refused=(reason,))
    if not found.asked or not found.missing:
        return msgspec.structs.replace(plain, author=text.requested_by if found.asked else "", refused=(reason,))
    return msgspec.structs.replace(
        plain,
        reviewers=_names(found.counted),
        author=text.requested_by,
        missing=found.missing,
        refused=(reason,),
        where=file,
    )


def _by_forge(plain: Review, pull: Pull, terms: Terms) -> Review | None:
    """What a forge's record says of the change; None when it is of another revision."""
    seen = plain.seen
    if seen.revisions is None:
        return msgspec.structs.replace(
            plain, refused=(f"{pull.where}: which revisions the two states come from is not known",)
        )
    if pull.after != seen.revisions[1]:
        return None
    doubts = list(pull.doubts)
    if pull.before != seen.revisions[0]:
        doubts.append(f"it was merged onto {pull.before[:12]}, and the state before is of {seen.revisions[0][:12]}")
    try:
        late = read_time(pull.merged_at, None) > read_time(seen.at, None)
    except ContractError as error:
        doubts.append(error.message)
        late = False
    if late:
        doubts.append(f"it was merged at {pull.merged_at}, after the change was seen")
    members, makers = _accounts(terms, "github"), _makers(pull, terms)
    if not makers:
        # Behind a bot stands somebody, and they may be one of the reviewers.
        doubts.append(f"only bots made it, and nobody knows for whom: {', '.join(pull.makers) or 'the forge itself'}")
    doubts += [
        f"{one or 'somebody without an address'}, who made some of it, is nobody of the contract"
        for one, name in sorted(makers.items())
        if name is None
    ]
    excluded = dict.fromkeys(terms.owners_of(seen.asset), f"answers for {seen.asset}")
    excluded |= {name: "made some of it" for name in makers.values() if name}
    approvers = {one.login: members.get(one.login.casefold()) for one in pull.approvals}
    refused = [f"{login}, who approved, is nobody of the contract" for login, name in approvers.items() if not name]
    refused += [f"{name} does not count: {excluded[name]}" for name in approvers.values() if name and name in excluded]
    counted = _count({name for name in approvers.values() if name and name not in excluded}, terms)
    rule, degraded_now = reachable_rule(plain.wanted, terms, excluded, seen.at)
    lacking = missing(rule, counted)
    return msgspec.structs.replace(
        plain,
        reviewed=not doubts and not lacking,
        source="forge",
        reviewers=_names(counted),
        author=members.get(pull.author.casefold()) or pull.author,
        missing="; ".join([*([shortfall(rule, counted, terms, excluded)] if lacking else []), *doubts]),
        refused=tuple(f"{pull.where}: {one}" for one in (*pull.refused, *refused, *doubts)),
        where=pull.where,
        degraded=degraded_now and bool(missing(plain.wanted, counted)) and not lacking,
    )


def _accounts(terms: Terms, forge: str) -> dict[str, str]:
    """The member of every account on a forge, by the account in lower case."""
    return {
        account.casefold(): name
        for party in terms.parties.values()
        for name, member in party.members.items()
        for key, account in member.accounts.items()
        if key.casefold() == forge
    }


def _named(address: str, terms: Terms) -> str | None:
    """The member who is called by an e-mail address."""
    return next((name for name in terms.people() if name.casefold() == address), None)


def _count(names: set[str], terms: Terms) -> Tally:
    people = terms.people()
    return Tally({party: tuple(sorted(name for name in names if people[name] == party)) for party in terms.parties})


def _names(counted: Tally) -> tuple[str, ...]:
    return tuple(sorted(name for names in counted.people.values() for name in names))


def _short(text: str) -> str:
    return text[:19]


def wanted_line(rule: Rule | Mapping[str, int]) -> str:
    """A rule for a person: `1 of platform and 2 of security`."""
    return " and ".join(f"{count} of {party}" for party, count in rule.items() if count)
