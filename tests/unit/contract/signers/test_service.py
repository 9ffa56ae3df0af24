"""Devices and services: our half of it, with stand-ins for securesystemslib's classes.

The classes themselves are run in tests/integration: a PKCS#11 token, AWS KMS and Vault.
"""

from __future__ import annotations

import logging
import threading
from typing import Any

import pytest
import securesystemslib.signer
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA65PrivateKey
from securesystemslib.exceptions import UnsupportedAlgorithmError, UnsupportedLibraryError
from securesystemslib.signer import CryptoSigner, SSlibKey

from xspm.contract.envelope import Envelope, signers
from xspm.contract.keys import from_crypto
from xspm.contract.signers import interface, open_signer, service
from xspm.errors import ContractError

GCP = "projects/p/locations/l/keyRings/r/cryptoKeys/k/cryptoKeyVersions/1"
P256 = ec.generate_private_key(ec.SECP256R1())
ED25519 = Ed25519PrivateKey.generate()

ADDRESSES = [
    ("hsm:", (None, None), "hsm:2"),
    ("hsm:3", (3, None), "hsm:3"),
    ("hsm:3?label=My+Token%231", (3, "My Token#1"), "hsm:3?label=My+Token%231"),
    ("awskms:alias/alice", ("alias/alice",), "awskms:alias/alice"),
    ("awskms:arn:aws:kms:eu-west-1:1:key/a-b", ("arn:aws:kms:eu-west-1:1:key/a-b",), "awskms:arn:aws:kms:…"),
    (f"gcpkms:{GCP}", (GCP,), f"gcpkms:{GCP}"),
    ("azurekms://acme.vault.azure.net/keys/a", ("acme", "a"), "azurekms://acme.vault.azure.net/keys/a/0f"),
    ("azurekms://acme.vault.azure.net/keys/a/0f", ("acme", "a"), "azurekms://acme.vault.azure.net/keys/a/0f"),
    ("hv:alice", ("alice",), "hv:alice/7"),
    ("hv:alice/7", ("alice",), "hv:alice/7"),
]
EACH = ["hsm:3", "awskms:alias/alice", f"gcpkms:{GCP}", "azurekms://acme.vault.azure.net/keys/a", "hv:alice"]


class Stand:
    """Stands in for each of securesystemslib's classes."""

    def __init__(self) -> None:
        self.private: Any = P256
        self.signs_with: Any = None
        self.uri = "x:y"
        self.pin_wanted: str | None = None
        self.seen: list[Any] = []
        self.opened: list[tuple[str, SSlibKey]] = []
        self.failure: Exception | None = None
        self.public: SSlibKey | None = None

    def import_(self, *arguments: Any) -> tuple[str, SSlibKey]:
        *self.seen, handler = (*arguments, None) if not callable(arguments[-1]) else arguments
        self._pin(handler)
        return self.uri, self.public or SSlibKey.from_crypto(self.private.public_key())

    def from_priv_key_uri(self, uri: str, key: SSlibKey, handler: Any) -> Stand:
        self.opened.append((uri, key))
        self.handler = handler
        return self

    def sign(self, data: bytes) -> Any:
        self._pin(self.handler)
        return CryptoSigner(self.signs_with or self.private).sign(data)

    def _pin(self, handler: Any) -> None:
        if self.failure is not None:
            raise self.failure
        if self.pin_wanted is not None and handler("pin") != self.pin_wanted:
            raise ValueError("wrong PIN")


@pytest.fixture
def stand(monkeypatch: pytest.MonkeyPatch) -> Stand:
    found = Stand()
    monkeypatch.setenv("PYKCS11LIB", "/lib.so")
    for name in [one.signer for one in service._SERVICES.values()]:
        monkeypatch.setattr(securesystemslib.signer, name, found)
    plain = {kind: one._replace(needs=(), failures=()) for kind, one in service._SERVICES.items()}
    monkeypatch.setattr(service, "_SERVICES", plain)
    return found


