"""Which operating system it is, and the banners that people see before they log in."""

from __future__ import annotations

from typing import ClassVar

from xspm.model.schema import ResourceType
from xspm.model.unknown import Maybe


class Os(ResourceType):
    """The operating system of the host."""

    TYPE: ClassVar[str] = "linux.os"

    family: str
    """Family of distributions: `debian`, `rhel`, `suse`, `alpine`, `arch` or `other`."""
    name: Maybe[str | None]
    """Distribution, the `ID` of os-release: `debian`, `ubuntu`, `rhel`, `alpine`; null where nothing says so."""
    version: Maybe[str | None]
    """`VERSION_ID` of os-release: `12`, `24.04`, `9.4`; null for rolling releases."""
    title: Maybe[str | None]
    """`PRETTY_NAME` of os-release."""
    codename: Maybe[str | None]
    """`VERSION_CODENAME` of os-release: `bookworm`."""
    end_of_life: Maybe[str | None]
    """When the publisher's free security support ends, an RFC 3339 timestamp; null for rolling releases, which have no end."""
    hostname: Maybe[str | None]
    """Name the machine gives itself."""
    architecture: Maybe[str | None]
    """Machine's architecture as the kernel names it: `x86_64`, `aarch64`."""
    kernel_release: Maybe[str | None]
    """Release of the running kernel, as `uname -r` prints it."""
    virtualization: Maybe[str | None]
    """What it runs in: `container`, `vm` or `none` (bare metal)."""
    init: Maybe[str | None]
    """What runs as the first process: `systemd`, `openrc`, `sysvinit`, `busybox`; null for a program of a container."""


class Banner(ResourceType):
    """A text that is shown before or after login."""

    TYPE: ClassVar[str] = "linux.banner"

    path: str
    """`/etc/issue` (console, before login), `/etc/issue.net` (network, before login) or `/etc/motd` (after login)."""
    exists: Maybe[bool]
    """Whether the file is there."""
    empty: Maybe[bool]
    """Whether it shows nothing but white space; true when it is not there."""
    discloses_system: Maybe[bool]
    """Whether it names the distribution, or lets getty fill in system, release or machine (`\\s`, `\\r`, `\\v`, `\\m`)."""
