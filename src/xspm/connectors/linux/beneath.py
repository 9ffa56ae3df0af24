"""Folders below one folder, opened so that no link leads out of it, whoever changes what meanwhile.

A path is opened component by component from the open folder above, and a component that is a link is refused. The
kernel never follows one: links are resolved by the caller, who then asks again for where they lead.
"""

from __future__ import annotations

import errno
import os
import stat as stat_bits
from collections import OrderedDict
from typing import Final
from weakref import finalize

_FOLDER: Final = os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_KEPT: Final = 64
"""Open folders that are kept, for most files lie in few."""


class Beneath:
    """The folders below one that is open."""

    def __init__(self, top: str) -> None:
        """Open the folder that is the root.

        Raises:
            OSError: it is no folder, or cannot be entered.
        """
        self._top = os.open(top or "/", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        self._kept: OrderedDict[str, int] = OrderedDict()
        finalize(self, _close, self._top, self._kept)

    def place(self, path: str) -> tuple[str, int]:
        """Return the last component of a path without links, and the open folder it is in.

        The folder stays open until many others were asked for.

        Raises:
            OSError: a folder on the way is not there, cannot be entered, or is a link by now (ELOOP).
        """
        folder, _, name = path.rstrip("/").rpartition("/")
        return name or ".", self._folder(folder)

    def _folder(self, path: str) -> int:
        """Return an open folder."""
        if not path:
            return self._top
        if path in self._kept:
            self._kept.move_to_end(path)
            return self._kept[path]
        above, _, name = path.rpartition("/")
        opened = _enter(name, self._folder(above))
        self._kept[path] = opened
        if len(self._kept) > _KEPT:
            os.close(self._kept.popitem(last=False)[1])
        return opened


def _enter(name: str, folder: int) -> int:
    """Open a folder within another; what is a link is no folder that is not there."""
    try:
        return os.open(name, _FOLDER, dir_fd=folder)
    except NotADirectoryError:
        if stat_bits.S_ISLNK(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode):
            raise OSError(errno.ELOOP, "a link took the place of a folder", name) from None
        raise


def _close(top: int, kept: OrderedDict[str, int]) -> None:
    """Close everything."""
    for opened in (top, *kept.values()):
        os.close(opened)
