"""People with keys for tests of contracts: everybody's key follows from their name."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from xspm.contract.chain import Link, encode_terms, read_link
from xspm.contract.envelope import Envelope
from xspm.contract.folder import version_path, write
from xspm.contract.keys import KeyId, PublicKey, from_crypto
from xspm.contract.terms import Member, Party, Terms

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

NOW = "2026-06-01T12:00:00Z"
SECURITY = ("alice", "bob", "carol")
PLATFORM = ("dave", "erin")
AUDIT = ("frank",)


def private(name: str) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(hashlib.sha256(name.encode()).digest())


def public(name: str) -> PublicKey:
    return from_crypto(private(name).public_key())


def party(*names: str) -> Party:
    return Party({name: Member((public(name),)) for name in names})


def terms(**more: Any) -> Terms:
    given: dict[str, Any] = {
        "name": "acme",
        "version": 1,
        "predecessor": None,
        "expires": "2026-12-31",
        "parties": {"security": party(*SECURITY), "platform": party(*PLATFORM), "audit": party(*AUDIT)},
        "rules": {
            "accept_contract": {"security": 2, "platform": 1},
            "publish_policy": {"security": 2},
            "approve_exception": {"security": 1},
        },
    }
    return Terms(**{**given, **more})


def sign(envelope: Envelope, *names: str) -> Envelope:
    """Sign with the key of each name."""
    for name in names:
        envelope = envelope.with_signature(key_id(name), private(name).sign(envelope.signed_bytes()))
    return envelope


def key_id(name: str) -> KeyId:
    return public(name).id


def link(content: Terms, *names: str) -> Link:
    """A signed version."""
    return read_link(sign(Envelope(encode_terms(content)), *names), f"{content.version}.dsse.json")


def after(before: Link, *names: str, **more: Any) -> Link:
    """The next version, with some terms changed."""
    changed = {"version": before.terms.version + 1, "predecessor": before.digest, **more}
    return link(msgspec.structs.replace(before.terms, **changed), *names)


def chain(count: int, signed_by: Iterable[str] = ("alice", "bob", "dave")) -> list[Link]:
    """So many versions that say the same."""
    names = tuple(signed_by)
    links = [link(terms(), *names)]
    while len(links) < count:
        links.append(after(links[-1], *names))
    return links


def key_file(folder: Path, name: str) -> Path:
    """A private key as its holder keeps it."""
    path = folder / f"{name}.key"
    path.touch(0o600)
    path.write_bytes(private(name).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return path


def keep(folder: Path, links: Iterable[Link]) -> Path:
    """Put accepted versions into a contract's folder."""
    for one in links:
        write(version_path(folder, "versions", one.terms.version), one.envelope.encode())
    return folder