def not_asked(what: str) -> str:
    return pytest.fail(f"asked for {what}")


def refusal(where: str) -> ContractError:
    with pytest.raises(ContractError) as caught:
        open_signer(where, passphrase=not_asked)
    assert "\n" not in caught.value.message
    return caught.value


@pytest.mark.parametrize(("where", "arguments", "uri"), ADDRESSES)
def test_the_address_is_what_the_library_is_given(
    where: str, arguments: tuple[object, ...], uri: str, stand: Stand
) -> None:
    stand.uri = uri
    signer = open_signer(where, passphrase=not_asked)
    assert tuple(stand.seen) == arguments
    assert [one for one, _ in stand.opened] == [uri]
    assert signer.key == from_crypto(P256.public_key())


@pytest.mark.parametrize("where", EACH)
@pytest.mark.parametrize("private", [P256, ED25519, MLDSA65PrivateKey.generate()], ids=["p256", "ed25519", "ml-dsa"])
def test_signs_under_our_id(where: str, private: Any, stand: Stand) -> None:
    stand.private = private
    signer = open_signer(where, passphrase=not_asked)
    envelope = Envelope(b"{}")
    envelope = envelope.with_signature(signer.key.id, signer.sign(envelope.signed_bytes()))
    assert signers(envelope, {signer.key.id: signer.key}, "f") == {signer.key.id}
    assert stand.opened[0][1].keyid == signer.key.id == from_crypto(private.public_key()).id


@pytest.mark.parametrize(
    "where",
    [
        *("hsm:x", "hsm:-1", "hsm:2?pin=1", "hsm:2?label="),
        *("awskms:", "awskms:a b", "awskms:a?b"),
        *("gcpkms:", "gcpkms:k", f"gcpkms:{GCP}/x", f"gcpkms:{GCP[:-2]}"),
        *("azurekms:", "azurekms:a/b", "azurekms://evil.example/keys/a", "azurekms://a.b.vault.azure.net/keys/k"),
        *("hv:", "hv:a/b", "hv:../sys", "hv:a?b", "hv:a/1/2"),
    ],
)
def test_what_is_no_address(where: str, stand: Stand) -> None:
    error = refusal(where)
    assert error.message.startswith("this is no address of a key in ")
    assert str(error.hint).startswith(f"write {where.partition(':')[0]}:")
    assert stand.seen == []


@pytest.mark.parametrize(
    ("where", "uri"),
    [("hv:alice/6", "hv:alice/7"), ("azurekms://acme.vault.azure.net/keys/a/0e", "azurekms://…/keys/a/0f")],
)
def test_an_older_version_of_a_key(where: str, uri: str, stand: Stand) -> None:
    stand.uri = uri
    assert f"signs with the newest version only, {uri}" in refusal(where).message


@pytest.mark.parametrize(
    ("key", "complaint"),
    [
        (SSlibKey.from_crypto(rsa.generate_private_key(65537, 2048).public_key()), "keys for rsa.* are not accepted"),
        (
            SSlibKey("x", "ecdsa", "ecdsa-sha2-nistp384", SSlibKey.from_crypto(P256.public_key()).keyval),
            "would sign by ecdsa-sha2-nistp384 with a key for ecdsa-sha2-nistp256",
        ),
        (SSlibKey("x", "ecdsa", "ecdsa-sha2-nistp256", {"public": "no PEM"}), "cannot be read"),
        (SSlibKey("x", "ed25519", "ed25519", {"public": "zz"}), "cannot be read"),
    ],
)
def test_a_key_that_may_not_sign(key: SSlibKey, complaint: str, stand: Stand) -> None:
    stand.public = key
    with pytest.raises(ContractError, match=complaint):
        raise refusal("hv:alice")


