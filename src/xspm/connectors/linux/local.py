"""Files read directly from this machine's file system: the part that `host` and `dir:` share.

A path is looked up before it is opened, so that a FIFO or a device is never opened; the opened file is looked up again,
so that one that was swapped in between is not read either. Sizes are capped.
"""

from __future__ import annotations

import errno
import os
import stat as stat_bits
from typing import TYPE_CHECKING

from xspm.connectors.linux import walk as walking
from xspm.connectors.linux.pattern import expand
from xspm.connectors.linux.transport import (
    ENTRY_LIMIT,
    TEXT_LIMIT,
    Names,
    Stat,
    absent,
    decode,
    file_kind,
    too_large,
    unreadable,
)
from xspm.model.unknown import Maybe, Unknown

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from xspm.model.asset import Problem

_FLAGS = os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
_NULL_DEVICE = os.makedev(1, 3)
"""A file that is a link to /dev/null is masked: to its reader it is empty."""


class LocalFiles:
    """Reads files below a folder of this machine."""

    top = ""
    """The folder that is the root; empty for this machine itself."""

    kernel_follows = True
    """Whether the kernel follows links; where not, a path that is handed to it has none."""

    def locate(self, path: str, *, follow: bool) -> tuple[str, int | None]:  # noqa: ARG002 - the kernel follows links
        """Return the path to hand to the kernel, and the open folder it starts from.

        Raises:
            OSError: the path leads nowhere.
        """
        return path, None

    def text(self, path: str, limit: int = TEXT_LIMIT) -> Maybe[str | None]:
        """See `Source.text`."""
        data = self.data(path, limit)
        return decode(data) if isinstance(data, bytes) else data

    def data(self, path: str, limit: int = TEXT_LIMIT) -> Maybe[bytes | None]:
        """See `Source.data`."""
        try:
            real, folder = self.locate(path, follow=True)
            found = os.stat(real, dir_fd=folder, follow_symlinks=self.kernel_follows)
            if not stat_bits.S_ISREG(found.st_mode):
                if stat_bits.S_ISCHR(found.st_mode) and found.st_rdev == _NULL_DEVICE:
                    return b""
                return Unknown(f"not a regular file: {path}", cause="format")
            descriptor = os.open(real, self._flags, dir_fd=folder)
            try:
                if not stat_bits.S_ISREG(os.fstat(descriptor).st_mode):
                    return Unknown(f"not a regular file: {path}", cause="format")
                return _read(descriptor, path, limit)
            finally:
                os.close(descriptor)
        except OSError as error:
            return _missing(path) if absent(error) else unreadable(path, error)

    def list(self, path: str) -> Maybe[Names | None]:
        """See `Source.list`."""
        try:
            real, folder = self.locate(path, follow=True)
            opened = os.open(real, self._flags | os.O_DIRECTORY, dir_fd=folder)
        except OSError as error:
            return _missing(path) if absent(error) else unreadable(path, error)
        try:
            with os.scandir(opened) as entries:
                names = []
                for entry in entries:
                    names.append(walking.clean(entry.name))
                    if len(names) > ENTRY_LIMIT:
                        return Unknown(f"more than {ENTRY_LIMIT} entries: {path}", cause="limit")
            return sorted(names)
        except OSError as error:
            return _missing(path) if absent(error) else unreadable(path, error)
        finally:
            os.close(opened)

    def glob(self, pattern: str) -> Maybe[Names]:
        """See `Source.glob`."""
        return expand(pattern, self.list, self._exists)

    def stat(self, path: str, *, follow: bool = False) -> Maybe[Stat | None]:
        """See `Source.stat`."""
        try:
            real, folder = self.locate(path, follow=follow)
            follow = follow and self.kernel_follows
            found = os.stat(real, dir_fd=folder, follow_symlinks=follow)
            target = os.readlink(real, dir_fd=folder) if stat_bits.S_ISLNK(found.st_mode) else None
        except OSError as error:
            return _missing(path) if absent(error) else unreadable(path, error)
        return Stat(
            path=path,
            kind=file_kind(found.st_mode),
            mode=stat_bits.S_IMODE(found.st_mode),
            uid=found.st_uid,
            gid=found.st_gid,
            size=found.st_size,
            device=found.st_dev,
            modified_seconds=int(found.st_mtime),
            target=None if target is None else walking.clean(target),
        )

    def walk(self) -> Iterator[Stat | Problem]:
        """See `Source.walk`."""
        return walking.walk(self.top, self.mounts(), self._numbers("/etc/passwd"), self._numbers("/etc/group"))

    @property
    def _flags(self) -> int:
        """How files are opened."""
        return _FLAGS if self.kernel_follows else _FLAGS | os.O_NOFOLLOW

    def mounts(self) -> Mapping[str, bool]:
        """Return which mount points inside the root the walk enters; by default none: it stays on one device."""
        return {}

    def _exists(self, path: str) -> Maybe[bool]:
        """Whether a path exists."""
        found = self.stat(path)
        return found if isinstance(found, Unknown) else found is not None

    def _numbers(self, path: str) -> set[int]:
        """Return the third fields of passwd or group."""
        text = self.text(path)
        return numbers(text if isinstance(text, str) else "")


def numbers(text: str) -> set[int]:
    """Return the numbers in the third fields of passwd or group."""
    fields = (line.split(":", 3) for line in text.splitlines())
    return {int(field[2]) for field in fields if len(field) > 2 and field[2].isascii() and field[2].isdigit()}


def _read(descriptor: int, path: str, limit: int) -> Maybe[bytes]:
    """Read an open file to its end, or say that it is too large."""
    chunks, size = [], 0
    while chunk := os.read(descriptor, 1 << 20):
        chunks.append(chunk)
        size += len(chunk)
        if size > limit:
            return too_large(path, limit)
    return b"".join(chunks)


def _missing(path: str) -> Unknown | None:
    """Return None for what is not there; a name that is no UTF-8 was listed with replacements and cannot be told."""
    if "\ufffd" in path:
        return unreadable(path, OSError(errno.EILSEQ, "name is not UTF-8"))
    return None
