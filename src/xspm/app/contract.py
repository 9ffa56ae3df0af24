"""The way of a contract: proposed from contract.yaml, signed by people one after the other, accepted, shown.

Whoever works on a contract that has accepted versions follows them from the root that they pinned, as every reader
does; only that the last of them has expired does not stop them, since its successor is how that is mended. Before the
first version is accepted there is nothing to trust yet: its digest is what everybody compares and then pins.
"""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from xspm.app.trust import Trusted, pinned_root, trust
from xspm.contract import folder as layout
from xspm.contract.chain import Link, check_policies, encode_terms, follow, read_link
from xspm.contract.changes import Change, Need, changes, needs
from xspm.contract.document import read_document
from xspm.contract.envelope import Envelope, merge, signers
from xspm.contract.keys import KeyId
from xspm.contract.people import Tally, tally
from xspm.contract.secretfile import read_small
from xspm.contract.statement import CONTRACT, read_statement
from xspm.contract.terms import Bundle, Terms
from xspm.errors import ContractError, LedgerError, UsageError, XspmError
from xspm.ledger.note import COSIGNED, SIGNED, Key
from xspm.policy.bundle import MAX_BUNDLE, decode_bundle

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from xspm.contract.signers import Signer
    from xspm.model.digest import Digest
    from xspm.policy.difference.interface import Difference


@cache
def compared(folder: Path, old: Bundle | None, new: Bundle | None) -> Difference:
    """Return what a new bundle of a contract changes; a pair is compared once, since both have their digests.

    Raises:
        ContractError, PolicyError, CelError, DocumentError: a bundle is missing or not sound.
    """
    from xspm.app import difference  # noqa: PLC0415 - compiles policies, which few versions change

    return difference.describe(folder, old, new)


def weakens(folder: Path) -> Callable[[Terms, Terms], bool]:
    """Return the judge of whether new policies are weaker, which in doubt they are: as `open_contract` has it."""

    def judged(old: Terms, new: Terms) -> bool:
        try:
            return compared(folder, old.policies, new.policies).weaker
        except XspmError:
            return True

    return judged


class Proposal(msgspec.Struct, frozen=True):
    """A version that gathers signatures."""

    folder: Path
    """The contract's."""
    path: Path
    link: Link
    before: Trusted | None
    """The contract that it would change; None for a first version."""
    keys: frozenset[KeyId]
    """Keys whose signatures on it are good."""

    @property
    def old(self) -> Terms | None:
        """The version in force."""
        return self.before.terms if self.before else None

    @property
    def new(self) -> Terms:
        """What is proposed."""
        return self.link.terms

    @property
    def changes(self) -> tuple[Change, ...]:
        """What it changes; nothing for a first version, which is all new."""
        return changes(self.old, self.new) if self.old else ()

    @property
    def needs(self) -> tuple[Need, ...]:
        """The signatures that it needs, had and missing."""
        return needs(self.old, self.new, self.keys, weakens(self.folder))

    @property
    def signed(self) -> Tally:
        """Who signed, of those who will be its people."""
        return tally(self.keys, self.new)


class Side(msgspec.Struct, frozen=True):
    """One text to be looked at or compared."""

    title: str
    terms: Terms
    digest: str | None = None
    signed: Tally | None = None
    verified: bool = False
    """Whether it was followed from the pinned root."""


def find_folder(given: str | None) -> Path:
    """Return the contract's folder: the one given, this one, or `contract` in it.

    Raises:
        ContractError: there is none.
    """
    if given is not None:
        if not Path(given).is_dir():
            raise ContractError("there is no such folder", file=given)
        return Path(given)
    for folder in (Path(), Path("contract")):
        if any(os.path.lexists(folder / name) for name in (layout.TEXT, "versions", "proposed")):
            return folder
    raise ContractError("there is no contract here", hint="--contract FOLDER, or xspm contract init")


def opened(folder: Path, root: str | None) -> Trusted | None:
    """Follow a contract from the pinned root, expired or not; None where no version was accepted yet.

    Raises:
        ContractError: it does not verify, or nothing is pinned.
    """
    if root is None and not layout.envelope_paths(folder, "versions"):
        return None
    return trust(folder, pinned_root(root), None, weakens=weakens(folder))


def pinned(root: str | None) -> Digest | None:
    """Return the digest that the reader trusts, None where nothing is pinned."""
    try:
        return pinned_root(root)
    except ContractError:
        if root is not None:
            raise
        return None