@pytest.mark.parametrize("where", EACH)
def test_a_key_that_was_exchanged_meanwhile(where: str, stand: Stand) -> None:
    signer = open_signer(where, passphrase=not_asked)
    stand.signs_with = ec.generate_private_key(ec.SECP256R1())
    with pytest.raises(ContractError, match="signed with something else than its key"):
        signer.sign(b"text")


@pytest.mark.parametrize("where", EACH)
@pytest.mark.parametrize(
    "failure",
    [
        ValueError("no\nsuch key"),
        KeyError("data"),
        TypeError(),
        ConnectionError(),
        UnsupportedAlgorithmError("x" * 9999),
    ],
    ids=repr,
)
def test_a_service_that_refuses(where: str, failure: Exception, stand: Stand) -> None:
    signer = open_signer(where, passphrase=not_asked)
    stand.failure = failure
    error = refusal(where)
    assert error.file == where
    assert len(error.message) < 400
    assert error.message.startswith(service._SERVICES[where.partition(":")[0]].title)
    assert error.message.rstrip() == error.message
    with pytest.raises(ContractError):
        signer.sign(b"text")


def test_a_library_that_lacks_something(stand: Stand) -> None:
    stand.failure = UnsupportedLibraryError("no")
    assert refusal("hv:alice").hint == "pip install 'xspm[vault]'"


def test_a_service_that_never_answers(stand: Stand, monkeypatch: pytest.MonkeyPatch) -> None:
    signer = open_signer("hv:alice", passphrase=not_asked)
    never = threading.Event()
    monkeypatch.setattr(interface, "PATIENCE", 0.01)
    monkeypatch.setattr(stand, "sign", lambda _data: never.wait())
    with pytest.raises(ContractError, match=r"Vault gave no answer in 0\.01 s"):
        signer.sign(b"text")
    never.set()


def test_what_the_libraries_log_is_not_printed(stand: Stand) -> None:
    """Without any handler, Python prints warnings on standard error; pytest has one, so this looks for ours."""
    logger = logging.getLogger("securesystemslib")
    for handler in (*logger.handlers,):
        logger.removeHandler(handler)
    for _ in range(2):
        open_signer("hv:alice", passphrase=not_asked)
    assert [type(handler) for handler in logger.handlers] == [logging.NullHandler]
    assert stand.opened


def test_a_pin_is_asked_once_and_kept(stand: Stand) -> None:
    stand.pin_wanted = "123456"
    asked: list[str] = []

    def answer(what: str) -> str:
        assert threading.current_thread() is threading.main_thread()
        asked.append(what)
        return "123456"

    signer = open_signer("hsm:3", passphrase=answer)
    signer.sign(b"a")
    signer.sign(b"b")
    assert asked == ["PIN of hsm:3"]
    assert "123456" not in repr(signer)


def test_a_wrong_pin_is_tried_once_and_forgotten(stand: Stand) -> None:
    """A few wrong ones lock a token for good."""
    answers = iter(["000000", "123456", "not asked for"])
    signer = open_signer("hsm:3", passphrase=lambda _: next(answers))
    stand.pin_wanted = "123456"
    with pytest.raises(ContractError, match="wrong PIN"):
        signer.sign(b"text")
    assert signer.key.verify(signer.sign(b"text"), b"text")
    assert next(answers) == "not asked for"


@pytest.mark.parametrize(
    ("kind", "complaint"), [("PinIncorrect", "the PIN is wrong"), ("PinLocked", "the PIN is locked: too many wrong")]
)
def test_what_a_token_says_of_a_pin(stand: Stand, kind: str, complaint: str) -> None:
    """Its exception has a name and no text; and it is not the address that is wrong."""
    stand.failure = type(kind, (ValueError,), {})()
    error = refusal("hsm:3")
    assert complaint in error.message
    assert "SO PIN" in str(error.hint)


def test_no_library_for_a_token(stand: Stand, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PYKCS11LIB")
    assert refusal("hsm:").message.startswith("PYKCS11LIB is not set")
    assert stand.seen == []
