"""Time synchronisation: which daemon keeps the clock, from which servers, and whether just one does.

chrony, systemd-timesyncd, ntpd (ntpsec) and OpenNTPD are known. Servers come from the daemons' files with their
includes; those that a DHCP lease adds at run time are not there.
"""

from __future__ import annotations

from typing import ClassVar, Literal

import msgspec

from xspm.model.schema import ResourceType
from xspm.model.unknown import Maybe


class TimeServer(msgspec.Struct, frozen=True, kw_only=True):
    """A source of time."""

    address: str
    """Name or address as written."""
    kind: Literal["server", "pool", "peer", "refclock"]
    """How it is used."""
    authenticated: bool
    """By NTS or a symmetric key."""
    daemon: str
    """The daemon whose configuration names it."""


class TimeSync(ResourceType, frozen=True, kw_only=True):
    """Time synchronisation of this host."""

    TYPE: ClassVar[str] = "linux.time_sync"

    installed: Maybe[list[str]]
    """Daemons that are there: `chrony`, `systemd-timesyncd`, `ntp`, `openntpd`, `busybox-ntpd`."""
    enabled: Maybe[list[str]]
    """Those that start at boot."""
    running: Maybe[list[str] | None]
    """Those that run now; null when no init system is in charge."""
    servers: Maybe[list[TimeServer]]
    """Sources configured for the enabled daemons (for all installed ones when none is enabled)."""
    synchronised: Maybe[bool | None]
    """The clock is in step now (systemd's mark, else `timedatectl`); null when that is not told."""
    chrony_user: Maybe[str | None]
    """User that chronyd runs as; null when chrony is not installed or does not say (its build's default applies)."""
    container: Maybe[bool]
    """This is a container: the clock is the host's."""


TYPES: tuple[type[ResourceType], ...] = (TimeSync,)
