"""Services and the init system: systemd units, OpenRC runlevels and System V links.

What starts at boot is read from links in the file system, so it is known for an image too; what runs now is asked of a
live systemd or OpenRC. `linux.service` is the same on every init system; `linux.systemd_unit` adds what only systemd
has.
"""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING, Any, ClassVar, Final, Literal

from xspm.connectors.linux import init
from xspm.connectors.linux.changers import changer
from xspm.connectors.linux.configuration import Setting, boolean, ini
from xspm.connectors.linux.init import UNIT_FOLDERS, UnitFile, init_of
from xspm.connectors.linux.init import Init as Manager
from xspm.connectors.linux.records import fill, resource, settings, unlisted
from xspm.connectors.linux.redact import redact
from xspm.connectors.linux.transport import Needs, Stat
from xspm.connectors.linux.unit_command import unit_texts
from xspm.model.schema import ResourceType
from xspm.model.unknown import Maybe, Unknown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from xspm.connectors.linux.transport import Source
    from xspm.model.asset import Problem, Resource


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
    """Someone other than root may change the unit file or one of its drop-ins, or a folder on the way to it."""


TYPES: tuple[type[ResourceType], ...] = (Init, Service, SystemdUnit)

_LISTED: Final = ("service", "socket", "timer", "path", "mount", "automount")
NEEDS: Final = Needs(
    texts=(
        *init.NEEDS.texts,
        *(
            pattern
            for folder in UNIT_FOLDERS
            for suffix in _LISTED
            for pattern in (f"{folder}/*.{suffix}", f"{folder}/*.{suffix}.d/*.conf", f"{folder}/{suffix}.d/*.conf")
        ),
    ),
    stats=(
        *(*init.NEEDS.stats, "/", "/lib", "/etc", "/etc/systemd", "/run", "/run/systemd", "/usr", "/usr/local"),
        *("/usr/lib", "/usr/local/lib", "/usr/local/lib/systemd", "/usr/lib/systemd", "/lib/systemd"),
    ),
    lists=(*init.NEEDS.lists, *(f"{folder}/*.d" for folder in UNIT_FOLDERS)),
    commands=init.NEEDS.commands,
)
"""Those of `init` as well, which every other service asks about its daemon."""
_CAPABILITIES_LIMIT: Final = 64


def collect(source: Source) -> Iterator[Resource | Problem]:
    """Read the init system, its services and systemd's units."""
    manager = init_of(source)
    yield settings(_init(source, manager))
    if manager.unreadable:
        yield unlisted(manager.unreadable, Service, SystemdUnit)
    for name in sorted(manager.scripts):
        if f"{name}.service" not in manager.units and (manager.system != "systemd" or manager.scripts[name]):
            yield resource(_script(manager, name), name)
    for name, unit in sorted(manager.units.items()):
        suffix = name.rpartition(".")[2]
        if suffix not in _LISTED or "@." in name or unit.alias_of:
            continue
        if suffix in {"service", "socket", "timer"}:
            yield resource(_service(manager, unit), _short(name))
        yield resource(_unit(source, manager, unit), name, at=(unit.path, 1) if unit.path and not unit.masked else None)


def _init(source: Source, manager: Manager) -> Init:
    if manager.system != "systemd":
        return fill(Init, None, {"system": manager.system, "running": manager.running})
    target: Maybe[str | None] = None
    for folder in UNIT_FOLDERS:
        found = source.stat(f"{folder}/default.target")
        if isinstance(found, Unknown):
            target = found
        elif isinstance(found, Stat):
            target = posixpath.basename(found.target or "default.target")
            break
    masked = manager.units.get("ctrl-alt-del.target")
    return Init(
        system="systemd",
        running=manager.running,
        default_target=target,
        ctrl_alt_del_reboots=manager.unreadable or not (masked and masked.masked),
        debug_shell_enabled=manager.unreadable or manager.pulled("debug-shell.service"),
    )


def _short(name: str) -> str:
    """Name a service without its suffix."""
    return name.removesuffix(".service")


def _script(manager: Manager, name: str) -> Service:
    kind: Literal["systemd", "openrc", "sysvinit"] = "openrc" if manager.system == "openrc" else "sysvinit"
    return Service(name=name, manager=kind, enabled=manager.scripts[name], masked=False, running=manager.runs(name))


