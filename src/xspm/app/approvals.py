"""Changes of critical assets under a contract: ask for an approval, approve, list, and find a change's review."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

import msgspec

from xspm.app.signing import person, sign_more
from xspm.contract import folder as layout
from xspm.contract.approval import (
    ChangeText,
    approval_of,
    check_change,
    encode_change,
    read_change,
    rule_for,
    standing,
)
from xspm.contract.envelope import Envelope, merge, signers
from xspm.contract.review import Review, Seen, review_of, wanted_line
from xspm.errors import ContractError
from xspm.model.digest import Digest

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from xspm.app.trust import Trusted
    from xspm.contract.forge import Pull
    from xspm.contract.signers import Signer

State: TypeAlias = Literal["approved", "waiting", "not yet", "over", "refused"]

_NAME_PART: Final = re.compile(r"[^a-z0-9]+")


class AskedChange(msgspec.Struct, frozen=True):
    """What somebody asks for; the rest of the text follows from who signs, when, and the contract."""

    asset: str
    before: Digest
    after: Digest
    reason: str
    not_before: str
    """RFC 3339, UTC."""
    not_after: str


class ListedChange(msgspec.Struct, frozen=True):
    """One file of an approval, and what it is worth."""

    file: str
    state: State
    why: str
    """Empty for an approved one; else who is missing, or why it is refused."""
    digest: Digest | None = None
    text: ChangeText | None = None
    wanted: str = ""
    signed: dict[str, tuple[str, ...]] = {}
    counted: dict[str, tuple[str, ...]] = {}
    degraded: bool = False


def ask(trusted: Trusted, asked: AskedChange, signer: Signer, now: str) -> ListedChange:
    """Ask for an approval: write the request, signed by whoever makes the change, into the contract's folder.

    Raises:
        ContractError: the signer is no member, or the contract allows no such approval.
    """
    text = ChangeText(
        asset=asked.asset,
        before=asked.before,
        after=asked.after,
        reason=asked.reason,
        not_before=asked.not_before,
        not_after=asked.not_after,
        requested_by=person(trusted.terms, signer),
        requested_at=now,
        contract=trusted.digest,
    )
    check_change(text, trusted.terms, trusted.versions, now, "the request")
    if text.before == text.after:
        raise ContractError(f"nothing changes: before and after are both {text.before}")
    if text.not_after < now:
        raise ContractError(f"the approval would be over before it is given, at {text.not_after}")
    unsigned = Envelope(encode_change(text))
    envelope = unsigned.with_signature(signer.key.id, signer.sign(unsigned.signed_bytes()))
    path = trusted.folder / "changes" / f"{_readable(text)}-{envelope.digest[7:19]}{layout.SUFFIX}"
    layout.write(path, envelope.encode())
    return judge(trusted, envelope, str(path), now)


def _readable(text: ChangeText) -> str:
    return _NAME_PART.sub("-", text.asset.lower()).strip("-")[:80] or "change"


def look(trusted: Trusted, path: Path, now: str) -> ListedChange:
    """Say what one file is worth.

    Raises:
        ContractError: there is no envelope there.
    """
    return judge(trusted, layout.read_envelope(path), str(path), now)


def approve(trusted: Trusted, path: Path, shown: Digest | None, signer: Signer, now: str) -> ListedChange:
    """Sign a change that somebody else made. Arguments as for `exceptions.approve`.

    Raises:
        ContractError: the signature would not count, the change cannot be approved any more, or the text is another
            than was shown.
    """
    envelope = layout.read_envelope(path)
    if envelope.digest != shown:
        raise ContractError("the text was exchanged while you looked at it; nothing was signed", file=str(path))
    text = read_change(envelope, str(path))
    check_change(text, trusted.terms, trusted.versions, now, str(path))
    if text.not_after < now:
        raise ContractError(f"the time for this change was over at {text.not_after}", file=str(path))
    return judge(trusted, sign_more(trusted, path, envelope, text, signer, now), str(path), now)


def listed(trusted: Trusted, now: str) -> list[ListedChange]:
    """Every approval in the contract's folder, by file.

    Raises:
        ContractError: the folder cannot be read at all.
    """
    refused, good = _read(trusted)
    found = [*refused, *(judge(trusted, envelope, file, now) for file, envelope in good)]
    return sorted(found, key=lambda one: one.file)


def _read(trusted: Trusted) -> tuple[list[ListedChange], list[tuple[str, Envelope]]]:
    """The files that cannot be believed, and the others, copies of one text together."""
    refused: list[ListedChange] = []
    copies: dict[Digest, dict[str, Envelope]] = {}
    for path in layout.envelope_paths(trusted.folder, "changes"):
        try:
            envelope = layout.read_envelope(path)
            signers(envelope, trusted.terms.member_keys(), str(path))
        except ContractError as error:
            refused.append(ListedChange(str(path), "refused", error.message))
        else:
            copies.setdefault(envelope.digest, {})[str(path)] = envelope
    return refused, [(min(files), merge(files)) for files in copies.values()]


def judge(trusted: Trusted, envelope: Envelope, file: str, now: str) -> ListedChange:
    """Say what an approval is worth, whatever change it will be held against."""
    terms = trusted.terms
    try:
        text = read_change(envelope, file)
        check_change(text, terms, trusted.versions, now, file)
        found = standing(envelope, text, terms, now, file)
    except ContractError as error:
        return ListedChange(file, "refused", error.message, envelope.digest)
    state, why = _state(trusted, envelope, text, now, file)
    if not found.asked:
        state, why = "refused", f"{text.requested_by}, who asks, did not sign"
    elif found.missing and state != "over":
        state, why = "waiting", f"wants {found.missing}"
    return ListedChange(
        file,
        state,
        why,
        envelope.digest,
        text,
        wanted_line(rule_for(text, terms)),
        {party: names for party, names in found.signed.people.items() if names},
        {party: names for party, names in found.counted.people.items() if names},
        found.degraded,
    )


def _state(trusted: Trusted, envelope: Envelope, text: ChangeText, now: str, file: str) -> tuple[State, str]:
    if now > text.not_after:
        return "over", f"it was good until {text.not_after}"
    if now < text.not_before:
        return "not yet", f"it is good from {text.not_before}"
    try:
        approval_of(envelope, trusted.terms, trusted.versions, now, file)
    except ContractError as error:
        return "refused", error.message
    return "approved", ""


def review(trusted: Trusted, seen: Seen, pulls: Sequence[Pull] = ()) -> Review:
    """Find the review of a change: among the approvals in the contract's folder, and in a forge's record.

    Raises:
        ContractError: the folder of approvals cannot be read at all.
    """
    refused, good = _read(trusted)
    found = review_of(seen, trusted.terms, trusted.versions, good, pulls)
    if found.reviewed:
        return found
    return msgspec.structs.replace(found, refused=(*found.refused, *_lines(refused)))


def _lines(refused: Sequence[ListedChange]) -> Iterator[str]:
    yield from (f"{one.file}: {one.why}" for one in refused)