def draft(folder: Path, before: Trusted | None, bundle: str | None, text: Path | None = None) -> tuple[Terms, bytes]:
    """Return what contract.yaml would make the next version, and the bundle that it brings, empty for none.

    Args:
        folder: the contract's folder.
        before: the contract in force.
        bundle: path of a policy bundle, besides what the text names.
        text: another file than the folder's contract.yaml.

    Raises:
        ContractError, DocumentError, PolicyError: the text, a key or the bundle does not hold.
    """
    path = text or folder / layout.TEXT
    read = read_document(path)
    policies, data = (before.terms.policies if before else None), b""
    if read.bundle is not None:
        data = read_small(str(path.parent / read.bundle), MAX_BUNDLE).data
    if bundle is not None:
        given = read_small(bundle, MAX_BUNDLE).data
        if data and given != data:
            raise ContractError(f"it names the bundle {read.bundle}, and {bundle} is another", file=str(path))
        data = given
    if data:
        digest = decode_bundle(data, bundle or str(read.bundle)).digest
        if policies is None or policies.digest != digest:
            policies = Bundle(policies.version + 1 if policies else 1, digest)
    more: dict[str, Any] = {"policies": policies}
    if before is not None:
        more |= {"version": before.terms.version + 1, "predecessor": before.digest}
    terms = msgspec.structs.replace(read.terms, **more)
    _check_ledger(terms, str(path))
    return terms, data


def _check_ledger(terms: Terms, file: str) -> None:
    """Check the verifier keys of the log and its witnesses."""
    if terms.ledger is None:
        return
    try:
        log = Key.parse(terms.ledger.key)
        witnesses = [Key.parse(one) for one in terms.ledger.witnesses.values()]
    except LedgerError as error:
        raise ContractError(f"ledger: {error.message}", file=file) from error
    if log.kind != SIGNED or log.name != terms.ledger.origin:
        raise ContractError(f"ledger: the key is of {log.name}, which does not sign {terms.ledger.origin}", file=file)
    if any(one.kind != COSIGNED for one in witnesses):
        raise ContractError("ledger: a witness's key is for cosignatures, of the kind 0x04", file=file)
    if len({one.public for one in (log, *witnesses)}) <= len(witnesses):
        raise ContractError("ledger: one key stands for two of the log and its witnesses", file=file)


def _check_days(terms: Terms, today: str, file: str) -> None:
    """Refuse what has ended already, or lasts too long."""
    if terms.expires < today:
        raise ContractError(f"expires: {terms.expires} is over", file=file)
    if terms.degraded is not None and terms.degraded.until < today:
        raise ContractError(f"degraded: {terms.degraded.until} is over", file=file)


def propose(folder: Path, root: str | None, *, bundle: str | None, today: str, replace: bool) -> Proposal:
    """Write contract.yaml as the next version, with no signatures.

    A proposal that says the same stays, with its signatures.

    Args:
        folder: the contract's folder.
        root: the pinned root as a flag gave it.
        bundle: path of a policy bundle to bring into force.
        today: as 2026-06-01.
        replace: whether a signed proposal of this version that says something else may go.

    Raises:
        ContractError, DocumentError, PolicyError: the text does not hold, changes nothing, or would replace what
        somebody signed.
    """
    before = opened(folder, root)
    terms, data = draft(folder, before, bundle)
    _check_days(terms, today, str(folder / layout.TEXT))
    if before and not changes(before.terms, terms):
        raise ContractError(f"it says what version {before.terms.version} says", file=str(folder / layout.TEXT))
    envelope = Envelope(encode_terms(terms))
    path = layout.version_path(folder, "proposed", terms.version)
    with layout.locked(path.parent):
        if os.path.lexists(path) and not replace:
            envelope = _not_lost(path, envelope)
        if data and terms.policies is not None:
            layout.write(layout.bundle_path(folder, terms.policies.digest), data)
        layout.write(path, envelope.encode(), again=True)
    return current(folder, root)


def _not_lost(path: Path, envelope: Envelope) -> Envelope:
    """Return the proposal that is there if it says the same.

    Raises:
        ContractError: it says something else, and somebody signed it.
    """
    there = layout.read_envelope(path)
    if there.payload == envelope.payload:
        return there
    if there.signatures:
        terms = read_link(there, str(path)).terms
        raise ContractError(
            f"version {terms.version} is proposed with other terms, and signed by"
            f" {tally(there.signatures, terms).shown()}",
            file=str(path),
            hint="--replace begins anew; all must sign again",
        )
    return envelope


