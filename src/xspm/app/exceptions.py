"""Exceptions under a contract: ask for one, approve one, and say which are in force.

A request is a signed text in the contract's folder; whoever approves it signs the same text. `agreed` reads them all
anew at every scan and believes only what the signatures say: what is edited, expired, approved by its own asker or
wider than the contract allows is refused with its reason, and never stops a scan.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

import msgspec

from xspm.app.signing import person, sign_more
from xspm.contract import folder as layout
from xspm.contract.approval import (
    ExceptionText,
    check_exception,
    encode_exception,
    exception_in_force,
    is_pattern,
    read_exception,
    standing,
)
from xspm.contract.envelope import Envelope, merge, signers
from xspm.errors import ContractError
from xspm.model.asset import Location
from xspm.model.check import PolicyException
from xspm.model.digest import Digest
from xspm.policy.bundle import MAX_BUNDLE, decode_bundle
from xspm.policy.checks import check_id_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from pathlib import Path

    from xspm.app.trust import Trusted
    from xspm.contract.signers import Signer

State: TypeAlias = Literal["in force", "waiting", "expired", "refused"]

_NAME_PART: Final = re.compile(r"[^a-z0-9]+")


class Asked(msgspec.Struct, frozen=True):
    """What somebody asks for; the rest of the text follows from who signs, when, and the contract."""

    check: str
    asset: str
    resources: tuple[str, ...]
    reason: str
    compensation: str
    expires: str
    """The last day, as 2027-01-31."""


class Listed(msgspec.Struct, frozen=True):
    """One file of an exception, and what it is worth."""

    file: str
    state: State
    why: str
    """Empty for one in force; else who is missing, or why it is refused."""
    digest: Digest | None = None
    """Of the signed text; null where the file cannot be read."""
    text: ExceptionText | None = None
    signed: dict[str, tuple[str, ...]] = {}
    """Everybody who signed, by party."""
    counted: dict[str, tuple[str, ...]] = {}
    """Those of them who count."""
    degraded: bool = False
    """It holds, or could, only in the contract's degraded mode."""


class Agreed(msgspec.Struct, frozen=True):
    """The exceptions of a contract at one time."""

    in_force: tuple[PolicyException, ...]
    """For `policy.assess`: exact, in the order of their digests."""
    digests: tuple[Digest, ...]
    """Of the signed text of each that is in force."""
    refused: tuple[str, ...]
    """Every other, with its reason, one line each."""
    expired: tuple[PolicyException, ...] = ()
    """Those that were approved and are over: given to `policy.assess` too, it names those that would have applied."""
    degraded: tuple[Digest, ...] = ()
    """Those in force that hold only in the degraded mode."""

    @property
    def declared(self) -> tuple[PolicyException, ...]:
        """In force and expired."""
        return self.in_force + self.expired


def agreed(trusted: Trusted, now: str) -> Agreed:
    """Return the exceptions that are in force.

    Args:
        trusted: the contract.
        now: RFC 3339, UTC.

    Raises:
        ContractError: the folder of exceptions cannot be read at all.
    """
    found = sorted(_judged(trusted, now), key=lambda one: (one.digest or "", one.file))
    effective = [one for one in found if one.state == "in force"]
    return Agreed(
        in_force=tuple(_declared(one) for one in effective),
        digests=tuple(one.digest for one in effective if one.digest is not None),
        refused=tuple(f"{one.file}: {one.why}" for one in found if one.state != "in force"),
        expired=tuple(_declared(one) for one in found if one.state == "expired"),
        degraded=tuple(one.digest for one in effective if one.degraded and one.digest is not None),
    )


def listed(trusted: Trusted, now: str) -> list[Listed]:
    """Every exception in the contract's folder, by file.

    Raises:
        ContractError: the folder of exceptions cannot be read at all.
    """
    return sorted(_judged(trusted, now), key=lambda one: one.file)


def _declared(one: Listed) -> PolicyException:
    assert one.text is not None  # noqa: S101 - judged so
    text = one.text
    approvers = ", ".join(name for names in one.counted.values() for name in names)
    return PolicyException(
        checks=(text.check,),
        resources=text.resources,
        reason=text.reason,
        owner=f"{text.requested_by}, approved by {approvers}",
        expires=text.expires,
        assets=(text.asset,),
        location=Location(one.file, 1),
        exact=True,
    )


def _judged(trusted: Trusted, now: str) -> Iterator[Listed]:
    """Judge every exception, copies of one text together: their signatures may have come by different ways."""
    checks = known_checks(trusted)
    copies: dict[Digest, dict[str, Envelope]] = {}
    for path in layout.envelope_paths(trusted.folder, "exceptions"):
        try:
            envelope = layout.read_envelope(path)
            signers(envelope, trusted.terms.member_keys(), str(path))
        except ContractError as error:
            yield Listed(str(path), "refused", error.message)
        else:
            copies.setdefault(envelope.digest, {})[str(path)] = envelope
    for files in copies.values():
        yield judge(trusted, merge(files), min(files), now, checks)