def _service(manager: Manager, unit: UnitFile) -> Service:
    name = _short(unit.name)
    enabled = manager.boots(name)
    return Service(
        name=name,
        manager="systemd",
        enabled=False if enabled is None else enabled,
        masked=unit.masked,
        running=manager.runs(unit.name),
    )


def _unit(source: Source, manager: Manager, unit: UnitFile) -> SystemdUnit:
    active: Maybe[str | None] = None
    if manager.running:
        active = manager.active if isinstance(manager.active, Unknown) else manager.active.get(unit.name, "inactive")
    known: dict[str, Any] = {
        "name": unit.name,
        "kind": unit.name.rpartition(".")[2],
        "enabled": manager.pulled(unit.name),
        "masked": unit.masked,
        "active": active,
        "file": unit.path,
    }
    texts = unit_texts(source, manager.dropped, unit)
    if isinstance(texts, Unknown):
        return fill(SystemdUnit, texts, known)
    entries = [entry for path, text in texts.items() for entry in ini(text, file=path)]
    known["state"] = _state(manager, unit, entries)
    known["drop_ins"] = list(texts)[1:] if unit.path else list(texts)
    known["unit_file_writable"] = _writable(source, unit, known["drop_ins"])
    return SystemdUnit(**known, **_hardening(entries))


def _state(manager: Manager, unit: UnitFile, entries: list[tuple[str, str, Setting]]) -> str:
    """Say what systemctl is-enabled says."""
    if unit.masked:
        return "masked"
    if unit.alias_of:
        return "alias"
    if manager.wanted.get(unit.name) or manager.aliased(unit.name):
        return "enabled"
    install = {key for section, key, setting in entries if section == "Install" and setting.value}
    if install & {"WantedBy", "RequiredBy", "UpheldBy", "Alias"}:
        return "disabled"
    return "indirect" if "Also" in install else "static"


def _writable(source: Source, unit: UnitFile, drop_ins: list[str]) -> Maybe[bool]:
    """Whether someone other than root may change what the unit runs."""
    doubt: Unknown | None = None
    for path in (*([unit.path] if unit.path and not unit.masked else ()), *drop_ins):
        found = changer(source, path)
        if isinstance(found, Unknown):
            doubt = doubt or found
        elif found:
            return True
    return doubt or False


def _hardening(entries: list[tuple[str, str, Setting]]) -> dict[str, Any]:
    """Read the settings of a service that limit what it can do; the last assignment counts, an empty one resets."""
    single = {key: setting.value for section, key, setting in entries if section == "Service"}
    starts: list[str] = []
    capabilities: list[str] | None = None
    listens: list[str] = []
    for section, key, setting in entries:
        if section == "Service" and key == "ExecStart":
            starts = [*starts, redact(setting.value)] if setting.value else []
        elif section == "Service" and key == "CapabilityBoundingSet":
            capabilities = _capabilities(capabilities, setting.value)
        elif section == "Socket" and key in {"ListenStream", "ListenDatagram"}:
            listens = [*listens, setting.value] if setting.value else []
    user = single.get("User") or None
    return {
        "user": None if user in {"root", "0"} else user,
        "dynamic_user": boolean(single.get("DynamicUser", "no")) or False,
        "no_new_privileges": boolean(single.get("NoNewPrivileges", "no")) or False,
        "private_tmp": single.get("PrivateTmp") == "disconnected" or boolean(single.get("PrivateTmp", "no")) or False,
        "protect_system": _level(single.get("ProtectSystem", "no")),
        "protect_home": _level(single.get("ProtectHome", "no")),
        "capability_bounding_set": capabilities,
        "exec_start": starts,
        "listens": listens,
    }


def _capabilities(current: list[str] | None, value: str) -> list[str] | None:
    """Apply one CapabilityBoundingSet= line; `~` takes capabilities away, which leaves an open list."""
    if value.startswith("~"):
        removed = set(value[1:].split())
        return current if current is None else [name for name in current if name not in removed]
    names = sorted(set(value.split()))[:_CAPABILITIES_LIMIT]
    return names if not value or current is None else sorted({*current, *names})


def _level(text: str) -> str:
    """Write a boolean with more values in one way."""
    switch = boolean(text)
    if switch is None:
        return text.strip().lower()
    return "yes" if switch else "no"
