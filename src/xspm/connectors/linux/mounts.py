"""File systems: what is mounted, with which options, and what fstab or mount units configure."""

from __future__ import annotations

from typing import ClassVar

from xspm.model.schema import ResourceType
from xspm.model.unknown import Maybe


class Mount(ResourceType):
    """A mount point: one that is in use or configured, or one of the paths that benchmarks want to be separate.

    `/tmp`, `/dev/shm`, `/home`, `/var`, `/var/tmp`, `/var/log`, `/var/log/audit` and `/boot` are always listed.
    """

    TYPE: ClassVar[str] = "linux.mount"

    path: str
    """Where it is mounted."""
    mounted: Maybe[bool]
    """Whether a file system of its own is mounted there now."""
    configured: Maybe[bool]
    """Whether fstab or a mount unit mounts one at boot."""
    device: Maybe[str | None]
    """What is mounted: a device, a label, a share; from the running system, else as configured. Null when nothing is."""
    filesystem: Maybe[str | None]
    """Type of the file system: `ext4`, `tmpfs`; null when nothing is mounted or configured."""
    network: Maybe[bool]
    """Whether it comes over the network (nfs, cifs …)."""
    options: Maybe[list[str]]
    """Options in force, sorted; empty when nothing is mounted there."""
    nodev: Maybe[bool]
    """Whether device files on it are ignored."""
    nosuid: Maybe[bool]
    """Whether setuid bits on it are ignored."""
    noexec: Maybe[bool]
    """Whether programs on it cannot be run."""
    read_only: Maybe[bool]
    """Whether it cannot be written."""
    configured_options: Maybe[list[str] | None]
    """Options that fstab or a mount unit gives, sorted; null when neither names it."""
