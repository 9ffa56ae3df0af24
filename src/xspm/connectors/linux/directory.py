"""An unpacked root file system: nothing in it is executed, and no link leads out of it.

Links are resolved here, component by component, as a process confined to that root would see them: absolute targets
start at the root again and `..` never leaves it. The kernel only ever gets one component at a time, relative to the
open folder it is in, and never follows a link: what is changed into one meanwhile leads nowhere.
"""

from __future__ import annotations

import errno
import os
import stat as stat_bits
from typing import TYPE_CHECKING

from xspm.connectors.linux.beneath import Beneath
from xspm.connectors.linux.local import LocalFiles
from xspm.connectors.linux.pattern import resolve
from xspm.errors import ConnectorError
from xspm.model.unknown import Unknown

if TYPE_CHECKING:
    from xspm.connectors.linux.transport import Output
    from xspm.model.unknown import Maybe


class DirectorySource(LocalFiles):
    """Reads a root file system that is not in force."""

    live = False
    kernel_follows = False

    def __init__(self, path: str) -> None:
        """Take the folder that is the root.

        Raises:
            ConnectorError: it is not a readable folder.
        """
        try:
            os.scandir(path).close()
            self.top = os.path.realpath(path).rstrip("/")
            self._beneath = Beneath(self.top)
        except (OSError, ValueError) as error:
            reason = (getattr(error, "strerror", None) or str(error)).lower()
            raise ConnectorError(f"cannot read the root file system {path}: {reason}") from error
        self.root = os.geteuid() == 0
        self._folders: dict[str, str] = {"": ""}

    def locate(self, path: str, *, follow: bool) -> tuple[str, int | None]:
        """Resolve a path inside the root."""
        if not path.startswith("/"):
            raise OSError(errno.ENOENT, "not an absolute path", path)
        return self._beneath.place(self._resolve(path.rstrip("/") or "/", follow=follow))

    def run(self, *argv: str) -> Maybe[Output | None]:
        """Never run anything: that root's programs are not to be trusted, and this machine's speak of this machine."""
        return Unknown(f"an unpacked root file system runs no commands: {argv[0]}", cause="missing")

    def _resolve(self, path: str, *, follow: bool) -> str:
        """Resolve a path, remembering folders, for most files lie in few."""
        folder, _, name = path.rpartition("/")
        if name in {"", ".", ".."}:
            return resolve(path, self._readlink, follow=follow)
        if folder not in self._folders:
            self._folders[folder] = resolve(folder, self._readlink, follow=True).rstrip("/")
        inside = f"{self._folders[folder]}/{name}"
        return resolve(inside, self._readlink, follow=True) if follow and self._readlink(inside) is not None else inside

    def _readlink(self, path: str) -> str | None:
        """Return a link's target, None for everything else."""
        try:
            name, folder = self._beneath.place(path)
            if stat_bits.S_ISLNK(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode):
                return os.readlink(name, dir_fd=folder)
        except OSError as error:
            if error.errno in {errno.EACCES, errno.EPERM, errno.ELOOP, errno.ENAMETOOLONG}:
                raise
        return None
