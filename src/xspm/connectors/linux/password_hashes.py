"""What a password field of shadow or passwd says: whether it lets anybody in, and by which algorithm."""

from __future__ import annotations

import re
from typing import Final, Literal, TypeAlias

PasswordState: TypeAlias = Literal["set", "locked", "empty", "none"]


_HASHES: Final[tuple[tuple[str, str], ...]] = (
    ("$y$", "yescrypt"),
    ("$gy$", "gost_yescrypt"),
    ("$7$", "scrypt"),
    ("$2", "bcrypt"),
    ("$6$", "sha512"),
    ("$5$", "sha256"),
    ("$md5", "sun_md5"),
    ("$1$", "md5"),
    ("$3$", "nt"),
    ("$sha1$", "sha1"),
    ("$", "unrecognised"),
    ("_", "bsdi"),
)
"""Prefixes of crypt(5), longest first where they overlap."""


def hash_algorithm(field: str) -> str | None:
    """Name the algorithm of a password field; null when it holds no hash."""
    hashed = field.lstrip("!")
    if re.fullmatch(r"[./0-9A-Za-z]{13}", hashed):
        return "des"
    return next((name for prefix, name in _HASHES if hashed.startswith(prefix) and len(hashed) > len(prefix) + 7), None)


def password_state(field: str) -> PasswordState:
    """Classify a password field of shadow or passwd."""
    if not field:
        return "empty"
    if hash_algorithm(field) is None:
        return "none"
    return "locked" if field.startswith("!") else "set"
