"""A folder of derived files named by digest, safe to lose and safe to find tampered with.

What it holds is code made from policies, so a file counts only if this user alone can have written it and its own
digest is right. Anything else (foreign owner, loose mode, wrong magic, cut short) is ignored as if it were not there.
Failing to write is never an error.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
import time
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

_MAGIC: Final = b"xspm-cache-1\n"
_KEEP: Final = 8
"""Keys, each with its parts."""
_MAX_KEPT: Final = 64 * 1024 * 1024
"""Bytes of all of them; one library takes some six million."""
_LEFT_SECONDS: Final = 3600
"""Age from which a file that was not finished belongs to nobody any more."""
_MAX_BYTES: Final = 64 * 1024 * 1024


class Cache:
    """Files below one folder that only this user may write."""

    def __init__(self, folder: Path | str) -> None:
        """Use `folder`, made on the first `put`."""
        self._folder = os.fspath(folder)

    def get(self, key: str) -> bytes | None:
        """The payload stored under a key, None if there is none that can be trusted.

        A key is hex digits, with `.NAME` after them for a part of what is stored under the digits alone.
        """
        try:
            descriptor = os.open(f"{self._folder}/{key}", os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        except OSError:
            return None
        try:
            with open(descriptor, "rb") as file:
                if not (_private(os.fstat(file.fileno())) and _private(os.stat(self._folder))):
                    return None
                data = file.read(_MAX_BYTES)
        except OSError:
            return None
        head = len(_MAGIC) + 32
        payload = data[head:]
        if not data.startswith(_MAGIC) or hashlib.sha256(payload).digest() != data[len(_MAGIC) : head]:
            return None
        return payload

    def put(self, key: str, payload: bytes) -> None:
        """Store a payload, whole or not at all; one that is no part pushes out the oldest keys and theirs."""
        from pathlib import Path  # noqa: PLC0415 - what is cached is found without it

        folder = Path(self._folder)
        temporary = folder / f".{key}.{os.getpid()}"
        with contextlib.suppress(OSError):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            if not _private(folder.stat()):
                return
            descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
            try:
                with open(descriptor, "wb") as file:
                    file.write(_MAGIC + hashlib.sha256(payload).digest() + payload)
                temporary.replace(folder / key)
            finally:
                temporary.unlink(missing_ok=True)
            if "." not in key:
                self._trim()

    def _trim(self) -> None:
        """Drop the keys that were written longest ago, until few enough are left, and small enough together."""
        written: dict[str, float] = {}
        sizes: dict[str, int] = {}
        parts: dict[str, list[str]] = {}
        dropped: list[str] = []
        with os.scandir(self._folder) as entries:
            for entry in entries:
                status = entry.stat(follow_symlinks=False)
                if entry.name.startswith("."):
                    dropped += [entry.path] if status.st_mtime < time.time() - _LEFT_SECONDS else []
                    continue
                group = entry.name.partition(".")[0]
                parts.setdefault(group, []).append(entry.path)
                written[group] = max(written.get(group, 0), status.st_mtime)
                sizes[group] = sizes.get(group, 0) + status.st_size
        total = 0
        for place, group in enumerate(sorted(written, key=lambda name: written[name], reverse=True)):
            total += sizes[group]
            if place and (place >= _KEEP or total > _MAX_KEPT):
                dropped += parts[group]
        for path in dropped:
            with contextlib.suppress(FileNotFoundError, IsADirectoryError):
                os.unlink(path)

    def touch(self, key: str) -> None:
        """Count a key as written now, so that it is not among the oldest."""
        with contextlib.suppress(OSError):
            os.utime(f"{self._folder}/{key}", follow_symlinks=False)


def _private(status: os.stat_result) -> bool:
    return status.st_uid == os.geteuid() and not status.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
