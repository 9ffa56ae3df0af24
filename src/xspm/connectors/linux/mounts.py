"""File systems: what is mounted, with which options, and what fstab or mount units configure."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final, NamedTuple

from xspm.connectors.linux import configuration
from xspm.connectors.linux.logic import NOT_LIVE, either
from xspm.connectors.linux.records import resource, unlisted
from xspm.connectors.linux.redact import redact
from xspm.connectors.linux.transport import Needs
from xspm.connectors.linux.walk import MountPoint, parse_mountinfo, unescape
from xspm.model.schema import ResourceType
from xspm.model.unknown import Maybe, Unknown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from xspm.connectors.linux.transport import Source
    from xspm.model.asset import Problem, Resource


class Mount(ResourceType, frozen=True, kw_only=True):
    """A mount point: one that is in use or configured, or one of the paths that benchmarks want to be separate.

    `/tmp`, `/dev/shm`, `/home`, `/var`, `/var/tmp`, `/var/log`, `/var/log/audit` and `/boot` are always listed.
    """

    TYPE: ClassVar[str] = "linux.mount"

    path: str
    """Where it is mounted."""
    running: bool
    """Whether the host runs; of an unpacked root file system only what is configured is known."""
    mounted: Maybe[bool]
    """Whether a file system of its own is mounted there now; of an unpacked root false where fstab sets up a root and
    nothing sets up this.
    """
    configured: Maybe[bool]
    """Whether fstab or a mount unit mounts one at boot."""
    device: Maybe[str | None]
    """What is mounted there now, else what is configured: a device, label or share; null when nothing is."""
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


PATHS: Final = ("/tmp", "/dev/shm", "/home", "/var", "/var/tmp", "/var/log", "/var/log/audit", "/boot")  # noqa: S108
"""Paths that are listed whether anything is mounted there or not."""
_NETWORK: Final = frozenset(
    {"9p", "afs", "ceph", "cifs", "fuse.glusterfs", "fuse.sshfs", "glusterfs", "lustre", "ncpfs", "nfs", "nfs4", "smb3"}
)
_TRANSIENT: Final = ("/proc/", "/sys/", "/run/user/", "/var/lib/docker/", "/var/lib/containers/", "/var/lib/kubelet/")
_UNIT_FOLDERS: Final = ("/etc/systemd/system", "/run/systemd/system", "/usr/lib/systemd/system", "/lib/systemd/system")
_ENABLED: Final = "*.wants"

TYPES: Final = (Mount,)
NEEDS: Final = Needs(
    texts=(
        *("/proc/self/mountinfo", "/etc/fstab"),
        *(f"{folder}/*.mount" for folder in _UNIT_FOLDERS),
        *(f"{folder}/{_ENABLED}/*.mount" for folder in _UNIT_FOLDERS),
    ),
)


class Configured(NamedTuple):
    """A mount that is set up at boot."""

    device: str
    filesystem: str
    options: tuple[str, ...]
    file: str
    line: int


def collect(source: Source) -> Iterator[Resource | Problem]:
    """Read mountinfo, fstab and mount units."""
    mounted = live_mounts(source)
    configured = configured_mounts(source)
    if isinstance(mounted, Unknown) and source.live:
        yield unlisted(mounted, Mount)
        return
    in_use = {} if isinstance(mounted, Unknown) else {mount.path: mount for mount in mounted}
    set_up = {} if isinstance(configured, Unknown) else configured
    for path in sorted({*PATHS, *in_use, *set_up}):
        if not path.startswith("/") or path.startswith(_TRANSIENT):
            continue
        known = set_up.get(path)
        # A root that its own fstab sets up is set up whole, but for what systemd mounts by itself.
        nothing = "/" in set_up and known is None and path != "/dev/shm"  # noqa: S108 - a path that is read of
        mount = _mount(
            path,
            in_use.get(path) if source.live or nothing else NOT_LIVE,
            configured if isinstance(configured, Unknown) else known,
            running=source.live,
        )
        yield resource(mount, path, at=(known.file, known.line) if known else None)


def live_mounts(source: Source) -> Maybe[list[MountPoint]]:
    """Return what is mounted now."""
    if not source.live:
        return NOT_LIVE
    text = source.text("/proc/self/mountinfo")
    if text is None:
        return Unknown("/proc is not mounted here", cause="missing")
    return text if isinstance(text, Unknown) else parse_mountinfo(text)


def configured_mounts(source: Source) -> Maybe[dict[str, Configured]]:
    """Return what fstab and enabled mount units mount at boot, by path; fstab wins over vendors' units."""
    found: dict[str, Configured] = {}
    for folder in reversed(_UNIT_FOLDERS):
        units = source.glob(f"{folder}/{_ENABLED}/*.mount")
        if isinstance(units, Unknown):
            return units
        for path in units:
            text = source.text(path)
            if isinstance(text, str):
                found.update(_unit(text, path))
    table = source.text("/etc/fstab")
    if isinstance(table, Unknown):
        return table
    for line in configuration.lines(table or ""):
        fields = [unescape(field) for field in line.text.split()]
        if len(fields) < 3 or fields[2] == "swap":
            continue
        options = tuple(sorted(set((fields[3] if len(fields) > 3 else "defaults").split(","))))
        target = fields[1].rstrip("/") or "/"
        found[target] = Configured(fields[0], fields[2], options, "/etc/fstab", line.number)
    return found


def _unit(text: str, path: str) -> Iterator[tuple[str, Configured]]:
    """Read one mount unit."""
    values = {key: setting for section, key, setting in configuration.ini(text, file=path) if section == "Mount"}
    where = values.get("Where")
    if where is not None:
        empty = configuration.Setting("", path, where.line)
        options = tuple(sorted({option for option in values.get("Options", empty).value.split(",") if option}))
        device, filesystem = (values.get(key, empty).value for key in ("What", "Type"))
        yield where.value, Configured(device, filesystem, options, path, where.line)


def _mount(
    path: str, live: MountPoint | Unknown | None, configured: Configured | Unknown | None, *, running: bool
) -> Mount:
    """Put together what is in force and what is configured; without a running system, the latter."""
    now = live if isinstance(live, MountPoint) else None
    planned = configured if isinstance(configured, Configured) else None
    options: Maybe[list[str]] = live if isinstance(live, Unknown) else list(now.options) if now else []
    source = now.source if now else planned.device if planned else None
    filesystem = now.filesystem if now else planned.filesystem if planned else None

    def has(option: str) -> Maybe[bool]:
        return options if isinstance(options, Unknown) else option in options

    return Mount(
        path=path,
        running=running,
        mounted=live if isinstance(live, Unknown) else now is not None,
        configured=configured if isinstance(configured, Unknown) else planned is not None,
        device=redact(source) if source else _rest(live, configured),
        filesystem=filesystem or _rest(live, configured),
        network=either(filesystem in _NETWORK) if filesystem else False,
        options=options if isinstance(options, Unknown) else [redact(option) for option in options],
        nodev=has("nodev"),
        nosuid=has("nosuid"),
        noexec=has("noexec"),
        read_only=has("ro"),
        configured_options=[redact(option) for option in planned.options]
        if planned
        else configured
        if isinstance(configured, Unknown)
        else None,
    )


def _rest(live: MountPoint | Unknown | None, configured: Configured | Unknown | None) -> Unknown | None:
    """Return why nothing is said: unknown when the only place that could say it is."""
    return configured if isinstance(configured, Unknown) and not isinstance(live, MountPoint) else None
