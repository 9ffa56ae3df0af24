"""Disk encryption: dm-crypt volumes in use, crypttab, and which file systems lie on neither."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final

import msgspec

from xspm.connectors.linux import configuration
from xspm.connectors.linux.logic import NOT_LIVE
from xspm.connectors.linux.mounts import live_mounts
from xspm.connectors.linux.records import settings
from xspm.connectors.linux.transport import Needs
from xspm.connectors.linux.walk import LOCAL_FILESYSTEMS
from xspm.model.schema import ResourceType
from xspm.model.unknown import Maybe, Unknown

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from xspm.connectors.linux.transport import Source
    from xspm.connectors.linux.walk import MountPoint
    from xspm.model.asset import Problem, Resource


class EncryptedVolume(msgspec.Struct, frozen=True, kw_only=True):
    """An encrypted volume."""

    name: str
    """Its mapped name: `/dev/mapper/NAME`."""
    active: Maybe[bool]
    """Whether it is open now."""
    configured: bool
    """Whether crypttab opens it at boot."""
    format: str | None
    """`LUKS1`, `LUKS2`, `PLAIN`, `BITLK`; null when it is not open."""
    key_file: str | None
    """Where crypttab says its key is read from; null when somebody must give it."""


class DiskEncryption(ResourceType, frozen=True, kw_only=True):
    """Encryption of the host's disks."""

    TYPE: ClassVar[str] = "linux.disk_encryption"

    root_encrypted: Maybe[bool]
    """Whether the root file system lies on an encrypted volume."""
    swap_encrypted: Maybe[bool | None]
    """Whether every swap space on a disk is encrypted; null when there is no swap on a disk."""
    unencrypted: Maybe[list[str]]
    """Where file systems of local disks are mounted that are not encrypted, sorted; boot partitions are left out."""
    volumes: Maybe[list[EncryptedVolume]]
    """Encrypted volumes that are open or configured, by name."""


_CRYPTTAB: Final = "/etc/crypttab"
_BOOT: Final = frozenset({"/boot", "/boot/efi", "/efi", "/boot/firmware"})

TYPES: Final = (DiskEncryption,)
NEEDS: Final = Needs(
    texts=(
        *(_CRYPTTAB, "/proc/self/mountinfo", "/proc/swaps", "/etc/fstab"),
        *("/sys/block/*/dm/uuid", "/sys/block/*/dm/name", "/sys/block/*/dev", "/sys/block/*/*/dev"),
    ),
    lists=("/sys/block/*/slaves", "/sys/block"),
)


class Disks:
    """The running system's block devices: what lies on what, and which are encrypted."""

    def __init__(self, source: Source) -> None:
        """Read /sys/block, whatever of it is shown."""
        self.shown = False
        self.names: dict[str, str] = {}
        """Kernel's name by `major:minor`."""
        self.mapped: dict[str, str] = {}
        """Kernel's name by mapped name."""
        self.formats: dict[str, str] = {}
        """Format of an encrypted device by kernel's name."""
        self._below: dict[str, list[str]] = {}
        for device in _listed(source, "/sys/block"):
            self.shown = True
            number = source.text(f"/sys/block/{device}/dev")
            if isinstance(number, str):
                self.names[number.strip()] = device
            self._below[device] = _listed(source, f"/sys/block/{device}/slaves")
            uuid, name = (source.text(f"/sys/block/{device}/dm/{word}") for word in ("uuid", "name"))
            if isinstance(name, str):
                self.mapped[name.strip()] = device
            if isinstance(uuid, str) and uuid.startswith("CRYPT-"):
                self.formats[device] = uuid.split("-")[1]

    def encrypted(self, device: str | None) -> bool:
        """Whether a device is encrypted, or all that it lies on."""
        pending, seen = [device or ""], set[str]()
        answers: list[bool] = []
        while pending:
            name = pending.pop()
            if name in self.formats or name in seen:
                answers.append(name in self.formats)
            elif below := self._below.get(name):
                pending += below
            else:
                answers.append(False)
            seen.add(name)
        return bool(answers) and all(answers)

    def name(self, device: str) -> str:
        """Return the kernel's name of a path below /dev."""
        word = device.rpartition("/")[2]
        return self.mapped.get(word, word)


