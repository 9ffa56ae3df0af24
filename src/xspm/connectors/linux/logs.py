"""Logging: journald and rsyslog as their drop-ins leave them, and which daemons there are.

journald takes the last assignment over journald.conf and its drop-in directories, where a file in /etc hides one of the
same name in /run and /usr/lib. rsyslog is read in both its legacy and its RainerScript form, as far as modes, inputs
and remote targets go.
"""

from __future__ import annotations

from typing import ClassVar, Literal

import msgspec

from xspm.model.schema import ResourceType
from xspm.model.unknown import Maybe


class Journald(ResourceType, frozen=True, kw_only=True):
    """systemd's journal.

    When it is not installed, all other fields are unknown with cause `missing`.
    """

    TYPE: ClassVar[str] = "linux.journald"

    installed: bool
    """systemd-journald or its configuration is there."""
    storage: Maybe[str]
    """`persistent`, `auto`, `volatile` or `none`."""
    persistent: Maybe[bool]
    """Logs survive a reboot: storage is persistent, or auto and /var/log/journal exists."""
    compress: Maybe[bool]
    """Compress."""
    seal: Maybe[bool]
    """Seal (has effect only with a sealing key)."""
    forward_to_syslog: Maybe[bool]
    """ForwardToSyslog."""
    forward_to_wall: Maybe[bool]
    """ForwardToWall."""
    system_max_use: Maybe[str | None]
    """SystemMaxUse as written; null when not set."""
    system_keep_free: Maybe[str | None]
    """SystemKeepFree as written; null when not set."""
    runtime_max_use: Maybe[str | None]
    """RuntimeMaxUse as written; null when not set."""
    max_retention_seconds: Maybe[int | None]
    """MaxRetentionSec; null when not set or 0."""
    max_file_seconds: Maybe[int | None]
    """MaxFileSec; null when 0."""
    audit: Maybe[str]
    """Audit: `yes`, `no` or `keep`."""
    uploads: Maybe[bool]
    """systemd-journal-upload is enabled with a URL."""
    receives: Maybe[bool]
    """systemd-journal-remote's socket is enabled: the host takes journals from others."""
    files: list[str]
    """Configuration files read, in order."""
    defaulted: list[str]
    """Fields whose value is the program's default."""


class RemoteTarget(msgspec.Struct, frozen=True, kw_only=True):
    """A host that logs are sent to."""

    host: str
    """Name or address."""
    port: int | None
    """Port; null when the default."""
    protocol: Literal["udp", "tcp", "relp", "https"]
    """Transport."""
    tls: bool
    """Encrypted."""


class Rsyslog(ResourceType, frozen=True, kw_only=True):
    """rsyslog.

    When it is not installed, all other fields are unknown with cause `missing`.
    """

    TYPE: ClassVar[str] = "linux.rsyslog"

    installed: bool
    """The daemon or its configuration is there."""
    enabled: Maybe[bool | None]
    """It starts at boot; null when no init system is there."""
    running: Maybe[bool | None]
    """It runs now; null when no init system is in charge."""
    file_create_mode: Maybe[str]
    """Mode of new log files, four octal digits; the most open one where several are set."""
    file_create_mode_strict: Maybe[bool]
    """New log files give nothing to others and no writing to the group (0640 or stricter)."""
    directory_create_mode: Maybe[str]
    """Mode of new directories, four octal digits."""
    remote_targets: Maybe[list[RemoteTarget]]
    """Hosts that logs are sent to."""
    receives: Maybe[list[str]]
    """Inputs that take logs from the network: `udp`, `tcp`, `relp`."""
    log_files: Maybe[list[str]]
    """Files that rules write to, sorted."""
    logs_authentication: Maybe[bool]
    """A rule covers the facilities auth and authpriv."""
    files: list[str]
    """Configuration files read, in order."""
    defaulted: list[str]
    """Fields whose value is the program's default."""


class Logging(ResourceType, frozen=True, kw_only=True):
    """Logging as a whole."""

    TYPE: ClassVar[str] = "linux.logging"

    daemons: Maybe[list[str]]
    """Log daemons installed: `journald`, `rsyslog`, `syslog-ng`, `busybox`."""
    enabled_daemons: Maybe[list[str]]
    """Those that start at boot; journald always does under systemd."""
    persistent: Maybe[bool]
    """Some daemon keeps logs over a reboot."""
    remote: Maybe[bool]
    """Logs are sent to another host."""
    rotated: Maybe[bool]
    """logrotate is installed with a configuration."""


TYPES: tuple[type[ResourceType], ...] = (Journald, Rsyslog, Logging)
