"""Sign what somebody else asks for: find the person behind a key, and add their signature to a file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from xspm.contract import folder as layout
from xspm.contract.approval import rule_for, standing
from xspm.contract.envelope import signers
from xspm.errors import ContractError

if TYPE_CHECKING:
    from pathlib import Path

    from xspm.app.trust import Trusted
    from xspm.contract.approval import ChangeText, ExceptionText
    from xspm.contract.envelope import Envelope
    from xspm.contract.signers import Signer
    from xspm.contract.terms import Terms


def person(terms: Terms, signer: Signer) -> str:
    """Return the member whose key this is.

    Raises:
        ContractError: it is nobody's, or a machine's.
    """
    key = signer.key.id
    holder = terms.holders().get(key)
    if holder is None:
        raise ContractError(f"nobody in version {terms.version} of the contract {terms.name} holds the key {key}")
    if holder not in terms.people():
        raise ContractError(f"the key {key} is of {holder}, which is a machine: people ask and approve")
    return holder


def sign_more(  # noqa: PLR0917 - each is another thing
    trusted: Trusted, path: Path, envelope: Envelope, text: ExceptionText | ChangeText, signer: Signer, now: str
) -> Envelope:
    """Add the signature of somebody who approves, and write the file.

    Returns:
        The envelope as it was written: with signatures that came into the file meanwhile.

    Raises:
        ContractError: the signature would count for nothing; the message says why.
    """
    terms, who = trusted.terms, person(trusted.terms, signer)
    found = standing(envelope, text, terms, now, str(path))
    if not found.asked:
        raise ContractError(f"{text.requested_by}, who asks, did not sign", file=str(path))
    if who in found.excluded:
        raise ContractError(f"{who} does not count: {found.excluded[who]}", file=str(path))
    if any(who in names for names in found.signed.people.values()):
        raise ContractError(f"{who} signed it already", file=str(path))
    party, rule = terms.people()[who], rule_for(text, terms)
    if not found.degraded_now and not rule.get(party):
        wanted = ", ".join(f"{count} of {name}" for name, count in rule.items() if count)
        raise ContractError(f"{who} is of {party}, and the rule wants {wanted}", file=str(path))
    more = envelope.with_signature(signer.key.id, signer.sign(envelope.signed_bytes()))
    # A second person may have signed the same file while this one was asked for their passphrase.
    return layout.add_signatures(path, more, lambda beside: signers(beside, terms.member_keys(), str(path)))