def collect(source: Source) -> Iterator[Resource | Problem]:
    """Read crypttab, and what the running system's disks are."""
    table = source.text(_CRYPTTAB)
    mounts = live_mounts(source)
    if isinstance(mounts, Unknown):
        yield settings(_described(table, None, mounts, mounts, mounts))
        return
    disks = Disks(source)
    local = {mount.path: mount for mount in mounts if mount.filesystem in LOCAL_FILESYSTEMS}
    if not disks.shown:
        doubt = Unknown("/sys/block is not shown here", cause="missing")
        yield settings(_described(table, disks, doubt, doubt, doubt))
        return
    open_to_all = sorted(
        path for path, mount in local.items() if path not in _BOOT and not disks.encrypted(_device(disks, mount))
    )
    root = local.get("/")
    encrypted: Maybe[bool] = (
        disks.encrypted(_device(disks, root)) if root else Unknown("the root is not on a disk of its own", "missing")
    )
    yield settings(_described(table, disks, encrypted, _swap(source, disks), open_to_all))


def _device(disks: Disks, mount: MountPoint) -> str | None:
    """Return the kernel's name of what is mounted; file systems over several devices have a number of their own."""
    return disks.names.get(mount.device) or (disks.name(mount.source) if mount.source.startswith("/dev/") else None)


def _swap(source: Source, disks: Disks) -> Maybe[bool | None]:
    """Whether all swap on disks is encrypted; compressed memory is no disk."""
    text = source.text("/proc/swaps")
    if not isinstance(text, str):
        return text
    rows = [line.split() for line in text.splitlines()[1:]]
    kinds = [(row[0], row[1]) for row in rows if len(row) > 1 and "/zram" not in row[0]]
    if not kinds:
        return None
    if any(kind != "partition" for _, kind in kinds):
        mounts = live_mounts(source)
        holders = {mount.path: mount for mount in mounts} if isinstance(mounts, list) else {}
        return all(
            disks.encrypted(disks.name(path) if kind == "partition" else _holder(disks, holders, path))
            for path, kind in kinds
        )
    return all(disks.encrypted(disks.name(path)) for path, _ in kinds)


def _holder(disks: Disks, mounts: Mapping[str, MountPoint], path: str) -> str | None:
    """Return the device of the file system that a file lies on."""
    while path:
        path = path.rpartition("/")[0]
        if (path or "/") in mounts:
            return _device(disks, mounts[path or "/"])
    return None


def _described(
    table: Maybe[str | None],
    disks: Disks | None,
    root: Maybe[bool],
    swap: Maybe[bool | None],
    unencrypted: Maybe[list[str]],
) -> DiskEncryption:
    """Put volumes in use and configured ones together."""
    return DiskEncryption(
        root_encrypted=root,
        swap_encrypted=swap,
        unencrypted=unencrypted,
        volumes=table if isinstance(table, Unknown) else _volumes(table or "", disks),
    )


def _volumes(table: str, disks: Disks | None) -> list[EncryptedVolume]:
    """Return open and configured volumes by name."""
    lines = [line.text.split() for line in configuration.lines(table)]
    configured = {words[0]: words for words in lines if len(words) > 1}
    active = {name: device for name, device in disks.mapped.items() if device in disks.formats} if disks else {}
    volumes = []
    for name in sorted({*configured, *active}):
        words = configured.get(name, [])
        key = words[2] if len(words) > 2 else "none"
        volumes.append(
            EncryptedVolume(
                name=name,
                active=name in active if disks else NOT_LIVE,
                configured=name in configured,
                format=disks.formats[active[name]] if disks and name in active else None,
                key_file=None if key in {"none", "-"} else key,
            )
        )
    return volumes


def _listed(source: Source, path: str) -> list[str]:
    """Return the names in a folder that may not be there."""
    names = source.list(path)
    return names if isinstance(names, list) else []
