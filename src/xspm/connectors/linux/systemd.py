"""Services and the init system: systemd units, OpenRC runlevels and System V links.

What starts at boot is read from links in the file system, so it is known for an image too; what runs now is asked of a
live systemd or OpenRC. `linux.service` is the same on every init system; `linux.systemd_unit` adds what only systemd
has.
"""

from __future__ import annotations

from typing import ClassVar, Literal

from xspm.model.schema import ResourceType
from xspm.model.unknown import Maybe


class Init(ResourceType, frozen=True, kw_only=True):
    """The init system."""

    TYPE: ClassVar[str] = "linux.init"

    system: Literal["systemd", "openrc", "sysvinit", "none"]
    """What is installed to start services; `none` in most containers."""
    running: Maybe[bool]
    """It is in charge now; false in a container or chroot with another first process."""
    default_target: Maybe[str | None]
    """systemd: what boots (`multi-user.target`); null elsewhere."""
    ctrl_alt_del_reboots: Maybe[bool | None]
    """systemd: the key combination reboots (target not masked); null elsewhere."""
    debug_shell_enabled: Maybe[bool | None]
    """systemd: debug-shell.service, a root shell without password, is enabled; null elsewhere."""


class Service(ResourceType, frozen=True, kw_only=True):
    """A service that the init system knows, whichever init system it is."""

    TYPE: ClassVar[str] = "linux.service"

    name: str
    """Without suffix: `ssh`, `cron`, `telnet` (a systemd socket or timer keeps its suffix: `telnet.socket`)."""
    manager: Literal["systemd", "openrc", "sysvinit"]
    """Who starts it."""
    enabled: Maybe[bool]
    """It starts at boot, or on demand through an enabled socket or timer of its own."""
    masked: Maybe[bool]
    """It cannot be started (systemd)."""
    running: Maybe[bool | None]
    """It is active now; null when no init system is in charge."""


class SystemdUnit(ResourceType, frozen=True, kw_only=True):
    """A systemd unit file: service, socket, timer, path, mount or automount."""

    TYPE: ClassVar[str] = "linux.systemd_unit"

    name: str
    """With suffix: `ssh.service`."""
    kind: str
    """The suffix: `service`, `socket`, `timer`, `path`, `mount`, `automount`."""
    state: Maybe[str]
    """As systemctl is-enabled says: `enabled`, `enabled-runtime`, `disabled`, `masked`, `static`, `indirect`, `alias`,
    `linked`, `generated`.
    """
    enabled: Maybe[bool]
    """It is pulled in at boot (enabled, or static and wanted by a link in /usr)."""
    masked: Maybe[bool]
    """It is linked to /dev/null."""
    active: Maybe[str | None]
    """`active`, `inactive`, `failed`, `activating` …; null when systemd is not in charge."""
    file: Maybe[str | None]
    """The unit file in force; null for one that only a link names."""
    drop_ins: Maybe[list[str]]
    """Drop-in files, in order."""
    user: Maybe[str | None]
    """User= of a service; null when root."""
    dynamic_user: Maybe[bool]
    """DynamicUser=."""
    no_new_privileges: Maybe[bool]
    """NoNewPrivileges=."""
    private_tmp: Maybe[bool]
    """PrivateTmp=."""
    protect_system: Maybe[str]
    """ProtectSystem=: `no`, `yes`, `full`, `strict`."""
    protect_home: Maybe[str]
    """ProtectHome=: `no`, `yes`, `read-only`, `tmpfs`."""
    capability_bounding_set: Maybe[list[str] | None]
    """CapabilityBoundingSet=; null when not limited."""
    exec_start: Maybe[list[str]]
    """ExecStart= lines, credentials masked."""
    listens: Maybe[list[str]]
    """ListenStream= and ListenDatagram= of a socket unit."""
    unit_file_writable: Maybe[bool]
    """Group or others may write the unit file or one of its drop-ins, or someone but root owns it."""


TYPES: tuple[type[ResourceType], ...] = (Init, Service, SystemdUnit)
