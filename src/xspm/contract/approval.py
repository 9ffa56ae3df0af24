"""What people approve: exceptions, and changes to critical assets.

Both are one signed text. The one who asks writes it, names themselves in it and signs; those who approve sign the very
same text, so an approval can never be moved to another text, asset, change or time. `exception_in_force` and
`approval_of` say whether the people who signed suffice, leaving out the one who asked and those who answer for the
asset. An exception is asked for by another side than the one that approves it. What the contract itself is held to, and
a change of a critical asset that nobody reviewed, is excepted by no fewer people than would have agreed to it.
"""

from __future__ import annotations

import datetime
import re
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Final, TypeVar

import msgspec

from xspm.contract.envelope import Envelope, signers
from xspm.contract.people import Tally, missing, shortfall, tally
from xspm.contract.statement import decode_statement, encode_statement, subject
from xspm.contract.terms import Rule, check_date, read_time, stricter
from xspm.errors import ContractError
from xspm.model.digest import Digest, digest

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from xspm.contract.terms import Terms

CONTRACT_ASSET: Final = "contract:"
"""How the id of a contract as an asset begins; a change in it is named by the changed asset's id and a digest."""
EXCEPTION: Final = "https://xspm.dev/predicates/exception/v1"
CHANGE: Final = "https://xspm.dev/predicates/change/v1"
MAX_REASON: Final = 2_000
_DIGEST: Final = re.compile(r"sha256:[0-9a-f]{64}")

_Asked = TypeVar("_Asked", "ExceptionText", "ChangeText")


