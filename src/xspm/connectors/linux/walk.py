"""The one walk over all local file systems: what is setuid, world-writable, of nobody, or has capabilities.

Entries are looked at with lstat and never opened. Mounts are told apart by mountinfo: pseudo and network file systems
are left out, a file system that is mounted twice is walked once, and the image stores of container engines are left out
as well, for they are not this host's programs.
"""

from __future__ import annotations

import errno
import os
import stat as stat_bits
import time
from typing import TYPE_CHECKING, Final, NamedTuple

from xspm.connectors.linux.capabilities import ATTRIBUTE, from_attribute
from xspm.connectors.linux.records import RUN_AS_ROOT
from xspm.connectors.linux.transport import WALK_LIMIT, WALK_TIMEOUT_SECONDS, Stat, file_kind
from xspm.model.asset import Problem, ProblemKind

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

CAPABLE: Final = "linux.capable_file"
WALK_TYPES: Final = ("linux.filesystem_scan", "linux.setuid_file", CAPABLE)
"""Types that a cut walk leaves incomplete."""
LOCAL_FILESYSTEMS: Final = frozenset(
    {
        *("bcachefs", "btrfs", "exfat", "ext2", "ext3", "ext4", "f2fs", "jfs", "msdos", "nilfs2", "ntfs", "ntfs3"),
        *("reiserfs", "ubifs", "vfat", "xfs", "zfs", "jffs2"),
    }
)
"""File systems on disks of this machine that are walked wherever they are mounted."""
SCRATCH: Final = frozenset({"/tmp", "/var/tmp", "/dev/shm"})  # noqa: S108 - looked at, not used
"""Where tmpfs is walked too."""
IMAGE_STORES: Final = frozenset(
    {
        "/var/lib/containerd",
        "/var/lib/containers/storage",
        "/var/lib/docker",
        "/var/lib/lxc",
        "/var/lib/lxd",
        "/var/lib/machines",
        "/var/lib/rancher",
    }
)
"""Folders of other systems' files."""
_FOLDER: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
_GONE: Final = frozenset({errno.ENOENT, errno.ENOTDIR})
_TYPE: Final = 0o170000
_DIRECTORY: Final = stat_bits.S_IFDIR
_REGULAR: Final = stat_bits.S_IFREG
_SPECIAL: Final = 0o6002
_EXECUTABLE: Final = 0o111
_NO_CAPABILITIES: Final = frozenset({errno.ENODATA, errno.ENOTSUP})


class MountPoint(NamedTuple):
    """One line of mountinfo."""

    path: str
    device: str
    """`major:minor`."""
    root: str
    """Which folder of the file system is mounted."""
    filesystem: str
    source: str
    options: tuple[str, ...]
    """Of the mount and of the file system, sorted, each once."""


def unescape(field: str) -> str:
    r"""Decode the octal escapes of mountinfo and fstab (`\040` is a blank)."""
    if "\\" not in field:
        return field
    head, *rest = field.split("\\")
    decoded = [head]
    for part in rest:
        code = part[:3]
        octal = len(code) == 3 and all(digit in "01234567" for digit in code) and int(code, 8) < 128
        decoded.append(chr(int(code, 8)) + part[3:] if octal else "\\" + part)
    return "".join(decoded)


def parse_mountinfo(text: str) -> list[MountPoint]:
    """Read /proc/self/mountinfo, in its order; lines that do not fit its format are left out."""
    mounts = []
    for line in text.splitlines():
        head, dash, tail = line.partition(" - ")
        left, right = head.split(" "), tail.split(" ")
        if not dash or len(left) < 6 or len(right) < 3:
            continue
        options = tuple(sorted({*left[5].split(","), *right[2].split(",")}))
        mounts.append(MountPoint(unescape(left[4]), left[2], unescape(left[3]), right[0], unescape(right[1]), options))
    return mounts


def walkable(mounts: list[MountPoint]) -> dict[str, bool]:
    """Return for each mount point whether the walk enters it."""
    last = {mount.path: mount for mount in mounts}
    answer: dict[str, bool] = {}
    seen: set[tuple[str, str]] = set()
    for path, mount in sorted(last.items()):
        whole = any((mount.device, root) in seen for root in _parents(mount.root))
        local = (
            path == "/" or mount.filesystem in LOCAL_FILESYSTEMS or (mount.filesystem == "tmpfs" and path in SCRATCH)
        )
        answer[path] = local and not whole
        if answer[path]:
            seen.add((mount.device, mount.root))
    return answer


def _parents(path: str) -> Iterator[str]:
    """Yield a path and every folder above it."""
    while True:
        yield path
        if path == "/":
            return
        path = path.rpartition("/")[0] or "/"


def clean(name: str) -> str:
    """Return a name as valid Unicode: undecodable bytes become replacement characters."""
    if name.isascii():
        return name
    return os.fsencode(name).decode("utf-8", "replace")


