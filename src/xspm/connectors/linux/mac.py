"""Mandatory access control: SELinux and AppArmor, configured and in force."""

from __future__ import annotations

from typing import ClassVar

from xspm.model.schema import ResourceType
from xspm.model.unknown import Maybe


class Mac(ResourceType, frozen=True, kw_only=True):
    """Mandatory access control of the host."""

    TYPE: ClassVar[str] = "linux.mac"

    enforcing: Maybe[bool]
    """Whether SELinux enforces, or AppArmor enforces at least one profile."""
    active: Maybe[str | None]
    """`selinux` or `apparmor`: the one in force; null when none is."""
    selinux_installed: Maybe[bool]
    """Whether SELinux is configured on this host (/etc/selinux/config)."""
    selinux_mode: Maybe[str | None]
    """In force: `enforcing`, `permissive` or `disabled`."""
    selinux_configured_mode: Maybe[str | None]
    """At boot, from /etc/selinux/config; null when that does not say."""
    selinux_policy: Maybe[str | None]
    """`targeted`, `mls`; null when not configured."""
    apparmor_installed: Maybe[bool]
    """Whether AppArmor's parser or profiles are installed."""
    apparmor_enabled: Maybe[bool]
    """Whether the kernel uses AppArmor."""
    apparmor_profiles: Maybe[int]
    """How many profiles the kernel has loaded."""
    apparmor_enforced: Maybe[int]
    """How many loaded profiles are in enforce mode (or kill)."""
    apparmor_complaining: Maybe[list[str]]
    """Names of loaded profiles that only log, sorted."""
