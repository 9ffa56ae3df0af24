"""Names by content: canonical JSON (RFC 8785) and SHA-256 digests over it.

`canonical` writes most values with msgspec, which agrees with RFC 8785 byte for byte as long as no number is a float
and no key holds a character outside the Basic Multilingual Plane; everything else goes through the reference library.
"""

from __future__ import annotations

import hashlib
from typing import Any, Final, NewType

import msgspec

from xspm.errors import ModelError

Digest = NewType("Digest", str)
"""`sha256:` and 64 lower-case hex digits."""

MAX_SAFE_INTEGER: Final = 2**53 - 1
"""The largest integer that JSON carries exactly everywhere (RFC 8785 section 3.2.2.3, RFC 7493 section 2.2)."""

MAX_DEPTH: Final = 200
"""Nesting beyond this is refused: no configuration needs it, and recursion must end."""

_encode = msgspec.json.Encoder(order="sorted").encode


def canonical(value: Any) -> bytes:
    """Return `value` as canonical JSON (RFC 8785).

    Args:
        value: plain JSON (dict with string keys, list, str, int, float, bool, None) or msgspec structs.

    Raises:
        ModelError: the value is not JSON, an integer is not exact in JSON, or it nests deeper than `MAX_DEPTH`.
    """
    try:
        if _plain_enough(value, 0):
            return _encode(value)
        plain = msgspec.to_builtins(value)
        return _encode(plain) if _plain_enough(plain, 0) else _rfc8785(plain)
    except (UnicodeEncodeError, msgspec.EncodeError) as error:
        raise ModelError(f"not canonical JSON: {error}") from error


def _rfc8785(value: Any) -> bytes:
    import rfc8785  # noqa: PLC0415 - few values need it

    try:
        return bytes(rfc8785.dumps(value))
    except rfc8785.CanonicalizationError as error:
        raise ModelError(f"not canonical JSON: {error}") from error


def digest(value: Any) -> Digest:
    """Return the SHA-256 digest of the canonical JSON of `value`."""
    return digest_bytes(canonical(value))


def digest_bytes(data: bytes) -> Digest:
    """Return the SHA-256 digest of `data`."""
    return Digest("sha256:" + hashlib.sha256(data).hexdigest())


def _plain_enough(value: Any, depth: int) -> bool:
    """Whether msgspec writes `value` exactly as RFC 8785 asks.

    Raises:
        ModelError: an integer is not exact, or the value nests too deep.
    """
    kind = type(value)
    if kind is not dict and kind is not list and kind is not tuple:
        return _plain_scalar(value)
    if depth > MAX_DEPTH:
        raise ModelError(f"nested deeper than {MAX_DEPTH} levels")
    plain = True
    if kind is dict:
        for key in value:
            # RFC 8785 sorts by UTF-16 code units, msgspec by UTF-8: they differ beyond the Basic Multilingual Plane.
            if type(key) is not str or not key.isascii():
                plain = False
        value = value.values()
    for item in value:
        # Nearly every item is a string: seeing that here spares a call.
        if type(item) is not str and not _plain_enough(item, depth + 1):
            plain = False
    return plain


def _plain_scalar(value: Any) -> bool:
    kind = type(value)
    if kind is int and not -MAX_SAFE_INTEGER <= value <= MAX_SAFE_INTEGER:
        raise ModelError(f"the integer {value} is outside the range that JSON carries exactly (±2^53-1)")
    return kind is str or kind is bool or kind is int or value is None