class ExceptionText(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A deviation that somebody asks for."""

    check: str
    """One check's id."""
    asset: str
    """One asset's id."""
    resources: tuple[str, ...]
    """Ids of its resources; a pattern only where the contract allows one."""
    reason: str
    compensation: str
    """What is done instead, or why nothing need be."""
    expires: str
    """The last day, as 2027-01-31."""
    requested_by: str
    requested_at: str
    """RFC 3339, UTC."""
    contract: Digest
    """The version of the contract under which it was asked for."""


class ChangeText(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A change of a critical asset that somebody asks to have approved."""

    asset: str
    before: Digest
    """Digest of the snapshot that the change starts from."""
    after: Digest
    """Digest of the snapshot that it leads to."""
    reason: str
    not_before: str
    """RFC 3339, UTC."""
    not_after: str
    """RFC 3339, UTC."""
    requested_by: str
    """Who made the change."""
    requested_at: str
    contract: Digest


class Approved(msgspec.Struct, frozen=True):
    """An exception or change that took effect, and by whom."""

    text: ExceptionText | ChangeText
    digest: Digest
    """Of the signed text."""
    by: Tally
    degraded: bool = False
    """It took effect only because the contract is in its degraded mode."""


def encode_exception(text: ExceptionText) -> bytes:
    """Return the payload to be signed for an exception."""
    return encode_statement(EXCEPTION, (subject(text.asset, digest(text)),), text)


def encode_change(text: ChangeText) -> bytes:
    """Return the payload to be signed for a change."""
    return encode_statement(CHANGE, (subject(text.asset, digest(text)),), text)


def read_exception(envelope: Envelope, file: str) -> ExceptionText:
    """Read an exception; who signed it is not looked at.

    Raises:
        ContractError: it is none.
    """
    return _read(envelope, EXCEPTION, ExceptionText, file)


def read_change(envelope: Envelope, file: str) -> ChangeText:
    """Read a change; who signed it is not looked at.

    Raises:
        ContractError: it is none.
    """
    return _read(envelope, CHANGE, ChangeText, file)


def _read(envelope: Envelope, predicate_type: str, kind: type[_Asked], file: str) -> _Asked:
    subjects, text = decode_statement(envelope.payload, predicate_type, kind, file)
    if subjects != (subject(text.asset, digest(text)),):
        raise ContractError("the statement is about something else than what is in it", file=file)
    return text


def exception_in_force(envelope: Envelope, terms: Terms, versions: Sequence[Digest], now: str, file: str) -> Approved:
    """Say by whom an exception was approved.

    Args:
        envelope: the signed exception.
        terms: the contract in force.
        versions: the digests of all versions of the contract.
        now: RFC 3339, UTC.
        file: what errors call it.

    Raises:
        ContractError: it is not in force; the message names the rule, who signed and who is missing.
    """
    text = read_exception(envelope, file)
    check_exception(text, terms, versions, now, file)
    return _approved(envelope, text, terms, now, file)


def check_exception(text: ExceptionText, terms: Terms, versions: Sequence[Digest], now: str, file: str) -> None:
    """Check what an exception says, whoever signed it. Arguments as for `exception_in_force`.

    Raises:
        ContractError: the contract allows no such exception.
    """
    asked_on = _asked(text, terms, versions, now, file)
    expires = check_date(text.expires, "expires")
    if now[:10] > text.expires:
        raise ContractError(f"the exception from {text.check} expired on {text.expires}", file=file)
    if (expires - asked_on).days > terms.exceptions.max_days:
        raise ContractError(
            f"the exception from {text.check} lasts {(expires - asked_on).days} days, and the contract allows"
            f" {terms.exceptions.max_days}",
            file=file,
        )
    if not text.resources or not all(text.resources):
        raise ContractError("the exception names no resource", file=file)
    if not text.check or not text.asset or is_pattern(text.check) or is_pattern(text.asset):
        raise ContractError("an exception is from one check, on one asset", file=file)
    if not text.compensation.strip() or len(text.compensation) > MAX_REASON:
        raise ContractError(
            f"it must say in 1 to {MAX_REASON} characters what is done instead, or why nothing need be",
            file=file,
            hint="--compensation",
        )
    _check_sides(text, terms, now, file)
    wide = [one for one in text.resources if is_pattern(one)]
    if wide and not terms.exceptions.wildcards:
        raise ContractError(f"the contract allows no exception by the pattern {wide[0]}", file=file)


def _check_sides(text: ExceptionText, terms: Terms, now: str, file: str) -> None:
    """Check that one side asks and another approves; in the degraded mode there may be only one."""
    approving = {party for party, count in rule_for(text, terms).items() if count}
    party = terms.people()[text.requested_by]
    if approving == {party} and not (terms.degraded is not None and terms.degraded.holds(now)):
        others = " or ".join(sorted(set(terms.parties) - {party}))
        raise ContractError(
            f"{text.requested_by}, who asks, is of {party}, which alone approves it: somebody of {others} must ask",
            file=file,
        )


def approval_of(  # noqa: PLR0917 - each is another thing
    envelope: Envelope,
    terms: Terms,
    versions: Sequence[Digest],
    now: str,
    file: str,
    makers: Mapping[str, str] | None = None,
) -> Approved:
    """Say by whom a change was approved; arguments as for `exception_in_force`, but for two.

    Args:
        envelope: the signed approval.
        terms: the contract in force.
        versions: the digests of all versions of the contract.
        now: when the change was seen; RFC 3339, UTC.
        file: what errors call it.
        makers: people who are known to have made some of the change, with how that is known; they do not count.

    Raises:
        ContractError: it was not.
    """
    text = read_change(envelope, file)
    check_change(text, terms, versions, now, file)
    first, last = (read_time(one, file) for one in (text.not_before, text.not_after))
    if not first <= read_time(now, file) <= last:
        raise ContractError(
            f"the approval of the change of {text.asset} was good from {text.not_before} to {text.not_after},"
            f" not at {now}",
            file=file,
        )
    return _approved(envelope, text, terms, now, file, makers)


def check_change(text: ChangeText, terms: Terms, versions: Sequence[Digest], now: str, file: str) -> None:
    """Check what a change says, whoever signed it and whenever it is made. Arguments as for `approval_of`.

    Raises:
        ContractError: the contract allows no such approval.
    """
    _asked(text, terms, versions, now, file)
    if not text.asset or is_pattern(text.asset):
        raise ContractError("a change is of one asset", file=file)
    for name in ("before", "after"):
        check_digest(getattr(text, name), name, file)
    review = terms.review(text.asset)
    first, last = (read_time(one, file) for one in (text.not_before, text.not_after))
    if last < first:
        raise ContractError(f"the approval of the change of {text.asset} ends before it begins", file=file)
    if review and (last - first) > datetime.timedelta(days=review.max_days):
        raise ContractError(
            f"the approval of the change of {text.asset} lasts longer than the {review.max_days} days of the contract",
            file=file,
        )


def check_digest(text: str, what: str, file: str | None = None) -> Digest:
    """Return a text that is a digest.

    Raises:
        ContractError: it is none.
    """
    if not _DIGEST.fullmatch(text):
        raise ContractError(f"{what}: {text[:80]!r} is no digest", file=file, hint="sha256: and 64 hex digits")
    return Digest(text)


def _asked(
    text: ExceptionText | ChangeText, terms: Terms, versions: Sequence[Digest], now: str, file: str
) -> datetime.date:
    """Check what both kinds of text say, and return the day on which it was asked for."""
    if text.requested_by not in terms.people():
        raise ContractError(f"{text.requested_by!r}, who asks, is no member of the contract", file=file)
    if text.contract not in versions:
        raise ContractError(f"it was asked for under another contract, {text.contract}", file=file)
    if not text.reason.strip() or len(text.reason) > MAX_REASON:
        raise ContractError(f"a reason of 1 to {MAX_REASON} characters is missing", file=file)
    asked = read_time(text.requested_at, file)
    if asked > read_time(now, file):
        raise ContractError(f"it was asked for in the future, at {text.requested_at}", file=file)
    return asked.date()


def is_pattern(text: str) -> bool:
    """Whether a text names things by a pattern."""
    return any(character in text for character in "*?[")


class Standing(msgspec.Struct, frozen=True):
    """How far the signing of a text has come."""

    asked: bool
    """Whether the one who asks signed."""
    signed: Tally
    """Everybody who did."""
    counted: Tally
    """Those who count: neither who asks, nor who answers for the asset."""
    rule: Rule
    """The signatures that the contract asks for."""
    excluded: dict[str, str]
    """Who cannot count, with the reason."""
    missing: str
    """Who is wanted still; empty when nobody is."""
    degraded: bool
    """Nobody is wanted only because the contract is in its degraded mode."""
    degraded_now: bool
    """The contract is in its degraded mode, whether that matters here or not."""


def standing(  # noqa: PLR0917 - each is another thing
    envelope: Envelope,
    text: ExceptionText | ChangeText,
    terms: Terms,
    now: str,
    file: str,
    makers: Mapping[str, str] | None = None,
) -> Standing:
    """Count who signed a text and who is missing; `makers` as for `approval_of`.

    Raises:
        ContractError: a signature is by nobody of the contract, or not good.
    """
    keys = signers(envelope, terms.member_keys(), file)
    everybody = tally(keys, terms)
    excluded = dict(makers or {})
    for asset in concerned(text, terms):
        excluded |= dict.fromkeys(terms.owners_of(asset), f"answers for {asset}")
    excluded[text.requested_by] = "asks for it"
    counted, rule = tally(keys, terms, excluded), rule_for(text, terms)
    asked_for, degraded_now = reachable_rule(rule, terms, excluded, now)
    return Standing(
        asked=any(text.requested_by in names for names in everybody.people.values()),
        signed=everybody,
        counted=counted,
        rule=rule,
        excluded=excluded,
        missing=shortfall(asked_for, counted, terms, excluded) if missing(asked_for, counted) else "",
        degraded=bool(missing(rule, counted)) and not missing(asked_for, counted),
        degraded_now=degraded_now,
    )


def rule_for(text: ExceptionText | ChangeText, terms: Terms) -> Rule:
    """The signatures that a text needs.

    An exception from what the contract itself is held to needs those of a new version too, and one from the review of a
    change also those of that review: else one side could do by an exception what it could not do by itself.
    """
    if isinstance(text, ChangeText):
        review = terms.review(text.asset)
        return review.review if review else terms.rule("approve_change")
    rule = terms.rule("approve_exception")
    if _is_contract(text.asset):
        rule = stricter(rule, terms.rule("accept_contract"))
        for asset in concerned(text, terms):
            if found := terms.review(asset):
                rule = stricter(rule, found.review)
        if any(is_pattern(one) for one in text.resources):
            for entry in terms.critical:
                rule = stricter(rule, entry.review)
    return rule


def _is_contract(asset: str) -> bool:
    return asset.casefold().startswith(CONTRACT_ASSET)


def concerned(text: ExceptionText | ChangeText, terms: Terms) -> tuple[str, ...]:
    """The asset that a text is about, and the critical ones whose changes are among its resources."""
    if not isinstance(text, ExceptionText) or not _is_contract(text.asset):
        return (text.asset,)
    changed = (one.rpartition(" ")[0] for one in text.resources)
    return (text.asset, *(one for one in changed if terms.review(one)))


def _approved(  # noqa: PLR0917 - each is another thing
    envelope: Envelope,
    text: ExceptionText | ChangeText,
    terms: Terms,
    now: str,
    file: str,
    makers: Mapping[str, str] | None = None,
) -> Approved:
    """Demand that those who approve suffice."""
    found = standing(envelope, text, terms, now, file, makers)
    if not found.asked:
        raise ContractError(f"{text.requested_by}, who asks, did not sign", file=file)
    if found.missing:
        action, what = ("exception", text.check) if isinstance(text, ExceptionText) else ("change", text.after)
        raise ContractError(
            f"approve_{action} of {what} on {text.asset} wants {found.missing}; signed by {found.signed.shown()}",
            file=file,
        )
    return Approved(text, envelope.digest, found.counted, degraded=found.degraded)


def reachable_rule(rule: Rule, terms: Terms, excluded: Mapping[str, str], now: str) -> tuple[Rule, bool]:
    """Return what is asked for at a time: a rule, or in the degraded mode what of it can be met; and whether it is."""
    if terms.degraded is None or not terms.degraded.holds(now):
        return rule, False
    return _reachable(rule, terms, excluded), True


def _reachable(rule: Rule, terms: Terms, excluded: Mapping[str, str]) -> Rule:
    """What of a rule the people who are left can meet; never less than somebody else's signature."""
    left = {party: sum(name not in excluded for name in one.members) for party, one in terms.parties.items()}
    reduced = {party: min(count, left[party]) for party, count in rule.items()}
    return reduced if any(reduced.values()) else {party: 1 for party, count in left.items() if count}


def covers_resource(text: ExceptionText, check: str, asset: str, resource: str) -> bool:
    """Whether an exception speaks of a check on a resource of an asset."""
    return (
        text.check == check
        and text.asset == asset
        and any(one == resource or (is_pattern(one) and fnmatchcase(resource, one)) for one in text.resources)
    )
