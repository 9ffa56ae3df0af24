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

_plain_keys: set[str] = set()
"""Keys that were seen to be plain: the same few hundred come thousands of times."""

_MAX_KEYS: Final = 4_096

_encode = msgspec.json.Encoder(order="sorted").encode


def canonical(value: Any) -> bytes:
    """Return `value` as canonical JSON (RFC 8785).

    Args:
        value: plain JSON (dict with string keys, list, str, int, float, bool, None) or msgspec structs.

    Raises:
        ModelError: the value is not JSON, an integer is not exact in JSON, or it nests deeper than `MAX_DEPTH`.
    """
    try:
        if _plain_enough(value):
            return _encode(value)
        plain = msgspec.to_builtins(value)
        return _encode(plain) if _plain_enough(plain) else _rfc8785(plain)
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


def _plain_enough(value: Any) -> bool:
    """Whether msgspec writes `value` exactly as RFC 8785 asks.

    Raises:
        ModelError: an integer is not exact, or the value nests too deep.
    """
    plain = True
    level: list[Any] = [[value]]
    for _ in range(MAX_DEPTH + 2):
        below: list[Any] = []
        for part in level:
            items = part
            if type(part) is dict:
                if not _plain_keys.issuperset(part):
                    plain = _learn(part) and plain
                items = part.values()
            for item in items:
                kind = type(item)
                # Nearly every item is a string, and nearly every other a collection.
                if kind is str:
                    continue
                if kind is dict or kind is list or kind is tuple:
                    below.append(item)
                elif kind is int:
                    _refuse_inexact(item)
                elif kind is not bool and item is not None:
                    plain = False
        if not below:
            return plain
        level = below
    raise ModelError(f"nested deeper than {MAX_DEPTH} levels")


def _learn(value: dict[Any, Any]) -> bool:
    """Whether all keys are strings that RFC 8785 and msgspec sort alike: by UTF-16 code units, and by UTF-8.

    They differ beyond the Basic Multilingual Plane.
    """
    plain = all(type(key) is str and key.isascii() for key in value)
    if plain and len(_plain_keys) < _MAX_KEYS:
        _plain_keys.update(value)
    return plain


def _refuse_inexact(value: int) -> None:
    if not -MAX_SAFE_INTEGER <= value <= MAX_SAFE_INTEGER:
        raise ModelError(f"the integer {value} is outside the range that JSON carries exactly (±2^53-1)")
