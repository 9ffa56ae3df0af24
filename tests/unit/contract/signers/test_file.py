"""Private keys from files, in every form that people have them."""

from __future__ import annotations

import base64
import importlib.util
import shutil
import subprocess
import threading
from typing import TYPE_CHECKING

import pytest
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import dsa, ec, rsa, x25519
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey, MLDSA65PrivateKey, MLDSA87PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from xspm.contract.envelope import Envelope, signers
from xspm.contract.signers import interface, open_signer
from xspm.errors import ContractError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from cryptography.hazmat.primitives.serialization import KeySerializationEncryption

SECRET = "open sesame"
ED25519 = Ed25519PrivateKey.generate()
KEYS = {
    "ed25519": ED25519,
    "ecdsa-p256": ec.generate_private_key(ec.SECP256R1()),
    "ecdsa-p384": ec.generate_private_key(ec.SECP384R1()),
    "ecdsa-p521": ec.generate_private_key(ec.SECP521R1()),
    "ml-dsa-44": MLDSA44PrivateKey.generate(),
    "ml-dsa-65": MLDSA65PrivateKey.generate(),
    "ml-dsa-87": MLDSA87PrivateKey.generate(),
}
SSH = PrivateFormat.OpenSSH
LOCKED = BestAvailableEncryption(SECRET.encode())
NO_BCRYPT = importlib.util.find_spec("bcrypt") is None


def encoded(
    key: object,
    form: PrivateFormat = PrivateFormat.PKCS8,
    lock: KeySerializationEncryption = NoEncryption(),  # noqa: B008 - it has no state
) -> bytes:
    data = key.private_bytes(Encoding.PEM, form, lock)  # type: ignore[attr-defined]
    assert isinstance(data, bytes)
    return data


def written(data: bytes, tmp_path: Path, mode: int = 0o600) -> str:
    path = tmp_path / "key"
    path.write_bytes(data)
    path.chmod(mode)
    return str(path)


def not_asked(what: str) -> str:
    return pytest.fail(f"asked for {what}")


def refusal(path: str, *answers: str) -> ContractError:
    waiting = [*answers]
    with pytest.raises(ContractError) as caught:
        open_signer(path, passphrase=lambda _: waiting.pop(0))
    assert caught.value.file == path or path in caught.value.message
    assert waiting == []
    assert SECRET not in caught.value.diagnostics()
    return caught.value


CASES = [
    *((kind, PrivateFormat.PKCS8) for kind in KEYS),
    *((kind, PrivateFormat.TraditionalOpenSSL) for kind in KEYS if kind.startswith("ecdsa")),
    *((kind, SSH) for kind in KEYS if not kind.startswith("ml")),
]


@pytest.mark.parametrize(("kind", "form"), CASES, ids=lambda value: getattr(value, "name", value))
@pytest.mark.parametrize("locked", [False, True], ids=["open", "locked"])
def test_every_form_signs(kind: str, form: PrivateFormat, locked: bool, tmp_path: Path) -> None:  # noqa: FBT001
    if form is SSH and locked and NO_BCRYPT:
        pytest.skip("bcrypt is not installed")
    path = written(encoded(KEYS[kind], form, LOCKED if locked else NoEncryption()), tmp_path)
    asked: list[str] = []

    def answer(what: str) -> str:
        asked.append(what)
        return SECRET

    signer = open_signer(path, passphrase=answer)
    assert asked == ([f"passphrase of {path}"] if locked else [])
    assert signer.key.type == kind
    envelope = Envelope(b'{"a":1}')
    envelope = envelope.with_signature(signer.key.id, signer.sign(envelope.signed_bytes()))
    assert signers(envelope, {signer.key.id: signer.key}, "f") == {signer.key.id}


@pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="no ssh-keygen here: install openssh-client")
def test_a_key_that_ssh_keygen_made(tmp_path: Path) -> None:
    path = tmp_path / "id"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(path)], check=True)
    signer = open_signer(str(path), passphrase=not_asked)
    assert signer.key.verify(signer.sign(b"text"), b"text")


def test_parameters_before_an_ec_key(tmp_path: Path) -> None:
    """As `openssl ecparam -genkey` writes it."""
    head = b"-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n"
    path = written(head + encoded(KEYS["ecdsa-p256"], PrivateFormat.TraditionalOpenSSL), tmp_path)
    assert open_signer(path, passphrase=not_asked).key.type == "ecdsa-p256"


def test_a_signer_shows_no_secret(tmp_path: Path) -> None:
    signer = open_signer(written(encoded(KEYS["ed25519"]), tmp_path), passphrase=not_asked)
    assert ED25519.private_bytes_raw().hex() not in repr(signer)
    assert "Ed25519PrivateKey" not in repr(signer)