def walk(
    top: str,
    mounts: Mapping[str, bool],
    uids: Collection[int],
    gids: Collection[int],
    *,
    limit: int = WALK_LIMIT,
    timeout: float = WALK_TIMEOUT_SECONDS,
) -> Iterator[Stat | Problem]:
    """Walk everything below `top`; see `Source.walk`.

    Args:
        top: the folder that is the root, without a trailing slash: empty for this machine.
        mounts: by path inside the root, whether that mount is walked; a device not named there is not.
        uids: the numbers that accounts have.
        gids: the numbers that groups have.
        limit: entries looked at, at most.
        timeout: seconds, at most.
    """
    deadline = time.monotonic() + timeout
    known = Known(mounts, uids, gids, [])
    starts: list[tuple[str, int, int]] = []
    for start, found in _starts(top, mounts):
        starts.append((start, found.st_ino, found.st_dev))
        if start and (found.st_mode & _SPECIAL or found.st_uid not in uids or found.st_gid not in gids):
            yield _entry(start, found)
    seen = denied = 0
    example = ""
    pending: list[tuple[str, int]] = []
    device = 0
    while pending or starts:
        if not pending:
            start, number, device = starts.pop()
            pending.append((start, number))
        folder, number = pending.pop()
        if seen > limit or time.monotonic() > deadline:
            kind: ProblemKind = "limit" if seen > limit else "timeout"
            yield Problem(kind, f"walk of the file systems cut after {seen} entries", resource_types=WALK_TYPES)
            break
        try:
            # Entries are looked up relative to the open folder: a third less work for the kernel than by whole paths.
            # No slash at the end: with one, the kernel follows a link that took the folder's place.
            opened = os.open(f"{top}{folder}" or "/", _FOLDER)
        except OSError as error:
            # A folder that is gone by now, or no folder any more, holds nothing.
            if error.errno not in _GONE:
                denied += 1
                example = example or folder
            continue
        try:
            # A link that took the place of a folder above leads to another one, which may lie outside the root.
            if not _same(opened, number, device):
                denied += 1
                example = example or folder
                continue
            count, entries = _look(opened, folder, device, known, pending)
        finally:
            os.close(opened)
        seen += count
        yield from entries
    if known.unread:
        message = f"capabilities of {len(known.unread)} programs could not be read, for instance {known.unread[0]}"
        yield Problem("access", message, resource_types=(CAPABLE,), hint=RUN_AS_ROOT)
    if denied:
        message = f"{denied} folders could not be listed, for instance {clean(example) or '/'}"
        yield Problem("access", message, resource_types=WALK_TYPES, hint=RUN_AS_ROOT)


class Known(NamedTuple):
    """What tells an entry of interest."""

    mounts: Mapping[str, bool]
    uids: Collection[int]
    gids: Collection[int]
    unread: list[str]
    """Programs whose capabilities could not be read."""


def _look(
    opened: int, folder: str, device: int, known: Known, pending: list[tuple[str, int]]
) -> tuple[int, list[Stat]]:
    """Look at one folder: how many entries, and those of interest; the folders to go on with are put to `pending`.

    This is the loop that a scan's time goes into; it calls nothing for an entry that is of no interest.
    """
    count = 0
    entries: list[Stat] = []
    mounts, uids, gids, _ = known
    with os.scandir(opened) as listed:
        for entry in listed:
            count += 1
            if entry.is_symlink():
                continue
            try:
                # An lstat, for it is no link; naming the argument would cost 3 % of the walk.
                found = entry.stat()
            except OSError:
                continue
            mode = found.st_mode
            if mode & _TYPE == _DIRECTORY:
                path = f"{folder}/{entry.name}"
                # A mount is a start of its own, or is not walked.
                if found.st_dev != device or path in mounts:
                    continue
                if path not in IMAGE_STORES:
                    pending.append((path, found.st_ino))
            capable = None
            if mode & _EXECUTABLE and mode & _TYPE == _REGULAR:
                try:
                    # By the open folder, so that no link that takes the place of a folder above leads elsewhere.
                    capable = os.getxattr(f"/proc/self/fd/{opened}/{entry.name}", ATTRIBUTE, follow_symlinks=False)
                except OSError as error:
                    if error.errno not in _NO_CAPABILITIES and _there(entry.name, opened):
                        known.unread.append(clean(f"{folder}/{entry.name}"))
            if capable or mode & _SPECIAL or found.st_uid not in uids or found.st_gid not in gids:
                entries.append(_entry(f"{folder}/{entry.name}", found, capable))
    return count, entries


def _same(opened: int, number: int, device: int) -> bool:
    """Whether an open folder is the one that was seen in the folder above it."""
    found = os.fstat(opened)
    return found.st_ino == number and found.st_dev == device


def _there(name: str, folder: int) -> bool:
    """Whether a name is still in an open folder."""
    try:
        os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return True


def _starts(top: str, mounts: Mapping[str, bool]) -> Iterator[tuple[str, os.stat_result]]:
    """Yield the root and every mount that is entered, for one may lie below another that is not."""
    yield "", os.lstat(top or "/")
    for path, entered in mounts.items():
        if entered and path != "/" and not IMAGE_STORES.intersection(_parents(path)):
            try:
                yield path, os.lstat(top + path)
            except OSError:
                continue


def _entry(path: str, found: os.stat_result, capable: bytes | None = None) -> Stat:
    """Return the metadata of an entry of interest."""
    return Stat(
        path=clean(path),
        kind=file_kind(found.st_mode),
        mode=stat_bits.S_IMODE(found.st_mode),
        uid=found.st_uid,
        gid=found.st_gid,
        size=found.st_size,
        device=found.st_dev,
        modified_seconds=int(found.st_mtime),
        capabilities=from_attribute(capable) if capable else None,
    )