def current(folder: Path, root: str | None, file: str | None = None) -> Proposal:
    """Return the proposal of the next version, its signatures verified.

    Args:
        folder: the contract's folder.
        root: the pinned root as a flag gave it.
        file: the proposal, if it is not in the folder.

    Raises:
        ContractError: there is none, it is not of the next version, or a signature is not good.
    """
    before = opened(folder, root)
    version = before.terms.version + 1 if before else 1
    path = Path(file) if file else layout.version_path(folder, "proposed", version)
    if not os.path.lexists(path):
        raise ContractError(f"no version {version} is proposed", file=str(path), hint="xspm contract propose")
    return _proposal(folder, path, layout.read_envelope(path), before)


def _proposal(folder: Path, path: Path, envelope: Envelope, before: Trusted | None) -> Proposal:
    link = read_link(envelope, str(path))
    new = link.terms
    if before is None:
        if new.version != 1:
            raise ContractError(
                f"this is version {new.version}, and no version before it is here",
                file=str(path),
                hint="copy the folder versions/ too",
            )
    else:
        old = before.terms
        if new.name != old.name:
            raise ContractError(f"it is of the contract {new.name!r}, not {old.name!r}", file=str(path))
        if new.version != old.version + 1 or new.predecessor != before.digest:
            raise ContractError(
                f"version {new.version} follows {new.predecessor}, and in force is version {old.version}"
                f" ({before.digest})",
                file=str(path),
                hint="xspm contract propose makes it anew",
            )
        check_policies(old, new, str(path))
    keys = signers(envelope, _known(before, new), str(path))
    return Proposal(folder, path, link, before, keys)


def _known(before: Trusted | None, new: Terms) -> dict[Any, Any]:
    """The keys of people before and after."""
    return {**(before.terms.member_keys() if before else {}), **new.member_keys()}


def demand_bundle(folder: Path, proposal: Proposal) -> None:
    """Check that the policies which a proposal brings are at hand: nobody signs what they cannot look at.

    Raises:
        ContractError, PolicyError: they are not.
    """
    policies = proposal.new.policies
    if policies is None or (proposal.old and proposal.old.policies == policies):
        return
    path = layout.bundle_path(folder, policies.digest)
    data = layout.read_bundle(folder, policies.digest, MAX_BUNDLE)
    if data is None:
        raise ContractError("the policies that it brings into force are not here", file=str(path), hint="copy them too")
    decode_bundle(data, str(path))


def signer_of(proposal: Proposal, signer: Signer) -> str:
    """Return the person behind a key.

    Raises:
        ContractError: nobody in the contract holds it, or a machine does.
    """
    key = signer.key.id
    for terms in (proposal.new, *([proposal.old] if proposal.old else [])):
        holder = terms.holders().get(key)
        if holder in terms.people():
            return str(holder)
        if holder is not None:
            raise ContractError(f"the key {key} is of {holder}, which is a machine: people sign contracts")
    raise ContractError(
        f"nobody in version {proposal.new.version} of {proposal.new.name} holds the key {key}",
        file=str(proposal.path),
        hint="its holder must be a member first",
    )


def sign(proposal: Proposal, signer: Signer, out: Path | None = None) -> Proposal:
    """Add a signature, and write the file: where the proposal was read, or `out`.

    Raises:
        ContractError: the key is nobody's, or the file cannot be written or says something else by now.
    """
    signer_of(proposal, signer)
    path, envelope = out or proposal.path, proposal.link.envelope
    signed = envelope.with_signature(signer.key.id, signer.sign(envelope.signed_bytes()))
    signed = layout.add_signatures(
        path, signed, lambda beside: _proposal(proposal.folder, path, beside, proposal.before)
    )
    return _proposal(proposal.folder, path, signed, proposal.before)


def merged(folder: Path, root: str | None, files: Sequence[str], out: str | None) -> Proposal:
    """Bring the signatures of several copies of a proposal together.

    Args:
        folder: the contract's folder.
        root: the pinned root as a flag gave it.
        files: the copies.
        out: where to write; None is the folder's own proposal, which then counts as a copy if it is there.

    Raises:
        ContractError: they are copies of different texts, a signature is not good, or `out` cannot be written.
    """
    before = opened(folder, root)
    read = {file: _proposal(folder, Path(file), layout.read_envelope(Path(file)), before) for file in files}
    first = read[files[0]]
    path = Path(out) if out else layout.version_path(folder, "proposed", first.new.version)
    together = merge({file: one.link.envelope for file, one in read.items()})
    if out is None or str(path) in read:
        together = layout.add_signatures(path, together, lambda beside: _proposal(folder, path, beside, before))
    else:
        layout.write(path, together.encode())
    return _proposal(folder, path, together, before)


