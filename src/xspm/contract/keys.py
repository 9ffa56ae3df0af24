"""Public keys, named by their own bytes.

A key's id is the SHA-256 of its SubjectPublicKeyInfo in one canonical encoding, whatever form it was written in: the
same key as an OpenSSH line, as PEM, or with its curve point compressed has the same id, so one key can never pass for
two. Signatures are verified by securesystemslib.
"""

from __future__ import annotations

import base64
import hashlib
from functools import lru_cache
from typing import TYPE_CHECKING, Final, Literal, NewType, TypeAlias

import msgspec

from xspm.errors import ContractError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes
    from securesystemslib.signer import SSlibKey

KeyId = NewType("KeyId", str)
"""`sha256:` and the 64 hex digits of the digest of the key's canonical SubjectPublicKeyInfo (DER)."""

KeyType: TypeAlias = Literal["ed25519", "ecdsa-p256", "ecdsa-p384", "ecdsa-p521", "ml-dsa-44", "ml-dsa-65", "ml-dsa-87"]

_SCHEMES: Final[dict[str, KeyType]] = {
    "ed25519": "ed25519",
    "ecdsa-sha2-nistp256": "ecdsa-p256",
    "ecdsa-sha2-nistp384": "ecdsa-p384",
    "ecdsa-sha2-nistp521": "ecdsa-p521",
    "ml-dsa-44/1": "ml-dsa-44",
    "ml-dsa-65/1": "ml-dsa-65",
    "ml-dsa-87/1": "ml-dsa-87",
}
"""securesystemslib's names of the schemes that are accepted, and ours."""

_FIELD: Final = 2**255 - 19
_ORDER_8: Final = 0x7A03AC9277FDC74EC6CC392CFA53202A0F67100D760B3CBA4FD84D3D706A17C7
_SMALL_ORDER: Final = frozenset({0, 1, _FIELD - 1, _ORDER_8, _FIELD - _ORDER_8})
"""The y coordinates of Ed25519's eight points whose order divides 8 (RFC 7748 section 7): anybody signs for them.

The ledger refuses the same ones; neither floor may import the other."""

MAX_KEY_TEXT: Final = 16_384
_FORMS: Final = "write it as a PEM block, or as an OpenSSH line such as ssh-ed25519 AAAA…"


class PublicKey(msgspec.Struct, frozen=True, order=True):
    """A public key that may sign."""

    id: KeyId
    type: KeyType
    spki: str
    """Canonical SubjectPublicKeyInfo (RFC 5280 section 4.1.2.7), DER in base64."""

    def verify(self, signature: bytes, data: bytes) -> bool:
        """Whether `signature` over `data` was made with the private half of this key."""
        from securesystemslib.exceptions import UnverifiedSignatureError  # noqa: PLC0415 - imports cryptography
        from securesystemslib.signer import Signature  # noqa: PLC0415

        try:
            _verifier(self.spki).verify_signature(Signature(self.id, signature.hex()), data)
        except UnverifiedSignatureError:
            return False
        return True

    def pem(self) -> str:
        """The key as a PEM block."""
        lines = [self.spki[start : start + 64] for start in range(0, len(self.spki), 64)]
        return "\n".join(["-----BEGIN PUBLIC KEY-----", *lines, "-----END PUBLIC KEY-----", ""])


def read_public_key(text: str) -> PublicKey:
    """Read a public key from a PEM block or an OpenSSH line.

    Raises:
        ContractError: it is neither, it holds a private key, or its type is not accepted.
    """
    if len(text) > MAX_KEY_TEXT:
        raise ContractError(f"a public key of {len(text)} characters is too long to be one")
    data = text.strip().encode()
    if b"PRIVATE KEY" in data:
        raise ContractError(
            "this is a private key; a contract holds public keys only", hint="private keys stay with their person"
        )
    return from_crypto(_load(data))


def _load(data: bytes) -> PublicKeyTypes:
    from cryptography.exceptions import UnsupportedAlgorithm  # noqa: PLC0415
    from cryptography.hazmat.primitives.serialization import (  # noqa: PLC0415
        load_pem_public_key,
        load_ssh_public_key,
    )

    try:
        return load_pem_public_key(data) if data.startswith(b"-----BEGIN ") else load_ssh_public_key(data)
    except UnsupportedAlgorithm as error:
        raise ContractError("this type of key is not supported", hint=_accepted()) from error
    except ValueError as error:
        raise ContractError("this is no public key", hint=_FORMS) from error


def from_crypto(key: PublicKeyTypes) -> PublicKey:
    """Name a key of the library `cryptography`.

    Raises:
        ContractError: its type is not accepted.
    """
    from securesystemslib.signer import SSlibKey  # noqa: PLC0415

    try:
        scheme = SSlibKey.from_crypto(key, keyid="").scheme
    except ValueError as error:
        raise ContractError(f"a key of the type {type(key).__name__} is not accepted", hint=_accepted()) from error
    if scheme not in _SCHEMES:
        raise ContractError(f"keys for {scheme} are not accepted", hint=_accepted())
    der = _canonical(key)
    if _SCHEMES[scheme] == "ed25519":
        y = int.from_bytes(der[-32:], "little") & (1 << 255) - 1
        if y >= _FIELD or y in _SMALL_ORDER:
            raise ContractError("an Ed25519 public key that anybody could sign for", hint="xspm key new makes one")
    return PublicKey(
        KeyId("sha256:" + hashlib.sha256(der).hexdigest()), _SCHEMES[scheme], base64.b64encode(der).decode()
    )


def _accepted() -> str:
    return "accepted are Ed25519, ECDSA on P-256, P-384 and P-521, and ML-DSA"


def _canonical(key: PublicKeyTypes) -> bytes:
    """Return the key's one SubjectPublicKeyInfo."""
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey  # noqa: PLC0415
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat  # noqa: PLC0415

    if isinstance(key, EllipticCurvePublicKey):
        # OpenSSL writes a point as it was read, compressed or not: two encodings of one key.
        key = key.public_numbers().public_key()
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


@lru_cache(maxsize=512)
def _verifier(spki: str) -> SSlibKey:
    """Return the key as securesystemslib verifies with it."""
    from cryptography.hazmat.primitives.serialization import load_der_public_key  # noqa: PLC0415
    from securesystemslib.signer import SSlibKey  # noqa: PLC0415

    der = base64.b64decode(spki)
    return SSlibKey.from_crypto(load_der_public_key(der), keyid="sha256:" + hashlib.sha256(der).hexdigest())


def check_key(key: PublicKey) -> None:
    """Check that a key that came in a signed text is what its id and type say, in its canonical encoding.

    Raises:
        ContractError: it is not.
    """
    from cryptography.exceptions import UnsupportedAlgorithm  # noqa: PLC0415
    from cryptography.hazmat.primitives.serialization import load_der_public_key  # noqa: PLC0415

    try:
        found = from_crypto(load_der_public_key(base64.b64decode(key.spki, validate=True)))
    except (ValueError, UnsupportedAlgorithm) as error:
        raise ContractError(f"the key {key.id} cannot be read") from error
    if found != key:
        raise ContractError(f"the key {key.id} is not what it claims to be: its bytes are {found.type} {found.id}")
