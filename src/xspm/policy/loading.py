"""A library from the cache where nothing changed, and from its files where something did.

The key of a whole library covers every byte of every file, the interpreter and the code that compiles, so that nothing
stale is ever used. Examples and parsed catalogues are cached beside it for `listed`, which serves the commands that
only show them. Where a file changed, every other check comes from the shelf, which keeps them one by one.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

import msgspec

from xspm import __version__
from xspm.model.check import Check, Framework
from xspm.policy.folder import stamp
from xspm.policy.library import Built, Compiled, Library, refuse

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from xspm.model.schema import TypeSpec
    from xspm.policy.cache import Cache
    from xspm.policy.folder import Folder
    from xspm.policy.scopes import Assets

_PACKAGE: Final = os.path.dirname(os.path.dirname(__file__))

_SOURCES: Final = "sources"
"""The part of a cached library that is `Sources`; no resource type is called so, for each has a dot in its name."""


class Sources(msgspec.Struct, frozen=True):
    """What the files say beyond what a scan needs."""

    checks: dict[str, Check]
    frameworks: dict[str, Framework]


def load(
    folders: Sequence[Folder],
    types: Callable[[], Mapping[str, TypeSpec]],
    cache: Cache | None,
    assets: Callable[[], Assets] | None = None,
) -> Library:
    """Return the library of some folders, from the cache if it has exactly this one.

    Args:
        folders: what xspm ships first, then users' folders.
        types: the resource types that checks may speak of; called only if something must be compiled.
        cache: None to compile everything anew, as commands that verify do.
        assets: the types of assets that policies may scope by; called only if something must be read.

    Raises:
        PolicyError, CelError, DocumentError: a file is not sound.
    """
    key = _key(folders)
    cached = _cached(key, cache, lambda: _sound(folders, types, cache, assets)) if cache else None
    if cached is not None:
        return cached
    made = _built(folders, types, cache, assets)
    refuse(made, folders)
    if cache:
        _store(key, cache, made)
    return made.library


def listed(
    folders: Sequence[Folder],
    types: Callable[[], Mapping[str, TypeSpec]],
    cache: Cache | None,
    assets: Callable[[], Assets] | None = None,
) -> Built:
    """Return what `build` makes of some folders, from the cache if it has exactly that; arguments as for `load`.

    What is not sound is in `errors`, and then nothing comes from the cache. Not for commands that verify.
    """
    key = _key(folders)
    library = _cached(key, cache, lambda: _built(folders, types, cache, assets).library) if cache else None
    payload = cache.get(f"{key}.{_SOURCES}") if cache and library else None
    if library is not None and payload is not None:
        with contextlib.suppress(msgspec.DecodeError):
            sources = msgspec.json.decode(payload, type=Sources)
            return Built(library=library, checks=sources.checks, frameworks=sources.frameworks, errors=())
    made = _built(folders, types, cache, assets)
    if cache and not made.errors:
        _store(key, cache, made)
    return made


def _sound(
    folders: Sequence[Folder],
    types: Callable[[], Mapping[str, TypeSpec]],
    cache: Cache | None,
    assets: Callable[[], Assets] | None,
) -> Library:
    built = _built(folders, types, cache, assets)
    refuse(built, folders)
    return built.library


def _built(
    folders: Sequence[Folder],
    types: Callable[[], Mapping[str, TypeSpec]],
    cache: Cache | None,
    assets: Callable[[], Assets] | None,
) -> Built:
    """Build a library; of the checks only those anew that the cache does not hold one by one."""
    from xspm.policy.building import build  # noqa: PLC0415 - a cached start parses nothing
    from xspm.policy.shelf import Shelf  # noqa: PLC0415

    shelf = Shelf(cache, hashlib.sha256(f"checks one by one\0{_state()}".encode()).hexdigest()) if cache else None
    made = build(folders, types, shelf, assets)
    if shelf:
        shelf.save()
    return made


def _store(key: str, cache: Cache, made: Built) -> None:
    """Keep a library: the checks of each resource type by themselves, for most scans meet only some types."""
    library = made.library
    parts: dict[str, dict[str, Compiled]] = {}
    for check_id, compiled in library.checks.items():
        parts.setdefault(compiled.check.resource, {})[check_id] = compiled
    for kind, checks in parts.items():
        cache.put(f"{key}.{kind}", msgspec.msgpack.encode(checks))
    with contextlib.suppress(UnicodeEncodeError):  # an example may hold a lone surrogate, and is then read from source
        # JSON, because a YAML number may be larger than MessagePack's.
        sources = msgspec.json.encode(Sources(made.checks, made.frameworks))
        cache.put(f"{key}.{_SOURCES}", sources)
    cache.put(key, msgspec.msgpack.encode(msgspec.structs.replace(library, checks={})))


def _cached(key: str, cache: Cache, compile_anew: Callable[[], Library]) -> Library | None:
    payload = cache.get(key)
    if payload is None:
        return None
    try:
        library = msgspec.msgpack.decode(payload, type=Library)
    except msgspec.DecodeError:
        return None
    return msgspec.structs.replace(library, checks=_Stored(key, cache, library.types, compile_anew))


class _Stored(Mapping[str, Compiled]):
    """Checks of a cached library, each resource type read when the first of its checks is asked for."""

    def __init__(self, key: str, cache: Cache, types: Mapping[str, str], compile_anew: Callable[[], Library]) -> None:
        self._key = key
        self._cache = cache
        self._types = types
        self._compile_anew = compile_anew
        self._read: dict[str, Mapping[str, Compiled]] = {}

    def __getitem__(self, check_id: str) -> Compiled:
        kind = self._types[check_id]
        checks = self._read.get(kind)
        if checks is None:
            checks = self._read[kind] = self._part(kind)
        return checks[check_id]

    def __iter__(self) -> Iterator[str]:
        return iter(self._types)

    def __len__(self) -> int:
        return len(self._types)

    def _part(self, kind: str) -> Mapping[str, Compiled]:
        payload = self._cache.get(f"{self._key}.{kind}")
        try:
            return msgspec.msgpack.decode(payload or b"", type=dict[str, Compiled])
        except msgspec.DecodeError:
            # Another process may have dropped it, or somebody have touched it.
            return self._compile_anew().checks


def _key(folders: Sequence[Folder]) -> str:
    """Digest of every file, the interpreter, and the code that parses and compiles."""
    state = hashlib.sha256(_state().encode())
    for folder in folders:
        state.update(f"\0{folder.shown}\0{folder.shipped}\0{folder.stamp}".encode())
        for name, data in folder.files.items():
            state.update(f"\0{name}\0{len(data)}\0".encode())
            state.update(data)
    return state.hexdigest()


def _state() -> str:
    """What every compilation depends on beside the file: the interpreter, the compiling code, the resource types."""
    return f"{__version__} {sys.implementation.cache_tag} {sys.version} {_fingerprint()}"


def _fingerprint() -> str:
    """Stamps of xspm's own modules, so that a developer's change is seen without reading them."""
    parts = ("cel", "policy", "model", "syntax", "connectors")
    return "".join(stamp(os.path.join(_PACKAGE, part), ".py") for part in parts)
