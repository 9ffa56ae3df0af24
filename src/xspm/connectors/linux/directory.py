"""An unpacked root file system: nothing in it is executed, and no link leads out of it.

Links are resolved here, component by component, as a process confined to that root would see them: absolute targets
start at the root again and `..` never leaves it. The kernel only ever gets paths whose components are no links.
"""

from __future__ import annotations

import errno
import os
import stat as stat_bits
from typing import TYPE_CHECKING

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

    def __init__(self, path: str) -> None:
        """Take the folder that is the root.

        Raises:
            ConnectorError: it is not a readable folder.
        """
        try:
            os.scandir(path).close()
        except (OSError, ValueError) as error:
            reason = (getattr(error, "strerror", None) or str(error)).lower()
            raise ConnectorError(f"cannot read the root file system {path}: {reason}") from error
        self.top = os.path.realpath(path).rstrip("/")
        self.root = os.geteuid() == 0
        self._folders: dict[str, str] = {"": ""}

    def locate(self, path: str, *, follow: bool) -> str:
        """Resolve a path inside the root."""
        if not path.startswith("/"):
            raise OSError(errno.ENOENT, "not an absolute path", path)
        inside = self._resolve(path.rstrip("/") or "/", follow=follow)
        return self.top + inside if inside != "/" else self.top or "/"

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
            if stat_bits.S_ISLNK(os.lstat(self.top + path).st_mode):
                return os.readlink(self.top + path)  # noqa: PTH115 - as written, and called for every component
        except OSError as error:
            if error.errno in {errno.EACCES, errno.EPERM, errno.ELOOP, errno.ENAMETOOLONG}:
                raise
        return None
