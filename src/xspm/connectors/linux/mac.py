"""Mandatory access control: SELinux and AppArmor, configured and in force."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, ClassVar, Final

from xspm.connectors.linux import configuration
from xspm.connectors.linux.logic import NOT_LIVE, either
from xspm.connectors.linux.records import present, settings
from xspm.connectors.linux.transport import Needs
from xspm.model.schema import ResourceType
from xspm.model.unknown import Maybe, Unknown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from xspm.connectors.linux.transport import Source
    from xspm.model.asset import Problem, Resource


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


_SELINUX_CONFIG: Final = "/etc/selinux/config"
_SELINUX_ENFORCE: Final = "/sys/fs/selinux/enforce"
_APPARMOR_ENABLED: Final = "/sys/module/apparmor/parameters/enabled"
_APPARMOR_PROFILES: Final = "/sys/kernel/security/apparmor/profiles"
_APPARMOR_TOOLS: Final = ("/sbin/apparmor_parser", "/usr/sbin/apparmor_parser", "/etc/apparmor.d")
_PROFILE: Final = re.compile(r"(?m)^(.+) \((\w+)\)$")

TYPES: Final = (Mac,)
NEEDS: Final = Needs(
    texts=(_SELINUX_CONFIG, _SELINUX_ENFORCE, _APPARMOR_ENABLED, _APPARMOR_PROFILES, "/proc/cmdline"),
    stats=_APPARMOR_TOOLS,
)


def collect(source: Source) -> Iterator[Resource | Problem]:
    """Read both systems' configuration and what the kernel says of them."""
    config = source.text(_SELINUX_CONFIG)
    values = configuration.shell_assignments(config if isinstance(config, str) else "")
    doubt = config if isinstance(config, Unknown) else None
    enforce = source.text(_SELINUX_ENFORCE) if source.live else NOT_LIVE
    mode: Maybe[str | None] = (
        enforce
        if isinstance(enforce, Unknown)
        else "disabled"
        if enforce is None
        else "enforcing"
        if enforce.strip() == "1"
        else "permissive"
    )
    enabled = _apparmor_enabled(source)
    profiles = _profiles(source, enabled)
    enforced = profiles if isinstance(profiles, Unknown) else sum(m in {"enforce", "kill"} for m in profiles.values())
    confined = enforced if isinstance(enforced, Unknown) else enforced > 0
    selinux = mode if isinstance(mode, Unknown) else mode == "enforcing"
    configured = values.get("SELINUX")
    policy = values.get("SELINUXTYPE")
    yield settings(
        Mac(
            enforcing=either(selinux, confined),
            active=_active(mode, enabled),
            selinux_installed=config is not None,
            selinux_mode=mode,
            selinux_configured_mode=doubt or (configured.value.lower() if configured else None),
            selinux_policy=doubt or (policy.value if policy else None),
            apparmor_installed=present(source, *_APPARMOR_TOOLS),
            apparmor_enabled=enabled,
            apparmor_profiles=profiles if isinstance(profiles, Unknown) else len(profiles),
            apparmor_enforced=enforced,
            apparmor_complaining=profiles
            if isinstance(profiles, Unknown)
            else sorted(name for name, state in profiles.items() if state == "complain"),
        )
    )


def _active(mode: Maybe[str | None], enabled: Maybe[bool]) -> Maybe[str | None]:
    """Return the one in force."""
    if mode in {"enforcing", "permissive"}:
        return "selinux"
    if enabled is True:
        return "apparmor"
    return mode if isinstance(mode, Unknown) else enabled if isinstance(enabled, Unknown) else None


def _apparmor_enabled(source: Source) -> Maybe[bool]:
    """Whether the kernel uses AppArmor."""
    if not source.live:
        return NOT_LIVE
    text = source.text(_APPARMOR_ENABLED)
    return text if isinstance(text, Unknown) else (text or "").strip() == "Y"


def _profiles(source: Source, enabled: Maybe[bool]) -> Maybe[dict[str, str]]:
    """Return the mode of every loaded profile."""
    if enabled is not True:
        return enabled if isinstance(enabled, Unknown) else {}
    text = source.text(_APPARMOR_PROFILES)
    if text is None:
        return Unknown(f"not shown here: {_APPARMOR_PROFILES}", cause="missing")
    return text if isinstance(text, Unknown) else dict(_PROFILE.findall(text))
