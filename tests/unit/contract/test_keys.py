"""A key is its bytes: however it is written, it has one id."""

from __future__ import annotations

import base64

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed448, rsa
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA65PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_der_public_key,
)
from securesystemslib.signer import CryptoSigner

from parties import private, public
from xspm.contract.keys import KeyId, PublicKey, check_key, from_crypto, read_public_key
from xspm.errors import ContractError

CURVES = [ec.SECP256R1(), ec.SECP384R1(), ec.SECP521R1()]


def test_one_key_in_many_forms_has_one_id() -> None:
    key = private("alice").public_key()
    pem = key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    ssh = key.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()
    texts = [pem, ssh, ssh + " alice@laptop", "\n" + pem.replace("\n", "\r\n"), public("alice").pem()]
    assert {read_public_key(text) for text in texts} == {public("alice")}


@pytest.mark.parametrize("curve", CURVES, ids=lambda curve: curve.name)
def test_a_compressed_point_is_the_same_key(curve: ec.EllipticCurve) -> None:
    key = ec.generate_private_key(curve).public_key()
    prefix = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    point = key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    short = key.public_bytes(Encoding.X962, PublicFormat.CompressedPoint)
    from_short = ec.EllipticCurvePublicKey.from_encoded_point(curve, short)
    assert from_crypto(from_short) == from_crypto(key) == from_crypto(load_der_public_key(prefix))
    assert point in prefix


@pytest.mark.parametrize(
    "key",
    [private("alice"), *(ec.generate_private_key(curve) for curve in CURVES), MLDSA65PrivateKey.generate()],
    ids=["ed25519", "p256", "p384", "p521", "ml-dsa-65"],
)
def test_signatures_of_every_type_verify(key: object) -> None:
    found = from_crypto(key.public_key())  # type: ignore[attr-defined]
    signature = bytes.fromhex(CryptoSigner(key).sign(b"text").signature)  # type: ignore[arg-type]
    assert found.verify(signature, b"text")
    assert not found.verify(signature, b"other")
    assert not found.verify(signature[:-1], b"text")
    assert not found.verify(b"", b"text")
    assert not public("bob").verify(signature, b"text")
    assert read_public_key(found.pem()) == found


def _pem(key: object) -> str:
    data = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)  # type: ignore[attr-defined]
    return str(data.decode())


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "this is no public key"),
        ("ssh-ed25519 AAAA", "this is no public key"),
        ("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----", "this is no public key"),
        ("x" * 20_000, "too long to be one"),
        (_pem(rsa.generate_private_key(65537, 2048)), "RSAPublicKey is not accepted|keys for rsa"),
        (_pem(ec.generate_private_key(ec.SECP256K1())), "is not accepted"),
        (_pem(ed448.Ed448PrivateKey.generate()), "is not accepted"),
        ("sk-ssh-ed25519@openssh.com AAAAGnNrLXNzaC1lZDI1NTE5QG9wZW5zc2guY29tAAAAIA==", "not supported|no public key"),
        (
            private("alice").private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode(),
            "this is a private key",
        ),
    ],
)
def test_refused(text: str, complaint: str) -> None:
    with pytest.raises(ContractError, match=complaint):
        read_public_key(text)


@pytest.mark.parametrize(
    ("key", "complaint"),
    [
        (PublicKey(public("bob").id, "ed25519", public("alice").spki), "is not what it claims to be"),
        (PublicKey(public("alice").id, "ecdsa-p256", public("alice").spki), "is not what it claims to be"),
        (PublicKey(KeyId("sha256:0"), "ed25519", public("alice").spki), "is not what it claims to be"),
        (PublicKey(public("alice").id, "ed25519", "!"), "cannot be read"),
        (PublicKey(public("alice").id, "ed25519", "AAAA"), "cannot be read"),
    ],
)
def test_a_key_that_lies_about_itself(key: PublicKey, complaint: str) -> None:
    check_key(public("alice"))
    with pytest.raises(ContractError, match=complaint):
        check_key(key)


@pytest.mark.parametrize("y", [0, 1, 2**255 - 20, 2**255 - 19, 2**255 - 1, (1 << 255) + 1])
def test_a_key_that_anybody_signs_for(y: int) -> None:
    """Points of small order, and coordinates beyond the field: each would be a key without a holder."""
    der = bytes.fromhex("302a300506032b6570032100") + y.to_bytes(32, "little")
    text = f"-----BEGIN PUBLIC KEY-----\n{base64.b64encode(der).decode()}\n-----END PUBLIC KEY-----\n"
    with pytest.raises(ContractError, match="that anybody could sign for"):
        read_public_key(text)