@pytest.mark.parametrize("form", [PrivateFormat.PKCS8, PrivateFormat.TraditionalOpenSSL, SSH])
def test_a_wrong_passphrase(form: PrivateFormat, tmp_path: Path) -> None:
    if form is SSH and NO_BCRYPT:
        pytest.skip("bcrypt is not installed")
    path = written(encoded(KEYS["ecdsa-p256"], form, LOCKED), tmp_path)
    assert refusal(path, "guess").message == "the passphrase does not open this private key"
    assert refusal(path, "").message == "this private key is locked, and the passphrase given is empty"


def locked_by(work: Callable[[], object]) -> Callable[[bytes, bytes | None], None]:
    """What cryptography does with a locked key, up to the unlocking."""

    def load(_data: bytes, password: bytes | None) -> None:
        if password is None:
            raise TypeError
        work()

    return load


def test_a_locked_ssh_key_without_bcrypt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> None:
        raise UnsupportedAlgorithm("Need bcrypt module")

    path = written(encoded(KEYS["ed25519"], SSH), tmp_path)
    monkeypatch.setattr(serialization, "load_ssh_private_key", locked_by(refuse))
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    assert refusal(path, SECRET).hint == "pip install 'xspm[ssh]'"
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: name)
    assert refusal(path, SECRET).message == "this way of locking a private key is not supported"


def test_a_lock_that_takes_for_ever(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    never = threading.Event()
    path = written(encoded(KEYS["ed25519"]), tmp_path)
    monkeypatch.setattr(serialization, "load_pem_private_key", locked_by(never.wait))
    monkeypatch.setattr(interface, "PATIENCE", 0.01)
    assert refusal(path, SECRET).message == f"opening {path} gave no answer in 0.01 s"
    never.set()


PUBLIC = ED25519.public_key()


@pytest.mark.parametrize(
    ("data", "complaint"),
    [
        (b"", "this is no private key"),
        (b"\xff\x00", "this is no private key"),
        (b"-----BEGIN PGP MESSAGE-----", "this is no private key"),
        (PUBLIC.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo), "this is a public key"),
        (PUBLIC.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH), "this is a public key"),
        (b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "this is a public key"),
        (b"sk-ssh-ed25519@openssh.com AAAA", "this is a public key"),
        (b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "cannot be read"),
        (b"-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n", "cannot be read"),
        (b"-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n", "cannot be read"),
        (encoded(KEYS["ed25519"])[:60], "cannot be read"),
        (encoded(rsa.generate_private_key(65537, 2048)), "keys for rsa.* are not accepted"),
        (encoded(rsa.generate_private_key(65537, 2048), SSH), "keys for rsa.* are not accepted"),
        (encoded(rsa.generate_private_key(65537, 2048), PrivateFormat.TraditionalOpenSSL), "RSA keys are not accepted"),
        (encoded(dsa.generate_private_key(2048)), "is not accepted"),
        (encoded(x25519.X25519PrivateKey.generate()), "X25519PublicKey is not accepted"),
        (encoded(ec.generate_private_key(ec.SECP256K1())), "is not accepted"),
        (b"x" * 65_537, "more than 65536 bytes"),
    ],
    # Some hold a key that is made anew, and every worker must call a case the same.
    ids=lambda value: value if isinstance(value, str) else "data",
)
def test_what_is_no_private_key_that_may_sign(data: bytes, complaint: str, tmp_path: Path) -> None:
    with pytest.raises(ContractError, match=complaint):
        raise refusal(written(data, tmp_path))


def test_a_type_that_cryptography_does_not_know(tmp_path: Path) -> None:
    data = encoded(KEYS["ed25519"], SSH)
    body = base64.b64decode(b"".join(data.splitlines()[1:-1])).replace(b"ssh-ed25519", b"ssh-unknown")
    text = b"-----BEGIN OPENSSH PRIVATE KEY-----\n" + base64.encodebytes(body) + b"-----END OPENSSH PRIVATE KEY-----\n"
    assert refusal(written(text, tmp_path)).message == "this type of private key is not supported"


def test_a_private_key_that_others_may_read(tmp_path: Path) -> None:
    path = written(encoded(KEYS["ed25519"]), tmp_path, 0o640)
    error = refusal(path)
    assert error.message == "others may read or change this private key: its mode is 0640"
    assert str(error.hint).startswith(f"chmod 600 {path}")


def test_a_public_key_is_called_so_whoever_may_read_it(tmp_path: Path) -> None:
    data = PUBLIC.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    assert "public key" in refusal(written(data, tmp_path, 0o644)).message