def merged_approvals(folder: Path, root: str | None, files: Sequence[str], out: str | None) -> tuple[str, Tally]:
    """Bring the signatures on copies of an exception or a change together; arguments as for `merged`.

    Raises:
        ContractError: they are copies of different texts, a signature is not good, or `out` cannot be written.
        UsageError: it is not said where to write them.
    """
    if out is None:
        raise UsageError("these are no versions of a contract: say where to write them", hint="-o FILE")
    before = opened(folder, root)
    if before is None:
        raise ContractError("no version is in force yet", file=str(folder))
    read = {file: layout.read_envelope(Path(file)) for file in files}
    for file, envelope in read.items():
        signers(envelope, before.terms.member_keys(), file)
    together = merge(read)
    if out in read:
        keys = before.terms.member_keys()
        together = layout.add_signatures(Path(out), together, lambda beside: signers(beside, keys, out))
    else:
        layout.write(Path(out), together.encode())
    return out, tally(together.signatures, before.terms)


def is_version(file: str) -> bool:
    """Whether a signed text says that it is a version of a contract.

    Raises:
        ContractError: it is no signed statement.
    """
    return read_statement(layout.read_envelope(Path(file)).payload, file).predicate_type == CONTRACT


def accept(folder: Path, root: str | None, file: str | None, now: str) -> Proposal:
    """Put a proposal into force, if its rules are met.

    Args:
        folder: the contract's folder.
        root: the pinned root as a flag gave it.
        file: the proposal, if it is not in the folder.
        now: RFC 3339, UTC.

    Raises:
        ContractError: they are not; the message names the rule, who signed and who is missing.
    """
    first = not layout.envelope_paths(folder, "versions")
    proposal = current(folder, None if first else root, file)
    if first and root is not None and pinned_root(root) != proposal.link.digest:
        raise ContractError(
            f"this first version is {proposal.link.digest}, not {pinned_root(root)}, which you trust",
            file=str(proposal.path),
        )
    demand_bundle(folder, proposal)
    _check_days(proposal.new, now[:10], str(proposal.path))
    before = proposal.before
    links = [*(one.link for one in before.accepted), proposal.link] if before else [proposal.link]
    follow(links, before.root if before else proposal.link.digest, now, weakens(folder))
    path = layout.version_path(folder, "versions", proposal.new.version)
    layout.write(path, proposal.link.envelope.encode())
    proposed = layout.version_path(folder, "proposed", proposal.new.version)
    if file is None or proposal.path.resolve() == proposed.resolve():
        proposed.unlink(missing_ok=True)
    if before is not None:
        opened(folder, root)
    return msgspec.structs.replace(proposal, path=path)


def side(folder: Path, root: str | None, which: str | None) -> Side:
    """Return a version by its number, `proposed`, a proposal's file or a contract.yaml; None is the one in force.

    Raises:
        ContractError, DocumentError: there is none, or it does not hold.
    """
    before = opened(folder, root)
    if which is None or which.isdecimal():
        if before is None:
            raise ContractError("no version is in force yet", file=str(folder), hint="xspm contract show --at proposed")
        return _accepted(before, which)
    if which == "proposed":
        found = current(folder, root)
        return Side(f"version {found.new.version}, proposed", found.new, found.link.digest, found.signed)
    path = Path(which)
    if path.suffix in {".yaml", ".yml"}:
        terms, _ = draft(folder, before, None, path)
        return Side(f"{which}, not signed", terms)
    link = read_link(layout.read_envelope(path), which)
    counted = tally(signers(link.envelope, _known(before, link.terms), which), link.terms)
    return Side(f"version {link.terms.version}, in {which}, not verified", link.terms, link.digest, counted)


def _accepted(before: Trusted, which: str | None) -> Side:
    wanted = before.terms.version if which is None else int(which[:9])
    for one in before.accepted:
        if one.link.terms.version == wanted:
            return Side(f"version {wanted}", one.link.terms, one.link.digest, one.signed, verified=True)
    first, last = before.accepted[0].link.terms.version, before.terms.version
    raise ContractError(f"version {which} is not among those from your root on: {first} to {last}")