def judge(trusted: Trusted, envelope: Envelope, file: str, now: str, checks: Collection[str] | None) -> Listed:
    """Say what an exception is worth.

    Args:
        trusted: the contract.
        envelope: the signed exception.
        file: what it is called.
        now: RFC 3339, UTC.
        checks: the checks of the policies in force; None where that cannot be said.
    """
    try:
        text = read_exception(envelope, file)
        # An expired one is judged by its last day, so that only one that was ever in force is reported as over.
        over = re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text.expires) is not None and text.expires < now[:10]
        then = f"{text.expires}T23:59:59Z" if over else now
        check_exception(text, trusted.terms, trusted.versions, then, file)
        known(text.check, checks, file)
        found = standing(envelope, text, trusted.terms, then, file)
    except ContractError as error:
        return Listed(file, "refused", error.message, envelope.digest)
    state: State = "in force"
    why = ""
    try:
        exception_in_force(envelope, trusted.terms, trusted.versions, then, file)
    except ContractError as error:
        state, why = ("waiting" if found.asked else "refused"), error.message
    else:
        if over:
            state, why = "expired", f"the exception from {text.check} expired on {text.expires}"
    if over and state != "expired":
        state, why = "refused", f"the exception from {text.check} expired on {text.expires}, and was never approved"
    return Listed(
        file,
        state,
        why,
        envelope.digest,
        text,
        {party: names for party, names in found.signed.people.items() if names},
        {party: names for party, names in found.counted.people.items() if names},
        found.degraded,
    )


def known_checks(trusted: Trusted) -> frozenset[str] | None:
    """The ids of the checks in force; None where the contract names no policies, or their bundle is not at hand.

    Raises:
        ContractError: the bundle is not what its name says.
        PolicyError: it is none.
    """
    terms = trusted.terms
    if terms.policies is None:
        return None
    data = layout.read_bundle(trusted.folder, terms.policies.digest, MAX_BUNDLE)
    if data is None:
        return None
    bundle = decode_bundle(data, str(layout.bundle_path(trusted.folder, terms.policies.digest)))
    return frozenset(check_id_of(path) for folder in bundle.folders for path in folder.of("checks"))


def known(check: str, checks: Collection[str] | None, file: str | None) -> None:
    """Refuse a check that is not in force.

    Raises:
        ContractError: it is not.
    """
    if checks is None or check in checks or is_pattern(check):
        return
    near = sorted(one for one in checks if check.rpartition(".")[2] in one)
    raise ContractError(
        f"the policies in force have no check {check}",
        file=file,
        hint=f"did you mean {near[0]}?" if near else "xspm check list shows them",
    )


def request(trusted: Trusted, asked: Asked, signer: Signer, now: str) -> Listed:
    """Ask for an exception: write the request, signed, into the contract's folder.

    Raises:
        ContractError: the signer is no member, or the contract allows no such exception.
    """
    who = person(trusted.terms, signer)
    text = ExceptionText(
        check=asked.check,
        asset=asked.asset,
        resources=tuple(dict.fromkeys(asked.resources)),
        reason=asked.reason,
        compensation=asked.compensation,
        expires=asked.expires,
        requested_by=who,
        requested_at=now,
        contract=trusted.digest,
    )
    check_exception(text, trusted.terms, trusted.versions, now, "the request")
    checks = known_checks(trusted)
    if checks is None and trusted.terms.policies is not None:
        raise ContractError(
            "the bundle of the policies in force is not in the contract's folder, so no check can be looked up",
            file=str(layout.bundle_path(trusted.folder, trusted.terms.policies.digest)),
        )
    known(text.check, checks, None)
    unsigned = Envelope(encode_exception(text))
    envelope = unsigned.with_signature(signer.key.id, signer.sign(unsigned.signed_bytes()))
    path = _place(trusted.folder, text, envelope.digest)
    layout.write(path, envelope.encode())
    return judge(trusted, envelope, str(path), now, checks)


def _place(folder: Path, text: ExceptionText, digest: Digest) -> Path:
    """A name that a person can read, and that no other request has."""
    readable = _NAME_PART.sub("-", f"{text.check.rpartition('.')[2]}-{text.asset}".lower()).strip("-")[:80]
    return folder / "exceptions" / f"{readable}-{digest[7:19]}{layout.SUFFIX}"


def look(trusted: Trusted, path: Path, now: str) -> Listed:
    """Say what one file is worth.

    Raises:
        ContractError: there is no envelope there, or somebody signed it who may not.
    """
    return judge(trusted, layout.read_envelope(path), str(path), now, known_checks(trusted))


def approve(trusted: Trusted, path: Path, shown: Digest | None, signer: Signer, now: str) -> Listed:
    """Sign an exception that somebody else asks for.

    Args:
        trusted: the contract.
        path: the file, which is written anew.
        shown: digest of the text that the person was shown.
        signer: theirs.
        now: RFC 3339, UTC.

    Raises:
        ContractError: the signature would not count, the exception could not come into force with it, or the text is
            another than was shown.
    """
    envelope, checks = layout.read_envelope(path), known_checks(trusted)
    if envelope.digest != shown:
        raise ContractError("the text was exchanged while you looked at it; nothing was signed", file=str(path))
    text = read_exception(envelope, str(path))
    check_exception(text, trusted.terms, trusted.versions, now, str(path))
    known(text.check, checks, str(path))
    return judge(trusted, sign_more(trusted, path, envelope, text, signer, now), str(path), now, checks)
