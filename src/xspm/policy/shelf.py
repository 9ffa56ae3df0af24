"""Compiled checks one by one, so that editing one file compiles one file.

All lie in one file of the cache, each under the digest of its own file's bytes, its name and whether it is shipped; the
key of the whole covers the rest that a compilation depends on. What a build used comes first, and what does not fit is
dropped from the end. What cannot be read back exactly is not kept.
"""

from __future__ import annotations

import contextlib
import hashlib
from typing import TYPE_CHECKING, Final

import msgspec

from xspm.model.check import Check
from xspm.policy.library import Compiled

if TYPE_CHECKING:
    from xspm.policy.cache import Cache

_MAX_BYTES: Final = 48 * 1024 * 1024
"""Of all checks together; what xspm ships takes some six million."""


class _Kept(msgspec.Struct, frozen=True, array_like=True):
    source: bytes
    """The check as JSON, because a YAML number may be larger than MessagePack's."""
    compiled: bytes


class Shelf:
    """The checks that earlier builds compiled."""

    def __init__(self, cache: Cache, key: str) -> None:
        """Read what the cache holds under `key`: nothing, if that is no shelf."""
        self._cache = cache
        self._key = key
        self._kept: dict[str, _Kept] = {}
        self._used: dict[str, _Kept] = {}
        self._grown = False
        with contextlib.suppress(msgspec.DecodeError):
            self._kept = msgspec.msgpack.decode(cache.get(key) or b"", type=dict[str, _Kept])

    def get(self, shown: str, data: bytes, *, shipped: bool) -> tuple[Check, Compiled] | None:
        """The check of a file, None where it must be compiled."""
        name = _name(shown, data, shipped=shipped)
        kept = self._kept.get(name)
        if kept is None:
            return None
        try:
            check = msgspec.json.decode(kept.source, type=Check)
            compiled = msgspec.msgpack.decode(kept.compiled, type=Compiled)
        except msgspec.DecodeError:
            return None
        self._used[name] = kept
        return check, compiled

    def put(self, shown: str, data: bytes, check: Check, compiled: Compiled) -> None:
        """Keep the check of a file."""
        with contextlib.suppress(OverflowError, UnicodeEncodeError):
            source = msgspec.json.encode(check)
            if msgspec.json.decode(source, type=Check) == check:
                name = _name(shown, data, shipped=compiled.shipped)
                self._used[name] = _Kept(source, msgspec.msgpack.encode(compiled))
                self._grown = True

    def save(self) -> None:
        """Write the shelf back if there is something new on it, and say that it is in use."""
        if not self._grown:
            self._cache.touch(self._key)
            return
        fitting: dict[str, _Kept] = {}
        size = 0
        for name, kept in (self._used | self._kept).items():
            size += len(name) + len(kept.source) + len(kept.compiled)
            if size > _MAX_BYTES:
                break
            fitting[name] = kept
        self._cache.put(self._key, msgspec.msgpack.encode(fitting))


def _name(shown: str, data: bytes, *, shipped: bool) -> str:
    return hashlib.sha256(f"{shown}\0{shipped}\0".encode("utf-8", "surrogateescape") + data).hexdigest()
