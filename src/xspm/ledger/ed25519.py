"""The one place where the ledger meets cryptography: Ed25519 by the `cryptography` package.

The import is lazy, so that whoever only reads or hashes starts without it. Public keys that anybody can sign for
(points of small order) or that are written in two ways (a coordinate beyond the field) are refused: the library
accepts them, and one signature by "nobody" would count as a party's.
"""

from __future__ import annotations

from typing import Final

from xspm.errors import LedgerError

KEY_SIZE: Final = 32
SIGNATURE_SIZE: Final = 64

_FIELD: Final = 2**255 - 19
_ORDER_8: Final = 0x7A03AC9277FDC74EC6CC392CFA53202A0F67100D760B3CBA4FD84D3D706A17C7
_SMALL_ORDER: Final = frozenset({0, 1, _FIELD - 1, _ORDER_8, _FIELD - _ORDER_8})
"""The y coordinates of the eight points whose order divides 8 (RFC 7748 section 7 tells why to refuse them)."""


def check_public(public: bytes) -> None:
    """Refuse what is no Ed25519 public key that one holder alone can sign for.

    Raises:
        LedgerError: wrong length, not canonical, or of small order.
    """
    if len(public) != KEY_SIZE:
        raise LedgerError(f"an Ed25519 public key of {len(public)} bytes, not 32")
    y = int.from_bytes(public, "little") & (1 << 255) - 1
    if y >= _FIELD or y in _SMALL_ORDER:
        raise LedgerError("an Ed25519 public key that anybody could sign for")


def verify(public: bytes, message: bytes, signature: bytes) -> bool:
    """Whether `signature` is the one of `message` by the holder of `public`."""
    from cryptography.exceptions import InvalidSignature  # noqa: PLC0415 - readers of logs start without it
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey  # noqa: PLC0415

    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


class Seed:
    """A private key held in memory as the 32-byte seed of RFC 8032."""

    def __init__(self, seed: bytes) -> None:
        """Hold a key.

        Raises:
            LedgerError: the seed is not 32 bytes long.
        """
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey  # noqa: PLC0415

        if len(seed) != KEY_SIZE:
            raise LedgerError(f"an Ed25519 seed of {len(seed)} bytes, not 32")
        self._key = Ed25519PrivateKey.from_private_bytes(seed)

    @property
    def public(self) -> bytes:
        """The public key, 32 bytes."""
        return self._key.public_key().public_bytes_raw()

    def sign(self, message: bytes) -> bytes:
        """The signature of `message`, 64 bytes."""
        return self._key.sign(message)
