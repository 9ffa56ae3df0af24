"""How a Linux host is read: the one interface between the services and the ways to reach a host.

A service asks a `Source` for texts, folders, metadata and the output of fixed commands, and never learns whether it
reads this machine, an unpacked root file system, an example or what a collector script brought over ssh. Three answers
are kept apart everywhere: the value, None for what does not exist there, and `Unknown` for what could not be had.
"""

from __future__ import annotations

import errno
import stat as stat_bits
from posixpath import dirname, join, normpath
from typing import TYPE_CHECKING, Final, Literal, Protocol, TypeAlias

import msgspec

from xspm.connectors.linux.capabilities import Capabilities
from xspm.model.unknown import Maybe, Unknown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from xspm.model.asset import Problem

TEXT_LIMIT: Final = 4 * 1024 * 1024
"""Bytes of a file that `Source.text` reads at most, unless told otherwise."""
COMMAND_LIMIT: Final = 16 * 1024 * 1024
"""Bytes of a command's output that are read at most."""
COMMAND_TIMEOUT_SECONDS: Final = 20.0
"""What one command may take."""
ENTRY_LIMIT: Final = 100_000
"""Names of one folder, or paths of one pattern, that are read at most."""
WALK_LIMIT: Final = 5_000_000
"""Entries that one walk of the file systems looks at, at most."""
WALK_TIMEOUT_SECONDS: Final = 60.0
"""What one walk of the file systems may take."""

Names: TypeAlias = list[str]
FileKind: TypeAlias = Literal["file", "directory", "link", "fifo", "socket", "block", "char"]

_KINDS: Final[dict[int, FileKind]] = {
    stat_bits.S_IFREG: "file",
    stat_bits.S_IFDIR: "directory",
    stat_bits.S_IFLNK: "link",
    stat_bits.S_IFIFO: "fifo",
    stat_bits.S_IFSOCK: "socket",
    stat_bits.S_IFBLK: "block",
    stat_bits.S_IFCHR: "char",
}


class Stat(msgspec.Struct, frozen=True):
    """Metadata of one path."""

    path: str
    """As it was asked for."""
    kind: FileKind
    mode: int
    """Permission bits, setuid, setgid and sticky: `st_mode & 0o7777`."""
    uid: int
    gid: int
    size: int
    """Bytes."""
    device: int = 0
    """Of the file system it lies on; 0 where that is not known."""
    modified_seconds: int = 0
    """Since the epoch."""
    target: str | None = None
    """Of a symbolic link, as written."""
    capabilities: Capabilities | None = None
    """Of an executable file; only the walk reads them."""


class Output(msgspec.Struct, frozen=True):
    """What a command printed."""

    status: int
    """Exit status; minus the signal's number when one ended it."""
    stdout: str
    stderr: str = ""


class Needs(msgspec.Struct, frozen=True):
    """Everything a service may ask for, so that a collector script can bring it in one round trip.

    Patterns are as in `Source.glob`, and `{kernel}` in them stands for the running kernel's release. What is not listed
    costs another round trip over ssh.
    """

    texts: tuple[str, ...] = ()
    """Patterns of files whose content is read; their metadata comes along."""
    stats: tuple[str, ...] = ()
    """Patterns of paths whose metadata (and link target) is read; folders among them are listed too."""
    lists: tuple[str, ...] = ()
    """Patterns of folders whose names are read."""
    commands: tuple[tuple[str, ...], ...] = ()
    """Argument vectors exactly as they are given to `Source.run`."""
    walk: bool = False
    """Whether it uses `Source.walk`."""


class Source(Protocol):
    """What services read: every method answers the value, None (not there) or `Unknown` (could not be had)."""

    @property
    def root(self) -> bool:
        """Whether everything may be read: effective uid 0, or a root file system that is not in force."""

    @property
    def live(self) -> bool:
        """Whether this is a running system, with its kernel and commands; False for files alone."""

    def text(self, path: str, limit: int = TEXT_LIMIT) -> Maybe[str | None]:
        """Read a regular file as UTF-8 (undecodable bytes are replaced); links are followed inside the root only."""

    def data(self, path: str, limit: int = TEXT_LIMIT) -> Maybe[bytes | None]:
        """Read a regular file as bytes; a larger one is unknown (`limit`), what is no regular file too (`format`)."""

    def list(self, path: str) -> Maybe[Names | None]:
        """List a folder: names, sorted."""

    def glob(self, pattern: str) -> Maybe[Names]:
        """List the existing paths that match, absolute and sorted.

        `*`, `?` and `[…]` match within one component, and dot files only where the pattern writes the dot.
        """

    def stat(self, path: str, *, follow: bool = False) -> Maybe[Stat | None]:
        """Look up the metadata of a path; `follow` looks through a final symbolic link."""

    def run(self, *argv: str) -> Maybe[Output | None]:
        """Run a fixed, read-only command; None when it is not installed."""

    def walk(self) -> Iterator[Stat | Problem]:
        """Walk all local file systems once without following links.

        Yields:
            Entries other than links that are setuid, setgid, world-writable, that have capabilities, or are of an owner
            or group that `/etc/passwd` and `/etc/group` do not name; and a problem for whatever kept the walk from
            being complete.
        """


def file_kind(mode: int) -> FileKind:
    """Return the kind of file that `st_mode` tells."""
    return _KINDS.get(stat_bits.S_IFMT(mode), "file")


def is_null_device(path: str, link: Stat | None) -> bool:
    """Whether a path is a link to /dev/null: how a file is masked, and to its reader an empty one."""
    if link is None or link.kind != "link" or not link.target:
        return False
    return normpath(join(dirname(path), link.target)) == "/dev/null"


def absent(error: OSError) -> bool:
    """Whether an error says that the path does not exist there."""
    return error.errno in {errno.ENOENT, errno.ENOTDIR, errno.ENXIO, errno.ENODEV, errno.ESRCH}


def unreadable(path: str, error: OSError) -> Unknown:
    """Return the reason why a path could not be read."""
    reason = (error.strerror or str(error)).lower()
    if error.errno in {errno.EACCES, errno.EPERM}:
        return Unknown(f"{reason}: {path}")
    if error.errno == errno.ELOOP:
        return Unknown(f"symbolic links that lead nowhere: {path}", cause="format")
    return Unknown(f"{reason}: {path}", cause="format")


def too_large(path: str, limit: int) -> Unknown:
    """Return the reason why a file was not read whole."""
    return Unknown(f"larger than {limit} bytes: {path}", cause="limit")


def decode(data: bytes) -> str:
    """Decode what a host wrote: UTF-8, undecodable bytes replaced, so that the text is always valid JSON."""
    return data.decode("utf-8", "replace")
